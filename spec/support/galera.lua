--- A real Galera cluster of MariaDB nodes on loopback, unprivileged, each with
-- a folder and ports of its own.  Made to start and stop fast, not to keep
-- anything.
--
--   local cluster = galera.start({ folder = place, nodes = 3 })
--   galera.query(cluster.nodes[1].port, "SELECT @@wsrep_node_name")
--   cluster:stop()
--
-- Users: `app` with password `app` and all rights on the schema `app`; `check`
-- with no password and no rights.  Nobody logs in as root over TCP, but
-- Node:sql does by the socket.
local lfs = require "lfs"
local account = require "support.account"
local folder = require "support.folder"
local loop = require "support.loop"
local ports = require "support.ports"
local process = require "support.process"

local PROVIDER = "/usr/lib/galera/libgalera_smm.so"
local CACHE = lfs.currentdir() .. "/build/cache"
local START_SECONDS = 60
local STOP_SECONDS = 20
local ATTEMPTS = 3  -- when another program has taken a port meanwhile
-- The sanitizer is for the spec's own process, not for the nodes and clients.
local CLEAN = { LD_PRELOAD = false, ASAN_OPTIONS = false }
local PORTS_OF_NODE = 4  -- SQL, group, state transfer whole and in parts

-- The files of a node before its first start.  In bootstrap mode the server
-- takes one statement a line.
local INITIAL_SQL = [[
CREATE DATABASE app;
FLUSH PRIVILEGES;
CREATE USER app@'%' IDENTIFIED BY 'app';
GRANT ALL ON app.* TO app@'%';
CREATE USER `check`@'%';
]]

local _M = {}
local Cluster = {}
Cluster.__index = Cluster
local Node = {}
Node.__index = Node


local function run(argv, options)
  options = options or {}
  options.env = options.env or CLEAN
  local status, text = process.run(argv, options)
  if status ~= 0 then
    error(("%s failed:\n%s"):format(table.concat(argv, " "), text), 0)
  end
  return text
end


local function log_tail(node)
  return (folder.read(node.log) or ""):sub(-5000)
end


local function launch(node, bootstrap)
  os.remove(node.log)
  local argv = node.argv
  if bootstrap then
    argv = account.command(argv, { "--wsrep-new-cluster" })
  end
  node.process = process.spawn(argv, {
    stdout = node.folder .. "/out", stderr = node.folder .. "/out",
    env = { TMPDIR = node.folder, LD_PRELOAD = false, ASAN_OPTIONS = false },
    lasting = true,
  })
  node.pid = node.process.pid
end


local function await(node)
  local deadline = loop.deadline(START_SECONDS)
  while true do
    local text = folder.read(node.log) or ""
    if text:find("Synchronized with group, ready for connections", 1, true)
        and text:find("mariadbd: ready for connections", 1, true) then
      return
    end
    if not node.process:alive() or loop.now() > deadline then
      node:kill()
      error(("Galera node %s did not start; its log ends:\n%s"):format(
        node.name, log_tail(node)), 0)
    end
    loop.wait(-1, 0, loop.now() + 0.02)
  end
end


-- A node whose files are in PLACE/data.
-- @param numbers  array of PORTS_OF_NODE ports
-- @param group    array of "host:port": the group ports of all nodes
local function node_new(name, place, numbers, group)
  local node = setmetatable({
    name = name,
    folder = place,
    port = numbers[1],
    log = place .. "/log.err",
  }, Node)
  local prefix = account.hand_over("mysql", place)
  local provider_options = {
    "base_host=127.0.0.1", "base_port=" .. numbers[2],
    "gmcast.listen_addr=tcp://127.0.0.1:" .. numbers[2],
    "ist.recv_addr=127.0.0.1:" .. numbers[4],
    "gcache.size=8M", "gcache.page_size=8M", "pc.recovery=no",
    -- Nodes that are gone are noticed in seconds, not in a quarter of a minute.
    "evs.keepalive_period=PT0.5S", "evs.suspect_timeout=PT2S",
    "evs.inactive_timeout=PT4S",
  }
  -- The socket's path counts from the data folder: it has to be short.
  node.argv = account.command(prefix, {
    "mariadbd", "--no-defaults",
    "--datadir=" .. place .. "/data",
    "--log-error=" .. node.log,
    "--pid-file=" .. place .. "/pid",
    "--socket=sock",
    "--bind-address=127.0.0.1",
    "--port=" .. node.port,
    "--skip-name-resolve",
    "--max-connections=400",
    "--performance-schema=off",
    "--binlog-format=ROW",
    "--innodb-autoinc-lock-mode=2",
    "--innodb-buffer-pool-size=24M",
    "--innodb-log-file-size=8M",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=off",
    "--innodb-use-native-aio=off",
    "--wsrep-on=on",
    "--wsrep-provider=" .. PROVIDER,
    "--wsrep-provider-options=" .. table.concat(provider_options, ";"),
    "--wsrep-cluster-name=moongate",
    "--wsrep-cluster-address=gcomm://" .. table.concat(group, ","),
    "--wsrep-node-name=" .. name,
    "--wsrep-node-address=127.0.0.1:" .. numbers[2],
    "--wsrep-sst-method=rsync",
    "--wsrep-sst-receive-address=127.0.0.1:" .. numbers[3],
  })
  return node
end


