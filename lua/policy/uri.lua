--- URI: the same path, the same server, so that each file is in the cache of
-- one server alone; with HAProxy's choices.  What counts is the address as it
-- was sent, up to the question mark.
--
--     policy = uri                        a map by weights
--     policy = uri hash=consistent        a ring: when a server goes, only its
--                                         own paths move
--     policy = uri whole=on               the query counts, too
--     policy = uri len=20                 the first 20 bytes alone
--     policy = uri depth=2                /a/b of /a/b/c: two folders
--
-- What has no address, as connections of [tcp] have none, is taken in turn.
local hashed = require "moongate.hashed"
local options = require "moongate.options"

local _M = {}

local BYTES_MAX, FOLDERS_MAX = 65535, 255


--- Makes the state of one upstream.
-- @param given  table: hash, whole, len, depth
function _M.new(given)
  local chosen = options.read(given, {
    hash = hashed.KINDS,
    whole = { "off", "on" },
    len = options.number(1, BYTES_MAX),
    depth = options.number(1, FOLDERS_MAX),
  })
  return {
    servers_of = hashed.new(chosen.hash),
    whole = chosen.whole == "on",
    len = chosen.len or BYTES_MAX,
    depth = chosen.depth or math.huge,
  }
end


--- Chooses a server for one flow.
-- @param state    what `new` made
-- @param flow     what is known of the flow: flow:uri_number(...)
-- @param servers  array of servers; servers:generation(), servers:turn()
-- @return the index of the chosen server, or nil and a reason
function _M.pick(state, flow, servers)
  local number = flow:uri_number(state.len, state.depth, state.whole)
  return state.servers_of:pick(servers, number or servers:turn())
end


return _M
