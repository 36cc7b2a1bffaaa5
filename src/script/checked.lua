--- A server as the hook `check` gets it: what policies see of it, as it is now,
-- and where to connect to.
--
-- It lasts from check to check; when its configuration goes it is over.
-- @module script.checked
local ffi = require "ffi"
local calls = require "script.calls"
local views = require "script.views"

local C, c, text = ffi.C, calls.c, calls.text

--- What was made, by a number that C has; until C takes it out.
local kept = {}
local last = 0

local _M = { kept = kept }


local VIEW_FIELDS = {}
for _, name in ipairs(views.names) do
  VIEW_FIELDS[name] = true
end


local function text_reader(field)
  return function(handle)
    local answer = c.checked_text(handle, field, text)
    if answer == C.SCRIPT_ENDED then
      calls.raise_ended("server", 4)
    end
    local value = ffi.string(text.p, text.len)  -- as in calls.to_string
    return value
  end
end

local fields = {
  address = text_reader(C.SCRIPT_FIELD_ADDRESS),
  host = text_reader(C.SCRIPT_FIELD_HOST),
  port = function(handle)
    local port = c.checked_port(handle)
    if port == C.SCRIPT_ENDED then
      calls.raise_ended("server", 4)
    end
    return port > 0 and port or nil
  end,
}


-- What `server.key` gives; an error is the script's who asked.
local function read(self, key)
  local field = fields[key]
  if field then
    return (field(self.handle))
  end
  if key == "upstream" then
    return self.upstream_name
  end
  if not VIEW_FIELDS[key] then
    error(("server has no field '%s'"):format(tostring(key)), 3)
  end
  if c.checked_port(self.handle) == C.SCRIPT_ENDED then
    calls.raise_ended("server", 3)
  end
  c.upstream_refresh(self.upstream)
  return self.view[key]
end


--- Makes one.
-- @param pointer  lightuserdata: struct upstream *, which lives as long as the
--                 handle is set
-- @param index    number: of the server, from 1
-- @return the number under which what scripts get is kept; the handle, which C
--   writes to, and which lives as long as that
function _M.new(pointer, index)
  local upstream = ffi.cast("struct upstream *", pointer)
  c.upstream_name(upstream, text)
  local self = {
    upstream = upstream,
    upstream_name = ffi.string(text.p, text.len),
    view = views.new(pointer)[index],
    handle = ffi.new("const struct script_checked"),
  }
  local name = self.view.name
  local server = newproxy(true)
  local metatable = getmetatable(server)
  metatable.__index = function(_, key)
    return (read(self, key))
  end
  metatable.__newindex = function()
    error("a server can only be read", 2)
  end
  metatable.__tostring = function()
    return "server " .. name
  end
  metatable.__metatable = false
  last = last + 1
  kept[last] = server
  return last, self.handle
end


return _M
