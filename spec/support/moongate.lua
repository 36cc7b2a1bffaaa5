--- The program under test: started with a configuration that the spec gives,
-- in a folder of its own, and stopped without a trace.
--
--     local m = moongate.start {
--       config = [[
--         [http web]
--         listen = 127.0.0.1:${port_web}
--         root = ${dir}/www
--       ]],
--       files = { ["www/index.html"] = "hello" },
--     }
--     http.fetch(m.port.web, "/")
--
-- ${dir} is the folder, ${port_NAME} a free port for each NAME, or the one that
-- `ports` gives.  [global] is written here; `workers` and `global` add to it.
-- Scripts of the spec's own are files below lua/.
-- Every spec file says after_each(moongate.finish): it stops what runs and
-- fails when something is left behind or a sanitizer has spoken.
local json = require "dkjson"
local lfs = require "lfs"
local ffi = require "ffi"
local folder = require "support.folder"
local loop = require "support.loop"
local net = require "support.net"
local process = require "support.process"

local C = ffi.C

local SANITIZER_WORDS = {
  "Sanitizer", "runtime error:", "Assertion .- failed",
}
local FIRST_PORT, LAST_PORT = 10000, 32000  -- below those that connect() takes

local _M = {}
local Moongate = {}
Moongate.__index = Moongate

local running = {}
local next_port


local function free_port()
  next_port = next_port or FIRST_PORT
    + (C.getpid() * 7919) % (LAST_PORT - FIRST_PORT)
  for _ = FIRST_PORT, LAST_PORT do
    next_port = next_port < LAST_PORT and next_port + 1 or FIRST_PORT
    local socket = net.reserve(next_port)
    if socket then
      socket:close()
      return next_port
    end
  end
  error("no port is free")
end


--- The folder of the build.
function _M.build()
  local build = os.getenv("MOONGATE_BUILD") or "build"
  if build:sub(1, 1) ~= "/" then
    build = lfs.currentdir() .. "/" .. build
  end
  return build
end


--- Fills in ${dir} and ${port_NAME}.
local function expand(self, text)
  text = text:gsub("${dir}", self.dir)
  return (text:gsub("${port_(%w+)}", function(name)
    self.port[name] = self.port[name] or free_port()
    return tostring(self.port[name])
  end))
end


--- Writes another configuration into the file; [global] stays.
function Moongate:write_config(config)
  local head = folder.read(self.file):match("^.-\n\n")
  folder.write(self.file,
    head .. (expand(self, "\n" .. config):gsub("\n +", "\n")))
end


