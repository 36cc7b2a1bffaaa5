--- A server whose checks begin to fail gets less at once, not only when `fall`
-- of them have failed: half its share with each one in a row.
--
--     [upstream php]
--     check  = tcp fall=5
--     policy = /etc/moongate/lua/health_weights.lua
local policy = require "moongate.policy"


return policy.by_health "roundrobin"
