--- The programs that are compared, and what stands behind them.
local ffi = require "ffi"
local folder = require "support.folder"
local loop = require "support.loop"
local ports = require "support.ports"
local pinned = require "bench.support.pinned"

local PROXY_CPU, LOAD_CPU = "0", "1"
local LISTENERS = {
  "static", "kept", "new", "tp5", "echo", "bulk", "hook", "mysql",
}
local ANSWER = "128"  -- bytes
local NGINX_MODULES = "/usr/lib/nginx/modules"

local CONNECTIONS = 20000  -- that a program is configured for

local CONFIGS = {
  moongate = "moongate.ini",
  ["moongate-builtin"] = "moongate.ini",
  ["moongate-passthrough"] = "moongate.ini",
  ["moongate-visible"] = "moongate.ini",
  nginx = "nginx.conf",
  ["nginx-read"] = "nginx.conf",
  haproxy = "haproxy.cfg",
  ["haproxy-splice"] = "haproxy.cfg",
}

-- What stands behind the proxies, by kind.
local BACKENDS = {
  fcgi = { "fcgi-responder", "${port}", ANSWER },
  echo = { "tcp-server", "${port}", "echo" },
  source = { "tcp-server", "${port}", "source" },
  http = { "floor-serve", "${port}", ANSWER },
  http64k = { "floor-serve", "${port}", "65536" },
  sink = { "udp-sink", "${port}" },
}

-- A server of the set `leastconn`: its number, its port.
local SERVER_LINES = {
  ["moongate.ini"] = "server s${number} = 127.0.0.1:${port}",
  ["nginx.conf"] = "server 127.0.0.1:${port};",
  ["haproxy.cfg"] = "server s${number} 127.0.0.1:${port}",
}

local _M = { load_cpu = LOAD_CPU }
local Program = {}
Program.__index = Program

local running = {}


local function fill_in(text, values)
  return (text:gsub("${(%w+)}", function(name)
    return tostring(values[name] or error("no value for " .. name))
  end))
end


-- Leaves out the parts that are for other sets of scenarios.
local function select_parts(text, set)
  return (text:gsub("\n[#;]if ([%w ]+)(.-)\n[#;]end", function(names, part)
    local wanted = (" " .. names .. " "):find(" " .. set .. " ", 1, true)
    return wanted and part or ""
  end))
end


-- One reservation does not keep another from the same port.
local function port_map(names)
  local map, taken = {}, {}
  for _, name in ipairs(names) do
    local port
    repeat
      port = ports.free(1)[1]
    until not taken[port]
    map[name], taken[port] = port, true
  end
  return map
end


local function wait_for_udp(what, port)
  local address = (":%04X "):format(port)
  loop.wait_until(what .. " is bound", function()
    return assert(folder.read("/proc/net/udp")):find(address, 1, true)
  end)
end


--- Starts what answers behind the proxies, on the CPU of the load.
-- @param place  table: build (folder), checkout, dir
-- @return table: its ports by name
function _M.start_backends(place)
  local map = port_map({ "fcgi1", "fcgi2", "fcgi3", "echo1", "echo2", "echo3",
    "source", "http", "http64k", "sink" })
  for name, port in pairs(map) do
    local argv = {}
    for i, word in ipairs(BACKENDS[name:match("^(%a+)%d$") or name]) do
      argv[#argv + 1] = i == 1 and place.build .. "/bench/" .. word
        or fill_in(word, { port = port })
    end
    pinned.spawn(LOAD_CPU, argv, { stderr = place.dir .. "/backends.log" })
    if name == "sink" then
      wait_for_udp(name, port)
    else
      pinned.wait_for_port(name, port)
    end
  end
  return map
end


local function command(name, file, place)
  if name == "moongate-builtin" then
    return { place.build .. "/bench/moongate-builtin", "-c", file }
  end
  if CONFIGS[name] == "moongate.ini" then
    return { place.build .. "/moongate", "-c", file }
  end
  if CONFIGS[name] == "nginx.conf" then
    return { "/usr/sbin/nginx", "-p", place.dir, "-c", file }
  end
  return { "/usr/sbin/haproxy", "-db", "-f", file }
end


-- Writes the configuration and returns the command that serves by it.
local function prepare(name, set, values, place)
  local config = CONFIGS[name]
  local template = folder.read(place.checkout .. "/bench/conf/" .. config)
  local file = place.dir .. "/" .. name .. "-" .. config
  folder.write(file, fill_in(select_parts(assert(template), set), values))
  return command(name, file, place)
end


-- Lines for so many servers; all stand for the same three echo servers.
local function server_lines(name, count, backends)
  local line = SERVER_LINES[CONFIGS[name]]
  local lines = {}
  for i = 1, line and count or 0 do
    local port = backends["echo" .. i % 3 + 1]
    lines[i] = fill_in(line, { number = i, port = port })
  end
  return table.concat(lines, "\n")
end


local function values_for(name, scenario, backends, place)
  local values = port_map(LISTENERS)
  values.connections = CONNECTIONS
  values.servers = server_lines(name, scenario.servers or 0, backends)
  for backend, port in pairs(backends) do
    values[backend] = port
  end
  values.checkout, values.dir = place.checkout, place.dir
  values.www, values.temp = place.dir .. "/www", place.dir .. "/temp"
  values.modules = NGINX_MODULES
  values.user = ffi.C.getuid() == 0 and "user root;" or ""
  values.sendfile = name == "nginx-read" and "off" or "on"
  values.handshake = name == "moongate-passthrough" and "passthrough"
    or "switch"
  values.visible = name == "moongate-visible" and "on" or "off"
  values.splice = name == "haproxy-splice" and "option splice-auto"
    or "no option splice-auto"
  return values
end


--- Starts one of the programs on its CPU, and waits until it listens.
-- @param name      string: as in a scenario
-- @param scenario  table
-- @param backends  table: what start_backends returned
-- @param place     table: as there
-- @param given     table or nil: other values for its configuration
-- @return the program: name, port (by listener)
function _M.start(name, scenario, backends, place, given)
  local values = values_for(name, scenario, backends, place)
  for key, value in pairs(given or {}) do
    values[key] = value
  end
  local argv
  if name == "floor" then
    argv = { place.build .. "/bench/" .. scenario.floor[1] }
    for i = 2, #scenario.floor do
      argv[i] = fill_in(scenario.floor[i], values)
    end
  else
    argv = prepare(name, scenario.set or "plain", values, place)
  end
  local log = place.dir .. "/" .. name .. ".log"
  local self = setmetatable({ name = name, port = values }, Program)
  self.main = pinned.spawn(PROXY_CPU, argv, { stdout = log, stderr = log })
  running[self] = true
  local ok, why = pcall(pinned.wait_for_port, name, values[scenario.load[2]])
  if not ok then
    error(why .. "\n" .. (folder.read(log) or ""), 0)
  end
  return self
end


--- Ends those that have not been stopped.
function _M.stop_all()
  for program in pairs(running) do
    program:stop()
  end
end


--- The CPU time that all its tasks have used, in nanoseconds.
function Program:cpu_ns()
  return pinned.cpu_ns(self.main)
end


--- The memory of all its processes, in bytes; what they share counts once.
function Program:memory_bytes()
  local sum = 0
  for _, pid in ipairs(pinned.pids(self.main)) do
    local text = assert(folder.read("/proc/" .. pid .. "/smaps_rollup"))
    sum = sum + tonumber(text:match("\nPss:%s*(%d+) kB")) * 1024
  end
  return sum
end


--- Ends it.
function Program:stop()
  running[self] = nil
  pinned.stop(self.main)
end


return _M
