--- Static round robin: servers in the order of HAProxy's map, in which each
-- stands as often as its weight, the first of the configuration first.
--
-- Servers that cannot be used give their turns to the others, by their weights.
local cycle = require "moongate.cycle"
local options = require "moongate.options"

local _M = {}


--- Makes the state of one upstream.
-- @param given  table: there are no options
-- @return what deals out the turns
function _M.new(given)
  options.read(given, {})
  return cycle.new(cycle.map)
end


--- Chooses a server for one flow.
-- @param turns    what `new` made
-- @param flow     what is known of the flow (unused)
-- @param servers  array of servers, each with `usable` and `weight`;
--   servers:generation(), servers:turn()
-- @return the index of the chosen server, or nil and a reason
function _M.pick(turns, flow, servers)
  return turns:pick(flow, servers)
end


return _M
