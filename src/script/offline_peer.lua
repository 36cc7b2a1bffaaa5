--- Literal peers: what moongate.tcp.connect reaches in a spec.  A peer is a
-- function that is called with "" when a client connects, and then with each
-- text that it sends; it returns what comes back (nil: nothing yet), and
-- "close" behind that where the peer closes.
-- @module script.offline_peer
local calls = require "script.calls"

local check = calls.check

local _M = {}

local methods = {}


-- Lets the peer hear a text.
local function tell(connection, text)
  local answer, closes = connection.peer(text)
  if answer ~= nil then
    connection.waiting = connection.waiting .. answer
  end
  connection.ended = connection.ended or closes == "close"
end


-- How many of the waiting bytes are what is wanted, and how many of these are
-- not the line's end; nil: it is not there.
local function find_end(connection, wanted)
  local waiting = connection.waiting
  if wanted == "*l" then
    local from, to = waiting:find("\r?\n")
    return to, from and from - 1
  end
  if wanted == "*a" then
    return connection.ended and #waiting or nil, #waiting
  end
  return #waiting >= wanted and wanted or nil, wanted
end


function methods.send(connection, text)
  if type(text) ~= "number" then
    check(text, "string", 1, "send")
  end
  if connection.closed then
    error("send: the connection is closed", 2)
  end
  if connection.ended then
    return nil, "closed"
  end
  tell(connection, tostring(text))
  return true
end


--- What the peer does not say is a time-out at once: no time passes here.
function methods.receive(connection, wanted)
  wanted = wanted or "*l"
  if wanted ~= "*l" and wanted ~= "*a" then
    check(wanted, "number", 1, "receive")
  end
  if connection.closed then
    error("receive: the connection is closed", 2)
  end
  local taken, kept = find_end(connection, wanted)
  local waiting = connection.waiting
  if not taken then
    connection.waiting = ""
    return nil, connection.ended and "closed" or "timeout", waiting
  end
  connection.waiting = waiting:sub(taken + 1)
  return waiting:sub(1, kept)
end


function methods.close(connection)
  connection.closed = true
end


-- What a script has is empty, so that it reaches nothing but the methods.
local function new_connection(peer)
  local state = { peer = peer, waiting = "", ended = false, closed = false }
  tell(state, "")
  local connection = {}
  for name, method in pairs(methods) do
    connection[name] = function(_, ...)
      return method(state, ...)
    end
  end
  return setmetatable(connection, { __index = calls.indexer("connection", {},
    {}), __metatable = false })
end


--- Makes a network without peers.
-- @param join  function(host, port): their address as one text
function _M.new(join)
  local peers = {}
  local network = {}

  --- Says who answers at an address.
  -- @param address  string: "HOST:PORT" or "unix:/PATH"
  -- @param peer     function, as above
  function network.serve(address, peer)
    check(address, "string", 1, "serve")
    check(peer, "function", 2, "serve")
    peers[address] = peer
  end

  --- For scripts: tcp.connect.
  function network.connect(host, port)
    check(host, "string", 1, "connect")
    if not host:find("^unix:/") then
      check(port, "number", 2, "connect")
    end
    local peer = peers[join(host, port)]
    if not peer then
      return nil, "Connection refused"
    end
    return new_connection(peer)
  end

  --- Forgets all peers.
  function network.reset()
    peers = {}
  end

  return network
end


return _M
