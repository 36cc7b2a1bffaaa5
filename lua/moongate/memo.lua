--- Remembers what a policy makes of its servers' weights: a cycle, a ring.  The
-- last few are kept, and finding one of them makes nothing.
--
--     local rings = memo.new(build)
--     local ring = rings:current(servers)  -- of those that are in service
--
--     rings.weights[i] = ...          -- for 1 to n; 0 for who takes no part
--     local ring = rings:find(n)      -- build(weights, n), now or earlier
local _M = {}
local Memo = {}
Memo.__index = Memo

local KEPT_MAX = 16


--- Makes an empty memory.
-- @param build  function of an array of weights and its length: a value
function _M.new(build)
  return setmetatable({
    weights = {},
    build = build,
    keys = {},  -- arrays of weights
    values = {},
    last = 0,  -- the place of what was found last
    newest = 0,  -- the place that was filled last
    generation = nil,  -- of the servers, when `of_generation` was found
    of_generation = nil,
  }, Memo)
end


local function same(key, weights, n)
  if #key ~= n then
    return false
  end
  for i = 1, n do
    if key[i] ~= weights[i] then
      return false
    end
  end
  return true
end


local function add(self, n)
  local key = {}
  for i = 1, n do
    key[i] = self.weights[i]
  end
  local place = self.newest % KEPT_MAX + 1
  self.newest, self.last = place, place
  self.keys[place] = key
  self.values[place] = self.build(key, n)
  return self.values[place]
end


--- What was built for the weights that stand in self.weights now.
function Memo:find(n)
  local keys, weights = self.keys, self.weights
  if self.last > 0 and same(keys[self.last], weights, n) then
    return self.values[self.last]
  end
  for place = 1, #keys do
    if same(keys[place], weights, n) then
      self.last = place
      return self.values[place]
    end
  end
  return add(self, n)
end


local function is_in_service(server)
  return server.up and not server.draining and not server.maint
    and server.weight > 0
end


-- Whether backups stand in.  Where some server is usable, that tells: the core
-- lets backups be so only where no other may be.  Where none is, as a policy
-- with `waits` may see them, they stand in for servers that are out of service;
-- it is not known then what was tried.
-- @return boolean; whether it is certain
local function backups_stand_in(servers)
  local usable, others = false, false
  for i = 1, #servers do
    local server = servers[i]
    if server.usable and not server.backup then
      return false, true
    end
    usable = usable or server.usable
    others = others or not server.backup and is_in_service(server)
  end
  return usable or not others, usable
end


-- The weights of those that are in service; of backups only, or of the others.
-- What is full, or was tried, does not change the set.
local function set_weights(weights, servers)
  local backup, certain = backups_stand_in(servers)
  for i = 1, #servers do
    local server = servers[i]
    local takes_part = server.backup == backup and is_in_service(server)
    weights[i] = takes_part and server.weight or 0
  end
  return certain
end


--- What was built for the servers that are in service.  Looks at them only when
-- something has changed.
-- @param servers  array of servers; servers:generation()
function Memo:current(servers)
  local generation = servers:generation()
  if generation ~= self.generation then
    local certain = set_weights(self.weights, servers)
    self.of_generation = self:find(#servers)
    self.generation = certain and generation or nil
  end
  return self.of_generation
end


return _M
