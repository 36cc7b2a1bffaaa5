--- accept_proxy: the client is whom the PROXY header names, and nobody else's
-- header is believed.
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"
local proxyproto = require "support.proxyproto"
local sample = require "support.sample"

local ENDS = "192.0.2.7:40000 198.51.100.1:3306"
-- What the server hears of it by send_proxy.
local GONE_ON = "PROXY TCP4 192.0.2.7 198.51.100.1 40000 3306\r\n"

local CONFIG = [[
  [upstream db]
  protocol = tcp
  policy = %s
  send_proxy = v1
  server one = 127.0.0.1:${port_one}
  server two = 127.0.0.1:${port_two} %s
  [tcp db]
  listen = 127.0.0.1:${port_db} accept_proxy
  listen = unix:${dir}/db.sock accept_proxy
  trust = 127.0.0.1 unix:
  upstream = db
  header_timeout = %s
  max_connections = %d
  script = tell.lua
  access_log = tcplog
  log_to = file:${dir}/records
]]

local TELL = [[
local moongate = require "moongate"
local function tell(what, conn)
  moongate.log.info(what, " ", conn.client, " ", conn.port, " ", conn.listener)
end
return {
  accept = function(conn)
    tell("accept", conn)
    if conn.client == "192.0.2.66" then
      return false, "not this one"
    end
  end,
  close = function(conn)
    tell("close", conn)
  end,
}
]]


