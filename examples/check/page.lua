--- A web server is well when a page of it has a certain word: so it answers,
-- and so does what is behind it.
--
--     [upstream app]
--     protocol = tcp
--     check    = lua script=page.lua timeout=3s
--     server a = 10.0.0.1:8080
local moongate = require "moongate"

local REQUEST = "GET /health HTTP/1.0\r\nHost: %s\r\n\r\n"
local WORD = "database: up"


local function check(server)
  local web, reason = moongate.tcp.connect(server.host, server.port)
  if not web then
    return false, reason
  end
  web:send(REQUEST:format(server.address))
  local page, why = web:receive("*a")
  if not page then
    return false, why
  end
  local status = page:match("^HTTP/1%.%d (%d+)")
  if status ~= "200" then
    return false, "status " .. (status or "missing")
  end
  return page:find(WORD, 1, true) ~= nil, "the page lacks '" .. WORD .. "'"
end


return { check = check }
