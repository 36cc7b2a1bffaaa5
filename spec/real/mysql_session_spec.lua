--- Real clients log in to a real MariaDB through handshake = switch.
local folder = require "support.folder"
local galera = require "support.galera"
local moongate = require "support.moongate"
local process = require "support.process"

local CLEAN = { LD_PRELOAD = false, ASAN_OPTIONS = false }

local USERS = [[
  INSTALL SONAME 'auth_ed25519';
  CREATE USER ed@'%' IDENTIFIED VIA ed25519 USING PASSWORD('secret');
  GRANT ALL ON app.* TO ed@'%';
]]

local CONFIG = [[
  [upstream db]
  protocol = mysql
  check = %s
  server db1 = 127.0.0.1:${port_db1}
  [mysql db]
  listen = 127.0.0.1:${port_mysql}
  upstream = db
  access_log = json
]]


local function run(argv)
  return process.run(argv, { env = CLEAN, seconds = 120 })
end


local function php(code, port)
  return run({ "php", "-r", (code:gsub("%${port}", port)) })
end


local function sysbench(port, command)
  return run({ "sysbench", "oltp_read_write", "--db-driver=mysql",
    "--mysql-host=127.0.0.1", "--mysql-port=" .. port, "--mysql-user=app",
    "--mysql-password=app", "--mysql-db=app", "--tables=1", "--table-size=10",
    "--events=50", "--threads=4", "--time=0", command })
end


describe("a login that is switched", function()
  local place, cluster, node, m, port

  setup(function()
    place = folder.make()
    cluster = galera.start({ folder = place, nodes = 1 })
    node = cluster.nodes[1]
    node:sql(USERS)
  end)

  teardown(function()
    if cluster then
      cluster:stop()
    end
    folder.remove(place)
  end)

  after_each(moongate.finish)

  local function start(check)
    m = moongate.start({
      config = CONFIG:format(check or "galera user=check interval=200ms"),
      ports = { db1 = node.port }, workers = 2,
    })
    port = m.port.mysql
  end

  for name, check in pairs({
    ["a server that is known"] = "galera user=check interval=200ms",
    ["one of which nothing is known"] = "off",
  }) do
    it("lets mariadb in to " .. name, function()
      start(check)
      for _ = 1, 3 do
        assert.are.equal("app@%\tapp", assert(galera.query(port,
          "SELECT CURRENT_USER(), DATABASE()")))
      end
    end)
  end
end)
