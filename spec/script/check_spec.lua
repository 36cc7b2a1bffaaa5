--- The hook `check`: what it gets, what its answers come to, and that it may
-- wait without leaving anything behind.
local checks = require "script.checks"
local folder = require "support.folder"
local loop = require "support.loop"
local net = require "support.net"
local peer = require "support.peer"
local program = require "script.program"

local M = "local moongate = require 'moongate'\n"


-- A script whose hook has this body.
local function script(body)
  return M .. "return { check = function(server)\n" .. body .. "\nend }"
end


local function has(text, wanted)
  assert.is_true(text:find(wanted, 1, true) ~= nil, text)
end


describe("a check by a script", function()
  local c

  local function start(body, options)
    options = options or {}
    options.script = options.script or script(body)
    options.servers = options.servers or { "127.0.0.1:1" }
    c = checks.start(options)
    assert.are.same({}, c.faults)
  end

  after_each(function()
    c:stop()
    net.close_all()
    loop.clear()
  end)

  local ANSWERS = {
    { "true", "return true", "L7OK", "Layer7 check passed" },
    { "false and a reason", "return false, 'too\\nfull'", "L7STS",
      "Layer7 wrong status: too | full" },
    { "false alone", "return false", "L7STS",
      "Layer7 wrong status: the script says so" },
    { "nothing", "", "L7RSP",
      "Layer7 invalid response: it answered a nil, neither true nor false",
      fault = "it answered a nil, neither true nor false" },
    { "a number", "return 1", "L7RSP",
      "Layer7 invalid response: it answered a number, neither true nor "
        .. "false",
      fault = "it answered a number, neither true nor false" },
    { "an error", "local x = nil .. 1", "L7RSP",
      "Layer7 invalid response: c.lua:3: attempt to concatenate a nil "
        .. "value",
      fault = "c.lua:3: attempt to concatenate a nil value | stack traceback" },
    { "an error that is a table", "error({})", "L7RSP",
      "Layer7 invalid response: (a table was raised)",
      fault = "(a table was raised) | stack traceback" },
    { "an error after a wait", "moongate.sleep(0)\nerror('late', 0)", "L7RSP",
      "Layer7 invalid response: late", fault = "late | stack traceback" },
    { "a yield of its own", "coroutine.yield()", "L7RSP",
      "Layer7 invalid response: it yielded outside of a coroutine of "
        .. "its own",
      fault = "it yielded outside of a coroutine of its own" },
  }
  for _, case in ipairs(ANSWERS) do
    it("that ends with " .. case[1], function()
      start(case[2])
      local code, words = c:run()
      assert.are.equal(case[3], code)
      assert.are.equal(case[4], words)
      if not case.fault then
        assert.are.same({}, c.log)
        assert.are.same({ calls = 1, errors = 0, fallbacks = 0 }, c:counts())
        return
      end
      assert.are.equal(1, #c.log)
      has(c.log[1], "script c.lua: check of server s1 of upstream db failed: "
        .. case.fault)
      assert.are.same({ calls = 1, errors = 1, fallbacks = 0 }, c:counts())
    end)
  end

  it("gets the server as policies see it, and where it is", function()
    start([[
      assert(tostring(server) == "server s2", tostring(server))
      assert(server.name == "s2" and server.index == 2)
      assert(server.weight == 1 and server.up and server.active == 0)
      assert(server.host == "127.0.0.1" and server.port == 9)
      assert(server.address == "127.0.0.1:9" and server.upstream == "db")
      assert(moongate.upstream("db")[2].name == "s2")
      return true
    ]], { servers = { "127.0.0.1:1", "127.0.0.1:9" } })
    assert.are.equal("L7OK", (c:run(2)))
    assert.are.same({}, c.log)
  end)

  it("gets a Unix socket's address for its host, and no port", function()
    start([[
      assert(server.host == "unix:/run/x.sock" and server.port == nil)
      return server.address == "unix:/run/x.sock"
    ]], { servers = { "unix:/run/x.sock" } })
    assert.are.equal("L7OK", (c:run()))
  end)

  local MISUSES = {
    { "an unknown field", "return server.nix", "c.lua:3: server has no field" },
    { "a field to write", "server.weight = 1",
      "c.lua:3: a server can only be read" },
    { "rawset", "rawset(server, 'weight', 1)", "bad argument #1 to 'rawset'" },
    { "a wait in a coroutine of its own",
      "coroutine.wrap(function() moongate.sleep(1) end)()",
      "c.lua:3: sleep waits, and may not be used in a coroutine of the "
      .. "script's own" },
    { "no duration", "moongate.sleep('x')",
      "c.lua:3: bad argument #1 to 'sleep'" },
    { "a negative duration", "moongate.sleep(-1)",
      "c.lua:3: bad argument #1 to 'sleep'" },
    { "a duration that is no number", "moongate.sleep(0/0)",
      "c.lua:3: bad argument #1 to 'sleep'" },
    { "no host", "moongate.tcp.connect()",
      "c.lua:3: bad argument #1 to 'connect'" },
    { "no port", "moongate.tcp.connect('127.0.0.1')",
      "c.lua:3: bad argument #2 to 'connect'" },
    { "a port out of range", "moongate.tcp.connect('127.0.0.1', 70000)",
      "c.lua:3: bad argument #2 to 'connect'" },
    { "a Unix socket with a port", "moongate.tcp.connect('unix:/x', 1)",
      "c.lua:3: bad argument #2 to 'connect'" },
    { "an unknown option",
      "moongate.tcp.connect('127.0.0.1', 1, { timout = 1 })",
      "c.lua:3: bad argument #3 to 'connect' (unknown option 'timout')" },
    { "an option of another type",
      "moongate.tcp.connect('127.0.0.1', 1, { tls = true, ca = 1 })",
      "c.lua:3: bad argument #3 to 'connect' (ca must be a string)" },
    { "a Unix socket without a name for TLS",
      "moongate.tcp.connect('unix:/x', nil, { tls = true })",
      "c.lua:3: bad argument #3 to 'connect' (a unix socket needs a name" },
    { "a wait where Lua cannot yield",
      "('x'):gsub('x', function() moongate.sleep(0) end)",
      "attempt to yield across C-call boundary" },
    { "an unknown name", "moongate.tcp.listen()",
      "c.lua:3: moongate.tcp has no 'listen'" },
  }
  for _, case in ipairs(MISUSES) do
    it("is told of " .. case[1], function()
      start(case[2])
      assert.are.equal("L7RSP", (c:run()))
      has(c.log[1], case[3])
    end)
  end

  it("is told of a server that is kept and over", function()
    start(nil, {
      script = M .. [[
        local kept
        return { check = function(server)
          if kept then return kept.up end
          kept = server
          return true
        end }]],
      servers = { "127.0.0.1:1", "127.0.0.1:2" },
    })
    assert.are.equal("L7OK", (c:run(1)))
    c:drop(1)
    assert.are.equal("L7RSP", (c:run(2)))
    has(c.log[1], "c.lua:4: this server is over")
  end)

  it("sleeps, and others are checked meanwhile", function()
    start([[
      if server.name == "s1" then
        moongate.sleep(3600)
      end
      moongate.sleep(0.02)
      return true
    ]], { servers = { "127.0.0.1:1", "127.0.0.1:2" } })
    c:begin(1)
    for _ = 1, 3 do
      assert.are.equal("L7OK", (c:run(2)))
    end
    assert.is_true(c:is_running(1))
  end)

  it("that sleeps too long ends by the timeout, and never goes on", function()
    start([[
      moongate.sleep(0.2)
      print("woken")
      return true
    ]], { timeout = "50ms" })
    local code, words = c:run()
    assert.are.equal("L7TOUT", code)
    has(words, "Layer7 timeout after 50ms")
    assert.are.equal("L7TOUT", (c:run()))
    local deadline = loop.now() + 0.4
    while loop.now() < deadline do
      c:turn()
    end
    assert.are.same({}, c.log)
  end)

  it("cannot get at the core's coroutine", function()
    start([[
      assert(coroutine.running() == nil)
      local own
      coroutine.wrap(function() own = coroutine.running() end)()
      return type(own) == "thread" and coroutine.status(own) == "dead"
    ]])
    assert.are.equal("L7OK", (c:run()))
    assert.are.same({}, c.log)
  end)

  it("uses the coroutine of the one before it", function()
    start("moongate.sleep(server.name == 's1' and 0 or 3600)\nreturn true",
      { servers = { "127.0.0.1:1", "127.0.0.1:2" }, timeout = "500ms" })
    for _ = 1, 20 do
      assert.are.equal("L7OK", (c:run(1)))
      assert.are.equal(1, c:spare_coroutines())
    end
    assert.are.equal("L7TOUT", (c:run(2)))
    assert.are.equal(0, c:spare_coroutines())
    assert.are.same({ calls = 21, errors = 0, fallbacks = 0 }, c:counts())
  end)
end)


describe("a connection of a check", function()
  local c, files

  -- Checks a peer with a script of this body.
  local function start(body, handler, options)
    options = options or {}
    local server = peer.serve(handler or peer.echo)
    options.script = script([[
      local conn, why = moongate.tcp.connect(server.host, server.port, ]]
      .. (options.options or "nil") .. [[)
      if not conn then return false, why end
      ]] .. body)
    options.servers = { "127.0.0.1:" .. server.port }
    c = checks.start(options)
    assert.are.same({}, c.faults)
    files = checks.open_files()
    return server
  end

  -- Nothing is left of the checks on this side.
  local function assert_closed(server)
    server:wait_open(0)
    assert.are.equal(files, checks.open_files() - server.open)
  end

  after_each(function()
    c:stop()
    net.close_all()
    loop.clear()
  end)

  it("sends, and receives lines, bytes and the rest", function()
    local server = start([[
      assert(conn:send("GET\n"))
      assert(conn:receive() == "one")
      assert(conn:receive("*l") == "two")
      assert(conn:receive(3) == "abc")
      assert(conn:receive(0) == "")
      assert(conn:receive("*a") == "the\nrest")
      local text, why, part = conn:receive()
      assert(text == nil and why == "closed" and part == "")
      assert(tostring(conn) == "connection")
      conn:close()
      conn:close()
      text, why = conn:receive()
      assert(text == nil and why == "closed")
      text, why = conn:send("x")
      assert(text == nil and why == "closed")
      return true
    ]], function(connection)
      connection:receive_until("\n")
      for piece in ("one\r\ntwo\nabcthe\nrest"):gmatch("..?") do
        connection:send(piece)
        loop.watch(0.01)
      end
    end)
    local code, words = c:run()
    assert.are.same({}, c.log)
    assert.are.equal("L7OK", code, words)
    assert_closed(server)
  end)

  it("waits within pcall, metamethods and loops over them", function()
    local server = start([[
      local ok, line = pcall(conn.receive, conn)
      assert(ok and line == "a", line)
      local lazy = setmetatable({}, { __index = function() return
        conn:receive() end })
      assert(lazy.x == "b")
      for one in conn.receive, conn do
        return one == "c"
      end
    ]], function(connection)
      for _, line in ipairs { "a", "b", "c" } do
        loop.watch(0.02)
        connection:send(line .. "\n")
      end
    end)
    assert.are.equal("L7OK", (c:run()))
    assert.are.same({}, c.log)
    assert_closed(server)
  end)

  it("gives what had come when it ends in the middle", function()
    local server = start([[
      local text, why, part = conn:receive()
      assert(text == nil and why == "closed" and part == "half", why)
      return true
    ]], function(connection)
      connection:send("half")
    end)
    assert.are.equal("L7OK", (c:run()))
    assert_closed(server)
  end)

  it("says that it was reset", function()
    local server = start([[
      conn:send("x")
      local text, why = conn:receive()
      return false, why
    ]], function(connection)
      connection:receive(1)
      connection:reset()
    end)
    local _, words = c:run()
    has(words, "connection reset by peer")
    assert_closed(server)
  end)

  it("is refused where nobody listens", function()
    local server = start("return true")
    server:refuse()
    files = checks.open_files()
    local code, words = c:run()
    assert.are.equal("L7STS", code)
    has(words, "connection refused")
    assert_closed(server)
  end)

  it("that hangs ends with the check", function()
    local server = start("return conn:receive()", peer.sink,
      { timeout = "100ms" })
    for _ = 1, 3 do
      assert.are.equal("L7TOUT", (c:run()))
      assert_closed(server)
    end
    assert.are.same({}, c.log)
  end)

  it("may have a timeout of its own for each operation", function()
    local server = start([[
      local text, why, part = conn:receive()
      assert(text == nil and why == "timeout" and part == "dri", why)
      text, why = conn:receive()
      assert(text == nil and why == "timeout", why)
      return true
    ]], function(connection)
      connection:send("dri")
      peer.sink(connection)
    end, { options = "{ timeout = 0.05 }" })
    assert.are.equal("L7OK", (c:run()))
    assert.are.same({}, c.log)
    assert_closed(server)
  end)

  it("that drips ends with the check", function()
    local server = start("return conn:receive() ~= nil", function(connection)
      while connection:send("x") do
        loop.watch(0.02)
      end
    end, { timeout = "150ms" })
    assert.are.equal("L7TOUT", (c:run()))
    assert_closed(server)
  end)

  it("keeps a bounded part of a line without an end", function()
    local server = start([[
      local text, why, part = conn:receive()
      assert(text == nil and #part == 1024 * 1024, why)
      return false, why
    ]], function(connection)
      local block = ("x"):rep(65536)
      while connection:send(block) do
      end
    end)
    local _, words = c:run()
    has(words, "more than fits has come")
    assert.are.same({}, c.log)
    assert_closed(server)
  end)

  it("sends more than the other side takes at once", function()
    local server = start([[
      assert(conn:send(("y"):rep(4000000)))
      return conn:receive() == "4000000"
    ]], function(connection)
      loop.watch(0.05)
      connection:send(#connection:receive(4000000) .. "\n")
    end)
    assert.are.equal("L7OK", (c:run()))
    assert_closed(server)
  end)

  it("gives up to send to who takes nothing", function()
    local server = start([[
      local sent, why = conn:send(("y"):rep(16000000))
      assert(sent == nil)
      return false, why
    ]], function(connection)
      loop.wait(-1, 0, math.huge)
    end, { options = "{ timeout = 0.1 }" })
    local _, words = c:run()
    has(words, "timeout")
    assert.are.same({}, c.log)
    assert.are.equal(1, server.open)
  end)

  it("ends with its check, even where the script keeps it", function()
    local server = start([[
      kept = kept or conn
      local sent, why = kept:send("x")
      if kept == conn then return sent end
      return false, why
    ]], peer.sink)
    assert.are.equal("L7OK", (c:run()))
    assert_closed(server)
    local _, words = c:run()
    has(words, "closed")
    assert_closed(server)
  end)

  it("is not another check's to use", function()
    local server = peer.serve(peer.sink)
    local address = "127.0.0.1:" .. server.port
    c = checks.start {
      script = script([[
        if server.name == "s1" then
          kept = moongate.tcp.connect(server.host, server.port)
          moongate.sleep(3600)
        end
        kept:send("x")
      ]]),
      servers = { address, address },
    }
    c:begin(1)
    loop.wait_until("the first is connected", function()
      return c:is_running(1) and server.open == 1
    end)
    assert.are.equal("L7RSP", (c:run(2)))
    has(c.log[1], "send: the connection is of another hook that is under way")
  end)

  it("is one of a bounded number", function()
    local server = start([[
      local kept = {}
      for i = 1, 31 do
        kept[i] = assert(moongate.tcp.connect(server.host, server.port))
      end
      local more, reason = moongate.tcp.connect(server.host, server.port)
      assert(more == nil)
      return false, reason
    ]], peer.sink)
    local _, words = c:run()
    has(words, "too many connections are open")
    server:wait_accepted(32)
    assert_closed(server)
  end)

  it("outlives the collector while it waits", function()
    local server = start([[
      conn:close()
      for _ = 1, 5 do
        local line = moongate.tcp.connect(server.host, server.port):receive()
        if line ~= "ready" then return false, "no line" end
        local rubbish = {}
        for i = 1, 100000 do rubbish[i] = {} end
      end
      return true
    ]], function(connection)
      loop.watch(0.02)
      connection:send("ready\n")
    end)
    assert.are.equal("L7OK", (c:run()))
    assert.are.same({}, c.log)
    assert_closed(server)
  end)

  it("goes to a Unix socket", function()
    local dir = folder.make()
    peer.serve(peer.greet("hello\n"), { unix = dir .. "/s" })
    c = checks.start {
      script = script("return moongate.tcp.connect(server.host, server.port)"
        .. ":receive() == 'hello'"),
      servers = { "unix:" .. dir .. "/s" },
    }
    assert.are.equal("L7OK", (c:run()))
    folder.remove(dir)
  end)

  local WRONG = {
    { "conn.send('x')", "send: a connection is expected" },
    { "conn:send({})", "bad argument #1 to 'send'" },
    { "conn:receive('*x')", "bad argument #1 to 'receive'" },
    { "conn:receive(-1)", "bad argument #1 to 'receive'" },
    { "conn:receive(1.5)", "bad argument #1 to 'receive'" },
    { "conn:receive(1e9)", "at most 1048576 bytes" },
    { "conn:shout()", "connection has no field 'shout'" },
    { "conn.send = 1", "attempt to index local 'conn'" },
    { "setmetatable(conn, {})", "bad argument #1 to 'setmetatable'" },
  }
  for _, case in ipairs(WRONG) do
    it("refuses " .. case[1], function()
      local server = start(case[1], peer.sink)
      assert.are.equal("L7RSP", (c:run()))
      has(c.log[1], "c.lua:5: ")
      has(c.log[1], case[2])
      assert_closed(server)
    end)
  end
end)


describe("names in a check", function()
  local c

  after_each(function()
    c:stop()
    net.close_all()
    loop.clear()
  end)

  local function start(host, resolver)
    local server = peer.serve(peer.greet("hello\n"))
    c = checks.start {
      script = script(([[
        local conn, why = moongate.tcp.connect("%s", %d, { timeout = 1 })
        if not conn then return false, why end
        return conn:receive() == "hello"
      ]]):format(host, server.port)),
      servers = { "127.0.0.1:1" },
      resolver = resolver,
    }
  end

  it("are looked up", function()
    start("localhost", true)
    local code, words = c:run()
    assert.are.equal("L7OK", code, words)
  end)

  it("that mean nothing are a reason", function()
    start("none.invalid", true)
    assert.are.equal("L7STS", (c:run()))
  end)

  it("are none where nobody looks them up", function()
    start("localhost", false)
    local _, words = c:run()
    has(words, "cannot look localhost")
  end)
end)


describe("outside of a check", function()
  it("nothing waits", function()
    for _, body in ipairs({
      "moongate.sleep(1)", "moongate.tcp.connect('127.0.0.1', 1)",
      "moongate.http.get('http://127.0.0.1/')",
    }) do
      local faults = program.faults_of(M .. body .. "\nreturn {}")
      has(faults[1], "a.lua:2: ")
      has(faults[1], "waits, and may be used only in a request, login or "
        .. "check hook and in functions of after() and every()")
    end
  end)

  it("a pick that waits fails, and the built-in one chooses", function()
    local p = assert(program.start {
      config = "[upstream db]\nprotocol = tcp\npolicy = ${dir}/lua/p.lua\n"
        .. "server one = 127.0.0.1:1\n",
      lua = { ["p.lua"] = M .. "return { pick = function()\n"
        .. "moongate.sleep(1)\nreturn 1\nend }" },
    })
    assert.are.equal("one", p:pick("db"))
    has(p.log[1], "p.lua:3: sleep waits, and may be used only in a request, "
      .. "login or")
    p:stop()
  end)
end)


describe("loading the script of a check", function()
  local function faults_of(text)
    local c = checks.start { script = text, servers = { "127.0.0.1:1" } }
    local faults = c.faults
    local code, words = c:run()
    c:stop()
    return faults, code, words
  end

  it("refuses one without the hook, whose checks then fail", function()
    local faults, code, words = faults_of("return {}")
    assert.are.same({ "check: c.lua has no check hook" }, faults)
    assert.are.equal("SOCKERR", code)
    has(words, "its script could not be loaded")
  end)

  it("refuses other hooks", function()
    has(faults_of("return { check = print, pick = print }")[1],
      "the hook 'pick' is never called for upstream db")
    has(faults_of("return { chekc = print }")[1],
      "unknown hook 'chekc'; did you mean 'check'?")
  end)

  it("calls its load", function()
    has(faults_of("return { check = print, load = function()\n"
      .. "error('no map') end }")[1], "load failed: c.lua:2: no map")
  end)
end)
