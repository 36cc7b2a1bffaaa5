--- I/O buffers and the list they are lent from.
local ffi = require "ffi"
local support = require "support.ffi"

local core = support.load("net/buffer.h")


describe("the pool of buffers", function()
  local pool

  before_each(function()
    pool = ffi.new("struct buffer_pool")
    core.buffer_pool_init(pool)
  end)

  after_each(function()
    core.buffer_pool_fini(pool)
  end)

  it("lends again what it was given back, empty", function()
    local buffer = core.buffer_take(pool)
    buffer.start, buffer["end"] = 3, 10
    core.buffer_give(pool, buffer)
    assert.are.equal(1, pool.free_count)
    local again = core.buffer_take(pool)
    assert.are.equal(buffer, again)
    assert.are.same({ 0, 0, 0 },
      { again.start, again["end"], pool.free_count })
    assert.is_true(again.next == nil)
    core.buffer_give(pool, again)
  end)

  it("keeps no more than it may", function()
    local taken = {}
    for i = 1, core.BUFFER_KEEP_MAX + 10 do
      taken[i] = core.buffer_take(pool)
    end
    for _, buffer in ipairs(taken) do
      core.buffer_give(pool, buffer)
    end
    assert.are.equal(core.BUFFER_KEEP_MAX, pool.free_count)
  end)

  it("is given nothing without harm", function()
    core.buffer_give(pool, nil)
    assert.are.equal(0, pool.free_count)
  end)

  it("moves the bytes of a buffer to its front", function()
    local buffer = core.buffer_take(pool)
    ffi.copy(buffer.data, "..hello", 7)
    buffer.start, buffer["end"] = 2, 7
    core.buffer_compact(buffer)
    assert.are.same({ 0, 5, "hello" },
      { buffer.start, buffer["end"], ffi.string(buffer.data, 5) })
    core.buffer_give(pool, buffer)
  end)
end)
