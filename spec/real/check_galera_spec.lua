--- The checks of databases against real nodes of MariaDB and Galera.
local checker = require "support.checker"
local folder = require "support.folder"
local galera = require "support.galera"
local loop = require "support.loop"
local moongate = require "support.moongate"

local GALERA = "check = galera user=check timeout=5s interval=1s %s"
local MYSQL = "check = mysql timeout=5s %s"

local CONFIG = [[
  [upstream db]
  protocol = mysql
  policy = roundrobin
  check = galera user=check interval=100ms timeout=2s fall=2
  server db1 = 127.0.0.1:${port_db1}
  server db2 = 127.0.0.1:${port_db2}
  server db3 = 127.0.0.1:${port_db3}
  [mysql db]
  listen = 127.0.0.1:${port_mysql}
  upstream = db
]]


describe("a check of a real cluster", function()
  local place, cluster, nodes, ports, checks

  setup(function()
    place = folder.make()
    cluster = galera.start({ folder = place, nodes = 3 })
    nodes, ports = cluster.nodes, {}
    for i, node in ipairs(nodes) do
      ports[i] = node.port
    end
  end)

  teardown(function()
    if cluster then
      cluster:stop()
    end
    folder.remove(place)
  end)

  after_each(function()
    if checks then
      checks:close()
      checks = nil
    end
    moongate.finish()
  end)

  local function start(options)
    checks = checker.new(GALERA:format(options or ""), ports)
    return checks
  end

  -- The verdicts of check = mysql, which has a connection of its own.
  local function mysql_words(i)
    local mysql = checker.new(MYSQL:format("user=check"), ports)
    local words = mysql:run(i).words
    mysql:close()
    return words
  end

  local function login(options)
    local mysql = checker.new(MYSQL:format(options), { ports[1] })
    local verdict = mysql:run(1)
    mysql:close()
    return verdict
  end

  local function thread_count(node)
    return tonumber(node:sql("SELECT COUNT(*) FROM "
      .. "information_schema.processlist WHERE user = 'check'"))
  end

  it("passes, on one connection that is kept", function()
    start()
    for i = 1, 3 do
      local verdict = checks:run_until(i, "passed")
      assert.truthy(verdict.words:find("^Layer7 check passed: Synced, cluster "
        .. "of 3, 10%.%d+%.%d+%-MariaDB"), verdict.words)
    end
    local before = tonumber(nodes[1]:sql(
      "SHOW GLOBAL STATUS LIKE 'Connections'"):match("%d+"))
    for _ = 1, 20 do
      assert.is_true(checks:run(1).passed)
      assert.is_true(checks:is_open(1))
    end
    assert.are.equal(1, thread_count(nodes[1]))
    local after = tonumber(nodes[1]:sql(
      "SHOW GLOBAL STATUS LIKE 'Connections'"):match("%d+"))
    assert.is_true(after - before <= 3, after - before)
  end)

  it("is not disturbed when its connection is ended between checks", function()
    start()
    checks:run(1)
    for _ = 1, 3 do
      nodes[1]:sql("KILL USER `check`")
      local verdict = checks:run(1)
      assert.is_true(verdict.passed, verdict.words)
    end
  end)

  -- A setting that takes a node out, and what the check says of it; none of
  -- them is seen by a mere login.
  local CASES = {
    { "wsrep_desync=ON", "wsrep_desync=OFF",
      "wsrep_local_state 2 (Donor/Desynced)" },
    { "read_only=ON", "read_only=OFF", "read_only ON" },
    { "wsrep_reject_queries=ALL", "wsrep_reject_queries=NONE",
      "wsrep_reject_queries ALL" },
    { "wsrep_reject_queries=ALL_KILL", "wsrep_reject_queries=NONE",
      "wsrep_reject_queries ALL_KILL" },
    { "wsrep_on=OFF", "wsrep_on=ON", "not a Galera node: wsrep_on OFF" },
  }

  for _, case in ipairs(CASES) do
    it("fails while " .. case[1], function()
      start()
      assert.is_true(checks:run_until(2, "passed").passed)
      nodes[2]:sql("SET GLOBAL " .. case[1])
      -- Some of them put it into another state for a moment.
      local verdict = checks:run_until(2, case[3])
      local as_mysql = mysql_words(2)
      nodes[2]:sql("SET GLOBAL " .. case[2])
      assert.are.equal("Layer7 wrong status: " .. case[3], verdict.words)
      assert.is_false(verdict.at_once)
      assert.truthy(as_mysql:find("^Layer7 check passed"), as_mysql)
      checks:run_until(2, "passed")
      assert.is_true(checks:run(1).passed)
    end)
  end

  it("takes a donor where it may", function()
    start("donor=yes")
    nodes[2]:sql("SET GLOBAL wsrep_desync=ON")
    local verdict = checks:run(2)
    nodes[2]:sql("SET GLOBAL wsrep_desync=OFF")
    assert.truthy(verdict.words:find("passed: Donor/Desynced, cluster of 3"),
      verdict.words)
  end)

  it("logs in with passwords, and fails in the server's words", function()
    nodes[1]:sql("INSTALL SONAME 'auth_ed25519'")
    nodes[1]:sql("CREATE USER pw@'%' IDENTIFIED BY 'sesame'; "
      .. "CREATE USER ed@'%' IDENTIFIED VIA ed25519 USING PASSWORD('secret'); "
      .. "CREATE USER so@'%' IDENTIFIED VIA unix_socket")
    assert.is_true(login("user=pw password=sesame").passed)
    assert.is_true(login("user=ed password=secret").passed)
    for options, words in pairs({
      ["user=pw password=wrong"] = "1045 (28000): Access denied for user 'pw'@"
        .. "'127.0.0.1' (using password: YES)",
      ["user=pw"] = "1045 (28000): Access denied for user 'pw'@'127.0.0.1' "
        .. "(using password: NO)",
      ["user=ed password=wrong"] = "1045 (28000): Access denied for user 'ed'@"
        .. "'127.0.0.1' (using password: YES)",
      ["user=so"] = "1698 (28000): Access denied for user 'so'@'127.0.0.1'",
    }) do
      local verdict = login(options)
      assert.are.equal("Layer7 wrong status: " .. words, verdict.words)
      assert.are.equal("L7STS", verdict.code)
    end
    -- What an unknown user is asked for is up to chance.
    assert.truthy(login("user=nobody").words:find("Access denied for user "
      .. "'nobody'@'127.0.0.1'", 1, true))
  end)

  it("leaves no login that the server counts as an error", function()
    local function aborted()
      return nodes[1]:sql("SHOW GLOBAL STATUS WHERE Variable_name IN "
        .. "('Aborted_connects', 'Aborted_clients')")
    end
    local before = aborted()
    for _ = 1, 10 do
      assert.is_true(login("user=check").passed)
    end
    start()
    assert.is_true(checks:run_until(1, "passed").passed)
    checks:close()
    checks = nil
    assert.are.equal(before, aborted())
  end)

  it("keeps new connections away from a node that is out of sync", function()
    local m = moongate.start({ config = CONFIG, workers = 2,
      ports = { db1 = ports[1], db2 = ports[2], db3 = ports[3] } })
    local function await_row(what, predicate)
      return loop.wait_until("db2 " .. what, function()
        local row = m:server("db2")
        return predicate(row) and row
      end)
    end
    local function name_set()
      local names = {}
      for _ = 1, 12 do
        names[assert(galera.query(m.port.mysql,
          "SELECT @@wsrep_node_name"))] = true
      end
      return names
    end

    await_row("is checked", function(row)
      return row.check:find("passed: Synced, cluster of 3", 1, true)
    end)
    nodes[2]:sql("SET GLOBAL wsrep_desync=ON")
    local row = await_row("is down", function(r)
      return not r.up
    end)
    assert.are.equal("L7STS", row.check_status)
    assert.truthy(row.check:find("wsrep_local_state 2 (Donor/Desynced)", 1,
      true), row.check)
    assert.are.same({ db1 = true, db3 = true }, name_set())

    nodes[2]:sql("SET GLOBAL wsrep_desync=OFF")
    await_row("is up", function(r)
      return r.up
    end)
    assert.are.same({ db1 = true, db2 = true, db3 = true }, name_set())
  end)

  it("fails at once without a quorum, and later for a split", function()
    start()
    for i = 1, 3 do
      checks:run_until(i, "passed")
    end
    nodes[3]:sql("SET GLOBAL wsrep_provider_options='gmcast.isolate=1'")
    local verdict = checks:run_until(3, "wrong status", 30)
    assert.are.equal("Layer7 wrong status: wsrep_cluster_status non-Primary",
      verdict.words)
    assert.is_true(verdict.at_once)
    assert.truthy(mysql_words(3):find("^Layer7 check passed"))
    for i = 1, 2 do
      checks:run_until(i, "passed: Synced, cluster of 2", 30)
    end

    nodes[3]:sql("SET GLOBAL wsrep_provider_options='pc.bootstrap=YES'")
    loop.wait_until("node 3 is seen as split off", function()
      for i = 1, 2 do
        verdict = checks:run(i)
        assert.is_true(verdict.passed, verdict.words)
      end
      verdict = checks:run(3)
      return verdict.words:find("others have", 1, true)
    end, 30)
    assert.truthy(verdict.words:find("wsrep_cluster_%w+ %d+, others have %d+$"),
      verdict.words)
    assert.is_false(verdict.at_once)
    assert.truthy(mysql_words(3):find("^Layer7 check passed"))
  end)

  it("fails for a node that was killed", function()
    start()
    checks:run_until(1, "passed")
    nodes[1]:kill()
    assert.are.equal("Layer4 connection problem: Connection refused",
      checks:run(1).words)
  end)
end)
