--- `request` hooks that wait: for a moment, for what another server says, and
-- for the body of their request.
local fastcgi = require "support.fastcgi"
local folder = require "support.folder"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local peer = require "support.peer"
local process = require "support.process"

local CONFIG = [[
  [upstream php]
  server one = 127.0.0.1:${port_php}
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  route = ~ \.php$ php
  %s
  access_log = httplog
  log_to = file:${dir}/access.log
]]

-- The sanitizer shall not keep what was freed.
local FREEING = {
  ASAN_OPTIONS = (os.getenv("ASAN_OPTIONS") or "") .. ":quarantine_size_mb=1",
}

-- Asks a server of lines whether a request may pass.
local AUTH = [[
local moongate = require "moongate"
local function request(req)
  if not req.path:find("^/auth") then
    return
  end
  local c, why = moongate.tcp.connect("127.0.0.1", %d, { timeout = %s })
  if not c then
    return moongate.reply(502, nil, why)
  end
  c:send(req.uri .. "\n")
  local line, reason = c:receive()
  if line == "yes" then
    return
  end
  return moongate.reply(line == "no" and 403 or 502, nil, reason or line)
end
return { request = request }
]]


local function says(answer)
  return function(connection)
    while connection:receive_until("\n", math.huge) do
      connection:send(answer .. "\n")
    end
  end
end


