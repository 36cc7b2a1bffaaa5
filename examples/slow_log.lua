--- Slow requests stand out in the record: those of half a second and more get
-- two fields, how long they took and whose they were, and a line in the log.
-- Others are recorded as always.
--
--     [http shop]
--     script     = slow_log.lua
--     access_log = json               ; or a format with ${log_slow_ms}
local moongate = require "moongate"

local SLOW_MS = 500


local function request(req)
  req.ctx.begun = moongate.now()
end


local function log(req, res)
  -- Where a script before this one has answered, `request` was not called.
  local begun = req.ctx.begun
  local ms = begun and (moongate.now() - begun) * 1000
  if not ms or ms < SLOW_MS then
    return nil
  end
  moongate.log.warn(("slow: %s %s took %d ms at %s"):format(req.method,
    req.path, ms, res.server or "no server"))
  return { slow_ms = math.floor(ms), session = req:cookie("PHPSESSID") }
end


return { request = request, log = log }
