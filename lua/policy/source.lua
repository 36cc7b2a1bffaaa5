--- Source: the same client, the same server, by its address; with HAProxy's
-- choices.  It depends on the servers that are in service and their weights,
-- and on nothing that a worker has seen.
--
--     policy = source                     a map by weights; cheapest, but most
--                                         clients move when a server goes
--     policy = source hash=consistent     a ring: only its own clients move
--
-- A client whose server is full, or was tried, goes to another one in the same
-- way, and comes back later.  Clients without an address take turns.
local address = require "moongate.address"
local cycle = require "moongate.cycle"
local options = require "moongate.options"
local ring = require "moongate.ring"

local _M = {}


--- Makes the state of one upstream.
-- @param given  table: hash is "map-based" or "consistent"
function _M.new(given)
  local chosen = options.read(given, { hash = { "map-based", "consistent" } })
  local consistent = chosen.hash == "consistent"
  return {
    consistent = consistent,
    made = consistent and ring.memo() or cycle.memo(cycle.map),
  }
end


local function is_in_service(server)
  return server.up and not server.draining and not server.maint
    and server.weight > 0
end


-- Lets those that are in service take part, the backups or the others.
local function set_weights(weights, servers, backup)
  local total = 0
  for i = 1, #servers do
    local server = servers[i]
    local takes_part = server.backup == backup and is_in_service(server)
    weights[i] = takes_part and server.weight or 0
    total = total + weights[i]
  end
  return total
end


local function find(state, number, n)
  local made = state.made:find(n)
  if state.consistent then
    return made:find(ring.scatter(number))
  end
  return made.total > 0 and made.servers[number % made.total + 1] or nil
end


--- Chooses a server for one flow.
-- @param state    what `new` made
-- @param flow     what is known of the flow: flow.client
-- @param servers  array of servers; servers:turn()
-- @return the index of the chosen server, or nil and a reason
function _M.pick(state, flow, servers)
  local n = #servers
  local number = address.fold(flow.client) or servers:turn()
  local weights = state.made.weights

  -- What is full, or was tried, does not change the set.
  if set_weights(weights, servers, false) == 0 then
    set_weights(weights, servers, true)
  end
  local i = find(state, number, n)
  if i and servers[i].usable then
    return i
  end

  for k = 1, n do
    weights[k] = servers[k].usable and servers[k].weight or 0
  end
  i = find(state, number, n)
  if not i then
    return nil, "no usable server"
  end
  return i
end


return _M
