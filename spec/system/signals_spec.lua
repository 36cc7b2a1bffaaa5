--- TERM, INT and QUIT to the master.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"

local CONFIG = [[
  [upstream php]
  server one = 127.0.0.1:${port_php}
  [upstream db]
  protocol = tcp
  server one = 127.0.0.1:${port_one}
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  route = ~ \.php$ php
  access_log = off
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = off
]]


describe("the master", function()
  local m, listener

  local function start(global)
    listener = fastcgi.listen()
    m = moongate.start {
      config = CONFIG,
      workers = 2,
      global = global,
      ports = {
        php = listener.port, one = peer.serve(peer.echo).port,
      },
      files = { ["www/a.php"] = "<?php", ["www/hello.txt"] = "hello" },
    }
  end

  after_each(moongate.finish)

  for _, signal in ipairs { "TERM", "INT" } do
    it("stops at once by " .. signal .. ", busy or not", function()
      start()
      local client = http.connect(m.port.web)
      client:request("GET /a.php")
      assert(listener:accept():request())
      local relay = assert(net.connect(m.port.db))
      relay:send("x")
      relay:receive(1)
      local started = loop.now()
      m:stop(signal)
      assert.is_true(loop.now() - started < 3)
      assert.is_nil((client.socket:receive_some()))
      assert.is_nil((relay:receive_some()))
      assert.is_nil((net.connect(m.port.web)))
    end)
  end

  it("ends gracefully by QUIT: what runs may end", function()
    start()
    local client = http.connect(m.port.web)
    local idle = http.connect(m.port.web)
    assert.are.equal("hello", idle:exchange("GET /hello.txt").body)
    client:request("GET /a.php")
    local reply = listener:accept()
    assert(reply:request())
    local relay = assert(net.connect(m.port.db))
    relay:send("x")
    relay:receive(1)

    m.master:kill("QUIT")
    loop.wait_until("it listens no more", function()
      local socket = net.connect(m.port.web)
      if socket then
        socket:close()
      end
      return not socket
    end)
    idle:closed()
    relay:send("still here")
    assert.are.equal("still here", relay:receive(10))
    reply:answer("Content-Type: text/plain", "in time")
    local answer = client:answer()
    assert.are.equal("in time", answer.body)
    assert.are.equal("close", answer.headers.connection)
    assert.is_true(m.master:alive())
    relay:close()
    assert.are.equal(0, m.master:wait())
    m.stopped = true
  end)

  it("ends what is left after drain_timeout", function()
    start("drain_timeout = 300ms")
    local relay = assert(net.connect(m.port.db))
    relay:send("x")
    relay:receive(1)
    m:stop("QUIT", 5)
    assert.is_nil((relay:receive_some()))
  end)

  it("stops at once by TERM while it ends gracefully", function()
    start()
    local relay = assert(net.connect(m.port.db))
    relay:send("x")
    relay:receive(1)
    m.master:kill("QUIT")
    assert.is_nil((m.master:wait(0.3)))
    m.workers_change = true
    m:stop("TERM")
  end)

  it("opens log files again by USR1", function()
    start("log = file:${dir}/messages")
    local place = m.dir .. "/messages"
    assert(os.rename(place, place .. ".1"))
    m.master:kill("USR1")
    loop.wait_until("there is a new file", function()
      local file = io.open(place)
      return file and file:close()
    end)
  end)

  it("writes its number to pidfile, and removes it at the end", function()
    start("pidfile = ${dir}/moongate.pid")
    local file = assert(io.open(m.dir .. "/moongate.pid"))
    assert.are.equal(m.master.pid, file:read("*n"))
    file:close()
    m:stop()
    assert.is_nil(io.open(m.dir .. "/moongate.pid"))
  end)

  it("does not start on an address that is taken", function()
    local taken = net.listen()
    local instance = moongate.prepare {
      config = CONFIG,
      ports = { web = taken.port, php = 1, one = 1 },
      files = { ["www/a.php"] = "<?php" },
    }
    local status, text = process.run({
      moongate.build() .. "/moongate", "-c", instance.file,
    })
    assert.are.equal(1, status)
    assert.is_truthy(text:find("127.0.0.1:" .. taken.port, 1, true), text)
  end)
end)
