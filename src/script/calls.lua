--- The functions of C that are called while connections run, as a table of FFI
-- function pointers, and what is needed to read their answers.
-- @module script.calls
local ffi = require "ffi"
local host = require "script.host"

ffi.cdef(host.texts["view_struct.h"])
ffi.cdef(host.texts["calls_struct.h"])

local type = type
local ENDED, FOUND = ffi.C.SCRIPT_ENDED, ffi.C.SCRIPT_FOUND

local _M = {}

--- The table of functions; script/calls_struct.h says what each takes.
_M.c = ffi.cast("const struct script_calls *", host.calls)

--- A place for a text: the last argument of the functions that answer one.
_M.text = ffi.new("struct script_text")


--- Raises because a handle is used after its time.
-- @param what   string: what the handle was
-- @param level  number: as error() takes it, counted from the caller
function _M.raise_ended(what, level)
  error(("this %s is over: keep what you need of it"):format(what), level + 1)
end


--- Turns the answer of a function that was given `text` into a value.  To be
-- tail-called, so that an error points at the script.
-- @param answer  number: what the function returned
-- @param what    string: whose text it is, for the message
-- @return string, or nil where there is none
function _M.to_string(answer, what)
  if answer == FOUND then
    -- No tail call: LuaJIT cannot compile one to its own functions where a
    -- trace begins here, and after some attempts it gives up all callers.
    local value = ffi.string(_M.text.p, _M.text.len)
    return value
  end
  if answer == ENDED then
    _M.raise_ended(what, 2)
  end
  return nil
end


--- Turns an answer of yes or no into a boolean; likewise.
function _M.to_boolean(answer, what)
  if answer == ENDED then
    _M.raise_ended(what, 2)
  end
  return answer == FOUND
end


--- Turns the answer of a function that gives a port into a number; likewise.
function _M.to_port(answer, what)
  if answer == ENDED then
    _M.raise_ended(what, 2)
  end
  return answer
end


--- Raises, at the line of whoever called the function that calls this one,
-- unless VALUE is of the type.
function _M.check(value, kind, position, name)
  if type(value) ~= kind then
    error(("bad argument #%d to '%s' (%s expected, got %s)"):format(
      position, name, kind, type(value)), 3)
  end
end


--- Adds readers of the struct's own fields to those of a handle.  They are for
-- LuaJIT: a trace that was recorded for a key that is none of the struct's own
-- does not compare the key, and comes to __index with those, too.
-- @param fields  table of functions that make a field's value
-- @param names   array of strings
-- @return fields
function _M.add_own(fields, names)
  for _, name in ipairs(names) do
    fields[name] = function(handle) return (handle[name]) end
  end
  return fields
end


--- Makes the __index of a handle: methods, fields that are functions of the
-- handle, and an error for every other name.
-- @param what     string: what the handle is, for the message
-- @param methods  table of functions that take the handle
-- @param fields   table of functions that make a field's value
function _M.indexer(what, methods, fields)
  return function(handle, key)
    local method = methods[key]
    if method then
      return method
    end
    local field = fields[key]
    if field then
      return field(handle)
    end
    error(("%s has no field '%s'"):format(what, tostring(key)), 2)
  end
end


return _M
