--- A terminal for a program: the other side of a pseudo-terminal.
--
--     local t = terminal.open(80, 24)
--     process.spawn(argv, { session = true, stdin = t.path, ... })
--     t:wait_for("text")
local ffi = require "ffi"
local libc = require "support.libc"
local loop = require "support.loop"

ffi.cdef [[
  int posix_openpt(int flags);
  int grantpt(int fd);
  int unlockpt(int fd);
  char *ptsname(int fd);
  int tcgetattr(int fd, void *termios);
  int ioctl(int fd, unsigned long request, ...);
  long write(int fd, const void *bytes, size_t n);
]]

local C = ffi.C
local O_RDWR, O_NOCTTY, O_NONBLOCK = 2, 256, 2048
local TIOCSWINSZ = 0x5414
local CHUNK = 65536
local TERMIOS_BYTES = 60

local _M = {}
local Terminal = {}
Terminal.__index = Terminal


--- Opens one of a size.
-- @return the terminal; `path` is what a program opens
function _M.open(width, height)
  local fd = libc.check(C.posix_openpt(O_RDWR + O_NOCTTY + O_NONBLOCK),
    "posix_openpt")
  libc.check(C.grantpt(fd), "grantpt")
  libc.check(C.unlockpt(fd), "unlockpt")
  local self = setmetatable({
    fd = fd, path = ffi.string(C.ptsname(fd)), text = "",
  }, Terminal)
  -- Held open, so that what the program leaves behind can be looked at.
  self.held = libc.check(C.open(self.path, O_RDWR + O_NOCTTY,
    ffi.cast("int", 0)), "open")
  self:resize(width, height)
  return self
end


--- Gives it another size; who has it for its own is told by SIGWINCH.
function Terminal:resize(width, height)
  local size = ffi.new("unsigned short[4]", height, width, 0, 0)
  libc.check(C.ioctl(self.fd, TIOCSWINSZ, size), "TIOCSWINSZ")
end


--- The modes, as bytes that can be compared.
function Terminal:modes()
  local modes = ffi.new("uint8_t[?]", TERMIOS_BYTES)
  libc.check(C.tcgetattr(self.held, modes), "tcgetattr")
  return ffi.string(modes, TERMIOS_BYTES)
end


--- Types.
function Terminal:type(keys)
  assert(C.write(self.fd, keys, #keys) == #keys)
end


local function drain(self)
  local bytes = ffi.new("char[?]", CHUNK)
  while true do
    local n = tonumber(C.read(self.fd, bytes, CHUNK))
    if n <= 0 then
      return
    end
    self.text = self.text .. ffi.string(bytes, n)
  end
end


--- Waits until what was drawn since the last wait has a pattern.
-- @param pattern  string: a Lua pattern
-- @return what was drawn up to and with it
function Terminal:wait_for(pattern, seconds)
  local from, to
  local ok = pcall(loop.wait_until, "", function()
    drain(self)
    from, to = self.text:find(pattern)
    return from
  end, seconds)
  if not ok then
    error(("no %q on the terminal:\n%s"):format(pattern, self.text), 2)
  end
  local text = self.text:sub(1, to)
  self.text = self.text:sub(to + 1)
  return text
end


function Terminal:close()
  C.close(self.held)
  C.close(self.fd)
end


return _M
