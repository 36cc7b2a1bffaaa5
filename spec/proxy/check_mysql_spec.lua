--- check = mysql against scripted servers: every way of logging in, and every
-- way to fail.
local checker = require "support.checker"
local loop = require "support.loop"
local mysql = require "support.mysql"
local net = require "support.net"
local peer = require "support.peer"
local rsa = require "support.rsa"

local CHALLENGE = "abcdefgh0123456789ab"
local OTHER_CHALLENGE = "ABCDEFGH0123456789AB"
local TIMEOUT_MS = 1000


-- The fields of a login request.
local function parse_login(payload)
  local user, rest = payload:match("^([^%z]*)%z(.*)$", 33)
  local n = rest:byte()
  return {
    user = user,
    answer = rest:sub(2, 1 + n),
    plugin = rest:sub(2 + n):match("^[^%z]*"),
  }
end


describe("check = mysql", function()
  local checks, seen

  after_each(function()
    if checks then
      checks:close()
      checks = nil
    end
    loop.clear()
    net.close_all()
  end)

  -- Runs one check against a server that does what the handler does.
  local function run(handler, keys, timeout_ms)
    seen = {}
    local server = peer.serve(handler)
    checks = checker.new(("check = mysql user=%s timeout=%dms\n"):format(
      keys or "u", timeout_ms or TIMEOUT_MS), { server.port })
    local verdict = checks:run(1)
    return verdict, server
  end

  -- Greets, notes the login, and says what FURTHER does; then waits for the
  -- leave.
  local function login(greeting, further)
    return function(connection)
      connection:send(greeting)
      local payload = mysql.receive(connection)
      seen.login = payload and parse_login(payload)
      if payload and further(connection) then
        seen.last, seen.sequence = mysql.receive(connection)
        seen.after, seen.ended = connection:receive_all()
      end
    end
  end

  -- Sends a packet; true, so that more is waited for.
  local function say(bytes)
    return function(connection)
      connection:send(bytes)
      return true
    end
  end

  -- Greets with these bytes, and waits for the end.
  local function greet(bytes)
    return function(connection)
      connection:send(bytes)
      connection:receive_all()
    end
  end

  local function await_leave()
    loop.wait_until("the check took leave", function()
      return seen.ended
    end)
    assert.are.same({ "\1", 0, "", "closed" },
      { seen.last, seen.sequence, seen.after, seen.ended })
  end

  it("passes a login without a password, and takes leave", function()
    local verdict = run(login(mysql.MARIADB.greeting, say(mysql.MARIADB.ok)))
    assert.are.equal("L7OK", verdict.code)
    assert.are.equal("Layer7 check passed: 10.11.19-MariaDB-0+deb12u1",
      verdict.words)
    assert.are.same({ user = "u", answer = "",
      plugin = "mysql_native_password" }, seen.login)
    await_leave()
  end)

  it("says so in the cache's way without a password", function()
    local verdict = run(login(mysql.greeting8(), say(mysql.ok(2))))
    assert.are.equal("Layer7 check passed: 8.0.36", verdict.words)
    assert.are.same({ user = "u", answer = "\0",
      plugin = "caching_sha2_password" }, seen.login)
    await_leave()
  end)

  it("passes where the server knows the password already", function()
    local verdict = run(login(mysql.greeting8(),
      say(mysql.packet(2, "\1\3") .. mysql.ok(3))), "u password=sesame")
    assert.are.equal("L7OK", verdict.code)
    assert.are.equal(32, #seen.login.answer)
    await_leave()
  end)

  it("hides the password with the server's key where it must be sent",
     function()
    local key = rsa.new()
    local verdict = run(login(mysql.greeting8({ challenge = CHALLENGE }),
      function(connection)
        connection:send(mysql.packet(2, "\1\4"))
        seen.request, seen.request_sequence = mysql.receive(connection)
        connection:send(mysql.packet(4, "\1" .. key.pem))
        seen.hidden, seen.hidden_sequence = mysql.receive(connection)
        connection:send(mysql.ok(6))
        return true
      end), "u password=sesame")
    assert.are.equal("L7OK", verdict.code)
    assert.are.same({ "\2", 3, 5 },
      { seen.request, seen.request_sequence, seen.hidden_sequence })
    local clear = {}
    for i, byte in ipairs({ key:decrypt(seen.hidden):byte(1, -1) }) do
      clear[i] = string.char(bit.bxor(byte, CHALLENGE:byte(i)))
    end
    assert.are.equal("sesame\0", table.concat(clear))
    await_leave()
  end)

  it("goes over to the user's own plugin", function()
    for plugin, length in pairs({ mysql_native_password = 20,
        caching_sha2_password = 32, client_ed25519 = 64 }) do
      local verdict = run(login(mysql.greeting8(), function(connection)
        connection:send(mysql.switch(2, plugin,
          OTHER_CHALLENGE .. CHALLENGE .. "\0"))
        seen.answer, seen.answer_sequence = mysql.receive(connection)
        connection:send(mysql.ok(4))
        return true
      end), "u password=sesame")
      assert.are.equal("L7OK", verdict.code)
      assert.are.same({ length, 3 }, { #seen.answer, seen.answer_sequence })
      await_leave()
      checks:close()
      checks = nil
    end
  end)

  it("names a plugin that it does not know, and lets the server end it",
     function()
    local verdict = run(login(mysql.MARIADB.greeting, function(connection)
      connection:send(mysql.switch(2, "dialog", "\2Password: "))
      seen.answer = mysql.receive(connection)
      connection:send(mysql.err(4, 1045, "28000", "Access denied"))
      return false
    end))
    assert.are.equal("L7STS", verdict.code)
    assert.are.equal("Layer7 wrong status: no support for the user's plugin "
      .. "dialog", verdict.words)
    assert.are.equal("", seen.answer)
  end)

  it("answers the default plugin of a server in the oldest one's name",
     function()
    local verdict = run(login(mysql.greeting8({ plugin = "sha3" }),
      say(mysql.ok(2))))
    assert.are.equal("L7OK", verdict.code)
    assert.are.equal("mysql_native_password", seen.login.plugin)
    await_leave()
  end)

  it("passes a server that says each byte by itself", function()
    local verdict = run(function(connection)
      for i = 1, #mysql.MARIADB.greeting do
        connection:send(mysql.MARIADB.greeting:sub(i, i))
        loop.watch(0)
      end
      mysql.receive(connection)
      for i = 1, #mysql.MARIADB.ok do
        connection:send(mysql.MARIADB.ok:sub(i, i))
        loop.watch(0)
      end
      connection:receive_all()
    end, "u", 20000)
    assert.are.equal("L7OK", verdict.code)
  end)

  it("leaves nothing open", function()
    local verdict, server = run(login(mysql.MARIADB.greeting,
      say(mysql.MARIADB.ok)))
    assert.are.equal("L7OK", verdict.code)
    assert.is_false(checks:is_open(1))
    server:wait_open(0)
  end)

  local REFUSALS = {
    { "a wrong password", { login(mysql.MARIADB.greeting,
      say(mysql.MARIADB.denied)) }, "1045 (28000): Access denied for user "
      .. "'nobody'@'127.0.0.1' (using password: NO)" },
    { "a host that is blocked", { greet(mysql.err(0, 1129, nil,
      "Host '10.0.0.1' is blocked because of many connection errors")) },
      "1129: Host '10.0.0.1' is blocked because of many connection errors" },
    { "too many connections", { greet(mysql.MARIADB.too_many) },
      "1040: Too many connections" },
    { "a node that is not prepared", { login(mysql.MARIADB.greeting,
      say(mysql.err(2, 1047, "08S01", "WSREP has not yet prepared node"))) },
      "1047 (08S01): WSREP has not yet prepared node", true },
    { "words that would forge a line", { greet(mysql.err(0, 1040, "08004",
      "no\nINFO \27[31m")) }, "1040 (08004): no\\x0AINFO \\x1B[31m" },
  }

  for _, case in ipairs(REFUSALS) do
    it("fails in the server's words: " .. case[1], function()
      local verdict = run(case[2][1])
      assert.are.equal("L7STS", verdict.code)
      assert.are.equal("Layer7 wrong status: " .. case[3], verdict.words)
      assert.are.equal(case[4] or false, verdict.at_once)
    end)
  end

  local BROKEN = {
    { "another protocol", greet("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
      "not the greeting of a MySQL server" },
    { "a web server's answer", greet("HTTP/1.1 400 Bad Request\r\n\r\n"),
      "not the greeting of a MySQL server" },
    { "another version", greet(mysql.packet(0, "\9old\0")),
      "not the greeting of a MySQL server" },
    { "a greeting out of order", greet("d\0\0\1"
      .. mysql.payload(mysql.MARIADB.greeting)),
      "not the greeting of a MySQL server" },
    { "an empty greeting", greet("\0\0\0\0"),
      "not the greeting of a MySQL server" },
    { "an end at once", function() end, "closed before its greeting" },
    { "an end within the greeting", say(mysql.MARIADB.greeting:sub(1, 50)),
      "closed before its greeting" },
    { "an end after the greeting", login(mysql.MARIADB.greeting,
      function() end), "closed during the login" },
    { "an end after a plugin that is not known", login(mysql.MARIADB.greeting,
      function(connection)
        connection:send(mysql.switch(2, "dialog", ""))
        mysql.receive(connection)
      end), "no support for the user's plugin dialog" },
    { "a packet of 16 MiB", login(mysql.MARIADB.greeting,
      say("\255\255\255\2" .. ("x"):rep(5000))),
      "MySQL packet is too long during the login" },
    { "an OK that is cut off", login(mysql.MARIADB.greeting,
      say(mysql.packet(2, "\0\0"))),
      "unexpected MySQL packet during the login" },
    { "a result in place of an OK", login(mysql.MARIADB.greeting,
      say(mysql.packet(2, "\2"))), "unexpected MySQL packet during the login" },
    { "an empty packet", login(mysql.MARIADB.greeting, say("\0\0\0\2")),
      "unexpected MySQL packet during the login" },
    { "a challenge that is too short", login(mysql.MARIADB.greeting,
      say(mysql.switch(2, "client_ed25519", "short"))),
      "no answer to the challenge of client_ed25519" },
    { "a key that is none", login(mysql.greeting8(),
      say(mysql.packet(2, "\1-----BEGIN PUBLIC KEY-----"))),
      "no use for the server's public key" },
    { "more data without end", login(mysql.MARIADB.greeting,
      function(connection)
        local more = mysql.packet(2, "\1" .. ("\3"):rep(1000))
        connection:send(mysql.switch(2, "dialog", "") .. more:rep(70))
        return true
      end), "too many bytes during the login" },
  }

  for _, case in ipairs(BROKEN) do
    it("fails for " .. case[1], function()
      local verdict = run(case[2])
      assert.are.equal("Layer7 invalid response: " .. case[3], verdict.words)
      assert.is_false(verdict.passed)
      assert.is_false(verdict.at_once)
    end)
  end

  it("says that a connection was reset", function()
    local verdict = run(function(connection)
      connection:send(mysql.MARIADB.greeting)
      mysql.receive(connection)
      connection:reset()
    end)
    assert.are.equal("Layer7 invalid response: Connection reset by peer during "
      .. "the login", verdict.words)
  end)

  it("is refused by a port where nobody listens", function()
    local port = net.reserve()
    checks = checker.new("check = mysql user=u timeout=1s", { port.port })
    assert.are.equal("Layer4 connection problem: Connection refused",
      checks:run(1).words)
  end)

  local SLOW = {
    ["says nothing"] = function(connection)
      connection:receive_all()
    end,
    ["greets and no more"] = function(connection)
      connection:send(mysql.MARIADB.greeting)
      connection:receive_all()
    end,
    ["drips"] = function(connection)
      for i = 1, #mysql.MARIADB.greeting do
        if not connection:send(mysql.MARIADB.greeting:sub(i, i)) then
          return
        end
        loop.watch(0.1)
      end
    end,
  }

  for what, handler in pairs(SLOW) do
    it("times out on a server that " .. what, function()
      local verdict = run(handler)
      assert.are.equal("L7TOUT", verdict.code)
      assert.is_true(verdict.ms >= TIMEOUT_MS)
      assert.is_false(checks:is_open(1))
    end)
  end

  it("does not carry over what an earlier check had read", function()
    local times = 0
    run(function(connection)
      times = times + 1
      if times == 1 then
        connection:send(mysql.MARIADB.greeting:sub(1, 50))
        connection:receive_all()
        return
      end
      login(mysql.MARIADB.greeting, say(mysql.MARIADB.ok))(connection)
    end)
    assert.are.equal("L7OK", checks:run(1).code)
    await_leave()
  end)
end)
