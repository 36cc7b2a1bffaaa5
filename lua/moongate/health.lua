--- Servers with weights by their health: as they are, but one whose checks
-- have failed, though it is up still, weighs half as much with each failure in
-- a row.
--
--     local seen = health.new(servers)  -- once
--     health.refresh(seen)              -- before each pick
--     policy.pick(flow, seen)
local _M = {}

local FINER = 16  -- how much finer weights are, so that one can be halved
local WEIGHT_MAX = 256
local STEP = 2 ^ 20  -- generations of ours for each one of the servers'


-- The usable server with the least load for its weight here; of equals the one
-- whose turn it is.
local function least(self)
  local best, best_load
  local n, turn = #self, self:turn()
  for k = 1, n do
    local i = (turn + k) % n + 1
    local server = self[i]
    if server.usable then
      local count = server.active + server.queued
      local load = count > 0 and (count + 1) / server.weight or 0
      if not best or load < best_load then
        best, best_load = i, load
      end
    end
  end
  return best
end


local function new_methods(servers, state)
  local methods = { least = least }
  for _, name in ipairs { "turn", "chosen", "choose", "latency" } do
    methods[name] = function(_, ...)
      return servers[name](servers, ...)
    end
  end
  function methods.generation(_)
    return servers:generation() * STEP + state.changes % STEP
  end
  methods.health_state = state
  return methods
end


--- Makes an array of servers with such weights.
-- @param servers  array of servers, with all of its methods
function _M.new(servers)
  local state = { servers = servers, changes = 0 }
  local seen = {}
  for i = 1, #servers do
    seen[i] = setmetatable({ weight = 0 }, { __index = servers[i] })
  end
  return setmetatable(seen, { __index = new_methods(servers, state) })
end


-- As many times as all weights can be multiplied.
local function find_scale(servers)
  local most = 1
  for i = 1, #servers do
    most = math.max(most, servers[i].weight)
  end
  return math.max(1, math.min(FINER, math.floor(WEIGHT_MAX / most)))
end


local function weigh(server, scale)
  if server.weight == 0 then
    return 0
  end
  local weight = server.weight * scale / 2 ^ math.max(server.fails, 0)
  return math.max(1, math.floor(weight))
end


--- Brings the weights up to date.
-- @param seen  what `new` made
function _M.refresh(seen)
  local state = seen.health_state
  local servers = state.servers
  local scale = find_scale(servers)
  for i = 1, #servers do
    local weight = weigh(servers[i], scale)
    if weight ~= seen[i].weight then
      seen[i].weight = weight
      state.changes = state.changes + 1
    end
  end
end


return _M
