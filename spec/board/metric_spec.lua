--- Metrics on the board: families and their series.
local ffi = require "ffi"
local support = require "support.ffi"

local core = support.load("board/metric.h")

local SERIES = 64
local COUNTER = 0


local function str(text)
  return ffi.new("struct str", text, #text)
end


describe("a family of metrics", function()
  local memory, t

  before_each(function()
    local size = tonumber(core.metric_size(SERIES, 2))
    memory = ffi.new("double[?]", size / 8 + 8)
    local at = ffi.cast("uintptr_t", memory)
    t = ffi.cast("struct metric_table *",
      (at + 63) - ffi.cast("uintptr_t", (at + 63) % 64))
    assert.are.equal(0, core.metric_init(t, SERIES, 2))
  end)

  local function open(name, max)
    local conf, label = ffi.new("struct metric_conf"), "user"
    conf.kind, conf.name, conf.help = COUNTER, str(name), str("Help.")
    conf.label_count, conf.labels[0] = 1, str(label)
    conf.series_max = max
    return core.metric_open(t, conf)
  end

  local function series(family, user)
    local values = ffi.new("struct metric_values")
    values.at[0] = str(user)
    return core.metric_series(t, family, values)
  end

  it("has as many series as it may, and leaves the others room", function()
    local few, many = open("few", 3), open("many", 0)
    local cells = {}
    for i = 1, 3 do
      cells[i] = series(few, "u" .. i)
      assert.is_true(cells[i] >= 0)
    end
    assert.are.equal(-1, series(few, "u4"))
    for i = 1, 3 do
      assert.are.equal(cells[i], series(few, "u" .. i))
    end
    for i = 1, SERIES - 3 do
      assert.is_true(series(many, "u" .. i) >= 0)
    end
    assert.are.equal(-1, series(many, "one more"))
  end)
end)
