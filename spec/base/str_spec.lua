-- Text with a length.
local ffi = require "ffi"
local core = require("support.ffi").load("base/str.h")


-- The bytes live as long as the second result.
local function str(text)
  local bytes = ffi.new("char[?]", #text + 1, text)
  return ffi.new("struct str", { bytes, #text }), bytes
end


local function text_of(s)
  return ffi.string(s.p, s.len)
end


describe("str", function()
  it("compares without regard to the case of A to Z alone", function()
    for _, case in ipairs {
      { "", "", true }, { "Host", "hOST", true }, { "host", "hosts", false },
      { "a[", "a{", false }, { "@", "`", false }, { "\195\132", "\195\164",
        false }, { "a\0b", "A\0B", true }, { "a\0b", "a\0c", false },
    } do
      local a, a_bytes = str(case[1])
      local b, b_bytes = str(case[2])
      assert.equal(case[3], core.str_equal_nocase(a, b),
        case[1] .. " and " .. case[2])
      assert.is_not_nil(a_bytes and b_bytes)
    end
  end)


  it("finds a byte at or after a place", function()
    local s, bytes = str "a/b/c"
    assert.equal(1, tonumber(core.str_find_char(s, ("/"):byte(), 0)))
    assert.equal(1, tonumber(core.str_find_char(s, ("/"):byte(), 1)))
    assert.equal(3, tonumber(core.str_find_char(s, ("/"):byte(), 2)))
    assert.equal(-1, tonumber(core.str_find_char(s, ("/"):byte(), 4)))
    assert.equal(-1, tonumber(core.str_find_char(s, ("c"):byte(), 5)))
    assert.equal(-1, tonumber(core.str_find_char(s, ("c"):byte(), 99)))
    assert.is_not_nil(bytes)
  end)


  it("cuts parts, never beyond the ends", function()
    for _, case in ipairs {
      { 0, 5, "hello" }, { 1, 3, "el" }, { 3, 99, "lo" }, { 5, 5, "" },
      { 9, 12, "" }, { 3, 1, "" },
    } do
      local s, bytes = str "hello"
      assert.equal(case[3], text_of(core.str_slice(s, case[1], case[2])))
      assert.is_not_nil(bytes)
    end
  end)


  it("trims spaces and tabs at both ends", function()
    for text, trimmed in pairs {
      [""] = "", ["  \t "] = "", [" a b\t"] = "a b", ["a"] = "a",
      ["\na\n"] = "\na\n",
    } do
      local s, bytes = str(text)
      assert.equal(trimmed, text_of(core.str_trim(s)))
      assert.is_not_nil(bytes)
    end
  end)


  describe("read as a number", function()
    local out = ffi.new("uint64_t[1]")


    it("takes digits up to the maximum", function()
      for _, case in ipairs {
        { "0", 10, 0 }, { "10", 10, 10 }, { "0010", 10, 10 },
        { "65535", 65535, 65535 }, { "7", 7, 7 },
        { "18446744073709551615", -1ULL, -1ULL },
      } do
        local s, bytes = str(case[1])
        assert.equal(0, core.str_to_uint(out, s, case[2]))
        assert.is_true(out[0] == case[3])
        assert.is_not_nil(bytes)
      end
    end)


    it("refuses everything else and leaves the result alone", function()
      for _, case in ipairs {
        { "", 10 }, { "11", 10 }, { "100", 99 }, { "8", 7 }, { "1", 0 },
        { "-1", 10 }, { "+1", 10 }, { " 1", 10 }, { "1 ", 10 },
        { "0x1", 100 }, { "1\0", 100 }, { "18446744073709551616", -1ULL },
        { "99999999999999999999", -1ULL },
      } do
        local s, bytes = str(case[1])
        out[0] = 42
        assert.equal(-1, core.str_to_uint(out, s, case[2]), case[1])
        assert.equal(42, tonumber(out[0]))
        assert.is_not_nil(bytes)
      end
    end)
  end)
end)
