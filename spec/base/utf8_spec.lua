--- UTF-8 of RFC 3629: what is written is read; nothing else is.
local ffi = require "ffi"
local support = require "support.ffi"

local core = support.load("base/utf8.h")


local function length(text)
  return tonumber(core.utf8_len(support.guarded(text), #text))
end


local function write(point)
  local out = ffi.new("char[4]")
  return ffi.string(out, core.utf8_write(out, point))
end


describe("UTF-8", function()
  for point, text in pairs {
    [0] = "\0", [0x41] = "A", [0x7f] = "\127", [0x80] = "\194\128",
    [0x7ff] = "\223\191", [0x800] = "\224\160\128", [0xd7ff] = "\237\159\191",
    [0xe000] = "\238\128\128", [0xffff] = "\239\191\191",
    [0x10000] = "\240\144\128\128", [0x10ffff] = "\244\143\191\191",
  } do
    it(("writes and reads U+%04X"):format(point), function()
      assert.are.equal(text, write(point))
      if point >= 0x80 then
        assert.are.equal(#text, length(text))
        for i = 1, #text - 1 do
          assert.are.equal(0, length(text:sub(1, i)))
        end
      end
    end)
  end

  for name, text in pairs {
    ["a byte that continues"] = "\128", ["an overlong NUL"] = "\192\128",
    ["an overlong form of three"] = "\224\159\191",
    ["an overlong form of four"] = "\240\143\191\191",
    ["a surrogate"] = "\237\160\128", ["what is above"] = "\244\144\128\128",
    ["five bytes"] = "\248\136\128\128\128", ["0xff"] = "\255",
    ["a wrong end"] = "\224\160A",
  } do
    it("refuses " .. name, function()
      assert.are.equal(0, length(text))
    end)
  end
end)