-- Fills PLACE/data with the files of a new server that has been a cluster of
-- one for a moment, and ended in order.
-- --force: the host's name need not be known to DNS.
local function make_data(place)
  local data, sql = place .. "/data", place .. "/initial.sql"
  local small = "--innodb-log-file-size=8M"
  run({ "mariadb-install-db", "--no-defaults", "--datadir=" .. data, small,
        "--skip-test-db", "--force" })
  folder.write(sql, INITIAL_SQL)
  run({ "mariadbd", "--no-defaults", "--bootstrap", "--datadir=" .. data,
        small, "--user=root" }, { stdin = sql })

  local numbers = ports.free(PORTS_OF_NODE)
  local node = node_new("template", place, numbers,
                        { "127.0.0.1:" .. numbers[2] })
  launch(node, true)
  await(node)
  node:stop()
  os.remove(data .. "/galera.cache")
end


-- The data that all nodes begin with: made once per checkout and version.
-- They are at the same place of the same history, so a node that joins asks
-- for the changes since, not for all of the data, which would take seconds.
local function template()
  local version = run({ "mariadbd", "--no-defaults", "--version" })
    :match("Ver ([%w.]+)")
  local place = CACHE .. "/galera-" .. version
  if lfs.attributes(place, "mode") == "directory" then
    return place
  end

  local new = folder.make()
  local ok, reason = pcall(make_data, new)
  if ok then
    run({ "mkdir", "-p", CACHE })
    local copy = run({ "mktemp", "-d", CACHE .. "/new-XXXXXX" }):match("%S+")
    run({ "cp", "-r", new .. "/data/.", copy })
    -- Another run may have made it meanwhile: either copy is as good.
    if not os.rename(copy, place) then
      folder.remove(copy)
    end
  end
  folder.remove(new)
  assert(ok, reason)
  return place
end


-- Starts all nodes, or none: nil and the reason.
local function try_start(options)
  local taken = ports.free(PORTS_OF_NODE * options.nodes)
  local groups, group = {}, {}
  for i = 1, options.nodes do
    local first = PORTS_OF_NODE * (i - 1)
    groups[i] = { unpack(taken, first + 1, first + PORTS_OF_NODE) }
    group[i] = "127.0.0.1:" .. groups[i][2]
  end

  local data = template()
  local cluster = setmetatable({ nodes = {} }, Cluster)
  local ok, reason = pcall(function()
    for i = 1, options.nodes do
      local name = "db" .. i
      local place = options.folder .. "/" .. name
      run({ "rm", "-rf", place })
      run({ "mkdir", "-p", place })
      run({ "cp", "-r", data, place .. "/data" })
      local node = node_new(name, place, groups[i], group)
      node.argv = account.command(node.argv, options.args or {})
      cluster.nodes[i] = node
      launch(node, i == 1)
      await(node)
      if options.progress then
        options.progress(node)
      end
    end
  end)
  if not ok then
    cluster:stop()
    return nil, reason
  end
  return cluster
end


--- Starts a cluster, and returns when all of its nodes are in sync.
-- @param options  table: folder (absolute; made if need be), nodes (integer),
--                 args (array or nil: further ones of each node), progress
--                 (function or nil: called with each node in sync)
-- @return a cluster; its `nodes` have name ("db1" ...), port, log, pid
function _M.start(options)
  local cluster, reason
  for _ = 1, ATTEMPTS do
    cluster, reason = try_start(options)
    if cluster or not tostring(reason):find("Address already in use", 1, true)
    then
      break
    end
  end
  return cluster or error(reason, 0)
end


--- Runs SQL through the mariadb client.
-- @param port     integer
-- @param sql      string
-- @param options  table or nil: user, password, schema [app]
-- @return string: the rows as lines, columns parted by tabs; or nil and what
--   the client said
function _M.query(port, sql, options)
  options = options or {}
  local status, text = process.run({
    "mariadb", "--no-defaults", "--protocol=tcp", "--host=127.0.0.1",
    "--port=" .. port, "--user=" .. (options.user or "app"),
    "--password=" .. (options.password or "app"),
    "--batch", "--skip-column-names", "--execute=" .. sql,
    options.schema or "app",
  }, { env = CLEAN })
  text = text:gsub("\n$", "")
  if status ~= 0 then
    return nil, text
  end
  return text
end


--- Runs SQL on a node as root, who may come by its socket only.
-- @param sql  string
-- @return string: as of _M.query; raises for a failure
function Node:sql(sql)
  local text = run({ "mariadb", "--no-defaults",
    "--socket=" .. self.folder .. "/data/sock", "--user=root", "--batch",
    "--skip-column-names", "--execute=" .. sql })
  return (text:gsub("\n$", ""))
end


--- A status variable as the node itself says it.
function Node:status(name)
  local text = self:sql("SHOW GLOBAL STATUS LIKE '" .. name .. "'")
  return text:match("\t(.*)")
end


--- Forgets the node's data: its next start asks for all of them (SST).
function Node:forget()
  run({ "sh", "-c", "rm -rf " .. self.folder .. "/data/*" })
end


--- Ends all nodes at once; those that are not there any more are no fault.
-- Their data are not worth the seconds that an orderly end takes.
function Cluster:stop()
  for _, node in ipairs(self.nodes) do
    if node.process then
      node:kill()
    end
  end
end


--- Starts a node again after stop() or kill(); it joins the others.
function Node:start()
  launch(self, false)
  await(self)
end


--- Ends a node, as its service would: the others are told.
function Node:stop()
  self.process:kill("TERM")
  if not self.process:wait(STOP_SECONDS) then
    self:kill()
  end
end


--- Ends a node without a warning; the others find out.
function Node:kill()
  process.kill(-self.pid, "KILL")
  self.process:wait()
end


return _M
