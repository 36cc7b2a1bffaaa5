-- Lists of entity tags.
local ffi = require "ffi"
local support = require "support.ffi"

local core = support.load("codec/etag.h")


local function matches(list, etag, compare)
  local p, map = support.guarded(list)
  return core.etag_match(ffi.new("struct str", ffi.cast("char *", p), #list),
    ffi.new("struct str", etag, #etag), compare), map
end


describe("etag_match", function()
  -- list, tag, weak comparison, strong comparison
  local CASES = {
    { '"a"', '"a"', true, true },
    { '"a"', '"b"', false, false },
    { '"a"', '"A"', false, false },
    { 'W/"a"', '"a"', true, false },
    { '"a"', 'W/"a"', true, false },
    { 'W/"a"', 'W/"a"', true, false },
    { 'w/"a"', '"a"', false, false },
    { '*', '"a"', true, true },
    { ' * ', '"a"', true, true },
    { '"*"', '"a"', false, false },
    { '"b", "a"', '"a"', true, true },
    { '"b","c" , W/"a"', '"a"', true, false },
    { ', ,"a",', '"a"', true, true },
    { '"b,a"', '"a"', false, false },
    { '"b,\\"', '"b,\\"', true, true },
    { '""', '""', true, true },
    { '', '"a"', false, false },
    { 'a', '"a"', false, false },
    { '"a', '"a"', false, false },
    { 'W/', '"a"', false, false },
    { '"', '"', false, false },
    { '"b" "a"', '"a"', false, false },
    { '"b", x, "a"', '"a"', false, false },
    { '"a", *', '"b"', false, false },
  }

  for _, case in ipairs(CASES) do
    local list, etag, weak, strong = unpack(case)

    it("compares " .. etag .. " with " .. list, function()
      assert.are.equal(weak, (matches(list, etag, core.ETAG_WEAK)))
      assert.are.equal(strong, (matches(list, etag, core.ETAG_STRONG)))
    end)
  end
end)
