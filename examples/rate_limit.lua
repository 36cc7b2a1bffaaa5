--- A rate limit: so many requests of a client within ten seconds, counted over
-- all workers.  The seconds begin with a client's first request; what comes
-- beyond them is answered with 429.
--
--     [http shop]
--     script = rate_limit.lua
local moongate = require "moongate"

local LIMIT = 100
local SECONDS = 10

local counts = assert(moongate.shared("rate_limit"))


local function request(req)
  -- Atomic: of all workers exactly one makes the entry, which then expires.
  local count = counts:incr(req.client, 1, 0, SECONDS)
  if count and count > LIMIT then
    return moongate.reply(429, {
      ["Content-Type"] = "text/plain",
      ["Retry-After"] = SECONDS,  -- at the latest
    }, "Too many requests.\n")
  end
end


return { request = request }
