--- Counts in a span of time.
local ffi = require "ffi"
local core = require("support.ffi").load("base/window.h")

local PARTS = 20


describe("a window", function()
  local window

  local function init(span)
    window = ffi.new("struct window")
    core.window_init(window, span)
  end

  local function sum(now)
    return tonumber(core.window_sum(window, now))
  end

  it("counts what is younger than its span, a part of it more or less",
    function()
      for _, span in ipairs { 10, 15, 999, 10000, 86400000 } do
        init(span)
        local start = 123456789
        core.window_add(window, start, 3)
        assert.are.equal(3, sum(start))
        assert.are.equal(3, sum(start + math.floor(span * (1 - 1 / PARTS)) - 1))
        core.window_add(window, start + math.ceil(span / 2), 4)
        assert.are.equal(7, sum(start + math.ceil(span / 2)))
        assert.are.equal(4, sum(start + span))
        assert.are.equal(0, sum(start + math.ceil(span / 2) + span))
        assert.are.equal(0, sum(start + 100 * span))
      end
    end)

  it("is as a list of all that was added", function()
    init(1000)
    local now, list = 5000, {}
    for _ = 1, 2000 do
      now = now + math.random(0, 120)
      local n = math.random(0, 3)
      core.window_add(window, now, n)
      list[#list + 1] = { at = now, n = n }
      local wanted = 0
      local oldest = math.floor(now * PARTS / 1000) - PARTS + 1
      for _, entry in ipairs(list) do
        if math.floor(entry.at * PARTS / 1000) >= oldest then
          wanted = wanted + entry.n
        end
      end
      assert.are.equal(wanted, sum(now))
    end
  end)

  it("is empty again when it is cleared", function()
    init(1000)
    core.window_add(window, 5000, 3)
    core.window_clear(window)
    assert.are.equal(0, sum(5000))
  end)
end)
