--- Who may log in from where: some users come from their networks only.  It is
-- the first lock, not the only one: the server still asks for the password.
--
--     [mysql db]
--     script = login_networks.lua
local moongate = require "moongate"

local OFFICE, APPLICATION = "^10%.1%.", "^10%.2%."
local NETWORKS = {
  root = { OFFICE },
  backup = { OFFICE },
  shop = { OFFICE, APPLICATION },
}


local function login(login, conn)
  local networks = NETWORKS[login.user]
  for _, network in ipairs(networks or {}) do
    if conn.client:find(network) then
      return
    end
  end
  if networks then
    moongate.log.warn(("%s tried to log in from %s"):format(login.user,
      conn.client))
    return false, "this user may not log in from there"
  end
end


return { login = login }
