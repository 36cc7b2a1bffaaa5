--- Base64 of RFC 4648, against a guard page.
local ffi = require "ffi"
local support = require "support.ffi"

local core = support.load("codec/base64.h")


-- The memory behind the texts is out of bounds.
local function encode(bytes, url)
  local p = support.guarded(bytes)
  local room = math.ceil(#bytes / 3) * 4
  local out = ffi.new("char[?]", room + 1)
  local n = tonumber(core.base64_encode(out, p, #bytes, url))
  assert.is_true(n <= room and out[room] == 0)
  return ffi.string(out, n)
end


local function decode(text, url)
  local p = support.guarded(text)
  local room = math.ceil(#text / 4) * 3
  local out = ffi.new("uint8_t[?]", room + 1)
  local n = tonumber(core.base64_decode(out, ffi.cast("char *", p), #text,
    url))
  assert.is_true(n <= room and out[room] == 0)
  if n < 0 then
    return nil
  end
  return ffi.string(out, n)
end


describe("base64", function()
  it("writes and reads every byte at every place", function()
    for length = 0, 7 do
      for byte = 0, 255, 3 do
        local bytes = ("\1\254x\127"):rep(2):sub(1, length)
          .. string.char(byte)
        for _, url in ipairs { false, true } do
          local text = encode(bytes, url)
          assert.are.equal(bytes, decode(text, url))
          assert.is_truthy(text:find(url and "^[%w_-]+$" or "^[%w+/]+=*$"))
        end
      end
    end
  end)

  it("takes no text but the one that it writes", function()
    for a in ("AZ9/_=-\0"):gmatch(".") do
      for b = 0, 255 do
        local text = a .. string.char(b)
        local bytes = decode(text, true)
        if bytes then
          assert.are.equal(text, encode(bytes, true))
        end
        assert.is_nil(decode(text, false))
        bytes = decode(text .. "==", false)
        if bytes then
          assert.are.equal(text .. "==", encode(bytes, false))
        end
      end
    end
  end)
end)
