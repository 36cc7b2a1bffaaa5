--- Addresses of clients as numbers.
local _M = {}

local DOT, COLON, ZERO, NINE = 46, 58, 48, 57
local LOWER_A, LOWER_F, UPPER_A, UPPER_F = 97, 102, 65, 70
local GROUP = 65536


-- The value of a hexadecimal digit; nil for another byte.
local function digit_value(byte)
  if byte >= ZERO and byte <= NINE then
    return byte - ZERO
  end
  if byte >= LOWER_A and byte <= LOWER_F then
    return byte - LOWER_A + 10
  end
  if byte >= UPPER_A and byte <= UPPER_F then
    return byte - UPPER_A + 10
  end
  return nil
end


-- "1.2.3.4" as a number of 32 bits; nil for another text.
local function ipv4_number(text)
  local number, part, dots = 0, 0, 0
  for at = 1, #text do
    local byte = text:byte(at)
    if byte == DOT then
      number, part, dots = number * 256 + part, 0, dots + 1

    elseif byte >= ZERO and byte <= NINE then
      part = part * 10 + byte - ZERO

    else
      return nil
    end
  end
  return dots == 3 and number * 256 + part or nil
end


-- The groups of "a:b::c" fold into two: those at even places, which are upper
-- halves of words, and those at odd ones.  Places behind "::" are known only at
-- the end, so they are folded by themselves, and swapped in if need be.
local function ipv6_number(text)
  local even, odd, place, group = 0, 0, 0, 0
  local head_even, head_odd, has_tail = 0, 0, false
  for at = 1, #text + 1 do
    local byte = text:byte(at) or COLON
    local value = digit_value(byte)
    if value then
      group = group * 16 + value

    elseif byte == COLON then
      if place % 2 == 0 then
        even = bit.bxor(even, group)
      else
        odd = bit.bxor(odd, group)
      end
      place, group = place + 1, 0
      if text:byte(at + 1) == COLON then
        head_even, head_odd, has_tail = even, odd, true
        even, odd, place = 0, 0, -1
      end

    else
      return nil
    end
  end

  if has_tail and place % 2 == 1 then
    even, odd = odd, even
  end
  return bit.bxor(even, head_even) * GROUP + bit.bxor(odd, head_odd)
end


--- The words of 32 bits of an address, folded into one by exclusive or: for
-- IPv4 the address itself.
-- @param text  string: "1.2.3.4" or "2001:db8::1"
-- @return number, or nil where it is neither
function _M.fold(text)
  return ipv4_number(text) or ipv6_number(text)
end


return _M
