--- Latency: the better of two servers that are drawn by weight, by how long
-- they take to answer and how much they have to do; as Finagle's "peak EWMA",
-- whose average the core keeps for all workers (board/latency.h):
--
--     cost = latency * (active + queued + 1) / weight
--
-- The average goes up with a slow answer at once, and comes down over ten
-- seconds, also while nothing is asked of the server.  One that has answered
-- nothing yet is asked when it is drawn, but only one thing at a time while the
-- other one has answered.  What has failed counts as an answer after a second.
local draw = require "moongate.draw"
local options = require "moongate.options"
local usable = draw.usable

local _M = {}

local PENALTY = 2 ^ 47  -- ms: more than any answer takes
local ATTEMPTS = 8  -- to draw another server than the first


--- Makes the state of one upstream.
-- @param given  table: there are no options
function _M.new(given)
  options.read(given, {})
  return draw.new()
end


local function cost_of(servers, i)
  local server, latency_ms = servers[i], servers:latency(i)
  local pending = server.active + server.queued
  if latency_ms == 0 and pending > 0 then
    return PENALTY + pending / server.weight
  end
  return latency_ms * (pending + 1) / server.weight
end


-- Another server than the first, if there is one.
local function draw_another(made, servers, first)
  for _ = 1, ATTEMPTS do
    local second = usable(made, servers)
    if second ~= first then
      return second
    end
  end
  return first
end


--- Chooses a server for one flow.
-- @param draws    what `new` made
-- @param flow     what is known of the flow (unused)
-- @param servers  array of servers; servers:generation(), servers:latency(i)
-- @return the index of the chosen server, or nil and a reason
function _M.pick(draws, flow, servers)
  local made = draws:current(servers)
  local first, reason = usable(made, servers)
  if not first then
    return nil, reason
  end
  local second = usable(made, servers)
  if second == first then
    second = draw_another(made, servers, first)
  end
  return cost_of(servers, second) < cost_of(servers, first) and second or first
end


return _M
