--- How long a connection lives: which requests leave it open, what is said
-- about it in the answer, and when an idle one is closed.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local moongate = require "support.moongate"

local CONFIG = [[
  [upstream php]
  server one = 127.0.0.1:${port_php}
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  keepalive_timeout = 300ms
  route = ~ \.php$ php
  access_log = off
]]

local STATIC, DYNAMIC = "/hello.txt", "/a.php"

local CASES = {
  { "1.1", "GET %s HTTP/1.1", {}, open = true },
  { "1.1 with close", "GET %s HTTP/1.1", { "Connection: close" } },
  { "1.1 with close in a list", "GET %s HTTP/1.1",
    { "Connection: x, Close" } },
  { "1.1 with keep-alive", "GET %s HTTP/1.1", { "Connection: keep-alive" },
    open = true },
  { "1.0", "GET %s HTTP/1.0", {} },
  { "1.0 with close", "GET %s HTTP/1.0", { "Connection: close" } },
}


describe("keep-alive", function()
  local web

  before_each(function()
    local php = fastcgi.serve(fastcgi.names("php"))
    web = moongate.start {
      config = CONFIG,
      ports = { php = php.port },
      files = { ["www/hello.txt"] = "hello", ["www/a.php"] = "<?php" },
    }.port.web
  end)

  after_each(moongate.finish)

  for _, case in ipairs(CASES) do
    for _, path in ipairs { STATIC, DYNAMIC } do
      it(("answers %s for %s"):format(case[1], path), function()
        local client = http.connect(web)
        local answer = client:exchange(case[2]:format(path), case[3])
        assert.are.equal(200, answer.status)
        if case.open then
          assert.are_not.equal("close", answer.headers.connection)
          assert.are.equal(200, client:exchange("GET " .. path).status)
        else
          assert.are.equal("close", answer.headers.connection)
          assert.are.equal("closed", client:closed())
        end
      end)
    end
  end

  it("stays open for a 1.0 client that asks and gets a length", function()
    local client = http.connect(web)
    for _ = 1, 3 do
      local answer = client:exchange("GET /hello.txt HTTP/1.0",
        { "Connection: keep-alive" })
      assert.are.equal(200, answer.status)
      assert.are.equal("keep-alive", answer.headers.connection:lower())
      assert.are.equal("hello", answer.body)
    end
  end)

  it("never sends chunks to a 1.0 client", function()
    local client = http.connect(web)
    local answer = client:exchange("GET /a.php HTTP/1.0",
      { "Connection: keep-alive" })
    assert.is_nil(answer.headers["transfer-encoding"])
    assert.are.equal("php", answer.body)
  end)

  it("survives a 404 and an answer without a body", function()
    local client = http.connect(web)
    assert.are.equal(404, client:exchange("GET /none").status)
    local etag = client:exchange("GET /hello.txt").headers.etag
    local answer = client:exchange("GET /hello.txt",
      { "If-None-Match: " .. etag })
    assert.are.equal(304, answer.status)
    assert.are.equal(200, client:exchange("GET /hello.txt").status)
  end)

  it("ends an idle connection after keepalive_timeout", function()
    local client = http.connect(web)
    assert.are.equal(200, client:exchange("GET /hello.txt").status)
    assert.is_true(client.socket:quiet(0.15))
    assert.are.equal("closed", client:closed(2))
  end)

  it("ends when the client has ended its sending", function()
    local client = http.connect(web)
    client:request("GET /hello.txt")
    client:shutdown()
    assert.are.equal("hello", client:answer().body)
    assert.are.equal("closed", client:closed())
  end)
end)
