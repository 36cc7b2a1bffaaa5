--- `ctl show pools`: where connections to servers and memory are.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"

local CONFIG = [[
  [upstream php]
  keepalive = 8
  server node = 127.0.0.1:${port_php}
  [upstream db]
  protocol = tcp
  server one = 127.0.0.1:${port_one}
  server two = 127.0.0.1:${port_one}
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  route = ~ \.php$ php
  access_log = off
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = off
]]


describe("show pools", function()
  local m

  before_each(function()
    m = moongate.start {
      config = CONFIG,
      workers = 2,
      ports = {
        php = fastcgi.serve(fastcgi.names("php")).port,
        one = peer.serve(peer.greet("welcome")).port,
      },
      files = { ["www/a.php"] = "<?php" },
    }
  end)

  after_each(moongate.finish)

  local function sum(rows, key, name, field)
    local n = 0
    for _, row in ipairs(rows) do
      if row[key] == name then
        n = n + row[field]
      end
    end
    return n
  end

  local function wait_pools(what, predicate)
    local pools
    loop.wait_until(what, function()
      pools = m:ctl("show pools --json")
      return predicate(pools)
    end)
    return pools
  end

  it("has connections in use, by upstream and worker", function()
    local clients = {}
    for i = 1, 12 do
      clients[i] = assert(net.connect(m.port.db))
      clients[i]:receive(7)
    end
    local pools = wait_pools("12 sessions", function(pools)
      return sum(pools.pools, "pool", "sessions", "used") == 12
    end)
    assert.are.equal(12, sum(pools.upstreams, "upstream", "db", "in_use"))
    assert.are.equal(0, sum(pools.upstreams, "upstream", "db", "kept"))
    assert.are.equal(0, sum(pools.upstreams, "upstream", "php", "in_use"))
    assert.are.equal(12,
      sum(pools.pools, "pool", "server_connections", "used"))
    assert.is_true(sum(pools.pools, "pool", "sessions", "bytes") > 1000)
    assert.are.equal(4, #pools.upstreams)
    local text = m:ctl("show pools")
    assert.truthy(text:find("\ndb +all +12 +0\n"), text)
    for _, client in ipairs(clients) do
      client:close()
    end
    wait_pools("all have gone", function(now)
      return sum(now.pools, "pool", "sessions", "used") == 0
        and sum(now.upstreams, "upstream", "db", "in_use") == 0
    end)
  end)

  it("has connections that are kept", function()
    assert.are.equal(200, http.fetch(m.port.web, "/a.php").status)
    local pools = wait_pools("one is kept", function(pools)
      return sum(pools.upstreams, "upstream", "php", "kept") == 1
    end)
    assert.are.equal(0, sum(pools.upstreams, "upstream", "php", "in_use"))
    assert.are.equal(0, sum(pools.pools, "pool", "exchanges", "used"))
    assert.are.equal(1, sum(pools.pools, "pool", "exchanges", "spare"))
  end)

  it("has clients that are idle, and what a request takes", function()
    local client = http.connect(m.port.web)
    client:exchange("GET /none")
    wait_pools("it is folded", function(pools)
      return sum(pools.pools, "pool", "http_idle", "used") == 1
        and sum(pools.pools, "pool", "http_connections", "used") == 0
    end)
    local half = assert(net.connect(m.port.web))
    half:send("GET / HTTP/1.1\r\nHost: a")
    wait_pools("a head is awaited", function(pools)
      return sum(pools.pools, "pool", "http_connections", "used") == 1
        and sum(pools.pools, "pool", "exchanges", "used") == 1
        and sum(pools.pools, "pool", "buffers", "used") == 1
    end)
  end)

  it("forgets what a dead worker had", function()
    m.workers_change = true
    local client = assert(net.connect(m.port.db))
    client:receive(7)
    wait_pools("a session", function(pools)
      return sum(pools.pools, "pool", "sessions", "used") == 1
    end)
    for _, pid in ipairs(m:workers()) do
      process.kill(pid, "KILL")
    end
    wait_pools("nothing is left", function(pools)
      return sum(pools.pools, "pool", "sessions", "used") == 0
        and sum(pools.upstreams, "upstream", "db", "in_use") == 0
    end)
  end)
end)
