--- check = galera against scripted nodes: the kept connection, the weight, and
-- ways to fail between two questions.
local checker = require "support.checker"
local loop = require "support.loop"
local mysql = require "support.mysql"
local net = require "support.net"
local peer = require "support.peer"


-- What a healthy node answers; a spec changes it.
local function healthy()
  return {
    wsrep_ready = "ON", wsrep_cluster_status = "Primary",
    wsrep_local_state = "4", wsrep_local_state_comment = "Synced",
    wsrep_cluster_state_uuid = "5e407fbd-ea0b-11f1-ae7d-bffb54d94535",
    wsrep_cluster_conf_id = "3", wsrep_cluster_size = "3",
    wsrep_local_recv_queue = "0", wsrep_flow_control_paused_ns = "0",
    wsrep_on = "ON", wsrep_reject_queries = "NONE", read_only = "OFF",
  }
end


describe("check = galera", function()
  local checks, node

  before_each(function()
    node = { values = healthy(), logins = 0, queries = {} }
  end)

  after_each(function()
    if checks then
      checks:close()
      checks = nil
    end
    loop.clear()
    net.close_all()
  end)

  -- The values that a query asks for.
  local function answer(query)
    local rows = {}
    for name in query:gmatch("'([%w_]+)'") do
      if node.values[name] then
        rows[#rows + 1] = { name, node.values[name] }
      end
    end
    return mysql.result(rows)
  end

  -- Answers questions until the check takes leave; node.on_query(connection,
  -- n) may do something else for the n-th question of the connection.
  local function serve_queries(connection)
    local n = 0
    while true do
      local query = mysql.receive(connection)
      if not query or query == "\1" then
        node.left = query
        return
      end
      n = n + 1
      node.queries[#node.queries + 1] = query
      if node.on_query and node.on_query(connection, n) then
        return
      end
      connection:send(answer(query))
    end
  end

  local function serve(connection)
    node.logins = node.logins + 1
    node.connection = connection
    connection:send(mysql.MARIADB.greeting)
    if mysql.receive(connection) then
      connection:send(mysql.ok(2))
      serve_queries(connection)
    end
  end

  local function start(options)
    node.server = peer.serve(serve)
    options = options or "timeout=1s"
    checks = checker.new("check = galera user=u " .. options,
      { node.server.port })
  end

  local function passes()
    local verdict = checks:run(1)
    assert.are.equal("Layer7 check passed: Synced, cluster of 3, "
      .. "10.11.19-MariaDB-0+deb12u1", verdict.words)
    return verdict
  end

  it("asks twice a check, on one connection", function()
    start()
    for _ = 1, 3 do
      passes()
      assert.is_true(checks:is_open(1))
    end
    assert.are.same({ 1, 6 }, { node.logins, #node.queries })
  end)

  it("takes leave when it goes", function()
    start()
    passes()
    checks:close()
    checks = nil
    loop.wait_until("the check took leave", function()
      return node.left
    end)
    assert.are.equal("\1", node.left)
  end)

  it("connects anew where the connection ended between checks", function()
    start()
    passes()
    node.connection:close()
    checks:turn_until("the end is seen", function()
      return not checks:is_open(1)
    end)
    passes()
    assert.are.equal(2, node.logins)
  end)

  it("connects anew where it is reset at the first question", function()
    start()
    passes()
    node.on_query = function(connection)
      node.on_query = nil
      connection:reset()
      return true
    end
    passes()
    assert.are.equal(2, node.logins)
  end)

  it("connects anew where the server says that it ended it", function()
    start()
    passes()
    node.on_query = function(connection)
      node.on_query = nil
      connection:send(mysql.err(1, 1927, "70100", "Connection was killed"))
      return true
    end
    passes()
    assert.are.equal(2, node.logins)
  end)

  it("fails where a new connection breaks, too", function()
    start()
    passes()
    node.on_query = function()
      return true
    end
    local verdict = checks:run(1)
    assert.are.equal("Layer7 invalid response: closed during a query",
      verdict.words)
    assert.are.equal(2, node.logins)
    assert.is_false(checks:is_open(1))
  end)

  it("fails where the second question is not answered", function()
    start()
    passes()
    node.on_query = function(_, n)
      return n == 4
    end
    assert.are.equal("Layer7 invalid response: closed during a query",
      checks:run(1).words)
    assert.are.equal(1, node.logins)
  end)

  it("fails at once for an error 1047, with no second login", function()
    start()
    passes()
    node.on_query = function(connection)
      connection:send(mysql.err(1, 1047, "08S01",
        "WSREP has not yet prepared node for application use"))
    end
    local verdict = checks:run(1)
    assert.are.equal("Layer7 wrong status: 1047 (08S01): WSREP has not yet "
      .. "prepared node for application use", verdict.words)
    assert.is_true(verdict.at_once)
    assert.are.equal(1, node.logins)
  end)

  it("says what the node says, and keeps the connection", function()
    start()
    node.values.wsrep_cluster_status = "non-Primary"
    local verdict = checks:run(1)
    assert.are.equal("Layer7 wrong status: wsrep_cluster_status non-Primary",
      verdict.words)
    assert.is_true(verdict.at_once)
    node.values = healthy()
    node.values.read_only = "ON"
    verdict = checks:run(1)
    assert.are.equal("Layer7 wrong status: read_only ON", verdict.words)
    assert.is_false(verdict.at_once)
    node.values = healthy()
    passes()
    assert.are.equal(1, node.logins)
  end)

  it("fails for a server without Galera", function()
    start()
    node.values = { read_only = "OFF" }
    assert.are.equal("Layer7 wrong status: not a Galera node",
      checks:run(1).words)
  end)

  it("times out where a question is not answered, and logs in anew",
     function()
    start("timeout=300ms")
    passes()
    node.on_query = function(connection)
      node.on_query = nil
      connection:receive_all()
      return true
    end
    local verdict = checks:run(1)
    assert.are.equal("L7TOUT", verdict.code)
    assert.is_false(checks:is_open(1))
    passes()
    assert.are.equal(2, node.logins)
  end)

  local GARBAGE = {
    { "rows without end", mysql.packet(1, "\2"),
      mysql.packet(2, "\1x\1y"):rep(9000), "too many bytes" },
    { "a packet that is too long", "", "\0\0\1\1", "MySQL packet is too long" },
    { "a row that is cut off", mysql.result({}):sub(1, -12),
      mysql.packet(4, "\1x\5y"), "MySQL packet is cut off" },
    { "nine columns", "", mysql.packet(1, "\9"), "too many columns" },
    { "a request for a file", "", mysql.packet(1, "\251/etc/passwd"),
      "unexpected MySQL packet" },
  }

  for _, case in ipairs(GARBAGE) do
    it("fails for " .. case[1], function()
      start()
      node.on_query = function(connection)
        connection:send(case[2] .. case[3])
        connection:receive_all()
        return true
      end
      assert.are.equal("Layer7 invalid response: " .. case[4]
        .. " during a query", checks:run(1).words)
    end)
  end

  it("takes an answer that drips", function()
    start("timeout=20s")
    node.on_query = function(connection, n)
      if n == 1 then
        local bytes = answer(node.queries[#node.queries])
        for i = 1, #bytes, 29 do
          connection:send(bytes:sub(i, i + 28))
          loop.watch(0)
        end
        mysql.receive(connection)
        connection:send(answer("'wsrep_on'"))
        serve_queries(connection)
        return true
      end
    end
    passes()
  end)

  describe("with lag=weight", function()
    local function share()
      return passes().share
    end

    it("gives a node that keeps up all of its weight", function()
      start("lag=weight")
      assert.are.equal(1, share())
      node.values.wsrep_local_recv_queue = "5"
      assert.are.equal(1, share())
    end)

    it("halves it at 64 write sets, and goes no lower than an eighth",
       function()
      start("lag=weight")
      for _, case in ipairs({ { "64", 0.5 }, { "60", 0.5 }, { "128", 0.375 },
          { "192", 0.25 }, { "1000000", 0.125 }, { "0", 1 } }) do
        node.values.wsrep_local_recv_queue = case[1]
        assert.are.equal(case[2], share())
      end
    end)

    it("does not flap around the middle between two steps", function()
      start("lag=weight")
      node.values.wsrep_local_recv_queue = "64"
      share()
      for _, queue in ipairs({ "49", "50", "52", "79", "80", "50" }) do
        node.values.wsrep_local_recv_queue = queue
        assert.are.equal(0.5, share())
      end
    end)

    it("takes off the time that flow control had stopped the cluster",
       function()
      start("lag=weight")
      node.values.wsrep_flow_control_paused_ns = "5000000000"
      assert.are.equal(1, share())
      -- Longer than the time between the checks: all of it.
      node.values.wsrep_flow_control_paused_ns = "9000000000"
      assert.are.equal(0.125, share())
      assert.are.equal(1, share())
      node.values.wsrep_flow_control_paused_ns = "10"
      assert.are.equal(1, share())
    end)

    it("is not asked for: the weight is whole", function()
      start()
      node.values.wsrep_local_recv_queue = "1000000"
      assert.are.equal(1, share())
    end)
  end)

  it("sees two nodes that are each their own cluster", function()
    start()
    local other = peer.serve(serve)
    checks:close()
    checks = checker.new("check = galera user=u timeout=1s\n",
      { node.server.port, other.port })
    local function say(i, conf_id)
      node.values.wsrep_cluster_conf_id = conf_id
      return checks:run(i)
    end
    say(1, "4")
    say(2, "3")
    assert.is_true(say(1, "4").passed)
    assert.are.equal("Layer7 wrong status: wsrep_cluster_conf_id 3, others "
      .. "have 4", say(2, "3").words)
  end)
end)
