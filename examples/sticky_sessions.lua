--- Sticky sessions, for an application that keeps them in its own memory: a
-- session stays at its server for as long as that is in service, and when one
-- goes only its own move.  Who has no session goes where there is least to do.
--
--     [upstream php]
--     policy = /etc/moongate/lua/sticky_sessions.lua
local policy = require "moongate.policy"


return policy.first_of(
  policy.hash("cookie:PHPSESSID", { hash = "consistent" }),
  "leastconn"
)
