--- PROXY headers, written without any code of the program.
local _M = {}

local SIGNATURE = "\r\n\r\n\0\r\nQUIT\n"

--- A connection of the proxy's own.
_M.LOCAL = SIGNATURE .. "\32\0\0\0"
_M.UNKNOWN = "PROXY UNKNOWN\r\n"


local function be16(n)
  return string.char(math.floor(n / 256), n % 256)
end


local function split(ends)
  local from, from_port, to, to_port =
    ends:match("^([%d.]+):(%d+) ([%d.]+):(%d+)$")
  return from, tonumber(from_port), to, tonumber(to_port)
end


local function bytes_of(host)
  return (host:gsub("(%d+)%.?", function(n)
    return string.char(n)
  end))
end


--- Version 1.
-- @param ends  string: "192.0.2.7:40000 198.51.100.1:3306"
function _M.v1(ends)
  local from, from_port, to, to_port = split(ends)
  return ("PROXY TCP4 %s %s %d %d\r\n"):format(from, to, from_port, to_port)
end


--- Version 2.
-- @param ends        string: likewise
-- @param extensions  string or nil: its TLVs
function _M.v2(ends, extensions)
  local from, from_port, to, to_port = split(ends)
  local rest = bytes_of(from) .. bytes_of(to) .. be16(from_port)
    .. be16(to_port) .. (extensions or "")
  return SIGNATURE .. "\33\17" .. be16(#rest) .. rest
end


--- An extension.
function _M.tlv(kind, value)
  return string.char(kind) .. be16(#value) .. value
end


return _M
