--- A canary release: one client in twenty gets the new version, always the same
-- ones, so nobody sees both.
--
--     [upstream canary]
--     server new = 10.0.0.9:9000
--     [http shop]
--     script = canary.lua
local moongate = require "moongate"

local UPSTREAM = "canary"
local PERCENT = 5
local SALT = 2026  -- another number: other clients


local function request(req)
  if moongate.hash.murmur(req.client, SALT) % 100 < PERCENT then
    return { upstream = UPSTREAM }
  end
end


return { request = request }
