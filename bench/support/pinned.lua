--- Processes on CPUs of their own, and what they use.
local folder = require "support.folder"
local loop = require "support.loop"
local net = require "support.net"
local process = require "support.process"

local PATIENCE = 120  -- seconds that a command may take beyond its work
local STOP_SECONDS = 10

local _M = {}


local function command(cpus, argv)
  return { "taskset", "-c", cpus, unpack(argv) }
end


--- Starts a command.
-- @param cpus    string: as taskset's -c
-- @param argv    array of strings
-- @param output  table: stdout, stderr, as for process.spawn
-- @return the process
function _M.spawn(cpus, argv, output)
  return process.spawn(command(cpus, argv), output)
end


--- Runs a command to its end; raises what it says if it fails.
-- @param seconds  number: how long its work takes
-- @return string: what it says
function _M.run(cpus, argv, seconds)
  local status, text = process.run(command(cpus, argv),
    { seconds = seconds + PATIENCE })
  if status ~= 0 then
    error(("%s ended with status %s: %s"):format(argv[1], tostring(status),
      text), 0)
  end
  return text
end


--- Waits until somebody listens on a TCP port of this machine.
function _M.wait_for_port(what, port)
  loop.wait_until(what .. " listens", function()
    local socket = net.connect(port)
    if socket then
      socket:close()
    end
    return socket
  end)
end


--- The pids of a process and of its children.
function _M.pids(main)
  local pids = process.children(main.pid)
  pids[#pids + 1] = main.pid
  return pids
end


--- The CPU time that all tasks of these have used, in nanoseconds.
function _M.cpu_ns(main)
  local sum = 0
  for _, pid in ipairs(_M.pids(main)) do
    for _, task in ipairs(folder.list("/proc/" .. pid .. "/task")) do
      local text = assert(folder.read(
        ("/proc/%d/task/%s/schedstat"):format(pid, task)))
      sum = sum + tonumber(text:match("^%d+"))
    end
  end
  return sum
end


--- Ends a process, with its group if it does not go by itself.
function _M.stop(main)
  main:kill("TERM")
  if not main:wait(STOP_SECONDS) then
    process.kill(-main.pid, "KILL")
    main:wait()
  end
end


return _M
