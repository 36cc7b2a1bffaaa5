--- Slabs: objects of one size, in blocks that go back to the system.
local ffi = require "ffi"
local core = require("support.ffi").load("base/slab.h")

local SIZE = 600
local ALIGN = 16


local function address(p)
  return tonumber(ffi.cast("uintptr_t", p))
end


-- How many blocks of a slab are mapped, by their objects.
local function blocks_of(objects)
  local blocks, n = {}, 0
  for _, p in ipairs(objects) do
    local block = math.floor(address(p) / core.SLAB_BLOCK)
    if not blocks[block] then
      blocks[block], n = true, n + 1
    end
  end
  return n
end


describe("a slab", function()
  local slab, objects

  local function take(n)
    for _ = 1, n do
      objects[#objects + 1] = core.slab_take(slab, SIZE)
    end
  end

  before_each(function()
    slab, objects = ffi.new("struct slab"), {}
  end)

  after_each(function()
    for _, p in ipairs(objects) do
      core.slab_give(slab, p)
    end
    core.slab_fini(slab)
  end)

  it("may end without a use", function()
    assert.are.equal(0, tonumber(slab.size))
  end)

  it("gives aligned objects that do not overlap", function()
    take(1000)
    for i, p in ipairs(objects) do
      assert.are.equal(0, address(p) % ALIGN)
      ffi.fill(p, SIZE, i % 256)
    end
    for i, p in ipairs(objects) do
      local bytes = ffi.cast("uint8_t *", p)
      assert.are.equal(i % 256, bytes[0])
      assert.are.equal(i % 256, bytes[SIZE - 1])
    end
  end)

  it("takes nothing amiss at giving nothing back", function()
    core.slab_give(slab, nil)
  end)

  -- A sanitized build has no blocks.
  if (os.getenv("MOONGATE_BUILD") or ""):find("asan", 1, true) then
    return
  end

  it("fills its blocks", function()
    local room = math.floor((core.SLAB_BLOCK - 64) / 608)
    take(10 * room)
    assert.are.equal(10, blocks_of(objects))
  end)

  it("knows what is taken, and for how many more there is memory", function()
    local room = math.floor((core.SLAB_BLOCK - 64) / 608)
    assert.are.equal(0, core.slab_spare(slab))
    take(room + 3)
    assert.are.equal(room + 3, slab.used)
    assert.are.equal(room - 3, core.slab_spare(slab))
    for _ = 1, room do
      core.slab_give(slab, table.remove(objects))
    end
    assert.are.equal(3, slab.used)
    assert.are.equal(2 * room - 3, core.slab_spare(slab))
  end)

  it("uses again what was given back", function()
    take(3)
    local again = table.remove(objects, 2)
    core.slab_give(slab, again)
    take(1)
    assert.are.equal(address(again), address(objects[3]))
  end)

  it("gives empty blocks back, but for one", function()
    take(1000)
    for _, p in ipairs(objects) do
      core.slab_give(slab, p)
    end
    objects = {}
    assert.are.equal(1, slab.empty)
    take(100)
    assert.are.equal(1, blocks_of(objects))
    assert.are.equal(0, slab.empty)
  end)

  it("is right after any order of taking and giving", function()
    math.randomseed(7)
    local marks = {}
    for round = 1, 20000 do
      if #objects > 0 and math.random() < 0.5 then
        local i = math.random(#objects)
        local p = table.remove(objects, i)
        assert.are.equal(marks[address(p)], ffi.cast("int *", p)[100])
        core.slab_give(slab, p)
      else
        take(1)
        local p = objects[#objects]
        ffi.cast("int *", p)[100] = round
        marks[address(p)] = round
      end
    end
  end)
end)
