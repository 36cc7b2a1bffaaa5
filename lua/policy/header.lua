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


--- Chooses a server for one flow.
-- @param state    what `new` made
-- @param flow     what is known of the flow: flow:header_number(name)
-- @param servers  array of servers; servers:generation(), servers:turn()
-- @return the index of the chosen server, or nil and a reason
function _M.pick(state, flow, servers)
  local number = flow:header_number(state.name)
  if number then
    return state.servers_of:pick(servers, number)
  end
  return state.turns:pick(flow, servers)
end


return _M
