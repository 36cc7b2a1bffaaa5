--- Queues: what is above maxconn waits its turn, over all workers.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"

local TCP = [[
  [upstream db]
  protocol = tcp
  %s
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = %s
  log_to = file:${dir}/access.log
]]

local PHP = [[
  [upstream php]
  queue_timeout = 1s
  server one = 127.0.0.1:${port_php} maxconn=%d
  %s
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  route = ~ \.php$ php
  access_log = httplog
]]


-- A server that writes down who has come, in order, and lets each go when the
-- spec says so.
local function gatekeeper(came)
  return function(connection)
    local name = connection:receive_until("\n"):sub(1, -2)
    came[#came + 1] = { name = name, connection = connection }
    connection:receive_some(math.huge)
  end
end


describe("a queue", function()
  after_each(moongate.finish)

  local function queue_of(m, upstream)
    for _, line in ipairs(m:ctl("show info --json").upstreams) do
      if line.upstream == upstream then
        return line
      end
    end
  end

  local function wait_queued(m, upstream, n)
    loop.wait_until(("%d wait for %s"):format(n, upstream), function()
      return queue_of(m, upstream).queued == n
    end)
  end

  local function wait_came(came, n)
    loop.wait_until(n .. " have come", function()
      return #came >= n
    end)
  end

  it("serves 500 clients in order, ten at a time at each server", function()
    local came, ports, servers, lines = {}, {}, {}, {}
    for i, name in ipairs { "a", "b", "c" } do
      servers[i] = peer.serve(gatekeeper(came))
      ports[name] = servers[i].port
      lines[i] = ("server %s = 127.0.0.1:${port_%s} maxconn=10"):format(name,
        name)
    end
    local m = moongate.start {
      workers = 2,
      config = TCP:format("queue_timeout = 60s\n"
        .. table.concat(lines, "\n"), "tcplog"),
      ports = ports,
    }
    local clients = {}
    for i = 1, 500 do
      clients[i] = assert(net.connect(m.port.db))
      clients[i]:send(i .. "\n")
      if i <= 30 then
        wait_came(came, i)
      else
        wait_queued(m, "db", i - 30)
      end
    end
    for i = 1, 500 do
      clients[tonumber(came[i].name)]:close()
      wait_came(came, math.min(500, i + 30))
    end
    for i = 31, 500 do
      assert.are.equal(tostring(i), came[i].name)
    end
    for _, server in ipairs(servers) do
      server:wait_open(0)
      assert.are.equal(10, server.most)
    end
    local line = queue_of(m, "db")
    assert.are.equal(0, line.queued)
    assert.are.equal(470, line.queued_most)
    assert.are.equal(470, line.waited)
    assert.are.equal(0, line.timed_out)
    assert.is_true(line.longest_ms > 0 and line.waited_ms > line.longest_ms)
    -- Tw, and how many were in the queue before.
    local records = 0
    for _, record in ipairs(m:records("access.log", 500)) do
      local waited, ahead = record:match(
        " db/[abc] (%d+)/%d+/%d+ %d+ %S+ [%d/]+ 0/(%d+)")
      records = records + 1
      assert.is_true(tonumber(waited) <= line.longest_ms + 1)
      assert.is_true(tonumber(ahead) < 470)
    end
    assert.are.equal(500, records)
    local waited = 0
    for _, server in ipairs(m:ctl("show servers --json")) do
      waited = waited + server.waited
    end
    assert.are.equal(470, waited)
  end)
end)
