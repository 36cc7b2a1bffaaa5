-- The Range field against a length.
local ffi = require "ffi"
local support = require "support.ffi"

local core = support.load("codec/range.h")

local IGNORED = 0
local UNSATISFIABLE = -1


-- The ranges as "first-last first-last", or the number of another answer.
local function read(value, length)
  local p, map = support.guarded(value)
  local out = ffi.new("struct range[?]", tonumber(core.RANGE_MAX))
  local got = core.range_read(out,
    ffi.new("struct str", ffi.cast("char *", p), #value), length)
  if got <= 0 then
    return got, map
  end
  local list = {}
  for i = 0, got - 1 do
    local range = tostring(out[i].first) .. "-" .. tostring(out[i].last)
    list[#list + 1] = range:gsub("LL", "")
  end
  return table.concat(list, " ")
end


describe("range_read", function()
  local CASES = {
    { "bytes=0-9", 100, "0-9" },
    { "Bytes=0-9", 100, "0-9" },
    { "bytes=0-0", 1, "0-0" },
    { "bytes=0-", 100, "0-99" },
    { "bytes=99-", 100, "99-99" },
    { "bytes=-1", 100, "99-99" },
    { "bytes=-1000", 100, "0-99" },
    { "bytes=90-1000", 100, "90-99" },
    { "bytes=0-18446744073709551616", 100, "0-99" },
    { "bytes=-99999999999999999999999", 100, "0-99" },
    { "bytes=0-9,20-29", 100, "0-9 20-29" },
    { "bytes=20-29, 0-9", 100, "20-29 0-9" },
    { "bytes= 0-9 ,\t-5,", 100, "0-9 95-99" },
    { "bytes=0-9,0-9", 100, "0-9 0-9" },
    { "bytes=0-9,200-", 100, "0-9" },
    { "bytes=0-9,-0", 100, "0-9" },
    { "bytes=9223372036854775806-", 9223372036854775807LL,
      "9223372036854775806-9223372036854775806" },
    { "bytes=100-", 100, UNSATISFIABLE },
    { "bytes=100-200", 100, UNSATISFIABLE },
    { "bytes=-0", 100, UNSATISFIABLE },
    { "bytes=99999999999999999999-", 100, UNSATISFIABLE },
    { "bytes=100-,-0", 100, UNSATISFIABLE },
    { "", 100, IGNORED },
    { "bytes", 100, IGNORED },
    { "bytes=", 100, IGNORED },
    { "bytes=,", 100, IGNORED },
    { "bytes=-", 100, IGNORED },
    { "bytes=a-b", 100, IGNORED },
    { "bytes=9-0", 100, IGNORED },
    { "bytes=200-150", 100, IGNORED },
    { "bytes=0-9,9-0", 100, IGNORED },
    { "bytes=0 - 9", 100, IGNORED },
    { "bytes=+0-9", 100, IGNORED },
    { "bytes=0-9-10", 100, IGNORED },
    { "bytes=--1", 100, IGNORED },
    { "bytes =0-9", 100, IGNORED },
    { "lines=0-9", 100, IGNORED },
    { "bytes=0-,0-", 100, IGNORED },
    { "bytes=0-99,0-0", 100, IGNORED },
    { "bytes=0-0", 0, IGNORED },
    { "bytes=-5", 0, IGNORED },
  }

  for _, case in ipairs(CASES) do
    it(("reads \"%s\" of %s"):format(case[1], tostring(case[2])), function()
      assert.are.equal(case[3], (read(case[1], case[2])))
    end)
  end

  it("takes as many ranges as there may be, and no more", function()
    local max = tonumber(core.RANGE_MAX)
    local list = {}
    for i = 1, max do
      list[i] = ("%d-%d"):format(i, i)
    end
    assert.are.equal(table.concat(list, " "),
      (read("bytes=" .. table.concat(list, ","), 100)))
    list[max + 1] = "90-90"
    assert.are.equal(IGNORED,
      (read("bytes=" .. table.concat(list, ","), 100)))
    list[max + 1] = "200-"
    assert.are.equal(IGNORED,
      (read("bytes=" .. table.concat(list, ","), 100)))
  end)
end)
