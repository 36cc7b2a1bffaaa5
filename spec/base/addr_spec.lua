-- Addresses and networks, from text and to text.
local ffi = require "ffi"
local core = require("support.ffi").load("base/addr.h")


local function parse(text)
  local a, why = ffi.new("struct addr"), ffi.new("const char *[1]")
  if core.addr_parse(a, text, why) < 0 then
    return nil, ffi.string(why[0])
  end
  return a
end


local function format(a)
  local text = ffi.new("char[128]")
  return ffi.string(core.addr_format(a, text, 128))
end


local function format_host(a)
  local text = ffi.new("char[128]")
  return ffi.string(core.addr_format_host(a, text, 128))
end


describe("addr", function()
  for text, expected in pairs {
    ["127.0.0.1:80"] = "127.0.0.1:80",
    ["255.10.0.9:65535"] = "255.10.0.9:65535",
    ["*:8080"] = "0.0.0.0:8080",
    ["0.0.0.0:0"] = "0.0.0.0:0",
    ["[::1]:80"] = "[::1]:80",
    ["[::]:443"] = "[::]:443",
    ["[2001:DB8::0:1]:80"] = "[2001:db8::1]:80",
    ["[::ffff:10.0.0.1]:80"] = "10.0.0.1:80",
    ["unix:/run/php.sock"] = "unix:/run/php.sock",
    ["unix:/" .. ("x"):rep(106)] = "unix:/" .. ("x"):rep(106),
  } do
    it("reads " .. text, function()
      assert.equal(expected, format(assert(parse(text))))
    end)
  end


  for text, reason in pairs {
    [""] = "the port is missing: HOST:PORT",
    ["127.0.0.1"] = "the port is missing: HOST:PORT",
    ["[::1]"] = "the port is missing: HOST:PORT",
    ["::1:80"] = "an IPv6 address needs brackets: [ADDRESS]:PORT",
    ["127.0.0.1:"] = "a port is a number from 0 to 65535",
    ["127.0.0.1:65536"] = "a port is a number from 0 to 65535",
    ["127.0.0.1:80x"] = "a port is a number from 0 to 65535",
    ["127.0.0.1:-1"] = "a port is a number from 0 to 65535",
    ["localhost:80"] = "not a numeric address",
    [":80"] = "not a numeric address",
    ["127.0.0:80"] = "not a numeric address",
    ["127.0.0.256:80"] = "not a numeric address",
    ["[::g]:80"] = "not a numeric address",
    ["[::1:80"] = "not a numeric address",
    [("1"):rep(64) .. ":80"] = "the address is too long",
    ["unix:run/x"] = "a Unix socket needs an absolute path: unix:/PATH",
    ["unix:"] = "a Unix socket needs an absolute path: unix:/PATH",
    ["unix:/" .. ("x"):rep(107)] =
      "the path of a Unix socket has at most 107 bytes",
  } do
    it(("refuses %q"):format(text), function()
      local a, why = parse(text)
      assert.is_nil(a)
      assert.equal(reason, why)
    end)
  end


  it("writes hosts alone, without brackets", function()
    assert.equal("127.0.0.1", format_host(parse "127.0.0.1:80"))
    assert.equal("::1", format_host(parse "[::1]:80"))
    assert.equal("unix:", format_host(parse "unix:/x"))
    assert.equal("-", format_host(ffi.new("struct addr")))
  end)


  it("cuts what it writes to the room", function()
    for size = 1, 13 do
      local text = ffi.new("char[16]", ("#"):rep(16))
      core.addr_format(parse "127.0.0.1:80", text, size)
      assert.equal(("127.0.0.1:80"):sub(1, size - 1), ffi.string(text))
      assert.equal(35, text[size])
      core.addr_format_host(parse "127.0.0.1:80", text, size)
      assert.equal(("127.0.0.1"):sub(1, size - 1), ffi.string(text))
    end
  end)


  it("knows and sets the port", function()
    local a = parse "[::1]:80"
    assert.equal(80, core.addr_port(a))
    core.addr_set_port(a, 8080)
    assert.equal("[::1]:8080", format(a))
    assert.equal(0, core.addr_port(parse "unix:/x"))
  end)


  for _, case in ipairs {
    { "1.2.3.4:80", "1.2.3.4:80", same = true, same_host = true },
    { "1.2.3.4:80", "1.2.3.4:81", same = false, same_host = true },
    { "1.2.3.4:80", "1.2.3.5:80", same = false, same_host = false },
    { "1.2.3.4:80", "[::ffff:1.2.3.4]:80", same = true, same_host = true },
    { "[::1]:80", "[::2]:80", same = false, same_host = false },
    { "[::1]:80", "0.0.0.1:80", same = false, same_host = false },
    { "unix:/a", "unix:/a", same = true, same_host = true },
    { "unix:/a", "unix:/ab", same = false, same_host = true },
    { "unix:/a", "1.2.3.4:0", same = false, same_host = false },
  } do
    it(("compares %s and %s"):format(case[1], case[2]), function()
      local a, b = parse(case[1]), parse(case[2])
      assert.equal(case.same, core.addr_equal(a, b))
      assert.equal(case.same, core.addr_equal(b, a))
      assert.equal(case.same_host, core.addr_equal_host(a, b))
    end)
  end


  for text, expected in pairs {
    ["1.2.3.4:80"] = 0x01020304,
    ["255.255.255.255:1"] = 0xffffffff,
    ["[::ffff:10.0.0.1]:80"] = 0x0a000001,
    ["[::]:1"] = 0,
    ["[1:2:3:4:5:6:7:8]:1"] = 0x00000008,
    ["[2001:db8::ff]:1"] = 0x20010d47,
    ["[fe80::abcd:1:2:3]:1"] = 0x554f0002,
  } do
    it(("folds %s into %#x"):format(text, expected), function()
      local number = ffi.new("uint32_t[1]")
      assert.is_true(core.addr_fold(number, parse(text)))
      assert.are.equal(expected, number[0])
    end)
  end


  it("has no number for a Unix socket", function()
    local number = ffi.new("uint32_t[1]", 7)
    assert.is_false(core.addr_fold(number, parse "unix:/run/php.sock"))
    assert.are.equal(7, number[0])
  end)


  it("knows what only this machine reaches", function()
    for text, loopback in pairs {
      ["127.0.0.1:1"] = true, ["127.255.0.1:1"] = true, ["[::1]:1"] = true,
      ["unix:/x"] = true, ["[::ffff:127.0.0.1]:1"] = true,
      ["128.0.0.1:1"] = false, ["0.0.0.0:1"] = false, ["[::]:1"] = false,
    } do
      assert.equal(loopback, core.addr_is_loopback(parse(text)), text)
    end
  end)


  it("resolves numeric hosts and this machine's name for itself", function()
    local out, why = ffi.new("struct addr[4]"), ffi.new("const char *[1]")
    assert.equal(1, core.addr_resolve(out, 4, "127.0.0.1", 80, why))
    assert.equal("127.0.0.1:80", format(out[0]))
    assert.equal(1, core.addr_resolve(out, 4, "[::1]", 80, why))
    assert.equal("[::1]:80", format(out[0]))
    local count = core.addr_resolve(out, 4, "localhost", 8080, why)
    assert.is_true(count >= 1)
    for i = 0, count - 1 do
      assert.is_true(core.addr_is_loopback(out + i))
      assert.equal(8080, core.addr_port(out + i))
    end
  end)


  it("says why a name cannot be resolved", function()
    local out, why = ffi.new("struct addr[4]"), ffi.new("const char *[1]")
    assert.equal(-1, core.addr_resolve(out, 4, "no such host", 80, why))
    assert.is_true(#ffi.string(why[0]) > 0)
  end)


  it("writes what getsockname says of sockets without a name", function()
    local a, C = ffi.new("struct addr"), ffi.C
    local fd = C.socket(1, 1, 0)
    assert.equal(0, core.addr_of_socket(a, fd))
    C.close(fd)
    assert.equal("unix:", format(a))
    assert.equal(-1, core.addr_of_socket(a, -1))
  end)
end)


describe("cidr", function()
  local function network(text)
    local c, why = ffi.new("struct cidr"), ffi.new("const char *[1]")
    if core.cidr_parse(c, text, why) < 0 then
      return nil, ffi.string(why[0])
    end
    return c
  end


  for text, cases in pairs {
    ["10.0.0.0/8"] = {
      ["10.0.0.0:1"] = true, ["10.255.255.255:1"] = true,
      ["11.0.0.0:1"] = false, ["9.255.255.255:1"] = false,
      ["[::ffff:10.1.2.3]:1"] = true, ["[::1]:1"] = false,
      ["unix:/x"] = false,
    },
    ["192.0.2.128/25"] = {
      ["192.0.2.128:1"] = true, ["192.0.2.255:1"] = true,
      ["192.0.2.127:1"] = false, ["192.0.3.128:1"] = false,
    },
    ["192.0.2.7"] = { ["192.0.2.7:1"] = true, ["192.0.2.6:1"] = false },
    ["0.0.0.0/0"] = { ["1.2.3.4:1"] = true, ["[::1]:1"] = false },
    ["::/0"] = { ["1.2.3.4:1"] = false, ["[::1]:1"] = true },
    ["2001:db8::/33"] = {
      ["[2001:db8:7fff::1]:1"] = true, ["[2001:db8:8000::1]:1"] = false,
    },
    ["::1"] = { ["[::1]:1"] = true, ["[::2]:1"] = false },
    ["unix:"] = {
      ["unix:/x"] = true, ["127.0.0.1:1"] = false, ["[::]:0"] = false,
    },
  } do
    it("of " .. text .. " holds its hosts and no others", function()
      local c = assert(network(text))
      for host, inside in pairs(cases) do
        assert.equal(inside, core.cidr_contains(c, parse(host)), host)
      end
    end)
  end


  for text, reason in pairs {
    [""] = "not a numeric address",
    ["10.0.0"] = "not a numeric address",
    ["unix:/x"] = "not a numeric address",
    ["unix"] = "not a numeric address",
    ["example.org/8"] = "not a numeric address",
    [("1"):rep(70)] = "not a numeric address",
    ["10.0.0.0/33"] = "a prefix is a number from 0 to 32 (IPv6: 128)",
    ["10.0.0.0/"] = "a prefix is a number from 0 to 32 (IPv6: 128)",
    ["10.0.0.0/8 "] = "a prefix is a number from 0 to 32 (IPv6: 128)",
    ["::/129"] = "a prefix is a number from 0 to 32 (IPv6: 128)",
    ["10.0.0.1/8"] = "the address has bits set behind the prefix",
    ["10.0.0.1/31"] = "the address has bits set behind the prefix",
    ["1.0.0.0/0"] = "the address has bits set behind the prefix",
    ["2001:db8::1/32"] = "the address has bits set behind the prefix",
    ["::ffff:10.0.0.0/104"] = "an IPv4 network is written as 192.0.2.0/24",
  } do
    it(("refuses %q"):format(text), function()
      local c, why = network(text)
      assert.is_nil(c)
      assert.equal(reason, why)
    end)
  end
end)
