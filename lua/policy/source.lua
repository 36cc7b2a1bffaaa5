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
local cycle = require "moongate.cycle"
local options = require "moongate.options"
local ring = require "moongate.ring"
local scatter = require "moongate.scatter"

local _M = {}

local REMADE_MAX = 64  -- servers of which a map without the full ones is made


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


local function find(state, made, number)
  if state.consistent then
    return made:find(scatter.number(number))
  end
  return made.total > 0 and made.servers[number % made.total + 1] or nil
end


-- Among the usable servers alone.
local function find_usable(state, servers, number)
  local n, weights = #servers, state.made.weights
  for k = 1, n do
    weights[k] = servers[k].usable and servers[k].weight or 0
  end
  local i = find(state, state.made:find(n), number)
  if not i then
    return nil, "no usable server"
  end
  return i
end


-- The same for many servers, of which several may be full: there would be too
-- many sets of those.
local function find_another(state, made, servers, number)
  for attempt = 1, scatter.ATTEMPTS do
    local i = find(state, made, scatter.again(number, attempt))
    if i and servers[i].usable then
      return i
    end
  end
  return scatter.next_usable(number, servers)
end


--- Chooses a server for one flow.
-- @param state    what `new` made
-- @param flow     what is known of the flow: flow.client_number
-- @param servers  array of servers; servers:generation(), servers:turn()
-- @return the index of the chosen server, or nil and a reason
function _M.pick(state, flow, servers)
  local number = flow.client_number or servers:turn()
  local made = state.made:current(servers)
  local i = find(state, made, number)

  if i and servers[i].usable then
    return i
  end
  if #servers > REMADE_MAX then
    return find_another(state, made, servers, number)
  end
  return find_usable(state, servers, number)
end


return _M
