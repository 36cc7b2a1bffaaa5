--- The programs of bench/scale at their sizes, and what loads them.
local ffi = require "ffi"
local folder = require "support.folder"
local ports = require "support.ports"
local clients = require "bench.support.clients"
local pinned = require "bench.support.pinned"
local configs = require "bench.support.scale_configs"

ffi.cdef "int getrusage(int who, long *usage);"

local PROXY_CPUS, LOAD_CPUS, BOTH_CPUS = "0", "1", "0,1"
local TCP_CONNECTIONS = 32
local FCGI_BYTES = "128"
local NGINX_MODULES = "/usr/lib/nginx/modules"
local RUSAGE_CHILDREN = -1

local _M = {}
local Program = {}
Program.__index = Program


local function start_three(place, program, word)
  local three = ports.free(3)
  for _, port in ipairs(three) do
    pinned.spawn(LOAD_CPUS,
      { place.build .. "/bench/" .. program, tostring(port), word },
      { stderr = place.dir .. "/backends.log" })
    pinned.wait_for_port(program, port)
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


--- Starts a program at one size, and waits until it listens.
-- @param program  string: moongate, nginx or haproxy
-- @param table_   table: of scale_tables
-- @param kind     table: one of its kinds
-- @param size     integer
-- @param place    table: build, checkout, dir, and what start_backends has set
function _M.start(program, table_, kind, size, place)
  -- It is also the target of its clients.
  local self = setmetatable({ name = program, size = size }, Program)
  local file
  self.port, file, self.log = prepare(program, table_, kind, size, place)
  self.build = place.build
  self.cpus = table_.workers and BOTH_CPUS or LOAD_CPUS
  self.main = pinned.spawn(table_.workers and BOTH_CPUS or PROXY_CPUS,
    command(program, file, place), { stdout = self.log, stderr = self.log })
  local ok, why = pcall(pinned.wait_for_port, program, self.port)
  if not ok then
    error(why .. "\n" .. (folder.read(self.log) or ""), 0)
  end
  if table_.idle then
    self.idle = clients.start_idle(self, kind.path, size, self.log .. ".idle")
  end
  return self
end


--- Ends it and its idle clients.
function Program:stop()
  if self.idle then
    pinned.stop(self.idle)
  end
  pinned.stop(self.main)
end


-- --- loads -------------------------------------------------------------------

local loads = {}


local function wrk(self, seconds, path, options)
  local text = clients.wrk(self, path, seconds, options)
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
  return wrk(self, seconds, kind.path, { "-s", script })
end


--- tcp-load: a connection for each message.
function loads.churn(self, seconds)
  return (clients.tcp_load(self, "churn", TCP_CONNECTIONS, seconds))
end


--- Loads it for a while.
-- @return number: what one operation cost it, in microseconds of CPU
function Program:measure(kind, seconds)
  local before = pinned.cpu_ns(self.main)
  local done = loads[kind.load](self, seconds, kind)
  local used = pinned.cpu_ns(self.main) - before
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
  local _, file = prepare(program, table_, kind, size, place)
  local before = children_ms()
  pinned.run(PROXY_CPUS, command(program, file, place, true), 0)
  os.remove(file)
  return children_ms() - before
end


--- What bench-hooks says of taking servers.
-- @return table: by policy, an array of nanoseconds in the order of sizes
function _M.takes(place)
  local text = pinned.run(PROXY_CPUS, { place.build .. "/bench-hooks" }, 0)
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
