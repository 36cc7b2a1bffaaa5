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

local SLASH, QUESTION = 47, 63
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
    slashes = (chosen.depth or math.huge) + 1,  -- that end what counts
  }
end


-- The last byte that counts.
local function find_end(state, uri)
  local slashes = 0
  local last = math.min(#uri, state.len)
  for at = 1, last do
    local byte = uri:byte(at)
    if byte == SLASH then
      slashes = slashes + 1
      if slashes == state.slashes then
        return at - 1
      end

    elseif byte == QUESTION and not state.whole then
      return at - 1
    end
  end
  return last
end


--- Chooses a server for one flow.
-- @param state    what `new` made
-- @param flow     what is known of the flow: flow.uri
-- @param servers  array of servers; servers:generation(), servers:turn()
-- @return the index of the chosen server, or nil and a reason
function _M.pick(state, flow, servers)
  local uri = flow.uri
  local number = uri and hashed.number(uri, 1, find_end(state, uri))
  return state.servers_of:pick(servers, number or servers:turn())
end


return _M
