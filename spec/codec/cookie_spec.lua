-- The pairs of a Cookie field.
local ffi = require "ffi"
local support = require "support.ffi"

local core = support.load("codec/cookie.h")
local text = support.text


local function str(s)
  return ffi.new("struct str", s, #s)
end


describe("cookie_next", function()
  local CASES = {
    { "", {} },
    { ";; ;", {} },
    { "a=b", { { "a", "b" } } },
    { "a=b; c=d", { { "a", "b" }, { "c", "d" } } },
    { "a=b;c=d ; e = f", { { "a", "b" }, { "c", "d" }, { "e", "f" } } },
    { "a=\"b c\"; d==e", { { "a", "\"b c\"" }, { "d", "=e" } } },
    { "a; =b; c=", { { "", "a" }, { "", "b" }, { "c", "" } } },
  }

  for _, case in ipairs(CASES) do
    it("reads \"" .. case[1] .. "\"", function()
      local p, map = support.guarded(case[1])
      local rest = ffi.new("struct str", ffi.cast("char *", p), #case[1])
      local name, value = ffi.new("struct str"), ffi.new("struct str")
      local list = {}
      while core.cookie_next(rest, name, value) do
        list[#list + 1] = { text(name), text(value) }
      end
      assert.are.same(case[2], list, map and "pairs")
    end)
  end
end)


describe("cookie_find", function()
  it("finds the first of a name, in its own case", function()
    local value = ffi.new("struct str")
    local field = str("id=1; ID=2; id=3; sid=4")
    assert.is_true(core.cookie_find(value, field, str("id")))
    assert.are.equal("1", text(value))
    assert.is_true(core.cookie_find(value, field, str("ID")))
    assert.are.equal("2", text(value))
    assert.is_false(core.cookie_find(value, field, str("i")))
  end)
end)
