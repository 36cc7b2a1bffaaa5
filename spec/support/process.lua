--- Processes that a spec starts: their ends, and what /proc says of them.
--
-- Each has its own process group, and dies with the spec should that die.
-- Waiting goes by a pidfd, so scripted peers go on meanwhile.
local ffi = require "ffi"
local lfs = require "lfs"
local folder = require "support.folder"
local libc = require "support.libc"
local loop = require "support.loop"

local C = ffi.C

local PR_SET_PDEATHSIG = 1
local SYS_PIDFD_OPEN = 434
local SIG_SETMASK = 2
local O_RDONLY, O_WRONLY, O_CREAT, O_APPEND = 0, 1, 64, 1024
local ESRCH = 3
local SIGNALS = {
  HUP = 1, INT = 2, QUIT = 3, KILL = 9, USR1 = 10, USR2 = 12, TERM = 15,
  CONT = 18, STOP = 19, WINCH = 28,
}

local _M = {}
local Process = {}
Process.__index = Process

local running = {}


local function strings(list)
  local array = ffi.new("const char *[?]", #list + 1)
  for i, text in ipairs(list) do
    array[i - 1] = text
  end
  return array
end


local function redirect(path, to, flags)
  local fd = C.open(path, flags, ffi.cast("int", 420))  -- 0644
  if fd < 0 or C.dup2(fd, to) < 0 then
    C._exit(126)
  end
end


-- In the child, up to the exec: nothing here may raise.
local function become(argv, options)
  if options.session then
    C.setsid()
  else
    C.setpgid(0, 0)
  end
  C.sigprocmask(SIG_SETMASK, ffi.new("uint64_t[16]"), nil)
  C.prctl(PR_SET_PDEATHSIG, SIGNALS.KILL, 0, 0, 0)
  redirect(options.stdin or "/dev/null", 0, O_RDONLY)
  local append = O_WRONLY + O_CREAT + O_APPEND
  if options.stdout then
    redirect(options.stdout, 1, append)
  end
  if options.stderr then
    redirect(options.stderr, 2, append)
  end
  for name, value in pairs(options.env or {}) do
    if value then
      C.setenv(name, tostring(value), 1)
    else
      C.unsetenv(name)
    end
  end
  if options.cwd and C.chdir(options.cwd) < 0 then
    C._exit(126)
  end
  C.execvp(argv[0], argv)
  C._exit(127)
end


--- Starts a program.
-- @param argv     array of strings; the first is looked up in PATH
-- @param options  table or nil: stdin, stdout, stderr (paths of files; output
--                 is appended), env (false unsets), cwd, lasting (boolean:
--                 stays when end_all ends what a single test has started),
--                 session (boolean: has a session of its own)
-- @return a process; `pid` is its number
function _M.spawn(argv, options)
  options = options or {}
  local array = strings(argv)
  io.stdout:flush()
  local pid = libc.check(C.fork(), "fork")
  if pid == 0 then
    become(array, options)
  end
  if not options.session then
    C.setpgid(pid, pid)
  end
  local self = setmetatable({ pid = pid, argv = argv }, Process)
  if not options.lasting then
    running[self] = true
  end
  return self
end


--- Runs a program to its end.
-- @param argv     as for spawn
-- @param options  as for spawn, and seconds
-- @return integer: its exit status (128 + signal if one ended it); string:
--   what it printed to stdout and stderr
function _M.run(argv, options)
  local place = folder.make()
  local all = { stdout = place .. "/out", stderr = place .. "/out" }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  local self = _M.spawn(argv, all)
  local status = self:wait(all.seconds)
  local text = folder.read(all.stdout)
  folder.remove(place)
  return status, text
end


-- A descriptor that becomes readable when the process ends; nil when there is
-- no such process any more.
local function pidfd_open(pid)
  local fd = tonumber(C.syscall(SYS_PIDFD_OPEN, ffi.cast("int", pid),
    ffi.cast("unsigned", 0)))
  if fd < 0 then
    assert(ffi.errno() == ESRCH, "pidfd_open: " .. libc.reason())
    return nil
  end
  return fd
end


--- Whether a process ends within a while, be it ours or not.
-- @param pid      integer
-- @param seconds  number or nil
function _M.ends(pid, seconds)
  local fd = pidfd_open(pid)
  if not fd then
    return true
  end
  local ended = loop.wait(fd, loop.READ, loop.deadline(seconds))
  C.close(fd)
  return ended
end


--- Sends a signal by its short name.
function _M.kill(pid, name)
  local number = SIGNALS[name] or error("unknown signal " .. tostring(name), 2)
  return C.kill(pid, number) == 0
end


--- Whether a process exists and has not ended (a zombie has).
function _M.alive(pid)
  local stat = folder.read("/proc/" .. pid .. "/stat")
  return stat ~= nil and not stat:match("^%d+ %(.*%) [ZX]")
end


--- The name of a process, as it was set by PR_SET_NAME.
function _M.title(pid)
  local comm = folder.read("/proc/" .. pid .. "/comm")
  return comm and comm:gsub("\n$", "")
end


--- The children of a process.
-- @return array of integers, sorted
function _M.children(pid)
  local text = folder.read(("/proc/%d/task/%d/children"):format(pid, pid))
  local pids = {}
  for child in (text or ""):gmatch("%d+") do
    pids[#pids + 1] = tonumber(child)
  end
  table.sort(pids)
  return pids
end


--- The open descriptors of a process, without those that go meanwhile.
-- @return array of { fd = integer, target = string }
function _M.fds(pid)
  local place = "/proc/" .. pid .. "/fd/"
  local result = {}
  for _, name in ipairs(folder.list(place)) do
    local target = lfs.symlinkattributes(place .. name, "target")
    if target then
      result[#result + 1] = { fd = tonumber(name), target = target }
    end
  end
  return result
end


--- How many pipe ends a process has open.
function _M.pipe_ends(pid)
  local n = 0
  for _, fd in ipairs(_M.fds(pid)) do
    if fd.target:find("^pipe:") then
      n = n + 1
    end
  end
  return n
end


--- The resident memory of a process, in bytes.
function _M.rss(pid)
  local status = assert(folder.read("/proc/" .. pid .. "/status"))
  return tonumber(status:match("VmRSS:%s*(%d+) kB")) * 1024
end


--- The user that a process runs as.
function _M.uid(pid)
  local status = assert(folder.read("/proc/" .. pid .. "/status"))
  return tonumber(status:match("\nUid:%s*%d+%s+(%d+)"))
end


--- Waits for the end.
-- @param seconds  number or nil
-- @return integer: the exit status, or 128 + signal; nil and "late"
function Process:wait(seconds)
  if self.status then
    return self.status
  end
  if not _M.ends(self.pid, seconds) then
    return nil, "late"
  end
  local status = ffi.new("int[1]")
  libc.check(C.waitpid(self.pid, status, 0), "waitpid")
  running[self] = nil
  local signal = status[0] % 128
  self.status = signal == 0 and math.floor(status[0] / 256) % 256
    or 128 + signal
  return self.status
end


--- Sends a signal by its short name, for instance "TERM".
function Process:kill(name)
  return self.status == nil and _M.kill(self.pid, name)
end


--- Whether it still runs.
function Process:alive()
  return self.status == nil and _M.alive(self.pid)
end


--- Ends what is still running, by force.
-- @return array of processes that had to be ended
function _M.end_all()
  local ended = {}
  for self in pairs(running) do
    ended[#ended + 1] = self
    C.kill(-self.pid, SIGNALS.KILL)
    self:wait()
  end
  return ended
end


return _M