describe("a request hook that waits", function()
  local m, php

  -- @param options  table: scripts (texts, in order); more (lines of the
  --   section); workers (one without it)
  local function start(options)
    php = fastcgi.serve(function(request, reply)
      reply:answer("X-Path: " .. request.params.SCRIPT_NAME, request.body)
    end)
    local lines = { options.more }
    local files = {
      ["www/a.php"] = "", ["www/auth.php"] = "", ["www/hello.txt"] = "hello",
      ["www/auth.txt"] = "secret",
    }
    for i, text in ipairs(options.scripts) do
      files[("lua/s%d.lua"):format(i)] = text
      lines[#lines + 1] = ("script = s%d.lua"):format(i)
    end
    m = moongate.start {
      config = CONFIG:format(table.concat(lines, "\n")), files = files,
      ports = { php = php.port }, env = FREEING, workers = options.workers,
    }
  end

  local function start_auth(handler, timeout, more)
    local auth = peer.serve(handler)
    start { scripts = { AUTH:format(auth.port, timeout or "5") }, more = more }
    return auth
  end

  -- Holds whoever comes until it is told what to answer.
  local function gate()
    local come = {}
    return come, function(connection)
      local line = connection:receive_until("\n", math.huge)
      if line then
        come[#come + 1] = { connection = connection, line = line }
        peer.sink(connection)
      end
    end
  end

  after_each(moongate.finish)

  it("lets pass and refuses as another server says", function()
    local auth = start_auth(function(connection)
      local line = connection:receive_until("\n")
      connection:send(line:find("user=mia") and "yes\n" or "no\n")
    end)
    local client = http.connect(m.port.web)
    assert.are.equal("secret", client:exchange("GET /auth.txt?user=mia").body)
    assert.are.equal(403, client:exchange("GET /auth.txt?user=eve").status)
    assert.are.equal("/auth.php", client:exchange("GET /auth.php?user=mia")
      .headers["x-path"])
    assert.are.equal("hello", client:exchange("GET /hello.txt").body)
    assert.are.equal(3, auth.accepted)
    auth:wait_open(0)
  end)

  local BAD = {
    { "refuses", refuse = true, body = "connection refused" },
    { "hangs", body = "timeout", handler = peer.sink },
    { "closes", body = "closed", handler = function(connection)
      connection:receive_until("\n")
    end },
    { "resets", body = "connection reset by peer", handler = function(c)
      c:receive(1)
      c:reset()
    end },
    { "answers garbage", body = "\1\255\0", handler = says("\1\255\0") },
    { "never ends its line", body = "more than fits has come",
      handler = function(connection)
        local block = ("\0\255"):rep(32768)
        while connection:send(block) do
        end
      end },
  }
  for _, case in ipairs(BAD) do
    it("is told of a server that " .. case[1], function()
      local auth = start_auth(case.handler or peer.sink, "0.3")
      if case.refuse then
        auth:refuse()
      end
      local client = http.connect(m.port.web)
      for _ = 1, 2 do
        local answer = client:exchange("GET /auth.txt")
        assert.are.equal(502, answer.status)
        assert.are.equal(case.body, answer.body)
      end
      assert.are.equal("hello", client:exchange("GET /hello.txt").body)
      loop.wait_until("no connection is kept", function()
        return auth.open == 0
      end)
    end)
  end

  it("waits with two hundred others, while more are served at once", function()
    local come, handler = gate()
    start_auth(handler, "60")
    local clients = {}
    for i = 1, 200 do
      clients[i] = http.connect(m.port.web)
      clients[i]:request("GET /auth.txt?n=" .. i)
    end
    loop.wait_until("all of them wait", function()
      return #come == 200
    end)
    local other = http.connect(m.port.web)
    local before = loop.now()
    for _ = 1, 50 do
      assert.are.equal("hello", other:exchange("GET /hello.txt").body)
    end
    assert.is_true(loop.now() - before < 2)
    for _, one in ipairs(come) do
      local n = tonumber(one.line:match("n=(%d+)"))
      one.connection:send(n % 2 == 0 and "yes\n" or "no\n")
    end
    for i, client in ipairs(clients) do
      assert.are.equal(i % 2 == 0 and 200 or 403, client:answer().status)
    end
  end)

  it("ends with a client that leaves", function()
    local come, handler = gate()
    local auth = start_auth(handler, "60")
    for i, leave in ipairs { "close", "reset", "shutdown" } do
      local client = http.connect(m.port.web)
      client:request("GET /auth.txt")
      loop.wait_until("it waits", function()
        return #come == i
      end)
      client[leave](client)
      auth:wait_open(0)
    end
    for _, record in ipairs(m:records("access.log", 3)) do
      assert.is_truthy(record:find(" CR", 1, true), record)
    end
    assert.are.equal("hello", http.fetch(m.port.web, "/hello.txt").body)
  end)

  it("may ask the very worker that it waits in", function()
    start { scripts = { [[
      local moongate = require "moongate"
      return { request = function(req)
        if req.path ~= "/auth.txt" then
          return
        end
        local host, port = req.listener:match("^(.*):(%d+)$")
        local c = assert(moongate.tcp.connect(host, tonumber(port)))
        c:send("GET /hello.txt HTTP/1.0\r\n\r\n")
        return moongate.reply(200, nil, c:receive("*a"):match("%a+$"))
      end }
    ]] } }
    assert.are.equal("hello", http.fetch(m.port.web, "/auth.txt").body)
  end)

  it("has the requests behind it on the connection wait", function()
    local come, handler = gate()
    start_auth(handler, "60")
    local client = http.connect(m.port.web)
    client:send(http.head("GET /hello.txt") .. http.head("GET /auth.txt?1")
      .. http.head("GET /hello.txt") .. http.head("GET /auth.txt?2")
      .. http.head("HEAD /hello.txt"))
    assert.are.equal("hello", client:answer("GET").body)
    loop.wait_until("one waits", function()
      return #come == 1
    end)
    assert.is_true(client.socket:quiet(0.1))
    come[1].connection:send("yes\n")
    assert.are.equal("secret", client:answer("GET").body)
    assert.are.equal("hello", client:answer("GET").body)
    loop.wait_until("another waits", function()
      return #come == 2
    end)
    come[2].connection:send("no\n")
    assert.are.equal(403, client:answer("GET").status)
    assert.are.equal(200, client:answer("HEAD").status)
    assert.are.equal("hello", client:exchange("GET /hello.txt").body)
  end)

  it("is answered by a worker that drains", function()
    local come, handler = gate()
    start_auth(handler, "60")
    local client = http.connect(m.port.web)
    client:request("GET /auth.txt")
    loop.wait_until("it waits", function()
      return #come == 1
    end)
    local idle = http.connect(m.port.web)
    assert.are.equal("hello", idle:exchange("GET /hello.txt").body)
    loop.spawn("the answer", function()
      idle:closed()
      come[1].connection:send("yes\n")
    end)
    m:stop_graceful()
    local answer = client:answer()
    assert.are.equal("secret", answer.body)
    assert.are.equal("close", answer.headers.connection)
  end)

  it("is over when the program stops", function()
    local come, handler = gate()
    local auth = start_auth(handler, "60")
    local client = http.connect(m.port.web)
    client:request("GET /auth.txt")
    loop.wait_until("it waits", function()
      return #come == 1
    end)
    m:stop("TERM")
    auth:wait_open(0)
  end)

  it("is 504 after server_timeout, and so is one that sleeps for ever",
    function()
      local auth = start_auth(peer.sink, "60", "server_timeout = 200ms")
      assert.are.equal(504, http.fetch(m.port.web, "/auth.txt").status)
      auth:wait_open(0)
      assert.is_truthy(m:records("access.log", 1)[1]:find(" 504 .* sR"))
      m:wait_log("script s1.lua: request of http web failed: it waited for "
        .. "longer than server_timeout, 200ms")
    end)

  it("takes turns with others where it never ends", function()
    start { scripts = { [[
      local moongate = require "moongate"
      return { request = function(req)
        while req.path == "/auth.txt" do moongate.sleep(0) end
      end }
    ]] }, more = "server_timeout = 2s" }
    local waiting = {}
    for i = 1, 10 do
      waiting[i] = http.connect(m.port.web)
      waiting[i]:request("GET /auth.txt")
    end
    local client = http.connect(m.port.web)
    for _ = 1, 20 do
      assert.are.equal("hello", client:exchange("GET /hello.txt").body)
    end
    for i = 1, 10 do
      assert.are.equal(504, waiting[i]:answer().status)
    end
  end)

  it("goes on with the chain where it was", function()
    start { scripts = {
      [[return { request = function(req)
        req.ctx.n = 1
        req:set_header("X-One", "1")
        if req.path == "/auth.txt" then req:rewrite("/a.php") end
      end }]],
      [[local moongate = require "moongate"
      return { request = function(req)
        local path = req.path
        for _ = 1, 3 do moongate.sleep(0.01) end
        req.ctx.n = req.ctx.n + (req.path == path and 1 or 100)
        if req:arg("deny") then return moongate.reply(403) end
      end }]],
      [[local moongate = require "moongate"
      return {
        request = function(req)
          req.ctx.n = req.ctx.n + (req:header("x-one") == "1" and 1 or 100)
          if req:arg("late") then
            moongate.sleep(0.01)
            return { upstream = "php" }
          end
        end,
        response = function(res, req)
          res:set_header("X-N", tostring(req.ctx.n))
        end,
      }]],
    } }
    local client = http.connect(m.port.web)
    local answer = client:exchange("GET /auth.txt")
    assert.are.equal("/a.php", answer.headers["x-path"])
    assert.are.equal("3", answer.headers["x-n"])
    answer = client:exchange("GET /auth.txt?late=1")
    assert.are.equal("/a.php", answer.headers["x-path"])
    answer = client:exchange("GET /hello.txt?deny=1")
    assert.are.equal(403, answer.status)
    assert.are.equal("2", answer.headers["x-n"])
    assert.are.equal("hello", client:exchange("GET /hello.txt").body)
  end)

  -- The hook runs away after it has waited.
  local LOOP = [[
    local moongate = require "moongate"
    return { request = function(req)
      moongate.sleep(0.01)
      if req.path == "/auth.txt" then while true do end end
      if req.path == "/a.php" then error("on purpose") end
    end }
  ]]

  it("passes when it fails later, and its script is quarantined", function()
    start { scripts = { LOOP } }
    local client = http.connect(m.port.web)
    assert.are.equal("/a.php", client:exchange("GET /a.php")
      .headers["x-path"])
    m:wait_log("request of http web failed: s1.lua:5: on purpose")
    for _ = 1, 4 do
      assert.are.equal("secret", client:exchange("GET /auth.txt").body)
    end
    m:wait_log("used more than its 50ms of CPU time")
    m:wait_log("script s1.lua: quarantined")
  end)

  it("refuses when it fails later, where script_failure = deny", function()
    start { scripts = { LOOP }, more = "script_failure = deny" }
    local client = http.connect(m.port.web)
    assert.are.equal("hello", client:exchange("GET /hello.txt").body)
    for _, path in ipairs { "/a.php", "/auth.txt", "/auth.txt", "/auth.txt" } do
      assert.are.equal(500, client:exchange("GET " .. path).status)
    end
    m:wait_log("script s1.lua: quarantined")
    assert.are.equal(500, client:exchange("GET /hello.txt").status)
  end)

  -- Refuses what another server has been told of; runs away elsewhere.
  local WAITS = [[
    local moongate = require "moongate"
    return { request = function(req)
      if req.path == "/hello.txt" then while true do end end
      local c = assert(moongate.tcp.connect("127.0.0.1", %d))
      c:send("may it pass?\n")
      c:receive()
      return moongate.reply(403)
    end }
  ]]
  local LOOPS = "return { request = function() while true do end end }"

  -- Has so many requests wait, of which the gate knows then.
  local function let_wait(count, come)
    local clients = {}
    for i = 1, count do
      clients[i] = http.connect(m.port.web)
      clients[i]:request("GET /auth.txt")
    end
    loop.wait_until("all wait", function() return #come == count end)
    return clients
  end

  local function open(come)
    for _, one in ipairs(come) do
      one.connection:send("no\n")
    end
  end

  local function quarantine(path)
    for _ = 1, 3 do
      assert.are.equal(200, http.fetch(m.port.web, path).status)
    end
    m:wait_log("script s1.lua: quarantined")
  end

  local function swap(text)
    folder.write(m.dir .. "/lua/s1.lua", text)
    m:ctl("script reload s1.lua")
  end

  it("falls back when its script is quarantined meanwhile", function()
    local come, handler = gate()
    start { scripts = { WAITS:format(peer.serve(handler).port) } }
    local client = let_wait(1, come)[1]
    quarantine("/hello.txt")
    open(come)
    assert.are.equal("secret", client:answer().body)
  end)

  it("goes on where another version came and was quarantined", function()
    local come, handler = gate()
    start { scripts = { WAITS:format(peer.serve(handler).port) } }
    local client = let_wait(1, come)[1]
    swap(LOOPS)
    quarantine("/hello.txt")
    open(come)
    assert.are.equal(403, client:answer().status)
  end)

  it("stays out with its version, though a swap ends the quarantine", function()
    local come, handler = gate()
    start {
      scripts = { WAITS:format(peer.serve(handler).port) }, workers = 2,
    }
    local clients = let_wait(8, come)
    quarantine("/hello.txt")
    swap("return { request = function(req) req:set_header('x', 'y') end }")
    m:wait_log("script s1.lua: no longer quarantined")
    open(come)
    for _, client in ipairs(clients) do
      assert.are.equal("secret", client:answer().body)
    end
  end)

  -- Of five hundred clients each does something else, at another time.
  it("is over in whatever way it ends, among many", function()
    local auth = peer.serve(function(connection)
      local line = connection:receive_until("\n", math.huge) or ""
      local n = tonumber(line:match("n=(%d+)")) or 0
      if n % 5 == 0 then
        connection:reset()
      elseif n % 5 == 1 then
        peer.sink(connection)
      else
        connection:send("yes\n")
      end
    end)
    start { scripts = { [[
      local moongate = require "moongate"
      return { request = function(req)
        local n = tonumber(req:arg("n") or 0)
        for _ = 1, n % 3 do moongate.sleep(n % 7 / 1000) end
        if n % 2 == 0 then req:body() end
      end }
    ]], AUTH:format(auth.port, "0.05") } }
    local worker = m:workers()[1]
    assert.are.equal("hello", http.fetch(m.port.web, "/hello.txt").body)
    local files = #process.fds(worker)
    local answered, left = 0, 500
    local function client(n)
      local c = http.connect(m.port.web)
      local body = ("b"):rep(n * 100 % 7001)
      local head = http.head(("POST /auth.php?n=%d"):format(n),
        { "Content-Length: " .. #body })
      c:send(head .. body:sub(1, n % 4 == 0 and #body / 2 or #body))
      if n % 4 == 0 or n % 9 == 0 then
        loop.watch(n % 11 / 1000)
        c[n % 2 == 0 and "close" or "reset"](c)
      else
        local answer = c:answer("POST")
        assert.is_true(answer.status == 200 or answer.status == 502)
        assert.is_true(answer.status ~= 200 or answer.body == body)
        answered = answered + 1
        c:close()
      end
      left = left - 1
    end
    for n = 1, 500 do
      loop.spawn("client " .. n, function()
        client(n)
      end)
    end
    loop.wait_until("all are done", function()
      return left == 0
    end, 60)
    assert.is_true(answered > 300)
    auth:wait_open(0)
    -- The worker keeps auth.txt open.
    loop.wait_until("descriptors are given back", function()
      return #process.fds(worker) <= files + 1
    end)
    m:records("access.log", 501)
  end)

  it("leaves no descriptor and no memory", function()
    local auth = start_auth(says("yes"))
    local worker = m:workers()[1]
    local function round(count)
      local client = http.connect(m.port.web)
      for i = 1, count do
        assert.are.equal(200, client:exchange("GET /auth.txt?" .. i).status)
      end
      client:close()
      auth:wait_open(0)
    end
    round(500)
    local files, rss = #process.fds(worker), process.rss(worker)
    round(2000)
    loop.wait_until("descriptors are given back", function()
      return #process.fds(worker) <= files
    end)
    assert.is_true(process.rss(worker) - rss < 2e6)
  end)
end)


describe("req:body", function()
  local m, php

  local SLEEPER = [[
    local moongate = require "moongate"
    return { request = function(req)
      if req:arg("sleep") then
        moongate.sleep(0.01)
      end
    end }
  ]]

  local SCRIPT = [[
    local moongate = require "moongate"
    return {
      request = function(req)
        if req.path == "/a.php" and not req:arg("unread") then
          local body, why = req:body(tonumber(req:arg("max")))
          local again = req:body(tonumber(req:arg("max")))
          req.ctx.read = (body and #body .. " " .. moongate.hash.sha1(body)
            or why) .. (body == again and "" or " and other")
        end
        if req:arg("reply") then
          return moongate.reply(200, nil, req.ctx.read)
        end
      end,
      response = function(res, req)
        res:set_header("X-Read", req.ctx.read)
      end,
    }
  ]]

  local function start(more)
    php = fastcgi.serve(function(request, reply)
      reply:answer("Content-Type: text/plain", request.body)
    end)
    m = moongate.start {
      config = CONFIG:format("script = sleeper.lua\nscript = s.lua\n"
        .. "max_body = 2m\nbody_buffer = 64k\n" .. (more or "")),
      files = { ["lua/sleeper.lua"] = SLEEPER, ["lua/s.lua"] = SCRIPT,
                ["www/a.php"] = "", ["www/hello.txt"] = "hello" },
      ports = { php = php.port },
    }
    return http.connect(m.port.web)
  end

  after_each(moongate.finish)

  local function text_of(size)
    local block = {}
    for i = 1, 1000 do
      block[i] = string.char(i * 7 % 256)
    end
    return table.concat(block):rep(math.ceil(size / 1000)):sub(1, size)
  end

  local function length(body)
    return { "Content-Length: " .. #body }
  end

  -- Sizes in memory, over some buffers, and in a file.
  for _, size in ipairs { 0, 1, 10, 10240, 102400, 1048576 } do
    it("is whole, and goes to the server: " .. size .. " bytes", function()
      local client, body = start(), text_of(size)
      local seen = {}
      for _, fields in ipairs { length(body),
                                { "Transfer-Encoding: chunked" } } do
        local chunked = fields[1]:find("chunked")
        local answer = client:exchange("POST /a.php", fields,
          chunked and http.chunked { body:sub(1, 5000), body:sub(5001) ~= ""
            and body:sub(5001) or nil } or body)
        assert.are.equal(200, answer.status)
        assert.is_true(answer.body == body)
        seen[#seen + 1] = answer.headers["x-read"]
      end
      assert.are.equal(size, tonumber(seen[1]:match("^(%d+) %x+$")))
      assert.are.equal(seen[1], seen[2])
      loop.wait_until("its file is closed", function()
        for _, file in ipairs(process.fds(m:workers()[1])) do
          if file.target:find("/temp/", 1, true) then
            return false
          end
        end
        return true
      end)
    end)
  end

  it("is an empty text without one", function()
    local client = start()
    local answer = client:exchange("GET /a.php")
    assert.is_truthy(answer.headers["x-read"]:find("^0 %x+$"))
  end)

  it("is refused above what is asked for, and goes to the server", function()
    local client, body = start(), text_of(200000)
    local answer = client:exchange("POST /a.php?max=199999", length(body), body)
    assert.are.equal("too large", answer.headers["x-read"])
    assert.is_true(answer.body == body)
    answer = client:exchange("POST /a.php?max=199999",
      { "Transfer-Encoding: chunked" }, http.chunked { body })
    assert.are.equal("too large", answer.headers["x-read"])
    assert.is_true(answer.body == body)
    body = text_of(1048577)
    answer = client:exchange("POST /a.php", length(body), body)
    assert.are.equal("too large", answer.headers["x-read"])
    assert.is_true(answer.body == body)
  end)

  it("is 413 above max_body, and the hook is over", function()
    local client = start()
    client:request("POST /a.php?max=1e9",
      { "Transfer-Encoding: chunked" }, ("200000\r\n%s\r\n"):format(
        ("x"):rep(2097152)) .. "1\r\nx\r\n0\r\n\r\n")
    assert.are.equal(413, client:answer().status)
    assert.are.equal(0, #php.requests)
    assert.are.equal("hello", http.fetch(m.port.web, "/hello.txt").body)
  end)

  it("is 413 where it says that it is above max_body, unasked", function()
    local client = start()
    client:request("POST /a.php?max=1e9",
      { "Content-Length: 2097153", "Expect: 100-continue" })
    assert.are.equal(413, client:answer().status)
    assert.are.equal("closed", client:closed())
  end)

  it("is not asked for by an answer that did not need it", function()
    local client = start()
    client:request("POST /a.php?reply=1&unread=1",
      { "Content-Length: 3", "Expect: 100-continue" })
    assert.are.equal(200, client:answer().status)
    assert.are.equal("closed", client:closed())
  end)

  it("is 413 above its route's max_body", function()
    local client = start("route = ^~ /a.php max_body=100 php")
    for _, size in ipairs { 100, 101 } do
      local answer = client:exchange("POST /a.php",
        { "Transfer-Encoding: chunked" }, http.chunked { text_of(size) })
      assert.are.equal(size > 100 and 413 or 200, answer.status)
    end
  end)

  it("is asked for with a 100", function()
    local client = start()
    client:request("POST /a.php",
      { "Content-Length: 3", "Expect: 100-continue" })
    assert.are.equal(100, client:answer().status)
    client:send("abc")
    assert.are.equal("abc", client:answer().body)
  end)

  it("is read after another script has waited", function()
    local client = start()
    for _, size in ipairs { 5, 50000 } do
      local body = text_of(size)
      client:request("POST /a.php?sleep=1", length(body))
      client:send(body)
      local answer = client:answer()
      assert.is_true(answer.body == body)
      assert.is_truthy(answer.headers["x-read"]:find("^" .. size .. " "))
    end
  end)

  it("comes slowly, while others are served", function()
    local client = start("server_timeout = 300ms")
    client:request("POST /a.php", { "Content-Length: 20" })
    for i = 1, 20 do
      client:send(string.char(64 + i))
      assert.are.equal("hello", http.fetch(m.port.web, "/hello.txt").body)
      loop.watch(0.03)
    end
    local answer = client:answer()
    assert.are.equal("ABCDEFGHIJKLMNOPQRST", answer.body)
    assert.is_truthy(answer.headers["x-read"]:find("^20 "))
  end)

  it("is 408 where it stops coming", function()
    local client = start("client_timeout = 200ms")
    client:request("POST /a.php", { "Content-Length: 20" }, "abc")
    assert.are.equal(408, client:answer().status)
    assert.is_truthy(m:records("access.log", 1)[1]:find(" 408 .* cR"))
  end)

  it("is 400 where its chunks are wrong", function()
    local client = start()
    client:request("POST /a.php", { "Transfer-Encoding: chunked" }, "z\r\n")
    assert.are.equal(400, client:answer().status)
  end)

  it("ends with a client that leaves", function()
    local client = start()
    client:request("POST /a.php", { "Content-Length: 20" }, "abc")
    client:close()
    assert.is_truthy(m:records("access.log", 1)[1]:find(" CR", 1, true))
  end)

  it("may be answered without the server, and without being read", function()
    local client, body = start(), text_of(30000)
    local answer = client:exchange("POST /a.php?reply=1", length(body), body)
    assert.is_truthy(answer.body:find("^30000 "))
    answer = client:exchange("POST /a.php?reply=1&unread=1", length(body), body)
    assert.are.equal("", answer.body)
    assert.are.equal("hello", client:exchange("GET /hello.txt").body)
    assert.are.equal(0, #php.requests)
  end)

  it("is read of pipelined requests, each its own", function()
    local client = start()
    client:send(http.head("POST /a.php", { "Content-Length: 3" }) .. "abc"
      .. http.head("POST /a.php", { "Transfer-Encoding: chunked" })
      .. http.chunked { "de", "fg" } .. http.head("GET /hello.txt"))
    assert.are.equal("abc", client:answer("POST").body)
    assert.are.equal("defg", client:answer("POST").body)
    assert.are.equal("hello", client:answer("GET").body)
  end)
end)
