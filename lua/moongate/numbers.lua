--- Numbers for what a request says, as HAProxy makes them for its balance by
-- uri and hdr.  The core's flows make them in C, of what the client sent
-- (flow:uri_number, flow:header_number); this is the same for flows that are
-- tables, as specs have them.
local hashed = require "moongate.hashed"

local _M = {}

local SPACE, TAB, COMMA, QUOTE, BACKSLASH = 32, 9, 44, 34, 92
local SLASH, QUESTION = 47, 63


-- The last byte of an address that counts.
local function find_uri_end(uri, len, depth, whole)
  local slashes = 0
  local last = math.min(#uri, math.floor(len))
  for at = 1, last do
    local byte = uri:byte(at)
    if byte == SLASH then
      slashes = slashes + 1
      if slashes > depth then
        return at - 1
      end

    elseif byte == QUESTION and not whole then
      return at - 1
    end
  end
  return last
end


--- The number of an address.
-- @param uri    string: path and query
-- @param len    number, optional: of the bytes that count at most
-- @param depth  number, optional: of the folders that count at most
-- @param whole  boolean, optional: the query counts, too
-- @return number of 32 bits
function _M.of_uri(uri, len, depth, whole)
  return hashed.number(uri, 1, find_uri_end(uri, len or math.huge,
    depth or math.huge, whole))
end


-- The place before the first comma that stands outside quotes.
local function find_element_end(value)
  local quoted, at = false, 1
  while at <= #value do
    local byte = value:byte(at)
    if byte == COMMA and not quoted then
      return at - 1
    end
    if byte == QUOTE then
      quoted = not quoted
    end
    at = at + (quoted and byte == BACKSLASH and 2 or 1)
  end
  return #value
end


local function is_blank(byte)
  return byte == SPACE or byte == TAB
end


--- The number of the first element of a list.
-- @param value  string: of a header
-- @return number of 32 bits; nil when the element is empty
function _M.of_element(value)
  local first, last = 1, find_element_end(value)
  while first <= last and is_blank(value:byte(first)) do
    first = first + 1
  end
  while first <= last and is_blank(value:byte(last)) do
    last = last - 1
  end
  return first <= last and hashed.number(value, first, last) or nil
end


return _M
