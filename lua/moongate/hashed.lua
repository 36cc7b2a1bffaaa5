--- Servers by a number: the same number, the same server, as often as the
-- weights say; with HAProxy's choices.  It depends on the servers that are in
-- service and their weights, and on nothing that a worker has seen.
--
-- What belongs to a server that is full, or was tried, goes to another one in
-- the same way, and comes back later.
local cycle = require "moongate.cycle"
local ring = require "moongate.ring"
local scatter = require "moongate.scatter"
local tobit, lshift = bit.tobit, bit.lshift

local _M = {}
local Hashed = {}
Hashed.__index = Hashed

local REMADE_MAX = 64  -- servers of which a map without the full ones is made
local WORD = 2 ^ 32

--- The values of the option `hash`, the default first.
_M.KINDS = { "map-based", "consistent" }


--- Makes what chooses.
-- @param kind  string: "map-based", a map by weights, or "consistent", a ring
function _M.new(kind)
  local consistent = kind == "consistent"
  return setmetatable({
    consistent = consistent,
    made = consistent and ring.memo() or cycle.memo(cycle.map),
  }, Hashed)
end


--- The hash of a part of a text: HAProxy's default, sdbm.
-- @param text   string
-- @param first  number: the place of its first byte
-- @param last   number: the place of its last byte
-- @return number of 32 bits
function _M.number(text, first, last)
  local hash = 0
  for at = first, last do
    hash = tobit(text:byte(at) + lshift(hash, 6) + lshift(hash, 16) - hash)
  end
  return hash % WORD
end


local function find(self, made, number)
  if self.consistent then
    return made:find(scatter.number(number))
  end
  return made.total > 0 and made.servers[number % made.total + 1] or nil
end


-- Among the usable servers alone.
local function find_usable(self, servers, number)
  local n, weights = #servers, self.made.weights
  for k = 1, n do
    weights[k] = servers[k].usable and servers[k].weight or 0
  end
  local i = find(self, self.made:find(n), number)
  if not i then
    return nil, "no usable server"
  end
  return i
end


-- The same for many servers, of which several may be full: there would be too
-- many sets of those.
local function find_another(self, made, servers, number)
  for attempt = 1, scatter.ATTEMPTS do
    local i = find(self, made, scatter.again(number, attempt))
    if i and servers[i].usable then
      return i
    end
  end
  return scatter.next_usable(number, servers)
end


--- Chooses the server of a number.
-- @param servers  array of servers; servers:generation()
-- @param number   of 32 bits
-- @return the index of the chosen server, or nil and a reason
function Hashed:pick(servers, number)
  local made = self.made:current(servers)
  local i = find(self, made, number)

  if i and servers[i].usable then
    return i
  end
  if #servers > REMADE_MAX then
    return find_another(self, made, servers, number)
  end
  return find_usable(self, servers, number)
end


return _M
