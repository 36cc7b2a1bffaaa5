--- A ring of points for consistent hashing, as HAProxy's: each server has 16
-- points for each unit of its weight, and a number goes to the nearest point.
-- Losing a server moves only what it had; a point depends on the server's index
-- and on nothing else.
local memo = require "moongate.memo"
local scatter = require "moongate.scatter"
local floor = math.floor

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


local function key_of(point)
  return math.floor(point / INDICES)
end


-- The numbers nearest to each point, as stretches: the last number of each, and
-- its server.  The first point, or the last one, has numbers beyond 0, too, and
-- so a stretch more.
local function find_stretches(points)
  local ends, servers, count = {}, {}, #points
  local function add(last, point)
    ends[#ends + 1], servers[#servers + 1] = last, point % INDICES
  end

  local first, last = points[1], points[count]
  local between = (key_of(last) + key_of(first) + WORD) / 2
  if between >= WORD then
    add(between - WORD, last)
  end
  for at = 1, count - 1 do
    add((key_of(points[at]) + key_of(points[at + 1])) / 2, points[at])
  end
  add(math.min(between, WORD), last)
  if between < WORD then
    add(WORD, first)
  end
  return ends, servers
end


-- Parts the range in as many as there are stretches: the first one that reaches
-- into each part.
local function find_starts(ends)
  local count, starts, at = #ends, {}, 1
  for part = 1, count do
    while ends[at] < (part - 1) * WORD / count do
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

  local ring = { count = 0 }
  if #points > 0 then
    ring.ends, ring.servers = find_stretches(points)
    ring.starts, ring.count = find_starts(ring.ends), #ring.ends
  end
  return setmetatable(ring, Ring)
end


--- Makes a memory of rings (moongate.memo).
function _M.memo()
  return memo.new(new_ring)
end


--- The server of the point that is nearest to a number; nil on an empty ring.
-- There are about as many stretches as starts, so hardly any is passed on the
-- way.
function Ring:find(number)
  local count = self.count
  if count == 0 then
    return nil
  end
  local ends = self.ends
  local at = self.starts[floor(number * count / WORD) + 1]
  while ends[at] < number do
    at = at + 1
  end
  return self.servers[at]
end


return _M
