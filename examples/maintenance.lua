--- A maintenance page, for as long as the file maintenance.html lies in the
-- root: `touch` it, and nobody but the office gets to the application.
--
--     [http shop]
--     script = maintenance.lua
local moongate = require "moongate"

local SWITCH = "/maintenance.html"
local OFFICE = "^203%.0%.113%."
local RETRY_SECONDS = 300
local PAGE = "<!doctype html><title>Back soon</title><p>We are back soon.\n"


local function request(req)
  if req:file_exists(SWITCH) and not req.client:find(OFFICE) then
    return moongate.reply(503, {
      ["Content-Type"] = "text/html",
      ["Retry-After"] = RETRY_SECONDS,
    }, PAGE)
  end
end


return { request = request }
