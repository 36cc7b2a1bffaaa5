--- moongate.http: what is sent, what is made of answers of all kinds, and the
-- connections that are kept.  In a check, which waits as all hooks do that may.
local checks = require "script.checks"
local loop = require "support.loop"
local net = require "support.net"
local peer = require "support.peer"
local program = require "script.program"

local M = "local moongate = require 'moongate'\nlocal http = moongate.http\n"
local OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


local function has(text, wanted)
  assert.is_true(text:find(wanted, 1, true) ~= nil, text)
end


-- Reads a request; nil at the end.
local function receive_request(connection)
  local head = connection:receive_until("\r\n\r\n", math.huge)
  if not head then
    return nil
  end
  local length = tonumber(head:match("Content%-Length: (%d+)")) or 0
  return head, connection:receive(length, math.huge)
end


-- A server that answers each request of a connection with a text.
local function answering(text)
  return function(connection)
    while receive_request(connection) do
      connection:send(text)
    end
  end
end


describe("moongate.http", function()
  local c, files, server

  -- Checks a peer with a script of this body; URL is the peer's.
  local function start(body, handler, options)
    options = options or {}
    server = peer.serve(handler or answering(OK))
    options.script = M .. "local URL = 'http://127.0.0.1:" .. server.port
      .. "'\nreturn { check = function(server)\n" .. body .. "\nend }"
    options.servers = { "127.0.0.1:1" }
    c = checks.start(options)
    assert.are.same({}, c.faults)
    files = checks.open_files()
  end

  -- Runs the check; it has to say yes.
  local function pass()
    local code, words = c:run()
    assert.are.same({}, c.log)
    assert.are.equal("L7OK", code, words)
  end

  -- How many connections this side has open.
  local function own_files()
    return checks.open_files() - files - server.open
  end

  after_each(function()
    c:stop()
    loop.wait_until("all that was kept is closed", function()
      return server.open == 0
    end)
    net.close_all()
    loop.clear()
  end)

  it("gets a page", function()
    local seen
    start([[
      local answer, why = http.get(URL .. "/a%20b?c=d#part", {
        headers = { ["X-One"] = 1, ["X-List"] = { "a", "b" } },
      })
      assert(answer, why)
      assert(answer.status == 201 and answer.body == "hello")
      assert(answer.headers["content-type"] == "text/plain")
      assert(answer.headers["x-multi"] == "1, 2")
      assert(#answer.headers["set-cookie"] == 2)
      assert(answer.headers["set-cookie"][2] == "c=d")
      return true
    ]], function(connection)
      seen = receive_request(connection)
      connection:send("HTTP/1.1 201 Created\r\nContent-Type: text/plain\r\n"
        .. "X-Multi: 1\r\nSet-Cookie: a=b\r\nx-multi: 2\r\n"
        .. "Set-Cookie: c=d\r\nContent-Length: 5\r\n\r\nhello")
    end)
    pass()
    assert.are.equal("GET /a%20b?c=d HTTP/1.1\r\n", seen:match("^.-\n"))
    has(seen, "\r\nHost: 127.0.0.1:" .. server.port .. "\r\n")
    has(seen, "\r\nUser-Agent: moongate\r\nAccept: */*\r\n")
    has(seen, "\r\nX-One: 1\r\n")
    has(seen, "\r\nX-List: a\r\nX-List: b\r\n")
    assert.is_nil(seen:find("Content-Length", 1, true))
    assert.is_nil(seen:find("Connection", 1, true))
  end)

  it("posts a text of any bytes", function()
    local head, body
    start([[
      local sent = ("\0\r\n\255"):rep(500000)
      local answer = assert(http.post(URL, sent, {
        headers = { host = "other.test", ["user-agent"] = "mine" } }))
      return answer.status == 200 and answer.body == "ok"
    ]], function(connection)
      head, body = receive_request(connection)
      connection:send(OK)
    end)
    pass()
    assert.are.equal("POST / HTTP/1.1\r\n", head:match("^.-\n"))
    has(head, "\r\nhost: other.test\r\n")
    has(head, "\r\nuser-agent: mine\r\n")
    has(head, "\r\nContent-Length: 2000000\r\n")
    assert.is_nil(head:find("Host: 127", 1, true))
    assert.is_true(body == ("\0\r\n\255"):rep(500000))
  end)

  it("posts an empty text", function()
    local head
    start("return http.post(URL, '').status == 200", function(connection)
      head = receive_request(connection)
      connection:send(OK)
    end)
    pass()
    has(head, "\r\nContent-Length: 0\r\n")
  end)

  local ANSWERS = {
    { "in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      .. "3;x=y\r\nabc\r\n4\r\ndefg\r\n0\r\nT: u\r\n\r\n", "abcdefg" },
    { "up to the end", "HTTP/1.1 200 OK\r\n\r\nabcdefg", "abcdefg" },
    { "of HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc" },
    { "without a body", "HTTP/1.1 204 No Content\r\n\r\n", "" },
    { "of no bytes", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "" },
    { "behind others", "HTTP/1.1 100 Continue\r\n\r\n"
      .. "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
      .. "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "x" },
    { "that is a redirect", "HTTP/1.1 302 Found\r\nLocation: /x\r\n"
      .. "Content-Length: 1\r\n\r\nx", "x" },
    { "with more behind it", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxyz",
      "x" },
  }
  for _, case in ipairs(ANSWERS) do
    for _, size in ipairs { 1, 100000 } do
      it(("takes an answer %s, in pieces of %d"):format(case[1], size),
        function()
          start(("local a, why = http.get(URL)\nassert(a, why)\n"
            .. "assert(a.body == %q, a.body)\nreturn true"):format(case[3]),
            function(connection)
              receive_request(connection)
              for at = 1, #case[2], size do
                connection:send(case[2]:sub(at, at + size - 1))
                loop.watch(0.0005)
              end
            end)
          pass()
        end)
    end
  end

  local WRONG = {
    { "is not HTTP", "SSH-2.0-OpenSSH_9.2\r\n", "no HTTP/1 answer" },
    { "is random", "\1\2\3\255", "no HTTP/1 answer" },
    { "has a bad header", "HTTP/1.1 200 OK\r\nA B: c\r\n\r\n",
      "a bad header line in the answer" },
    { "has two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
      .. "Content-Length: 2\r\n\r\nab", "a bad Content-Length in the answer" },
    { "has an unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip"
      .. "\r\n\r\n", "a Transfer-Encoding that is not known in the answer" },
    { "has a bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      .. "zz\r\n", "bad chunk size" },
    { "switches", "HTTP/1.1 101 Switching Protocols\r\n\r\n",
      "the server switches to another protocol" },
    { "is nothing", "", "closed" },
    { "ends in its head", "HTTP/1.1 200 OK\r\nA: b", "closed" },
    { "ends in its body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
      "closed" },
    { "ends in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      .. "9\r\nabc", "closed" },
    { "has a huge head", "HTTP/1.1 200 OK\r\nA: " .. ("x"):rep(70000),
      "the head of the answer is too large" },
    { "has too many headers", "HTTP/1.1 200 OK\r\n" .. ("a: b\r\n"):rep(101)
      .. "\r\n", "too many headers in the answer" },
    { "is announced as too large", "HTTP/1.1 200 OK\r\nContent-Length: 1048577"
      .. "\r\n\r\n", "too large" },
    { "is too large", "HTTP/1.1 200 OK\r\n\r\n" .. ("x"):rep(1048577),
      "too large" },
    { "is too large in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"
      .. "\r\n\r\n100001\r\n" .. ("x"):rep(1048577), "too large" },
  }
  for _, case in ipairs(WRONG) do
    it("says what is wrong with an answer that " .. case[1], function()
      start(("local a, why = http.get(URL)\n"
        .. "assert(a == nil and why == %q, why)\nreturn true"):format(case[3]),
        function(connection)
          receive_request(connection)
          connection:send(case[2])
        end)
      pass()
      assert.are.equal(1, server.accepted)
      loop.wait_until("nothing is kept", function()
        return server.open == 0 and own_files() == 0
      end)
    end)
  end

  it("takes as much as max_body says, and memory as it comes", function()
    start([[
      local a, why = http.get(URL, { max_body = 3 * 2 ^ 20 })
      assert(a, why)
      assert(#a.body == 3 * 2 ^ 20)
      a, why = http.get(URL, { max_body = 3 * 2 ^ 20 - 1 })
      assert(a == nil and why == "too large")
      return true
    ]], answering("HTTP/1.1 200 OK\r\nContent-Length: " .. 3 * 2 ^ 20
      .. "\r\n\r\n" .. ("x"):rep(3 * 2 ^ 20)))
    pass()
  end)

  it("is refused and reset like any connection", function()
    local reserved = net.reserve()
    start(([[
      local a, why = http.get("http://127.0.0.1:%d/")
      assert(a == nil and why == "connection refused", why)
      a, why = http.get(URL)
      assert(a == nil and why == "connection reset by peer", why)
      a, why = http.get("http://none.invalid/")
      assert(a == nil and why == "cannot look none.invalid up here", why)
      a, why = http.get("http://[::1]:1/")
      assert(a == nil and type(why) == "string")
      return true
    ]]):format(reserved.port), function(connection)
      receive_request(connection)
      connection:reset()
    end)
    pass()
    reserved:close()
  end)

  it("has a time for all of it, whatever the server drips", function()
    start([[
      local began = moongate.now()
      local a, why = http.get(URL, { timeout = 0.2 })
      assert(a == nil and why == "timeout", why)
      assert(moongate.now() - began < 2)
      return true
    ]], function(connection)
      receive_request(connection)
      connection:send("HTTP/1.1 200 OK\r\n\r\n")
      while connection:send("x") do
        loop.watch(0.02)
      end
    end)
    pass()
    server:wait_open(0)
  end)

  it("has a time also where the server says nothing, or takes nothing",
    function()
      start([[
        local a, why = http.get(URL, { timeout = 0.1 })
        assert(a == nil and why == "timeout", why)
        a, why = http.post(URL, ("x"):rep(2 ^ 24), { timeout = 0.1 })
        assert(a == nil and why == "timeout", why)
        return true
      ]], function(connection)
        receive_request(connection)
        loop.wait(-1, 0, loop.now() + 5)
      end, { timeout = "20s" })
      local code, words = c:run()
      assert.are.equal("L7OK", code, words)
      assert.are.equal(0, own_files())
      loop.clear()
      server.open = 0
    end)

  it("ends with its task", function()
    start("http.get(URL)\nreturn true", peer.sink, { timeout = "100ms" })
    for _ = 1, 3 do
      assert.are.equal("L7TOUT", (c:run()))
      server:wait_open(0)
    end
    assert.are.equal(0, own_files())
  end)

  it("hears what a server says that does not want the rest", function()
    start([[
      local a, why = http.post(URL, ("x"):rep(2 ^ 24))
      assert(a, why)
      return a.status == 413
    ]], function(connection)
      connection:receive_until("\r\n\r\n")
      connection:send("HTTP/1.1 413 Too Large\r\nConnection: close\r\n"
        .. "Content-Length: 2\r\n\r\nno")
      peer.sink(connection)
    end)
    pass()
    server:wait_open(0)
  end)

  describe("keeps connections", function()
    it("and asks again on the one that it has", function()
      start("for i = 1, 20 do\n"
        .. "assert(http.get(URL .. '/' .. i).body == 'ok')\n"
        .. "assert(http.post(URL, 'x').body == 'ok')\nend\nreturn true")
      pass()
      pass()
      assert.are.equal(1, server.accepted)
      assert.are.equal(1, own_files())
    end)

    it("not where the answer or its version says so", function()
      for _, head in ipairs {
        "HTTP/1.1 200 OK\r\nConnection: close\r\n", "HTTP/1.0 200 OK\r\n",
      } do
        start("return http.get(URL).status == 200",
          answering(head .. "Content-Length: 0\r\n\r\n"))
        pass()
        pass()
        assert.are.equal(2, server.accepted)
        server:wait_open(0)
        c:stop()
      end
      start("return true")
    end)

    it("for less time than the server says that it does", function()
      local keep = "HTTP/1.1 204 No\r\nKeep-Alive: timeout=%d\r\n\r\n"
      for seconds, accepted in pairs { [0] = 2, [1] = 1 } do
        start("return http.get(URL).status == 204",
          answering(keep:format(seconds)))
        pass()
        pass()
        assert.are.equal(accepted, server.accepted)
        loop.wait_until("it is closed", function()
          c:turn()
          return own_files() == 0
        end)
        c:stop()
      end
      start("return true")
    end)

    it("not where more has come than was asked for", function()
      start("return http.get(URL).body == 'ok'", answering(OK .. "HTTP/1.1 "))
      pass()
      pass()
      assert.are.equal(2, server.accepted)
    end)

    it("until the server ends one, or says something", function()
      local connections = {}
      start("return http.get(URL).body == 'ok'", function(connection)
        connections[#connections + 1] = connection
        answering(OK)(connection)
      end)
      pass()
      assert.are.equal(1, own_files())
      connections[1]:shutdown()
      loop.wait_until("it is closed", function()
        c:turn()
        return own_files() == 0
      end)
      pass()
      connections[2]:send("x")
      loop.wait_until("it is closed", function()
        c:turn()
        return own_files() == 0
      end)
      pass()
      assert.are.equal(3, server.accepted)
    end)

    it("and takes no word from before the request for its answer", function()
      local latest
      start("return http.get(URL).body == 'ok'", function(connection)
        latest = connection
        answering(OK)(connection)
      end)
      for i = 1, 5 do
        pass()
        assert.are.equal(i, server.accepted)
        latest:send("HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n")
        latest:shutdown()
      end
      pass()
    end)

    it("and gets again, once, what failed on one that was closed meanwhile",
      function()
        local requests = 0
        start("return http.get(URL).body == 'ok'", function(connection)
          while receive_request(connection) do
            requests = requests + 1
            if requests == 2 then
              return
            end
            connection:send(OK)
          end
        end)
        pass()
        pass()
        assert.are.equal(3, requests)
        assert.are.equal(2, server.accepted)
      end)

    it("and gets no third time", function()
      local requests = 0
      start("local a, why = http.get(URL)\nreturn a ~= nil, why",
        function(connection)
          while receive_request(connection) do
            requests = requests + 1
            if requests > 1 then
              return
            end
            connection:send(OK)
          end
        end)
      pass()
      local _, words = c:run()
      has(words, "closed")
      assert.are.equal(3, requests)
    end)

    it("and never posts twice what was sent", function()
      local requests = 0
      start("local a, why = http.post(URL, 'x')\nreturn a ~= nil, why",
        function(connection)
          while receive_request(connection) do
            requests = requests + 1
            if requests == 2 then
              return
            end
            connection:send(OK)
          end
        end)
      pass()
      local _, words = c:run()
      has(words, "closed")
      assert.are.equal(2, requests)
    end)

    -- Asks each of some servers so many times at once, each in a hook of its
    -- own; what is then kept, of how many.
    local function kept_of(server_count, count)
      local servers, halves, waiting = {}, { {}, {} }, 0
      for i = 1, server_count do
        servers[i] = peer.serve(function(connection)
          while receive_request(connection) do
            waiting = waiting + 1
            loop.wait_until("all are there", function()
              return waiting >= server_count * count
            end)
            connection:send(OK)
          end
        end)
        table.insert(halves[i % 2 + 1], servers[i].port)
      end
      local lua = {}
      for i, name in ipairs { "a.lua", "b.lua" } do
        lua[name] = M .. ([[
          for port in ("%s"):gmatch("%%d+") do
            for _ = 1, %d do
              assert(moongate.after(0, function()
                local a, why = http.get("http://127.0.0.1:" .. port,
                  { timeout = 60 })
                print(a and a.body or why)
              end))
            end
          end
          return {}
        ]]):format(table.concat(halves[i], " "), count)
      end
      local p = assert(program.start {
        config = "[http web]\nlisten = 127.0.0.1:8080\n"
          .. "script = a.lua\nscript = b.lua", lua = lua,
      })
      loop.wait_until("all have an answer", function()
        p:turn()
        return #p.log == server_count * count
      end)
      local accepted, open, before = 0, 0, nil
      loop.wait_until("what is too much is closed", function()
        p:turn()
        before, open, accepted = open, 0, 0
        for _, one in ipairs(servers) do
          open, accepted = open + one.open, accepted + one.accepted
        end
        return open == before and open < accepted
      end)
      for _, line in ipairs(p.log) do
        has(line, ": ok")
      end
      p:stop()
      loop.wait_until("all are closed", function()
        open = 0
        for _, one in ipairs(servers) do
          open = open + one.open
        end
        return open == 0
      end)
      return before, accepted
    end

    it("of a bounded number to one server, and to all", function()
      local one, all = { kept_of(1, 40) }, { kept_of(9, 30) }
      -- The VM, which keeps them, must end with the program that was asked.
      start("return true")
      assert.are.same({ 32, 40 }, one)
      assert.are.same({ 256, 270 }, all)
    end)

    it("and leaves nothing of five hundred", function()
      start([[
        for i = 1, 50 do
          local a = assert(http.get(URL))
          assert(#a.body == 20000)
        end
        return true
      ]], answering("HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n"
        .. ("x"):rep(20000)))
      pass()
      local before = tonumber(c.core.guard_used())
      for _ = 1, 10 do
        pass()
      end
      -- Twenty megabytes went through; what is not collected yet is a little.
      assert.is_true(tonumber(c.core.guard_used()) < before + 2 ^ 21)
      assert.are.equal(1, server.accepted)
      assert.are.equal(1, own_files())
    end)
  end)

  local MISUSES = {
    { "http.get()", "bad argument #1 to 'get' (string expected, got nil)" },
    { "http.get('ftp://a/')", "bad argument #1 to 'get' (a URL that begins "
      .. "with http:// or https:// expected)" },
    { "http.get('http:///x')", "'' is not a host, or not a port" },
    { "http.get('http://a:b@c/')", "'a:b@c' is not a host, or not a port" },
    { "http.get('http://a:0/')", "'a:0' is not a host, or not a port" },
    { "http.get('http://a:65536/')", "not a host, or not a port" },
    { "http.get('http://a/b c')",
      "a URL without spaces and control bytes expected" },
    { "http.get('http://a/\\r\\nX: y')",
      "a URL without spaces and control bytes expected" },
    { "http.get('http://a/', 1)", "bad argument #2 to 'get' (table expected, "
      .. "got number)" },
    { "http.get('http://a/', { bodymax = 1 })",
      "bad argument #2 to 'get' (unknown option 'bodymax')" },
    { "http.get('http://a/', { timeout = 0 })",
      "bad argument #2 to 'get' (timeout: seconds" },
    { "http.get('http://a/', { timeout = '1' })",
      "bad argument #2 to 'get' (timeout must be a number)" },
    { "http.get('http://a/', { max_body = -1 })",
      "bad argument #2 to 'get' (max_body: bytes" },
    { "http.get('http://a/', { max_body = 0/0 })",
      "bad argument #2 to 'get' (max_body: bytes" },
    { "http.get('http://a/', { headers = { ['A B'] = 'c' } })",
      "bad argument #2 to 'get' (the name of a header has other bytes)" },
    { "http.get('http://a/', { headers = { {} } })",
      "bad argument #2 to 'get' (the name of a header is not a string)" },
    { "http.get('http://a/', { headers = { A = 'b\\r\\nC: d' } })",
      "bad argument #2 to 'get' (the value of A has control bytes)" },
    { "http.get('http://a/', { headers = { ['Content-Length'] = '1' } })",
      "the header Content-Length is set by the program" },
    { "http.get('http://a/', { headers = { Host = { 'a', 'b' } } })",
      "there is one Host" },
    { "http.post('http://a/')", "bad argument #2 to 'post' (string expected" },
    { "http.post('http://a/', 'x', { y = 1 })",
      "bad argument #3 to 'post' (unknown option 'y')" },
    { "http.put('http://a/')", "moongate.http has no 'put'" },
    { "coroutine.wrap(function() http.get('http://a/') end)()",
      "http.get waits, and may not be used in a coroutine" },
  }
  for _, case in ipairs(MISUSES) do
    it("raises for " .. case[1], function()
      start(case[1])
      assert.are.equal("L7RSP", (c:run()))
      has(c.log[1], "c.lua:5: ")
      has(c.log[1], case[2])
    end)
  end
end)
