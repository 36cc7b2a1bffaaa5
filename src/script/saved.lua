--- What `save` returned, copied for the next version of the script: strings,
-- numbers, booleans, and tables of them.  Two places that name one table do so
-- in the copy, too; one that is within itself is refused.
-- @module script.saved
local DEPTH_MAX = 32
local VALUES_MAX = 100000
local BYTES_MAX = 8 * 1024 * 1024

local concat, next, type = table.concat, next, type
local get_metatable = debug.getmetatable

local _M = {}

local copy_value


-- One step of the way to a value, as the script would write it.
local function step(key)
  if type(key) == "string" and key:find("^[%a_][%w_]*$") then
    return "." .. key
  end
  if type(key) == "string" then
    return ("[%q]"):format(key:sub(1, 40))
  end
  return ("[%s]"):format(tostring(key))
end


local function refuse(state, what)
  local steps = { "saved" }
  for i = 1, state.depth do
    steps[i + 1] = step(state.path[i])
  end
  state.reason = concat(steps) .. " " .. what
  return nil
end


-- Counts a value; false: there are too many.
local function count(state, value)
  state.values = state.values + 1
  if type(value) == "string" then
    state.bytes = state.bytes + #value
  end
  return state.values <= VALUES_MAX and state.bytes <= BYTES_MAX
end


local function refuse_size(state)
  state.depth = 0
  return refuse(state, ("is more than %d values or %d MiB of strings"):format(
    VALUES_MAX, BYTES_MAX / 1024 / 1024))
end


local function copy_field(state, to, key, value)
  local kind = type(key)
  if kind ~= "string" and kind ~= "number" and kind ~= "boolean" then
    return refuse(state, "has a key that is a " .. kind)
  end
  if not count(state, key) then
    return refuse_size(state)
  end
  state.depth = state.depth + 1
  state.path[state.depth] = key
  local copied = copy_value(state, value)
  if copied == nil then
    return nil
  end
  state.depth = state.depth - 1
  to[key] = copied
  return true
end


local function copy_table(state, from)
  local known = state.known[from]
  if known == false then
    return refuse(state, "is a table that it is within")
  end
  if known then
    return known
  end
  if state.depth == DEPTH_MAX then
    return refuse(state, ("is nested more than %d deep"):format(DEPTH_MAX))
  end
  if get_metatable(from) ~= nil then
    return refuse(state, "has a metatable")
  end
  local to = {}
  state.known[from] = false
  for key, value in next, from do
    if not copy_field(state, to, key, value) then
      return nil
    end
  end
  state.known[from] = to
  return to
end


-- The copy; or nil, and state.reason says why.
function copy_value(state, value)
  local kind = type(value)
  if not count(state, value) then
    return refuse_size(state)
  end
  if kind == "table" then
    return copy_table(state, value)
  end
  if kind == "string" or kind == "number" or kind == "boolean" then
    return value
  end
  return refuse(state, "is a " .. kind)
end


--- Asks a version for what the next one is to get.
-- @param save  function: its hook
-- @return the copy, which may be nil; or nil, and what is wrong with it
function _M.take(save)
  local value = save()
  if value == nil then
    return nil
  end
  local state = { depth = 0, path = {}, known = {}, values = 0, bytes = 0 }
  return copy_value(state, value), state.reason
end


return _M
