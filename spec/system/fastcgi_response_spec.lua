--- What a FastCGI server answers, and what becomes of it: fields, streaming,
-- errors, and answers that are bigger than a slow client takes.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local process = require "support.process"

local CONFIG = [[
  [upstream php]
  server one = 127.0.0.1:${port_php}
  retries = 0
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  response_buffer = 64k
  header = X-From moongate
  route = /protected/ internal
  route = ~ \.php$ php
  access_log = off
]]


describe("a FastCGI answer", function()
  local m, listener, client

  before_each(function()
    listener = fastcgi.listen()
    m = moongate.start {
      config = CONFIG,
      ports = { php = listener.port },
      files = {
        ["www/a.php"] = "<?php", ["www/b.php"] = "<?php",
        ["www/hello.txt"] = "hello",
        ["www/protected/report.txt"] = "0123456789",
      },
    }
    client = http.connect(m.port.web)
  end)

  after_each(moongate.finish)

  -- Sends a request and gives the server's side of it.
  local function ask(line, fields)
    client:request(line or "GET /a.php", fields)
    local reply = listener:accept()
    assert(reply:request())
    return reply
  end

  for _, case in ipairs {
    { "no Status", "Content-Type: text/plain", 200 },
    { "Status", "Status: 404 Not Found\nContent-Type: text/plain", 404 },
    { "Status without words", "Status: 503", 503 },
    { "Status in lower case", "status: 418 Teapot", 418 },
    { "Location", "Location: http://example.com/x", 302 },
    { "Location and Status", "Status: 301 x\nLocation: /y", 301 },
    { "Location and 201", "Status: 201 Created\nLocation: /y", 201 },
  } do
    it("has its status: " .. case[1], function()
      ask():answer(case[2])
      local answer = client:answer()
      assert.are.equal(case[3], answer.status)
      assert.is_nil(answer.headers.status)
    end)
  end

  it("has its fields, each as often as it was given", function()
    ask():answer("Content-Type: text/x-moon\nSet-Cookie: a=1\n"
      .. "Set-Cookie: b=2\nX-Empty:\nX-Space:   x  y  ", "body")
    local answer = client:answer()
    assert.are.equal("text/x-moon", answer.headers["content-type"])
    assert.are.equal("a=1, b=2", answer.headers["set-cookie"])
    assert.are.equal("", answer.headers["x-empty"])
    assert.are.equal("x  y", answer.headers["x-space"])
    assert.are.equal("moongate", answer.headers["x-from"])
    assert.is_truthy(answer.headers.date)
  end)

  it("may have line ends of LF alone", function()
    local reply = ask()
    reply:out("Content-Type: text/plain\nX-A: b\n\nbody")
    reply:finish()
    local answer = client:answer()
    assert.are.equal("b", answer.headers["x-a"])
    assert.are.equal("body", answer.body)
  end)

  it("does not decide on the connection to the client", function()
    ask():answer("Connection: close\nTransfer-Encoding: chunked\n"
      .. "Keep-Alive: x\nContent-Type: text/plain", "body")
    local answer = client:answer()
    assert.are.equal("body", answer.body)
    assert.is_nil(answer.headers["keep-alive"])
    assert.are.equal("hello", client:exchange("GET /hello.txt").body)
  end)

  it("streams at once", function()
    local reply = ask()
    reply:out("Content-Type: text/plain\r\n\r\n")
    local head = client:answer_head()
    assert.are.equal(200, head.status)
    for _, piece in ipairs { "one", "two", "three" } do
      reply:out(piece)
      assert.are.equal(("%x\r\n%s\r\n"):format(#piece, piece),
        client.socket:receive(#piece + 5))
    end
    reply:finish()
    assert.are.equal("0\r\n\r\n", client.socket:receive(5))
  end)

  it("may come byte by byte", function()
    local reply = ask()
    local bytes = fastcgi.stream(6, reply.id,
      "Status: 201 x\r\nContent-Type: a/b\r\n\r\nhello")
      .. fastcgi.ending(reply.id)
    for i = 1, #bytes do
      reply.socket:send(bytes:sub(i, i))
    end
    reply:close()
    local answer = client:answer()
    assert.are.equal(201, answer.status)
    assert.are.equal("hello", answer.body)
  end)

  it("may come in records of one byte, padded", function()
    local reply = ask()
    for byte in ("X-A: b\r\n\r\nhello"):gmatch(".") do
      reply.socket:send(fastcgi.record(6, reply.id, byte, 7))
    end
    reply.socket:send(fastcgi.ending(reply.id))
    local answer = client:answer()
    assert.are.equal("b", answer.headers["x-a"])
    assert.are.equal("hello", answer.body)
  end)

  it("may come in one piece with all records", function()
    local reply = ask()
    reply.socket:send(fastcgi.stream(6, reply.id, "X-A: b\r\n\r\nhel")
      .. fastcgi.stream(7, reply.id, "noise") .. fastcgi.stream(6, reply.id,
      "lo") .. fastcgi.ending(reply.id))
    assert.are.equal("hello", client:answer().body)
  end)

  it("may be empty", function()
    ask():answer("Content-Type: text/plain")
    assert.are.equal("", client:answer().body)
    assert.are.equal("hello", client:exchange("GET /hello.txt").body)
  end)

  it("logs the error output with the request", function()
    local reply = ask("GET /a.php?who=me")
    reply:err("PHP message: something odd")
    reply:answer("Content-Type: text/plain", "fine")
    assert.are.equal("fine", client:answer().body)
    local line = m:wait_log("[^\n]*something odd[^\n]*")
    assert.is_truthy(line:find("/a.php", 1, true))
    assert.is_truthy(line:find("one", 1, true))
  end)

  it("cannot forge log lines by its error output", function()
    local reply = ask()
    reply:err("first\nsecond \27[31m\rthird")
    reply:answer("Content-Type: text/plain")
    client:answer()
    m:wait_log("third")
    assert.is_falsy(m:log():find("[\27\r]"))
    assert.is_falsy(m:log():find("\nsecond"))
  end)

  describe("with X-Accel-Redirect", function()
    it("is a file that only it can name", function()
      assert.are.equal(404,
        client:exchange("GET /protected/report.txt").status)
      ask():answer("X-Accel-Redirect: /protected/report.txt\n"
        .. "Content-Type: text/x-report\nSet-Cookie: a=1", "ignored")
      local answer = client:answer()
      assert.are.equal(200, answer.status)
      assert.are.equal("0123456789", answer.body)
      assert.are.equal("text/x-report", answer.headers["content-type"])
      assert.are.equal("a=1", answer.headers["set-cookie"])
      assert.is_nil(answer.headers["x-accel-redirect"])
    end)

    it("may be asked for a range", function()
      ask("GET /a.php", { "Range: bytes=2-4" }):answer(
        "X-Accel-Redirect: /protected/report.txt")
      local answer = client:answer()
      assert.are.equal(206, answer.status)
      assert.are.equal("234", answer.body)
    end)

    it("may be another script", function()
      ask():answer("X-Accel-Redirect: /b.php?x=1")
      local reply = listener:accept()
      local params = reply:request().params
      assert.are.equal("/b.php", params.SCRIPT_NAME)
      assert.are.equal("x=1", params.QUERY_STRING)
      reply:answer("Content-Type: text/plain", "b")
      assert.are.equal("b", client:answer().body)
    end)
  end)

  describe("that is none", function()
    for name, bytes in pairs {
      ["no FastCGI"] = "HTTP/1.1 200 OK\r\n\r\n",
      ["no head"] = fastcgi.ending(1),
      ["a head without an end"] =
        fastcgi.stream(6, 1, "X-A: b\r\n") .. fastcgi.ending(1),
      ["a line without a colon"] =
        fastcgi.stream(6, 1, "nonsense\r\n\r\n") .. fastcgi.ending(1),
      ["a head of a megabyte"] = fastcgi.stream(6, 1,
        ("X-A: " .. ("b"):rep(1000) .. "\r\n"):rep(1000) .. "\r\n")
        .. fastcgi.ending(1),
      ["a record of another request"] =
        fastcgi.stream(6, 9, "X-A: b\r\n\r\n") .. fastcgi.ending(9),
      ["a bad status"] =
        fastcgi.stream(6, 1, "Status: abc\r\n\r\n") .. fastcgi.ending(1),
      ["a refusal"] = fastcgi.record(3, 1, "\0\0\0\0\2\0\0\0"),
    } do
      it("is a 502: " .. name, function()
        local reply = ask()
        reply.socket:send(bytes)
        reply:close()
        local status = client:answer().status
        assert.is_true(status == 502 or status == 503, tostring(status))
        assert.are.equal("hello", client:exchange("GET /hello.txt").body)
      end)
    end

    it("is a 502 when the connection ends before the head", function()
      local reply = ask("POST /a.php", { "Content-Length: 0" })
      reply:close()
      assert.are.equal(502, client:answer().status)
    end)

    it("never looks whole when it broke in its middle", function()
      for _, how in ipairs { "close", "reset" } do
        local c = http.connect(m.port.web)
        c:request("GET /a.php")
        local reply = listener:accept()
        assert(reply:request())
        reply:out("Content-Type: text/plain\r\n\r\nhalf")
        c:answer_head()
        assert.are.equal("4\r\nhalf\r\n", c.socket:receive(9))
        reply[how](reply)
        assert.are.equal("", (c.socket:receive_all()))
      end
    end)

    it("is seen to be none when its end came with a break", function()
      local worker = m:workers()[1]
      local reply = ask()
      process.kill(worker, "STOP")
      reply:out("Content-Type: text/plain\r\n\r\nhalf")
      reply:reset()
      process.kill(worker, "CONT")
      assert.are.equal(200, client:answer_head(2).status)
      local bytes = client.socket:receive_all(2)
      assert.is_nil(bytes:find("0\r\n\r\n", 1, true))
    end)

    it("is cut off when it is shorter than its Content-Length", function()
      local reply = ask()
      reply:out("Content-Length: 10\r\n\r\n12345")
      reply:finish()
      assert.are.equal(200, client:answer_head().status)
      assert.are.equal("12345", (client.socket:receive_all()))
    end)

    it("is cut when it is longer than its Content-Length", function()
      local reply = ask()
      reply:out("Content-Length: 3\r\n\r\n12345")
      reply:finish()
      assert.are.equal("123", client:answer().body)
      assert.is_true(client.socket:quiet(0.1)
        or client.socket:receive_some() == nil)
    end)
  end)

  describe("to a slow client", function()
    it("lets the server go early, in little memory, and is whole", function()
      local worker = m:workers()[1]
      client = http.connect(m.port.web, { rcvbuf = 4096 })
      local reply = ask()
      local before = process.rss(worker)
      local body = ("0123456789abcdef"):rep(65536 * 12)
      local started = loop.now()
      assert(reply:out("Content-Type: text/plain\r\nContent-Length: "
        .. #body .. "\r\n\r\n" .. body, 20))
      reply:finish()
      assert.is_true(loop.now() - started < 5)
      assert.are.equal(200, client:answer_head().status)
      assert.is_true(process.rss(worker) - before < 6e6)
      local got = assert(client.socket:receive(#body, 60))
      assert.is_true(got == body)
    end)

    it("ends its server's work when the client leaves", function()
      client = http.connect(m.port.web, { rcvbuf = 4096 })
      local reply = ask()
      reply:out("Content-Type: text/plain\r\n\r\nfirst")
      client:answer_head()
      client:reset()
      local piece = ("x"):rep(60000)
      loop.wait_until("the server's connection is closed", function()
        return not reply:out(piece)
      end)
    end)
  end)
end)
