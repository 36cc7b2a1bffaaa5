--- A name server, scripted: it answers over UDP what the spec says.
--
--     local server = dns.serve { ["app.test"] = { "127.0.0.2", "::1" } }
--     server.names["app.test"] = nil     -- there is no such name any more
--     server.names["app.test"] = false   -- it does not answer
--     server.asked["app.test"]           -- how often the IPv4 address was
--     server.drops_ipv6 = true           -- as some do that know of none
--
-- A name that has addresses of the other family alone has none of this one, and
-- no error.  Names are asked for in any case (RFC 4343), and the question comes
-- back as it was.
local bit = require "bit"
local ffi = require "ffi"
local loop = require "support.loop"
local net = require "support.net"

local C = ffi.C

ffi.cdef [[
long recvfrom(int fd, void *bytes, size_t n, int flags, void *address,
              unsigned *len);
long sendto(int fd, const void *bytes, size_t n, int flags,
            const void *address, unsigned len);
]]

local A, AAAA = 1, 28
local NO_ERROR, NO_SUCH_NAME = 0, 3
local HEADER = 12
local RESPONSE = 0x8180  -- RFC 1035, 4.1.1: QR, RD, RA
local LIFE = "\0\0\0\1"  -- a second

local _M = {}


local function u16(n)
  return string.char(math.floor(n / 256) % 256, n % 256)
end


local function to_u16(text, at)
  return text:byte(at) * 256 + text:byte(at + 1)
end


-- The name, the type and the bytes of the only question.
local function read_question(query)
  local labels, at = {}, HEADER + 1
  while query:byte(at) > 0 do
    local len = query:byte(at)
    labels[#labels + 1] = query:sub(at + 1, at + len)
    at = at + 1 + len
  end
  return table.concat(labels, "."):lower(), to_u16(query, at + 1),
    query:sub(HEADER + 1, at + 4)
end


-- The bytes of an address, if it is of the type; of version 6 ::N is enough.
local function address_bytes(address, type)
  local last = address:match("^::(%x+)$")
  if type == AAAA and last then
    return ("\0"):rep(14) .. u16(tonumber(last, 16))
  end
  local a, b, c, d = address:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
  if type == A and a then
    return string.char(a, b, c, d)
  end
  return nil
end


-- RFC 1035, 4.1.3; the name is a pointer to the question's.
local function records(addresses, type)
  local list = {}
  for _, address in ipairs(addresses) do
    local bytes = address_bytes(address, type)
    if bytes then
      list[#list + 1] = u16(bit.bor(0xc000, HEADER)) .. u16(type) .. u16(1)
        .. LIFE .. u16(#bytes) .. bytes
    end
  end
  return list
end


local function answer(server, query)
  local name, type, question = read_question(query)
  local addresses = server.names[name]
  if type == A then
    server.asked[name] = (server.asked[name] or 0) + 1
  end
  if addresses == false or type == AAAA and server.drops_ipv6 then
    return nil
  end
  local list = records(addresses or {}, type)
  local code = addresses and NO_ERROR or NO_SUCH_NAME
  return query:sub(1, 2) .. u16(RESPONSE + code) .. u16(1) .. u16(#list)
    .. u16(0) .. u16(0) .. question .. table.concat(list)
end


local function answer_one(server)
  local bytes = ffi.new("char[512]")
  local from = ffi.new("struct spec_sockaddr_in")
  local len = ffi.new("unsigned[1]", ffi.sizeof(from))
  local n = tonumber(C.recvfrom(server.socket.fd, bytes, 512, 0, from, len))
  local text = n > HEADER and answer(server, ffi.string(bytes, n))
  if text then
    C.sendto(server.socket.fd, text, #text, 0, from, len[0])
  end
end


--- Answers until the spec ends.
-- @param names  table: arrays of addresses by name
-- @return the server: names, asked, port
function _M.serve(names)
  local socket = net.listen_udp()
  local server = {
    names = names, asked = {}, socket = socket, port = socket.port,
  }
  loop.spawn("name server", function()
    while true do
      if loop.wait(socket.fd, loop.READ, math.huge) then
        answer_one(server)
      end
    end
  end)
  return server
end


return _M
