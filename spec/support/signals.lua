--- Signals as something to wait for, for scripts that have to clean up.
local bit = require "bit"
local ffi = require "ffi"
local libc = require "support.libc"
local loop = require "support.loop"

local C = ffi.C

local NAMES = { [1] = "HUP", [2] = "INT", [15] = "TERM" }
local SIG_BLOCK = 0
local SFD_FLAGS = 0x80800  -- SFD_NONBLOCK | SFD_CLOEXEC
local SIGINFO_BYTES = 128

local _M = {}


--- From now on HUP, INT and TERM do not end this process.  Whatever waits when
-- one comes is ended by an error whose text is "stopped by" and its name.
function _M.catch()
  local set = ffi.new("uint64_t[16]")
  for number in pairs(NAMES) do
    set[0] = bit.bor(set[0], bit.lshift(1ULL, number - 1))
  end
  libc.check(C.sigprocmask(SIG_BLOCK, set, nil), "sigprocmask")
  local fd = libc.check(C.signalfd(-1, set, SFD_FLAGS), "signalfd")

  loop.spawn("signals", function()
    local info = ffi.new("uint32_t[?]", SIGINFO_BYTES / 4)
    while true do
      loop.wait(fd, loop.READ, math.huge)
      if C.read(fd, info, SIGINFO_BYTES) == SIGINFO_BYTES then
        error("stopped by SIG" .. NAMES[info[0]], 0)
      end
    end
  end)
end


return _M
