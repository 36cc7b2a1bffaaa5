--- moongate.shared: dictionaries that all processes see.
--
-- Each script gets objects of its own, which hold nothing; where their entries
-- are is known here alone.
-- @module script.shared
local ffi = require "ffi"
local host = require "script.host"
local calls = require "script.calls"

ffi.cdef(host.texts["shared_struct.h"])

local C, check = ffi.C, calls.check
local c = ffi.cast("const struct shared_calls *", host.shared_calls)

local DONE, ABSENT, EXISTS = C.SHARED_DONE, C.SHARED_ABSENT, C.SHARED_EXISTS
local BOOLEAN, NUMBER, STRING = C.SHARED_BOOLEAN, C.SHARED_NUMBER,
  C.SHARED_STRING
local NAME_MAX = 32
local EXPIRY_MAX = 1e9
local REASONS = {
  [ABSENT] = "not found",
  [EXISTS] = "exists",
  [tonumber(C.SHARED_NOT_NUMBER)] = "not a number",
  [tonumber(C.SHARED_BAD_KEY)] = "the key must have 1 to 255 bytes",
  [tonumber(C.SHARED_TOO_LONG)] = "the value is longer than 16384 bytes",
}

--- The entries' places, by the objects that scripts have.
local places = setmetatable({}, { __mode = "k" })

local value = ffi.new("struct shared_value")
local init_value = ffi.new("double[1]")

local _M = { c = c }
local methods = {}


-- Where the entries are; raises at the line of whoever called the method.
local function place_of(dict, key, name)
  local place = places[dict]
  if place == nil then
    error(("%s must be called with a colon: dictionary:%s(...)"):format(name,
      name), 3)
  end
  if type(key) ~= "string" then
    error(("bad argument #1 to '%s' (string expected, got %s)"):format(name,
      type(key)), 3)
  end
  return place
end


-- Sets `value`.
local function give(new, name)
  local kind = type(new)
  if kind == "number" then
    value.kind, value.number = NUMBER, new

  elseif kind == "string" then
    value.kind, value.p, value.len = STRING, new, #new

  elseif kind == "boolean" then
    value.kind, value.number = BOOLEAN, new and 1 or 0

  else
    error(("bad argument #2 to '%s' (string, number or boolean expected, "
      .. "got %s)"):format(name, kind), 3)
  end
end


-- Milliseconds; 0 where nothing is given.
local function read_expiry(expiry, position, name)
  if expiry == nil then
    return 0
  end
  if type(expiry) ~= "number" or not (expiry > 0 and expiry <= EXPIRY_MAX) then
    error(("bad argument #%d to '%s' (seconds above 0 expected)"):format(
      position, name), 3)
  end
  return math.max(1, math.floor(expiry * 1000))
end


--- The value of a key.
-- @return string, number or boolean; nil where there is none
function methods.get(dict, key)
  local place = place_of(dict, key, "get")
  local answer = c.get(place, key, #key, value)
  if answer == DONE then
    local kind = value.kind
    if kind == NUMBER then
      return value.number
    end
    if kind == STRING then
      local text = ffi.string(value.p, value.len)  -- as in calls.to_string
      return text
    end
    return value.number ~= 0
  end
  if answer == ABSENT then
    return nil
  end
  return nil, REASONS[answer]
end


--- Sets a value.
-- @param expiry  number, optional: seconds
-- @return true; or nil and a reason
function methods.set(dict, key, new, expiry)
  local place = place_of(dict, key, "set")
  give(new, "set")
  local answer = c.set(place, key, #key, value, read_expiry(expiry, 3, "set"))
  if answer == DONE then
    return true
  end
  return nil, REASONS[answer]
end


--- Sets a value unless there is one.
-- @return true; or nil and a reason, "exists"
function methods.add(dict, key, new, expiry)
  local place = place_of(dict, key, "add")
  give(new, "add")
  local answer = c.add(place, key, #key, value, read_expiry(expiry, 3, "add"))
  if answer == DONE then
    return true
  end
  return nil, REASONS[answer]
end


--- Adds to a number.
-- @param by      number
-- @param init    number, optional: what is added to where there is none
-- @param expiry  number, optional: seconds, of one that is made
-- @return the sum; or nil and a reason, "not found" or "not a number"
function methods.incr(dict, key, by, init, expiry)
  local place = place_of(dict, key, "incr")
  if type(by) ~= "number" then
    check(by, "number", 2, "incr")
  end
  local start
  if init ~= nil then
    check(init, "number", 3, "incr")
    init_value[0] = init
    start = init_value
  end
  local ttl_ms = read_expiry(expiry, 4, "incr")
  value.number = by
  local answer = c.incr(place, key, #key, value, start, ttl_ms)
  if answer == DONE then
    return value.number
  end
  return nil, REASONS[answer]
end


--- Deletes a key.
-- @return true; or nil and a reason, "not found"
function methods.delete(dict, key)
  local answer = c.erase(place_of(dict, key, "delete"), key, #key)
  if answer == DONE then
    return true
  end
  return nil, REASONS[answer]
end


setmetatable(methods, {
  __index = function(_, key)
    error(("a dictionary has no '%s'"):format(tostring(key)), 2)
  end,
})

local metatable = {
  __index = methods,
  __newindex = function()
    error("a dictionary's entries are set by dictionary:set(key, value)", 2)
  end,
  __tostring = function() return "dictionary" end,
  __metatable = false,
}


local function check_name(name)
  if type(name) ~= "string" then
    error(("bad argument #1 to 'shared' (string expected, got %s)"):format(
      type(name)), 3)
  end
  if #name > NAME_MAX or not name:find("^[%w_.-]+$") then
    error("bad argument #1 to 'shared' (a name of 1 to 32 letters, digits, "
      .. "'_', '.' and '-' expected)", 3)
  end
end


--- Makes moongate.shared for one script.
-- @param scripts  struct scripts *
function _M.new(scripts)
  local known = {}

  --- The dictionary of this name, which is made when there is none.
  return function(name)
    check_name(name)
    if known[name] then
      return known[name]
    end
    local memory = c.dicts(scripts)
    if memory == nil then
      return nil, "no memory"
    end
    local number = c.open(memory, name, #name)
    if number < 0 then
      return nil, "there are 64 dictionaries already"
    end
    local dict = setmetatable({}, metatable)
    places[dict] = ffi.new("struct shared_place", memory, number)
    known[name] = dict
    return dict
  end
end


return _M
