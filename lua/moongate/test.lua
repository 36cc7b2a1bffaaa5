--- What policies rest on, as plain tables that a spec fills in: servers and
-- flows.  Under `moongate test` the same module has the functions that load
-- scripts, make requests and move the clock besides.
--
--     local test = require "moongate.test"
--     local servers = test.servers { { weight = 2 }, { backup = true } }
--     local flow = test.flow { client = "192.0.2.7" }
--
-- Servers do what the core's do (turn, least, generation, chosen, choose), but
-- nobody computes a field: `usable` is what the spec says.
local address = require "moongate.address"

local _M = {}

-- What a server is unless it is said; lua/meta/moongate.lua says what it means.
local SERVER = {
  weight = 1, active = 0, queued = 0, usable = true, up = true,
  draining = false, maint = false, backup = false, latency_ms = 0, fails = 0,
  maxconn = 0, name = "", index = 0,
}
local FLOW = {
  client = "192.0.2.1", port = 40000, listener = "198.51.100.1:80",
}
local FLOW_TEXTS = {
  client = true, listener = true, uri = true, path = true, host = true,
  user = true, schema = true,
}
local FLOW_TABLES = {
  headers = true, cookies = true, args = true, tried_servers = true,
}


-- --- servers -----------------------------------------------------------------

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


-- As the core refuses a field that it does not have.
local server_metatable = {
  __index = function(_, key)
    error(("server has no field '%s'"):format(tostring(key)), 2)
  end,
  __newindex = function(_, key)
    error(("server has no field '%s'"):format(tostring(key)), 2)
  end,
}


-- Likewise; but a Unix socket has no port.
local checked_metatable = {
  __index = function(_, key)
    if key == "port" then
      return nil
    end
    error(("server has no field '%s'"):format(tostring(key)), 2)
  end,
  __newindex = server_metatable.__newindex,
}


local function new_server(given, i, level)
  if type(given) == "number" then
    given = { weight = given }
  end
  local server = {}
  for key, value in pairs(SERVER) do
    server[key] = value
  end
  server.name, server.index = "s" .. i, i
  for key, value in pairs(given) do
    if type(value) ~= type(SERVER[key]) then
      error(("server %d cannot have %s = %s"):format(i, tostring(key),
        tostring(value)), level + 1)
    end
    server[key] = value
  end
  return setmetatable(server, server_metatable)
end


-- The methods of an array, and what they answer from.
local function new_state(servers)
  local state = { now = 0, next = 0, choice = nil }
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


  return state
end


--- An array of servers.
-- @param ...  each a number (a weight) or a table (the fields that differ); or
--   one array of them
-- @return array; its field `now` is what servers:turn() answers, `next` is the
--   turn of the next new flow, `choice` what servers:chosen() finds
function _M.servers(...)
  local given = { ... }
  if #given == 1 and type(given[1]) == "table" and given[1][1] ~= nil then
    given = given[1]
  end
  local servers = {}
  for i, one in ipairs(given) do
    servers[i] = new_server(one, i, 2)
  end
  local state = new_state(servers)
  return setmetatable(servers, { __index = state, __newindex = state })
end


local CHECKED = {
  name = "s1", upstream = "app", host = "192.0.2.10", port = 80,
}


--- A server as the hook `check` gets it.
-- @param given  table, optional: name, upstream, host, port (none for a host
--   "unix:/PATH"), and the fields of servers
function _M.checked(given)
  local server, own = {}, {}
  for key, value in pairs(CHECKED) do
    own[key] = value
  end
  for key, value in pairs(given or {}) do
    (CHECKED[key] and own or server)[key] = value
  end
  server = new_server(server, 1, 2)
  if own.host:find("^unix:") then
    own.port = nil
  end
  for key, value in pairs(own) do
    rawset(server, key, value)
  end
  rawset(server, "address", _M.address(own.host, own.port))
  return setmetatable(server, checked_metatable)
end


--- "HOST:PORT", "[V6]:PORT" or "unix:/PATH".
function _M.address(host, port)
  if not port then
    return host
  end
  return (host:find(":", 1, true) and "[%s]:%d" or "%s:%d"):format(host, port)
end


-- --- flows -------------------------------------------------------------------

local methods = {}


--- A number of 32 bits for a text; by the core, and so only where there is one.
_M.hash = nil


function methods.hash(_, text)
  if not _M.hash then
    error("flow:hash is there under `moongate test` only", 2)
  end
  return _M.hash(text)
end


function methods.tried(flow, i)
  return flow.tried_servers[i] or false
end


function methods.header(flow, name)
  return flow.headers[name:lower()]
end


function methods.cookie(flow, name)
  return flow.cookies[name]
end


function methods.arg(flow, name)
  return flow.args[name]
end


local flow_metatable = {
  __index = function(flow, key)
    if methods[key] then
      return methods[key]
    end
    if not FLOW_TEXTS[key] and key ~= "client_number" and key ~= "turn" then
      error(("flow has no field '%s'"):format(tostring(key)), 2)
    end
    return nil
  end,
}


-- The given table with names in lower case.
local function lower_names(given)
  local result = {}
  for name, value in pairs(given or {}) do
    result[name:lower()] = value
  end
  return result
end


