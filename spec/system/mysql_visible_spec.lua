--- visible = on: the commands of a MySQL session are followed as they pass.
-- Scripted clients and servers.
local codec = require "support.mysql_codec"
local loop = require "support.loop"
local moongate = require "support.moongate"
local mysql = require "support.mysql"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"

local NATIVE = "mysql_native_password"
local CHALLENGE = "server's challenge!!\0"
local COMPRESSED = codec.CLIENT  -- it has MYSQL_CAN_COMPRESS
local BY_OK = COMPRESSED - 0x20  -- rows are ended by an OK
local BY_EOF = BY_OK - 0x1000000
local IN_TRANSACTION, MORE = 1, 8

local CONFIG = [[
  [upstream db]
  protocol = mysql
  policy = first
  %s
  server s1 = 127.0.0.1:${port_s1}
  server s2 = 127.0.0.1:${port_s2} backup
  [mysql db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  handshake = %s
  visible = on
  access_log = %s
  log_to = file:${dir}/access.log
  %s
]]

local CLOSE = [[
local moongate = require "moongate"
return {
  close = function(_, result)
    moongate.log.info("counted ", result.queries, " ", result.transactions,
      " ", result.errors)
  end,
}
]]


local function ok(sequence, status)
  return mysql.packet(sequence, "\0\0\0" .. string.char(status or 2)
    .. "\0\0\0")
end


local COLUMN = "\3def\0\0\0\1a\0\12?\0\1\0\0\0\3\129\0\0\0\0"


-- The packets with these payloads.
local function packets(payloads)
  local out = {}
  for i, payload in ipairs(payloads) do
    out[i] = mysql.packet(i, payload)
  end
  return table.concat(out)
end


-- What a server answers, by the command's payload, whose sets of rows end with
-- an OK or an EOF.
local function answers(by_ok)
  local function ended(payloads, status)
    status = string.char(status or 2)
    payloads[#payloads + 1] = by_ok and "\254\0\0" .. status .. "\0\0\0"
      or "\254\0\0" .. status .. "\0"
    return payloads
  end

  -- A set of one column.
  local function rows(values, status)
    local out = { "\1", COLUMN }
    if not by_ok then
      ended(out)
    end
    for _, value in ipairs(values) do
      out[#out + 1] = mysql.text(value)
    end
    return packets(ended(out, status))
  end

  local prepared = { "\0\1\0\0\0\1\0\1\0\0\0\0", "\3def parameter" }
  if not by_ok then
    ended(prepared)
  end
  prepared[#prepared + 1] = COLUMN
  if not by_ok then
    ended(prepared)
  end

  return {
    ["\3SELECT 1"] = rows { "1" },
    ["\3SELECT 1; SELECT 2"] = rows({ "1" }, MORE) .. rows { "2" },
    ["\3CALL p()"] = rows({ "1" }, MORE) .. ok(6),
    ["\3BEGIN"] = ok(1, IN_TRANSACTION),
    ["\3UPDATE t"] = ok(1, IN_TRANSACTION),
    ["\3COMMIT"] = ok(1),
    ["\3SELEC"] = mysql.err(1, 1064, "42000", "You have an error"),
    ["\3SELECT late"] = rows({ "1" }, MORE)
      .. mysql.err(6, 1317, "70100", "Query execution was interrupted"),
    ["\3SELECT off"] = mysql.err(1, 1047, "08S01", "WSREP is not prepared"),
    ["\99"] = mysql.err(1, 1047, "08S01", "Unknown command"),
    ["\14"] = ok(1),
    ["\9"] = mysql.packet(1, "Uptime: 1"),
    ["\2there"] = ok(1),
    ["\2nowhere"] = mysql.err(1, 1049, "42000", "Unknown database"),
    ["\3USE `a``b`"] = ok(1),
    ["\3 use plain ;"] = ok(1),
    ["\3USE x; SELECT 1"] = ok(1, MORE) .. rows { "1" },
    ["\3SELECT 1; USE y"] = rows({ "1" }, MORE) .. ok(6),
    ["\22SELECT ?"] = packets(prepared),
    ["\23\1"] = rows { "1" },
    ["\25\1"] = "",
    ["\3SELECT odd"] = rows { "1" } .. mysql.packet(9, "out of turn"),
    ["\3SELECT long"] = rows { "long" },
  }
end


local ANSWERS = { [true] = answers(true), [false] = answers(false) }


describe("a visible MySQL session", function()
  local m, says

  after_each(moongate.finish)

  -- How a server logs a client in, after its greeting.
  local function log_in(connection)
    mysql.receive(connection)
    connection:send(mysql.switch(2, NATIVE, CHALLENGE))
    mysql.receive(connection)
    connection:send(ok(4))
  end

  local function take_file(connection)
    connection:send(mysql.packet(1, "\251/etc/hostname"))
    local payload, sequence
    repeat
      payload, sequence = mysql.receive(connection)
    until payload == "" or not payload
    connection:send(ok((sequence + 1) % 256))
  end

  local function answer(connection, payload)
    if payload:sub(1, 1) == "\17" then
      connection:send(mysql.switch(1, NATIVE, CHALLENGE))
      local said = mysql.receive(connection)
      connection:send(says.denied and mysql.err(3, 1045, "28000", said)
        or ok(3))
    elseif payload == "\3LOAD" then
      take_file(connection)
    elseif #payload > 100000 then
      connection:send(says.answers["\3SELECT long"])
    else
      local said = payload:find("^\2s%d") and ok(1) or says.answers[payload]
      says.answer(connection, said or error("no " .. payload))
    end
  end

  local function serve(connection)
    connection:send(says.greeting)
    log_in(connection)
    local payload = mysql.receive(connection)
    while payload and payload ~= "\1" do
      while payload and #payload % 0x1000000 == 0xffffff do
        payload = payload .. mysql.receive(connection)
      end
      answer(connection, payload)
      payload = mysql.receive(connection)
    end
  end

  local function start(options)
    options = options or {}
    says = {
      greeting = options.greeting or mysql.greeting8(),
      denied = options.denied,
      by_ok = options.handshake == "passthrough",
      answer = options.answer or function(connection, bytes)
        connection:send(bytes)
      end,
    }
    says.answers = ANSWERS[says.by_ok]
    m = moongate.start {
      config = CONFIG:format(options.upstream or "",
        options.handshake or "switch",
        options.format or "json", options.lines or ""),
      ports = { s1 = peer.serve(serve).port, s2 = peer.serve(serve).port },
      workers = options.workers, files = options.files,
      log = "log = stderr level=debug",
    }
  end

  local function connect(options)
    options = options or {}
    local client = assert(net.connect(m.port.db))
    assert(mysql.receive(client))
    client:send(codec.login_packet {
      user = options.user or "app", schema = options.schema or "shop",
      capabilities = options.capabilities or says.by_ok and BY_OK or BY_EOF,
      answer = "01234567890123456789", plugin = NATIVE,
      attributes = mysql.attributes { { "program_name", "spec" } },
    })
    assert.are.equal("\254", assert(mysql.receive(client)):sub(1, 1))
    client:send(mysql.packet(3, "01234567890123456789"))
    assert.are.equal("\0", assert(mysql.receive(client)):sub(1, 1))
    return client
  end

  -- Sends commands one after the other; the answers must come as they are.
  local function ask(client, commands)
    for _, command in ipairs(commands) do
      client:send(mysql.packet(0, command))
      local wanted = says.answers[command]
      if #wanted > 0 then
        assert.are.equal(wanted, client:receive(#wanted))
      end
    end
  end

  local function record(client)
    client:send(mysql.packet(0, "\1"))
    client:close()
    return m:records("access.log", 1)[1]
  end

  local function has(text, part)
    assert(text:find(part, 1, true), ("no %s in %s"):format(part, text))
  end

  -- A metric by its name and what its labels contain; nil: there is none.
  local function metric(name, part)
    for line in m:ctl("show metrics"):gmatch("[^\n]+") do
      if line:find("^moongate_mysql_" .. name .. "[{ ]")
          and line:find(part or "", 1, true) then
        return tonumber(line:match(" (%S+)$"))
      end
    end
  end

  local function change_user(client, user, schema)
    client:send(mysql.packet(0, "\17" .. user .. "\0\20"
      .. "01234567890123456789" .. schema .. "\0\33\0" .. NATIVE .. "\0\0"))
    local said, sequence = assert(mysql.receive(client))
    assert.are.equal("\254", said:sub(1, 1))
    client:send(mysql.packet(sequence + 1, "01234567890123456789"))
    return (assert(mysql.receive(client)))
  end

  local MIXED = { "\3SELECT 1", "\3BEGIN", "\3UPDATE t", "\3COMMIT", "\14",
    "\3SELEC", "\3SELECT late", "\3SELECT 1; SELECT 2", "\3CALL p()", "\9",
    "\22SELECT ?", "\23\1", "\25\1" }
  local COUNTED = '"program":"spec","queries":9,"transactions":1,"errors":2,'
    .. '"error":1317'

  for _, handshake in ipairs { "switch", "passthrough" } do
    describe("with handshake = " .. handshake, function()
      it("is counted", function()
        start { handshake = handshake }
        local client = connect()
        ask(client, MIXED)
        assert.are.equal(1, metric("sessions", 'user="app",schema="shop"'))
        has(record(client), '"user":"app","schema":"shop",' .. COUNTED)
        loop.wait_until("the session is over", function()
          return metric("sessions", "app") == 0
        end)
        assert.are.equal(1, metric("sessions_total", "app"))
        assert.are.equal(9, metric("queries_total", "app"))
        assert.are.equal(1, metric("transactions_total", "app"))
        assert.are.equal(1, metric("errors_total", 'number="1064"'))
        assert.are.equal(1, metric("errors_total", 'number="1317"'))
        assert.is_nil(metric("blind_total"))
      end)

      it("is counted however its bytes come", function()
        start { handshake = handshake, answer = function(connection, bytes)
          for byte in bytes:gmatch(".") do
            connection:send(byte)
          end
        end }
        local client = connect()
        for _, command in ipairs(MIXED) do
          for byte in mysql.packet(0, command):gmatch(".") do
            client:send(byte)
          end
          assert.are.equal(says.answers[command],
            client:receive(#says.answers[command]))
        end
        has(record(client), COUNTED)
      end)

      it("is counted where commands come before the answers", function()
        start { handshake = handshake }
        local client = connect()
        local commands, wanted = {}, {}
        for i, command in ipairs(MIXED) do
          commands[i] = mysql.packet(0, command)
          wanted[i] = says.answers[command]
        end
        client:send(table.concat(commands))
        wanted = table.concat(wanted)
        assert.are.equal(wanted, client:receive(#wanted))
        has(record(client), COUNTED)
      end)

      it("is blind once the server says what was not asked for", function()
        start { handshake = handshake }
        local client = connect()
        ask(client, { "\3SELECT 1", "\3SELECT odd", "\3SELECT 1" })
        has(record(client), '"queries":null,"transactions":null,'
          .. '"errors":null,"error":null')
        assert.are.equal(1, metric("blind_total", 'listener="db"'))
        has(m:log(), "a session is blind: what the server said")
      end)

      it("is another user's once the server agrees", function()
        start { handshake = handshake }
        local client = connect()
        ask(client, { "\3SELECT 1" })
        assert.are.equal("\0", change_user(client, "boss", "hq"):sub(1, 1))
        ask(client, { "\3SELECT 1", "\3SELECT 1" })
        assert.are.equal(0, metric("sessions", 'user="app"'))
        assert.are.equal(1, metric("sessions", 'user="boss",schema="hq"'))
        assert.are.equal(1, metric("sessions_total", "boss"))
        assert.are.equal(2, metric("queries_total", "boss"))
        has(record(client), '"user":"boss","schema":"hq","program":"spec",'
          .. '"queries":3')
      end)

      it("is not another user's when the server does not agree", function()
        start { handshake = handshake, denied = true }
        local client = connect()
        assert.are.equal("\255", change_user(client, "boss", "hq"):sub(1, 1))
        assert.is_nil(metric("sessions", "boss"))
        has(record(client), '"user":"app","schema":"shop","program":"spec",'
          .. '"queries":0,"transactions":0,"errors":1,"error":1045')
      end)

      it("may send a file", function()
        start { handshake = handshake }
        local client = connect()
        client:send(mysql.packet(0, "\3LOAD"))
        assert.are.equal("\251/etc/hostname", (mysql.receive(client)))
        for i = 2, 300 do
          client:send(mysql.packet(i % 256, "\3SELECT 1"))
        end
        client:send(mysql.packet(301 % 256, ""))
        assert.are.equal("\0", assert(mysql.receive(client)):sub(1, 1))
        ask(client, { "\3SELECT 1" })
        has(record(client), '"queries":2')
      end)
    end)
  end

  it("may send and get more than 16 MiB at once", function()
    local long = ("x"):rep(0xffffff)
    local eof = "\254\0\0\2\0"
    start { answer = function(connection, bytes)
      if bytes == says.answers["\3SELECT long"] then
        bytes = packets { "\1", COLUMN, eof } .. "\255\255\255\4\254"
          .. long:sub(2) .. mysql.packet(5, "end") .. mysql.packet(6, eof)
      end
      connection:send(bytes)
    end }
    local client = connect()
    client:send(mysql.packet(0, "\3SELECT long"))
    client:receive(#packets { "\1", COLUMN, eof, long, "end", eof })
    client:send("\255\255\255\0\3" .. long:sub(2) .. mysql.packet(1, "USE a"))
    local wanted = says.answers["\3SELECT long"]
    assert.are.equal(wanted, client:receive(#wanted))
    ask(client, { "\3SELECT 1" })
    has(record(client), '"queries":3,"transactions":0,"errors":0')
  end)

  it("is blind once the client sends what is no command", function()
    start {}
    local client = connect()
    ask(client, { "\3SELECT 1" })
    client:send(mysql.packet(7, "\3SELECT 1"))
    local wanted = says.answers["\3SELECT 1"]
    assert.are.equal(wanted, client:receive(#wanted))
    has(record(client), '"queries":null')
    has(m:log(), "a session is blind: what the client sent")
  end)

  it("is blind behind more commands than are kept", function()
    start {}
    local client = connect()
    local query = mysql.packet(0, "\3SELECT 1")
    client:send(query:rep(40))
    local wanted = says.answers["\3SELECT 1"]:rep(40)
    assert.are.equal(wanted, client:receive(#wanted))
    -- The server may have been faster than that.
    local said = record(client)
    assert(said:find('"queries":null', 1, true)
      or said:find('"queries":40', 1, true), said)
  end)

  for _, case in ipairs {
    { "COM_INIT_DB", { "\2there" }, '"there"' },
    { "one that is refused", { "\2nowhere" }, '"shop"' },
    { "USE with quotes", { "\3USE `a``b`" }, '"a`b"' },
    { "USE among blanks", { "\3 use plain ;" }, '"plain"' },
    { "USE before another statement", { "\3USE x; SELECT 1" }, '"x"' },
    { "USE behind another statement", { "\3SELECT 1; USE y" }, "null" },
  } do
    it("is in another schema by " .. case[1], function()
      start {}
      local client = connect()
      ask(client, case[2])
      has(record(client), '"user":"app","schema":' .. case[3])
    end)
  end

  it("is told in HAProxy's captures", function()
    start { format = "tcplog" }
    local client = connect()
    ask(client, MIXED)
    has(record(client), " {app|shop|spec|9|1|2}")
  end)

  it("is told in a format of one's own", function()
    start { format = "${program} ${queries} ${transactions} "
      .. "${errors} ${error}" }
    local client = connect()
    ask(client, MIXED)
    assert.are.equal("spec 9 1 2 1317", record(client))
  end)

  it("is told to the hook close", function()
    start { lines = "script = close.lua",
      files = { ["lua/close.lua"] = CLOSE } }
    local client = connect()
    ask(client, MIXED)
    record(client)
    assert(m:wait_log("counted 9 1 2"))
  end)

  it("counts 1047 as a failure of the server, but of statements only",
     function()
    start { upstream = "check = tcp interval=60s fall=1\n"
      .. "  observe = errors=3 within=60s" }
    local client = connect()
    ask(client, { "\99", "\99", "\99", "\3SELECT off", "\3SELECT off" })
    assert.are.equal("up", m:server("s1").state)
    ask(client, { "\3SELECT off" })
    loop.wait_until("s1 is down", function()
      return m:server("s1").state == "down"
    end)
    has(record(client), '"errors":6,"error":1047')
  end)

  it("has no series before the server has agreed to its login", function()
    start { handshake = "passthrough", greeting = mysql.greeting8() }
    local client = assert(net.connect(m.port.db))
    assert(mysql.receive(client))
    client:send(codec.login_packet { user = "nobody", answer = "",
      plugin = NATIVE })
    assert(mysql.receive(client))
    assert.is_nil(metric("sessions_total"))
    client:close()
    has(m:records("access.log", 1)[1], '"user":"nobody","schema":null,'
      .. '"program":null,"queries":null')
  end)

  it("is blind behind compression, and told who it is", function()
    start { handshake = "passthrough" }
    local client = connect { capabilities = COMPRESSED }
    has(m:ctl("show metrics"), "moongate_mysql_blind_total")
    assert.are.equal(1, metric("sessions", 'user="app"'))
    client:close()
    has(m:records("access.log", 1)[1], '"user":"app","schema":"shop",'
      .. '"program":"spec","queries":null')
  end)

  it("takes no more than its share of the series", function()
    start {}
    local client = connect()
    local done = ok(1)
    for i = 1, 520 do
      client:send(mysql.packet(0, "\2s" .. i))
      assert.are.equal(done, client:receive(#done))
    end
    ask(client, { "\3SELECT 1" })
    assert.is_nil(metric("sessions", 'schema="s520"'))
    assert.are.equal(0, metric("sessions", 'schema="s500"'))
    local dropped = m:ctl("show metrics"):match("metric_dropped_total (%d+)")
    assert.is_true(tonumber(dropped) >= 9)
    has(record(client), '"schema":"s520","program":"spec","queries":1')
  end)

  it("is counted no more once its worker was killed", function()
    start {}
    local client = connect()
    ask(client, { "\3SELECT 1" })
    assert.are.equal(1, metric("sessions", "app"))
    local worker = m:workers()[1]
    m.workers_change = true
    process.kill(worker, "KILL")
    loop.wait_until("another worker", function()
      local now = m:workers()[1]
      return now and now ~= worker
    end)
    loop.wait_until("no session", function()
      return metric("sessions", "app") == 0
    end)
    assert.are.equal(1, metric("queries_total", "app"))
    local second = connect()
    ask(second, { "\3SELECT 1" })
    assert.are.equal(1, metric("sessions", "app"))
    assert.are.equal(2, metric("queries_total", "app"))
    client:close()
    record(second)
  end)
end)
