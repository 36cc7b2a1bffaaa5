--- A Redis server is well when it answers PING; one that is still loading its
-- data, or is a replica that has lost its master, says so instead.
--
--     [upstream cache]
--     protocol = tcp
--     check    = lua script=redis.lua
--     server a = 10.0.0.1:6379
local moongate = require "moongate"


local function check(server)
  local redis, reason = moongate.tcp.connect(server.host, server.port)
  if not redis then
    return false, reason
  end
  redis:send("PING\r\n")
  local answer, why = redis:receive()
  if not answer then
    return false, why
  end
  return answer == "+PONG", answer
end


return { check = check }
