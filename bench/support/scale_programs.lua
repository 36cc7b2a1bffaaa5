--- The programs of bench/scale at their sizes, and what loads them.
local ffi = require "ffi"
local folder = require "support.folder"
local loop = require "support.loop"
local net = require "support.net"
local ports = require "support.ports"
local process = require "support.process"
local configs = require "bench.support.scale_configs"

ffi.cdef "int getrusage(int who, long *usage);"

local PROXY_CPUS, LOAD_CPUS, BOTH_CPUS = "0", "1", "0,1"
local HTTP_CONNECTIONS, TCP_CONNECTIONS = "64", "32"
local FCGI_BYTES = "128"
local NGINX_MODULES = "/usr/lib/nginx/modules"
local PATIENCE = 120  -- seconds more than the load itself takes
local STOP_SECONDS = 10
local RUSAGE_CHILDREN = -1

local _M = {}
local Program = {}
Program.__index = Program


local function wait_for_port(what, port)
  loop.wait_until(what .. " listens", function()
    local socket = net.connect(port)
    if socket then
      socket:close()
    end
    return socket
  end)
end


local function start_three(place, program, word)
  local three = ports.free(3)
  for _, port in ipairs(three) do
    process.spawn({ "taskset", "-c", LOAD_CPUS,
      place.build .. "/bench/" .. program, tostring(port), word },
      { stderr = place.dir .. "/backends.log" })
    wait_for_port(program, port)
  end
  return three
end


--- Starts what answers behind the programs, on the CPU of the load.
-- @param place  table: build (folder), dir; gets echo and fcgi, three ports of
--   each
function _M.start_backends(place)
  place.echo = start_three(place, "tcp-server", "echo")
  place.fcgi = start_three(place, "fcgi-responder", FCGI_BYTES)
end


-- --- starting ----------------------------------------------------------------

local function command(program, file, place, check)
  if program == "moongate" then
    local argv = { place.build .. "/moongate", "-c", file }
    if check then
      table.insert(argv, 2, "check")
    end
    return argv
  end
  if program == "nginx" then
    return { "/usr/sbin/nginx", "-p", place.dir, "-c", file,
      check and "-t" or nil }
  end
  return { "/usr/sbin/haproxy", check and "-c" or "-db", "-f", file }
end


local next_id = 0

-- Writes the configuration of one process: its port, and the file.
local function prepare(program, table_, kind, size, place)
  next_id = next_id + 1
  local id = ("%d-%s-%s-%d"):format(next_id, program, kind.name, size)
  local values = {
    id = id, port = ports.free(1)[1], echo = place.echo,
    fcgi = place.fcgi, workers = table_.workers and size or 1,
    dir = place.dir, www = place.dir .. "/www", temp = place.dir .. "/temp",
    checkout = place.checkout, modules = NGINX_MODULES,
    user = ffi.C.getuid() == 0 and "user root;" or "",
  }
  local file = place.dir .. "/" .. id .. ".conf"
  folder.write(file, configs.text(program, kind.name, kind.size or size,
    values))
  return values.port, file, place.dir .. "/" .. id .. ".log"
end


-- Clients that ask once and stay.
local function start_idle(self, n, path, place)
  local out = self.log .. ".idle"
  local clients = process.spawn({ "taskset", "-c", LOAD_CPUS,
    place.build .. "/bench/http-idle", tostring(self.port), path,
    tostring(n) }, { stdout = out, stderr = out })
  loop.wait_until("all idle clients have their answer", function()
    if not clients:alive() then
      error("http-idle: " .. (folder.read(out) or "ended"), 0)
    end
    return (folder.read(out) or ""):find("idle=", 1, true)
  end, PATIENCE)
  return clients
end


--- Starts a program at one size, and waits until it listens.
-- @param program  string: moongate, nginx or haproxy
-- @param table_   table: of scale_tables
-- @param kind     table: one of its kinds
-- @param size     integer
-- @param place    table: build, checkout, dir, and what start_backends has set
function _M.start(program, table_, kind, size, place)
  local self = setmetatable({ name = program, size = size }, Program)
  local file
  self.port, file, self.log = prepare(program, table_, kind, size, place)
  self.load_cpus = table_.workers and BOTH_CPUS or LOAD_CPUS
  local cpus = table_.workers and BOTH_CPUS or PROXY_CPUS
  self.main = process.spawn({ "taskset", "-c", cpus,
    unpack(command(program, file, place)) },
    { stdout = self.log, stderr = self.log })
  local ok, why = pcall(wait_for_port, program, self.port)
  if not ok then
    error(why .. "\n" .. (folder.read(self.log) or ""), 0)
  end
  if table_.idle then
    self.idle = start_idle(self, size, kind.path, place)
  end
  return self
end


