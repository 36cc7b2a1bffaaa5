--- The clients that load a program, as both benches use them.  Their target is
-- a table: name (of the program), port, cpus (of the clients), build (folder).
local folder = require "support.folder"
local loop = require "support.loop"
local pinned = require "bench.support.pinned"

local HTTP_CONNECTIONS = 64
local IDLE_SECONDS = 120  -- until all idle clients have their answers

local _M = { http_connections = HTTP_CONNECTIONS }


--- wrk with 64 keep-alive connections; raises if a request fails.
-- @param target   table
-- @param path     string: what is asked for
-- @param seconds  number
-- @param options  array of further words, or nil
-- @return string: what it says
function _M.wrk(target, path, seconds, options)
  local text = pinned.run(target.cpus, { "wrk", "-t1",
    "-c" .. HTTP_CONNECTIONS, "-d" .. math.ceil(seconds) .. "s",
    ("http://127.0.0.1:%d%s"):format(target.port, path),
    unpack(options or {}) }, seconds)
  if text:find("Non-2xx", 1, true) or text:find("Socket errors", 1, true) then
    error(target.name .. " failed requests:\n" .. text, 0)
  end
  return text
end


-- One of our loads; what it does is its own word.
local function run_load(target, program, word, connections, seconds)
  local text = pinned.run(target.cpus, { target.build .. "/bench/" .. program,
    tostring(target.port), word, tostring(connections),
    ("%.0f"):format(seconds * 1000) }, seconds)
  local done, bytes, took, errors = text:match(
    "operations=(%d+) bytes=(%d+) seconds=([%d.]+) errors=(%d+)")
  if errors ~= "0" then
    error(target.name .. " failed connections: " .. text, 0)
  end
  return tonumber(done), tonumber(bytes), tonumber(took)
end


--- tcp-load; raises if a connection fails.
-- @param target       table
-- @param mode         string: one of its own
-- @param connections  integer
-- @param seconds      number
-- @return integer: operations; integer: bytes; number: seconds that it took
function _M.tcp_load(target, mode, connections, seconds)
  return run_load(target, "tcp-load", mode, connections, seconds)
end


--- mysql-logins; raises if a login fails.
-- @param target       table
-- @param user         string: one without a password
-- @param connections  integer: who logs in at once
-- @param seconds      number
-- @return integer: logins; number: seconds that it took
function _M.mysql_logins(target, user, connections, seconds)
  local done, _, took = run_load(target, "mysql-logins", user, connections,
    seconds)
  return done, took
end


--- Starts clients that ask once and stay, and waits for their answers.
-- @param target  table
-- @param path    string: what is asked for
-- @param n       integer: how many
-- @param out     string: a file for what they say
-- @return their process
function _M.start_idle(target, path, n, out)
  local idle = pinned.spawn(target.cpus, { target.build .. "/bench/http-idle",
    tostring(target.port), path, tostring(n) }, { stdout = out, stderr = out })
  loop.wait_until("all idle clients have their answer", function()
    if not idle:alive() then
      error("http-idle: " .. (folder.read(out) or "ended"), 0)
    end
    return (folder.read(out) or ""):find("idle=", 1, true)
  end, IDLE_SECONDS)
  return idle
end


return _M
