--- Connections that have nothing to do with what is tried: each sends something
-- small again and again, and notes how long the answer took.
--
-- Who waits for a late answer does not ask meanwhile, so that a worker that
-- stands still would be seen once instead of as often as it was needed.  What
-- others would have waited who came in the meantime is counted as well: for an
-- answer that took 50 ms also one of 45, one of 40...
--
-- What the machine kept from the worker and from the spec meanwhile, since it
-- ran something else, is not counted.
local folder = require "support.folder"
local loop = require "support.loop"
local net = require "support.net"

local INTERVAL = 0.005  -- between two exchanges of a connection
local REQUEST = "GET /hello.txt HTTP/1.1\r\nHost: localhost\r\n\r\n"

local _M = {}
local Bystanders = {}
Bystanders.__index = Bystanders


local function ask_web(socket)
  socket:send(REQUEST)
  local head = socket:receive_until("\r\n\r\n")
  assert(head and head:find("^HTTP/1.1 200 "), "a bystander got: "
    .. tostring(head))
  assert(socket:receive(5) == "hello")
end


local function ask_echo(socket)
  socket:send("x")
  assert(socket:receive(1) == "x", "a bystander was cut off")
end


--- Connects them.
-- @param places  table: web (a port that serves /hello.txt, "hello"), webs (how
--                many connections to it), echo (one that sends back what
--                comes), echoes (likewise), pid (the worker's)
function _M.connect(places)
  local self = setmetatable({ connections = {}, pid = places.pid },
    Bystanders)
  local function add(n, port, ask)
    for _ = 1, n do
      local socket = assert(net.connect(port))
      ask(socket)
      table.insert(self.connections, {
        socket = socket, ask = ask, answers = 0,
      })
    end
  end
  add(places.webs, places.web, ask_web)
  add(places.echoes, places.echo, ask_echo)
  return self
end


local function add_time(times, seconds)
  repeat
    times[#times + 1] = seconds
    seconds = seconds - INTERVAL
  until seconds <= 0
end


-- How long the two processes were ready to run, and did not.
local function withheld(pid)
  local seconds = 0
  for _, who in ipairs { pid, "self" } do
    local text = folder.read("/proc/" .. who .. "/schedstat") or ""
    seconds = seconds + (tonumber(text:match("^%d+ (%d+)")) or 0) / 1e9
  end
  return seconds
end


local function percentile(sorted, part)
  return sorted[math.max(1, math.ceil(#sorted * part))]
end


--- How long their exchanges took while WORK ran.
-- @param work  function
-- @return table: p50, p99, longest (seconds), count (of exchanges)
function Bystanders:measure(work)
  local times, count, finished = {}, 0, false
  local tasks = {}
  for i, connection in ipairs(self.connections) do
    tasks[i] = loop.spawn("bystander", function()
      loop.wait(-1, 0, loop.now() + INTERVAL * i / #self.connections)
      while not finished do
        local before, kept = loop.now(), withheld(self.pid)
        connection.ask(connection.socket)
        add_time(times, loop.now() - before - (withheld(self.pid) - kept))
        count = count + 1
        connection.answers = connection.answers + 1
        loop.wait(-1, 0, before + INTERVAL)
      end
    end)
  end

  work()
  finished = true
  loop.wait_until("the bystanders have their answers", function()
    for _, task in ipairs(tasks) do
      if not task.dead then
        return false
      end
    end
    return true
  end)
  table.sort(times)
  return {
    p50 = percentile(times, 0.5), p99 = percentile(times, 0.99),
    longest = times[#times], count = count,
  }
end


--- Waits until each of them has had an answer to something that it asked after
-- this was called.  While they are measured.
function Bystanders:wait_round()
  for _, connection in ipairs(self.connections) do
    local enough = connection.answers + 2
    loop.wait_until("a bystander has its answer", function()
      return connection.answers >= enough
    end)
  end
end


--- Closes their connections.
function Bystanders:close()
  for _, connection in ipairs(self.connections) do
    connection.socket:close()
  end
end


return _M
