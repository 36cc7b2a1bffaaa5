--- Bytes as hexadecimal digits.
local ffi = require "ffi"
local support = require "support.ffi"

local core = support.load("base/hex.h")


-- The digits of a text, and the byte behind them, which was a "?".
local function write(text)
  local size = 2 * #text + 1
  local out = ffi.new("char[?]", size)
  ffi.fill(out, size, ("?"):byte())
  local bytes, map = support.guarded(text)
  core.hex_write(out, bytes, #text)
  return ffi.string(out, size), map
end


describe("hexadecimal digits", function()
  it("are two for each byte, and nothing behind them", function()
    local bytes, wanted = {}, {}
    for n = 0, 255 do
      bytes[#bytes + 1] = string.char(n)
      wanted[#wanted + 1] = ("%02x"):format(n)
    end
    assert.are.equal(table.concat(wanted) .. "?",
      (write(table.concat(bytes))))
  end)

  it("are none for no bytes", function()
    assert.are.equal("?", (write("")))
  end)
end)
