--- Servers, flows and requests as plain tables, for policies and rewrites.
local address = require "moongate.address"

local _M = {}

local FIELDS = {
  weight = 1, active = 0, queued = 0, usable = true, up = true,
  draining = false, maint = false, backup = false, latency_ms = 0, fails = 0,
  maxconn = 0,
}


local function is_in_service(server)
  return server.up and not server.draining and not server.maint
    and server.weight > 0
end


local function is_full(server)
  return is_in_service(server) and server.maxconn > 0
    and server.active >= server.maxconn
end


-- Backups stand in when no other server is usable, or full and waited for.
local function backups_stand_in(servers)
  local backups = false
  for _, server in ipairs(servers) do
    if server.usable or is_full(server) then
      if not server.backup then
        return false
      end
      backups = true
    end
  end
  return backups
end


-- What servers:generation() is to change with, as a text.
local function signature(servers)
  local parts = { tostring(backups_stand_in(servers)) }
  for i, server in ipairs(servers) do
    parts[i + 1] = (is_in_service(server) and server.weight or 0)
      .. (server.backup and "b" or "")
  end
  return table.concat(parts, " ")
end


-- The numbers of the signatures that there were.
local generations, generation_count = {}, 0


local function load_of(server)
  local count = server.active + server.queued
  return count > 0 and (count + 1) / server.weight or 0
end


-- The usable servers with the least load.
local function least_loaded(servers)
  local least, indices = math.huge, {}
  for i, server in ipairs(servers) do
    if server.usable and load_of(server) < least then
      least, indices = load_of(server), {}
    end
    if server.usable and load_of(server) == least then
      indices[#indices + 1] = i
    end
  end
  return indices
end


--- An array of servers.
-- @param ...  numbers (weights) or tables (fields that differ)
-- @return array; its field `now` is what servers:turn() answers, `choice` what
--   lies on the board for servers:chosen()
function _M.servers(...)
  local servers = {}
  for i = 1, select("#", ...) do
    local given = select(i, ...)
    local server = { name = "s" .. i, index = i }
    for key, value in pairs(FIELDS) do
      server[key] = value
    end
    if type(given) == "number" then
      given = { weight = given }
    end
    for key, value in pairs(given) do
      server[key] = value
    end
    servers[i] = server
  end

  local state = { now = 0, choice = nil }
  local seen
  function state.turn()
    return state.now
  end
  function state.chosen()
    seen = state.choice
    return seen
  end
  function state.choose(_, index)
    if state.choice == seen then
      state.choice = index
    end
    return state.choice
  end
  function state.least()
    local indices = least_loaded(servers)
    return indices[state.now % math.max(#indices, 1) + 1]
  end
  function state.latency(_, index)
    return servers[index].latency_ms
  end
  function state.generation()
    local now = signature(servers)
    if not generations[now] then
      generation_count = generation_count + 1
      generations[now] = generation_count
    end
    return generations[now]
  end
  return setmetatable(servers, { __index = state, __newindex = state })
end


--- An array that holds a value COUNT times.
function _M.repeated(value, count)
  local array = {}
  for i = 1, count do
    array[i] = value
  end
  return array
end


--- A flow.
-- @param fields  table, optional: client, uri, path; headers, cookies and args,
--   by name; tried_servers, a set of indices
function _M.flow(fields)
  local flow = {
    client = "192.0.2.1", tried_servers = {},
    headers = {}, cookies = {}, args = {},
  }
  for key, value in pairs(fields or {}) do
    flow[key] = value
  end
  for method, values in pairs { header = "headers", cookie = "cookies",
                                arg = "args" } do
    flow[method] = function(self, name)
      return self[values][name]
    end
  end
  flow.client_number = address.fold(flow.client)
  function flow.tried(self, i)
    return self.tried_servers[i] or false
  end
  return flow
end


--- Makes a function that picks by a policy as the program would, with a state
-- where the policy has one.
function _M.picker(name, options)
  local policy = dofile("lua/policy/" .. name .. ".lua")
  if not policy.new then
    return policy.pick
  end
  local state = policy.new(options or {})
  return function(flow, servers)
    return policy.pick(state, flow, servers)
  end
end


--- The indices that successive turns give.
function _M.picks(pick, servers, first, count, flow)
  local picks = {}
  for turn = first, first + count - 1 do
    servers.now = turn
    picks[#picks + 1] = assert(pick(flow or _M.flow(), servers))
  end
  return picks
end


--- How often each index stands in an array, from FIRST for COUNT places.
function _M.count(picks, n, first, count)
  local counts = {}
  for i = 1, n do
    counts[i] = 0
  end
  for at = first or 1, (first or 1) + (count or #picks) - 1 do
    counts[picks[at]] = counts[picks[at]] + 1
  end
  return counts
end


return _M
