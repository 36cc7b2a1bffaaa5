--- Policies made of policies.
--
--     local policy = require "moongate.policy"
--     return policy.first_of(policy.hash "cookie:session", "leastconn")
--
-- What is made is a table of hooks, as a script returns it.  Where a policy is
-- wanted it may be such a table, or the name of one that ships or stands in
-- policy/ of the script path.  They are put together while the script loads;
-- a pick makes nothing.
local hashed = require "moongate.hashed"
local health = require "moongate.health"
local options = require "moongate.options"

local _M = {}

-- What a flow may be told by: texts, or a number, from the flow and a name.
local SOURCES = {
  cookie = function(flow, name) return flow:cookie(name) end,
  header = function(flow, name) return flow:header(name) end,
  arg = function(flow, name) return flow:arg(name) end,
  uri = function(flow) return flow.uri end,
  path = function(flow) return flow.path end,
  user = function(flow) return flow.user end,
  schema = function(flow) return flow.schema end,
  client = function(flow) return flow.client_number end,
}
local NAMED = { cookie = true, header = true, arg = true }
local SOURCES_TEXT = "cookie:NAME, header:NAME, arg:NAME, client, uri, path, "
  .. "user or schema"


-- --- what is put together ----------------------------------------------------

-- The hooks of what stands for a policy.
local function resolve(policy, position, name)
  if type(policy) == "string" then
    policy = require("policy." .. policy)
  end
  if type(policy) ~= "table" or type(policy.pick) ~= "function" then
    error(("bad argument #%d to '%s' (a policy or its name expected)"):format(
      position, name), 3)
  end
  return policy
end


-- A policy and its state, to be asked by `ask`.
local function instance(policy)
  return {
    pick = policy.pick,
    done = policy.done,
    state = policy.state,
    own = policy.new and policy.new({}),
  }
end


local function ask(member, flow, servers)
  if member.own == nil then
    return member.pick(flow, servers)
  end
  return member.pick(member.own, flow, servers)
end


-- Whether one of the policies has a hook.
local function any_has(policies, hook)
  for _, policy in ipairs(policies) do
    if policy[hook] then
      return true
    end
  end
  return false
end


-- A hook that passes what happened on to all members that have it.
local function teller(hook)
  return function(members, ...)
    for k = 1, #members do
      local member = members[k]
      if member[hook] and member.own == nil then
        member[hook](...)
      elseif member[hook] then
        member[hook](member.own, ...)
      end
    end
  end
end


-- The hooks of what asks several policies, but `pick`.
local function new_hooks(policies)
  local result = {
    waits = any_has(policies, "waits"),
    done = any_has(policies, "done") and teller("done") or nil,
    state = any_has(policies, "state") and teller("state") or nil,
  }
  function result.new(given)
    options.read(given, {})
    local members = {}
    for k, policy in ipairs(policies) do
      members[k] = instance(policy)
    end
    return members
  end
  return result
end


-- --- policies ----------------------------------------------------------------

--- A policy with options: named("source", { hash = "consistent" }).
-- @param policy  table of hooks, or a name
-- @param given   table of strings, as behind the name in the configuration
-- @return table of hooks, which takes no options
function _M.named(policy, given)
  local hooks = resolve(policy, 1, "named")
  if type(given) ~= "table" then
    error("bad argument #2 to 'named' (a table of options expected)", 2)
  end
  local result = {}
  for name, hook in pairs(hooks) do
    result[name] = hook
  end
  function result.new(more)
    options.read(more, {})
    if not hooks.new then
      options.read(given, {})
      return nil
    end
    return hooks.new(given)
  end
  return result
end


--- The same value, the same server, as in the policy `source`; nothing where
-- the flow has no such value, so the next one of first_of is asked.
-- @param source  string: cookie:NAME, header:NAME, arg:NAME, client, uri, path,
--   user or schema
-- @param given   table, optional: hash = "map-based" or "consistent"
-- @return table of hooks
function _M.hash(source, given)
  local kind, name = tostring(source):match("^(%l+):?(.*)$")
  local read = SOURCES[kind]
  if not read or (name ~= "") ~= (NAMED[kind] or false) then
    error(("bad argument #1 to 'hash' (%s expected)"):format(SOURCES_TEXT), 2)
  end
  local chosen = options.read(given or {}, { hash = hashed.KINDS })
  local absent = ("there is no %s"):format(source)

  local function new(more)
    options.read(more, {})
    return hashed.new(chosen.hash)
  end

  local function pick(servers_of, flow, servers)
    local value = read(flow, name)
    if not value or value == "" then
      return nil, absent
    end
    if type(value) == "string" then
      value = hashed.number(value, 1, #value)
    end
    return servers_of:pick(servers, value)
  end

  return { new = new, pick = pick }
end


-- Asks one after the other.
local function first_usable(members, flow, servers)
  local reason
  for k = 1, #members do
    local index, word = ask(members[k], flow, servers)
    local server = index and servers[index]
    if server and (server.usable or word == "wait") then
      return index, word
    end
    reason = not index and word or reason
  end
  return nil, reason or "no policy chose a server"
end


--- The first policy that answers a server which this flow can use.  What their
-- hooks `state` and `done` are for goes to all of them, whoever has picked.
-- @param ...  policies, or names
-- @return table of hooks
function _M.first_of(...)
  local policies = { ... }
  if #policies == 0 then
    error("bad argument #1 to 'first_of' (a policy or its name expected)", 2)
  end
  for k, policy in ipairs(policies) do
    policies[k] = resolve(policy, k, "first_of")
  end
  local result = new_hooks(policies)
  result.pick = first_usable
  return result
end


--- A policy that sees lower weights of servers whose checks fail, though they
-- are up still: half of it with each failure in a row.  Looks at every server
-- at each pick.
-- @param policy  table of hooks, or a name
-- @return table of hooks
function _M.by_health(policy)
  local result = new_hooks { resolve(policy, 1, "by_health") }

  function result.pick(members, flow, servers)
    if members.of ~= servers then
      members.of, members.seen = servers, health.new(servers)
    end
    health.refresh(members.seen)
    return ask(members[1], flow, members.seen)
  end

  return result
end


return _M
