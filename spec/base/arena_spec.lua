-- The arena: alignment, growth, and what a reset keeps.
local ffi = require "ffi"
local core = require("support.ffi").load("base/arena.h")


-- What arena_alloc does, which is inline.
local function alloc(a, n)
  local need = bit.band(n + 15, bit.bnot(15))
  if a.p == nil or need > tonumber(a["end"] - a.p) then
    return core.arena_grow(a, n)
  end
  local p = a.p
  a.p = a.p + need
  return p
end


describe("arena", function()
  local a


  before_each(function()
    a = ffi.new("struct arena")
    core.arena_init(a, 1024)
  end)


  after_each(function()
    core.arena_fini(a)
  end)


  it("takes no memory before it is used", function()
    assert.is_true(a.block == nil)
    core.arena_reset(a)
    assert.is_true(a.block == nil)
  end)


  it("gives aligned pieces that do not overlap", function()
    local pieces = {}
    for i = 1, 2000 do
      local n = i * 7 % 301
      local p = ffi.cast("uint8_t *", alloc(a, n))
      assert.equal(0, tonumber(ffi.cast("uintptr_t", p) % 16))
      ffi.fill(p, n, i % 256)
      pieces[i] = { p = p, n = n }
    end
    for i, piece in ipairs(pieces) do
      if piece.n > 0 then
        assert.equal(i % 256, piece.p[0])
        assert.equal(i % 256, piece.p[piece.n - 1])
      end
    end
  end)


  it("uses the same memory after each reset", function()
    local first = ffi.cast("uintptr_t", alloc(a, 100))
    for _ = 1, 100 do
      alloc(a, 100)
    end
    core.arena_reset(a)
    assert.is_true(first == ffi.cast("uintptr_t", alloc(a, 100)))
    assert.equal(1024 - 112, tonumber(a["end"] - a.p))
  end)


  it("does not keep a large first piece after a reset", function()
    local p = ffi.cast("uint8_t *", alloc(a, 1e6))
    ffi.fill(p, 1e6, 1)
    core.arena_reset(a)
    assert.is_true(tonumber(a["end"] - a.p) <= 1024)
  end)


  it("can be used again after fini", function()
    alloc(a, 10)
    core.arena_fini(a)
    assert.is_true(a.block == nil)
    assert.is_true(alloc(a, 10) ~= nil)
  end)


  it("says NULL to what no machine has", function()
    assert.is_true(core.arena_grow(a, -1ULL) == nil)
    assert.is_true(core.arena_grow(a, 0x8000000000000000ULL) == nil)
    assert.is_true(core.arena_strndup(a, "x", -1ULL) == nil)
    assert.is_true(alloc(a, 10) ~= nil)
  end)


  it("copies bytes and text", function()
    local copy = core.arena_memdup(a, "a\0b", 3)
    assert.equal("a\0b", ffi.string(copy, 3))
    local text = core.arena_strndup(a, "hello", 4)
    assert.equal("hell", ffi.string(text))
    assert.equal("", ffi.string(core.arena_strndup(a, nil, 0)))
  end)
end)
