--- A full descriptor table: sessions fail or wait, the worker lives, and
-- accepts again when there is room.
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
  access_log = off
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  access_log = off
]]


describe("a full descriptor table", function()
  local m

  before_each(function()
    m = moongate.start {
      config = CONFIG,
      wrap = { "prlimit", "--nofile=80" },
      ports = { one = peer.serve(peer.greet("x")).port },
      files = { ["www/hello.txt"] = "hello" },
    }
  end)

  after_each(moongate.finish)

  it("is told about at the start, with two of them for a connection",
    function()
      m:wait_log("max_connections is lowered to 20")
    end)

  it("ends no worker, and passes", function()
    local clients = {}
    for i = 1, 150 do
      clients[i] = assert(net.connect(m.port.db))
    end
    local served = 0
    loop.wait_until("it serves some", function()
      served = 0
      for _, client in ipairs(clients) do
        served = served + (client:quiet(0) and 0 or 1)
      end
      return served > 10
    end)
    loop.watch(0.2)
    for _, client in ipairs(clients) do
      client:close()
    end

    for _ = 1, 20 do
      local client = assert(net.connect(m.port.db))
      assert.are.equal("x", client:receive(1))
      client:close()
      assert.are.equal("hello", http.fetch(m.port.web, "/hello.txt").body)
    end
  end)

  it("does not make a worker spin", function()
    for _ = 1, 150 do
      assert(net.connect(m.port.db))
    end
    local function cpu_ticks()
      local stat = io.open("/proc/" .. m:workers()[1] .. "/stat")
      local text = stat:read("*a")
      stat:close()
      local user, system = text:match(
        "^%d+ %(.-%) %S %S+ %S+ %S+ %S+ %S+ %S+ %S+ %S+ %S+ %S+ (%d+) (%d+)")
      return tonumber(user) + tonumber(system)
    end
    loop.watch(0.3)
    local before = cpu_ticks()
    loop.watch(1)
    assert.is_true(cpu_ticks() - before < 50)
  end)
end)


describe("a limit of descriptors", function()
  after_each(moongate.finish)

  it("leaves room for twice the connections where there are no servers",
    function()
      local m = moongate.start {
        config = CONFIG:gsub(".*%[http web%]", "[http web]"),
        wrap = { "prlimit", "--nofile=80" },
        files = { ["www/hello.txt"] = "hello" },
      }
      m:wait_log("max_connections is lowered to 40")
      local waiting = {}
      for i = 1, 50 do
        waiting[i] = http.connect(m.port.web)
        waiting[i]:request("GET /hello.txt")
      end
      loop.wait_until("as many are served as may be", function()
        for i = #waiting, 1, -1 do
          if not waiting[i].socket:quiet(0) then
            assert.are.equal("hello", waiting[i]:answer().body)
            table.remove(waiting, i)
          end
        end
        return #waiting <= 10
      end)
      loop.watch(0.2)
      for _, client in ipairs(waiting) do
        assert.is_true(client.socket:quiet(0))
      end
    end)

  it("is raised for many addresses and few connections", function()
    local listens = {}
    for i = 1, 250 do
      listens[i] = ("listen = 127.0.1.%d:${port_web}"):format(i)
    end
    local m = moongate.start {
      config = "[http web]\nroot = ${dir}/www\naccess_log = off\n"
        .. table.concat(listens, "\n"),
      global = "max_connections = 16",
      workers = 8,
      wrap = { "prlimit", "--nofile=100:4000" },
      files = { ["www/hello.txt"] = "hello" },
    }
    local client = http.connect(m.port.web, { host = "127.0.1.250" })
    assert.are.equal("hello", client:exchange("GET /hello.txt").body)
  end)
end)
