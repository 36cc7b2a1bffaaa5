--- Remembers what a policy makes of its servers' weights: a cycle, a ring.  The
-- last few are kept, and finding one of them makes nothing.
--
--     local rings = memo.new(build)
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


return _M
