--- Connections that are kept, and a name that means another address meanwhile:
-- what a pool does by itself, before a worker's beat comes to it.
local ffi = require "ffi"
local net = require "support.net"
local support = require "support.ffi"

local core = support.load("proxy/pool.h", "board/slots.h", "net/loop.h")
local exchange = require "support.exchange"

local CONFIG = [[
  [upstream php]
  keepalive = 4
  server a = 127.0.0.2:%d maxconn=8
  [http web]
  listen = 127.0.0.1:1
  route = / php
]]


describe("a kept connection", function()
  local site, server, on_ready, port, view

  before_each(function()
    local first = net.reserve()
    port = first.port
    first:close()
    for _, host in ipairs { "127.0.0.2", "127.0.0.3" } do
      net.listen { host = host, port = port }
    end
    site = exchange.site(CONFIG:format(port))
    server = site.runtime.upstreams[0].servers[0]
    on_ready = ffi.cast("stream_fn", function() end)
    view = ffi.new("struct server_view")
  end)

  local function close()
    site:close()
    on_ready:free()
    net.close_all()
  end
  jit.off(close)

  after_each(close)

  local function connect()
    assert.is_true(core.slot_take(site.board, 0, 1 + server.row, 8))
    local conn = core.pool_connect(server, on_ready, nil)
    assert.is_true(conn ~= nil)
    return conn
  end

  local function active()
    core.board_read_view(site.board, server.row, view)
    return view.active
  end

  local function move(...)
    local n = select("#", ...)
    local addrs = ffi.new("struct addr[?]", n + 1)
    for i = 1, n do
      assert.are.equal(0, core.addr_parse(addrs + i - 1,
        ("%s:%d"):format(select(i, ...), port), nil))
    end
    assert.is_true(core.board_set_addresses(site.board, server.row, addrs, n))
  end

  local function take()
    local conn = core.pool_take(server, on_ready, nil)
    return conn ~= nil and conn or nil
  end

  it("is taken, the youngest first", function()
    local a, b = connect(), connect()
    core.pool_keep(a)
    core.pool_keep(b)
    assert.are.equal(2, server.idle_count)
    assert.is_true(take() == b)
    assert.is_true(take() == a)
    assert.is_nil(take())
    assert.are.equal(2, active())
    core.pool_close(a)
    core.pool_close(b)
  end)

  it("is not taken where the address is gone, but its slot is", function()
    local a, b = connect(), connect()
    core.pool_keep(a)
    core.pool_keep(b)
    move "127.0.0.3"
    assert.is_nil(take())
    assert.are.equal(0, server.idle_count)
    assert.are.equal(1, active())
    assert.are.equal(-1, a.stream.fd)
    assert.are.equal(-1, b.stream.fd)
  end)

  it("is closed by the connect that sees the change", function()
    core.pool_keep(connect())
    move "127.0.0.3"
    local conn = connect()
    assert.are.equal(0, server.idle_count)
    assert.are.equal(1, active())
    core.pool_close(conn)
  end)

  it("is closed once it would be kept, if the address went before", function()
    local conn = connect()
    move "127.0.0.3"
    core.pool_drop_gone(server.upstream)
    core.pool_keep(conn)
    assert.are.equal(0, server.idle_count)
    assert.are.equal(0, active())
  end)

  it("is closed when its worker looks at the addresses", function()
    core.pool_keep(connect())
    core.pool_drop_gone(server.upstream)
    assert.are.equal(1, server.idle_count)
    move "127.0.0.3"
    core.pool_drop_gone(server.upstream)
    assert.are.equal(0, server.idle_count)
    assert.are.equal(0, active())
  end)

  it("goes on where its address is one of the new ones", function()
    local conn = connect()
    core.pool_keep(conn)
    move("127.0.0.3", "127.0.0.2")
    core.pool_drop_gone(server.upstream)
    assert.are.equal(1, server.idle_count)
    assert.is_true(take() == conn)
    core.pool_close(conn)
  end)

  it("has no successor where the name means nothing", function()
    move()
    assert.is_true(core.pool_connect(server, on_ready, nil) == nil)
    assert.are.equal(0, server.addr_count)
  end)
end)
