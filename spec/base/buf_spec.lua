-- The writer: fixed, growing, and failing once and for all.
local ffi = require "ffi"
local core = require("support.ffi").load("base/buf.h")


local function written(b)
  return ffi.string(b.p, b.len)
end


-- What buf_add does, which is inline.
local function add(b, text)
  local full = b.failed or #text > tonumber(b.cap - b.len)
  if full and core.buf_grow(b, #text) == nil then
    return
  end
  ffi.copy(b.p + b.len, text, #text)
  b.len = b.len + #text
end


describe("buf", function()
  local b


  before_each(function()
    b = ffi.new("struct buf")
  end)


  describe("of fixed size", function()
    local memory


    before_each(function()
      memory = ffi.new("char[16]", ("#"):rep(16))
      core.buf_init(b, memory, 8)
    end)


    it("writes numbers and formatted text", function()
      core.buf_uint(b, 0)
      core.buf_uint(b, 42)
      core.buf_printf(b, "<%s>", "ok")
      assert.equal("042<ok>", written(b))
      assert.is_false(b.failed)
    end)


    it("can be filled to its last byte", function()
      core.buf_uint(b, 12345678)
      assert.equal("12345678", written(b))
      assert.is_false(b.failed)
    end)


    it("writes all of a piece or nothing, and nothing after a failure",
      function()
        core.buf_uint(b, 123456)
        core.buf_uint(b, 789)
        assert.is_true(b.failed)
        core.buf_uint(b, 1)
        core.buf_printf(b, "%d", ffi.new("int", 1))
        assert.equal("123456", written(b))
        assert.equal("######", ffi.string(memory + 10, 6))
      end)


    it("needs room for the NUL that printf writes", function()
      core.buf_printf(b, "%s", "1234567")
      assert.is_false(b.failed)
      core.buf_reset(b)
      core.buf_printf(b, "%s", "12345678")
      assert.is_true(b.failed)
      assert.equal(0, tonumber(b.len))
      assert.equal("########", ffi.string(memory + 8, 8))
    end)


    it("can be used again after a reset", function()
      core.buf_uint(b, 123456789)
      assert.is_true(b.failed)
      core.buf_reset(b)
      core.buf_uint(b, 7)
      assert.equal("7", written(b))
      assert.is_false(b.failed)
    end)


    it("fails for any byte when its size is 0", function()
      core.buf_init(b, nil, 0)
      core.buf_uint(b, 1)
      assert.is_true(b.failed)
    end)
  end)


  describe("that grows", function()
    after_each(function()
      core.buf_fini(b)
    end)


    it("holds what is written in small pieces", function()
      core.buf_init_growing(b, 1e6)
      local expected = {}
      for i = 1, 3000 do
        core.buf_printf(b, "%s ", tostring(i))
        expected[i] = i .. " "
      end
      assert.is_false(b.failed)
      assert.equal(table.concat(expected), written(b))
    end)


    it("takes one piece much larger than it is", function()
      core.buf_init_growing(b, 1e6)
      local text = ("x"):rep(70000)
      core.buf_printf(b, "%s", text)
      assert.equal(text, written(b))
    end)


    it("grows to its limit and no further", function()
      core.buf_init_growing(b, 1000)
      add(b, ("x"):rep(600))
      add(b, ("y"):rep(400))
      assert.is_false(b.failed)
      assert.equal(1000, tonumber(b.len))
      assert.equal(1000, tonumber(b.cap))
      core.buf_uint(b, 1)
      assert.is_true(b.failed)
      assert.equal(1000, tonumber(b.len))
    end)


    it("begins in the caller's memory, and leaves it when that is full",
      function()
        local memory = ffi.new("char[16]")
        core.buf_init_growing_in(b, memory, 16, 1000)
        add(b, "0123456789")
        assert.is_true(b.p == memory)
        add(b, "abcdefghij")
        assert.is_false(b.p == memory)
        assert.equal("0123456789abcdefghij", written(b))
        add(b, ("x"):rep(981))
        assert.is_true(b.failed)
      end)


    it("leaves the caller its memory", function()
      local memory = ffi.new("char[16]")
      core.buf_init_growing_in(b, memory, 16, 1000)
      core.buf_uint(b, 7)
      core.buf_fini(b)
      assert.is_true(b.p == nil)
    end)


    it("starts again after it gave its memory back", function()
      core.buf_init_growing(b, 1000)
      core.buf_uint(b, 1)
      core.buf_fini(b)
      assert.is_true(b.p == nil)
      core.buf_uint(b, 2)
      assert.equal("2", written(b))
    end)
  end)


  it("writes the largest number", function()
    local memory = ffi.new("char[20]")
    core.buf_init(b, memory, 20)
    core.buf_uint(b, -1ULL)
    assert.equal("18446744073709551615", written(b))
  end)
end)
