-- What clients tell of themselves.
local ffi = require "ffi"
local codec = require "support.mysql_codec"
local support = require "support.ffi"

local core, text = codec.core, support.text
local str, written = codec.str, codec.written

local BLOCK = "\4_pid\00242\12program_name\5mysql\4none\0\4_pid\00243"


-- The attributes of a block, as an array of pairs, and what is left of it.
local function all(block)
  local p, map = support.guarded(block)
  local rest = ffi.new("struct str", ffi.cast("const char *", p), #block)
  local attribute, out = ffi.new("struct mysql_attribute"), {}
  while core.mysql_next_attribute(attribute, rest) do
    out[#out + 1] = { text(attribute.name), text(attribute.value) }
  end
  assert(map)
  return out, tonumber(rest.len)
end


describe("mysql_next_attribute", function()
  it("takes one after the other", function()
    assert.are.same({ { "_pid", "42" }, { "program_name", "mysql" },
      { "none", "" }, { "_pid", "43" } }, (all(BLOCK)))
    assert.are.same({}, (all("")))
  end)

  it("ends where one is not whole, and never reads beyond", function()
    local whole = { [0] = 0, [8] = 1, [27] = 2, [33] = 3 }
    local last = 0
    for n = 0, #BLOCK - 1 do
      last = whole[n] or last
      local list, left = all(BLOCK:sub(1, n))
      assert.are.equal(last, #list)
      assert.are.equal(whole[n] ~= nil, left == 0)
      assert.are.equal(whole[n] ~= nil,
        core.mysql_attributes_are_whole(str(BLOCK:sub(1, n))))
    end
  end)
end)


describe("mysql_find_attribute", function()
  it("finds the first of a name, or none", function()
    local block = str(BLOCK)
    local function find(name)
      return text(core.mysql_find_attribute(block, str(name)))
    end
    assert.are.same({ "42", "mysql", "" },
      { find("_pid"), find("program_name"), find("none") })
    assert.is_nil(find("_PID"))
    assert.is_nil(find(""))
    assert.is_nil(text(core.mysql_find_attribute(str(nil), str("_pid"))))
  end)
end)


describe("mysql_write_attribute", function()
  it("appends what is read again", function()
    local long = ("v"):rep(300)
    local names = { "program_name", "", "long" }
    local values = { "moongate", "x", long }
    local block = written(function(buf)
      for i = 1, 3 do
        core.mysql_write_attribute(buf, str(names[i]), str(values[i]))
      end
    end)
    assert.are.same({ { names[1], values[1] }, { names[2], values[2] },
      { names[3], values[3] } }, (all(block)))
  end)
end)
