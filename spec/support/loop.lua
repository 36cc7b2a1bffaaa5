--- One thread for all peers of a spec: clients, servers and processes.
--
-- A spec reads from top to bottom and waits for one thing at a time.  What
-- must go on meanwhile (a server that answers, an upload that flows) is a task:
-- a coroutine that runs whenever anybody waits.  Both wait in the same words;
-- wait() sees which of the two it was called from.
--
-- Nothing sleeps: every wait is for a descriptor or a condition, and has a
-- deadline.  Times are seconds of the monotonic clock.
local ffi = require "ffi"
require "support.libc"

local C = ffi.C

local POLLIN, POLLOUT = 1, 4
local CLOCK_MONOTONIC = 1
local EINTR = 4
local STEP = 0.004  -- how often a condition without a descriptor is looked at

local _M = {
  READ = POLLIN,
  WRITE = POLLOUT,
  --- How long a spec waits for what must come.
  patience = 10 * (tonumber(os.getenv("MOONGATE_PATIENCE")) or 1),
}

local tasks = {}
local current
local first_failure

local timespec = ffi.new("struct spec_timespec")


--- The time.
-- @return number: seconds since an arbitrary moment
function _M.now()
  C.clock_gettime(CLOCK_MONOTONIC, timespec)
  return tonumber(timespec.tv_sec) + tonumber(timespec.tv_nsec) / 1e9
end


--- The moment after which a wait is given up.
-- @param seconds  number or nil: nil for the usual patience
function _M.deadline(seconds)
  return _M.now() + (seconds or _M.patience)
end


--- Ends a task where it waits.
function _M.cancel(task)
  task.dead = true
  for i = #tasks, 1, -1 do
    if tasks[i] == task then
      table.remove(tasks, i)
    end
  end
end


local function resume(task, ready)
  local outer = current
  current = task
  local ok, fd, events, deadline = coroutine.resume(task.co, ready)
  current = outer

  if coroutine.status(task.co) ~= "dead" then
    task.fd, task.events, task.deadline = fd, events, deadline
    return
  end
  _M.cancel(task)
  if not ok and not first_failure then
    first_failure = debug.traceback(task.co, "in task '" .. task.name
      .. "': " .. tostring(fd))
  end
end


--- Starts a task; it runs until its first wait before this returns.
-- @param name  string: names the task where it fails
-- @param f     function: what it does
-- @return the task; its field `dead` becomes true when it has ended
function _M.spawn(name, f)
  local task = { name = name, co = coroutine.create(f) }
  tasks[#tasks + 1] = task
  resume(task)
  return task
end


--- Raises the failure of a task, if one has failed.
function _M.check()
  local failure = first_failure
  first_failure = nil
  if failure then
    error(failure, 0)
  end
end


--- Forgets all tasks, without running them further.
function _M.clear()
  tasks = {}
  first_failure = nil
end


local function poll_once(waiters, deadline)
  local fds = ffi.new("struct spec_pollfd[?]", #waiters)
  for i, waiter in ipairs(waiters) do
    fds[i - 1].fd, fds[i - 1].events = waiter.fd, waiter.events
    deadline = math.min(deadline, waiter.deadline)
  end
  local left = math.min(math.max(0, deadline - _M.now()), 3600)
  local ms = math.ceil(left * 1000)
  local n = C.poll(fds, #waiters, ms)
  if n < 0 and ffi.errno() ~= EINTR then
    error("poll failed")
  end
  local ready = {}
  for i = 1, #waiters do
    ready[i] = n > 0 and fds[i - 1].revents ~= 0
  end
  return ready
end


local function main_wait(fd, events, deadline)
  local me = { fd = fd, events = events, deadline = deadline }
  while true do
    local waiters = { me, unpack(tasks) }
    local ready = poll_once(waiters, deadline)
    local now = _M.now()
    for i = 2, #waiters do
      local task = waiters[i]
      if not task.dead and (ready[i] or now >= task.deadline) then
        resume(task, ready[i])
      end
    end
    _M.check()
    if ready[1] then
      return true
    end
    if now >= deadline then
      return false
    end
  end
end


--- Waits for a descriptor; tasks go on meanwhile.
-- @param fd        integer, or -1 for none
-- @param events    READ, WRITE
-- @param deadline  number: when to give up; math.huge for never
-- @return boolean: it is ready
function _M.wait(fd, events, deadline)
  if current then
    return coroutine.yield(fd, events, deadline)
  end
  return main_wait(fd, events, deadline)
end


--- Waits until something is true.
-- @param what       string: the condition in words, for the failure
-- @param predicate  function: called again and again; a true value ends it
-- @param seconds    number or nil
-- @return what the predicate returned
function _M.wait_until(what, predicate, seconds)
  local deadline = _M.deadline(seconds)
  while true do
    local result = predicate()
    if result then
      return result
    end
    if _M.now() >= deadline then
      error("waited in vain until " .. what, 2)
    end
    _M.wait(-1, 0, _M.now() + STEP)
  end
end


--- Lets the tasks go on for a while: where the spec shows that something does
-- NOT happen, there is no condition to wait for.
-- @param seconds  number
function _M.watch(seconds)
  _M.wait(-1, 0, _M.now() + seconds)
end


return _M
