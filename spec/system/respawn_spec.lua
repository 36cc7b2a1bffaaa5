--- A worker that is killed at any moment: the others go on, what it held is
-- given back, and another one is there within a second.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"

local CONFIG = [[
  [upstream db]
  protocol = tcp
  server one = 127.0.0.1:${port_one} maxconn=200
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = off
]]


describe("a worker that is killed", function()
  local m, server

  before_each(function()
    server = peer.serve(peer.echo)
    m = moongate.start {
      config = CONFIG, workers = 2, ports = { one = server.port },
    }
    m.workers_change = true
  end)

  after_each(moongate.finish)

  local function new_worker_comes(dead)
    loop.wait_until("there are two workers", function()
      local pids = m:workers()
      return #pids == 2 and pids[1] ~= dead and pids[2] ~= dead
    end, 1)
  end

  it("is replaced, and the connections of the others go on", function()
    local clients = {}
    for i = 1, 60 do
      clients[i] = assert(net.connect(m.port.db))
      clients[i]:send("x")
      assert.are.equal("x", clients[i]:receive(1))
    end
    assert.are.equal(60, m:server("one").active)

    local dead = m:workers()[1]
    process.kill(dead, "KILL")
    new_worker_comes(dead)

    local alive = 0
    for _, client in ipairs(clients) do
      client:send("y")
      if client:receive(1) == "y" then
        alive = alive + 1
      end
    end
    assert.is_true(alive > 0 and alive < 60)
    server:wait_open(alive)
    m:wait_active("one", alive, 1)
    for _, client in ipairs(clients) do
      client:close()
    end
    m:wait_active("one", 0)
  end)

  it("leaves the counts right under load, again and again", function()
    local ending, served = false, 0
    for _ = 1, 20 do
      loop.spawn("client", function()
        while not ending do
          local client = net.connect(m.port.db)
          if client then
            client:send("ping")
            served = served + (client:receive(4) == "ping" and 1 or 0)
            client:close()
          end
        end
      end)
    end
    for round = 1, 6 do
      local before = served
      loop.wait_until("work is done", function()
        return served > before + 50
      end)
      local dead = m:workers()[round % 2 + 1]
      process.kill(dead, "KILL")
      new_worker_comes(dead)
    end
    ending = true
    server:wait_open(0)
    m:wait_active("one", 0)
  end)

  it("leaves a listener that goes on accepting", function()
    local dead = m:workers()[2]
    process.kill(dead, "KILL")
    new_worker_comes(dead)
    for _ = 1, 40 do
      local client = assert(net.connect(m.port.db))
      client:send("x")
      assert.are.equal("x", client:receive(1))
      client:close()
    end
  end)

  it("may be the control process", function()
    local client = assert(net.connect(m.port.db))
    local dead = m:pids("mg-control")[1]
    process.kill(dead, "KILL")
    loop.wait_until("there is a control process", function()
      local pid = m:pids("mg-control")[1]
      return pid and pid ~= dead
    end, 1)
    client:send("x")
    assert.are.equal("x", client:receive(1))
    loop.wait_until("ctl answers", function()
      return pcall(m.ctl, m, "show info --json")
    end)
  end)

  it("takes all with it when it is the master", function()
    local pids = process.children(m.master.pid)
    assert(net.connect(m.port.db))
    m.master:kill("KILL")
    m.master:wait()
    for _, pid in ipairs(pids) do
      assert.is_true(process.ends(pid, 2))
    end
    m.stopped = true
  end)
end)


describe("a worker that is killed among picks by leastconn", function()
  after_each(moongate.finish)

  it("leaves nothing stale in what the others know of servers", function()
    local servers, ports = {}, {}
    for _, name in ipairs { "a", "b", "c" } do
      servers[name] = peer.serve(peer.echo)
      ports[name] = servers[name].port
    end
    local m = moongate.start {
      config = [[
        [upstream db]
        protocol = tcp
        policy = leastconn
        server a = 127.0.0.1:${port_a}
        server b = 127.0.0.1:${port_b}
        server c = 127.0.0.1:${port_c}
        [tcp db]
        listen = 127.0.0.1:${port_db}
        upstream = db
        access_log = off
      ]],
      workers = 2, ports = ports,
    }
    m.workers_change = true

    local ending, served, clients_left = false, 0, 20
    for _ = 1, clients_left do
      loop.spawn("client", function()
        while not ending do
          local client = net.connect(m.port.db)
          if client then
            client:send("ping")
            served = served + (client:receive(4) == "ping" and 1 or 0)
            client:close()
          end
        end
        clients_left = clients_left - 1
      end)
    end
    for round = 1, 5 do
      local before = served
      loop.wait_until("work is done", function()
        return served > before + 50
      end)
      local dead = m:workers()[round % 2 + 1]
      process.kill(dead, "KILL")
      loop.wait_until("there are two workers", function()
        local pids = m:workers()
        return #pids == 2 and pids[1] ~= dead and pids[2] ~= dead
      end, 2)
    end
    ending = true
    loop.wait_until("the clients have ended", function()
      return clients_left == 0
    end)
    for name, server in pairs(servers) do
      server:wait_open(0)
      m:wait_active(name, 0)
    end

    for _ = 1, 30 do
      local client = assert(net.connect(m.port.db))
      client:send("x")
      assert.are.equal("x", client:receive(1))
    end
    for _, server in pairs(servers) do
      assert.are.equal(10, server.open)
    end
  end)
end)


describe("a worker that is killed among requests", function()
  after_each(moongate.finish)

  it("gives back what requests and kept connections held", function()
    local php = fastcgi.serve(function(_, reply)
      loop.watch(0.005)
      reply:answer("Content-Type: text/plain", "fine")
    end)
    local m = moongate.start {
      config = [[
        [upstream php]
        server one = 127.0.0.1:${port_php} maxconn=6
        keepalive = 2
        [http web]
        listen = 127.0.0.1:${port_web}
        root = ${dir}/www
        route = ~ \.php$ php
        access_log = off
      ]],
      workers = 2,
      ports = { php = php.port },
      files = { ["www/a.php"] = "<?php" },
    }
    m.workers_change = true

    local ending, fine, full, clients_left = false, 0, 0, 12
    for _ = 1, clients_left do
      loop.spawn("client", function()
        while not ending do
          -- A killed worker resets its clients.
          local ok, answer = pcall(http.fetch, m.port.web, "/a.php")
          if ok and answer then
            fine = fine + (answer.status == 200 and 1 or 0)
            full = full + (answer.status == 503 and 1 or 0)
          end
        end
        clients_left = clients_left - 1
      end)
    end
    for round = 1, 6 do
      local before = fine
      loop.wait_until("work is done", function()
        return fine > before + 30
      end)
      local dead = m:workers()[round % 2 + 1]
      process.kill(dead, "KILL")
      loop.wait_until("there are two workers", function()
        local pids = m:workers()
        return #pids == 2 and pids[1] ~= dead and pids[2] ~= dead
      end, 2)
    end
    ending = true
    loop.wait_until("as many are counted as the server has", function()
      return clients_left == 0 and m:server("one").active == php.open
    end)
    assert.is_true(php.open <= 2 * 2)  -- kept ones
    -- What was too much waited; nothing was refused.
    assert.is_true(m:server("one").waited > 0)
    assert.are.equal(0, full)

    local clients = {}
    for i = 1, 6 do
      clients[i] = http.connect(m.port.web)
      clients[i]:request("GET /a.php")
    end
    local served = 0
    for i = 1, 6 do
      served = served + (clients[i]:answer().status == 200 and 1 or 0)
    end
    assert.is_true(served >= 2)
  end)
end)
