--- The loads.  Each returns how much was done, and in how many seconds.
local folder = require "support.folder"
local loop = require "support.loop"
local process = require "support.process"
local programs = require "bench.support.programs"

local HTTP_CONNECTIONS = "64"
local PATIENCE = 60  -- seconds more than the load itself takes
local DESCRIPTORS_RESERVED = 1000

local _M = {}


local function pinned(...)
  return { "taskset", "-c", programs.load_cpu, ... }
end


local function run(argv, seconds)
  local status, text = process.run(argv, { seconds = seconds + PATIENCE })
  if status ~= 0 then
    error(("%s ended with status %s: %s"):format(argv[4], tostring(status),
      text), 0)
  end
  return text
end


--- wrk with 64 keep-alive connections.
function _M.http(program, seconds, place, listener, path)
  local url = ("http://127.0.0.1:%d%s"):format(program.port[listener], path)
  local text = run(pinned("wrk", "-t1", "-c" .. HTTP_CONNECTIONS,
    "-d" .. seconds .. "s", url), seconds)
  if text:find("Non-2xx", 1, true) or text:find("Socket errors", 1, true) then
    error(program.name .. " failed requests:\n" .. text, 0)
  end
  local done, rate = text:match("(%d+) requests in"),
    text:match("Requests/sec:%s*([%d.]+)")
  return tonumber(done), tonumber(done) / tonumber(rate)
end


--- tcp-load; what counts is messages, or megabytes where they flow.
function _M.tcp(program, seconds, place, listener, mode, connections)
  local text = run(pinned(place.build .. "/bench/tcp-load",
    tostring(program.port[listener]), mode, tostring(connections),
    tostring(seconds)), seconds)
  local done, bytes, took, errors = text:match(
    "operations=(%d+) bytes=(%d+) seconds=([%d.]+) errors=(%d+)")
  if errors ~= "0" then
    error(program.name .. " failed connections: " .. text, 0)
  end
  if mode == "bulk" then
    done = tonumber(bytes) / 1e6
  end
  return tonumber(done), tonumber(took)
end


-- Moongate allows so many connections that each may have a server as well.
local function connections_allowed()
  local limits = assert(folder.read("/proc/self/limits"))
  local n = tonumber(limits:match("Max open files%s+(%d+)")) or math.huge
  return math.floor((n - DESCRIPTORS_RESERVED) / 2)
end


-- Opens idle clients, waits for their answers, and returns what `f` says then.
local function with_idle_clients(program, n, place, listener, path, f)
  local out = place.dir .. "/idle-" .. program.name
  local clients = process.spawn(pinned(place.build .. "/bench/http-idle",
    tostring(program.port[listener]), path, tostring(n)),
    { stdout = out, stderr = out })
  loop.wait_until("all idle clients have their answer", function()
    if not clients:alive() then
      error("http-idle: " .. (folder.read(out) or "ended"), 0)
    end
    return (folder.read(out) or ""):find("idle=", 1, true)
  end, PATIENCE)
  local result = f()
  clients:kill("TERM")
  clients:wait()
  os.remove(out)
  return result
end


--- Clients that ask once and stay.  One comes first: when it has its answer,
-- the program has all that it needs to serve anybody.
-- @return integer: how many; number: bytes of the program's memory for each
function _M.idle(program, seconds, place, listener, path, wanted)
  local n = math.min(wanted, connections_allowed())
  local function memory()
    return program:memory_bytes()
  end
  local before = with_idle_clients(program, 1, place, listener, path, memory)
  local after = with_idle_clients(program, n, place, listener, path, memory)
  return n, (after - before) / n
end


return _M
