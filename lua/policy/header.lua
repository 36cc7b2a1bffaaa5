--- Header: the same value of a request header, the same server; with the
-- choices of HAProxy's hdr(NAME).
--
--     policy = header name=X-User
--     policy = header name=X-User hash=consistent
--
-- Of a list the first element counts.  Where the header is missing or empty,
-- and on [tcp], servers are taken in turn.
local cycle = require "moongate.cycle"
local hashed = require "moongate.hashed"
local options = require "moongate.options"

local _M = {}

local SPACE, TAB, COMMA, QUOTE, BACKSLASH = 32, 9, 44, 34, 92


--- Makes the state of one upstream.
-- @param given  table: name, of the header; hash
function _M.new(given)
  local chosen = options.read(given, {
    hash = hashed.KINDS,
    name = options.text("the name of a header"),
  })
  return {
    name = chosen.name or error("the option 'name' is missing: the name of a "
      .. "header", 0),
    servers_of = hashed.new(chosen.hash),
    turns = cycle.new(cycle.spread),
  }
end


-- The place before the first comma that stands outside quotes.
local function find_end(value)
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


-- The number of the first element; nil when it is empty.
local function number_of(value)
  local first, last = 1, find_end(value)
  while first <= last and is_blank(value:byte(first)) do
    first = first + 1
  end
  while first <= last and is_blank(value:byte(last)) do
    last = last - 1
  end
  return first <= last and hashed.number(value, first, last) or nil
end


--- Chooses a server for one flow.
-- @param state    what `new` made
-- @param flow     what is known of the flow: flow:header(name)
-- @param servers  array of servers; servers:generation(), servers:turn()
-- @return the index of the chosen server, or nil and a reason
function _M.pick(state, flow, servers)
  local value = flow:header(state.name)
  local number = value and number_of(value)
  if number then
    return state.servers_of:pick(servers, number)
  end
  return state.turns:pick(flow, servers)
end


return _M
