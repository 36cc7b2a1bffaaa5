-- The cached time and its texts.
local ffi = require "ffi"
local support = require "support.ffi"
local core = support.load("base/clock.h")


local function milliseconds(clock)
  local now = ffi.new("struct spec_timespec")
  ffi.C.clock_gettime(clock, now)
  return tonumber(now.tv_sec) * 1000 + math.floor(tonumber(now.tv_nsec) / 1e6)
end


describe("clock", function()
  before_each(function()
    core.clock_update()
  end)


  it("shows what the kernel's clocks said at the last update", function()
    for _, case in ipairs {
      { kernel = 1, read = core.clock_ms },
      { kernel = 0, read = core.clock_wall_ms },
    } do
      local before = milliseconds(case.kernel)
      core.clock_update()
      local after = milliseconds(case.kernel)
      local shown = tonumber(case.read())
      assert.is_true(before <= shown and shown <= after)
    end
  end)


  it("is late once a turn has become long, and no more in the next", function()
    local start = milliseconds(1)
    while not core.clock_is_late() do
      assert.is_true(milliseconds(1) < start + 10000)
    end
    assert.is_true(milliseconds(1) >= start + 20)
    core.clock_update()
    assert.is_false(core.clock_is_late())
  end)


  it("stands still between two updates", function()
    local us, wall = core.clock_us(), core.clock_wall_ms()
    local start = milliseconds(1)
    while milliseconds(1) < start + 3 do
      assert.is_true(core.clock_us() == us)
    end
    assert.is_true(core.clock_wall_ms() == wall)
    assert.equal(tonumber(us / 1000), tonumber(core.clock_ms()))
    core.clock_update()
    assert.is_true(core.clock_us() >= us + 2000)
  end)


  -- Each text, and the same made by the C library.
  for name, expected in pairs {
    http_date = function(s) return os.date("!%a, %d %b %Y %H:%M:%S GMT", s) end,
    clf_date = function(s) return os.date("%d/%b/%Y:%H:%M:%S %z", s) end,
    haproxy_date = function(s, ms)
      return os.date("%d/%b/%Y:%H:%M:%S", s) .. (".%03d"):format(ms)
    end,
    rfc3164_date = function(s) return os.date("%b %e %H:%M:%S", s) end,
    rfc3339_date = function(s, ms)
      local zone = os.date("%z", s)
      return os.date("%Y-%m-%dT%H:%M:%S", s) .. (".%03d"):format(ms)
        .. zone:sub(1, 3) .. ":" .. zone:sub(4)
    end,
  } do
    it("writes " .. name .. " of the cached time, each millisecond anew",
      function()
        for _ = 1, 20 do
          local last = core.clock_wall_ms()
          repeat
            core.clock_update()
          until core.clock_wall_ms() ~= last
          local wall = tonumber(core.clock_wall_ms())
          assert.equal(expected(math.floor(wall / 1000), wall % 1000),
            support.text(core["clock_" .. name]()))
        end
      end)
  end


  it("writes the offset of zones on both sides of Greenwich", function()
    -- POSIX counts zones westwards.
    for zone, offset in pairs {
      ["XXX-5:30"] = "+0530", ["XXX3:45"] = "-0345", UTC0 = "+0000",
    } do
      local program = ("local c = require('support.ffi').load('base/clock.h')"
        .. " c.clock_update() local t = c.clock_clf_date()"
        .. " print(require('ffi').string(t.p, t.len))")
      local pipe = io.popen(("TZ=%s LUA_PATH='./spec/?.lua;;' luajit -e \"%s\"")
        :format(zone, program))
      local text = pipe:read("*l")
      pipe:close()
      assert.equal(offset, text:sub(-5))
    end
  end)
end)
