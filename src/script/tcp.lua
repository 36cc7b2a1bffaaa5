--- Functions that wait: `moongate.sleep`, `moongate.tcp` and the connections
-- that it makes.
--
-- What waits is called again until it says that it is done; in between the
-- coroutine of the hook has yielded (script/task.h).
-- @module script.tcp
local calls = require "script.calls"
local connections = require "script.connections"
local waits = require "script.waits"

local check = calls.check

local SECONDS_MAX = 86400
local PORT_MAX = 65535
local PATTERNS = { ["*l"] = true, ["*a"] = true }
local BYTES_MAX = connections.INPUT_MAX

local _M = {}
local methods = {}


-- Whether a value is a duration that can be waited for.
local function is_duration(seconds)
  return type(seconds) == "number" and seconds >= 0 and seconds <= SECONDS_MAX
end


-- Raises, at the line of whoever called the function that calls this one,
-- unless the hook that runs may wait.
local function begin_wait(name)
  local why = waits.begin()
  if why then
    error(("%s waits, and %s"):format(name, why), 3)
  end
end


-- The same, and unless CONNECTION can be used.
local function begin_operation(connection, name)
  local misuse = connections.misuse(connection)
  if misuse then
    error(("%s: %s"):format(name, misuse), 3)
  end
  local why = waits.begin()
  if why then
    error(("%s waits, and %s"):format(name, why), 3)
  end
  connections.begin(connection)
end


--- Waits for some time.
-- @param seconds  number: 0 to a day
function _M.sleep(seconds)
  if not is_duration(seconds) then
    error("bad argument #1 to 'sleep' (seconds from 0 to 86400 expected)", 2)
  end
  begin_wait("sleep")
  while not waits.sleep(seconds * 1000) do
  end
end


-- --- connections -------------------------------------------------------------

-- What `connect` may be told, and of what type it is.
local OPTIONS = {
  timeout = "number", tls = "boolean", verify = "boolean", ca = "string",
  name = "string",
}
local NONE = {}


-- Raises at the line of the caller's caller.
local function check_options(options)
  if options == nil then
    return NONE
  end
  if type(options) ~= "table" then
    error("bad argument #3 to 'connect' (table expected)", 3)
  end
  for name, value in pairs(options) do
    if not OPTIONS[name] then
      error(("bad argument #3 to 'connect' (unknown option '%s')"):format(
        tostring(name)), 3)
    end
    if name ~= "timeout" and type(value) ~= OPTIONS[name] then
      error(("bad argument #3 to 'connect' (%s must be a %s)"):format(name,
        OPTIONS[name]), 3)
    end
  end
  local timeout = options.timeout
  if timeout ~= nil and (not is_duration(timeout) or timeout == 0) then
    error("bad argument #3 to 'connect' (timeout must be seconds, above 0)", 3)
  end
  return options
end


-- What is to be proved through a socket that has no name of its own.
local function check_name(host, options)
  if options.tls and options.name == nil and options.verify ~= false
    and host:find("^unix:/") then
    error("bad argument #3 to 'connect' (a unix socket needs a name that TLS "
      .. "verifies)", 3)
  end
end


-- The milliseconds that each operation may take; 0 for no limit of its own.
local function to_ms(timeout)
  return timeout and math.max(1, timeout * 1000) or 0
end


local function check_port(host, port)
  if host:find("^unix:/") then
    if port ~= nil then
      error("bad argument #2 to 'connect' (a unix socket has no port)", 3)
    end
    return
  end
  if type(port) ~= "number" or port < 1 or port > PORT_MAX
    or port % 1 ~= 0 then
    error("bad argument #2 to 'connect' (a port from 1 to 65535 expected)", 3)
  end
end


--- Connects.
-- @param host     string: an address, a name, or "unix:/PATH"
-- @param port     number; none for a unix socket
-- @param options  table, optional: timeout, in seconds, of each operation; tls
--   (true: by TLS), and then verify (false: whoever answers), ca (certificates
--   that are trusted, as PEM; the system's without it), name (that is verified;
--   the host's without it)
-- @return the connection; or nil and a reason
function _M.connect(host, port, options)
  check(host, "string", 1, "connect")
  check_port(host, port)
  options = check_options(options)
  check_name(host, options)
  local secured, verify = options.tls, options.verify
  local ca, name = options.ca, options.name
  begin_wait("tcp.connect")
  local connection, why = connections.new(to_ms(options.timeout))
  if not connection then
    return nil, why
  end
  while true do
    local done, connected, reason = connections.connect(connection, host, port,
      secured, verify, ca, name)
    if done then
      if connected then
        return connection
      end
      connections.close(connection)
      return nil, reason
    end
  end
end


--- Sends all of a text.
-- @return true; or nil and a reason
function methods.send(connection, text)
  begin_operation(connection, "send")
  if type(text) ~= "number" then
    check(text, "string", 1, "send")
  end
  while true do
    local done, sent, reason = connections.send(connection, text)
    if done then
      return sent, reason
    end
  end
end


--- Receives a line without its end, all up to the end, or so many bytes.
-- @param wanted  "*l", which is meant where nothing is given; "*a"; or a number
-- @return string; or nil, a reason, and what had come
function methods.receive(connection, wanted)
  begin_operation(connection, "receive")
  if wanted == nil then
    wanted = "*l"
  end
  if type(wanted) == "number" then
    if not (wanted >= 0 and wanted <= BYTES_MAX) or wanted % 1 ~= 0 then
      error(("bad argument #1 to 'receive' (at most %d bytes expected)")
        :format(BYTES_MAX), 2)
    end

  elseif not PATTERNS[wanted] then
    error("bad argument #1 to 'receive' ('*l', '*a' or a number expected)", 2)
  end
  while true do
    local done, text, reason, part = connections.receive(connection, wanted)
    if done then
      return text, reason, part
    end
  end
end


--- Closes; closing twice does nothing.
function methods.close(connection)
  local misuse = connections.misuse(connection)
  if misuse then
    error("close: " .. misuse, 2)
  end
  connections.close(connection)
end


local metatable = connections.metatable
metatable.__index = calls.indexer("connection", methods, {})
metatable.__tostring = function() return "connection" end
metatable.__metatable = false


return _M
