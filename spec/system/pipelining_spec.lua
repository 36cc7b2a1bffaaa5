--- Requests that come before the earlier ones are answered, and requests that
-- come in odd pieces: the answers come in order, each whole.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local moongate = require "support.moongate"

local CONFIG = [[
  [upstream php]
  server one = 127.0.0.1:${port_php}
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  route = ~ \.php$ php
  access_log = off
]]


describe("pipelining", function()
  local php, web

  before_each(function()
    php = fastcgi.serve(function(request, reply)
      reply:answer("X-Uri: " .. request.params.REQUEST_URI,
        request.params.REQUEST_METHOD .. " " .. request.body)
    end)
    web = moongate.start {
      config = CONFIG,
      ports = { php = php.port },
      files = { ["www/hello.txt"] = "hello", ["www/a.php"] = "<?php" },
    }.port.web
  end)

  after_each(moongate.finish)

  it("answers static and dynamic requests in order", function()
    local client = http.connect(web)
    client:send(http.head("GET /a.php?1") .. http.head("GET /hello.txt")
      .. http.head("POST /a.php?2", { "Content-Length: 3" }) .. "abc"
      .. http.head("GET /none") .. http.head("GET /hello.txt"))
    local bodies = {}
    for i = 1, 5 do
      bodies[i] = client:answer("GET").body
    end
    assert.are.same({ "GET ", "hello", "POST abc", "hello" },
      { bodies[1], bodies[2], bodies[3], bodies[5] })
  end)

  it("finds the next request right behind a chunked body", function()
    local client = http.connect(web)
    client:send(http.head("POST /a.php", { "Transfer-Encoding: chunked" })
      .. http.chunked { "one", "two" } .. http.head("GET /hello.txt"))
    assert.are.equal("POST onetwo", client:answer("POST").body)
    assert.are.equal("hello", client:answer("GET").body)
  end)

  it("skips a body that nobody reads", function()
    local client = http.connect(web)
    client:send(http.head("POST /none", { "Content-Length: 5" }) .. "12345"
      .. http.head("GET /hello.txt"))
    assert.are.equal(404, client:answer("POST").status)
    assert.are.equal("hello", client:answer("GET").body)
  end)

  it("answers four hundred at once", function()
    local client = http.connect(web)
    client:send(http.head("GET /hello.txt"):rep(400))
    for _ = 1, 400 do
      assert.are.equal("hello", client:answer("GET").body)
    end
  end)

  it("does not go on after a request that closes", function()
    local client = http.connect(web)
    client:send(http.head("GET /hello.txt", { "Connection: close" })
      .. http.head("GET /a.php"))
    assert.are.equal("hello", client:answer("GET").body)
    client:closed()
    assert.are.equal(0, #php.requests)
  end)

  it("reads a request that comes byte by byte", function()
    local client = http.connect(web)
    local text = http.head("POST /a.php?x", { "Transfer-Encoding: chunked" })
      .. http.chunked({ "hello", " ", "world" }, { "X-Sum: 1" })
    for i = 1, #text do
      client:send(text:sub(i, i))
    end
    local answer = client:answer("POST")
    assert.are.equal("/a.php?x", answer.headers["x-uri"])
    assert.are.equal("POST hello world", answer.body)
  end)

  it("takes a few empty lines before a request", function()
    local client = http.connect(web)
    client:send("\r\n\r\n" .. http.head("GET /hello.txt"))
    assert.are.equal("hello", client:answer("GET").body)
  end)
end)
