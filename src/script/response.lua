--- `res`: the response of an exchange, as the hooks `response` and `log` see
-- it.  There is one handle; C sets it before a hook is called and clears it
-- afterwards.
-- @module script.response
local ffi = require "ffi"
local host = require "script.host"
local calls = require "script.calls"

local C, c, text = ffi.C, calls.c, calls.text
local check = calls.check

local STATUS_FIRST, STATUS_LAST = 200, 599

local _M = {}


-- --- fields ------------------------------------------------------------------

local fields = {}


--- The status; nil in `log` where there was no answer.
function fields.status(res)
  local status = c.response_status(res)
  if status == C.SCRIPT_ENDED then
    calls.raise_ended("response", 2)
  end
  return status > 0 and status or nil
end


--- The name of the server that was used last; nil where none was.
function fields.server(res)
  return calls.to_string(c.response_server(res, text), "response")
end


--- Milliseconds until the server's head had come; nil where none came.
function fields.upstream_ms(res)
  if c.response_status(res) == C.SCRIPT_ENDED then
    calls.raise_ended("response", 2)
  end
  local ms = c.response_upstream_ms(res)
  return ms >= 0 and ms or nil
end


-- --- methods -----------------------------------------------------------------

local methods = {}


--- The first header of this name, in any case of letters; nil without one.
function methods.header(res, name)
  check(name, "string", 1, "header")
  return calls.to_string(c.response_find(res, name, #name, text), "response")
end


-- Turns an answer into true, or nil and a reason.  To be tail-called, so that
-- an error points at the script.
local function to_result(answer, name)
  if answer == C.SCRIPT_ENDED then
    calls.raise_ended("response", 2)
  end
  if answer == C.SCRIPT_NONE then
    error(("%s() comes too late: the response has been sent"):format(name), 2)
  end
  if answer == C.SCRIPT_FULL then
    return nil, "no room for another header"
  end
  return true
end


-- Checks a header for the method `name` and gives its value as text.
local function check_header(header, value, name)
  if type(value) == "number" then
    value = tostring(value)
  end
  local ok, reason = host.check_header(header, value == nil and "" or value)
  if not ok then
    error(("bad argument to '%s' (%s)"):format(name, reason), 3)
  end
  return value
end


--- Sets a header in place of all of that name; nil removes them.
-- @return true, or nil and a reason
function methods.set_header(res, name, value)
  check(name, "string", 1, "set_header")
  value = check_header(name, value, "set_header")
  return to_result(c.response_set(res, name, #name, value,
    value and #value or 0, false), "set_header")
end


--- Adds a header beside those of that name: another cookie.
-- @return true, or nil and a reason
function methods.add_header(res, name, value)
  check(name, "string", 1, "add_header")
  if value == nil then
    check(value, "string", 2, "add_header")
  end
  value = check_header(name, value, "add_header")
  return to_result(c.response_set(res, name, #name, value, #value, true),
    "add_header")
end


--- Sets the status; 204 and 304 drop the body.
-- @param status  number: 200 to 599
-- @return true, or nil and a reason
function methods.set_status(res, status)
  check(status, "number", 1, "set_status")
  if not (status >= STATUS_FIRST and status <= STATUS_LAST)
    or status % 1 ~= 0 then
    error("bad argument #1 to 'set_status' (a status from 200 to 599 expected)",
      2)
  end
  return to_result(c.response_set_status(res, status), "set_status")
end


ffi.metatype("struct script_response", {
  __index = calls.indexer("res", methods, fields),
  __tostring = function() return "response" end,
})


--- Makes the one that there is; C keeps it and writes into it.
function _M.new()
  return ffi.new("const struct script_response")
end


return _M
