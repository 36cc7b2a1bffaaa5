--- Ports for real servers, which are told a number and bind it themselves.
--
-- They are taken below the range from which the kernel serves outgoing
-- connections, and below those that moongate's own listeners get in specs, so
-- that none of these can take one before its server has it.
local net = require "support.net"
local libc = require "support.libc"
local ffi = require "ffi"
local loop = require "support.loop"

local FIRST, LAST = 4000, 9999

local _M = {}

local seeded = false
local given = {}  -- ports that this process has had: none is given twice, since
                  -- two sockets that do not listen can have the same


-- Two runs at the same time should not try the same ports in the same order.
local function seed()
  if not seeded then
    local microseconds = math.floor(loop.now() * 1e6)
    math.randomseed(ffi.C.getpid() * 7919 + microseconds % 65537)
    seeded = true
  end
end


--- A port that people like to type, if nobody uses it now; else any free one.
-- @param wanted  integer
-- @return integer
function _M.preferably(wanted)
  local socket = net.reserve(wanted)
  if not socket then
    return _M.free(1)[1]
  end
  socket:close()
  return wanted
end


-- A socket on some port, or nil.
local function try()
  local port = math.random(FIRST, LAST)
  if given[port] then
    return nil
  end
  local socket = net.reserve(port)
  given[port] = socket and true
  return socket
end


--- Finds ports that nobody uses now.
-- @param n  integer: how many
-- @return array of integers
function _M.free(n)
  seed()
  local held, ports = {}, {}
  for _ = 1, 1000 do
    if #ports == n then
      break
    end
    local socket = try()
    if socket then
      held[#held + 1] = socket
      ports[#ports + 1] = socket.port
    end
  end
  for _, socket in ipairs(held) do
    socket:close()
  end
  assert(#ports == n, "no free ports: " .. libc.reason())
  return ports
end


return _M
