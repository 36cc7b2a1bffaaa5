--- The loads.  Each returns how much was done, and in how many seconds; those
-- in `latency` have a rate instead, and return how long operations took:
-- { p50 =, p99 = } in microseconds.
local folder = require "support.folder"
local loop = require "support.loop"
local clients = require "bench.support.clients"
local database = require "bench.support.database"
local pinned = require "bench.support.pinned"
local programs = require "bench.support.programs"

local DESCRIPTORS_RESERVED = 1000
local QUIET_SECONDS, QUIET_AT_MOST = 1, 6
local FEW_CONNECTIONS, SPARE_CONNECTIONS = 64, 128

local _M = { latency = {} }


local function target_of(program, listener, place)
  return {
    name = program.name, port = program.port[listener],
    cpus = programs.load_cpu, build = place.build,
  }
end


--- wrk with 64 keep-alive connections.
-- @param listener  string: which of the program's
-- @param path      string: what is asked for
-- @param header    string or nil: one that each request has
function _M.http(program, seconds, place, listener, path, header)
  local text = clients.wrk(target_of(program, listener, place), path, seconds,
    header and { "-H", header })
  local done, rate = text:match("(%d+) requests in"),
    text:match("Requests/sec:%s*([%d.]+)")
  return tonumber(done), tonumber(done) / tonumber(rate)
end


--- tcp-load; what counts is messages, or megabytes where they flow.
function _M.tcp(program, seconds, place, listener, mode, connections)
  local done, bytes, took = clients.tcp_load(
    target_of(program, listener, place), mode, connections, seconds)
  return mode == "bulk" and bytes / 1e6 or done, took
end


local function rate_load(program, rate, seconds, place, listener, mode,
                         connections, header)
  local text = pinned.run(programs.load_cpu, {
    place.build .. "/bench/rate-load", tostring(program.port[listener]), mode,
    tostring(connections), tostring(rate), ("%.0f"):format(seconds * 1000),
    header }, seconds)
  local errors, p50, p99 = text:match(
    "errors=(%d+) p50_us=([%d.]+) p99_us=([%d.]+)")
  if errors ~= "0" then
    error(program.name .. " failed at a fixed rate: " .. text, 0)
  end
  return { p50 = tonumber(p50), p99 = tonumber(p99) }
end


function _M.latency.http(program, rate, seconds, place, listener, path, header)
  return rate_load(program, rate, seconds, place, listener, path,
    clients.http_connections, header)
end


_M.latency.tcp = rate_load


-- Some statements by primary key, each a query and its answer.
local function sysbench(program, seconds, listener, options)
  local argv = { "sysbench", "oltp_point_select", "--db-driver=mysql",
    "--mysql-host=127.0.0.1", "--mysql-port=" .. program.port[listener],
    "--time=" .. math.ceil(seconds), "--events=0" }
  for _, list in ipairs({ database.sysbench_options, options, { "run" } }) do
    for _, word in ipairs(list) do
      argv[#argv + 1] = word
    end
  end
  return pinned.run(programs.load_cpu, argv, seconds)
end


--- sysbench's point selects; what counts is queries.
function _M.mysql(program, seconds, place, listener)
  local text = sysbench(program, seconds, listener, {})
  local done, took = text:match("total number of events:%s*(%d+)"),
    text:match("total time:%s*([%d.]+)s")
  return tonumber(done), tonumber(took)
end


--- mysql-logins; what counts is logins.
function _M.logins(program, seconds, place, listener, connections)
  local done, took = clients.mysql_logins(target_of(program, listener, place),
    database.login_user, connections, seconds)
  return done, took
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
  local idle = clients.start_idle(target_of(program, listener, place), path, n,
    out)
  local result = f(program)
  pinned.stop(idle)
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
