--- What becomes of the work of a server that goes down, is set to maintenance,
-- or comes back.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"

local TCP = [[
  [upstream db]
  protocol = tcp
  check = tcp interval=50ms timeout=1s rise=1 fall=2
  queue_timeout = 60s
  %s
  server one = 127.0.0.1:${port_one} %s
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = tcplog
  log_to = file:${dir}/access.log
]]

-- What comes by the second section is meant for one server.
local TWO = TCP:format("hold = on", "") .. [[
  [tcp pinned]
  listen = 127.0.0.1:${port_pinned}
  upstream = db
  script = pinned.lua
  access_log = off
]]
TWO = TWO:gsub("server one = [^\n]*", "%0\n"
  .. "  server two = 127.0.0.1:${port_two} maxconn=1")

local PHP = [[
  [upstream php]
  check = tcp interval=50ms timeout=1s rise=1 fall=2
  policy = policy/first_up.lua
  queue_timeout = 60s
  %s
  server one = 127.0.0.1:${port_one} %s
  server two = 127.0.0.1:${port_two}
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  route = ~ \.php$ php
  access_log = httplog
  log_to = file:${dir}/access.log
]]

-- Takes the first that is usable, and tells of states.
local FIRST_UP = [[
  local moongate = require "moongate"
  return {
    pick = function(flow, servers)
      for i = 1, #servers do
        if servers[i].usable then
          return i
        end
      end
      return nil, "none is usable"
    end,
    state = function(server, up, why)
      moongate.log.warn("worker " .. moongate.worker .. " hears that "
        .. server.name .. " is " .. (up and "up" or "down") .. ": " .. why)
    end,
  }
]]


