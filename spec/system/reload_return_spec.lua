--- A server that a reload takes away, and another brings back while sessions of
-- the first configuration are still on it.
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"

local CONFIG = [[
  [upstream db]
  protocol = tcp
  policy = first
  %s
  server b = 127.0.0.1:${port_b}
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
]]


describe("a server that comes back", function()
  local m, client

  before_each(function()
    local a, b = peer.serve(peer.greet("a")), peer.serve(peer.greet("b"))
    local c = peer.serve(peer.greet("c"))
    m = moongate.start {
      config = CONFIG:format("server a = 127.0.0.1:${port_a}"),
      ports = { a = a.port, b = b.port, c = c.port },
    }
    client = net.connect(m.port.db)
    assert.are.equal("a", client:receive(1))
    m:write_config(CONFIG:format(""))
    m:ctl("reload")
    assert.are.equal("drain", m:server("a").state)
  end)

  after_each(moongate.finish)

  local function bring_back(line)
    m:write_config(CONFIG:format("server a = " .. line))
    m:ctl("reload")
  end

  it("is as the new line says", function()
    bring_back("127.0.0.1:${port_c} weight=7 maxconn=9 backup")
    local server = m:server("a")
    assert.are.equal(7, server.weight)
    assert.are.equal(9, server.maxconn)
    assert.is_true(server.backup)
    assert.are.equal("127.0.0.1:" .. m.port.c, server.address)
    client:send("x")
    assert.are.equal("x", client:receive(1))
    client:close()
    m:wait_active("a", 0)
    assert.are.equal(7, m:server("a").weight)
  end)

  it("is in maintenance where it is disabled", function()
    bring_back("127.0.0.1:${port_a} disabled")
    assert.are.equal("maint", m:server("a").state)
  end)

  it("has what was set by ctl no more", function()
    m:ctl("server db/a weight 33")
    bring_back("127.0.0.1:${port_a}")
    loop.wait_until("it has its weight", function()
      return m:server("a").weight == 1
    end)
    assert.are.equal("no check", m:server("a").state)
  end)
end)
