--- Starts a program as a service manager with socket activation does:
--
--     luajit listen_fds.lua NAMES ADDRESS... -- PROGRAM ARGUMENT...
--
-- ADDRESS is a port of 127.0.0.1, "unix:PATH", or "datagrams".  NAMES is what
-- LISTEN_FDNAMES says.
local ffi = require "ffi"

ffi.cdef [[
int socket(int, int, int);
int bind(int, const void *, uint32_t);
int listen(int, int);
int setsockopt(int, int, int, const void *, uint32_t);
int getpid(void);
int dup2(int, int);
int close(int);
int setenv(const char *, const char *, int);
int execvp(const char *, char *const []);
]]

local C = ffi.C
local AF_UNIX, AF_INET, STREAM, DATAGRAM = 1, 2, 1, 2


local function must(result, what)
  if result < 0 then
    io.stderr:write("cannot ", what, ": ", ffi.errno(), "\n")
    os.exit(1)
  end
  return result
end


local function inet(port)
  local address = ffi.new("uint8_t[16]")
  ffi.cast("uint16_t *", address)[0] = AF_INET
  address[2], address[3] = math.floor(port / 256), port % 256
  address[4], address[7] = 127, 1
  return address, 16
end


local function unix(path)
  local address = ffi.new("uint8_t[110]")
  ffi.cast("uint16_t *", address)[0] = AF_UNIX
  ffi.copy(address + 2, path)
  return address, 2 + #path + 1
end


local function open(where)
  local path = where:match("^unix:(.*)")
  local family = path and AF_UNIX or AF_INET
  local kind = where == "datagrams" and DATAGRAM or STREAM
  local fd = must(C.socket(family, kind, 0), "make a socket")
  if kind == DATAGRAM then
    return fd
  end
  C.setsockopt(fd, 1, 2, ffi.new("int[1]", 1), 4)  -- SO_REUSEADDR
  local address, size
  if path then
    address, size = unix(path)
  else
    address, size = inet(tonumber(where))
  end
  must(C.bind(fd, address, size), "bind " .. where)
  must(C.listen(fd, 128), "listen")
  return fd
end


local at = 2
local count = 0
while arg[at] ~= "--" do
  local fd = open(arg[at])
  if fd ~= 3 + count then
    must(C.dup2(fd, 3 + count), "move a descriptor")
    C.close(fd)
  end
  at, count = at + 1, count + 1
end
C.setenv("LISTEN_PID", tostring(C.getpid()), 1)
C.setenv("LISTEN_FDS", tostring(count), 1)
C.setenv("LISTEN_FDNAMES", arg[1], 1)
local argv = ffi.new("char *[?]", #arg - at + 1)
local kept = {}
for i = at + 1, #arg do
  kept[i] = ffi.new("char[?]", #arg[i] + 1, arg[i])
  argv[i - at - 1] = kept[i]
end
C.execvp(argv[0], argv)
must(-1, "run " .. arg[at + 1])
