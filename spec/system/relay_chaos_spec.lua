--- Relays whose both sides do as they please: what arrives is always the
-- beginning of what was sent, all of it when the sender ended in good order,
-- and nothing is left behind.
--
-- MOONGATE_SEED says which of the many.
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"

local SESSIONS = 400
local AT_ONCE = 20
local SEED = tonumber(os.getenv("MOONGATE_SEED")) or 20261124

local CONFIG = [[
  [upstream db]
  protocol = tcp
  server one = 127.0.0.1:${port_one} maxconn=30
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = tcplog
  log_to = file:${dir}/access.log
]]

local SOURCE = {}
for i = 1, 60000 do
  SOURCE[i] = ("%07x,"):format(i)
end
SOURCE = table.concat(SOURCE)


-- What one side of a session does; its sending and receiving are tasks.
local function plan()
  return {
    bytes = math.random(4) == 1 and math.random(#SOURCE) or math.random(3000),
    pieces = math.random(4),
    ending = ({ "shutdown", "shutdown", "close", "reset" })[math.random(4)],
    reads = math.random(5) > 1,
  }
end


local function play(side, socket, done)
  side.received = ""
  loop.spawn("sender", function()
    local size = math.ceil(side.bytes / side.pieces)
    for at = 1, side.bytes, size do
      local text = SOURCE:sub(at, math.min(side.bytes, at + size - 1))
      if socket.fd < 0 or not socket:send(text, 60) then
        side.broken = true
        break
      end
      side.sent = at + #text - 1
      if math.random(3) == 1 then
        loop.watch(0.002)
      end
    end
    if socket.fd >= 0 then
      socket[side.ending](socket)
    end
    done()
  end)
  loop.spawn("receiver", function()
    local pieces = {}
    while side.reads and socket.fd >= 0 do
      local text, why = socket:receive_some(60)
      if not text then
        side.heard_end = why
        break
      end
      pieces[#pieces + 1] = text
    end
    side.received = table.concat(pieces)
    done()
  end)
end


local function check_side(from, to)
  assert(SOURCE:sub(1, #to.received) == to.received, "bytes were changed")
  assert(#to.received <= from.bytes, "bytes were added")
  local orderly = from.ending == "shutdown" and not from.broken
  if orderly and to.heard_end == "closed" and to.ending == "shutdown" then
    assert(#to.received == from.bytes,
      ("%d of %d bytes came"):format(#to.received, from.bytes))
  end
end


describe("relays in disorder", function()
  after_each(moongate.finish)

  it("change nothing, lose nothing, leave nothing", function()
    math.randomseed(SEED)
    local waiting = {}
    local server = peer.serve(function(socket)
      -- The first bytes say which session it is.
      local number = tonumber(socket:receive(4) or "")
      local session = number and waiting[number]
      if not session then
        return
      end
      play(session.server, socket, session.done)
      loop.wait_until("the session is over", function()
        return session.over
      end, 120)
    end)
    local m = moongate.start {
      config = CONFIG, ports = { one = server.port },
    }
    local worker = m:workers()[1]
    local before = #process.fds(worker)

    local started, running = 0, AT_ONCE
    local function session_run(number)
      local left = 4
      local session = { client = plan(), server = plan() }
      session.done = function()
        left = left - 1
      end
      waiting[number] = session
      local socket = assert(net.connect(m.port.db))
      socket:send(("%04d"):format(number))
      play(session.client, socket, session.done)
      -- A client that broke off at once may have left no session behind.
      local patience = loop.deadline(3)
      loop.wait_until("both sides are done", function()
        return left == 0 or (left == 2 and loop.now() > patience)
      end, 120)
      session.over = true
      socket:close()
      waiting[number] = nil
      if left == 0 then
        check_side(session.client, session.server)
        check_side(session.server, session.client)
      end
    end
    for _ = 1, AT_ONCE do
      loop.spawn("session", function()
        while started < SESSIONS do
          started = started + 1
          session_run(started)
        end
        running = running - 1
      end)
    end
    loop.wait_until("all sessions are over", function()
      return running == 0
    end, 180)

    server:wait_open(0)
    m:wait_active("one", 0)
    loop.wait_until("descriptors are given back", function()
      return #process.fds(worker) <= before
    end)
    assert.is_true(#m:records("access.log", SESSIONS) == SESSIONS)
  end)
end)
