-- Dates of HTTP, read and written.
local ffi = require "ffi"
local support = require "support.ffi"

local core = support.load("codec/httpdate.h")

local DAY = 86400


local function read(date)
  local p, map = support.guarded(date)
  local out = ffi.new("int64_t[1]", -42)
  local got = core.httpdate_read(out,
    ffi.new("struct str", ffi.cast("char *", p), #date))
  if got == 0 then
    return tonumber(out[0]), map
  end
  assert(out[0] == -42, "set on failure")
end


local function write(t)
  local out = ffi.new("char[29]")
  core.httpdate_write(out, t)
  return ffi.string(out, 29)
end


describe("httpdate_read", function()
  local CASES = {
    { "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 },
    { "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 },
    { "Sun Nov  6 08:49:37 1994", 784111777 },
    { "Wed Nov 16 08:49:37 1994", 784975777 },
    { "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
    { "Wed, 31 Dec 1969 23:59:59 GMT", -1 },
    { "Tue, 29 Feb 2000 00:00:00 GMT", 951782400 },
    { "Thu, 29 Feb 2024 12:00:00 GMT", 1709208000 },
    { "Tue, 19 Jan 2038 03:14:08 GMT", 2147483648 },
    { "Fri, 31 Dec 9999 23:59:59 GMT", 253402300799 },
    { "Sat, 01 Jan 0000 00:00:00 GMT", -62167219200 },
    { "Sat, 31 Dec 2016 23:59:60 GMT", 1483228800 },
    { "Thursday, 01-Jan-70 00:00:00 GMT", 0 },
    { "Monday, 31-Dec-69 00:00:00 GMT", 3155673600 },
    -- The day of the week is not compared with the date.
    { "Mon, 06 Nov 1994 08:49:37 GMT", 784111777 },
  }

  for _, case in ipairs(CASES) do
    it("reads " .. case[1], function()
      assert.are.equal(case[2], (read(case[1])))
      for n = 0, #case[1] - 1 do
        assert.is_nil((read(case[1]:sub(1, n))))
      end
      assert.is_nil((read(case[1] .. " ")))
    end)
  end

  local REFUSED = {
    "Sun, 00 Nov 1994 08:49:37 GMT",
    "Sun, 31 Nov 1994 08:49:37 GMT",
    "Sun, 29 Feb 1900 00:00:00 GMT",
    "Sun, 29 Feb 2023 00:00:00 GMT",
    "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 06 Nov 1994  8:49:37 GMT",
    "Sun, 06 Nov 1994 08: 9:37 GMT",
    "Sun, 06 Nov 1x94 08:49:37 GMT",
    "Sun, 06 Nov 199x 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:60:37 GMT",
    "Sun, 06 Nov 1994 08:49:61 GMT",
    "Sun, 06 nov 1994 08:49:37 GMT",
    "sun, 06 Nov 1994 08:49:37 GMT",
    "Sux, 06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37 UTC",
    "Sun, 06 Nov 1994 08:49:37 +00",
    "Sun, 6 Nov 1994 08:49:37 GMT",
    "Sun,  6 Nov 1994 08:49:37 GMT",
    "Sun; 06 Nov 1994 08:49:37 GMT",
    "Sun, 06-Nov-1994 08:49:37 GMT",
    "Sun, -6 Nov 1994 08:49:37 GMT",
    "Sun, 06-Nov-94 08:49:37 GMT",
    "Sunday, 06 Nov 94 08:49:37 GMT",
    "Sun Nov 06 08:49:37 19944",
    "Sun Nov 31 08:49:37 1994",
    "1994-11-06T08:49:37Z",
    "784111777",
    ("x"):rep(29),
    ("x"):rep(24),
    ("\0"):rep(29),
  }

  for _, date in ipairs(REFUSED) do
    it("refuses " .. date:gsub("%z", "."), function()
      assert.is_nil((read(date)))
    end)
  end
end)


describe("httpdate_write", function()
  it("writes what is read again", function()
    assert.are.equal("Sun, 06 Nov 1994 08:49:37 GMT", write(784111777))
    assert.are.equal("Thu, 01 Jan 1970 00:00:00 GMT", write(0))
    for day = -719528, 2932896, 97 do
      local t = day * DAY + (day * 7919) % DAY
      assert.are.equal(t, (read(write(t))))
    end
  end)

  it("says what the system's calendar says", function()
    for day = -20000, 60000, 13 do
      local t = day * DAY + (day * 7919) % DAY
      assert.are.equal(os.date("!%a, %d %b %Y %H:%M:%S GMT", t), write(t))
    end
  end)

  it("cuts times to the years that four digits hold", function()
    local least, most = -62167219200, 253402300799
    assert.are.equal("Sat, 01 Jan 0000 00:00:00 GMT", write(least))
    assert.are.equal(write(least), write(least - 1))
    assert.are.equal("Fri, 31 Dec 9999 23:59:59 GMT", write(most))
    assert.are.equal(write(most), write(most + 1))
    assert.are.equal(write(most), write(0x7fffffffffffffffLL))
    assert.are.equal(write(least), write(-0x7fffffffffffffffLL))
  end)
end)
