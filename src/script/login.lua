--- `login`: who a MySQL client says it is, as `login` hooks see it.  Its fields
-- are made when they are asked for.  It is made once for a login, with a `conn`
-- that lasts as long, since several logins may wait at a time; all hooks of the
-- section get the same, and each use of it afterwards raises.
-- @module script.login
local ffi = require "ffi"
local calls = require "script.calls"
local conn = require "script.conn"

local C, c, text = ffi.C, calls.c, calls.text
local new_login = ffi.typeof("const struct script_login")
local value_text = ffi.new("struct script_text")
local offset = ffi.new("uint32_t[1]")

local _M = {}

--- For C: the handles of logins, and what outlives a hook, by their ids; false
-- where there is none.  C has the same places (script/login_inquiry.c).
_M.handles = {}

local LOGIN, CONN, ATTRIBUTES, PLACES = 0, 1, 2, 3

local handles = _M.handles


-- Names that come more than once: the first value counts, as for servers.
local function collect_attributes(login)
  local attributes = {}
  offset[0] = 0
  while c.login_next_attribute(login, offset, text, value_text) == C.SCRIPT_FOUND
  do
    local name = ffi.string(text.p, text.len)
    if attributes[name] == nil then
      attributes[name] = ffi.string(value_text.p, value_text.len)
    end
  end
  return attributes
end


-- --- fields ------------------------------------------------------------------

local function reader(field)
  return function(login)
    return calls.to_string(c.login_text(login, field, text), "login")
  end
end

local fields = {
  user = reader(C.SCRIPT_FIELD_USER),
  schema = reader(C.SCRIPT_FIELD_SCHEMA),
  plugin = reader(C.SCRIPT_FIELD_PLUGIN),
}


function fields.charset(login)
  local number = c.login_charset(login)
  if number == C.SCRIPT_ENDED then
    calls.raise_ended("login", 2)
  end
  return number
end


function fields.tls(login)
  return calls.to_boolean(c.login_tls(login), "login")
end


--- A table, which all hooks of this login get.
function fields.attributes(login)
  if c.login_tls(login) == C.SCRIPT_ENDED then
    calls.raise_ended("login", 2)
  end
  local place = PLACES * login.id + ATTRIBUTES
  handles[place] = handles[place] or collect_attributes(login)
  return handles[place]
end


ffi.metatype("struct script_login", {
  __index = calls.indexer("login", {}, fields),
  __tostring = function(login)
    return ("login %d"):format(login.id)
  end,
})


--- Makes the handles of a login; C says whose they are.
-- @param id  number: that no login or request has that goes on
function _M.new(id)
  local place = PLACES * id
  local login, its_conn = new_login(nil, id), conn.new()
  handles[place + ATTRIBUTES] = false
  handles[place + CONN] = its_conn
  handles[place + LOGIN] = login
end


return _M
