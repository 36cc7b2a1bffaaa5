--- First: the first server of the configuration that has a slot free, whatever
-- the weights, so that the last ones are left without work and can be switched
-- off.  As HAProxy's.  It is `maxconn` that makes the next server come into
-- play: the first server without one takes everything.
local _M = {}


--- Chooses a server for one flow.
-- @param flow     what is known of the flow (unused)
-- @param servers  array of servers, each with `usable`
-- @return the index of the chosen server, or nil and a reason
function _M.pick(flow, servers)
  for i = 1, #servers do
    if servers[i].usable then
      return i
    end
  end
  return nil, "no usable server"
end


return _M
