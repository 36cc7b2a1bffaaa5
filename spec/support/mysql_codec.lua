--- Calls the MySQL codec through the FFI: payloads in, structs and packets out.
local ffi = require "ffi"
local assert = require "luassert"
local support = require "support.ffi"

local core = support.load("codec/mysql_answer.h", "codec/mysql_attribute.h",
  "codec/mysql_change.h", "codec/mysql_framer.h", "codec/mysql_greeting.h",
  "codec/mysql_login.h", "codec/mysql_result.h", "codec/mysql_switch.h")

local _M = {
  core = core,
  E_LENGTH = -1, E_CUT = -2, E_KIND = -3, E_PROTOCOL = -4, E_COLUMNS = -5,
  E_NAME = -6, E_ATTRIBUTES = -7,
  -- What MySQL's own clients have: all but TLS and compression.
  CLIENT = 0x1bff7bf,
}


--- A Lua string, which has to live on, as a struct str; nil is the absent one.
function _M.str(s)
  return s and ffi.new("struct str", s, #s) or ffi.new("struct str")
end


--- What a function writes into a buffer.
-- @param write  function(buf)
-- @param size   number or nil: bytes that fit
-- @return the bytes, or nil where the buffer has failed
function _M.written(write, size)
  size = size or 200000
  local memory, buf = ffi.new("char[?]", size), ffi.new("struct buf")
  core.buf_init(buf, memory, size)
  write(buf)
  if buf.failed then
    return nil
  end
  return ffi.string(buf.p, buf.len)
end


--- A struct mysql_login for writing; the texts of FIELDS have to live as long.
-- @param fields  table: capabilities, mariadb, max_packet, charset, user,
--                answer, schema, plugin, attributes (a block), zstd_level
-- @param capabilities  number or nil: where fields names none [CLIENT]
function _M.login(fields, capabilities)
  return ffi.new("struct mysql_login", {
    capabilities = fields.capabilities or capabilities or _M.CLIENT,
    mariadb = fields.mariadb or 0,
    max_packet = fields.max_packet or 0x01000000,
    charset = fields.charset or 45,
    user = _M.str(fields.user or "u"),
    answer = _M.str(fields.answer or ""),
    schema = _M.str(fields.schema),
    plugin = _M.str(fields.plugin),
    attributes = _M.str(fields.attributes),
    zstd_level = fields.zstd_level or 0,
  })
end


--- The packet of a login.
-- @param fields        as for login, and sequence (1)
-- @param capabilities  as for login
-- @param size          as for written
function _M.login_packet(fields, capabilities, size)
  local login = _M.login(fields, capabilities)
  return _M.written(function(buf)
    core.mysql_write_login(buf, fields.sequence or 1, login)
  end, size)
end


--- Reads a payload into a struct, with nothing readable behind it.
-- @param what   string: reads a struct mysql_WHAT by mysql_read_HOW
-- @param bytes  string
-- @param how    string or nil: WHAT
-- @param ...    what the reader takes besides
-- @return what was returned, the struct, and what its texts point into
function _M.read(what, bytes, how, ...)
  local out = ffi.new("struct mysql_" .. what)
  local p, map = support.guarded(bytes)
  local reader = core["mysql_read_" .. (how or what)]
  return tonumber(reader(out, p, #bytes, ...)), out, map
end


--- Reads a packet of at most MAX bytes (1000).
function _M.read_packet(bytes, max)
  local out = ffi.new("struct mysql_packet")
  local p, map = support.guarded(bytes)
  local got = tonumber(core.mysql_read_packet(out, p, #bytes, max or 1000))
  return got, out, map
end


--- Checks that every cut of a payload is an error, and none reads beyond it.
function _M.refuse_cuts(what, payload, from, how, ...)
  for n = from or 0, #payload - 1 do
    local got = _M.read(what, payload:sub(1, n), how, ...)
    assert.are.equal(_M.E_CUT, got, ("%s cut at %d"):format(what, n))
  end
end


return _M
