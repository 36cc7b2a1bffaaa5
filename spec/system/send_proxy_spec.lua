--- send_proxy: whom a connection is for is the first that the server hears.
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"

local SIGNATURE = "\r\n\r\n\0\r\nQUIT\n"

local CONFIG = [[
  [upstream db]
  protocol = tcp
  send_proxy = %s
  check = %s
  server one = 127.0.0.1:${port_one}
  [tcp db]
  listen = 127.0.0.1:${port_db}
  listen = unix:${dir}/db.sock
  upstream = db
  access_log = off
]]


describe("send_proxy", function()
  local m, listener

  after_each(moongate.finish)

  local function start(version, check)
    listener = net.listen()
    m = moongate.start {
      config = CONFIG:format(version, check or "off"),
      ports = { one = listener.port },
    }
  end

  it("v1 tells who the client is and where it connected to", function()
    start "v1"
    local client = assert(net.connect(m.port.db, { from = "127.0.0.9" }))
    local server = listener:accept()
    local wanted = ("PROXY TCP4 127.0.0.9 127.0.0.1 %d %d\r\n"):format(
      client.port, m.port.db)
    -- Before the client has said anything, and before what it says.
    assert.are.equal(wanted, server:receive(#wanted))
    server:send("welcome")
    assert.are.equal("welcome", client:receive(7))
    client:send("hello")
    assert.are.equal("hello", server:receive(5))
  end)

  it("v2 tells it in binary", function()
    start "v2"
    local client = assert(net.connect(m.port.db, { from = "127.0.0.9" }))
    client:send("hello")
    local server = listener:accept()
    local ports = string.char(
      math.floor(client.port / 256), client.port % 256,
      math.floor(m.port.db / 256), m.port.db % 256)
    local wanted = SIGNATURE .. "\33\17\0\12\127\0\0\9\127\0\0\1" .. ports
    assert.are.equal(wanted .. "hello", server:receive(#wanted + 5))
    -- The header is none of the client's bytes.
    client:shutdown()
    server:close()
    m:wait_active("one", 0)
    assert.are.equal(5, m:server("one").bytes_in)
  end)

  it("asks for nothing where the client has no address", function()
    start "v1"
    local client = assert(net.connect(m.dir .. "/db.sock"))
    client:send("hello")
    local server = listener:accept()
    assert.are.equal("PROXY UNKNOWN\r\nhello", server:receive(20))
  end)

  for version, wanted in pairs {
    v1 = "PROXY UNKNOWN\r\n", v2 = SIGNATURE .. "\32\0\0\0",
  } do
    it(version .. " begins checks, too", function()
      start(version, "tcp interval=50ms")
      for _ = 1, 2 do
        local server = listener:accept()
        local got, why = server:receive_some()
        -- The reset behind it may come first.
        assert.is_true(got == wanted or why == "reset", got)
        server:close()
      end
      loop.wait_until("the check has passed", function()
        return m:server("one").check == "Layer4 check passed"
      end)
    end)
  end

  it("begins the checks that say something", function()
    local asked
    local server = peer.serve(function(connection)
      asked = connection:receive_until("\r\n\r\n")
      connection:send("HTTP/1.0 200 OK\r\n\r\n")
    end)
    m = moongate.start {
      config = CONFIG:format("v1", "http uri=/"), ports = { one = server.port },
    }
    loop.wait_until("the check has passed", function()
      return m:server("one").check == "Layer7 check passed: 200"
    end)
    assert.is_truthy(asked:find("^PROXY UNKNOWN\r\nGET / HTTP/1%.1\r\n"), asked)
  end)
end)
