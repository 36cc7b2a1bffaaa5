--- A ring of points for consistent hashing, as HAProxy's: each server has 16
-- points for each unit of its weight, and a number goes to the nearest point.
-- Losing a server moves only what it had; a point depends on the server's index
-- and on nothing else.
local memo = require "moongate.memo"
local scatter = require "moongate.scatter"

local _M = {}
local Ring = {}
Ring.__index = Ring

local POINTS_PER_WEIGHT = 16
local POINTS_MAX = 256 * POINTS_PER_WEIGHT  -- of one server
local WORD = 2 ^ 32
local INDICES = 2 ^ 16  -- more than there are servers


-- A point and its server in one number, since those are sorted much faster than
-- tables: first by the point, then by the server.
local function pack(key, i)
  return key * INDICES + i
end


local function new_ring(weights, n)
  local points = {}
  for i = 1, n do
    for k = 0, weights[i] * POINTS_PER_WEIGHT - 1 do
      points[#points + 1] = pack(scatter.number(i * POINTS_MAX + k), i)
    end
  end
  table.sort(points)

  local ring = { keys = {}, servers = {} }
  for at, point in ipairs(points) do
    ring.keys[at] = math.floor(point / INDICES)
    ring.servers[at] = point % INDICES
  end
  return setmetatable(ring, Ring)
end


--- Makes a memory of rings (moongate.memo).
function _M.memo()
  return memo.new(new_ring)
end


-- The place of the first key that is not below the number; count + 1: none.
local function search(keys, count, number)
  local low, high = 1, count + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    if keys[middle] < number then
      low = middle + 1
    else
      high = middle
    end
  end
  return low
end


--- The server of the point that is nearest to a number; nil on an empty ring.
function Ring:find(number)
  local keys, servers = self.keys, self.servers
  local count = #keys
  if count == 0 then
    return nil
  end
  local after = search(keys, count, number)
  after = after <= count and after or 1
  local before = after > 1 and after - 1 or count
  local from_before = (number - keys[before]) % WORD
  local to_after = (keys[after] - number) % WORD
  return servers[from_before <= to_after and before or after]
end


return _M
