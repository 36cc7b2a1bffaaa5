--- Loopback sockets, driven from one thread (see support.loop).
--
-- All are non-blocking; a method that cannot go on waits, and raises when the
-- deadline passes, saying what had come so far.  What the other side did is a
-- circumstance: nil and "closed" or "reset".
local ffi = require "ffi"
local libc = require "support.libc"
local loop = require "support.loop"

local C = ffi.C

local AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
local SOCK_STREAM, SOCK_DGRAM = 1, 2
local SOCK_FLAGS = 0x80800  -- SOCK_NONBLOCK | SOCK_CLOEXEC
local SOL_SOCKET, SO_REUSEADDR, SO_ERROR = 1, 2, 4
local SO_SNDBUF, SO_RCVBUF, SO_LINGER = 7, 8, 13
local IPPROTO_TCP, TCP_NODELAY = 6, 1
local SHUT_WR = 1
local MSG_NOSIGNAL = 0x4000
local EAGAIN, EPIPE, ECONNRESET, ECONNREFUSED = 11, 32, 104, 111
local EINPROGRESS, ENOENT = 115, 2
local CHUNK = 262144

local _M = {}
local Socket = {}
Socket.__index = Socket

local open_sockets = {}
local scratch = ffi.new("char[?]", CHUNK)
local int_box = ffi.new("int[1]")


-- The address ::1, the only one of version 6 that specs use.
local function inet6_address(port)
  local address = ffi.new("struct spec_sockaddr_in6")
  address.sin6_family = AF_INET6
  address.sin6_port[0] = math.floor(port / 256)
  address.sin6_port[1] = port % 256
  address.sin6_addr[15] = 1
  return address
end


local function inet_address(host, port)
  if host == "::1" then
    return inet6_address(port)
  end
  local address = ffi.new("struct spec_sockaddr_in")
  address.sin_family = AF_INET
  address.sin_port[0] = math.floor(port / 256)
  address.sin_port[1] = port % 256
  local a, b, c, d = host:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
  if a ~= "127" then
    error("only loopback addresses are used in specs: " .. host, 3)
  end
  address.sin_addr[0], address.sin_addr[1] = tonumber(a), tonumber(b)
  address.sin_addr[2], address.sin_addr[3] = tonumber(c), tonumber(d)
  return address
end


