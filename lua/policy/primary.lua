--- Primary: a single writer.  All work of all workers goes to one server, and
-- waits for it when it is full, or when an attempt has failed: it never goes to
-- another one beside it.  Weights only say who may be chosen: above 0.
--
--     policy = primary               the first server of the configuration
--                                    that is in service, backups last
--     policy = primary failback=off  the same, but the one that was chosen
--                                    stays for as long as it is in service
--
-- Which one is chosen lies on the board.  It is replaced when it goes down, is
-- drained or set to maintenance, by whichever worker finds that first.
local options = require "moongate.options"

local _M = {
  waits = true,
}


--- Makes the state of one upstream.
-- @param given  table: failback is "on" or "off"
function _M.new(given)
  local chosen = options.read(given, { failback = { "on", "off" } })
  return {
    failback = chosen.failback == "on",
    first = nil,  -- the first server in service, and
    generation = nil,  -- the servers' generation when it was looked for
  }
end


local function is_in_service(server)
  return server.up and not server.draining and not server.maint
    and server.weight > 0
end


local function find_first(servers)
  local backup
  for i = 1, #servers do
    if is_in_service(servers[i]) then
      if not servers[i].backup then
        return i
      end
      backup = backup or i
    end
  end
  return backup
end


-- The first server in service; looks at them only when something has changed.
local function first(state, servers)
  local generation = servers:generation()
  if generation ~= state.generation then
    state.first = find_first(servers)
    state.generation = generation
  end
  return state.first
end


--- Chooses the server for one flow.
-- @param state    what `new` made
-- @param flow     what is known of the flow (unused)
-- @param servers  array of servers; servers:generation(), servers:chosen(),
--   servers:choose()
-- @return its index and "wait", or nil and a reason
function _M.pick(state, flow, servers)
  local chosen = servers:chosen()
  if chosen and not state.failback and is_in_service(servers[chosen]) then
    return chosen, "wait"
  end

  local wanted = first(state, servers)
  if not wanted then
    return nil, "no server is in service"
  end
  if wanted == chosen then
    return wanted, "wait"
  end
  local held = servers:choose(wanted)
  -- Who has chosen may know of a server's return that is news here.
  if held and is_in_service(servers[held]) then
    return held, "wait"
  end
  return wanted, "wait"
end


return _M