--- The CPU time that all its tasks have used, in nanoseconds.
function Program:cpu_ns()
  local pids = process.children(self.main.pid)
  pids[#pids + 1] = self.main.pid
  local sum = 0
  for _, pid in ipairs(pids) do
    for _, task in ipairs(folder.list("/proc/" .. pid .. "/task")) do
      local text = assert(folder.read(
        ("/proc/%d/task/%s/schedstat"):format(pid, task)))
      sum = sum + tonumber(text:match("^%d+"))
    end
  end
  return sum
end


local function stop(one)
  one:kill("TERM")
  if not one:wait(STOP_SECONDS) then
    process.kill(-one.pid, "KILL")
    one:wait()
  end
end


--- Ends it and its idle clients.
function Program:stop()
  if self.idle then
    stop(self.idle)
  end
  stop(self.main)
end


-- --- loads -------------------------------------------------------------------

local loads = {}


local function run(self, seconds, argv)
  local status, text = process.run({ "taskset", "-c", self.load_cpus,
    unpack(argv) }, { seconds = seconds + PATIENCE })
  if status ~= 0 then
    error(("%s ended with status %s: %s"):format(argv[1], tostring(status),
      text), 0)
  end
  return text
end


local function wrk(self, seconds, path, script)
  local text = run(self, seconds, { "wrk", "-t1", "-c" .. HTTP_CONNECTIONS,
    "-d" .. seconds .. "s", ("http://127.0.0.1:%d%s"):format(self.port, path),
    script and "-s", script })
  if text:find("Non-2xx", 1, true) or text:find("Socket errors", 1, true) then
    error(self.name .. " failed requests:\n" .. text, 0)
  end
  return tonumber(text:match("(%d+) requests in"))
end


--- wrk with 64 keep-alive connections.
function loads.http(self, seconds, kind)
  return wrk(self, seconds, kind.path)
end


-- In an order in which neighbours are not asked for one after the other.
local HOSTS_SCRIPT = [[
local requests, at = {}, 0
function init()
  for i = 1, %d do
    requests[i] = wrk.format(nil, nil, { Host = ("%s"):format(i) })
  end
end
function request()
  at = (at + 7919) %% #requests
  return requests[at + 1]
end
]]


--- The same, and each request is for the next host.
function loads.hosts(self, seconds, kind)
  local script = self.log .. ".lua"
  folder.write(script, HOSTS_SCRIPT:format(self.size,
    (configs.host(0):gsub("0", "%%d"))))
  return wrk(self, seconds, kind.path, script)
end


--- tcp-load: a connection for each message.
function loads.churn(self, seconds, _, place)
  local text = run(self, seconds, { place.build .. "/bench/tcp-load",
    tostring(self.port), "churn", TCP_CONNECTIONS,
    ("%d"):format(seconds * 1000) })
  local done, errors = text:match("operations=(%d+).*errors=(%d+)")
  if errors ~= "0" then
    error(self.name .. " failed connections: " .. text, 0)
  end
  return tonumber(done)
end


--- Loads it for a while.
-- @return number: what one operation cost it, in microseconds of CPU
function Program:measure(kind, seconds, place)
  local before = self:cpu_ns()
  local done = loads[kind.load](self, seconds, kind, place)
  local used = self:cpu_ns() - before
  if done == 0 then
    error(self.name .. " has done nothing", 0)
  end
  return used / 1000 / done
end


-- --- checking ----------------------------------------------------------------

-- The CPU time of all children that have ended, in milliseconds.
local function children_ms()
  local usage = ffi.new("long[18]")
  assert(ffi.C.getrusage(RUSAGE_CHILDREN, usage) == 0)
  return tonumber(usage[0] + usage[2]) * 1000
    + tonumber(usage[1] + usage[3]) / 1000
end


--- Lets a program check its configuration.
-- @return number: the milliseconds of CPU that it took
function _M.check(program, table_, kind, size, place)
  local _, file, log = prepare(program, table_, kind, size, place)
  local before = children_ms()
  local status, text = process.run({ "taskset", "-c", PROXY_CPUS,
    unpack(command(program, file, place, true)) }, { seconds = PATIENCE })
  if status ~= 0 then
    error(("%s: %s"):format(log, text), 0)
  end
  os.remove(file)
  return children_ms() - before
end


--- What bench-hooks says of taking servers.
-- @return table: by policy, an array of nanoseconds in the order of sizes
function _M.takes(place)
  local status, text = process.run({ "taskset", "-c", PROXY_CPUS,
    place.build .. "/bench-hooks" }, { seconds = PATIENCE })
  if status ~= 0 then
    error("bench-hooks: " .. text, 0)
  end
  local takes = {}
  local rows = text:match("take and give[^\n]*\n(.*)")
  for line in assert(rows, "bench-hooks has another form"):gmatch("[^\n]+") do
    local policy, numbers = line:match("^(.-)%s%s+([%d. ]+) ns$")
    takes[policy] = {}
    for number in numbers:gmatch("%S+") do
      table.insert(takes[policy], tonumber(number))
    end
  end
  return takes
end


return _M
