--- What clients and servers do at the moment when something ends: a
-- connection, a body, a drain, the room for what a slow client does not take.
local fastcgi = require "support.fastcgi"
local folder = require "support.folder"
local http = require "support.http"
local lfs = require "lfs"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local process = require "support.process"

local CONFIG = [[
  [upstream php]
  server one = 127.0.0.1:${port_php}
  retries = 0
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  response_buffer = 16k
  route = ~ \.php$ php
  access_log = off
]]
local END_REQUEST = 3


local function count(text, word)
  local n, at = 0, 1
  while true do
    at = text:find(word, at, true)
    if not at then
      return n
    end
    n, at = n + 1, at + #word
  end
end


describe("an HTTP connection", function()
  local m, listener, client

  before_each(function()
    listener = fastcgi.listen()
    m = moongate.start {
      config = CONFIG,
      ports = { php = listener.port },
      files = { ["www/a.php"] = "<?php", ["www/hello.txt"] = "hello" },
    }
    client = http.connect(m.port.web)
  end)

  after_each(moongate.finish)

  local function ask()
    client:request("GET /a.php")
    local reply = listener:accept()
    assert(reply:request())
    return reply
  end

  it("may close with the last of any number of requests", function()
    local worker = m:workers()[1]
    local request = http.head("GET /none/" .. ("x"):rep(25))
    local last = request:gsub("\r\n\r\n$", "\r\nConnection: close\r\n\r\n")
    -- One of these ends in the very round after which others have their turn.
    for n = 338, 344 do
      process.kill(worker, "STOP")
      local socket = assert(net.connect(m.port.web))
      socket:send(request:rep(n - 1) .. last)
      process.kill(worker, "CONT")
      assert.are.equal(n, count(socket:receive_all(), "HTTP/1.1 404"))
      socket:close()
    end
    assert.are.same({ worker }, m:workers())
  end)

  it("is closed when a body that nobody wants has wrong chunks", function()
    client:send(http.head("POST /none", { "Transfer-Encoding: chunked" })
      .. "nonsense\r\n")
    client:answer()
    client:closed(2)
  end)

  it("is closed after an answer that began before the drain", function()
    local reply = ask()
    reply:out("Content-Type: text/plain\r\n\r\nfirst")
    client:answer_head()
    m.master:kill("QUIT")
    loop.wait_until("it listens no more", function()
      local socket = net.connect(m.port.web)
      if socket then
        socket:close()
      end
      return not socket
    end)
    reply:finish()
    local bytes = client.socket:receive_all(2)
    assert.are.equal("5\r\nfirst\r\n0\r\n\r\n", bytes)
    assert.are.equal(0, m.master:wait(3))
    m.stopped = true
  end)

  for _, len in ipairs { 0, 7, 60000 } do
    it("gets a 502 for an END_REQUEST of " .. len .. " bytes", function()
      local reply = ask()
      local record = fastcgi.record(END_REQUEST, reply.id, ("\0"):rep(len))
      reply.socket:send(record:sub(1, 8))
      assert.are.equal(502, client:answer(nil, 2).status)
    end)
  end

  it("never gets an answer with a gap, if its rest has no room", function()
    client = http.connect(m.port.web, { rcvbuf = 4096 })
    local reply = ask()
    assert(lfs.rmdir(m.dir .. "/temp"))
    local body = ("0123456789abcdef"):rep(65536 * 12)
    reply:out("Content-Length: " .. #body .. "\r\n\r\n" .. body, 20)
    reply:finish()
    assert.are.equal(200, client:answer_head().status)
    local got = client.socket:receive_all(20)
    assert(lfs.mkdir(m.dir .. "/temp"))
    assert.is_true(#got < #body)
    assert.is_true(got == body:sub(1, #got))
    assert.are.same({}, folder.list(m.dir .. "/temp"))
  end)
end)
