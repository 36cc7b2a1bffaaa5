--- The programs that are compared, and what stands behind them.
local ffi = require "ffi"
local folder = require "support.folder"
local loop = require "support.loop"
local net = require "support.net"
local ports = require "support.ports"
local process = require "support.process"

local PROXY_CPU, LOAD_CPU = "0", "1"
local LISTENERS = { "static", "kept", "new", "tp5", "echo", "bulk" }
local STOP_SECONDS = 5
local FCGI_BYTES = "128"
local NGINX_MODULES = "/usr/lib/nginx/modules"

local CONFIGS = {
  moongate = "moongate.ini",
  nginx = "nginx.conf",
  haproxy = "haproxy.cfg",
  ["haproxy-splice"] = "haproxy.cfg",
}

local _M = { load_cpu = LOAD_CPU }
local Program = {}
Program.__index = Program


local function fill_in(text, values)
  return (text:gsub("${(%w+)}", function(name)
    return tostring(values[name] or error("no value for " .. name))
  end))
end


local function port_map(names)
  local map = {}
  local free = ports.free(#names)
  for i, name in ipairs(names) do
    map[name] = free[i]
  end
  return map
end


local function wait_for_port(what, port)
  loop.wait_until(what .. " listens", function()
    local socket = net.connect(port)
    if socket then
      socket:close()
    end
    return socket
  end)
end


--- Starts what answers behind the proxies, on the CPU of the load.
-- @param place  table: build (folder), checkout, dir
-- @return table: its ports by name
function _M.start_backends(place)
  local map = port_map({ "fcgi1", "fcgi2", "fcgi3", "echo1", "echo2", "echo3",
    "source", "http" })
  for name, port in pairs(map) do
    local argv = { "taskset", "-c", LOAD_CPU }
    local kind = name:gsub("%d", "")
    local program = kind == "fcgi" and "fcgi-responder"
      or kind == "http" and "floor-serve" or "tcp-server"
    argv[#argv + 1] = place.build .. "/bench/" .. program
    argv[#argv + 1] = tostring(port)
    argv[#argv + 1] = program == "tcp-server" and kind or FCGI_BYTES
    process.spawn(argv, { stderr = place.dir .. "/backends.log" })
    wait_for_port(name, port)
  end
  return map
end


local function command(name, file, place)
  if name == "moongate" then
    return { place.build .. "/moongate", "-c", file }
  end
  if name == "nginx" then
    return { "/usr/sbin/nginx", "-p", place.dir, "-c", file }
  end
  return { "/usr/sbin/haproxy", "-db", "-f", file }
end


-- Writes the configuration and returns the command that serves by it.
local function prepare(name, values, place)
  local config = CONFIGS[name]
  local template = folder.read(place.checkout .. "/bench/conf/" .. config)
  local file = place.dir .. "/" .. name .. "-" .. config
  folder.write(file, fill_in(assert(template), values))
  return command(name, file, place)
end


local function values_for(name, backends, place)
  local values = port_map(LISTENERS)
  for backend, port in pairs(backends) do
    values[backend] = port
  end
  values.checkout, values.dir = place.checkout, place.dir
  values.www, values.temp = place.dir .. "/www", place.dir .. "/temp"
  values.modules = NGINX_MODULES
  values.user = ffi.C.getuid() == 0 and "user root;" or ""
  values.splice = name == "haproxy-splice" and "option splice-auto"
    or "no option splice-auto"
  return values
end


--- Starts one of the programs on its CPU, and waits until it listens.
-- @param name      string: as in a scenario
-- @param scenario  table
-- @param backends  table: what start_backends returned
-- @param place     table: as there
-- @return the program: name, port (by listener)
function _M.start(name, scenario, backends, place)
  local values = values_for(name, backends, place)
  local argv = { "taskset", "-c", PROXY_CPU }
  if name == "floor" then
    for i, word in ipairs(scenario.floor) do
      argv[#argv + 1] = i == 1 and place.build .. "/bench/" .. word
        or fill_in(word, values)
    end
  else
    for _, word in ipairs(prepare(name, values, place)) do
      argv[#argv + 1] = word
    end
  end
  local log = place.dir .. "/" .. name .. ".log"
  local self = setmetatable({ name = name, port = values }, Program)
  self.main = process.spawn(argv, { stdout = log, stderr = log })
  local ok, why = pcall(wait_for_port, name, values[scenario.load[2]])
  if not ok then
    error(why .. "\n" .. (folder.read(log) or ""), 0)
  end
  return self
end


--- The pids of all its processes.
function Program:pids()
  local pids = process.children(self.main.pid)
  pids[#pids + 1] = self.main.pid
  return pids
end


--- The CPU time that all its tasks have used, in nanoseconds.
function Program:cpu_ns()
  local sum = 0
  for _, pid in ipairs(self:pids()) do
    for _, task in ipairs(folder.list("/proc/" .. pid .. "/task")) do
      local text = assert(folder.read(
        ("/proc/%d/task/%s/schedstat"):format(pid, task)))
      sum = sum + tonumber(text:match("^%d+"))
    end
  end
  return sum
end


--- The memory of all its processes, in bytes; what they share counts once.
function Program:memory_bytes()
  local sum = 0
  for _, pid in ipairs(self:pids()) do
    local text = assert(folder.read("/proc/" .. pid .. "/smaps_rollup"))
    sum = sum + tonumber(text:match("\nPss:%s*(%d+) kB")) * 1024
  end
  return sum
end


--- Ends it.
function Program:stop()
  self.main:kill("TERM")
  if not self.main:wait(STOP_SECONDS) then
    process.kill(-self.main.pid, "KILL")
    self.main:wait()
  end
end


return _M
