--- Numbers scattered over 32 bits, for what is chosen by hash.
local tobit, bxor = bit.tobit, bit.bxor
local lshift, rshift = bit.lshift, bit.rshift

local _M = {}

local WORD = 2 ^ 32

--- How often another server is tried at random before the next one is taken.
_M.ATTEMPTS = 8


--- Bob Jenkins' full avalanche, times a prime near three quarters of the range.
-- @param number  of 32 bits
-- @return number of 32 bits
function _M.number(number)
  local a = tobit(number)
  a = tobit(tobit(a + 0x7ed55d16) + lshift(a, 12))
  a = bxor(bxor(a, 0xc761c23c), rshift(a, 19))
  a = tobit(tobit(a + 0x165667b1) + lshift(a, 5))
  a = bxor(tobit(a + 0xd3a2646c), lshift(a, 9))
  a = tobit(tobit(a + 0xfd7046c5) + lshift(a, 3))
  a = bxor(bxor(a, 0xb55a4f09), rshift(a, 16))
  return tobit(tobit(a + lshift(a, 30)) + lshift(a, 31)) % WORD
end


--- Another number for the same one, when what it stood for cannot be had.
-- @param attempt  number: 1 for the first of others
-- @return number of 32 bits
function _M.again(number, attempt)
  return _M.number(_M.number(number) + attempt)
end


--- The first usable server from a place on that depends on the number.
-- @return the index, or nil and a reason
function _M.next_usable(number, servers)
  local n = #servers
  local start = _M.number(number)
  for k = 0, n - 1 do
    local i = (start + k) % n + 1
    if servers[i].usable then
      return i
    end
  end
  return nil, "no usable server"
end


return _M
