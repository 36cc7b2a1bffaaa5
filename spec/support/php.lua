--- Real php-fpm nodes on loopback: unprivileged, each with a folder, a document
-- root and a port of its own.
--
--   local nodes = php.start({ folder = place, nodes = 3, children = 4 })
--   nodes[1].port, nodes[1].root, nodes[1]:busy()
--   php.stop(nodes)
local lfs = require "lfs"
local account = require "support.account"
local folder = require "support.folder"
local loop = require "support.loop"
local net = require "support.net"
local ports = require "support.ports"
local process = require "support.process"

local PROGRAM = "php-fpm8.2"
local START_SECONDS = 20
local STOP_SECONDS = 10

-- Errors go to FastCGI's STDERR; scripts that change are seen at once; bodies
-- are read by the script, and may be long.
local CONFIG = [[
[global]
daemonize = no
error_log = ${folder}/log
[${name}]
listen = 127.0.0.1:${port}
pm = static
pm.max_children = ${children}
pm.status_path = /status
pm.status_listen = 127.0.0.1:${status_port}
ping.path = /ping
catch_workers_output = yes
env[NODE_NAME] = ${name}
php_admin_flag[log_errors] = on
php_admin_flag[display_errors] = off
php_admin_flag[enable_post_data_reading] = off
php_admin_value[post_max_size] = 0
php_admin_value[opcache.revalidate_freq] = 0
]]

local _M = {}
local Node = {}
Node.__index = Node


local function log_tail(path)
  local text = folder.read(path) or ""
  return text:sub(-2000)
end


local function launch(node)
  os.remove(node.log)
  node.process = process.spawn(node.argv, {
    stdout = node.folder .. "/out", stderr = node.folder .. "/out",
    env = { TMPDIR = node.folder }, lasting = true,
  })
  node.pid = node.process.pid
end


local function await(node)
  local deadline = loop.deadline(START_SECONDS)
  while true do
    local text = folder.read(node.log) or ""
    if text:find("ready to handle connections", 1, true) then
      return
    end
    if not node.process:alive() or loop.now() > deadline then
      node:kill()
      error(("php-fpm node %s did not start; its log ends:\n%s%s"):format(
        node.name, log_tail(node.folder .. "/out"), log_tail(node.log)), 0)
    end
    loop.wait(-1, 0, loop.now() + 0.02)
  end
end


local function prepare(options, i, taken)
  local node = setmetatable({
    name = "php" .. i,
    folder = ("%s/php%d"):format(options.folder, i),
    port = taken[2 * i - 1],
    status_port = taken[2 * i],
  }, Node)
  node.root = node.folder .. "/public"
  node.log = node.folder .. "/log"
  lfs.mkdir(options.folder)
  lfs.mkdir(node.folder)
  if options.site then
    local status, text = process.run({ "cp", "-r", options.site, node.root })
    assert(status == 0, text)
  else
    lfs.mkdir(node.root)
  end

  local prefix = account.hand_over("www-data", node.folder)
  local values = {
    name = node.name, folder = node.folder, port = node.port,
    status_port = node.status_port, children = options.children or 4,
  }
  local config = node.folder .. "/php-fpm.conf"
  folder.write(config, (CONFIG:gsub("%${([%w_]+)}", values)))
  node.argv = account.command(prefix, {
    PROGRAM, "--nodaemonize", "--fpm-config", config,
  })
  return node
end


--- Starts nodes, and returns when all of them take requests.
-- @param options  table: folder (absolute; made if need be), nodes (integer),
--                 children (of each node), site (a folder: what each document
--                 root is a copy of; empty ones if absent)
-- @return array of nodes: name ("php1" ...), port, root, log, pid
function _M.start(options)
  local taken = ports.free(2 * options.nodes)
  local nodes = {}
  local ok, reason = pcall(function()
    for i = 1, options.nodes do
      local node = prepare(options, i, taken)
      launch(node)
      nodes[i] = node
    end
    for _, node in ipairs(nodes) do
      await(node)
    end
  end)
  if not ok then
    _M.stop(nodes)
    error(reason, 0)
  end
  return nodes
end


--- Ends nodes; those that are not there any more are no fault.
function _M.stop(nodes)
  for _, node in ipairs(nodes) do
    node.process:kill("TERM")
  end
  for _, node in ipairs(nodes) do
    node.process:wait(STOP_SECONDS)
    -- Also what a master that was killed alone has left behind: its children
    -- go on serving.
    node:kill()
  end
end


--- Starts a node again, on its port, after stop() or kill().
function Node:start()
  launch(self)
  await(self)
end


--- Ends a node, as its service would.
function Node:stop()
  _M.stop({ self })
end


--- Ends a node without a warning, with all of its children.
function Node:kill()
  if self.pid then
    process.kill(-self.pid, "KILL")
    self.process:wait()
    self.pid = nil
  end
end


local function record(kind, content)
  return string.char(1, kind, 0, 1, math.floor(#content / 256),
                     #content % 256, 0, 0) .. content
end


local function pair(name, value)
  return string.char(#name, #value) .. name .. value
end


-- One FastCGI request for the status page, which has a process of its own.
local function read_status(port)
  local params = pair("SCRIPT_NAME", "/status") .. pair("SCRIPT_FILENAME",
    "/status") .. pair("REQUEST_METHOD", "GET") .. pair("QUERY_STRING", "")
  local socket = assert(net.connect(port))
  assert(socket:send(record(1, "\0\1\0\0\0\0\0\0") .. record(4, params)
    .. record(4, "") .. record(5, "")))
  local pieces = {}
  repeat
    local piece = socket:receive_some()
    pieces[#pieces + 1] = piece
  until not piece
  socket:close()
  return table.concat(pieces)
end


--- How many of the node's children are serving a request now.
-- @return integer
function Node:busy()
  local text = read_status(self.status_port)
  local busy = text:match("\nactive processes:%s+(%d+)")
  assert(busy, "no status from " .. self.name .. ": " .. text)
  return tonumber(busy)
end


return _M
