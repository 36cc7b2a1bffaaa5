--- Workers killed again and again under load: the board stays right.  A worker
-- that has died soon after its start is replaced after a pause, so this takes
-- about a second for each of them.
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"

local KILLS = 300
local CLIENTS = 24

local CONFIG = [[
  [upstream echo]
  protocol = tcp
  policy = leastconn
  server a = 127.0.0.1:${port_a} maxconn=20
  server b = 127.0.0.1:${port_b} maxconn=20
  [tcp echo]
  listen = 127.0.0.1:${port_echo}
  upstream = echo
  access_log = off
]]


describe("the board", function()
  after_each(moongate.finish)

  it("is right after every one of " .. KILLS .. " kills", function()
    local a, b = peer.serve(peer.echo), peer.serve(peer.echo)
    local m = moongate.start({
      config = CONFIG, ports = { a = a.port, b = b.port }, workers = 2,
      log = "log = stderr level=error",
    })
    m.workers_change = true

    local running, sessions, cut = true, 0, 0
    for i = 1, CLIENTS do
      loop.spawn("client " .. i, function()
        while running do
          local client = net.connect(m.port.echo)
          if client and client:send("ping") and client:receive(4) then
            sessions = sessions + 1
          else
            cut = cut + 1
          end
          if client then
            client:close()
          end
        end
      end)
    end

    local slowest = 0
    for i = 1, KILLS do
      local before = sessions
      loop.wait_until("sessions go on", function()
        return sessions > before + 10
      end)
      local victim = m:workers()[i % 2 + 1]
      local began = loop.now()
      process.kill(victim, "KILL")
      loop.wait_until("the worker is replaced", function()
        local workers = m:workers()
        return #workers == 2 and workers[1] ~= victim and workers[2] ~= victim
      end)
      slowest = math.max(slowest, loop.now() - began)
    end

    running = false
    loop.wait_until("nothing is held", function()
      local active = 0
      for _, server in ipairs(m:ctl("show servers --json")) do
        active = active + server.active
      end
      return active == 0 and a.open == 0 and b.open == 0
    end)
    print(("# %d sessions, %d cut, slowest replacement %.0f ms"):format(
      sessions, cut, slowest * 1000))
  end)
end)
