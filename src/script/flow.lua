--- `flow`, `conn` and `result`: what hooks get of the work at hand.  There is
-- one of each; C sets it before a hook is called and clears it afterwards, so
-- nothing is made for a call.  `login` hooks have a conn of their own.
-- @module script.flow
local ffi = require "ffi"
local calls = require "script.calls"
local conn = require "script.conn"

local C, c, text = ffi.C, calls.c, calls.text
local check, huge = calls.check, math.huge

local _M = {}


-- A function of a handle that answers one of its texts.
local function reader(get, what, field)
  return function(handle)
    return calls.to_string(get(handle, field, text), what)
  end
end


-- --- flow --------------------------------------------------------------------

local number = ffi.new("uint32_t[1]")

-- The client's address as a number, which costs less than its text.
local function client_number(flow)
  local answer = c.flow_client_number(flow, number)
  return calls.to_boolean(answer, "flow") and number[0] or nil
end

local flow_fields = {
  client_number = client_number,
  client = reader(c.flow_text, "flow", C.SCRIPT_FIELD_CLIENT),
  listener = reader(c.flow_text, "flow", C.SCRIPT_FIELD_LISTENER),
  uri = reader(c.flow_text, "flow", C.SCRIPT_FIELD_URI),
  path = reader(c.flow_text, "flow", C.SCRIPT_FIELD_PATH),
  host = reader(c.flow_text, "flow", C.SCRIPT_FIELD_HOST),
  port = function(flow) return calls.to_port(c.flow_port(flow), "flow") end,
  user = reader(c.flow_text, "flow", C.SCRIPT_FIELD_USER),
  schema = reader(c.flow_text, "flow", C.SCRIPT_FIELD_SCHEMA),
}

local flow_methods = {}


--- Whether this flow has tried the server with this index already.
function flow_methods.tried(flow, index)
  check(index, "number", 1, "tried")
  return calls.to_boolean(c.flow_tried(flow, index), "flow")
end


--- The request's header, cookie or argument of this name; nil on TCP.
function flow_methods.header(flow, name)
  check(name, "string", 1, "header")
  return calls.to_string(c.flow_find(flow, C.SCRIPT_PLACE_HEADER, name, #name,
    text), "flow")
end


function flow_methods.cookie(flow, name)
  check(name, "string", 1, "cookie")
  return calls.to_string(c.flow_find(flow, C.SCRIPT_PLACE_COOKIE, name, #name,
    text), "flow")
end


function flow_methods.arg(flow, name)
  check(name, "string", 1, "arg")
  return calls.to_string(c.flow_find(flow, C.SCRIPT_PLACE_ARG, name, #name,
    text), "flow")
end


-- A number that bounds what counts; all of it where there is none.
local function check_bound(value, position)
  if value == nil then
    return huge
  end
  if type(value) == "number" and value >= 0 then
    return value
  end
  error(("bad argument #%d to 'uri_number' (a number from 0 on expected)")
    :format(position), 3)
end


--- Numbers for the request's address, or for a header's first element, without
-- making a string (moongate.numbers); nil on TCP, and where there is none.
function flow_methods.uri_number(flow, len, depth, whole)
  local answer = c.flow_uri_number(flow, check_bound(len, 1),
    check_bound(depth, 2), whole or false, number)
  return calls.to_boolean(answer, "flow") and number[0] or nil
end


function flow_methods.header_number(flow, name)
  check(name, "string", 1, "header_number")
  local answer = c.flow_header_number(flow, name, #name, number)
  return calls.to_boolean(answer, "flow") and number[0] or nil
end


--- A number of 32 bits for a text, the same in every worker.
function flow_methods.hash(_, value)
  check(value, "string", 1, "hash")
  return c.hash(value, #value, 0)
end


ffi.metatype("struct script_flow", {
  __index = calls.indexer("flow", flow_methods, flow_fields),
  __tostring = function() return "flow" end,
})


-- --- result ------------------------------------------------------------------

local result_fields = calls.add_own({
  error = function(result)
    return calls.to_string(c.result_error(result, text), "result")
  end,
}, { "ok", "status", "connect_ms", "total_ms", "bytes_in", "bytes_out",
     "queries", "transactions", "errors" })

ffi.metatype("struct script_result", {
  __index = calls.indexer("result", {}, result_fields),
  __tostring = function() return "result" end,
})


--- The words that C has set for the hook that it is about to call.
-- @return string
function _M.words()
  return calls.to_string(c.result_error(nil, text), "result")
end


--- Makes the one of each; C keeps them and writes into them.
-- @return flow, conn, result
function _M.new()
  return ffi.new("const struct script_flow"),
    conn.new(),
    ffi.new("const struct script_result")
end


return _M