local function unix_address(path)
  local address = ffi.new("struct spec_sockaddr_un")
  address.sun_family = AF_UNIX
  assert(#path < 108, "the path of a unix socket is too long: " .. path)
  ffi.copy(address.sun_path, path)
  if path:sub(1, 1) == "@" then
    address.sun_path[0] = 0
    return address, ffi.offsetof(address, "sun_path") + #path
  end
  return address, ffi.sizeof(address)
end


local function option_set(fd, level, name, value)
  int_box[0] = value
  libc.check(C.setsockopt(fd, level, name, int_box, 4), "setsockopt")
end


local function wrap(fd, name)
  local self = setmetatable({ fd = fd, name = name, buffer = "" }, Socket)
  open_sockets[self] = true
  return self
end


local function socket_new(family, kind, name)
  local fd = libc.check(C.socket(family, kind + SOCK_FLAGS, 0), "socket")
  return wrap(fd, name)
end


local function port_of(call, fd)
  local address = ffi.new("struct spec_sockaddr_in")
  local len = ffi.new("unsigned[1]", ffi.sizeof(address))
  if call(fd, address, len) < 0 or address.sin_family ~= AF_INET then
    return nil
  end
  return address.sin_port[0] * 256 + address.sin_port[1],
    table.concat({ address.sin_addr[0], address.sin_addr[1],
                   address.sin_addr[2], address.sin_addr[3] }, ".")
end


--- A bound TCP socket that does not listen: its port refuses connections, and
-- nobody else gets it meanwhile.
-- @param port  integer or nil: any
-- @param host  string or nil: another loopback address than 127.0.0.1
-- @return the socket; `port` is its port
function _M.reserve(port, host)
  local self = socket_new(AF_INET, SOCK_STREAM, "listener")
  option_set(self.fd, SOL_SOCKET, SO_REUSEADDR, 1)
  local address = inet_address(host or "127.0.0.1", port or 0)
  if C.bind(self.fd, address, ffi.sizeof(address)) < 0 then
    local reason = libc.reason()
    self:close()
    return nil, reason
  end
  self.port = port_of(C.getsockname, self.fd)
  return self
end


--- A listening TCP socket on 127.0.0.1.
-- @param options  table or nil: port, host (another loopback address), backlog,
--                 rcvbuf (bytes)
-- @return the socket; `port` is its port
function _M.listen(options)
  options = options or {}
  local self = assert(_M.reserve(options.port, options.host))
  if options.rcvbuf then
    option_set(self.fd, SOL_SOCKET, SO_RCVBUF, options.rcvbuf)
  end
  self:listen(options.backlog)
  return self
end


--- A listening unix socket.
-- @param path  string
function _M.listen_unix(path)
  local self = socket_new(AF_UNIX, SOCK_STREAM, path)
  local address = unix_address(path)
  libc.check(C.bind(self.fd, address, ffi.sizeof(address)), "bind " .. path)
  self.path = path
  self:listen()
  return self
end


--- A UDP socket on 127.0.0.1 that receives datagrams.
-- @return the socket; `port` is its port
function _M.listen_udp()
  local self = socket_new(AF_INET, SOCK_DGRAM, "udp")
  local address = inet_address("127.0.0.1", 0)
  libc.check(C.bind(self.fd, address, ffi.sizeof(address)), "bind")
  self.port = port_of(C.getsockname, self.fd)
  return self
end


--- A unix datagram socket that receives, as /dev/log does.
-- @param path  string: or an abstract name, with @ before it
function _M.listen_unix_datagrams(path)
  local self = socket_new(AF_UNIX, SOCK_DGRAM, path)
  local address, size = unix_address(path)
  libc.check(C.bind(self.fd, address, size), "bind " .. path)
  self.path = path
  return self
end


--- Connects.
-- @param where    integer: a port of 127.0.0.1; string: a unix socket's path
-- @param options  table or nil: from (a loopback address to come from), host
--                 (another loopback address, or ::1), rcvbuf, sndbuf (bytes)
-- @return the socket, or nil and "refused" or another reason
function _M.connect(where, options)
  options = options or {}
  local unix = type(where) == "string"
  local family = unix and AF_UNIX
    or options.host == "::1" and AF_INET6 or AF_INET
  local self = socket_new(family, SOCK_STREAM, "connection to " .. where)
  local address = unix and unix_address(where)
    or inet_address(options.host or "127.0.0.1", where)

  if options.rcvbuf then
    option_set(self.fd, SOL_SOCKET, SO_RCVBUF, options.rcvbuf)
  end
  if options.sndbuf then
    option_set(self.fd, SOL_SOCKET, SO_SNDBUF, options.sndbuf)
  end
  if options.from then
    local from = inet_address(options.from, 0)
    libc.check(C.bind(self.fd, from, ffi.sizeof(from)), "bind")
  end

  local failed = 0
  if C.connect(self.fd, address, ffi.sizeof(address)) < 0 then
    failed = ffi.errno()
    if failed == EINPROGRESS or failed == EAGAIN then
      if not loop.wait(self.fd, loop.WRITE, loop.deadline()) then
        error("no connection within the deadline to " .. where, 2)
      end
      local len = ffi.new("unsigned[1]", 4)
      C.getsockopt(self.fd, SOL_SOCKET, SO_ERROR, int_box, len)
      failed = int_box[0]
    end
  end
  if failed ~= 0 then
    self:close()
    if failed == ECONNREFUSED or failed == ENOENT then
      return nil, "refused"
    end
    return nil, ffi.string(C.strerror(failed))
  end

  if not unix then
    option_set(self.fd, IPPROTO_TCP, TCP_NODELAY, 1)
    self.port = port_of(C.getsockname, self.fd)
  end
  return self
end


--- Closes every socket that is still open.
function _M.close_all()
  for socket in pairs(open_sockets) do
    socket:close()
  end
end


--- Starts listening on a reserved port.
function Socket:listen(backlog)
  libc.check(C.listen(self.fd, backlog or 1024), "listen")
end


--- Takes a connection.
-- @param seconds  number or nil
-- @return a socket; `peer_port` and `peer_host` say where it came from
function Socket:accept(seconds)
  local deadline = loop.deadline(seconds)
  while true do
    local fd = C.accept4(self.fd, nil, nil, SOCK_FLAGS)
    if fd >= 0 then
      local connection = wrap(fd, "accepted connection")
      connection.peer_port, connection.peer_host =
        port_of(C.getpeername, fd)
      if connection.peer_port then
        option_set(fd, IPPROTO_TCP, TCP_NODELAY, 1)
      end
      return connection
    end
    if ffi.errno() ~= EAGAIN then
      error("accept: " .. libc.reason(), 2)
    end
    if not loop.wait(self.fd, loop.READ, deadline) then
      error("nobody connected within the deadline", 2)
    end
  end
end


--- Whether nobody connects for a while.
-- @param seconds  number
function Socket:nobody_connects(seconds)
  return not loop.wait(self.fd, loop.READ, loop.now() + seconds)
end


--- Sends all of the bytes.
-- @param bytes    string
-- @param seconds  number or nil: for all of them
-- @return true, or nil, "reset" when the other side is gone ("closed" when the
--   spec has closed it meanwhile), and how many bytes had been taken
function Socket:send(bytes, seconds)
  local deadline = loop.deadline(seconds)
  local p, sent = ffi.cast("const char *", bytes), 0
  while sent < #bytes do
    if self.fd < 0 then
      return nil, "closed", sent
    end
    local n = tonumber(C.send(self.fd, p + sent, #bytes - sent,
      MSG_NOSIGNAL))
    if n >= 0 then
      sent = sent + n
    elseif ffi.errno() == EPIPE or ffi.errno() == ECONNRESET then
      return nil, "reset", sent
    elseif ffi.errno() ~= EAGAIN then
      error("send: " .. libc.reason(), 2)
    elseif not loop.wait(self.fd, loop.WRITE, deadline) then
      error(("only %d of %d bytes were taken by the %s within the deadline")
        :format(sent, #bytes, self.name), 2)
    end
  end
  return true
end


--- Sends what is taken at once.
-- @param bytes  string
-- @return integer: how many bytes went; nil and "reset"
function Socket:send_some(bytes)
  local n = tonumber(C.send(self.fd, bytes, #bytes, MSG_NOSIGNAL))
  if n >= 0 then
    return n
  end
  if ffi.errno() == EAGAIN then
    return 0
  end
  return nil, "reset"
end


-- One read.  Returns the bytes, or nil and "closed" (by the spec itself, too),
-- "reset" or "late".
local function fill(self, deadline)
  while true do
    if self.fd < 0 then
      return nil, "closed"
    end
    local n = tonumber(C.recv(self.fd, scratch, CHUNK, 0))
    if n > 0 then
      return ffi.string(scratch, n)
    end
    if n == 0 then
      return nil, "closed"
    end
    local number = ffi.errno()
    if number == ECONNRESET or number == EPIPE then
      return nil, "reset"
    end
    if number ~= EAGAIN then
      error("recv: " .. libc.reason())
    end
    if not loop.wait(self.fd, loop.READ, deadline) then
      return nil, "late"
    end
  end
end


local function raise_late(self, wanted, so_far)
  local shown = so_far
  if #shown > 400 then
    shown = shown:sub(1, 400) .. "..."
  end
  error(("%s: %s did not come within the deadline; %d bytes so far: %q")
    :format(self.name, wanted, #so_far, shown), 3)
end


--- Receives exactly N bytes.
-- @return string, or nil, "closed" or "reset", and what had come before
function Socket:receive(n, seconds)
  local deadline = loop.deadline(seconds)
  local pieces, total = { self.buffer }, #self.buffer
  local why
  while total < n do
    local piece, reason = fill(self, deadline)
    if not piece then
      why = reason
      break
    end
    pieces[#pieces + 1] = piece
    total = total + #piece
  end

  local all = table.concat(pieces)
  if total >= n then
    self.buffer = all:sub(n + 1)
    return all:sub(1, n)
  end
  if why == "late" then
    self.buffer = all
    raise_late(self, n .. " bytes", all)
  end
  self.buffer = ""
  return nil, why, all
end


--- Receives up to and with a text.
-- @param text  string: plain, no pattern
-- @return string, or nil, "closed" or "reset", and what had come before
function Socket:receive_until(text, seconds)
  local deadline = loop.deadline(seconds)
  local from = 1
  while true do
    local _, last = self.buffer:find(text, from, true)
    if last then
      local result = self.buffer:sub(1, last)
      self.buffer = self.buffer:sub(last + 1)
      return result
    end
    from = math.max(1, #self.buffer - #text + 2)
    local piece, why = fill(self, deadline)
    if why == "late" then
      raise_late(self, ("%q"):format(text), self.buffer)
    end
    if not piece then
      local rest = self.buffer
      self.buffer = ""
      return nil, why, rest
    end
    self.buffer = self.buffer .. piece
  end
end


--- Receives what there is, at least a byte.
-- @return string, or nil and "closed" or "reset"
function Socket:receive_some(seconds)
  if #self.buffer > 0 then
    local result = self.buffer
    self.buffer = ""
    return result
  end
  local piece, why = fill(self, loop.deadline(seconds))
  if why == "late" then
    raise_late(self, "a byte", "")
  end
  return piece, why
end


--- Receives until the other side ends.
-- @return string: all of it; and "closed" or "reset"
function Socket:receive_all(seconds)
  local deadline = loop.deadline(seconds)
  local pieces = { self.buffer }
  self.buffer = ""
  while true do
    local piece, why = fill(self, deadline)
    if why == "late" then
      raise_late(self, "the end", table.concat(pieces))
    end
    if not piece then
      return table.concat(pieces), why
    end
    pieces[#pieces + 1] = piece
  end
end


--- Whether nothing at all comes for a while, not even the end.
-- @param seconds  number
function Socket:quiet(seconds)
  if #self.buffer > 0 then
    return false
  end
  return not loop.wait(self.fd, loop.READ, loop.now() + seconds)
end


--- Ends this side's sending; receiving goes on.
function Socket:shutdown()
  C.shutdown(self.fd, SHUT_WR)
end


--- Closes with a reset (RST) instead of an end.
function Socket:reset()
  local linger = ffi.new("struct spec_linger", 1, 0)
  C.setsockopt(self.fd, SOL_SOCKET, SO_LINGER, linger, ffi.sizeof(linger))
  self:close()
end


--- Closes; closing twice does nothing.
function Socket:close()
  if open_sockets[self] then
    open_sockets[self] = nil
    C.close(self.fd)
    self.fd = -1
  end
end


return _M
