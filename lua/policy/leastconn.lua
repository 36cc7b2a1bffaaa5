--- Least connections: the server with the fewest connections for its weight,
-- those that wait for it included; one without any goes before all others.
-- Equals are taken in turn.
--
-- As in HAProxy, what is compared is what would be after the choice, so that of
-- two servers with weights 1 and 2 and one connection each the second is taken.
local _M = {}


local function load_of(server)
  local count = server.active + server.queued
  return count > 0 and (count + 1) / server.weight or 0
end


--- Chooses a server for one connection.
-- @param flow     what is known of the connection (unused)
-- @param servers  array of servers; servers:turn()
-- @return the index of the chosen server, or nil and a reason
function _M.pick(flow, servers)
  local n = #servers
  local least, equals = math.huge, 0

  for i = 1, n do
    local server = servers[i]
    if server.usable then
      local load = load_of(server)
      if load < least then
        least, equals = load, 1

      elseif load == least then
        equals = equals + 1
      end
    end
  end
  if equals == 0 then
    return nil, "no usable server"
  end

  local skip = servers:turn() % equals
  for i = 1, n do
    local server = servers[i]
    if server.usable and load_of(server) == least then
      if skip == 0 then
        return i
      end
      skip = skip - 1
    end
  end
end


return _M
