-- The chunked coding: what it decodes to, however it is cut, and what it does
-- not take.
local ffi = require "ffi"
local support = require "support.ffi"

local core = support.load("codec/chunked.h")
local guarded = support.guarded

local ERRORS = { "SIZE", "OVERFLOW", "EXTENSION", "EXTENSION_SIZE", "LINE_END",
  "TRAILER", "TRAILER_SIZE" }


local function name_of(number)
  for _, name in ipairs(ERRORS) do
    if tonumber(core["CHUNKED_E_" .. name]) == number then
      return name
    end
  end
  return number
end


-- Feeds pieces; gives the data, the bytes taken, and whether it is done; or
-- nil and the error's name.
local function decode(pieces)
  local c, data = ffi.new("struct chunked"), ffi.new("struct str")
  local parts, taken = {}, 0
  core.chunked_init(c)
  for _, piece in ipairs(pieces) do
    local p, map = guarded(piece)
    local at = 0
    while at < #piece and not c.done do
      local got = tonumber(core.chunked_read(c, p + at, #piece - at, data))
      if got < 0 then
        return nil, name_of(got), map
      end
      assert(got > 0, "nothing taken")
      parts[#parts + 1] = ffi.string(data.p, data.len)
      at = at + got
    end
    taken = taken + at
  end
  local body = table.concat(parts)
  assert(tonumber(c.total) == #body, "total")
  return body, taken, c.done
end


local function bytes_of(s)
  local pieces = {}
  for i = 1, #s do
    pieces[i] = s:sub(i, i)
  end
  return pieces
end


local ACCEPTED = {
  { "nothing", "0\r\n\r\n", "" },
  { "one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello" },
  { "two chunks", "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", "hello!" },
  { "capital and small digits", "a\r\n0123456789\r\nA\r\n0123456789\r\n"
    .. "0\r\n\r\n", ("0123456789"):rep(2) },
  { "leading zeros", "0000000000000001\r\nx\r\n00\r\n\r\n", "x" },
  { "extensions", "1;a=b;c=\"d e\"\r\nx\r\n0;\r\n\r\n", "x" },
  { "trailers", "1\r\nx\r\n0\r\nA: b\r\nC:\r\n\r\n", "x" },
  { "data that looks like framing", "7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n",
    "\r\n0\r\n\r\n" },
  { "the longest extension", "1;" .. ("x"):rep(256) .. "\r\nx\r\n0\r\n\r\n",
    "x" },
}

local REFUSED = {
  { "SIZE", "no size", "\r\n" },
  { "SIZE", "a minus", "-1\r\n" },
  { "SIZE", "a prefix", "0x1\r\nx" },
  { "SIZE", "a space before it", " 1\r\nx" },
  { "SIZE", "a space behind it", "1 \r\nx" },
  { "SIZE", "a tab before an extension", "1\t;a\r\nx" },
  { "SIZE", "a NUL", "1\0\r\nx" },
  { "OVERFLOW", "17 digits", "00000000000000001\r\nx" },
  { "OVERFLOW", "more than 63 bits hold", "8000000000000000\r\n" },
  { "OVERFLOW", "all that 64 bits hold", "ffffffffffffffff\r\n" },
  { "OVERFLOW", "more than 63 bits hold together",
    "1\r\nx\r\n7fffffffffffffff\r\n" },
  { "EXTENSION", "a NUL in an extension", "1;a\0\r\n" },
  { "EXTENSION", "DEL in an extension", "1;\127\r\n" },
  { "EXTENSION_SIZE", "an extension that is too long",
    "1;" .. ("x"):rep(257) },
  { "LINE_END", "LF behind a size", "1\nx" },
  { "LINE_END", "CR alone behind a size", "1\rx" },
  { "LINE_END", "LF in an extension", "1;a\nx" },
  { "LINE_END", "CR alone in an extension", "1;a\rb\r\nx" },
  { "LINE_END", "more data than the size says", "1\r\nxy\r\n" },
  { "LINE_END", "LF behind data", "1\r\nx\n0\r\n\r\n" },
  { "LINE_END", "CR alone behind data", "1\r\nx\r0\r\n\r\n" },
  { "LINE_END", "LF at the end", "0\r\n\n" },
  { "LINE_END", "CR alone at the end", "0\r\n\rx" },
  { "LINE_END", "LF in a trailer", "0\r\nA: b\n\r\n" },
  { "LINE_END", "CR alone in a trailer", "0\r\nA: b\rc\r\n\r\n" },
  { "TRAILER", "a trailer without a colon", "0\r\nA\r\n\r\n" },
  { "TRAILER", "a trailer without a name", "0\r\n: b\r\n\r\n" },
  { "TRAILER", "a space before the colon", "0\r\nA : b\r\n\r\n" },
  { "TRAILER", "a continuation line", "0\r\nA: b\r\n c\r\n\r\n" },
  { "TRAILER", "a NUL in a trailer", "0\r\nA: b\0\r\n\r\n" },
  { "TRAILER_SIZE", "trailers without end",
    "0\r\n" .. ("A: b\r\n"):rep(1366) },
  { "TRAILER_SIZE", "a trailer without end", "0\r\nA:" .. ("b"):rep(8192) },
}


describe("chunked_read", function()
  for _, case in ipairs(ACCEPTED) do
    local name, coded, plain = unpack(case)

    it("decodes " .. name, function()
      local body, taken, done = decode { coded }
      assert.are.equal(plain, body)
      assert.are.equal(#coded, taken)
      assert.is_true(done)
    end)

    it("decodes byte by byte " .. name, function()
      local body, taken, done = decode(bytes_of(coded))
      assert.are.equal(plain, body)
      assert.are.equal(#coded, taken)
      assert.is_true(done)
    end)

    it("decodes cut at every place " .. name, function()
      for n = 1, #coded - 1 do
        local body, _, done = decode { coded:sub(1, n) }
        assert.are.equal(plain:sub(1, #body), body)
        assert.is_false(done)
        body, _, done = decode { coded:sub(1, n), coded:sub(n + 1) }
        assert.are.equal(plain, body)
        assert.is_true(done)
      end
    end)

    it("leaves what follows " .. name, function()
      local body, taken, done = decode { coded .. "GET / HTTP/1.1\r\n" }
      assert.are.equal(plain, body)
      assert.are.equal(#coded, taken)
      assert.is_true(done)
    end)
  end

  for _, case in ipairs(REFUSED) do
    local wanted, name, coded = unpack(case)

    it("refuses " .. name, function()
      local body, error_name = decode { coded }
      assert.is_nil(body)
      assert.are.equal(wanted, error_name)
      body, error_name = decode(bytes_of(coded))
      assert.is_nil(body)
      assert.are.equal(wanted, error_name)
    end)
  end

  it("has a case and words of their own for every error", function()
    local named, words = {}, {}
    for _, case in ipairs(REFUSED) do
      named[case[1]] = true
    end
    for _, name in ipairs(ERRORS) do
      assert.is_true(named[name], name)
      local said = ffi.string(core.chunked_error_text(
        core["CHUNKED_E_" .. name]))
      assert.is_nil(words[said])
      words[said] = true
    end
    assert.are.equal("unknown error", ffi.string(core.chunked_error_text(0)))
  end)

  it("takes nothing of nothing, and nothing when it is done", function()
    local c, data = ffi.new("struct chunked"), ffi.new("struct str")
    core.chunked_init(c)
    assert.are.equal(0, tonumber(core.chunked_read(c, "", 0, data)))
    assert.are.equal(5, tonumber(core.chunked_read(c, "0\r\n\r\n", 5, data)))
    assert.is_true(c.done)
    assert.are.equal(0, tonumber(core.chunked_read(c, "0\r\n", 3, data)))
    assert.are.equal(0, tonumber(data.len))
  end)

  it("begins the greatest chunk", function()
    local body, taken, done = decode { "7fffffffffffffff\r\nx" }
    assert.are.equal("x", body)
    assert.are.equal(19, taken)
    assert.is_false(done)
  end)

  it("points into the bytes that it was given", function()
    local c, data = ffi.new("struct chunked"), ffi.new("struct str")
    local p, map = guarded("3\r\nabc")
    core.chunked_init(c)
    assert.are.equal(6, tonumber(core.chunked_read(c, p, 6, data)))
    assert.is_true(ffi.cast("const char *", p) + 3 == data.p, map and "place")
  end)
end)


describe("chunked_write_size", function()
  it("writes what chunked_read takes", function()
    local out = ffi.new("char[18]")
    for _, case in ipairs {
      { 1, "1\r\n" }, { 15, "f\r\n" }, { 16, "10\r\n" },
      { 65536, "10000\r\n" }, { 0xabcdef, "abcdef\r\n" },
      { 0xffffffffffffffffULL, "ffffffffffffffff\r\n" },
    } do
      local len = tonumber(core.chunked_write_size(out, case[1]))
      assert.are.equal(case[2], ffi.string(out, len))
    end
    for n = 1, 600, 7 do
      local len = tonumber(core.chunked_write_size(out, n))
      local coded = ffi.string(out, len) .. ("x"):rep(n) .. "\r\n0\r\n\r\n"
      assert.are.equal(("x"):rep(n), (decode { coded }))
    end
  end)
end)
