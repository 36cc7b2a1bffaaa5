--- The first line of a response: whole, cut at every place, before a guard
-- page.
local ffi = require "ffi"
local support = require "support.ffi"

local core = support.load("codec/status_line.h")

local VERSION, STATUS, REASON = -1, -2, -3


local function read(text)
  local p, map = support.guarded(text)
  local status = ffi.new("int[1]", 42)
  local taken = tonumber(core.status_line_read(status, p, #text))
  return taken, status[0], map
end


describe("status_line_read", function()
  for text, status in pairs {
    ["HTTP/1.1 200 OK\r\n"] = 200,
    ["HTTP/1.0 404 Not Found\n"] = 404,
    ["HTTP/1.1 503 \r\n"] = 503,
    ["HTTP/1.1 503\r\n"] = 503,
    ["HTTP/1.1 204\n"] = 204,
    ["HTTP/1.1 299 \xc3\xa4\tb\r\n"] = 299,
    ["HTTP/1.1 100 Continue\r\n"] = 100,
    ["HTTP/1.1 599 x\r\n"] = 599,
  } do
    it(("takes %q"):format(text), function()
      local taken, got = read(text .. "Server: x\r\n\r\n")
      assert.are.equal(#text, taken)
      assert.are.equal(status, got)
      for n = 0, #text - 1 do
        assert.are.equal(0, (read(text:sub(1, n))))
      end
    end)
  end

  for text, error in pairs {
    ["HTTPS"] = VERSION,
    ["h"] = VERSION,
    ["HTTP/2"] = VERSION,
    ["HTTP/1.2"] = VERSION,
    ["HTTP/1.1\t"] = VERSION,
    ["HTTP/1.1\r\n"] = VERSION,
    ["HTTP/1.1 2x"] = STATUS,
    ["HTTP/1.1  "] = STATUS,
    ["HTTP/1.1 099"] = STATUS,
    ["HTTP/1.1 600"] = STATUS,
    ["HTTP/1.1 2000"] = REASON,
    ["HTTP/1.1 200 a\0"] = REASON,
    ["HTTP/1.1 200 a\rb"] = REASON,
    ["HTTP/1.1 200 \127"] = REASON,
  } do
    it(("refuses %q as soon as it is seen"):format(text), function()
      local taken, status = read(text)
      assert.are.equal(error, taken)
      assert.are.equal(42, status)
      assert.are.equal(0, (read(text:sub(1, #text - 1):gsub("\r$", ""))))
      assert.is_true(#ffi.string(core.status_line_error_text(error)) > 0)
    end)
  end

  it("refuses a line without an end", function()
    local text = "HTTP/1.1 200 " .. ("x"):rep(2000)
    assert.are.equal(0, (read(text:sub(1, 1023))))
    assert.are.equal(REASON, (read(text:sub(1, 1024))))
    assert.are.equal(REASON, (read(text)))
  end)
end)
