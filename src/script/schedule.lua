--- moongate.after and moongate.every.
-- @module script.schedule
local timers = require "script.timers"

local SECONDS_MAX = 31 * 24 * 3600
local PERIOD_MIN = 0.01

local _M = {}


-- Raises at the line of whoever called the function that calls this one.
local function check_call(seconds, least, f, name)
  if type(seconds) ~= "number"
    or not (seconds >= least and seconds <= SECONDS_MAX) then
    error(("bad argument #1 to '%s' (seconds from %g to %d expected)"):format(
      name, least, SECONDS_MAX), 3)
  end
  if type(f) ~= "function" then
    error(("bad argument #2 to '%s' (function expected, got %s)"):format(
      name, type(f)), 3)
  end
end


--- Makes the two for one script.
-- @param script  userdata: struct script
function _M.new(script)
  --- Calls a function once, in so many seconds.
  local function after(seconds, f)
    check_call(seconds, 0, f, "after")
    return timers.start(script, seconds, f, false)
  end

  --- Calls a function again and again, until it returns false.
  local function every(seconds, f)
    check_call(seconds, PERIOD_MIN, f, "every")
    return timers.start(script, seconds, f, true)
  end

  return after, every
end


return _M
