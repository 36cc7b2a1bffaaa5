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


-- Parts the range in as many as there are keys: the place of the first key in
-- each part, or after it.
local function find_starts(keys)
  local count, starts, at = #keys, {}, 1
  for part = 1, count do
    while at <= count and keys[at] < (part - 1) * WORD / count do
      at = at + 1
    end
    starts[part] = at
  end
  return starts
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
  ring.starts = find_starts(ring.keys)
  return setmetatable(ring, Ring)
end


--- Makes a memory of rings (moongate.memo).
function _M.memo()
  return memo.new(new_ring)
end


-- The place of the first key that is not below the number; count + 1: none.
-- There are about as many keys as starts, so hardly any is passed on the way.
local function search(ring, count, number)
  local keys = ring.keys
  local at = ring.starts[math.floor(number * count / WORD) + 1]
  while at <= count and keys[at] < number do
    at = at + 1
  end
  return at
end


--- The server of the point that is nearest to a number; nil on an empty ring.
function Ring:find(number)
  local keys, servers = self.keys, self.servers
  local count = #keys
  if count == 0 then
    return nil
  end
  local after = search(self, count, number)
  after = after <= count and after or 1
  local before = after > 1 and after - 1 or count
  local from_before = (number - keys[before]) % WORD
  local to_after = (keys[after] - number) % WORD
  return servers[from_before <= to_after and before or after]
end


return _M
