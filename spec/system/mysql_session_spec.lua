--- MySQL sessions with handshake = switch: scripted clients and servers.
local codec = require "support.mysql_codec"
local loop = require "support.loop"
local moongate = require "support.moongate"
local mysql = require "support.mysql"
local net = require "support.net"
local peer = require "support.peer"
local support = require "support.ffi"

local CHALLENGE = "server's challenge!!\0"
local NATIVE = "mysql_native_password"

local CONFIG = [[
  [upstream db]
  protocol = mysql
  %s
  [mysql db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = json
  log_to = file:${dir}/access.log
  %s
]]


-- A login as a client writes it.
local function login_packet(options)
  return codec.login_packet {
    capabilities = options.capabilities, sequence = options.sequence,
    user = options.user or "app", answer = "to the wrong challenge",
    schema = options.schema or "shop", plugin = NATIVE,
    attributes = mysql.attributes { options.attribute or { "_name", "spec" } },
  }
end


-- A server that has a client switch, and echoes after OK.  SEEN gets the logins
-- and answers.
local function server_of(seen, options)
  options = options or {}
  return function(connection)
    connection:send(options.greeting or mysql.greeting8())
    local payload, sequence = mysql.receive(connection)
    if not payload then
      seen[#seen + 1] = "left"
      return
    end
    local _, login, map = codec.read("login", payload)
    seen[#seen + 1] = { sequence = sequence, map = map,
      user = support.text(login.user),
      schema = support.text(login.schema),
      plugin = support.text(login.plugin),
      answer = support.text(login.answer),
      attributes = support.text(login.attributes) }
    if options.say then
      return options.say(connection, seen)
    end
    connection:send(mysql.switch(2, NATIVE, CHALLENGE))
    local answer, number = mysql.receive(connection)
    seen[#seen + 1] = { answer = answer, sequence = number }
    connection:send(mysql.ok(4))
    peer.echo(connection)
  end
end


local function connect(m, options)
  local client = assert(net.connect(m.port.db))
  local greeting, sequence = assert(mysql.receive(client))
  assert.are.equal(0, sequence)
  client:send(login_packet(options or {}))
  return client, greeting
end


local function switched(client)
  local payload, sequence = assert(mysql.receive(client))
  assert.are.equal("\254" .. NATIVE .. "\0" .. CHALLENGE, payload)
  assert.are.equal(2, sequence)
  client:send(mysql.packet(3, "to the right one"))
  assert.are.same({ mysql.payload(mysql.ok(4)), 4 },
    { mysql.receive(client) })
end


-- An error and its number; the connection is closed behind it.
local function refused(client, sequence)
  local payload, number = mysql.receive(client)
  assert(payload, number)
  assert.are.equal(sequence, number)
  local at = payload:sub(4, 4) == "#" and 10 or 4
  assert.are.equal("\255", payload:sub(1, 1))
  assert.is_nil((client:receive(1)))
  return payload:byte(2) + 256 * payload:byte(3), payload:sub(5, at - 1),
    payload:sub(at)
end


-- The number and the state alone.
local function error_of(client, sequence)
  local number, state = refused(client, sequence)
  return { number, state }
end


describe("a MySQL session", function()
  local m, seen

  before_each(function()
    seen = {}
  end)

  after_each(moongate.finish)

  -- Servers are handlers, by name.
  local function start(servers, options)
    options = options or {}
    local lines, ports, peers = { options.upstream }, {}, {}
    for i, handler in ipairs(servers) do
      local name = "s" .. i
      peers[i] = handler and peer.serve(handler)
      ports[name] = peers[i] and peers[i].port or net.reserve().port
      lines[#lines + 1] = ("server %s = 127.0.0.1:${port_%s} %s"):format(name,
        name, options.server or "")
    end
    m = moongate.start {
      config = CONFIG:format(table.concat(lines, "\n"), options.section or ""),
      ports = ports, files = options.files, workers = options.workers,
    }
    return peers
  end

  it("switches once to what the server asks for, and is joined", function()
    start { server_of(seen) }
    local client = connect(m)
    switched(client)
    assert.are.equal("app", seen[1].user)
    assert.are.equal("shop", seen[1].schema)
    assert.are.equal("", seen[1].answer)
    assert.are.equal("moongate_switch", seen[1].plugin)
    assert.are.equal("\5_name\4spec", seen[1].attributes)
    assert.are.equal(1, seen[1].sequence)
    assert.are.same({ answer = "to the right one", sequence = 3 }, seen[2])
    local query = mysql.packet(0, "\3SELECT 1")
    client:send(query)
    assert.are.equal(query, client:receive(#query))
    client:close()
    local record = m:records("access.log", 1)[1]
    assert.is_truthy(record:find('"user":"app","schema":"shop"', 1, true))
    assert.is_nil(record:find("challenge", 1, true))
    assert.is_nil(m:log():find("wrong challenge", 1, true))
  end)

  it("passes megabytes on both ways", function()
    start { server_of(seen) }
    local client = connect(m)
    switched(client)
    local sent = mysql.packet(0, "\3" .. ("x"):rep(4000000))
    loop.spawn("sending", function()
      client:send(sent .. sent)
    end)
    assert.are.equal(sent .. sent, client:receive(2 * #sent))
  end)

  it("is greeted as the server greets once one was seen", function()
    start { server_of(seen, { greeting = mysql.greeting8 {
      version = "8.4.7-spec" } }) }
    local first, greeting = connect(m)
    assert.is_truthy(greeting:find("^\0105%.7%.0%-moongate%z"))
    switched(first)
    local _, second = connect(m)
    assert.is_truthy(second:find("^\0108%.4%.7%-spec%z"))
    local _, told = codec.read("greeting", second)
    assert.are.equal(0, bit.band(told.capabilities, 0x4000820))
    assert.is_true(told.thread_id >= 2 ^ 31)
  end)

  it("is greeted with nothing of a server that cannot switch", function()
    start({ function(connection)
      connection:send(mysql.greeting51())
      peer.sink(connection)
    end, server_of(seen, { greeting = mysql.greeting8 {
      version = "8.4.7-spec" } }) }, { upstream = "policy = first" })
    switched((connect(m)))
    local _, second = connect(m)
    assert.is_truthy(second:find("^\0108%.4%.7%-spec%z"))
    local _, told = codec.read("greeting", second)
    assert.are_not.equal(0, bit.band(told.capabilities, 0x1000000))
  end)

  it("reaches the server however its packets come", function()
    start { function(connection)
      for byte in mysql.greeting8():gmatch(".") do
        connection:send(byte)
      end
      server_of(seen, { greeting = "" })(connection)
    end }
    local client = assert(net.connect(m.port.db))
    assert(mysql.receive(client))
    for byte in login_packet({}):gmatch(".") do
      client:send(byte)
    end
    switched(client)
  end)

  it("of a client that leaves before its login is over ends", function()
    local peers = start { server_of(seen) }
    local greeted = assert(net.connect(m.port.db))
    assert(mysql.receive(greeted))
    greeted:close()
    m:records("access.log", 1)
    local asked = connect(m)
    assert(mysql.receive(asked))
    asked:close()
    m:records("access.log", 2)
    peers[1]:wait_open(0)
    m:wait_active("s1", 0)
  end)

  it("takes an OK at once, which a user without a password gets", function()
    start { server_of(seen, { say = function(connection)
      connection:send(mysql.ok(2))
      peer.echo(connection)
    end }) }
    local client = connect(m)
    assert.are.same({ mysql.payload(mysql.ok(2)), 2 },
      { mysql.receive(client) })
    local ping = mysql.packet(0, "\14")
    client:send(ping)
    assert.are.equal(ping, client:receive(#ping))
  end)

  -- What a server says to a login, and a packet that is glued to it.
  local behind = mysql.packet(0, "behind")
  for name, words in pairs({
    ["an OK at once"] = mysql.ok(2) .. behind,
    ["an OK behind more"] = mysql.packet(2, "\1\3") .. mysql.ok(3) .. behind,
    ["a refusal"] = mysql.err(2, 1045, "28000", "Access denied"),
    ["a switch"] = mysql.switch(2, NATIVE, CHALLENGE),
  }) do
    it("hears " .. name .. " as it was said, wherever it is cut", function()
      local cut
      start { server_of(seen, { say = function(connection)
        connection:send(words:sub(1, cut))
        connection:send(words:sub(cut + 1))
        peer.sink(connection)
      end }) }
      for place = 1, #words do
        cut = place
        local client = connect(m)
        assert.are.equal(words, client:receive(#words), "cut at " .. place)
        client:close()
      end
    end)
  end

  it("gets an OK that is longer than a buffer", function()
    local ok = mysql.packet(2, mysql.payload(mysql.ok(2))
      .. ("x"):rep(40000))
    start { server_of(seen, { say = function(connection)
      connection:send(ok .. behind)
      peer.echo(connection)
    end }) }
    local client = connect(m)
    assert.are.equal(ok .. behind, client:receive(#ok + #behind))
    local ping = mysql.packet(0, "\14")
    client:send(ping)
    assert.are.equal(ping, client:receive(#ping))
  end)

  it("with a change of user right behind the login has it written anew",
    function()
      local came
      start { server_of(seen, { say = function(connection)
        connection:send(mysql.ok(2))
        came = assert(mysql.receive(connection))
        connection:send(mysql.ok(1))
        peer.sink(connection)
      end }) }
      local client = assert(net.connect(m.port.db))
      assert(mysql.receive(client))
      local change = "\17other\0\3abcshop\0\45\0" .. NATIVE .. "\0\0"
      client:send(login_packet({}) .. mysql.packet(0, change))
      assert.are.equal(mysql.ok(2) .. mysql.ok(1),
        client:receive(#mysql.ok(2) + #mysql.ok(1)))
      assert.is_truthy(came:find("other", 1, true))
      assert.is_truthy(came:find("moongate_switch", 1, true))
      assert.is_nil(came:find("abc", 1, true))
    end)

  it("gets the server's refusal word by word, which is no failure", function()
    start { server_of(seen, { say = function(connection)
      connection:send(mysql.err(2, 1045, "28000", "Access denied, \1\2"))
    end }) }
    local client = connect(m)
    assert.are.same({ 1045, "28000", "Access denied, \1\2" },
      { refused(client, 2) })
    m:wait_active("s1", 0)
    assert.are.equal(0, m:server("s1").connect_errors)
    assert.is_truthy(m:records("access.log", 1)[1]:find('"term":"--"', 1, true))
  end)

  it("may change the user, which is written anew", function()
    start { server_of(seen) }
    local client = connect(m)
    switched(client)
    local change = "\17other\0\3abcnext\0\45\0" .. NATIVE .. "\0"
      .. "\12\5_name\5other"
    local query = mysql.packet(0, "\3SELECT 2")
    local wanted = query .. mysql.packet(0, "\17other\0\0next\0\45\0"
      .. "moongate_switch\0\12\5_name\5other") .. mysql.packet(2, "answer")
      .. query
    local sent = query .. mysql.packet(0, change) .. mysql.packet(2, "answer")
      .. query
    for _, piece in ipairs({ 1, 3, 7, #sent }) do
      for at = 1, #sent, piece do
        client:send(sent:sub(at, at + piece - 1))
      end
      assert.are.equal(wanted, client:receive(#wanted))
    end
  end)

  it("with a change of user that is none ends", function()
    start { server_of(seen) }
    local client = connect(m)
    switched(client)
    client:send(mysql.packet(0, "\17no end"))
    assert.is_nil((client:receive(1)))
    m:wait_active("s1", 0)
  end)

  for name, case in pairs({
    ["garbage"] = { bytes = mysql.packet(1, ("\255"):rep(40)), number = 1043,
      state = "" },
    ["HTTP"] = { bytes = "GET / HTTP/1.1\r\n\r\n", number = 1043, state = "",
      sequence = 1 },
    ["an empty packet"] = { bytes = mysql.packet(1, ""), number = 1043,
      state = "" },
    ["a login with another number"] = {
      bytes = login_packet({ sequence = 2 }), number = 1156, state = "",
      sequence = 1 },
    ["a client older than 4.1"] = {
      bytes = mysql.packet(1, "\5\0\0\0\0app\0\0"), number = 1251,
      state = "" },
    ["a request for TLS"] = {
      bytes = mysql.packet(1, "\0\174\15\0\0\0\0\1\45" .. ("\0"):rep(23)),
      number = 1043, state = "08S01" },
  }) do
    it("refuses " .. name .. " as MySQL does, and asks no server", function()
      local peers = start { server_of(seen) }
      local client = assert(net.connect(m.port.db))
      assert(mysql.receive(client))
      client:send(case.bytes)
      assert.are.same({ case.number, case.state },
        error_of(client, case.sequence or 2), name)
      assert.are.equal(0, peers[1].accepted)
    end)
  end

  it("of a client that says nothing ends after header_timeout", function()
    start({ server_of(seen) }, { section = "header_timeout = 50ms" })
    local client = assert(net.connect(m.port.db))
    assert(mysql.receive(client))
    assert.are.equal(1159, (refused(client, 1)))
  end)

  it("of a client that does not answer the challenge ends, too", function()
    start({ server_of(seen) }, { section = "header_timeout = 100ms" })
    local client = connect(m)
    assert(mysql.receive(client))
    assert.are.same({ 1159, "08S01" }, error_of(client, 3))
    m:wait_active("s1", 0)
  end)

  for name, handler in pairs({
    ["closes at once"] = function() end,
    ["is blocked"] = function(connection)
      connection:send(mysql.err(0, 1129, nil, "Host is blocked"))
    end,
    ["is no MySQL server"] = function(connection)
      connection:send("SSH-2.0-OpenSSH_9.2\r\n")
    end,
    ["closes on the login"] = function(connection)
      connection:send(mysql.greeting8())
      mysql.receive(connection)
    end,
    ["says nothing"] = peer.sink,
    ["cannot switch"] = function(connection)
      connection:send(mysql.greeting51())
      peer.sink(connection)
    end,
    ["does not listen"] = false,
  }) do
    it("goes to another server where one " .. name, function()
      start({ handler, server_of(seen) }, {
        upstream = "policy = first\nconnect_timeout = 300ms" })
      local client = connect(m)
      switched(client)
      assert.are.equal(1, m:server("s1").connect_errors)
      m:wait_active("s1", 0)
      assert.are.equal(1, m:server("s2").active)
    end)
  end

  it("learns why the last server refused the connection", function()
    start({ function(connection)
      connection:send(mysql.err(0, 1129, nil, "Host 'x' is blocked"))
    end }, { upstream = "retries = 0" })
    assert.are.same({ 1129, "HY000", "Host 'x' is blocked" },
      { refused(connect(m), 2) })
  end)

  it("that no server can be reached for is told so", function()
    start({ false }, { upstream = "retries = 0" })
    local number, state, text = refused(connect(m), 2)
    assert.are.same({ 2003, "HY000" }, { number, state })
    assert.is_truthy(text:find("Connection refused", 1, true), text)
  end)

  it("of libmariadb's, which speaks of malformed packets at 2003, has 1429",
     function()
    start({ false }, { upstream = "retries = 0" })
    local client = connect(m, { attribute = { "_client_name", "libmariadb" } })
    local number, state, text = refused(client, 2)
    assert.are.same({ 1429, "HY000" }, { number, state })
    assert.is_truthy(text:find("Connection refused", 1, true), text)
  end)

  it("learns that the server broke off while it logged in", function()
    start { server_of(seen, { say = function(connection)
      connection:send(mysql.switch(2, NATIVE, CHALLENGE))
      mysql.receive(connection)
    end }) }
    local client = connect(m)
    assert(mysql.receive(client))
    client:send(mysql.packet(3, "answer"))
    assert.are.same({ 1158, "08S01" }, error_of(client, 4))
  end)

  it("waits for room, and is told how long it has waited", function()
    start({ server_of(seen) }, { server = "maxconn=1",
      upstream = "queue_timeout = 100ms" })
    local first = connect(m)
    switched(first)
    local number, state, text = refused(connect(m), 2)
    assert.are.same({ 1040, "08004" }, { number, state })
    assert.is_truthy(text:find("waited %d+ ms"), text)
    first:close()
    m:wait_active("s1", 0)
    switched(connect(m))
  end)

  it("that waits in the queue gets its turn", function()
    start({ server_of(seen) }, { server = "maxconn=1",
      upstream = "queue_timeout = 60s" })
    local first = connect(m)
    switched(first)
    local second = connect(m)
    loop.wait_until("it waits", function()
      return m:ctl("show info --json").upstreams[1].queued == 1
    end)
    first:close()
    switched(second)
  end)

  it("is told where no node of a Galera cluster is in sync", function()
    start({ function(connection)
      connection:send(mysql.greeting8())
      mysql.receive(connection)
      connection:send(mysql.err(2, 1047, "08S01", "WSREP has not yet"))
      peer.sink(connection)
    end }, { upstream = "check = galera user=check interval=50ms fall=1" })
    m:wait_log("is down")
    local number, state, text = refused(connect(m), 2)
    assert.are.same({ 1047, "08S01" }, { number, state })
    assert.is_truthy(text:find("WSREP has not yet prepared node", 1, true))
  end)

  it("is not brought to a server that lacks what it was told", function()
    -- MySQL 5.6, which ends results by an EOF.
    local old = mysql.packet(0, "\0105.6.51\0\8\0\0\0abcdefgh\0\255\247\8"
      .. "\2\0\127\128\21" .. ("\0"):rep(10) .. "0123456789ab\0" .. NATIVE
      .. "\0")
    start({ server_of(seen), server_of(seen, { greeting = old }) }, {
      upstream = "policy = first\nretries = 0" })
    switched(connect(m))
    m:ctl("server db/s1 maint")
    local client, greeting = connect(m)
    local _, told = codec.read("greeting", greeting)
    assert.are_not.equal(0, bit.band(told.capabilities, 0x1000000))
    local number, _, text = refused(client, 2)
    assert.are.equal(2003, number)
    assert.is_truthy(text:find("it lacks what the client was told", 1, true))
    client = connect(m)
    -- By now the second server is known, and clients are told of less.
    local payload = assert(mysql.receive(client))
    assert.are.equal("\254", payload:sub(1, 1))
    client:close()
    m:wait_active("s2", 0)
    assert.are.equal(1, m:server("s2").connect_errors)
  end)

  it("is told of a server's maintenance while it logs in", function()
    start { server_of(seen) }
    local client = connect(m)
    assert(mysql.receive(client))
    m:ctl("server db/s1 maint")
    assert.are.same({ 1053, "08S01" }, error_of(client, 3))
  end)

  it("is told that the program ends while it logs in", function()
    start { server_of(seen) }
    local client = connect(m)
    assert(mysql.receive(client))
    m:stop("TERM")
    assert.are.same({ 1053, "08S01" }, error_of(client, 3))
  end)

  it("that drains while it logs in goes on", function()
    start { server_of(seen) }
    local client = connect(m)
    local payload = assert(mysql.receive(client))
    assert.are.equal("\254", payload:sub(1, 1))
    m:ctl("server db/s1 drain")
    client:send(mysql.packet(3, "to the right one"))
    assert.are.equal(mysql.payload(mysql.ok(4)), (mysql.receive(client)))
  end)

  it("that the hook accept refuses is told so before the greeting", function()
    start({ server_of(seen) }, { section = "script = no.lua", files = {
      ["lua/no.lua"] = "return { accept = function()"
        .. " return false, 'not from here' end }" } })
    local client = assert(net.connect(m.port.db))
    assert.are.same({ 1130, "", "not from here" }, { refused(client, 0) })
  end)

  it("leaves nothing behind after hundreds of logins", function()
    start({ server_of(seen) }, { workers = 2 })
    for i = 1, 300 do
      local client = connect(m)
      if i % 3 ~= 0 then
        switched(client)
      end
      client:close()
    end
    m:wait_active("s1", 0)
    assert.are.equal(0, m:server("s1").connect_errors)
  end)
end)


describe("a MySQL session with passthrough", function()
  after_each(moongate.finish)

  it("gets an error in the form of one that comes before a greeting",
    function()
      local m = moongate.start {
        config = CONFIG:format("retries = 0\nserver s1 = 127.0.0.1:${port_no}",
          "handshake = passthrough"),
        ports = { no = net.reserve().port },
      }
      local client = assert(net.connect(m.port.db))
      local number, state, text = refused(client, 0)
      assert.are.same({ 2003, "" }, { number, state })
      assert.is_truthy(text:find("Connection refused", 1, true), text)
    end)
end)
