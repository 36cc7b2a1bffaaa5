--- Request bodies on their way to a FastCGI server: whole, exact, and only
-- once they are there, so that a slow upload holds no server.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local process = require "support.process"
local sample = require "support.sample"

local CONFIG = [[
  [upstream php]
  server one = 127.0.0.1:${port_php}
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  max_body = 32m
  body_buffer = 64k
  route = ~ \.php$ php
  access_log = off
]]

local SIZES = { 0, 1, 8000, 65535, 65536, 65537, 1000000, 20 * 1024 * 1024 }


local function chunks_of(text)
  local pieces, at, size = {}, 1, 1
  while at <= #text do
    pieces[#pieces + 1] = text:sub(at, at + size - 1)
    at = at + size
    size = size * 3 % 40009
  end
  return pieces
end


describe("a request body", function()
  local m, listener, client

  before_each(function()
    listener = fastcgi.listen()
    m = moongate.start {
      config = CONFIG,
      ports = { php = listener.port },
      files = { ["www/a.php"] = "<?php" },
    }
    client = http.connect(m.port.web)
  end)

  after_each(moongate.finish)

  -- Sends in the background while the spec plays the server.
  local function upload(bytes)
    loop.spawn("upload", function()
      client:send(bytes, 60)
    end)
    local reply = listener:accept(60)
    local request = assert(reply:request(60))
    reply:answer("Content-Type: text/plain", "got it")
    assert.are.equal("got it", client:answer("POST").body)
    return request
  end

  for _, size in ipairs(SIZES) do
    local text = sample.text(size)

    it(("of %d bytes arrives whole"):format(size), function()
      local request = upload(http.head("POST /a.php",
        { "Content-Length: " .. size }) .. text)
      assert.are.equal(tostring(size), request.params.CONTENT_LENGTH)
      assert.is_true(request.body == text)
    end)

    it(("of %d bytes in chunks arrives whole"):format(size), function()
      local request = upload(http.head("POST /a.php",
        { "Transfer-Encoding: chunked" }) .. http.chunked(chunks_of(text)))
      assert.are.equal(tostring(size), request.params.CONTENT_LENGTH)
      assert.is_true(request.body == text)
    end)
  end

  it("that has not ended holds no server", function()
    for _, size in ipairs { 10, 300000 } do
      local text = sample.text(size)
      client:request("POST /a.php", { "Content-Length: " .. size },
        text:sub(1, -2))
      assert.is_true(listener:nobody_connects(0.3))
      client:send(text:sub(-1))
      local reply = listener:accept()
      assert.is_true(reply:request().body == text)
      reply:answer("Content-Type: text/plain", "")
      assert.are.equal(200, client:answer().status)
    end
  end)

  it("that never ends because the client left reaches no server", function()
    client:request("POST /a.php", { "Content-Length: 100000" },
      sample.text(99999))
    client:reset()
    assert.is_true(listener:nobody_connects(0.3))
  end)

  it("is not held in memory beyond body_buffer", function()
    local worker = m:workers()[1]
    local before = process.rss(worker)
    local text = sample.text(20 * 1024 * 1024)
    assert(client:send(http.head("POST /a.php",
      { "Content-Length: " .. #text }) .. text, 60))
    local reply = listener:accept(60)
    assert.is_true(process.rss(worker) - before < 4e6)
    assert.is_true(reply:request(60).body == text)
    reply:answer("Content-Type: text/plain", "")
    assert.are.equal(200, client:answer("POST").status)
  end)

  it("is sent to a server that reads slowly", function()
    local text = sample.text(3000000)
    client:request("POST /a.php", { "Content-Length: " .. #text })
    client:send(text)
    local reply = listener:accept()
    assert(reply:request_head())
    loop.watch(0.2)
    assert.is_true(reply:request_body(30) == text)
    reply:answer("Content-Type: text/plain", "")
    assert.are.equal(200, client:answer().status)
  end)

  it("may be left unread by a server that answers early", function()
    local text = sample.text(3000000)
    loop.spawn("upload", function()
      client:send(http.head("POST /a.php",
        { "Content-Length: " .. #text }) .. text, 60)
    end)
    local reply = listener:accept()
    assert(reply:request_head())
    reply.keep = true
    reply:answer("Content-Type: text/plain", "enough")
    reply.socket:shutdown()
    loop.spawn("what php-fpm does at the end", function()
      reply.socket:receive_all(60)
      reply:close()
    end)
    assert.are.equal("enough", client:answer("POST").body)
  end)
end)
