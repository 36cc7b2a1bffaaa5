--- What a client may send, and how long it may take.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"

local CONFIG = [[
  [upstream php]
  server one = 127.0.0.1:${port_php}
  retries = 0
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  header_timeout = 300ms
  client_timeout = 300ms
  server_timeout = 300ms
  keepalive_timeout = 5s
  max_body = 1k
  route = ~ ^/big/.*\.php$ max_body=4k php
  route = ~ \.php$ php
  access_log = off
  [http slow]
  listen = 127.0.0.1:${port_web}
  server_name = slow
  root = ${dir}/www
  client_timeout = 10s
  server_timeout = 300ms
  response_buffer = 16k
  response_spool = 1m
  route = ~ \.php$ php
  access_log = off
]]


describe("limits and timeouts", function()
  local php, web, handler

  before_each(function()
    handler = function(request, reply)
      reply:answer("Content-Type: text/plain", tostring(#request.body))
    end
    php = fastcgi.serve(function(...)
      return handler(...)
    end)
    web = moongate.start {
      config = CONFIG,
      ports = { php = php.port },
      files = {
        ["www/a.php"] = "<?php", ["www/big/a.php"] = "<?php",
        ["www/a.txt"] = "text",
      },
    }.port.web
  end)

  after_each(moongate.finish)

  it("answers 408 to a head that does not end", function()
    local client = http.connect(web)
    client:send("GET /a.txt HTTP/1.1\r\nHost:")
    local started = loop.now()
    assert.are.equal(408, client:answer("GET").status)
    assert.is_true(loop.now() - started > 0.2)
    client:closed()
  end)

  it("counts header_timeout from the first byte to the last", function()
    local client = http.connect(web)
    local started = loop.now()
    client:send("GET /a.txt HTTP/1.1\r\nHost: a\r\n")
    while client.socket:quiet(0.05) do
      client:send("X: y\r\n")
      assert.is_true(loop.now() - started < 3)
    end
    assert.are.equal(408, client:answer("GET").status)
  end)

  it("gets over a client that breaks off in a head or a body", function()
    for _, text in ipairs {
      "GET /a.txt HTTP/1.1\r\nHost:",
      http.head("POST /a.php", { "Content-Length: 10" }) .. "12345",
    } do
      local client = http.connect(web)
      client:send(text)
      loop.watch(0.05)
      client:reset()
      assert.are.equal("text", http.fetch(web, "/a.txt").body)
    end
    assert.are.equal(0, php.accepted)
  end)

  it("closes a connection on which nothing ever comes", function()
    local client = http.connect(web)
    client:closed(3)
  end)

  it("answers 408 to a body that stops, without the server", function()
    local client = http.connect(web)
    client:request("POST /a.php", { "Content-Length: 10" }, "12345")
    assert.are.equal(408, client:answer().status)
    client:closed()
    assert.are.equal(0, php.accepted)
  end)

  it("does not time out a body that flows slowly", function()
    local client = http.connect(web)
    client:request("POST /a.php", { "Content-Length: 6" })
    for _ = 1, 6 do
      loop.watch(0.1)
      client:send("x")
    end
    assert.are.equal("6", client:answer().body)
  end)

  it("answers 504 when the server says nothing", function()
    handler = function(_, reply)
      reply:read_record(math.huge)
    end
    local answer = http.fetch(web, "/a.php")
    assert.are.equal(504, answer.status)
  end)

  it("does not time out an answer that flows slowly", function()
    handler = function(_, reply)
      reply:out("Content-Type: text/plain\r\n\r\n")
      for _ = 1, 6 do
        loop.watch(0.1)
        reply:out("x")
      end
      reply:finish()
    end
    assert.are.equal("xxxxxx", http.fetch(web, "/a.php").body)
  end)

  it("does not blame a server for a client that takes nothing", function()
    local body = ("0123456789abcdef"):rep(65536 * 16)
    local sent
    handler = function(_, reply)
      reply:out("Content-Type: text/plain\r\nContent-Length: " .. #body
        .. "\r\n\r\n" .. body, 60)
      reply:finish()
      sent = true
    end
    local client = http.connect(web, { rcvbuf = 65536 })
    client:request("GET /a.php", { "Host: slow" })
    assert.are.equal(200, client:answer_head().status)
    loop.watch(1)
    assert.is_nil(sent)
    assert.is_true(client.socket:receive(#body, 60) == body)
  end)

  it("cuts off an answer that stops in its middle", function()
    handler = function(_, reply)
      reply:out("Content-Type: text/plain\r\n\r\nhalf")
      reply:read_record(math.huge)
    end
    local client = http.connect(web)
    client:request("GET /a.php")
    local answer = client:answer_head()
    assert.are.equal(200, answer.status)
    local rest = client.socket:receive_all()
    assert.is_nil(rest:find("0\r\n\r\n", 1, true))
  end)

  for _, case in ipairs {
    { "/a.php", 1024, 200 },
    { "/a.php", 1025, 413 },
    { "/big/a.php", 4096, 200 },
    { "/big/a.php", 4097, 413 },
  } do
    it(("gives %d for %d bytes to %s"):format(case[3], case[2], case[1]),
      function()
        local body = ("x"):rep(case[2])
        local answer = http.fetch(web, "POST " .. case[1],
          { "Content-Length: " .. #body }, body)
        assert.are.equal(case[3], answer.status)
        answer = http.fetch(web, "POST " .. case[1],
          { "Transfer-Encoding: chunked" },
          http.chunked { body:sub(1, 1000), body:sub(1001) })
        assert.are.equal(case[3], answer.status)
      end)
  end

  it("answers 413 at once, before the body has come", function()
    local client = http.connect(web)
    client:request("POST /a.php", { "Content-Length: 1000000" })
    assert.are.equal(413, client:answer().status)
  end)

  it("answers 414 to a first line that is too long", function()
    local answer, client = http.raw(web,
      "GET /" .. ("a"):rep(100000) .. " HTTP/1.1\r\nHost: a\r\n\r\n")
    assert.are.equal(414, answer.status)
    client:closed()
  end)

  it("answers 431 to a head that is too large", function()
    local fields = ("X-Field: %s\r\n"):format(("a"):rep(1000)):rep(100)
    local answer, client = http.raw(web,
      "GET / HTTP/1.1\r\nHost: a\r\n" .. fields .. "\r\n")
    assert.are.equal(431, answer.status)
    client:closed()
  end)

  it("answers 431 to too many fields", function()
    local answer, client = http.raw(web,
      "GET / HTTP/1.1\r\nHost: a\r\n" .. ("X: y\r\n"):rep(1500) .. "\r\n")
    assert.are.equal(431, answer.status)
    client:closed()
  end)

  it("takes a head of eight kilobytes", function()
    local answer = http.fetch(web, "/a.txt", { "X: " .. ("a"):rep(7000) })
    assert.are.equal(200, answer.status)
  end)
end)