-- A server that answers each line of a session by its name.  Checks, which
-- say nothing, are no sessions.
local function names(name, came)
  return function(connection)
    while true do
      local line = connection:receive_until("\n", 60)
      if not line then
        return
      end
      came[#came + 1] = { line = line:sub(1, -2), at = loop.now() }
      connection:send(name .. "\n")
    end
  end
end


describe("a server that goes down", function()
  local m, servers, came

  after_each(moongate.finish)

  local function wait_state(name, state)
    loop.wait_until(("%s is %s"):format(name, state), function()
      return m:server(name).state == state
    end)
  end

  local function wait_queued(n)
    loop.wait_until(n .. " wait", function()
      return m:ctl("show info --json").upstreams[1].queued == n
    end)
  end

  local function serve(name, port)
    servers[name] = peer.serve(names(name, came),
      { name = name, port = port })
    return servers[name]
  end

  local function start_tcp(options)
    servers, came = {}, {}
    local port = options.down and net.reserve() or serve("one")
    m = moongate.start {
      config = TCP:format(options.upstream or "", options.server or ""),
      ports = { one = port.port },
      workers = options.workers,
    }
    wait_state("one", options.down and "down" or "up")
    return port
  end

  local function connect(line, port)
    local client = assert(net.connect(port or m.port.db))
    client:send((line or "hello") .. "\n")
    return client
  end

  local function says(client)
    return client:receive_until("\n")
  end

  describe("under TCP sessions", function()
    it("keeps them", function()
      start_tcp {}
      local client = connect()
      assert.are.equal("one\n", says(client))
      servers.one:refuse()
      wait_state("one", "down")
      client:send("again\n")
      assert.are.equal("one\n", says(client))
      -- New ones have no server.
      assert.is_nil((connect():receive_some()))
    end)

    it("ends them with on_marked_down = shutdown", function()
      start_tcp { upstream = "on_marked_down = shutdown", workers = 2 }
      local clients = {}
      for i = 1, 6 do
        clients[i] = connect()
        assert.are.equal("one\n", says(clients[i]))
      end
      servers.one:refuse()
      for _, client in ipairs(clients) do
        local bytes, why = client:receive_some()
        assert.is_nil(bytes)
        assert.are.equal("reset", why)
      end
      for _, record in ipairs(m:records("access.log", 6)) do
        assert.is_truthy(record:find(" db/one .* DD "))
      end
      m:wait_active("one", 0)
    end)

    it("is used again when it is back", function()
      start_tcp {}
      servers.one:refuse()
      wait_state("one", "down")
      assert.is_nil((connect():receive_some()))
      serve("one", servers.one.port)
      wait_state("one", "up")
      assert.are.equal("one\n", says(connect()))
    end)

    it("ends them in maintenance", function()
      start_tcp { workers = 2 }
      local client = connect()
      assert.are.equal("one\n", says(client))
      m:ctl("server db/one maint")
      local _, why = client:receive_some()
      assert.are.equal("reset", why)
      assert.is_truthy(m:records("access.log", 1)[1]:find(" db/one .* KD "))
      m:ctl("server db/one ready")
      assert.are.equal("one\n", says(connect()))
    end)

    it("lets them end by themselves while it drains", function()
      start_tcp {}
      local client = connect()
      assert.are.equal("one\n", says(client))
      m:ctl("server db/one drain")
      assert.is_nil((connect():receive_some()))
      client:send("again\n")
      assert.are.equal("one\n", says(client))
    end)
  end)

  describe("while others wait for it", function()
    -- Whoever has the only slot, and those who wait for it.
    local function wait_for_slot(upstream)
      start_tcp { upstream = upstream, server = "maxconn=1", workers = 2 }
      local first = connect("first")
      assert.are.equal("one\n", says(first))
      local waiting = {}
      for i = 1, 4 do
        waiting[i] = connect(i)
        wait_queued(i)
      end
      servers.one:refuse()
      wait_state("one", "down")
      return first, waiting
    end

    it("refuses them at once", function()
      local first, waiting = wait_for_slot("")
      for _, client in ipairs(waiting) do
        assert.is_nil((client:receive_some()))
      end
      wait_queued(0)
      for _, record in ipairs(m:records("access.log", 4)) do
        assert.is_truthy(record:find(" db/<NOSRV> .* SC "))
      end
      first:send("again\n")
      assert.are.equal("one\n", says(first))
    end)

    it("lets them wait on with hold = on", function()
      local first, waiting = wait_for_slot("hold = on")
      first:close()
      serve("one", servers.one.port)
      for i, client in ipairs(waiting) do
        assert.are.equal("one\n", says(client))
        assert.are.equal(tostring(i), came[i + 1].line)
        client:close()
      end
      assert.are.equal(0, m:ctl("show info --json").upstreams[1].timed_out)
    end)
  end)

  describe("with hold = on,", function()
    local function release(workers)
      local port = start_tcp {
        down = true, upstream = "hold = on", workers = workers,
      }
      local clients = {}
      for i = 1, 40 do
        clients[i] = connect(i)
        wait_queued(i)
      end
      port:close()
      serve("one", port.port)
      for _, client in ipairs(clients) do
        assert.are.equal("one\n", says(client))
      end
      assert.is_true(came[40].at - came[1].at > 0.1)
      wait_queued(0)
      local line = m:ctl("show info --json").upstreams[1]
      assert.are.same({ 40, 40, 0 },
        { line.waited, line.queued_most, line.timed_out })
    end

    it("has work wait, and serves it in order, not all at once", function()
      release(1)
      -- Four at a time: they may pass each other within a portion.
      for i, one in ipairs(came) do
        assert.is_true(math.abs(tonumber(one.line) - i) < 4)
      end
    end)

    -- Which of two workers comes first with what it was granted is not said.
    it("has the work of all workers wait, and serves it by and by", function()
      release(2)
    end)

    it("keeps nobody from other servers who waits for it by name",
      function()
        servers, came = {}, {}
        local closed = net.reserve()
        serve("two")
        m = moongate.start {
          config = TWO,
          ports = { one = closed.port, two = servers.two.port },
          files = {
            ["lua/pinned.lua"] = [[
              return {
                accept = function()
                  return { upstream = "db", server = "one" }
                end,
              }
            ]],
          },
        }
        wait_state("one", "down")
        local pinned = connect("pinned", m.port.pinned)
        wait_queued(1)
        local first = connect("first")
        assert.are.equal("two\n", says(first))
        local second = connect("second")
        wait_queued(2)
        first:close()
        assert.are.equal("two\n", says(second))
        assert.are.equal(1, m:ctl("show info --json").upstreams[1].queued)
        closed:close()
        serve("one", closed.port)
        assert.are.equal("one\n", says(pinned))
      end)

    it("closes what has waited for queue_timeout", function()
      start_tcp { down = true, upstream = "hold = on" }
      m:stop()
      m = moongate.start {
        config = TCP:format("hold = on", ""):gsub("60s", "300ms"),
        ports = { one = net.reserve().port },
      }
      wait_state("one", "down")
      assert.is_nil((connect():receive_some()))
      assert.is_truthy(m:records("access.log", 1)[1]:find(
        " db/<NOSRV> .* sQ "))
    end)
  end)

  describe("with a FastCGI request", function()
    -- The first server reads requests and says nothing.
    local function start_php(upstream, options)
      servers = {
        one = fastcgi.serve(function() end, { name = "one" }),
        two = fastcgi.serve(fastcgi.names("two"), { name = "two" }),
      }
      m = moongate.start {
        config = PHP:format(upstream or "", ""),
        ports = { one = servers.one.port, two = servers.two.port },
        files = {
          ["www/a.php"] = "<?php", ["lua/policy/first_up.lua"] = FIRST_UP,
        },
        workers = options and options.workers,
      }
      wait_state("one", "up")
    end

    -- A request that hangs at the first server, which then goes down.
    local function hang(line, fields, body)
      local client = http.connect(m.port.web)
      client:request(line, fields, body)
      loop.wait_until("the server has it", function()
        return #servers.one.requests == 1
      end)
      servers.one:refuse()
      return client
    end

    it("has a GET answered by another", function()
      start_php()
      local answer = hang("GET /a.php"):answer()
      assert.are.equal(200, answer.status)
      assert.are.equal("two", answer.body)
      local record = m:records("access.log", 1)[1]
      assert.is_truthy(record:find(" php/two ", 1, true))
      assert.are.equal(1, m:server("one").retries)
    end)

    it("has a GET wait on with retry_on = connect", function()
      start_php("retry_on = connect")
      local client = hang("GET /a.php")
      wait_state("one", "down")
      assert.are.equal("two", http.fetch(m.port.web, "/a.php").body)
      assert.is_true(client.socket:quiet(0.1))
      assert.are.equal(1, m:server("one").active)
    end)

    local POST = { "POST /a.php", { "Content-Length: 3" }, "abc" }

    it("has a POST wait on, and asks nobody else", function()
      start_php()
      local client = hang(unpack(POST))
      wait_state("one", "down")
      assert.are.equal("two", http.fetch(m.port.web, "/a.php").body)
      assert.is_true(client.socket:quiet(0.1))
      assert.are.equal(1, #servers.two.requests)
      assert.are.equal(1, m:server("one").active)
    end)

    it("has a POST answered 502 with on_marked_down = shutdown", function()
      start_php("on_marked_down = shutdown")
      local client = hang(unpack(POST))
      assert.are.equal(502, client:answer().status)
      assert.are.equal(0, #servers.two.requests)
      assert.is_truthy(m:records("access.log", 1)[1]:find(" DH-- ", 1, true))
      m:wait_active("one", 0)
    end)

    it("has a POST answered 502 in maintenance", function()
      start_php()
      local client = http.connect(m.port.web)
      client:request(unpack(POST))
      loop.wait_until("the server has it", function()
        return #servers.one.requests == 1
      end)
      m:ctl("server php/one maint")
      assert.are.equal(502, client:answer().status)
      assert.are.equal(0, #servers.two.requests)
    end)

    it("tells the policy, in each worker", function()
      start_php("", { workers = 2 })
      servers.one:refuse()
      for worker = 0, 1 do
        m:wait_log(("worker %d hears that one is down: %%S"):format(worker))
      end
      fastcgi.serve(fastcgi.names("one"), { port = servers.one.port })
      for worker = 0, 1 do
        m:wait_log(("worker %d hears that one is up: %%S"):format(worker))
      end
      assert.are.equal("one", http.fetch(m.port.web, "/a.php").body)
    end)
  end)
end)
