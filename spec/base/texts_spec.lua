--- Texts with their lengths before them, whole, cut, and made up.
local ffi = require "ffi"
local core = require("support.ffi").load("base/texts.h")

local LIMIT = 65536


local function str(text)
  return ffi.new("struct str", text, #text)
end


local function number(n)
  return string.char(n % 256, math.floor(n / 256) % 256,
    math.floor(n / 65536) % 256, math.floor(n / 16777216))
end


-- What WRITE adds to a buffer.
local function written(write)
  local out = ffi.new("struct buf")
  core.buf_init_growing(out, LIMIT)
  write(out)
  local text = not out.failed and ffi.string(out.p, out.len)
  core.buf_fini(out)
  return text
end


-- All texts of BYTES; nil where they are not whole.
local function read_all(bytes)
  local rest, text = str(bytes), ffi.new("struct str")
  local found = {}
  while rest.len > 0 do
    if core.texts_take(text, rest) < 0 then
      return nil
    end
    found[#found + 1] = ffi.string(text.p, text.len)
  end
  return found
end


describe("texts", function()
  local SAMPLES = { "", "a", "b\0c", ("x"):rep(300) }

  local function samples()
    return written(function(out)
      for _, text in ipairs(SAMPLES) do
        core.texts_put(out, str(text))
      end
    end)
  end

  it("are read as they were written", function()
    local bytes = samples()
    assert.are.equal(number(0) .. number(1) .. "a", bytes:sub(1, 9))
    assert.are.same(SAMPLES, read_all(bytes))
  end)

  it("may be written part by part, and hold others", function()
    local bytes = written(function(out)
      local at = core.texts_begin(out)
      core.texts_put_number(out, 0xdeadbeef)
      core.texts_put(out, str("inner"))
      core.texts_end(out, at)
    end)
    local inner = read_all(bytes)[1]
    assert.are.equal(number(0xdeadbeef) .. number(5) .. "inner", inner)
    local rest, n = str(inner), ffi.new("uint32_t[1]")
    assert.are.equal(0, core.texts_take_number(n, rest))
    assert.are.equal(0xdeadbeef, n[0])
    assert.are.equal(9, tonumber(rest.len))
  end)

  it("are not whole when they are cut", function()
    local bytes = samples()
    local borders = { [0] = true, [4] = true, [9] = true, [16] = true,
      [#bytes] = true }
    for len = 0, #bytes do
      assert.are.equal(borders[len] or false, read_all(bytes:sub(1, len))
        ~= nil, len)
    end
  end)

  it("have no lengths that are made up", function()
    for _, bytes in ipairs {
      "\255\255\255\255", "\255\255\255\255aaaa", number(5) .. "abcd",
      number(0x80000000) .. "abcd", number(2) .. "ab" .. "\1", "abc",
    } do
      assert.is_nil(read_all(bytes))
    end
  end)

  it("leave what they are taken from where it was, if they are none", function()
    local rest, text = str(number(9) .. "abc"), ffi.new("struct str")
    assert.are.equal(-1, core.texts_take(text, rest))
    assert.are.equal(7, tonumber(rest.len))
    assert.is_true(text.p == nil)
  end)

  it("fail with the buffer that they are written to", function()
    assert.is_false(written(function(out)
      local at = core.texts_begin(out)
      core.texts_put(out, str(("x"):rep(LIMIT)))
      core.texts_end(out, at)
    end))
  end)
end)