--- Writes the configuration and what it needs, and starts nothing.
-- @param options  table: config (string); files (contents by path); links
--                 (targets of symbolic links by path, in folders of files);
--                 ports (numbers by name); workers (1 unless given); global
--                 (further lines of [global]); log (its lines about the log);
--                 env; wrap (words before the program's, for instance
--                 prlimit's)
-- @return the instance: dir, port (by name), file (the configuration's path)
function _M.prepare(options)
  local self = setmetatable({
    options = options,
    dir = folder.make(),
    port = {},
    workers_wanted = options.workers or 1,
  }, Moongate)
  running[self] = true
  for name, port in pairs(options.ports or {}) do
    self.port[name] = port
  end
  lfs.mkdir(self.dir .. "/lua")
  lfs.mkdir(self.dir .. "/temp")
  C.chmod(self.dir .. "/temp", 1023)  -- 01777
  for path, text in pairs(options.files or {}) do
    folder.write(self.dir .. "/" .. path, text)
  end
  for path, target in pairs(options.links or {}) do
    folder.link(target, self.dir .. "/" .. path)
  end

  self.file = self.dir .. "/moongate.ini"
  self.log_file = self.dir .. "/log"
  self.control = self.dir .. "/control.sock"
  local text = table.concat({
    "[global]",
    "workers = " .. self.workers_wanted,
    (options.global or ""):find("control =", 1, true) and ""
      or "control = ${dir}/control.sock",
    (options.global or ""):find("script_path", 1, true) and ""
      or "script_path = lua",
    (options.global or ""):find("temp_dir", 1, true) and ""
      or "temp_dir = ${dir}/temp",
    options.log or "log = stderr level=info",
    options.global or "",
    "",
    options.config,
  }, "\n")
  folder.write(self.file, (expand(self, text):gsub("\n +", "\n")))
  return self
end


-- The ports that something listens on.
local function listening_ports()
  local ports = {}
  local text = folder.read("/proc/net/tcp")
    .. (folder.read("/proc/net/tcp6") or "")
  for hex in text:gmatch("%d+: %x+:(%x%x%x%x) %x+:%x+ 0A") do
    ports[tonumber(hex, 16)] = true
  end
  return ports
end


--- The processes of one kind.
-- @param title  string: "mg-worker" or "mg-control"
-- @return array of integers
function Moongate:pids(title)
  local pids = {}
  for _, pid in ipairs(process.children(self.master.pid)) do
    if process.title(pid) == title then
      pids[#pids + 1] = pid
    end
  end
  return pids
end


--- The pids of the workers.
function Moongate:workers()
  return self:pids("mg-worker")
end


local function serves(self)
  if not self.master:alive() then
    error(("moongate ended with status %s:\n%s"):format(
      tostring(self.master:wait()), self:log()), 0)
  end
  if #self:workers() < self.workers_wanted or #self:pids("mg-control") < 1 then
    return false
  end
  local open = listening_ports()
  for address in folder.read(self.file):gmatch("\nlisten = (%S+)") do
    local path = address:match("^unix:(.*)$")
    local port = tonumber(address:match(":(%d+)$"))
    if path and lfs.attributes(path, "mode") ~= "socket" then
      return false
    end
    if port and not open[port] then
      return false
    end
  end
  return true
end


--- Starts the program, and waits until it serves.
-- @param options  as for prepare
-- @return the instance
function _M.start(options)
  local self = _M.prepare(options)
  local argv = { _M.build() .. "/moongate", "-c", self.file }
  for i, word in ipairs(options.wrap or {}) do
    table.insert(argv, i, word)
  end
  local env = {}
  for name, value in pairs(options.env or {}) do
    env[name] = type(value) == "string" and expand(self, value) or value
  end
  self.master = process.spawn(argv, {
    stdout = self.log_file,
    stderr = self.log_file,
    env = env,
  })
  local ok, why = pcall(loop.wait_until, "moongate serves", function()
    return serves(self)
  end)
  if not ok then
    error(why .. "\n" .. self:log(), 0)
  end
  self.first_workers = self:workers()
  return self
end


--- What it has logged so far.
function Moongate:log()
  return folder.read(self.log_file) or ""
end


--- Waits for a line in the log.
-- @param pattern  string: a Lua pattern
-- @return its captures, or the match
function Moongate:wait_log(pattern, seconds)
  local ok = pcall(loop.wait_until, "", function()
    return self:log():find(pattern)
  end, seconds)
  if not ok then
    error(("no %q in the log:\n%s"):format(pattern, self:log()), 2)
  end
  return self:log():match(pattern)
end


--- The records of a file in the folder, waiting until there are enough.
-- @param name  string: for instance "access.log"
-- @param n     integer: how many must come; no more may
-- @return array of strings
function Moongate:records(name, n)
  local lines = {}
  local ok = pcall(loop.wait_until, "", function()
    lines = {}
    local text = folder.read(self.dir .. "/" .. name) or ""
    for line in text:gmatch("([^\n]*)\n") do
      lines[#lines + 1] = line
    end
    return #lines >= n
  end)
  if not ok or #lines ~= n then
    error(("%d records in %s, not %d:\n%s"):format(#lines, name, n,
      table.concat(lines, "\n")), 2)
  end
  return lines
end


--- Runs `moongate ctl`.
-- @param command  string: words, separated by spaces
-- @return what it printed: a table if it was --json, else a string
function Moongate:ctl(command)
  local argv = { _M.build() .. "/moongate", "ctl", "-s", self.control }
  for word in command:gmatch("%S+") do
    argv[#argv + 1] = word
  end
  local status, text = process.run(argv)
  if status ~= 0 then
    error(("ctl %s: status %d: %s"):format(command, status, text), 2)
  end
  if not command:find("--json", 1, true) then
    return text
  end
  local value, _, reason = json.decode(text)
  if value == nil then
    error(("ctl %s: %s: %s"):format(command, reason, text), 2)
  end
  return value
end


--- What `ctl show servers` says of a server.
-- @param name  string: the server's, without its upstream
-- @return table
function Moongate:server(name)
  for _, row in ipairs(self:ctl("show servers --json")) do
    if row.server == name then
      return row
    end
  end
  error("no server " .. name .. " is shown", 2)
end


--- What `ctl show info` says of a section.
-- @param name  string: its kind and name, as in "mysql db"
-- @return table
function Moongate:section(name)
  for _, row in ipairs(self:ctl("show info --json").sections) do
    if row.section == name then
      return row
    end
  end
  error("no section " .. name .. " is shown", 2)
end


--- Waits until a server has so many active connections, as the program counts.
function Moongate:wait_active(name, n, seconds)
  loop.wait_until(("server %s has %d active"):format(name, n), function()
    return self:server(name).active == n
  end, seconds)
end


local function no_report(log)
  for _, word in ipairs(SANITIZER_WORDS) do
    if log:find(word) then
      error("the program is at fault:\n" .. log, 0)
    end
  end
end


local function pids_of(self)
  local pids = process.children(self.master.pid)
  pids[#pids + 1] = self.master.pid
  return pids
end


local function same(a, b)
  return table.concat(a, " ") == table.concat(b, " ")
end


-- After the end: nothing of it may be there.
local function no_trace(self, pids)
  for _, pid in ipairs(pids) do
    if not process.ends(pid, 5) then
      error(("process %d is left over:\n%s"):format(pid, self:log()), 0)
    end
  end
  if lfs.attributes(self.control) then
    error("the control socket is left over", 0)
  end
  for _, name in ipairs(folder.list(self.dir .. "/temp")) do
    error("the temporary file " .. name .. " is left over", 0)
  end
end


--- Stops it by a signal, and checks that it ends in good order.
-- @param signal   string or nil: "TERM"
-- @param seconds  number or nil: how long it may take
function Moongate:stop(signal, seconds)
  if not self.master:alive() then
    error("moongate had ended already:\n" .. self:log(), 0)
  end
  local workers = self:workers()
  local pids = pids_of(self)
  self.master:kill(signal or "TERM")
  local status = self.master:wait(seconds)
  if status ~= 0 then
    error(("moongate ended with status %s:\n%s"):format(tostring(status),
      self:log()), 0)
  end
  self.stopped = true
  no_trace(self, pids)
  no_report(self:log())
  if self.first_workers and not self.workers_change
    and not same(workers, self.first_workers) then
    error("a worker has died:\n" .. self:log(), 0)
  end
end


--- Stops it as QUIT does: what runs may end by itself.
function Moongate:stop_graceful(seconds)
  self:stop("QUIT", seconds)
end


--- For after_each: ends all that a spec has started, and fails if something
-- was not in order.
function _M.finish()
  local faults = {}
  local function try(f, ...)
    local ok, reason = pcall(f, ...)
    if not ok then
      faults[#faults + 1] = tostring(reason)
    end
  end

  try(loop.check)
  loop.clear()
  net.close_all()
  for self in pairs(running) do
    if self.master and not self.stopped then
      try(self.stop, self)
    end
  end
  for _, left in ipairs(process.end_all()) do
    faults[#faults + 1] = "had to be killed: " .. table.concat(left.argv, " ")
  end
  for self in pairs(running) do
    folder.remove(self.dir)
    running[self] = nil
  end
  if #faults > 0 then
    error(table.concat(faults, "\n"), 0)
  end
end


return _M
