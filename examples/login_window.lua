--- A maintenance window: between three and four at night (UTC) new logins get a
-- message that says how long it lasts, and only operators get in.  Sessions that
-- are there stay.
--
--     [mysql db]
--     script = login_window.lua
local moongate = require "moongate"

local HOUR, DAY = 3600, 24 * 3600
local FROM, TO = 3 * HOUR, 4 * HOUR
local OPERATORS = { root = true, backup = true }


local function login(login, conn)
  local time = moongate.now() % DAY
  if time < FROM or time >= TO or OPERATORS[login.user] then
    return
  end
  return false, ("the database is maintained, for %d minutes more"):format(
    math.ceil((TO - time) / 60))
end


return { login = login }
