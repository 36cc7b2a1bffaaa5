--- Servers drawn at random, by weight: the better of two that were drawn is all
-- but the best one, and costs the same however many there are ("the power of
-- two choices").
--
--     local draws = draw.new()
--     local i = draws:usable(servers)
local memo = require "moongate.memo"
local scatter = require "moongate.scatter"

local _M = {}
local Draws = {}
Draws.__index = Draws


-- The sums of weights up to each server.
local function sum_up(weights, n)
  local sums, total = {}, 0
  for i = 1, n do
    total = total + weights[i]
    sums[i] = total
  end
  sums.total = total
  return sums
end


--- Makes what draws.
function _M.new()
  return setmetatable({ sums = memo.new(sum_up) }, Draws)
end


-- The first server whose sum reaches a number from 1 to the total.
local function search(sums, n, number)
  local low, high = 1, n
  while low < high do
    local middle = math.floor((low + high) / 2)
    if sums[middle] < number then
      low = middle + 1
    else
      high = middle
    end
  end
  return low
end


--- Draws one of the usable servers; each as often as its weight says, and what
-- falls to one that is full or was tried is drawn again.
-- @param servers  array of servers; servers:generation()
-- @return the index of a server, or nil and a reason
function Draws:usable(servers)
  local sums, n = self.sums:current(servers), #servers
  if sums.total == 0 then
    return nil, "no usable server"
  end
  for _ = 1, scatter.ATTEMPTS do
    local i = search(sums, n, math.random(sums.total))
    if servers[i].usable then
      return i
    end
  end
  return scatter.next_usable(math.random(n), servers)
end


return _M
