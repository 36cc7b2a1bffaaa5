--- Servers drawn at random, by weight: the better of two that were drawn is all
-- but the best one, and costs the same however many there are ("the power of
-- two choices").
--
--     local draws = draw.new()
--     local made = draws:current(servers)  -- moongate.memo
--     local i = draw.usable(made, servers)
local cycle = require "moongate.cycle"
local memo = require "moongate.memo"
local scatter = require "moongate.scatter"
local floor, random = math.floor, math.random

local _M = {}

local PLACES_MAX = 1024  -- of a list, which a draw reads once


-- Each server as often as its weight says.
local function new_list(weights, n, total)
  local servers = {}
  for i = 1, n do
    for _ = 1, weights[i] do
      servers[#servers + 1] = i
    end
  end
  return { n = total, total = total, servers = servers }
end


-- Walker's alias table: each place has the same chance, and its server keeps
-- the share `keeps` of it; the rest goes to its `alias`.  A draw looks at one
-- place, whatever the weights are, but has to decide, which costs more.
local function new_table(weights, n, total)
  local left, light, heavy = {}, {}, {}
  for i = 1, n do
    left[i] = weights[i] * n / total
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


local function build(weights, n)
  local reduced, total = cycle.reduce(weights, n)
  if total <= PLACES_MAX then
    return new_list(reduced, n, total)
  end
  return new_table(reduced, n, total)
end


--- Makes a memory (moongate.memo) of what servers are drawn from.
function _M.new()
  return memo.new(build)
end


local function draw(made)
  local number = random() * made.n
  local place = floor(number)
  local servers = made.servers
  if servers then
    return servers[place + 1]
  end
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
-- @param made     what to draw from, of these servers
-- @param servers  array of servers
-- @return the index of a server, or nil and a reason
function _M.usable(made, servers)
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
