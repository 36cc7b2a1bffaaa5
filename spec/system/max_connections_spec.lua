--- max_connections, of a section and of the program: who comes beyond it waits
-- until somebody leaves, whichever worker serves them.
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"

local CONFIG = [[
  [upstream db]
  protocol = tcp
  server one = 127.0.0.1:${port_one}
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  %s
  access_log = off
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  access_log = off
]]


describe("max_connections", function()
  local m

  local function start(section, global)
    m = moongate.start {
      config = CONFIG:format(section),
      global = global,
      workers = 2,
      ports = { one = peer.serve(peer.greet("x")).port },
      files = { ["www/hello.txt"] = "hello" },
    }
  end

  after_each(moongate.finish)

  local function served(clients)
    local n = 0
    for _, client in ipairs(clients) do
      n = n + (client:quiet(0) and 0 or 1)
    end
    return n
  end

  -- Connects N clients, waits until LIMIT of them are served, and shows that
  -- it stays there until some leave.
  local function fill(n, limit)
    local clients = {}
    for i = 1, n do
      clients[i] = assert(net.connect(m.port.db))
    end
    loop.wait_until("as many are served as may be", function()
      return served(clients) >= limit
    end)
    loop.watch(0.2)
    assert.are.equal(limit, served(clients))
    return clients
  end

  local function all_in_turn(clients)
    local left = #clients
    while left > 0 do
      loop.wait_until("another one is served", function()
        return served(clients) > 0
      end)
      for i = #clients, 1, -1 do
        if not clients[i]:quiet(0) then
          assert.are.equal("x", clients[i]:receive(1))
          clients[i]:close()
          table.remove(clients, i)
          left = left - 1
        end
      end
    end
  end

  it("of a section makes the others wait, and no other section", function()
    start("max_connections = 5")
    local clients = fill(20, 5)
    assert.are.equal("hello", http.fetch(m.port.web, "/hello.txt").body)
    all_in_turn(clients)
  end)

  it("of the program makes all wait", function()
    start("", "max_connections = 7")
    local clients = fill(20, 7)
    all_in_turn(clients)
    assert.are.equal("hello", http.fetch(m.port.web, "/hello.txt").body)
  end)
end)
