--- Reports have a node of their own: whoever logs in as one of their users goes
-- there, and waits for another day when it is out of service, rather than to slow
-- the others down.
--
--     [mysql db]
--     upstream = pxc
--     script   = reporting_user.lua
local moongate = require "moongate"

local USERS = { report = true, metabase = true }
local UPSTREAM, NODE = "pxc", "node3"


local function is_in_service(name)
  for _, server in ipairs(assert(moongate.upstream(UPSTREAM))) do
    if server.name == name then
      return server.up and not server.draining and not server.maint
    end
  end
  return false
end


local function login(login, conn)
  if not USERS[login.user] then
    return
  end
  if not is_in_service(NODE) then
    return false, "the node for reports is out of service"
  end
  return { upstream = UPSTREAM, server = NODE }
end


return { login = login }