describe("accept_proxy", function()
  local m, one, two

  local function start(options)
    options = options or {}
    one, two = options.one or net.listen(), net.listen()
    m = moongate.start {
      config = CONFIG:format(options.policy or "first",
        options.second or "disabled", options.header_timeout or "60s",
        options.max_connections or 10000),
      ports = { one = one.port, two = two.port },
      files = { ["lua/tell.lua"] = TELL },
    }
  end

  after_each(moongate.finish)

  local function counts()
    return m:section("tcp db")
  end

  -- How many hooks of this kind have run.
  local function told(what)
    local _, n = m:log():gsub(what .. " [%d.]+ %d+ ", "")
    return n
  end

  -- Connects, says bytes, and takes the server's side, after the header.
  local function join(bytes, header)
    local client = assert(net.connect(m.port.db))
    client:send(bytes)
    local server = one:accept()
    assert.are.equal(header or GONE_ON, server:receive_until("\n"))
    return client, server
  end

  for name, header in pairs {
    ["a line"] = proxyproto.v1(ENDS),
    ["binary"] = proxyproto.v2(ENDS),
    ["binary with extensions"] = proxyproto.v2(ENDS,
      proxyproto.tlv(1, "h2") .. proxyproto.tlv(4, ("\0"):rep(3000))),
  } do
    it("takes " .. name .. " and the first bytes in one segment", function()
      start()
      local client, server = join(header .. "hello")
      assert.are.equal("hello", server:receive(5))
      server:send("welcome")
      assert.are.equal("welcome", client:receive(7))
    end)

    it("takes " .. name .. " alone, and connects at once", function()
      start()
      local client, server = join(header)
      server:send("greeting")
      assert.are.equal("greeting", client:receive(8))
      client:send("answer")
      assert.are.equal("answer", server:receive(6))
    end)

    it("takes " .. name .. " in pieces", function()
      start()
      local client = assert(net.connect(m.port.db))
      local cuts = { 1, 2, 5, 6, 7, 12, 13, 15, 16, 17, #header - 1, #header }
      local sent = 0
      for _, cut in ipairs(cuts) do
        assert.are.equal(0, told("accept"))
        client:send(header:sub(sent + 1, cut))
        sent = cut
        -- The program has it before the next piece comes.
        m:ctl("show info")
      end
      local server = one:accept()
      assert.are.equal(GONE_ON, server:receive_until("\n"))
      client:send("x")
      assert.are.equal("x", server:receive(1))
    end)
  end

  it("takes a header byte by byte, with what follows it", function()
    start()
    local client = assert(net.connect(m.port.db))
    for byte in (proxyproto.v1(ENDS) .. "hello"):gmatch(".") do
      client:send(byte)
    end
    local server = one:accept()
    assert.are.equal(GONE_ON .. "hello", server:receive(#GONE_ON + 5))
  end)

  it("tells hooks and records whom the header names", function()
    start()
    local client, server = join(proxyproto.v2(ENDS))
    client:close()
    server:close()
    local record = m:records("records", 1)[1]
    assert.is_truthy(record:find("192.0.2.7:40000 [", 1, true), record)
    m:wait_log("accept 192%.0%.2%.7 40000 198%.51%.100%.1:3306")
    m:wait_log("close 192%.0%.2%.7 40000 198%.51%.100%.1:3306")
    assert.are.equal(0, counts().errors)
  end)

  it("lets the hook refuse whom the header names", function()
    start()
    local client = assert(net.connect(m.port.db))
    client:send(proxyproto.v1 "192.0.2.66:1 198.51.100.1:3306")
    assert.are.equal("", (client:receive_all()))
    m:wait_log("refused by a script: not this one")
    assert.are.equal(1, counts().denied)
  end)

  it("takes IPv6 addresses on an IPv4 connection", function()
    start()
    local header = "PROXY TCP6 2001:db8::7 2001:db8::1 40000 3306\r\n"
    local client, server = join(header, header)
    client:close()
    server:close()
    local record = m:records("records", 1)[1]
    assert.is_truthy(record:find("2001:db8::7:40000 [", 1, true), record)
  end)

  for name, header in pairs {
    LOCAL = proxyproto.LOCAL, UNKNOWN = proxyproto.UNKNOWN,
  } do
    it("takes the real ends with " .. name, function()
      start()
      local client = assert(net.connect(m.port.db))
      client:send(header .. "x")
      local server = one:accept()
      local wanted = ("PROXY TCP4 127.0.0.1 127.0.0.1 %d %d\r\nx"):format(
        client.port, m.port.db)
      assert.are.equal(wanted, server:receive(#wanted))
    end)
  end

  it("believes a Unix socket's client where trust says unix:", function()
    start()
    local client = assert(net.connect(m.dir .. "/db.sock"))
    client:send(proxyproto.v1(ENDS) .. "x")
    local server = one:accept()
    assert.are.equal(GONE_ON .. "x", server:receive(#GONE_ON + 1))
  end)

  it("loses nothing of bulk behind the header", function()
    start()
    local bytes = sample.text(4 * 2 ^ 20)
    local client, server = join(proxyproto.v1(ENDS) .. bytes:sub(1, 100))
    loop.spawn("client", function()
      client:send(bytes:sub(101))
      client:shutdown()
    end)
    assert.is_true(server:receive_all() == bytes)
  end)

  it("lets `source` go by whom the header names", function()
    start { policy = "source", second = "" }
    local function picked(client)
      local socket = assert(net.connect(m.port.db))
      socket:send(proxyproto.v2(client .. " 198.51.100.1:3306"))
      local server
      loop.wait_until("a server was picked", function()
        server = not one:nobody_connects(0) and one
          or not two:nobody_connects(0) and two
        return server
      end)
      server:accept():close()
      socket:close()
      return server == one and "one" or "two"
    end
    local used = {}
    for i = 1, 16 do
      local name = picked(("192.0.2.%d:1000"):format(i))
      used[name] = true
      assert.are.equal(name, picked(("192.0.2.%d:2000"):format(i)))
    end
    assert.are.same({ one = true, two = true }, used)
  end)

  describe("closes", function()
    local function refused(bytes, how)
      start()
      local client = assert(net.connect(m.port.db))
      client:send(bytes)
      assert.are.equal("", (client:receive_all()))
      local record = m:records("records", 1)[1]
      assert.is_truthy(record:find(("127.0.0.1:%d ["):format(client.port), 1,
        true), record)
      assert.is_truthy(record:find(" PR ", 1, true), record)
      m:wait_log("connection refused: " .. how .. " client=127%.0%.0%.1:"
        .. client.port .. " section=db")
      assert.is_true(one:nobody_connects(0.05))
      assert.are.equal(0, told("accept") + told("close"))
      local row = counts()
      assert.are.same({ 1, 0, 1, 1, 0 }, {
        row.connections, row.requests, row.denied, row.errors, row.now })
    end

    for name, case in pairs {
      ["a request"] = { "GET / HTTP/1.1\r\n\r\n",
                        "it does not begin with a PROXY header" },
      ["one byte of something else"] = { "x",
                        "it does not begin with a PROXY header" },
      ["a line that is too long"] = { "PROXY TCP4 " .. ("1"):rep(200),
                        "its PROXY header is too long" },
      ["a wrong address"] = { "PROXY TCP4 192.0.2.256 192.0.2.7 1 2\r\nhello",
                        "an address or a port of its PROXY header is none" },
      ["a wrong checksum"] = { proxyproto.v2(ENDS, proxyproto.tlv(3, "abcd")),
                        "the checksum of its PROXY header is wrong" },
      ["a length over the limit"] = {
                        proxyproto.v2(ENDS, ("\0"):rep(5000)),
                        "its PROXY header is too long" },
    } do
      it(name, function()
        refused(case[1], case[2])
      end)
    end

    it("who leaves within the header", function()
      start()
      local client = assert(net.connect(m.port.db))
      client:send("PROXY TCP4 192")
      client:shutdown()
      assert.are.equal("", (client:receive_all()))
      local record = m:records("records", 1)[1]
      assert.is_truthy(record:find(" CR ", 1, true), record)
      local row = counts()
      assert.are.same({ 1, 0, 1 }, { row.connections, row.denied, row.errors })
    end)

    it("whom it takes too long", function()
      start { header_timeout = "300ms" }
      local client = assert(net.connect(m.port.db))
      client:send("PROXY TCP4 192")
      local began = loop.now()
      assert.are.equal("", (client:receive_all()))
      assert.is_true(loop.now() - began > 0.2)
      m:wait_log("its PROXY header did not come in time")
      local record = m:records("records", 1)[1]
      assert.is_truthy(record:find(" cR ", 1, true), record)
      assert.are.equal(1, counts().errors)
    end)

    it("whoever is not in trust, whatever it says", function()
      start()
      local client = assert(net.connect(m.port.db, { from = "127.0.0.9" }))
      client:send(proxyproto.v1(ENDS))
      assert.are.equal("", (client:receive_all()))
      m:wait_log("connection refused: its address is not in trust"
        .. " client=127%.0%.0%.9:%d+ section=db")
      assert.is_truthy(m:records("records", 1)[1]:find(" PR ", 1, true))
      assert.is_true(one:nobody_connects(0.05))
      local row = counts()
      assert.are.same({ 1, 1, 1, 0 }, {
        row.connections, row.denied, row.errors, row.now })
    end)
  end)

  it("does not mind who looks and leaves without a word", function()
    start()
    for i = 1, 10 do
      local client = assert(net.connect(m.port.db))
      if i % 2 == 0 then
        client:close()
      else
        client:reset()
      end
    end
    loop.wait_until("they are gone", function()
      return counts().connections == 10 and counts().now == 0
    end)
    assert.are.equal(0, counts().errors)
    local client, server = join(proxyproto.v1(ENDS))
    client:close()
    server:close()
    assert.are.equal(1, #m:records("records", 1))
  end)

  it("counts who has not said its header as a connection", function()
    start { max_connections = 1 }
    local first = assert(net.connect(m.port.db))
    loop.wait_until("it has the only place", function()
      return counts().now == 1
    end)
    local second = assert(net.connect(m.port.db))
    second:send(proxyproto.v1(ENDS))
    assert.is_true(one:nobody_connects(0.2))
    first:close()
    local server = one:accept()
    assert.are.equal(GONE_ON, server:receive_until("\n"))
  end)

  it("leaves nothing behind, whatever comes", function()
    start { one = peer.serve(peer.sink) }
    local before = #process.fds(m:workers()[1])
    local header = proxyproto.v1(ENDS)
    local sayings = {
      "", "P", "PROXY ", header:sub(1, -2), header, header .. "hello",
      proxyproto.v2(ENDS):sub(1, 16), "GET", proxyproto.LOCAL,
    }
    for i = 1, 20 do
      local clients = {}
      for k, saying in ipairs(sayings) do
        clients[k] = assert(net.connect(m.port.db))
        clients[k]:send(saying)
      end
      for k, client in ipairs(clients) do
        if (i + k) % 3 == 0 then
          client:reset()
        else
          client:close()
        end
      end
    end
    loop.wait_until("all are gone", function()
      local row = counts()
      return row.connections == 20 * #sayings and row.now == 0
        and #process.fds(m:workers()[1]) == before
    end)
  end)

  it("goes on waiting for a header while it stops gracefully", function()
    start()
    local client = assert(net.connect(m.port.db))
    loop.wait_until("it is accepted", function()
      return counts().now == 1
    end)
    m.master:kill("QUIT")
    m:wait_log("stopping gracefully")
    client:send(proxyproto.v1(ENDS) .. "x")
    local server = one:accept()
    assert.are.equal(GONE_ON .. "x", server:receive(#GONE_ON + 1))
    server:close()
    client:close()
    assert.are.equal(0, m.master:wait())
    m.stopped = true
  end)

  it("ends who waits when it stops at once", function()
    start()
    local client = assert(net.connect(m.port.db))
    client:send("PROXY ")
    loop.wait_until("it is accepted", function()
      return counts().now == 1
    end)
    m:stop("TERM")
    assert.are.equal("", (client:receive_all()))
  end)
end)
