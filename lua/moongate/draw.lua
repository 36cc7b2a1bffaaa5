--- Servers drawn at random, by weight: the better of two that were drawn is all
-- but the best one, and costs the same however many there are ("the power of
-- two choices").
--
--     local draws = draw.new()
--     local i = draws:usable(servers)
local memo = require "moongate.memo"
local scatter = require "moongate.scatter"
local floor, random = math.floor, math.random

local _M = {}
local Draws = {}
Draws.__index = Draws


-- Walker's alias table: each place has the same chance, and its server keeps
-- the share `keeps` of it; the rest goes to its `alias`.  A draw looks at one
-- place, whatever the weights are.
local function new_table(weights, n)
  local total, left = 0, {}
  for i = 1, n do
    total = total + weights[i]
  end
  local light, heavy = {}, {}
  for i = 1, n do
    left[i] = total > 0 and weights[i] * n / total or 0
    table.insert(left[i] < 1 and light or heavy, i)
  end

  local made = { n = n, total = total, keeps = {}, aliases = {} }
  for i = 1, n do
    made.keeps[i], made.aliases[i] = 1, i
  end
  while #light > 0 and #heavy > 0 do
    local small, big = table.remove(light), table.remove(heavy)
    made.keeps[small], made.aliases[small] = left[small], big
    left[big] = left[big] - (1 - left[small])
    table.insert(left[big] < 1 and light or heavy, big)
  end
  return made
end


--- Makes what draws.
function _M.new()
  return setmetatable({ tables = memo.new(new_table) }, Draws)
end


local function draw(made)
  local number = random() * made.n
  local place = floor(number)
  if number - place < made.keeps[place + 1] then
    return place + 1
  end
  return made.aliases[place + 1]
end


local function draw_again(made, servers)
  for _ = 2, scatter.ATTEMPTS do
    local i = draw(made)
    if servers[i].usable then
      return i
    end
  end
  return scatter.next_usable(random(made.n), servers)
end


--- Draws one of the usable servers; each as often as its weight says, and what
-- falls to one that is full or was tried is drawn again.
-- @param servers  array of servers; servers:generation()
-- @return the index of a server, or nil and a reason
function Draws:usable(servers)
  local made = self.tables:current(servers)
  if made.total == 0 then
    return nil, "no usable server"
  end
  local i = draw(made)
  if servers[i].usable then
    return i
  end
  return draw_again(made, servers)
end


return _M
