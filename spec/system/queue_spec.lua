--- Queues: what is above maxconn waits its turn, over all workers.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"

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
  server one = 127.0.0.1:${port_php} maxconn=2
  %s
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  route = ~ \.php$ php
  access_log = httplog
  log_to = file:${dir}/access.log
]]

-- Two sections before one server; what comes by the second is urgent.
local URGENT = [[
  [upstream db]
  protocol = tcp
  queue_timeout = 60s
  server one = 127.0.0.1:${port_one} maxconn=1
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = off
  [tcp urgent]
  listen = 127.0.0.1:${port_urgent}
  upstream = db
  script = urgent.lua
  access_log = off
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


local function names(came)
  local list = {}
  for i, one in ipairs(came) do
    list[i] = one.name
  end
  return list
end


-- Refuses connections at a port until it is told to serve.
local function closed_server()
  local socket = net.reserve()
  return socket.port, function(handler)
    socket:close()
    return peer.serve(handler, { port = socket.port })
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

  -- 500 clients, ten at a time at each server.
  local function serve_500(workers)
    local came, ports, servers, lines = {}, {}, {}, {}
    for i, name in ipairs { "a", "b", "c" } do
      servers[i] = peer.serve(gatekeeper(came))
      ports[name] = servers[i].port
      lines[i] = ("server %s = 127.0.0.1:${port_%s} maxconn=10"):format(name,
        name)
    end
    local m = moongate.start {
      workers = workers,
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
    -- Tw, and the place in the queue, as HAProxy counts: from 1.
    local records = 0
    for _, record in ipairs(m:records("access.log", 500)) do
      local waited, ahead = record:match(
        " db/[abc] (%d+)/%d+/%d+ %d+ %S+ [%d/]+ 0/(%d+)")
      records = records + 1
      assert.is_true(tonumber(waited) <= line.longest_ms + 1)
      assert.is_true(tonumber(ahead) <= 470)
    end
    assert.are.equal(500, records)
    local waited = 0
    for _, server in ipairs(m:ctl("show servers --json")) do
      waited = waited + server.waited
    end
    assert.are.equal(470, waited)
  end

  for _, workers in ipairs { 2, 4 } do
    it(("serves 500 clients in order, over %d workers"):format(workers),
      function()
        serve_500(workers)
      end)
  end

  local function start_tcp(extra, options)
    options = options or {}
    local came = {}
    local server = peer.serve(gatekeeper(came))
    options.config = TCP:format(extra .. "\n"
      .. "server one = 127.0.0.1:${port_one} maxconn="
      .. (options.maxconn or 1), "tcplog")
    options.ports = { one = server.port }
    return moongate.start(options), came, server
  end

  local function connect(m, name, port)
    local client = assert(net.connect(port or m.port.db))
    client:send(name .. "\n")
    return client
  end

  local function start_php(extra, options)
    options = options or {}
    local listener = fastcgi.listen()
    options.config = PHP:format(extra)
    options.ports = { php = listener.port }
    options.files = { ["www/a.php"] = "<?php" }
    return moongate.start(options), listener
  end

  -- A request at the server, whose answer the spec gives when it likes.
  local function ask(m, client)
    client = client or http.connect(m.port.web)
    client:request("GET /a.php")
    return client
  end

  local function answer(reply, text)
    assert(reply:request())
    reply:answer("Content-Type: text/plain", text)
  end

  -- How many connections each worker has now.
  local function connections(m)
    local list = {}
    for i, worker in ipairs(m:ctl("show info --json").workers) do
      list[i] = worker.now
    end
    return list
  end

  local function sum(list)
    local n = 0
    for _, count in ipairs(list) do
      n = n + count
    end
    return n
  end

  -- Opens a connection, and says which worker it is with.
  local function open(m, make)
    local before = connections(m)
    local client = make()
    local after
    loop.wait_until("a worker has it", function()
      after = connections(m)
      return sum(after) == sum(before) + 1
    end)
    for i, count in ipairs(after) do
      if count > before[i] then
        return client, i
      end
    end
  end

  -- Opens connections until there is one with this worker.
  local function open_with(m, worker, make, close)
    for _ = 1, 100 do
      local client, which = open(m, make)
      if which == worker then
        return client
      end
      local before = sum(connections(m))
      close(client)
      loop.wait_until("it is gone", function()
        return sum(connections(m)) == before - 1
      end)
    end
    error("the kernel gives this worker no connection")
  end

  describe("that takes too long", function()
    it("closes a connection, and says so in the record", function()
      local m, came = start_tcp("queue_timeout = 300ms")
      local first = connect(m, "first")
      wait_came(came, 1)
      local second = connect(m, "second")
      assert.is_nil((second:receive_some()))
      local record = m:records("access.log", 1)[1]
      local waited, flags = record:match(
        " db/<NOSRV> (%d+)/%-1/%d+ 0 (%S+) ")
      assert.are.equal("sQ", flags)
      assert.is_true(tonumber(waited) >= 300 and tonumber(waited) < 5000)
      local line = queue_of(m, "db")
      assert.are.same({ 0, 1, 1 }, { line.queued, line.waited,
        line.timed_out })
      first:close()
    end)

    it("answers 503 with Retry-After", function()
      local m, listener = start_php("queue_timeout = 300ms")
      local a, b = ask(m), ask(m)
      local one, two = listener:accept(), listener:accept()
      local late = ask(m):answer()
      assert.are.equal(503, late.status)
      assert.is_truthy(late.headers["retry-after"])
      answer(one, "one")
      answer(two, "two")
      assert.are.equal(200, a:answer().status)
      assert.are.equal(200, b:answer().status)
      local record = m:records("access.log", 3)[1]
      assert.is_truthy(record:find(" 503 ", 1, true))
      assert.is_truthy(record:find(" sQ-- ", 1, true))
    end)
  end)

  describe("that a client leaves", function()
    it("has room for the next, unless the client has said something",
      function()
        local m, came = start_tcp("queue_timeout = 60s")
        local first = connect(m, "first")
        wait_came(came, 1)
        local silent = assert(net.connect(m.port.db))
        wait_queued(m, "db", 1)
        local broken = connect(m, "broken")
        wait_queued(m, "db", 2)
        local half = connect(m, "half")
        wait_queued(m, "db", 3)
        local last = connect(m, "last")
        wait_queued(m, "db", 4)
        half:shutdown()
        silent:close()
        wait_queued(m, "db", 3)
        broken:reset()
        wait_queued(m, "db", 2)
        for _, record in ipairs(m:records("access.log", 2)) do
          assert.is_truthy(record:find(" CQ ", 1, true))
        end
        first:close()
        wait_came(came, 2)
        -- Its end was passed on, so the server has closed.
        assert.is_nil((half:receive_some()))
        wait_came(came, 3)
        assert.are.same({ "first", "half", "last" }, names(came))
        last:close()
        assert.are.equal(0, queue_of(m, "db").timed_out)
      end)

    for name, leave in pairs {
      ["ends its side"] = function(client) client.socket:shutdown() end,
      ["closes"] = function(client) client.socket:close() end,
      ["breaks off"] = function(client) client.socket:reset() end,
    } do
      it("does not ask a server for one that " .. name, function()
        local m, listener = start_php("queue_timeout = 60s")
        local a, b = ask(m), ask(m)
        local one, two = listener:accept(), listener:accept()
        local gone = ask(m)
        wait_queued(m, "php", 1)
        local last = ask(m)
        wait_queued(m, "php", 2)
        leave(gone)
        wait_queued(m, "php", 1)
        answer(one, "one")
        answer(listener:accept(), "last")
        assert.are.equal("last", last:answer().body)
        answer(two, "two")
        a:answer()
        b:answer()
        assert.are.equal(" CQ-- ",
          m:records("access.log", 4)[1]:match(" %u%u%-%- "))
      end)
    end
  end)

  it("goes on when a worker with waiters and all slots is killed", function()
    local m, came, server = start_tcp("queue_timeout = 60s",
      { workers = 2, maxconn = 2 })
    m.workers_change = true
    local function dial()
      return connect(m, "x")
    end
    local function close(client)
      client:close()
    end
    local _, doomed = open(m, dial)
    open_with(m, doomed, dial, close)
    server:wait_open(2)
    local living, dead = {}, 0
    local n = #came
    while #living < 5 or dead < 3 do
      local name = "w" .. #living + dead + 1
      local client, worker = open(m, function()
        return connect(m, name)
      end)
      if worker == doomed then
        dead = dead + 1
      else
        living[#living + 1] = { name = name, client = client }
      end
      wait_queued(m, "db", #living + dead)
    end
    assert.are.equal(n, #came)
    local pid = m:ctl("show info --json").workers[doomed].pid
    process.kill(pid, "KILL")
    wait_came(came, n + 2)
    server:wait_open(2)
    server.most = 0
    for i, waiter in ipairs(living) do
      wait_came(came, n + math.min(i + 1, #living))
      waiter.client:close()
    end
    for i, waiter in ipairs(living) do
      -- Two have slots at once, so neighbours may come in any order.
      local at = names(came)
      assert.is_true(at[n + i] == waiter.name or at[n + i + 1] == waiter.name
        or at[n + i - 1] == waiter.name)
    end
    server:wait_open(0)
    assert.are.equal(2, server.most)
    m:wait_active("one", 0)
    assert.are.equal(0, queue_of(m, "db").queued)
    assert.are.equal(0, queue_of(m, "db").timed_out)
  end)

  it("loses no slot and no place while workers are killed under load",
    function()
      local hold, held = false, 0
      local server = fastcgi.serve(function(_, reply)
        held = held + (hold and 1 or 0)
        loop.wait_until("the spec lets it go", function()
          return not hold
        end)
        reply:answer("Content-Type: text/plain", "fine")
      end)
      local m = moongate.start {
        workers = 4,
        config = PHP:format("keepalive = 1\nqueue_timeout = 60s"),
        ports = { php = server.port },
        files = { ["www/a.php"] = "<?php" },
      }
      m.workers_change = true
      local served, over, tasks = 0, false, {}
      for i = 1, 40 do
        tasks[i] = loop.spawn("client", function()
          while not over do
            local socket = net.connect(m.port.web)
            if socket and socket:send(http.head("GET /a.php",
              { "Connection: close" })) then
              local all = socket:receive_all()
              served = served + (all:find("fine", 1, true) and 1 or 0)
              socket:close()
            end
          end
        end)
      end
      for i = 1, 12 do
        local goal = served + 50
        loop.wait_until("some are served", function()
          return served >= goal and #m:workers() == 4
        end)
        process.kill(m:workers()[i % 4 + 1], "KILL")
      end
      over = true
      loop.wait_until("the clients have ended", function()
        for _, task in ipairs(tasks) do
          if not task.dead then
            return false
          end
        end
        return #m:workers() == 4
      end)
      wait_queued(m, "php", 0)
      -- All slots are there: as many as maxconn says come at the same time.
      hold = true
      local clients = {}
      for i = 1, 5 do
        clients[i] = ask(m)
      end
      wait_queued(m, "php", 3)
      loop.wait_until("two have come", function()
        return held == 2
      end)
      hold = false
      for _, client in ipairs(clients) do
        assert.are.equal("fine", client:answer().body)
      end
    end)

  it("has another worker's kept connection closed", function()
    local m, listener = start_php("keepalive = 2\nqueue_timeout = 60s",
      { workers = 2 })
    local function dial()
      return http.connect(m.port.web)
    end
    local function close(client)
      client.socket:close()
    end
    local a, worker = open(m, dial)
    ask(m, a)
    local one = listener:accept()
    answer(one, "one")
    assert.are.equal("one", a:answer().body)
    local b = ask(m, open_with(m, 3 - worker, dial, close))
    local two = listener:accept()
    local c = ask(m, open_with(m, 3 - worker, dial, close))
    assert.is_nil((one.socket:receive_some()))
    answer(listener:accept(), "three")
    assert.are.equal("three", c:answer().body)
    answer(two, "two")
    assert.are.equal("two", b:answer().body)
    assert.are.equal(1, queue_of(m, "php").waited)
  end)

  describe("for a second attempt", function()
    local CONFIG = TCP:format([[
      queue_timeout = 60s
      retries = 3
      server one = 127.0.0.1:${port_one} maxconn=1
      server two = 127.0.0.1:${port_two} maxconn=1
    ]], "tcplog")

    -- The first server refuses, the second one is taken.
    local function start()
      local came, port, serve = {}, closed_server()
      local two = peer.serve(gatekeeper(came))
      local m = moongate.start {
        workers = 2,
        config = CONFIG,
        ports = { one = port, two = two.port },
      }
      local first = connect(m, "first")
      wait_came(came, 1)
      local second = connect(m, "second")
      wait_queued(m, "db", 1)
      m:wait_log("server db/one .- failed: Connection refused")
      return m, came, first, second, serve
    end

    it("waits for the server that is full", function()
      local m, came, first, second = start()
      first:close()
      wait_came(came, 2)
      second:close()
      assert.is_truthy(m:records("access.log", 2)[2]:find(" db/two "))
    end)

    it("does not keep others from a server that is back", function()
      local _, came, first, second, serve = start()
      local late = {}
      serve(gatekeeper(late))
      wait_came(late, 1)
      assert.are.same({ "second" }, names(late))
      assert.are.equal(1, #came)
      second:close()
      first:close()
    end)
  end)

  it("is served to its end before the program stops", function()
    local m, came, server = start_tcp("queue_timeout = 60s", { workers = 2 })
    local clients = {}
    for i = 1, 4 do
      clients[i] = connect(m, i)
      if i == 1 then
        wait_came(came, 1)
      else
        wait_queued(m, "db", i - 1)
      end
    end
    loop.spawn("clients", function()
      m:wait_log("stopping gracefully")
      for i = 1, 4 do
        wait_came(came, i)
        clients[i]:close()
      end
    end)
    m:stop_graceful()
    assert.are.same({ "1", "2", "3", "4" }, names(came))
    assert.are.equal(1, server.most)
  end)

  it("has no more entries than there may be connections", function()
    local m, came = start_tcp("queue_timeout = 60s",
      { global = "max_connections = 5" })
    local clients = {}
    for i = 1, 12 do
      clients[i] = connect(m, i)
      wait_came(came, 1)
    end
    wait_queued(m, "db", 4)
    for i = 1, 12 do
      wait_came(came, i)
      clients[tonumber(came[i].name)]:close()
    end
    assert.are.equal(4, queue_of(m, "db").queued_most)
    wait_queued(m, "db", 0)
  end)

  it("lets go first whom a script gives a smaller priority", function()
    local came = {}
    local server = peer.serve(gatekeeper(came))
    local m = moongate.start {
      workers = 2,
      config = URGENT,
      ports = { one = server.port },
      files = {
        ["lua/urgent.lua"] = [[
          return { accept = function() return { priority = -5 } end }
        ]],
      },
    }
    local clients = { first = connect(m, "first") }
    wait_came(came, 1)
    for i, name in ipairs { "slow", "urgent", "slower", "urgent too" } do
      clients[name] = connect(m, name,
        name:find("urgent") and m.port.urgent or nil)
      wait_queued(m, "db", i)
    end
    for i = 1, 5 do
      wait_came(came, i)
      clients[came[i].name]:close()
    end
    assert.are.same({ "first", "urgent", "urgent too", "slow", "slower" },
      names(came))
  end)
end)
