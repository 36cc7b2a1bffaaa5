--- What names have resolved to, asked for once.
local ffi = require "ffi"
local support = require "support.ffi"

local core = support.load("proxy/addresses.h")


describe("the addresses of a configuration", function()
  local known, out, why

  -- An address as the configuration's reader makes it.
  local function conf(host, port)
    local text = ("%s:%d"):format(host, port)
    local c = ffi.new("struct address_conf")
    c.host.p, c.host.len = host, #host
    c.text.p, c.text.len = text, #text
    c.port = port
    return c, text
  end

  local function find(c)
    return core.addresses_find(known, out, 8, c, why)
  end

  before_each(function()
    known = ffi.new("struct addresses")
    out = ffi.new("struct addr[8]")
    why = ffi.new("const char *[1]")
    core.addresses_init(known)
  end)

  after_each(function()
    core.addresses_fini(known)
  end)

  it("are looked up, with their port", function()
    assert.are.equal(1, find((conf("127.0.0.1", 8080))))
    assert.are.equal(8080, core.addr_port(out[0]))
  end)

  it("are not looked up again", function()
    local c, text = conf("127.0.0.1", 8080)
    assert.are.equal(1, find(c))

    -- The same text, which could not be looked up any more.
    local again = conf("no.such.name.invalid", 8080)
    again.text.p, again.text.len = text, #text
    assert.are.equal(1, find(again))
    assert.are.equal(8080, core.addr_port(out[0]))
  end)

  it("are not remembered where there are none", function()
    local c = conf("no.such.name.invalid", 80)
    assert.are.equal(-1, find(c))
    assert.is_true(why[0] ~= nil)
    assert.is_true(known.first == nil)
  end)

  it("may be the path of a Unix socket", function()
    local text = "unix:/run/x.sock"
    local c = ffi.new("struct address_conf")
    c.is_unix = true
    c.text.p, c.text.len = text, #text
    assert.are.equal(1, find(c))
  end)
end)
