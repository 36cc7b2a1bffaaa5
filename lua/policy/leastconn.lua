--- Least connections: the server with the fewest connections for its weight,
-- those that wait for it included; one without any goes before all others.
-- Equals are taken in turn.
--
-- As in HAProxy, what is compared is what would be after the choice, so that of
-- two servers with weights 1 and 2 and one connection each the second is taken:
--
--     load = count > 0 and (count + 1) / weight or 0
--
-- The core keeps the servers in this order, since looking at every one of them
-- for each connection would take longer the more there are.
local _M = {}


--- Chooses a server for one connection.
-- @param flow     what is known of the connection (unused)
-- @param servers  array of servers; servers:least()
-- @return the index of the chosen server, or nil and a reason
function _M.pick(flow, servers)
  local i = servers:least()
  if not i then
    return nil, "no usable server"
  end
  return i
end


return _M
