--- The loads.  Each returns how much was done, and in how many seconds; those
-- in `latency` have a rate instead, and return how long operations took:
-- { p50 =, p99 = } in microseconds.
local folder = require "support.folder"
local loop = require "support.loop"
local process = require "support.process"
local database = require "bench.support.database"
local programs = require "bench.support.programs"

local HTTP_CONNECTIONS = "64"
local PATIENCE = 60  -- seconds more than the load itself takes
local DESCRIPTORS_RESERVED = 1000
local QUIET_SECONDS, QUIET_AT_MOST = 1, 6
local FEW_CONNECTIONS, SPARE_CONNECTIONS = 64, 128

local _M = { latency = {} }


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
-- @param listener  string: which of the program's
-- @param path      string: what is asked for
-- @param header    string or nil: one that each request has
function _M.http(program, seconds, place, listener, path, header)
  local url = ("http://127.0.0.1:%d%s"):format(program.port[listener], path)
  local argv = pinned("wrk", "-t1", "-c" .. HTTP_CONNECTIONS,
    "-d" .. math.ceil(seconds) .. "s", url)
  if header then
    argv[#argv + 1] = "-H"
    argv[#argv + 1] = header
  end
  local text = run(argv, seconds)
  if text:find("Non-2xx", 1, true) or text:find("Socket errors", 1, true) then
    error(program.name .. " failed requests:\n" .. text, 0)
  end
  local done, rate = text:match("(%d+) requests in"),
    text:match("Requests/sec:%s*([%d.]+)")
  return tonumber(done), tonumber(done) / tonumber(rate)
end


local function milliseconds(seconds)
  return ("%.0f"):format(seconds * 1000)
end


--- tcp-load; what counts is messages, or megabytes where they flow.
function _M.tcp(program, seconds, place, listener, mode, connections)
  local text = run(pinned(place.build .. "/bench/tcp-load",
    tostring(program.port[listener]), mode, tostring(connections),
    milliseconds(seconds)), seconds)
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


local function rate_load(program, rate, seconds, place, listener, mode,
                         connections, header)
  local text = run(pinned(place.build .. "/bench/rate-load",
    tostring(program.port[listener]), mode, tostring(connections),
    tostring(rate), milliseconds(seconds), header), seconds)
  local errors, p50, p99 = text:match(
    "errors=(%d+) p50_us=([%d.]+) p99_us=([%d.]+)")
  if errors ~= "0" then
    error(program.name .. " failed at a fixed rate: " .. text, 0)
  end
  return { p50 = tonumber(p50), p99 = tonumber(p99) }
end


function _M.latency.http(program, rate, seconds, place, listener, path, header)
  return rate_load(program, rate, seconds, place, listener, path,
    HTTP_CONNECTIONS, header)
end


_M.latency.tcp = rate_load


-- Some statements by primary key, each a query and its answer.
local function sysbench(program, seconds, listener, options)
  local argv = pinned("sysbench", "oltp_point_select", "--db-driver=mysql",
    "--mysql-host=127.0.0.1", "--mysql-port=" .. program.port[listener],
    "--time=" .. math.ceil(seconds), "--events=0")
  for _, list in ipairs({ database.sysbench_options, options, { "run" } }) do
    for _, word in ipairs(list) do
      argv[#argv + 1] = word
    end
  end
  return run(argv, seconds)
end


--- sysbench's point selects; what counts is queries.
function _M.mysql(program, seconds, place, listener)
  local text = sysbench(program, seconds, listener, {})
  local done, took = text:match("total number of events:%s*(%d+)"),
    text:match("total time:%s*([%d.]+)s")
  return tonumber(done), tonumber(took)
end


-- The value below which this share of a histogram lies.
local function histogram_quantile(bars, total, share)
  local below = 0
  for _, bar in ipairs(bars) do
    below = below + bar.count
    if below >= total * share then
      return bar.ms * 1000
    end
  end
end


function _M.latency.mysql(program, rate, seconds, place, listener)
  local text = sysbench(program, seconds, listener,
    { "--rate=" .. rate, "--histogram=on" })
  local bars, total = {}, 0
  for ms, count in text:gmatch("\n%s*([%d.]+) |%**%s+(%d+)") do
    bars[#bars + 1] = { ms = tonumber(ms), count = tonumber(count) }
    total = total + tonumber(count)
  end
  return {
    p50 = histogram_quantile(bars, total, 0.5),
    p99 = histogram_quantile(bars, total, 0.99),
  }
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
  local result = f(program)
  clients:kill("TERM")
  clients:wait()
  os.remove(out)
  return result
end


-- The memory once it has stopped falling: some programs give back after a
-- moment what they do not need any more.
local function settled_memory(program)
  local deadline = loop.deadline(QUIET_AT_MOST)
  local least, since = program:memory_bytes(), loop.now()
  while loop.now() < deadline and loop.now() - since < QUIET_SECONDS do
    loop.watch(0.1)
    local memory = program:memory_bytes()
    if memory < least then
      least, since = memory, loop.now()
    end
  end
  return least
end


-- One client comes first: when it has its answer, the program has all that it
-- needs to serve anybody.
local function memory_with_one(program, place, listener, path)
  return with_idle_clients(program, 1, place, listener, path, settled_memory)
end


--- Clients that ask once and stay, with new processes of a program.
-- @return integer: how many; number: bytes of the program's memory that each
--   has added; number: the same with what the program has made beforehand,
--   since it was configured for so many
function _M.idle(name, scenario, backends, place)
  local _, listener, path, wanted = unpack(scenario.load)
  local n = math.min(wanted, connections_allowed())

  local program = programs.start(name, scenario, backends, place,
    { connections = FEW_CONNECTIONS })
  local at_rest = memory_with_one(program, place, listener, path)
  program:stop()

  program = programs.start(name, scenario, backends, place,
    { connections = n + SPARE_CONNECTIONS })
  local before = memory_with_one(program, place, listener, path)
  local after = with_idle_clients(program, n, place, listener, path,
    settled_memory)
  program:stop()
  return n, (after - before) / n, (after - at_rest) / n
end


return _M
