--- The clock of specs: it stands still until it is moved, and what was asked to
-- happen meanwhile happens in order, each at its own time.
-- @module script.offline_clock
local calls = require "script.calls"

local check = calls.check

local SECONDS_MAX = 1e9  -- more than thirty years

local _M = {}


local function is_duration(value)
  return type(value) == "number" and value >= 0 and value <= SECONDS_MAX
end


-- The timer that is due first, up to a time; of equals the one set first.
local function first_due(timers, time_ms)
  local first
  for i, timer in ipairs(timers) do
    if timer.due_ms <= time_ms
      and (not first or timer.due_ms < timers[first].due_ms) then
      first = i
    end
  end
  return first
end


local function remove(timers, timer)
  for i, other in ipairs(timers) do
    if other == timer then
      table.remove(timers, i)
      return
    end
  end
end


-- Takes a timer off, or sets it anew, and calls it; it may say that it has been
-- called often enough.
local function fire(timers, i)
  local timer = timers[i]
  if not timer.period_ms then
    table.remove(timers, i)
    timer.f()
    return
  end
  timer.due_ms = timer.due_ms + timer.period_ms
  if timer.f() == false then
    remove(timers, timer)
  end
end


--- Makes a clock.
-- @param move  function(ms): moves what the core has read of the time on
function _M.new(move)
  local now_ms, timers = 0, {}
  local clock = {}

  local function move_to(time_ms)
    if time_ms > now_ms then
      move(time_ms - now_ms)
      now_ms = time_ms
    end
  end

  local function add(seconds, f, name, period_ms)
    if not is_duration(seconds) or period_ms and period_ms < 1 then
      error(("bad argument #1 to '%s' (seconds expected)"):format(name), 3)
    end
    if type(f) ~= "function" then
      error(("bad argument #2 to '%s' (function expected)"):format(name), 3)
    end
    timers[#timers + 1] = {
      due_ms = now_ms + math.floor(seconds * 1000 + 0.5), f = f,
      period_ms = period_ms,
    }
    return true
  end

  --- Calls a function once, when so much time has passed.
  function clock.after(seconds, f)
    return add(seconds, f, "after")
  end

  --- Calls it again and again, until it returns false.
  function clock.every(seconds, f)
    return add(seconds, f, "every",
      is_duration(seconds) and seconds * 1000 or 1)
  end

  --- Moves the clock on; what is due on the way is called, and what it raises
  -- is the caller's.
  function clock.advance(seconds)
    check(seconds, "number", 1, "advance")
    if not is_duration(seconds) then
      error("bad argument #1 to 'advance' (seconds from 0 to 1e9 expected)", 2)
    end
    local until_ms = now_ms + math.floor(seconds * 1000 + 0.5)
    local i = first_due(timers, until_ms)
    while i do
      move_to(timers[i].due_ms)
      fire(timers, i)
      i = first_due(timers, until_ms)
    end
    move_to(until_ms)
  end

  --- Drops all timers.
  function clock.reset()
    timers = {}
  end

  return clock
end


return _M
