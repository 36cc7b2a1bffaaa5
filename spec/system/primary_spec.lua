--- One server for all work, by the policies that do so: `primary`, and `first`
-- until it is full; and what brings backups in.
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"

local CONFIG = [[
  [upstream pxc]
  protocol = tcp
  policy = ${policy}
  queue_timeout = 30s
  check = ${check}
  server a = 127.0.0.1:${port_a} ${a}
  server b = 127.0.0.1:${port_b} ${b}
  server c = 127.0.0.1:${port_c} ${c}
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = pxc
  access_log = off
]]


describe("one server for all:", function()
  local servers, m

  -- @param options  table: policy, and for each of a, b, c its options
  local function start(options)
    local ports = {}
    servers = {}
    for _, name in ipairs { "a", "b", "c" } do
      servers[name] = peer.serve(peer.greet(name), { name = name })
      ports[name] = servers[name].port
    end
    m = moongate.start {
      config = CONFIG:gsub("%${(%l+)}", function(name)
        return options[name] or name == "check" and "off" or ""
      end),
      ports = ports,
      workers = 2,
    }
  end

  after_each(moongate.finish)

  local function connect(n)
    local clients = {}
    for i = 1, n or 1 do
      clients[i] = assert(net.connect(m.port.db))
    end
    return unpack(clients)
  end

  -- Takes from an array of clients those who have been served.
  local function take_served(clients)
    local served = {}
    for i = #clients, 1, -1 do
      if clients[i].served then
        table.insert(served, table.remove(clients, i))
      end
    end
    return served
  end

  -- Clients that wait for their server, each in a task of its own.
  local function connect_waiting(n)
    local clients = {}
    for i = 1, n do
      local client = connect()
      clients[i] = client
      loop.spawn("client", function()
        client.served = client:receive(1, 60)
      end)
    end
    return clients
  end

  local function count_lines(pattern)
    local count = 0
    for _ in m:log():gmatch(pattern) do
      count = count + 1
    end
    return count
  end

  describe("policy primary", function()
    it("sends all connections of both workers to the first", function()
      start { policy = "primary" }
      for _, client in ipairs { connect(40) } do
        assert.are.equal("a", client:receive(1))
      end
      assert.are.same({ 40, 0, 0 },
        { servers.a.open, servers.b.accepted, servers.c.accepted })
      assert.is_true(m:server("a").chosen)
      assert.is_false(m:server("b").chosen)
      assert.is_truthy(m:ctl("show servers")
        :find("\npxc +a +%S+ +no check +chosen "))
      m:wait_log("upstream pxc: the primary is a\n")
      m:stop()
      assert.are.equal(1, count_lines("the primary is"))
    end)

    it("queues there, and never spills", function()
      start { policy = "primary", a = "maxconn=2" }
      local clients = connect_waiting(9)
      local total = 0
      while #clients > 0 do
        servers.a:wait_open(math.min(2, #clients))
        local served
        loop.wait_until("those are served", function()
          served = take_served(clients)
          return #served > 0
        end)
        for _, client in ipairs(served) do
          assert.are.equal("a", client.served)
          client:close()
        end
        total = total + #served
      end
      assert.are.same({ 9, 2 }, { total, servers.a.most })
      assert.are.same({ 9, 0, 0 },
        { servers.a.accepted, servers.b.accepted, servers.c.accepted })
    end)

    it("tries again there when an attempt fails, and nowhere else", function()
      start { policy = "primary" }
      servers.a:refuse()
      for _, client in ipairs { connect(4) } do
        assert.is_nil((client:receive_some()))
      end
      assert.are.same({ 0, 0 }, { servers.b.accepted, servers.c.accepted })
      local errors = m:server("a").connect_errors
      assert.is_true(errors > 4, "only " .. errors .. " attempts")
      m:stop()
      assert.are.equal(1, count_lines("the primary is"))
    end)

    it("passes over one in maintenance, and takes backups last", function()
      start { policy = "primary failback=off", a = "disabled", b = "backup" }
      for _, client in ipairs { connect(6) } do
        assert.are.equal("c", client:receive(1))
      end
      assert.is_true(m:server("c").chosen)
    end)
  end)

  describe("policy primary, when servers come and go,", function()
    local function chosen()
      for _, name in ipairs { "a", "b", "c" } do
        if m:server(name).chosen then
          return name
        end
      end
    end

    -- Of six clients, who are served by whichever worker.
    local function expect(name)
      for _, client in ipairs { connect(6) } do
        assert.are.equal(name, client:receive(1))
      end
      assert.are.equal(name, chosen())
    end

    it("moves, and comes back", function()
      start { policy = "primary", c = "backup" }
      expect("a")
      m:ctl("server pxc/a drain")
      expect("b")
      m:ctl("server pxc/b weight 0")
      expect("c")
      m:ctl("server pxc/a ready")
      expect("a")
      m:wait_log("the primary is b now, was a, which is draining")
      m:wait_log("the primary is c now, was b, which is of weight 0")
      m:wait_log("the primary is a now, was c, which is up")
    end)

    it("stays where it went without failback", function()
      start { policy = "primary failback=off" }
      expect("a")
      m:ctl("server pxc/a maint")
      expect("b")
      m:ctl("server pxc/a ready")
      expect("b")
      m:ctl("server pxc/b maint")
      expect("a")
    end)

    it("takes those with it who wait", function()
      for _, order in ipairs { "drain", "maint", "weight 0" } do
        start { policy = "primary failback=off", a = "maxconn=1" }
        local first = connect()
        assert.are.equal("a", first:receive(1))
        local waiting = connect_waiting(5)
        loop.wait_until("five wait", function()
          return m:server("a").queued == 5
        end)
        m:ctl("server pxc/a " .. order)
        loop.wait_until("they are served, " .. order, function()
          return servers.b.open == 5
        end)
        loop.wait_until("they know", function()
          take_served(waiting)
          return #waiting == 0
        end)
        assert.are.same({ 1, 5, 0 },
          { servers.a.accepted, servers.b.accepted, servers.c.accepted })
        m:stop()
      end
    end)

    it("takes those back who wait", function()
      start { policy = "primary", a = "disabled", b = "maxconn=1" }
      assert.are.equal("b", (connect():receive(1)))
      local waiting = connect_waiting(3)
      loop.wait_until("three wait", function()
        return m:server("b").queued == 3
      end)
      m:ctl("server pxc/a ready")
      loop.wait_until("they are served", function()
        return servers.a.open == 3
      end)
      loop.wait_until("they know", function()
        take_served(waiting)
        return #waiting == 0
      end)
    end)

    it("moves when its check fails", function()
      start { policy = "primary", check = "tcp interval=100ms fall=1" }
      expect("a")
      servers.a:refuse()
      loop.wait_until("b serves", function()
        return connect():receive_some() == "b"
      end)
      m:wait_log("the primary is b now, was a, which is down")
      expect("b")
    end)
  end)

  it("policy first fills one server after the other, and holes first",
    function()
      start { policy = "first", a = "maxconn=2", b = "maxconn=3" }
      local clients, order = {}, {}
      for i = 1, 7 do
        clients[i] = connect()
        order[i] = clients[i]:receive(1)
      end
      assert.are.equal("aabbbcc", table.concat(order))
      clients[2]:close()
      m:wait_active("a", 1)
      assert.are.equal("a", (connect():receive(1)))
      assert.are.equal("c", (connect():receive(1)))
    end)

  it("backups stay out while another server is merely full", function()
    start { policy = "leastconn", a = "maxconn=1", b = "backup", c = "backup" }
    local first = connect()
    assert.are.equal("a", first:receive(1))
    local waiting = connect_waiting(3)
    loop.wait_until("three wait", function()
      return m:server("a").active == 1 and m:ctl("show info --json").workers[1]
        .now + m:ctl("show info --json").workers[2].now == 4
    end)
    assert.are.same({ 0, 0 }, { servers.b.accepted, servers.c.accepted })
    first:close()
    loop.wait_until("one of them is served", function()
      return #take_served(waiting) > 0
    end)
    assert.are.same({ 2, 0, 0 },
      { servers.a.accepted, servers.b.accepted, servers.c.accepted })
  end)

  it("all backups stand in when the others cannot be reached", function()
    start { policy = "roundrobin", b = "backup", c = "backup" }
    servers.a:refuse()
    local counts = { b = 0, c = 0 }
    for _, client in ipairs { connect(12) } do
      local name = client:receive(1)
      counts[name] = counts[name] + 1
    end
    assert.is_true(counts.b > 0 and counts.c > 0)
  end)
end)
