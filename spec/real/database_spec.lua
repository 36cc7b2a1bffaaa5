--- A real Galera cluster behind the balancer.
local folder = require "support.folder"
local galera = require "support.galera"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local process = require "support.process"

local SYSBENCH_SECONDS = 10
local TABLE_SIZE = 1000

local CONFIG = [[
  [upstream db]
  protocol = mysql
  policy = %s
  server db1 = 127.0.0.1:${port_db1}
  server db2 = 127.0.0.1:${port_db2}
  server db3 = 127.0.0.1:${port_db3}
  [mysql db]
  listen = 127.0.0.1:${port_mysql}
  upstream = db
  access_log = tcplog
  handshake = %s
]]


local function node_name(port)
  return galera.query(port, "SELECT @@wsrep_node_name")
end


local function sysbench(port, command)
  return process.run({
    "sysbench", "oltp_read_write", "--db-driver=mysql",
    "--mysql-host=127.0.0.1", "--mysql-port=" .. port, "--mysql-user=app",
    "--mysql-password=app", "--mysql-db=app", "--tables=4", "--threads=6",
    "--table-size=" .. TABLE_SIZE, "--time=" .. SYSBENCH_SECONDS,
    "--mysql-ignore-errors=1213", command,
  }, { seconds = 4 * SYSBENCH_SECONDS + 60 })
end


describe("a Galera cluster behind moongate", function()
  local place, cluster, m, port

  setup(function()
    place = folder.make()
    cluster = galera.start({ folder = place, nodes = 3 })
  end)

  teardown(function()
    if cluster then
      cluster:stop()
    end
    folder.remove(place)
  end)

  after_each(moongate.finish)

  local function start(policy, handshake)
    local ports = {}
    for _, node in ipairs(cluster.nodes) do
      ports[node.name] = node.port
    end
    m = moongate.start({
      config = CONFIG:format(policy or "roundrobin",
        handshake or "switch"),
      ports = ports,
      workers = 2,
    })
    port = m.port.mysql
  end

  it("names its nodes twice each in six logins", function()
    start()
    local names = {}
    for i = 1, 6 do
      names[i] = assert(node_name(port))
    end
    for i = 1, 3 do
      assert.are.equal(names[i], names[i + 3])
    end
    table.sort(names)
    assert.are.same({ "db1", "db1", "db2", "db2", "db3", "db3" }, names)
  end)

  it("passes on what the server says of a wrong password", function()
    start()
    local rows, reason = galera.query(port, "SELECT 1", { password = "no" })
    assert.is_nil(rows)
    assert.truthy(reason:find("ERROR 1045 (28000): Access denied for user "
      .. "'app'@'127.0.0.1'", 1, true))
  end)

  for _, policy in ipairs({ "roundrobin", "leastconn" }) do
    it("runs sysbench without a fault, by " .. policy, function()
      start(policy)
      local first = cluster.nodes[1].port
      local status, text = sysbench(first, "prepare")
      assert.are.equal(0, status, text)
      status, text = sysbench(port, "run")
      local reconnects = text:match("reconnects:%s+(%d+)")
      local _, cleaned = sysbench(first, "cleanup")
      assert.are.equal(0, status, text .. cleaned)
      assert.are.equal("0", reconnects, text)
      assert.is_nil(text:find("FATAL", 1, true), text)
    end)
  end

  it("gives back what a killed worker held, and spares the other one",
     function()
    -- The greeting is a server's: who has it holds that server.
    start("leastconn", "passthrough")
    local clients = {}
    for i = 1, 12 do
      clients[i] = assert(net.connect(port))
      assert(clients[i]:receive_some())
    end
    local workers = m:workers()
    m.workers_change = true
    process.kill(workers[1], "KILL")
    loop.wait_until("the worker is replaced", function()
      local now = m:workers()
      return #now == 2 and not (now[1] == workers[1] or now[2] == workers[1])
    end, 1)

    local alive = 0
    for _, client in ipairs(clients) do
      alive = alive + (client:quiet(0) and 1 or 0)
    end
    loop.wait_until("active is what is open", function()
      local active = 0
      for _, server in ipairs(m:ctl("show servers --json")) do
        active = active + server.active
      end
      return active == alive
    end, 1)
    assert.truthy(node_name(port))
  end)

  it("loses no login when a node dies, and says so", function()
    start()
    cluster.nodes[3]:kill()
    loop.wait_until("the others go on", function()
      return galera.query(cluster.nodes[1].port, "CREATE TABLE v (a INT)")
    end, 30)
    for _ = 1, 9 do
      local name, reason = node_name(port)
      assert.is_true(name == "db1" or name == "db2", reason)
    end
    m:wait_log("db3")
    cluster.nodes[3]:start()
    local seen = {}
    for _ = 1, 6 do
      seen[assert(node_name(port))] = true
    end
    assert.are.same({ db1 = true, db2 = true, db3 = true }, seen)
  end)
end)