local function check_flow(given)
  for key, value in pairs(given) do
    local wanted = FLOW_TEXTS[key] and "string" or FLOW_TABLES[key] and "table"
      or key == "port" and "number"
    if type(value) ~= wanted then
      error(("a flow cannot have %s = %s"):format(tostring(key),
        tostring(value)), 3)
    end
  end
end


--- A flow.
-- @param given  table, optional: client, port, listener, uri, path, host, user,
--   schema; headers, cookies, args (values by name); tried_servers (true by the
--   index of each server that was tried)
function _M.flow(given)
  given = given or {}
  check_flow(given)
  local flow = {}
  for key, value in pairs(FLOW) do
    flow[key] = value
  end
  for key, value in pairs(given) do
    flow[key] = value
  end
  flow.headers = lower_names(given.headers)
  flow.cookies, flow.args = given.cookies or {}, given.args or {}
  flow.tried_servers = given.tried_servers or {}
  flow.client_number = address.fold(flow.client)
  return setmetatable(flow, flow_metatable)
end


-- --- clients and logins ------------------------------------------------------

local CONN = { client = "192.0.2.1", port = 40000,
               listener = "198.51.100.1:3306" }
local CONN_FIELDS = {
  client = "string", port = "number", listener = "string", ctx = "table",
}
local LOGIN_FIELDS = {
  user = "string", schema = "string", charset = "number",
  attributes = "table", plugin = "string", tls = "boolean",
}
local UTF8MB4 = 45  -- the collation that most clients name


-- A table that has these fields, and raises for others.
local function new_subject(what, fields, defaults, given)
  local values = {}
  for key, value in pairs(defaults) do
    values[key] = value
  end
  for key, value in pairs(given or {}) do
    if type(value) ~= fields[key] then
      error(("a %s cannot have %s = %s"):format(what, tostring(key),
        tostring(value)), 3)
    end
    values[key] = value
  end
  return setmetatable({}, {
    __index = function(_, key)
      if not fields[key] then
        error(("%s has no field '%s'"):format(what, tostring(key)), 2)
      end
      return values[key]
    end,
    __newindex = function()
      error(("a %s cannot be changed"):format(what), 2)
    end,
  })
end


--- A client, for `accept`, `login` and `close`; one for all hooks of a session.
-- @param given  table, optional: client, port, listener, ctx
function _M.conn(given)
  local defaults = { ctx = {} }
  for key, value in pairs(CONN) do
    defaults[key] = value
  end
  return new_subject("conn", CONN_FIELDS, defaults, given)
end


--- A login.
-- @param given  table, optional: user, schema, charset, attributes (texts by
--   name), plugin, tls
function _M.login(given)
  for name, value in pairs(given and given.attributes or {}) do
    if type(name) ~= "string" or type(value) ~= "string" then
      error(("an attribute cannot be %s = %s"):format(tostring(name),
        tostring(value)), 2)
    end
  end
  return new_subject("login", LOGIN_FIELDS, {
    user = "", charset = UTF8MB4, attributes = {}, tls = false,
  }, given)
end


-- --- responses ---------------------------------------------------------------

local RESPONSE = {
  status = "number", server = "string", upstream_ms = "number",
  headers = "table",
}

local response_methods = {}

-- What responses are, by the tables that stand for them.
local responses = setmetatable({}, { __mode = "k" })


-- The values of a header, in the order in which they were set.
local function values_of(res, name)
  return responses[res].values[name:lower()] or {}
end


function response_methods.header(res, name)
  return values_of(res, name)[1]
end


function response_methods.set_header(res, name, value)
  responses[res].values[name:lower()] = { value ~= nil and tostring(value)
    or nil }
  return true
end


function response_methods.add_header(res, name, value)
  local values = values_of(res, name)
  values[#values + 1] = tostring(value)
  responses[res].values[name:lower()] = values
  return true
end


function response_methods.set_status(res, status)
  if type(status) ~= "number" or status < 200 or status > 599
    or status % 1 ~= 0 then
    error("bad argument #1 to 'set_status' (a status from 200 to 599 expected)",
      2)
  end
  responses[res].status = status
  return true
end


local response_metatable = {
  __index = function(res, key)
    if response_methods[key] then
      return response_methods[key]
    end
    if RESPONSE[key] and key ~= "headers" then
      return responses[res][key]
    end
    error(("res has no field '%s'"):format(tostring(key)), 2)
  end,
  __newindex = function()
    error("a response is changed by its methods", 2)
  end,
}


--- A response.
-- @param given  table, optional: status (200), server, upstream_ms; headers,
--   values or lists of them by name
function _M.response(given)
  local state = { status = 200, values = {} }
  for key, value in pairs(given or {}) do
    if type(value) ~= RESPONSE[key] then
      error(("a response cannot have %s = %s"):format(tostring(key),
        tostring(value)), 2)
    end
    if key ~= "headers" then
      state[key] = value
    end
  end
  local res = setmetatable({}, response_metatable)
  responses[res] = state
  for name, values in pairs(given and given.headers or {}) do
    for _, value in ipairs(type(values) == "table" and values or { values }) do
      res:add_header(name, value)
    end
  end
  return res
end


-- --- counting ----------------------------------------------------------------

--- An array that holds a value COUNT times.
function _M.repeated(value, count)
  local array = {}
  for i = 1, count do
    array[i] = value
  end
  return array
end


--- How often each index stands in an array, from FIRST for COUNT places.
-- @param picks  array of indices
-- @param n      number: of servers
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
