--- Cycles: who gets which turn when servers share by weight.  A cycle is as
-- long as the weights' sum (divided by what they have in common), and each
-- server stands in it as often as its weight.  So the counts are exact in every
-- window of that length, in whatever workers the turns are taken.
--
--     { total = 3, weights = { 1, 2 }, servers = { 2, 1, 2 },
--       ranks = { 0, 0, 1 } }         -- the how-manieth place of its server
local memo = require "moongate.memo"
local scatter = require "moongate.scatter"

local _M = {}
local Turns = {}
Turns.__index = Turns

local DEALT_MAX = 64  -- servers among which turns are dealt out exactly


local function gcd(a, b)
  while b > 0 do
    a, b = b, a % b
  end
  return a
end


--- Weights without their common divisor, and their sum.
function _M.reduce(weights, n)
  local divisor, total = 0, 0
  for i = 1, n do
    divisor = gcd(weights[i], divisor)
  end
  local reduced = {}
  for i = 1, n do
    reduced[i] = divisor > 0 and weights[i] / divisor or 0
    total = total + reduced[i]
  end
  return reduced, total
end


-- The number of each place among those of its server, from 0.
local function number_places(servers)
  local seen, ranks = {}, {}
  for place, i in ipairs(servers) do
    ranks[place] = seen[i] or 0
    seen[i] = ranks[place] + 1
  end
  return ranks
end


local function new_cycle(order, weights, n)
  local reduced, total = _M.reduce(weights, n)
  local servers = order(reduced, n, total)
  return {
    total = total,
    weights = reduced,
    servers = servers,
    ranks = number_places(servers),
  }
end


-- --- orders ------------------------------------------------------------------

-- The indices of those with a weight, the heaviest first.
local function by_weight(weights, n)
  local indices = {}
  for i = 1, n do
    if weights[i] > 0 then
      indices[#indices + 1] = i
    end
  end
  table.sort(indices, function(a, b)
    return weights[a] > weights[b] or weights[a] == weights[b] and a < b
  end)
  return indices
end


-- The first free place from a given one on, round the end; hops[place] is where
-- to look when it is taken, and is shortened on the way.
local function take_place(hops, place, total)
  local found = place
  while hops[found] do
    found = hops[found]
  end
  while hops[place] do
    hops[place], place = found, hops[place]
  end
  hops[found] = found % total + 1
  return found
end


--- Spreads each server evenly, the heaviest first: its places are total / w
-- apart, or the next free ones.  Lighter ones start half a step in.  With
-- weights 1, 2, 3 that is 3 2 3 1 3 2, as in HAProxy.
-- @return array of indices
function _M.spread(weights, n, total)
  local indices, hops, servers = by_weight(weights, n), {}, {}
  for _, i in ipairs(indices) do
    local weight = weights[i]
    local offset = weight == weights[indices[1]] and 0 or 0.5
    for k = 0, weight - 1 do
      local wanted = math.floor((k + offset) * total / weight)
      servers[take_place(hops, wanted + 1, total)] = i
    end
  end
  return servers
end


--- HAProxy's map of static weights: at each place the server that lags most, in
-- whole steps; of equals the first, so the first server comes first.
-- @return array of indices
function _M.map(weights, n, total)
  local score, servers = {}, {}
  for i = 1, n do
    score[i] = 0
  end
  for place = 1, total do
    local best, best_steps
    for i = 1, n do
      if weights[i] > 0 then
        score[i] = score[i] + weights[i]
        local steps = math.floor((score[i] + total) / total)
        if not best or steps > best_steps then
          best, best_steps = i, steps
        end
      end
    end
    servers[place] = best
    score[best] = score[best] - total
  end
  return servers
end


--- Makes a memory of cycles.
-- @param order  _M.spread or _M.map
function _M.memo(order)
  return memo.new(function(weights, n)
    return new_cycle(order, weights, n)
  end)
end


-- --- turns -------------------------------------------------------------------

--- Makes what deals turns out to servers.
-- @param order  _M.spread or _M.map
function _M.new(order)
  return setmetatable({ cycles = _M.memo(order) }, Turns)
end


-- Deals out the turns of servers that this flow cannot use among the others, by
-- weight: the turns of each, numbered without gaps, in a cycle of the rest.
local function deal(cycles, cycle, servers, turn)
  local n, weights = #servers, cycles.weights
  for i = 1, n do
    weights[i] = cycle.weights[i]
  end

  for _ = 1, n do
    local place = turn % cycle.total + 1
    local i = cycle.servers[place]
    if servers[i].usable then
      return i
    end
    turn = math.floor(turn / cycle.total) * cycle.weights[i]
      + cycle.ranks[place]
    weights[i] = 0
    cycle = cycles:find(n)
    if cycle.total == 0 then
      break
    end
  end
  return nil, "no usable server"
end


-- The same for many servers, of which several may be full: a cycle for each set
-- of those would be too much.  So the turn goes to the place of its hash.
local function scatter_turn(cycle, servers, turn)
  for attempt = 1, scatter.ATTEMPTS do
    local number = scatter.again(turn, attempt)
    local i = cycle.servers[number % cycle.total + 1]
    if servers[i].usable then
      return i
    end
  end
  return scatter.next_usable(turn, servers)
end


--- Chooses the server whose turn it is.
--
-- Servers that are out of service take no part, and the others share by weight;
-- but one that is full, or that this flow has tried, keeps its turns, and they
-- are dealt out among the rest in turn.  So a server that is down, and not yet
-- known to be, does not overload the one behind it, and disturbs no other flow.
-- @return the index of the chosen server, or nil and a reason
function Turns:pick(flow, servers)
  local cycle, turn = self.cycles:current(servers), servers:turn()
  if cycle.total == 0 then
    return nil, "no usable server"
  end

  local i = cycle.servers[turn % cycle.total + 1]
  if servers[i].usable then
    return i
  end
  if #servers > DEALT_MAX then
    return scatter_turn(cycle, servers, turn)
  end
  return deal(self.cycles, cycle, servers, turn)
end


return _M
