--- PROXY headers, byte for byte as the specification has them.
local ffi = require "ffi"
local support = require "support.ffi"

local core = support.load("codec/proxyproto.h", "base/buf.h", "base/addr.h")

local V1, V2 = 1, 2
local SIGNATURE = "\r\n\r\n\0\r\nQUIT\n"


local function address(text)
  local out = ffi.new("struct addr")
  assert.are.equal(0, core.addr_parse(out, text, nil))
  return out
end


local function writer()
  local out = ffi.new("struct buf")
  local space = ffi.new("char[?]", tonumber(core.PROXYPROTO_MAX))
  core.buf_init(out, space, tonumber(core.PROXYPROTO_MAX))
  return out, space
end


local function written(version, from, to)
  local out, space = writer()
  core.proxyproto_write(out, version, address(from), address(to))
  assert.is_false(out.failed)
  return ffi.string(space, out.len)
end


local function local_header(version)
  local out, space = writer()
  core.proxyproto_write_local(out, version)
  return ffi.string(space, out.len)
end


local function hex(text)
  return (text:gsub(" ", ""):gsub("%x%x", function(pair)
    return string.char(tonumber(pair, 16))
  end))
end


describe("a PROXY header", function()
  for _, case in ipairs {
    {
      name = "IPv4",
      from = "192.0.2.7:40000", to = "198.51.100.1:3306",
      v1 = "PROXY TCP4 192.0.2.7 198.51.100.1 40000 3306\r\n",
      v2 = "2111 000c c0000207 c6336401 9c40 0cea",
    },
    {
      name = "IPv6",
      from = "[2001:db8::1]:1", to = "[::1]:65535",
      v1 = "PROXY TCP6 2001:db8::1 ::1 1 65535\r\n",
      v2 = "2121 0024 20010db8000000000000000000000001"
        .. " 00000000000000000000000000000001 0001 ffff",
    },
    {
      name = "IPv4 inside IPv6 on both sides",
      from = "[::ffff:192.0.2.7]:40000", to = "198.51.100.1:3306",
      v1 = "PROXY TCP4 192.0.2.7 198.51.100.1 40000 3306\r\n",
      v2 = "2111 000c c0000207 c6336401 9c40 0cea",
    },
    {
      name = "a mixture, as IPv6",
      from = "192.0.2.7:40000", to = "[2001:db8::1]:3306",
      v1 = "PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 40000 3306\r\n",
      v2 = "2121 0024 00000000000000000000ffffc0000207"
        .. " 20010db8000000000000000000000001 9c40 0cea",
    },
    {
      name = "a client of a Unix socket, which has no address",
      from = "unix:/run/x", to = "198.51.100.1:3306",
      v1 = "PROXY UNKNOWN\r\n",
      v2 = "2000 0000",
    },
  } do
    it("tells of " .. case.name, function()
      assert.are.equal(case.v1, written(V1, case.from, case.to))
      assert.are.equal(SIGNATURE .. hex(case.v2),
        written(V2, case.from, case.to))
    end)
  end

  it("fits the longest addresses", function()
    local long = "[1111:2222:3333:4444:5555:6666:7777:8888]:65535"
    assert.are.equal("PROXY TCP6 1111:2222:3333:4444:5555:6666:7777:8888"
      .. " 1111:2222:3333:4444:5555:6666:7777:8888 65535 65535\r\n",
      written(V1, long, long))
    assert.are.equal(52, #written(V2, long, long))
  end)

  it("of our own connections asks for nothing", function()
    assert.are.equal("PROXY UNKNOWN\r\n", local_header(V1))
    assert.are.equal(SIGNATURE .. hex "2000 0000", local_header(V2))
  end)

  it("that does not fit is not written in part", function()
    local out, space = ffi.new("struct buf"), ffi.new("char[20]")
    core.buf_init(out, space, 20)
    core.proxyproto_write(out, V1, address "192.0.2.7:1", address "192.0.2.8:2")
    assert.is_true(out.failed)
    assert.are.equal(0, tonumber(out.len))
  end)
end)
