--- HEAD, and Expect: 100-continue.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local moongate = require "support.moongate"

local CONFIG = [[
  [upstream php]
  server one = 127.0.0.1:${port_php}
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  max_body = 1k
  route = ~ \.php$ php
  access_log = off
]]


describe("HEAD and Expect", function()
  local php, client

  before_each(function()
    php = fastcgi.serve(function(request, reply)
      reply:answer("X-Method: " .. request.params.REQUEST_METHOD,
        "body of " .. #request.body)
    end)
    client = http.connect(moongate.start {
      config = CONFIG,
      ports = { php = php.port },
      files = { ["www/hello.txt"] = "hello", ["www/a.php"] = "<?php" },
    }.port.web)
  end)

  after_each(moongate.finish)

  it("answers HEAD of a file with the head of GET and no body", function()
    local get = client:exchange("GET /hello.txt")
    local head = client:exchange("HEAD /hello.txt")
    assert.are.equal(200, head.status)
    assert.are.equal("5", head.headers["content-length"])
    for _, name in ipairs { "etag", "last-modified", "content-type" } do
      assert.are.equal(get.headers[name], head.headers[name])
    end
    assert.are.equal("hello", client:exchange("GET /hello.txt").body)
  end)

  it("answers HEAD of an error without a body", function()
    assert.are.equal(404, client:exchange("HEAD /none").status)
    assert.are.equal("hello", client:exchange("GET /hello.txt").body)
  end)

  it("drops the body that a FastCGI server sends for HEAD", function()
    local head = client:exchange("HEAD /a.php")
    assert.are.equal(200, head.status)
    assert.are.equal("HEAD", head.headers["x-method"])
    assert.are.equal("hello", client:exchange("GET /hello.txt").body)
  end)

  it("asks for the body with a 100", function()
    client:request("POST /a.php",
      { "Content-Length: 3", "Expect: 100-continue" })
    assert.are.equal(100, client:answer().status)
    client:send("abc")
    assert.are.equal("body of 3", client:answer().body)
  end)

  it("asks for a chunked body with a 100", function()
    client:request("POST /a.php",
      { "Transfer-Encoding: chunked", "Expect: 100-Continue" })
    assert.are.equal(100, client:answer().status)
    client:send(http.chunked { "abcd" })
    assert.are.equal("body of 4", client:answer().body)
  end)

  it("refuses a body that is too big without asking for it", function()
    client:request("POST /a.php",
      { "Content-Length: 1025", "Expect: 100-continue" })
    assert.are.equal(413, client:answer().status)
    assert.are.equal(0, php.accepted)
  end)

  it("sends no 100 to a 1.0 client", function()
    client:request("POST /a.php HTTP/1.0",
      { "Content-Length: 3", "Expect: 100-continue" })
    assert.is_true(client.socket:quiet(0.1))
    client:send("abc")
    assert.are.equal("body of 3", client:answer().body)
  end)

  it("refuses other expectations with 417", function()
    client:request("POST /a.php", { "Content-Length: 3", "Expect: wonders" })
    assert.are.equal(417, client:answer().status)
    assert.are.equal(0, php.accepted)
  end)
end)
