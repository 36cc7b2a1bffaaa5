--- PROXY headers, byte for byte as the specification has them, written and
-- read.
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


-- Reads bytes that end where memory does.
-- @return the bytes taken, 0, or an error's name; then what the header says
local function read(bytes)
  local out = ffi.new("struct proxyproto")
  local p, map = support.guarded(bytes)
  local taken = tonumber(core.proxyproto_read(out, p, #bytes))
  assert(map)
  if taken >= 0 then
    return taken, out
  end
  for _, name in ipairs {
    "ABSENT", "LONG", "LINE", "ADDRESS", "COMMAND", "FAMILY", "LENGTH", "TLV",
    "CHECKSUM",
  } do
    if tonumber(core["PROXYPROTO_ERROR_" .. name]) == taken then
      assert.is_true(#ffi.string(core.proxyproto_error_text(taken)) > 20)
      return name
    end
  end
  error("no such error: " .. taken)
end


local function ends_of(header)
  if not header.has_ends then
    return "none"
  end
  local text = ffi.new("char[128]")
  local from = ffi.string(core.addr_format(header.from, text, 128))
  return from .. " " .. ffi.string(core.addr_format(header.to, text, 128))
end


local function be16(n)
  return string.char(math.floor(n / 256), n % 256)
end


-- A header of version 2 with this family and this behind its 16 bytes.
local function v2(family, rest, command)
  return SIGNATURE .. string.char(command or 0x21, family)
    .. be16(#rest) .. rest
end


local function tlv(kind, value)
  return string.char(kind) .. be16(#value) .. value
end


local TCP4 = hex "c0000207 c6336401 9c40 0cea"
local TCP6 = hex("20010db8000000000000000000000001"
  .. "00000000000000000000000000000001 0001 ffff")
local ENDS4 = "192.0.2.7:40000 198.51.100.1:3306"
local ENDS6 = "[2001:db8::1]:1 [::1]:65535"
local LONG4 = "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"


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


describe("proxyproto_read", function()
  local good = {
    {
      name = "a line of IPv4", ends = ENDS4,
      "PROXY TCP4 192.0.2.7 198.51.100.1 40000 3306\r\n",
    },
    {
      name = "a line of IPv6", ends = ENDS6,
      "PROXY TCP6 2001:db8::1 ::1 1 65535\r\n",
    },
    {
      name = "the longest line of IPv4",
      ends = "255.255.255.255:65535 255.255.255.255:65535", LONG4,
    },
    {
      name = "the longest line of IPv6",
      ends = ("[1111:2222:3333:4444:5555:6666:7777:8888]:65535 "):rep(2)
        :sub(1, -2),
      "PROXY TCP6 " .. ("1111:2222:3333:4444:5555:6666:7777:8888 "):rep(2)
        .. "65535 65535\r\n",
    },
    {
      name = "ports of 0", ends = "192.0.2.7:0 198.51.100.1:0",
      "PROXY TCP4 192.0.2.7 198.51.100.1 0 0\r\n",
    },
    { name = "UNKNOWN", ends = "none", "PROXY UNKNOWN\r\n" },
    {
      name = "UNKNOWN, and anything behind it", ends = "none",
      "PROXY UNKNOWN " .. ("x"):rep(107 - 16) .. "\r\n",
    },
    { name = "TCP over IPv4", ends = ENDS4, v2(0x11, TCP4) },
    { name = "UDP over IPv4", ends = ENDS4, v2(0x12, TCP4) },
    { name = "TCP over IPv6", ends = ENDS6, v2(0x21, TCP6) },
    { name = "UDP over IPv6", ends = ENDS6, v2(0x22, TCP6) },
    { name = "IPv4 of an unspecified transport", ends = "none",
      v2(0x10, TCP4) },
    { name = "a Unix socket", ends = "none", v2(0x31, ("x"):rep(216)) },
    { name = "no family", ends = "none", v2(0, "") },
    { name = "LOCAL", ends = "none", v2(0, "", 0x20) },
    {
      name = "LOCAL, whatever stands in it", ends = "none",
      v2(0xff, "whatever", 0x20),
    },
    {
      name = "extensions", ends = ENDS4,
      v2(0x11, TCP4 .. tlv(1, "h2") .. tlv(4, "") .. tlv(0xee, ("x"):rep(300))),
    },
    {
      name = "the longest one", ends = ENDS4,
      v2(0x11, TCP4 .. tlv(4, ("\0"):rep(4096 - 16 - 12 - 3))),
    },
    {
      name = "a checksum", ends = "127.0.0.1:40000 127.0.0.1:8080",
      v2(0x11, hex "7f000001 7f000001 9c40 1f90" .. "\3\0\4"
        .. hex "77b48515"),
    },
  }

  for _, case in ipairs(good) do
    local bytes = case[1]

    it("takes " .. case.name, function()
      local taken, header = read(bytes)
      assert.are.equal(#bytes, taken)
      assert.are.equal(case.ends, ends_of(header))
    end)

    it("waits at every cut of " .. case.name, function()
      for n = 0, #bytes - 1 do
        assert.are.equal(0, (read(bytes:sub(1, n))), "cut at " .. n)
      end
    end)

    it("leaves what is behind " .. case.name, function()
      for _, rest in ipairs { "\n", "GET / HTTP/1.1\r\n", bytes } do
        local taken, header = read(bytes .. rest)
        assert.are.equal(#bytes, taken)
        assert.are.equal(case.ends, ends_of(header))
      end
    end)
  end

  it("reads what is written", function()
    for _, version in ipairs { V1, V2 } do
      local bytes = written(version, "192.0.2.7:40000", "198.51.100.1:3306")
      local taken, header = read(bytes)
      assert.are.equal(#bytes, taken)
      assert.are.equal(ENDS4, ends_of(header))
      assert.are.equal("none", ends_of(select(2, read(local_header(version)))))
    end
  end)

  for _, case in ipairs {
    { "a request", "GET / HTTP/1.1\r\n", "ABSENT" },
    { "one byte of something else", "Q", "ABSENT" },
    { "a NUL", "\0", "ABSENT" },
    { "another word", "PROXX", "ABSENT" },
    { "small letters", "proxy TCP4", "ABSENT" },
    { "a tab behind the word", "PROXY\t", "ABSENT" },
    { "a signature that goes wrong", SIGNATURE:sub(1, 11) .. "\r", "ABSENT" },
    { "a line without an end", "PROXY UNKNOWN " .. ("x"):rep(107 - 14),
      "LONG" },
    { "a line that ends a byte too late",
      "PROXY UNKNOWN " .. ("x"):rep(107 - 15) .. "\r\n", "LONG" },
    { "LF alone", "PROXY UNKNOWN\n", "LINE" },
    { "LF before CR", "PROXY UNKNOWN\n\r", "LINE" },
    { "an empty line", "PROXY \r\n", "LINE" },
    { "only LF", "PROXY \n", "LINE" },
    { "another protocol", "PROXY UDP4 192.0.2.7 192.0.2.8 1 2\r\n", "LINE" },
    { "UNKNOWN run on", "PROXY UNKNOWNX\r\n", "LINE" },
    { "too few words", "PROXY TCP4 192.0.2.7 192.0.2.8 1\r\n", "LINE" },
    { "too many words", "PROXY TCP4 192.0.2.7 192.0.2.8 1 2 3\r\n", "LINE" },
    { "a blank at the end", "PROXY TCP4 192.0.2.7 192.0.2.8 1 2 \r\n", "LINE" },
    { "two blanks", "PROXY TCP4 192.0.2.7  192.0.2.8 1 2\r\n", "LINE" },
    { "an empty address", "PROXY TCP4  192.0.2.8 1 2\r\n", "ADDRESS" },
    { "a family that is not the addresses'",
      "PROXY TCP4 ::1 ::1 1 2\r\n", "ADDRESS" },
    { "IPv4 as TCP6", "PROXY TCP6 192.0.2.7 192.0.2.8 1 2\r\n", "ADDRESS" },
    { "a name", "PROXY TCP4 localhost 192.0.2.8 1 2\r\n", "ADDRESS" },
    { "an address with leading zeros",
      "PROXY TCP4 192.0.02.7 192.0.2.8 1 2\r\n", "ADDRESS" },
    { "a short address", "PROXY TCP4 192.0.2 192.0.2.8 1 2\r\n", "ADDRESS" },
    { "a NUL in an address",
      "PROXY TCP4 192.0.2.7\0 192.0.2.8 1 2\r\n", "ADDRESS" },
    { "brackets", "PROXY TCP6 [::1] ::1 1 2\r\n", "ADDRESS" },
    { "a bracket that is not closed",
      "PROXY TCP6 ::1 [::1 1 2\r\n", "ADDRESS" },
    { "a bracket that is not opened",
      "PROXY TCP6 ::1] ::1 1 2\r\n", "ADDRESS" },
    { "a zone", "PROXY TCP6 fe80::1%lo ::1 1 2\r\n", "ADDRESS" },
    { "a port with a leading zero",
      "PROXY TCP4 192.0.2.7 192.0.2.8 01 2\r\n", "ADDRESS" },
    { "a port above 65535",
      "PROXY TCP4 192.0.2.7 192.0.2.8 1 65536\r\n", "ADDRESS" },
    { "a port with a sign",
      "PROXY TCP4 192.0.2.7 192.0.2.8 +1 2\r\n", "ADDRESS" },
    { "no port", "PROXY TCP4 192.0.2.7 192.0.2.8  2\r\n", "ADDRESS" },
    { "a CR in a port", "PROXY TCP4 192.0.2.7 192.0.2.8 1 2\r\r\n", "ADDRESS" },
    { "version 1 in binary", v2(0x11, TCP4, 0x11), "COMMAND" },
    { "version 3", v2(0x11, TCP4, 0x31), "COMMAND" },
    { "another command", v2(0x11, TCP4, 0x22), "COMMAND" },
    { "another family", v2(0x41, ("x"):rep(300)), "FAMILY" },
    { "another transport", v2(0x13, TCP4), "FAMILY" },
    { "no room for IPv4", v2(0x11, TCP4:sub(1, 11)), "LENGTH" },
    { "no room for IPv6", v2(0x21, TCP6:sub(1, 35)), "LENGTH" },
    { "no room for a Unix socket", v2(0x31, ("x"):rep(215)), "LENGTH" },
    { "half an extension's head", v2(0x11, TCP4 .. "\4\0"), "TLV" },
    { "an extension beyond the end", v2(0x11, TCP4 .. "\4\0\2x"), "TLV" },
    { "a checksum of three bytes", v2(0x11, TCP4 .. tlv(3, "abc")), "TLV" },
    { "a wrong checksum", v2(0x11, TCP4 .. tlv(3, "abcd")), "CHECKSUM" },
    { "a length over the limit",
      SIGNATURE .. "\33\17" .. be16(4096 - 16 + 1), "LONG" },
    { "the greatest length", SIGNATURE .. "\32\0\255\255", "LONG" },
  } do
    it("refuses " .. case[1], function()
      local name, bytes, wanted = unpack(case)
      assert.are.equal(wanted, (read(bytes)), name)
      assert.are.equal(wanted, (read(bytes .. ("x"):rep(5000))), name)
      -- Before that it waits; it never takes a part.
      for n = 0, #bytes - 1 do
        local got = read(bytes:sub(1, n))
        assert.is_true(got == 0 or got == wanted, name .. " cut at " .. n)
      end
    end)
  end

  it("says nothing about what it refused", function()
    local out = ffi.new("struct proxyproto")
    out.has_ends = true
    local bytes = v2(0x11, TCP4 .. "\4\0")
    assert.is_true(core.proxyproto_read(out, bytes, #bytes) < 0)
    assert.is_true(out.has_ends)
  end)

  it("takes no header whose checksum is not its own", function()
    local bytes = good[#good][1]
    local type_at = 16 + #TCP4 + 1  -- with another type there is no checksum
    for i = 13, #bytes do
      local other = bytes:sub(1, i - 1)
        .. string.char((bytes:byte(i) + 1) % 256) .. bytes:sub(i + 1)
      local got = read(other .. ("\0"):rep(300))
      assert.are.equal(i ~= type_at, type(got) == "string", "byte " .. i)
    end
  end)
end)
