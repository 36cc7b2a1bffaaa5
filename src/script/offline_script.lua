--- Scripts as specs have them: `script:HOOK(...)` calls a hook as the program
-- would, holds what it returns to the same rules, and raises what it raises.
-- @module script.offline_script
local begin_wait = require("script.waits").begin
local saved = require "script.saved"

local _M = {}

local NAMES_MAX = 32

-- Hooks that may wait.
local WAITING = { request = true, login = true, check = true }

-- The hook that is under way, its coroutine, and its request where it has one.
local under_way = {}


local function finish(outer, ok, ...)
  under_way = outer
  if not ok then
    error((...), 0)
  end
  return ...
end


--- Calls a function as the hook of a name.
-- @param req  what test.request made, or nil
-- @return what the function returned; raises what it raised
function _M.within(name, req, f, ...)
  local outer = under_way
  under_way = { name = name, thread = coroutine.running(), req = req }
  return finish(outer, pcall(f, ...))
end


--- Why nothing may wait now, in words; nil: it may.
function _M.refuse_wait()
  if not under_way.name then
    return nil
  end
  if not WAITING[under_way.name] then
    return begin_wait()
  end
  if under_way.thread ~= coroutine.running() then
    return "may not be used in a coroutine of the script's own"
  end
  return nil
end


--- The request of the hook that is under way.
function _M.request()
  return under_way.req
end


local function refuse(name, what, level)
  error(("%s: %s"):format(name, what), level + 1)
end


-- --- decisions of sections ---------------------------------------------------

local function check_name(name, decision, key)
  local value = decision[key]
  if type(value) ~= "string" or #value == 0 or #value > NAMES_MAX then
    refuse(name, ("'%s' is not a name"):format(key), 4)
  end
end


-- Upstreams are those of a configuration, which a spec has not: any name will
-- do.
local function read_route(host, name, script, decision)
  check_name(name, decision, "upstream")
  if decision.server ~= nil then
    check_name(name, decision, "server")
  end
  local _, why = host.verdict(script, nil, { priority = decision.priority
    or 0 })
  if why then
    refuse(name, why, 4)
  end
  return {
    upstream = decision.upstream, server = decision.server,
    priority = decision.priority,
  }
end


-- What was decided, as a table; nil: it goes on.
local function read_decision(host, name, script, exchange, first, second)
  if type(first) == "table" and rawget(first, "upstream") ~= nil then
    return read_route(host, name, script, first)
  end
  local kind, why = host.verdict(script, exchange, first, second)
  if not kind then
    refuse(name, why, 3)
  end
  if kind == "deny" then
    return { denied = why }
  end
  if kind == "reply" then
    return {
      status = first.status, headers = first.headers or {}, body = first.body,
    }
  end
  return first and { priority = first.priority } or nil
end


-- --- picks -------------------------------------------------------------------

local function is_in_service(server)
  return server.up and not server.draining and not server.maint
    and server.weight > 0
end


-- The index and what goes with it, as the core reads them.
local function read_pick(servers, waits, index, more)
  if index == nil then
    return nil, type(more) == "string" and more or "the policy chose no server"
  end
  if type(index) ~= "number" then
    refuse("pick", ("it answered a %s, which is not an index"):format(
      type(index)), 3)
  end
  if not servers[index] then
    refuse("pick", ("it answered %g, which is not the index of one of the %d "
      .. "servers"):format(index, #servers), 3)
  end
  local waiting = waits and more == "wait" and is_in_service(servers[index])
  if not servers[index].usable and not waiting then
    refuse("pick", ("it answered %d, and that server is not usable"):format(
      index), 3)
  end
  return index, more == "wait" and more or nil
end


-- A flow's turn is one higher than that of the flow before, and stays.
local function take_turn(flow, servers)
  if flow.turn == nil then
    flow.turn, servers.next = servers.next, servers.next + 1
  end
  servers.now = flow.turn
end


-- --- the whole ---------------------------------------------------------------

-- What hooks of a policy get first.
local STATEFUL = { pick = true, done = true, state = true }


-- Calls a hook with the policy's state before its arguments.
local function call(loaded, name, ...)
  local hook = loaded.hooks[name]
  local req = name == "request" and (...) or nil
  if loaded.state ~= nil and STATEFUL[name] then
    return _M.within(name, req, hook, loaded.state, ...)
  end
  return _M.within(name, req, hook, ...)
end


local callers = {}


function callers.request(loaded, req)
  local exchange = loaded.requests.exchange(req)
  if not exchange then
    error("bad argument #1 to 'request' (what test.request made expected)", 3)
  end
  return read_decision(loaded.host, "request", loaded.pointer, exchange,
    call(loaded, "request", req))
end


function callers.accept(loaded, conn)
  return read_decision(loaded.host, "accept", loaded.pointer, nil,
    call(loaded, "accept", conn))
end


function callers.login(loaded, login, conn)
  return read_decision(loaded.host, "login", loaded.pointer, nil,
    call(loaded, "login", login, conn or loaded.new_conn()))
end


function callers.pick(loaded, flow, servers)
  take_turn(flow, servers)
  return read_pick(servers, loaded.hooks.waits,
    call(loaded, "pick", flow, servers))
end


function callers.check(loaded, server)
  local well, reason = call(loaded, "check", server)
  if type(well) ~= "boolean" then
    refuse("check", ("it returned a %s; true, or false and a reason, are "
      .. "expected"):format(type(well)), 2)
  end
  return well, reason
end


function callers.save(loaded)
  local value, why = saved.take(loaded.hooks.save)
  if why then
    refuse("save", why, 2)
  end
  return value
end


--- Makes the script of a spec.
-- @param loaded  table: host; pointer, the struct script *; hooks, functions by
--   name, and `waits`; state, what `new` gave; requests; new_conn(), for
--   logins without one
-- @return table with a method for each hook
function _M.new(loaded)
  return setmetatable({ hooks = loaded.hooks }, {
    __index = function(_, name)
      if type(loaded.hooks[name]) ~= "function" then
        error(("the script has no hook '%s'"):format(tostring(name)), 2)
      end
      return function(_, ...)
        if callers[name] then
          return callers[name](loaded, ...)
        end
        return call(loaded, name, ...)
      end
    end,
  })
end


return _M
