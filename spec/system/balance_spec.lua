--- Which server a connection goes to, seen from outside: exact over workers,
-- with HAProxy's meanings.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"

local CONFIG = [[
  [upstream db]
  protocol = tcp
  policy = %s
  server a = 127.0.0.1:${port_a} weight=%d
  server b = 127.0.0.1:${port_b} weight=%d
  server c = 127.0.0.1:${port_c} weight=%d
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = off
]]


describe("balancing", function()
  local servers, m, port

  local function start(policy, weights)
    servers = {}
    local ports = {}
    for _, name in ipairs { "a", "b", "c" } do
      servers[name] = peer.serve(peer.greet(name), { name = name })
      ports[name] = servers[name].port
    end
    m = moongate.start {
      config = CONFIG:format(policy, unpack(weights or { 1, 1, 1 })),
      ports = ports,
      workers = 2,
    }
    port = m.port.db
  end

  after_each(moongate.finish)

  -- Connects, and says which server answered.
  local function pick(options)
    local client = assert(net.connect(port, options))
    return client:receive(1), client
  end

  for _, policy in ipairs { "roundrobin", "static-rr" } do
    it("takes turns: six hundred, thirty at a time, by " .. policy,
      function()
        start(policy)
        local done = 0
        for _ = 1, 30 do
          loop.spawn("client", function()
            for _ = 1, 20 do
              local _, client = pick()
              client:close()
              done = done + 1
            end
          end)
        end
        loop.wait_until("all are served", function()
          return done == 600
        end, 30)
        for _, server in pairs(servers) do
          assert.are.equal(200, server.accepted)
        end
      end)

    it("keeps weights exact in every window of their sum, by " .. policy,
      function()
        start(policy, { 1, 2, 3 })
        local order = {}
        for i = 1, 60 do
          local name, client = pick()
          order[i] = name
          client:close()
        end
        for from = 1, 55 do
          local counts = { a = 0, b = 0, c = 0 }
          for i = from, from + 5 do
            counts[order[i]] = counts[order[i]] + 1
          end
          assert.are.same({ a = 1, b = 2, c = 3 }, counts)
        end
      end)
  end

  it("gives a server of weight 0 nothing", function()
    start("roundrobin", { 0, 1, 1 })
    for _ = 1, 20 do
      local _, client = pick()
      client:close()
    end
    assert.are.equal(0, servers.a.accepted)
    assert.are.equal(10, servers.b.accepted)
  end)

  it("goes where the fewest are, by leastconn", function()
    start("leastconn")
    local held = { a = {}, b = {}, c = {} }
    for _ = 1, 9 do
      local name, client = pick()
      table.insert(held[name], client)
    end
    assert.are.equal(3, #held.a)
    assert.are.equal(3, #held.b)
    for _, client in ipairs(held.b) do
      client:close()
    end
    m:wait_active("b", 0)
    for _ = 1, 3 do
      assert.are.equal("b", (pick()))
    end
  end)

  it("heeds weights, by leastconn", function()
    start("leastconn", { 1, 2, 3 })
    for _ = 1, 30 do
      pick()
    end
    assert.are.equal(5, servers.a.open)
    assert.are.equal(10, servers.b.open)
    assert.are.equal(15, servers.c.open)
  end)

  it("sends a client's address always to the same server, by source",
    function()
      start("source")
      local used = {}
      for i = 1, 40 do
        local options = { from = "127.0.7." .. i }
        local first = pick(options)
        used[first] = true
        for _ = 1, 3 do
          assert.are.equal(first, (pick(options)))
        end
      end
      assert.are.same({ a = true, b = true, c = true }, used)
    end)
end)


describe("balancing FastCGI servers", function()
  after_each(moongate.finish)

  it("counts requests, not connections of clients", function()
    local ports, servers = {}, {}
    for i, name in ipairs { "a", "b", "c" } do
      servers[i] = fastcgi.serve(fastcgi.names(name))
      ports[name] = servers[i].port
    end
    local m = moongate.start {
      workers = 2,
      config = [[
        [upstream php]
        server a = 127.0.0.1:${port_a}
        server b = 127.0.0.1:${port_b}
        server c = 127.0.0.1:${port_c}
        [http web]
        listen = 127.0.0.1:${port_web}
        root = ${dir}/www
        route = ~ \.php$ php
        access_log = off
      ]],
      ports = ports,
      files = { ["www/a.php"] = "<?php" },
    }
    local client = http.connect(m.port.web)
    local names = {}
    for i = 1, 6 do
      names[i] = client:exchange("GET /a.php").body
    end
    assert.are.equal(table.concat(names, "", 1, 3),
      table.concat(names, "", 4, 6))
    local done = 0
    for _ = 1, 30 do
      loop.spawn("client", function()
        local mine = http.connect(m.port.web)
        for _ = 1, 20 do
          assert(mine:exchange("GET /a.php").status == 200)
          done = done + 1
        end
      end)
    end
    loop.wait_until("all are served", function()
      return done == 600
    end, 30)
    for _, server in ipairs(servers) do
      assert.are.equal(202, #server.requests)
    end
  end)
end)
