--- Chunked bodies, both ways, and trailers.
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

local CHUNKED = { "Transfer-Encoding: chunked" }


describe("chunked bodies", function()
  local php, client, answer_head

  before_each(function()
    answer_head = "Content-Type: text/plain"
    php = fastcgi.serve(function(request, reply)
      reply:answer(answer_head, request.body)
    end)
    client = http.connect(moongate.start {
      config = CONFIG,
      ports = { php = php.port },
      files = { ["www/a.php"] = "<?php" },
    }.port.web)
  end)

  after_each(moongate.finish)

  local big = {}
  for i = 1, 50 do
    big[i] = (string.char(64 + i)):rep(i * 997)
  end

  for name, pieces in pairs {
    ["no chunk"] = {},
    ["one byte"] = { "x" },
    ["bytes one by one"] = { "a", "b", "c", "d" },
    ["line ends within"] = { "\r\n", "0\r\n\r\n", "\r" },
    ["a megabyte in odd pieces"] = big,
  } do
    it("arrive whole and with their length: " .. name, function()
      local body = table.concat(pieces)
      client:request("POST /a.php", CHUNKED, http.chunked(pieces))
      local answer = client:answer()
      assert.are.equal(200, answer.status)
      assert.is_true(answer.body == body)
      local params = php.requests[1].params
      assert.are.equal(tostring(#body), params.CONTENT_LENGTH)
      assert.is_nil(params.HTTP_TRANSFER_ENCODING)
    end)
  end

  it("may have extensions and trailers, which are not passed on", function()
    client:request("POST /a.php", CHUNKED,
      "3;a=b;c=\"d\"\r\nabc\r\n0;last\r\nX-Sum: 1\r\nProxy: evil\r\n\r\n")
    assert.are.equal("abc", client:answer().body)
    local params = php.requests[1].params
    assert.are.equal("3", params.CONTENT_LENGTH)
    assert.is_nil(params.HTTP_X_SUM)
    assert.is_nil(params.HTTP_PROXY)
    assert.are.equal("", client:exchange("GET /a.php").body)
  end)

  it("go to a 1.1 client when nobody knows the length yet", function()
    php:refuse()
    local listener = fastcgi.listen { port = php.port }
    client:request("GET /a.php")
    local reply = listener:accept()
    assert(reply:request())
    reply:out("Content-Type: text/plain\r\n\r\nhel")
    local head = client:answer_head()
    assert.are.equal("chunked", head.headers["transfer-encoding"])
    assert.are.equal("3\r\nhel\r\n", client.socket:receive(8))
    reply:out("lo")
    reply:finish()
    assert.are.equal("2\r\nlo\r\n0\r\n\r\n", client.socket:receive(12))
  end)

  it("are not used when the server gave the length", function()
    answer_head = "Content-Length: 5\nContent-Type: text/plain"
    client:request("POST /a.php", { "Content-Length: 5" }, "hello")
    local answer = client:answer()
    assert.is_nil(answer.headers["transfer-encoding"])
    assert.are.equal("5", answer.headers["content-length"])
    assert.are.equal("hello", answer.body)
  end)

  for _, status in ipairs { 204, 304 } do
    it("are not used where a body cannot be: " .. status, function()
      answer_head = "Status: " .. status .. " x"
      local answer = client:exchange("GET /a.php")
      assert.are.equal(status, answer.status)
      assert.is_nil(answer.headers["transfer-encoding"])
      assert.are.equal(status, client:exchange("GET /a.php").status)
    end)
  end
end)
