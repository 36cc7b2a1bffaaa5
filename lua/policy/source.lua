--- Source: the same client, the same server, by its address; with HAProxy's
-- choices.
--
--     policy = source                     a map by weights; cheapest, but most
--                                         clients move when a server goes
--     policy = source hash=consistent     a ring: only its own clients move
--
-- A client whose server is full, or was tried, goes to another one in the same
-- way, and comes back later.  Clients without an address take turns.
local hashed = require "moongate.hashed"
local options = require "moongate.options"

local _M = {}


--- Makes the state of one upstream.
-- @param given  table: hash is "map-based" or "consistent"
function _M.new(given)
  local chosen = options.read(given, { hash = hashed.KINDS })
  return hashed.new(chosen.hash)
end


--- Chooses a server for one flow.
-- @param servers_of  what `new` made
-- @param flow        what is known of the flow: flow.client_number
-- @param servers     array of servers; servers:generation(), servers:turn()
-- @return the index of the chosen server, or nil and a reason
function _M.pick(servers_of, flow, servers)
  return servers_of:pick(servers, flow.client_number or servers:turn())
end


return _M
