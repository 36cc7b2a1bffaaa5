--- Scripted servers: each connection that comes is a task of its own.
--
--     local server = peer.serve(function(connection) ... end)
--     server.port, server.accepted, server.open
--
-- A handler reads and writes as a spec does; it returns, and its connection is
-- closed.  Connections whose other side went away are no failure.
local loop = require "support.loop"
local net = require "support.net"

local _M = {}
local Server = {}
Server.__index = Server


local function handle(server, connection)
  server.accepted = server.accepted + 1
  server.open = server.open + 1
  server.most = math.max(server.most, server.open)
  server.connections[server.accepted] = connection
  loop.spawn("connection of " .. server.name, function()
    local ok, reason = pcall(server.handler, connection, server)
    server.open = server.open - 1
    connection:close()
    if not ok then
      error(reason, 0)
    end
  end)
end


--- Serves connections until the spec ends.
-- @param handler  function(connection, server)
-- @param options  table or nil: name, and those of net.listen; unix: a path to
--                 listen on instead of a port
-- @return the server: port, accepted (connections so far), open (now), most
--   (at once), connections
function _M.serve(handler, options)
  options = options or {}
  local listener = options.unix and net.listen_unix(options.unix)
    or net.listen(options)
  local server = setmetatable({
    name = options.name or "server",
    handler = handler,
    listener = listener,
    port = listener.port,
    accepted = 0,
    open = 0,
    most = 0,
    connections = {},
  }, Server)
  server.task = loop.spawn("listener of " .. server.name, function()
    while not server.stopped do
      if loop.wait(listener.fd, loop.READ, math.huge) then
        -- Who left before this one came is seen to first, so that `most` is
        -- how many there were.
        loop.wait(-1, 0, loop.now())
        handle(server, listener:accept())
      end
    end
  end)
  return server
end


--- Sends back what comes, until the other side ends its sending.
function _M.echo(connection)
  while true do
    local bytes = connection:receive_some(math.huge)
    if not bytes or not connection:send(bytes) then
      return
    end
  end
end


--- Says a text at once, then sends back what comes.
function _M.greet(text)
  return function(connection)
    if connection:send(text) then
      _M.echo(connection)
    end
  end
end


--- Reads and ignores all, up to the end.
function _M.sink(connection)
  while connection:receive_some(math.huge) do
    connection.buffer = ""
  end
end


--- Stops listening: the port refuses from now on.
function Server:refuse()
  self.stopped = true
  loop.cancel(self.task)
  self.listener:close()
end


--- Waits until so many connections have come.
function Server:wait_accepted(n)
  loop.wait_until(("%s has %d connections"):format(self.name, n), function()
    return self.accepted >= n
  end)
end


--- Waits until so many connections are open.
function Server:wait_open(n)
  loop.wait_until(("%s has %d connections open"):format(self.name, n),
    function()
      return self.open == n
    end)
end


return _M
