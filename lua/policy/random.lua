--- Random: the better of two servers that are drawn by weight, as HAProxy's
-- random(2): the one with fewer connections for its weight, those that wait for
-- it included.  It spreads as well as leastconn where servers come and go, and
-- several balancers that know nothing of each other do not run to the same one.
--
--     policy = random                     of two
--     policy = random draws=1             by weight alone
--
-- Of equals the one that was drawn last is taken, as in HAProxy.
local draw = require "moongate.draw"
local options = require "moongate.options"
local usable = draw.usable

local _M = {}

local DRAWS, DRAWS_MAX = 2, 16


--- Makes the state of one upstream.
-- @param given  table: draws, a number
function _M.new(given)
  local chosen = options.read(given, {
    draws = options.number(1, DRAWS_MAX),
  })
  return { draws = draw.new(), count = chosen.draws or DRAWS }
end


local function load_of(server)
  return (server.active + server.queued) / server.weight
end


local function better(servers, best, i)
  return load_of(servers[i]) <= load_of(servers[best]) and i or best
end


--- Chooses a server for one flow.
-- @param state    what `new` made
-- @param flow     what is known of the flow (unused)
-- @param servers  array of servers; servers:generation()
-- @return the index of the chosen server, or nil and a reason
function _M.pick(state, flow, servers)
  local made = state.draws:current(servers)
  local best, reason = usable(made, servers)
  if not best or state.count == 1 then
    return best, reason
  end
  best = better(servers, best, usable(made, servers))
  for _ = 3, state.count do
    best = better(servers, best, usable(made, servers))
  end
  return best
end


return _M
