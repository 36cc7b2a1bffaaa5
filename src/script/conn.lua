--- `conn`: a client that has connected, as the hooks of its session see it.
-- @module script.conn
local ffi = require "ffi"
local calls = require "script.calls"

local C, c, text = ffi.C, calls.c, calls.text
local new_conn = ffi.typeof("const struct script_conn")
local ref = ffi.new("int32_t[1]")

local _M = {}

-- What is kept for connections, by the numbers that C has noted for them; and
-- numbers that are free again.
local kept, free, last = {}, {}, 0


local function reader(field)
  return function(conn)
    return calls.to_string(c.conn_text(conn, field, text), "conn")
  end
end

local fields = {
  client = reader(C.SCRIPT_FIELD_CLIENT),
  listener = reader(C.SCRIPT_FIELD_LISTENER),
}


function fields.port(conn)
  return calls.to_port(c.conn_port(conn), "conn")
end


-- Keeps a table for a connection that has none.
local function keep(conn)
  local id = free[#free] or last + 1
  kept[id] = {}
  if id > last then
    last = id
  else
    free[#free] = nil
  end
  c.conn_set_ref(conn, id)
  return kept[id]
end


--- A table that is the scripts' own for the time of the connection.
function fields.ctx(conn)
  local answer = c.conn_ref(conn, ref)
  if answer == C.SCRIPT_ENDED then
    calls.raise_ended("conn", 2)
  end
  if answer == C.SCRIPT_NONE then
    error("conn.ctx is kept in tcp and mysql sections only", 2)
  end
  return kept[ref[0]] or keep(conn)
end


ffi.metatype("struct script_conn", {
  __index = calls.indexer("conn", {}, fields),
  __tostring = function() return "conn" end,
})


--- Makes a handle; C says which connection it is.
function _M.new()
  return new_conn()
end


--- For C: drops what was kept under a number.
function _M.forget(id)
  kept[id] = nil
  free[#free + 1] = id
end


return _M
