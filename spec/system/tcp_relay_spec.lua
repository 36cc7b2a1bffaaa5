--- [tcp]: two sockets joined, every byte and every kind of end passed on.
local folder = require "support.folder"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"
local sample = require "support.sample"

local CONFIG = [[
  [upstream db]
  protocol = tcp
  server one = 127.0.0.1:${port_one}
  server two = 127.0.0.1:${port_two} backup
  connect_timeout = 500ms
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  client_timeout = %s
  server_timeout = %s
  access_log = off
]]


describe("a TCP relay", function()
  local m, one, backup

  local function start(timeout, workers, listen)
    one, backup = net.listen(listen), net.reserve()
    m = moongate.start {
      config = CONFIG:format(timeout or "8h", timeout or "8h"),
      ports = { one = one.port, two = backup.port },
      workers = workers,
    }
  end

  after_each(moongate.finish)

  local function join(options)
    local client = assert(net.connect(m.port.db, options))
    return client, one:accept()
  end

  it("passes bytes on in both directions", function()
    start()
    local client, server = join()
    for i = 1, 50 do
      client:send("question " .. i)
      assert.are.equal("question " .. i, server:receive(9 + #tostring(i)))
      server:send("answer " .. i)
      assert.are.equal("answer " .. i, client:receive(7 + #tostring(i)))
    end
  end)

  it("connects at once, without a byte from the client", function()
    start()
    local client, server = join()
    server:send("greeting")
    assert.are.equal("greeting", client:receive(8))
  end)

  it("passes the end of each side's sending on by itself", function()
    start()
    for _, case in ipairs { "client", "server" } do
      local client, server = join()
      local first, second = client, server
      if case == "server" then
        first, second = server, client
      end
      first:send("last words")
      first:shutdown()
      assert.are.equal("last words", (second:receive_all()))
      second:send("and still an answer")
      assert.are.equal("and still an answer", first:receive(19))
      second:shutdown()
      local rest, why = first:receive_all()
      assert.are.equal("", rest)
      assert.are.equal("closed", why)
    end
  end)

  it("delivers what was sent before a close", function()
    start()
    local text = sample.text(400000)
    for _, case in ipairs { "client", "server" } do
      local client, server = join()
      local from, to = client, server
      if case == "server" then
        from, to = server, client
      end
      loop.spawn("sender", function()
        from:send(text)
        from:close()
      end)
      assert.is_true(to:receive_all() == text)
    end
  end)

  it("passes a reset on", function()
    start()
    local client, server = join()
    client:send("x")
    server:receive(1)
    client:reset()
    assert.is_nil((server:receive_some()))
    client, server = join()
    server:send("x")
    client:receive(1)
    server:reset()
    local _, why = client:receive_some()
    assert.are.equal("reset", why)
  end)

  it("passes on a reset that came with the last bytes", function()
    start()
    local worker = m:workers()[1]
    for _, case in ipairs { "client", "server" } do
      local client, server = join()
      client:send("x")
      server:receive(1)
      server:send("y")
      client:receive(1)
      local from, to = client, server
      if case == "server" then
        from, to = server, client
      end
      process.kill(worker, "STOP")
      from:send("last words")
      from:reset()
      process.kill(worker, "CONT")
      assert.are.equal("last words", to:receive(10))
      assert.is_nil((to:receive_some(2)))
    end
  end)

  it("passes on the last words of a server that stopped reading", function()
    start()
    local client, server = join()
    client:send(sample.text(3000))
    server:receive(1000)
    server:send("enough")
    loop.spawn("client goes on", function()
      while client:send(sample.text(1000)) do
        loop.watch(0.005)
      end
    end)
    loop.watch(0.02)
    server.buffer = ""
    server:close()
    assert.are.equal("enough", client:receive(6))
    assert.is_nil((client:receive_some()))
  end)

  it("passes on why a server hung up on a client that still talks", function()
    start()
    local worker = m:workers()[1]
    for i = 1, 10 do
      local client, server = join()
      client:send("x")
      server:receive(1)
      process.kill(worker, "STOP")
      client:send("more")
      server:send("too many connections " .. i)
      server:reset()
      process.kill(worker, "CONT")
      assert.are.equal("too many connections " .. i, (client:receive_all()))
      client:close()
    end
    m:wait_active("one", 0)
  end)

  it("carries 30 MB each way at the same time", function()
    start()
    local client, server = join()
    local up, down = sample.text(30e6), sample.text(30e6):reverse()
    local got_up
    loop.spawn("client sends", function()
      client:send(up, 60)
      client:shutdown()
    end)
    loop.spawn("server sends", function()
      server:send(down, 60)
      server:shutdown()
    end)
    loop.spawn("server receives", function()
      got_up = server:receive_all(60)
    end)
    assert.is_true(client:receive_all(60) == down)
    loop.wait_until("the server has all", function()
      return got_up
    end, 60)
    assert.is_true(got_up == up)
  end)

  it("holds a fast sender back, in little memory, and loses nothing",
    function()
      -- The kernel must not have room for all of it (tcp(7), tcp_rmem).
      local small = { rcvbuf = 1e6 }
      start(nil, nil, small)
      local worker = m:workers()[1]
      for _, case in ipairs { "client", "server" } do
        local client, server = join(small)
        local from, to = client, server
        if case == "server" then
          from, to = server, client
        end
        local before = process.rss(worker)
        local text = sample.text(40e6)
        local sent
        loop.spawn("sender", function()
          from:send(text, 60)
          from:shutdown()
          sent = true
        end)
        loop.watch(0.5)
        assert.is_nil(sent)
        assert.is_true(process.rss(worker) - before < 4e6)
        assert.is_true(to:receive_all(60) == text)
        client:close()
        server:close()
      end
    end)

  -- Whether the kernel's timer of keep-alive probes runs for a socket that
  -- connects these two ports (proc(5), /proc/net/tcp: tr is 2).
  local function is_probed(near, far)
    local place = ("%%d+: 0100007F:%04X 0100007F:%04X 01 %%x+:%%x+ (%%x%%x):")
      :format(near, far)
    return folder.read("/proc/net/tcp"):match(place) == "02"
  end

  it("has the kernel find out about peers that are gone", function()
    start()
    local client, server = join()
    loop.wait_until("both of its sockets are probed", function()
      return is_probed(m.port.db, client.port)
        and is_probed(server.peer_port, one.port)
    end)
  end)

  it("ends when nothing has flowed for the timeout", function()
    start("300ms")
    local client, server = join()
    client:send("x")
    server:receive(1)
    local started = loop.now()
    assert.is_nil((client:receive_some(5)))
    assert.is_nil((server:receive_some(5)))
    assert.is_true(loop.now() - started > 0.2)
  end)

  it("lives on while one direction flows", function()
    start("400ms")
    local client, server = join()
    for _ = 1, 6 do
      server:send("tick")
      assert.are.equal("tick", client:receive(4))
      loop.watch(0.15)
    end
    client:send("still here")
    assert.are.equal("still here", server:receive(10))
  end)

  it("takes the backup when the first refuses", function()
    start()
    one:close()
    backup:listen()
    local client = assert(net.connect(m.port.db))
    local server = backup:accept()
    client:send("hello")
    assert.are.equal("hello", server:receive(5))
  end)

  it("takes the backup when the first is full and does not answer",
    function()
      start()
      one:listen(0)
      for _ = 1, 8 do
        loop.spawn("filler", function()
          net.connect(one.port)
        end)
      end
      backup:listen()
      local client = assert(net.connect(m.port.db))
      local server = backup:accept()
      client:send("hello")
      assert.are.equal("hello", server:receive(5))
    end)

  it("closes the client when no server can be reached", function()
    start()
    one:close()
    local client = assert(net.connect(m.port.db))
    assert.is_nil((client:receive_some()))
  end)

  it("keeps what the client said while the server was being found",
    function()
      start()
      one:close()
      backup:listen()
      local client = assert(net.connect(m.port.db))
      client:send("early words")
      client:shutdown()
      assert.are.equal("early words", (backup:accept():receive_all()))
    end)

  it("serves five hundred connections at once, each its own", function()
    start(nil, 2)
    one:close()
    local echo = peer.serve(peer.echo, { port = one.port })
    local clients = {}
    for i = 1, 500 do
      clients[i] = assert(net.connect(m.port.db))
      clients[i]:send("client " .. i .. "\n")
    end
    for i = 1, 500 do
      assert.are.equal("client " .. i .. "\n", clients[i]:receive_until("\n"))
    end
    assert.are.equal(500, echo.open)
    for i = 1, 500 do
      clients[i]:close()
    end
    echo:wait_open(0)
  end)
end)


describe("a [mysql] section", function()
  after_each(moongate.finish)

  it("passes a server's greeting and a login on untouched", function()
    local server = peer.serve(peer.greet("\10\0\0\0greeting"))
    local m = moongate.start {
      config = [[
        [upstream pxc]
        protocol = mysql
        server one = 127.0.0.1:${port_one}
        [mysql db]
        listen = 127.0.0.1:${port_db}
        upstream = pxc
        handshake = passthrough
        access_log = off
      ]],
      ports = { one = server.port },
    }
    local client = assert(net.connect(m.port.db))
    assert.are.equal("\10\0\0\0greeting", client:receive(12))
    client:send("login\0")
    assert.are.equal("login\0", client:receive(6))
  end)
end)
