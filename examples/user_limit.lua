--- At most so many sessions of a user at a time, counted over all workers: what
-- one application leaks does not take the connections of the others.  It answers
-- before a server is asked, unlike max_user_connections.
--
-- What a worker had counted when it was killed stays until all workers end.
--
--     [mysql db]
--     script = user_limit.lua
local moongate = require "moongate"

local LIMIT = 50
local LIMITS = { root = 5, report = 10 }

local counts = assert(moongate.shared("user_limit"))


local function give_back(conn)
  if conn.ctx.counted then
    counts:incr(conn.ctx.counted, -1)
    conn.ctx.counted = nil
  end
end


local function login(login, conn)
  give_back(conn)  -- who changes the user logs in twice
  local key = "user " .. login.user
  -- Atomic: two workers never both take the last place.
  local count, reason = counts:incr(key, 1, 0)
  if not count then
    return false, reason
  end
  conn.ctx.counted = key
  local limit = LIMITS[login.user] or LIMIT
  if count > limit then
    return false, ("user '%s' has %d sessions already"):format(login.user,
      limit)
  end
end


-- Of every session, also of one that was refused.
local function close(conn, result)
  give_back(conn)
end


return { login = login, close = close }
