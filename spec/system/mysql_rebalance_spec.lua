--- rebalance: after a server came back, idle sessions of the others are retired
-- until it has its share.  Servers and clients are scripted.
local codec = require "support.mysql_codec"
local loop = require "support.loop"
local moongate = require "support.moongate"
local mysql = require "support.mysql"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"

local CONFIG = [[
  [upstream db]
  protocol = mysql
  policy = leastconn
  rebalance = 10/s
  %s
  [mysql db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  visible = on
  access_log = json
  log_to = file:${dir}/access.log
  %s
]]
local QUIT, PING = "\1", "\14"
local COMPRESS, ZSTD = 0x20, 0x4000000
local PLAIN = bit.band(codec.CLIENT, bit.bnot(COMPRESS + ZSTD)) % 2 ^ 32
local PATIENCE = 30  -- seconds, for what takes a few


-- The next command, which may take its time.
local function next_command(connection)
  local header = connection:receive(4, math.huge)
  return header and connection:receive(header:byte(1) + 256 * header:byte(2))
end


-- An OK whose status says whether a transaction is open.
local function ok_of(open)
  return mysql.packet(1, "\0\0\0" .. (open and "\3" or "\2") .. "\0\0\0")
end


local PREPARED = mysql.packet(1, "\0\1\0\0\0" .. ("\0"):rep(7))


-- A server that lets everybody in, answers commands with OK, but what waits not
-- at all, and counts the sessions that took their leave.
local function handler(connection, server)
  connection:send(mysql.greeting8())
  if not mysql.receive(connection) then
    return
  end
  connection:send(mysql.ok(2))
  while true do
    local command = next_command(connection)
    if command == QUIT then
      server.quits = (server.quits or 0) + 1
    end
    if not command or command == QUIT then
      return
    end
    if command:sub(1, 1) == "\22" then
      connection:send(PREPARED)
    elseif not command:find("wait", 1, true) then
      connection:send(ok_of(command:find("BEGIN", 1, true)))
    end
  end
end


describe("rebalance", function()
  local m, servers, clients, retired

  before_each(function()
    servers, clients, retired = {}, {}, {}
  end)

  after_each(moongate.finish)

  -- LINES are options behind each server; the last one is not in service.
  local function start(lines, options)
    options = options or {}
    local text, ports = { options.upstream or "" }, {}
    for i, line in ipairs(lines) do
      servers[i] = peer.serve(handler, { name = "s" .. i })
      ports["s" .. i] = servers[i].port
      text[i + 1] = ("server s%d = 127.0.0.1:${port_s%d} %s"):format(i, i,
        line .. (i == #lines and " disabled" or ""))
    end
    local config = CONFIG:format(table.concat(text, "\n"),
      options.section or "") .. (options.more or "")
    config = config:gsub("rebalance = 10/s", options.rate
      and "rebalance = " .. options.rate or "%0")
    config = config:gsub("policy = leastconn", options.policy
      and "policy = " .. options.policy or "%0")
    m = moongate.start {
      config = config, files = options.files, ports = ports,
      workers = options.workers or 2,
    }
  end

  local function log_in(port)
    local connection = assert(net.connect(port or m.port.db))
    assert(mysql.receive(connection))
    connection:send(codec.login_packet { user = "app", schema = "shop",
      answer = "x", plugin = "mysql_native_password", capabilities = PLAIN })
    assert.are.same({ mysql.payload(mysql.ok(2)), 2 },
      { mysql.receive(connection) })
    return connection
  end

  local function log_in_somehow(port)
    while true do
      local ok, connection = pcall(log_in, port)
      if ok then
        return connection
      end
    end
  end

  -- What a pool does: it logs in again once its connection is closed, and
  -- finds nothing else than its end.
  local function keep_logged_in(options)
    local again = options.stubborn and log_in_somehow or log_in
    local client = { connection = log_in(options.port) }
    clients[#clients + 1] = client
    loop.spawn("a client", function()
      while true do
        local bytes = client.connection:receive_some(math.huge)
        assert(bytes == nil, "a client was told something")
        retired[#retired + 1] = loop.now()
        if options.stays_away then
          return
        end
        client.connection = again(options.port)
      end
    end)
    return client
  end

  local function add_clients(n, options)
    for _ = 1, n do
      keep_logged_in(options or {})
    end
  end

  local function actives()
    local counts = {}
    for i, row in ipairs(m:ctl("show servers --json")) do
      counts[i] = row.active
    end
    return counts
  end

  local function wait_actives(wanted)
    local ok = pcall(loop.wait_until, "", function()
      return table.concat(actives(), " ") == table.concat(wanted, " ")
    end, PATIENCE)
    if not ok then
      assert.are.same(wanted, actives(), m:log())
    end
  end

  local function comes_back(i)
    m:ctl("server db/s" .. (i or #servers) .. " ready")
  end

  local function wait_end(why)
    return tonumber((m:wait_log("rebalance of db: s%d came back; (%d+) "
      .. "sessions retired in %d+ s: " .. why .. "\n", PATIENCE)))
  end

  local function sum_retired()
    local sum = 0
    for _, row in ipairs(m:ctl("show servers --json")) do
      sum = sum + row.retired
    end
    return sum
  end

  it("gives a server that came back its share, and nobody notices more than "
     .. "the end of an idle session", function()
    start { "", "", "" }
    add_clients(12)
    wait_actives { 6, 6, 0 }
    comes_back()
    m:wait_log("rebalance of db: s3 came back with 0 of 12 sessions; idle "
      .. "ones of the others are retired at 10/s")
    local n = wait_end("it has its share")
    wait_actives { 4, 4, 4 }
    assert.are.equal(4, n)
    assert.are.equal(4, #retired)
    assert.are.equal(4, sum_retired())
    assert.are.equal(0, m:server("s3").retired)
    assert.are.equal(4, servers[1].quits + servers[2].quits)
    for _, record in ipairs(m:records("access.log", 4)) do
      assert.is_truthy(record:find('"term":"UD"', 1, true), record)
    end
    assert.are.equal(0, m:section("mysql db").errors)
    assert.are.equal(0, m:server("s1").errors)
  end)

  it("retires one after the other, at its pace over all workers", function()
    start({ "", "" }, { rate = "5/s" })
    add_clients(14)
    wait_actives { 14, 0 }
    comes_back()
    assert.are.equal(7, wait_end("it has its share"))
    -- What came too late may be made up for, by a quarter of a step.
    assert.is_true(retired[7] - retired[1] >= 6 * 0.2 - 0.15,
      retired[7] - retired[1])
  end)

  it("takes those first who are idle longest", function()
    start({ "", "" }, { workers = 1 })
    local all = {}
    for i = 1, 4 do
      all[i] = log_in()
    end
    -- Idle since the same millisecond, either might go.
    local logged_in = loop.now()
    loop.wait_until("the next milliseconds", function()
      return loop.now() > logged_in + 0.01
    end)
    for _, i in ipairs { 2, 4 } do
      all[i]:send(mysql.packet(0, "\3SELECT 1"))
      assert(mysql.receive(all[i]))
    end
    comes_back()
    for _, i in ipairs { 1, 3 } do
      assert.is_nil((all[i]:receive(1, PATIENCE)))
    end
    assert.is_true(all[2]:quiet(0) and all[4]:quiet(0))
    -- They stay: there is no need for more, even if nobody comes back.
    m:ctl("server db/s2 drain")
    assert.are.equal(2, wait_end("it is out of service again"))
  end)

  it("goes by weights", function()
    start { "weight=1", "weight=3" }
    add_clients(12)
    wait_actives { 12, 0 }
    comes_back()
    wait_end("it has its share")
    wait_actives { 3, 9 }
  end)

  it("gives a server no more than its maxconn", function()
    start { "", "maxconn=2" }
    add_clients(12)
    comes_back()
    assert.are.equal(2, wait_end("it has its share"))
    wait_actives { 10, 2 }
  end)

  it("counts those who have not come back yet as that server's", function()
    start({ "", "maxconn=2" }, { workers = 1 })
    local all = {}
    for i = 1, 12 do
      all[i] = log_in()
    end
    comes_back()
    for i = 1, 2 do
      assert.is_nil((all[i]:receive(1, PATIENCE)))
    end
    assert.is_true(all[3]:quiet(0.5))
    m:ctl("server db/s2 drain")
    assert.are.equal(2, wait_end("it is out of service again"))
  end)

  it("goes on as a server's weight grows", function()
    start({ "", "" }, { upstream = "slowstart = 3s" })
    add_clients(12)
    comes_back()
    assert.are.equal(6, wait_end("it has its share"))
    wait_actives { 6, 6 }
    -- Half a second at the pace alone; the last one goes when all has grown.
    assert.is_true(retired[6] - retired[1] > 1, retired[6] - retired[1])
  end)

  it("sends sessions home from a backup", function()
    start { "backup", "" }
    add_clients(6)
    wait_actives { 6, 0 }
    comes_back()
    assert.are.equal(6, wait_end("it has its share"))
    wait_actives { 0, 6 }
  end)

  it("leaves those alone whose server a script has named, and what is not "
     .. "followed", function()
    start({ "", "" }, {
      section = "script = pin.lua",
      files = { ["lua/pin.lua"] = "return { accept = function() return "
        .. "{ upstream = 'db', server = 's1' } end }" },
      more = [[
        [mysql unseen]
        listen = 127.0.0.1:${port_unseen}
        upstream = db
        [mysql seen]
        listen = 127.0.0.1:${port_seen}
        upstream = db
        visible = on
      ]],
    })
    add_clients(3)
    add_clients(3, { port = m.port.unseen })
    add_clients(2, { port = m.port.seen })
    wait_actives { 8, 0 }
    comes_back()
    assert.are.equal(2, wait_end("no more are idle"))
    wait_actives { 6, 2 }
  end)

  -- Whoever has something that ends with its connection, or asks for something.
  local BUSY = {
    { "\3BEGIN" },
    { "\3SET @a = 1" },
    { "\3SET NAMES latin1" },
    { "\3CREATE TEMPORARY TABLE t (a int)" },
    { "\3SELECT GET_LOCK('a', 1)" },
    { "\3SELECT @a := 1" },
    { "\3LOCK TABLES t WRITE" },
    { "\3PREPARE s FROM 'SELECT 1'" },
    { "\22SELECT 1" },
    { "\2shop" },
    { "\3SELECT wait" },
  }

  local LOOSE = {
    {},
    { "\3SELECT 1" },
    { "\3BEGIN", "\3INSERT INTO t VALUES (1)", "\3COMMIT" },
    { "\3SET @a = 1", "\31" },
  }

  for _, handshake in ipairs { "switch", "passthrough" } do
    it("takes nobody who would lose something, with handshake = " .. handshake,
       function()
      start({ "", "" }, { section = "handshake = " .. handshake })
      local function add(commands)
        local client = log_in()
        for _, command in ipairs(commands) do
          client:send(mysql.packet(0, command))
          if not command:find("wait", 1, true) then
            assert(mysql.receive(client))
          end
        end
        return client
      end
      local busy, loose = {}, {}
      for i, commands in ipairs(BUSY) do
        busy[i] = add(commands)
      end
      for i, commands in ipairs(LOOSE) do
        loose[i] = add(commands)
      end
      local active = add {}
      local pings = loop.spawn("an active client", function()
        while true do
          active:send(mysql.packet(0, PING))
          assert(mysql.receive(active))
          loop.wait(-1, 0, loop.now() + 0.2)
        end
      end)
      comes_back()
      for i, client in ipairs(loose) do
        assert.is_nil((client:receive(1, PATIENCE)), LOOSE[i][1])
      end
      -- All are retired that may be, and more were wanted.
      assert.are.equal(#LOOSE, wait_end("no more are idle"))
      loop.cancel(pings)
      for i, client in ipairs(busy) do
        if BUSY[i][1] ~= "\3SELECT wait" then
          client:send(mysql.packet(0, "\3SELECT 2"))
          assert.are.equal(mysql.payload(ok_of()), (mysql.receive(client)),
            BUSY[i][1])
        end
      end
    end)
  end

  it("lets a command that is on its way go first", function()
    start({ "", "" }, { rate = "1/s", workers = 1 })
    local waiting = {}
    for i = 1, 8 do
      waiting[i] = log_in()
    end
    comes_back()
    loop.wait_until("the first one goes", function()
      return m:server("s1").retired == 1
    end)
    local gone = loop.now()
    local worker = m:workers()[1]
    process.kill(worker, "STOP")
    local asked = {}
    for _, client in ipairs(waiting) do
      if client:quiet(0) then
        client:send(mysql.packet(0, "\3SELECT 1"))
        asked[#asked + 1] = client
      end
    end
    assert.are.equal(7, #asked)
    loop.wait_until("the next one's turn has come", function()
      return loop.now() > gone + 1.5
    end)
    process.kill(worker, "CONT")
    for _, client in ipairs(asked) do
      assert.are.equal(mysql.payload(ok_of()), (mysql.receive(client)))
    end
  end)

  it("ends when the server leaves again", function()
    start({ "", "" }, { rate = "1/s" })
    add_clients(10)
    comes_back()
    loop.wait_until("the first one goes", function()
      return #retired > 0
    end)
    m:ctl("server db/s2 maint")
    assert.is_true(wait_end("it is out of service again") < 5)
    wait_actives { 10, 0 }
  end)

  it("does not empty the others while clients stay away", function()
    start { "", "" }
    add_clients(10, { stays_away = true })
    comes_back()
    wait_actives { 5, 0 }
    m:ctl("server db/s2 drain")
    assert.are.equal(5, wait_end("it is out of service again"))
    assert.are.equal(5, #retired)
    -- It goes on as they come: one that stayed is too many by then.
    add_clients(5)
    wait_actives { 10, 0 }
  end)

  it("takes nobody twice for a policy that does not heed numbers", function()
    start({ "", "" }, {
      policy = "./lua/one.lua",
      files = { ["lua/one.lua"] =
        "return { pick = function() return 1 end }" },
    })
    add_clients(4)
    comes_back()
    assert.are.equal(4, wait_end("that is as many as there were sessions"))
    wait_actives { 4, 0 }
  end)

  it("does nothing where there is nothing to do", function()
    start { "", "" }
    comes_back()
    add_clients(2)
    wait_actives { 1, 1 }
    m:ctl("server db/s1 drain")
    add_clients(1)
    wait_actives { 1, 2 }
    m:ctl("server db/s1 ready")
    add_clients(1)
    wait_actives { 2, 2 }
    assert.is_nil(m:log():find("rebalance", 1, true))
    assert.are.same({}, retired)
  end)

  it("survives all workers that saw it begin", function()
    start({ "", "" }, { rate = "2/s", policy = "roundrobin" })
    m.workers_change = true
    add_clients(16, { stubborn = true })
    comes_back()
    loop.wait_until("the first one goes", function()
      return #retired > 0
    end)
    for _, pid in ipairs(m:workers()) do
      process.kill(pid, "KILL")
      m:wait_log(("pid %d[^\n]*; restarted as pid"):format(pid))
    end
    wait_end("it has its share")
    wait_actives { 8, 8 }
  end)
end)
