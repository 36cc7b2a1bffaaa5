--- What follows from checks and from live failures: who is in service, with
-- which weight, and what is said of it.
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
  check = http uri=/ %s
  retries = 0
  server one = 127.0.0.1:${port_one}
  server two = 127.0.0.1:${port_two}
  %s
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = off
]]
local FAST = "interval=50ms timeout=10s fastinter=50ms downinter=50ms"


-- A server whose checks pass or fail as `status` says, and that greets clients
-- with its name.
local function server_new(name)
  local self = { status = 200, checks = {} }
  self.peer = peer.serve(function(connection)
    local bytes = connection:receive_some(math.huge)
    if not bytes then
      return
    end
    if bytes:find("^GET ") then
      self.checks[#self.checks + 1] = loop.now()
      connection:send(("HTTP/1.1 %d x\r\n\r\n"):format(self.status))
      peer.sink(connection)
    elseif self.breaks then
      connection:reset()
    else
      connection:send(name)
    end
  end, { name = name })
  return self
end


describe("health", function()
  local m, one, two

  -- STATUS: what `one` answers from its first check on.
  local function start(options, more, workers, status)
    one, two = server_new("one"), server_new("two")
    one.status = status or one.status
    m = moongate.start {
      config = CONFIG:format(options, more or ""),
      ports = { one = one.peer.port, two = two.peer.port },
      workers = workers,
    }
  end

  after_each(moongate.finish)

  local function wait_state(name, state)
    loop.wait_until(name .. " is " .. state, function()
      return m:server(name).state == state
    end)
  end

  -- Which server a client gets; nil and the reason where it gets none.
  local function ask()
    local client = assert(net.connect(m.port.db))
    client:send("hello")
    local answer, why = client:receive_all()
    client:close()
    return answer ~= "" and answer or nil, why
  end

  it("takes servers down and up, says so, and sends nothing to who is down",
    function()
      start(FAST .. " rise=2 fall=3")
      wait_state("one", "up")
      wait_state("two", "up")
      two.status = 503
      m:wait_log("info control: server db/two has failed a check:"
        .. " Layer7 wrong status: 503 %(1 of 3%)")
      m:wait_log("warn control: server db/two is down: Layer7 wrong status: 503"
        .. " %(3 of 3 checks failed%) up=1/2")
      wait_state("two", "down")
      local row = m:server("two")
      assert.are.equal("Layer7 wrong status: 503", row.reason)
      assert.are.equal("L7STS", row.check_status)
      assert.is_true(row.fails >= 3)
      for _ = 1, 10 do
        assert.are.equal("one", ask())
      end
      two.status = 200
      m:wait_log("info control: server db/two has passed a check: [^\n]*"
        .. " %(1 of 2%)")
      m:wait_log("info control: server db/two is up: Layer7 check passed: 200"
        .. " %(2 of 2 checks passed%) up=2/2")
      local served = {}
      for _ = 1, 10 do
        served[ask()] = true
      end
      assert.are.same({ one = true, two = true }, served)
    end)

  it("says when the last server has gone, and when one is back", function()
    start(FAST .. " rise=1 fall=1")
    wait_state("one", "up")
    one.status, two.status = 500, 500
    m:wait_log("error control: upstream db has no server in service")
    assert.is_nil(ask())
    two.status = 200
    m:wait_log("info control: upstream db has a server in service again")
    assert.are.equal("two", ask())
  end)

  it("shows how far a server is on its way", function()
    start("interval=50ms timeout=10s fastinter=1h downinter=50ms rise=2 fall=3")
    wait_state("one", "up")
    one.status = 500
    wait_state("one", "going down 1/3")
    assert.is_true(m:server("one").up)
    assert.are.equal(1, m:server("one").fails)
    assert.are.equal("up", m:server("two").state)
  end)

  it("checks more often on the way, and as it is told while down", function()
    start("interval=1h timeout=10s fastinter=20ms downinter=400ms"
      .. " rise=3 fall=2", nil, nil, 500)
    -- The first failed check takes it down; then downinter holds.
    wait_state("one", "down")
    local from = #one.checks
    loop.wait_until("three more", function()
      return #one.checks >= from + 4
    end)
    for i = from + 2, from + 4 do
      local gap = one.checks[i] - one.checks[i - 1]
      assert.is_true(gap > 0.35 and gap < 0.9, gap)
    end
    one.status = 200
    wait_state("one", "up")
    local n = #one.checks
    assert.is_true(one.checks[n] - one.checks[n - 2] < 0.35)
  end)

  it("spreads first checks over the interval, and does not drift", function()
    start("interval=200ms timeout=10s")
    loop.wait_until("both were checked", function()
      return #one.checks >= 36 and #two.checks >= 36
    end)
    local apart = (two.checks[10] - one.checks[10]) % 0.2
    assert.is_true(apart > 0.04 and apart < 0.19, apart)
    -- 25 intervals, whatever each of them was late.
    assert.near(5, one.checks[35] - one.checks[10], 0.15)
  end)

  it("leaves servers with check=off alone", function()
    start(FAST .. " fall=1", "server three = 127.0.0.1:${port_three} check=off")
    one.status, two.status = 500, 500
    wait_state("one", "down")
    wait_state("two", "down")
    assert.are.equal("no check", m:server("three").state)
    assert.are.equal("", m:server("three").check)
  end)

  it("is not asked of servers in maintenance", function()
    start(FAST .. " fall=1")
    wait_state("one", "up")
    m:ctl("server db/one maint")
    loop.watch(0.1)
    local count = #one.checks
    loop.watch(0.3)
    assert.are.equal(count, #one.checks)
    m:ctl("server db/one ready")
    loop.wait_until("it is checked again", function()
      return #one.checks > count
    end)
  end)

  it("survives the control process, down and up", function()
    start("interval=100ms timeout=10s fastinter=1h downinter=1h fall=1")
    two.status = 500
    wait_state("two", "down")
    wait_state("one", "up")
    two.status = 200
    local old = m:pids("mg-control")[1]
    process.kill(old, "KILL")
    loop.wait_until("there is another control", function()
      local new = m:pids("mg-control")[1]
      return new and new ~= old
    end)
    m:wait_log("server db/two has passed a check")
    local log = m:log()
    assert.is_nil(log:find("db/one is", 1, true), log)
    assert.is_nil(log:find("db/two is up", 1, true), log)
    assert.are.equal("up", m:server("one").state)
    assert.are.equal("going up 1/2", m:server("two").state)
    assert.is_falsy(m:server("two").up)
    assert.are.equal("one", ask())
  end)

  it("lets a server come back slowly", function()
    start(FAST .. " rise=1 fall=1", "slowstart = 2s")
    wait_state("one", "up")
    two.status = 500
    wait_state("two", "down")
    assert.are.equal(1, m:server("one").weight_now)
    two.status = 200
    wait_state("two", "up")
    local seen, before = {}, 0
    loop.wait_until("it has its whole share", function()
      local rows = m:ctl("show servers --json")  -- both at the same time
      local other, now = rows[1].weight_now, rows[2].weight_now
      if other == 1 then
        assert.are.equal(1, now)
        return true
      end
      assert.are.equal(16, other)
      assert.is_true(now >= before and now >= 1 and now <= 16, now)
      before = now
      seen[now] = true
    end)
    assert.is_true(seen[2] or seen[3])
    assert.are.equal(1, m:server("two").weight)
  end)

  it("goes on with a slow start after the control process has died", function()
    start(FAST .. " rise=1 fall=1", "slowstart = 4s")
    wait_state("one", "up")
    two.status = 500
    wait_state("two", "down")
    two.status = 200
    wait_state("two", "up")
    local began = loop.now()
    loop.wait_until("a part is over", function()
      return m:server("two").weight_now >= 6
    end)
    local old = m:pids("mg-control")[1]
    process.kill(old, "KILL")
    loop.wait_until("there is another control", function()
      local new = m:pids("mg-control")[1]
      return new and new ~= old
    end)
    assert.is_true(m:server("two").weight_now >= 6)
    loop.wait_until("it has its whole share", function()
      return m:server("one").weight_now == 1
    end)
    local took = loop.now() - began
    assert.is_true(took > 3 and took < 7, took)
  end)

  it("changes weights while one comes back slowly", function()
    start(FAST .. " rise=1 fall=1", "slowstart = 1h")
    wait_state("one", "up")
    two.status = 500
    wait_state("two", "down")
    two.status = 200
    wait_state("two", "up")
    m:ctl("server db/one weight 5")
    loop.wait_until("it counts", function()
      return m:server("one").weight_now == 80
    end)
    assert.are.equal(2, m:server("two").weight_now)
  end)

  describe("by live traffic", function()
    it("takes a server down that breaks its connections, until it passes",
      function()
        start("interval=300ms timeout=10s rise=2 fall=1",
          "observe = errors=3 within=10s", 2)
        wait_state("one", "up")
        wait_state("two", "up")
        two.breaks = true
        for _ = 1, 20 do
          ask()
        end
        m:wait_log("server db/two is down: 3 live failures within 10s"
          .. " %(1 of 1 checks failed%) up=1/2")
        assert.is_true(m:server("two").failures >= 3)
        two.breaks = false
        m:wait_log("server db/two is up: Layer7 check passed: 200 %(2 of 2")
      end)

    it("never takes the last server, and says so once", function()
      start("interval=1h timeout=10s rise=2 fall=1",
        "observe = errors=2 within=1m")
      loop.wait_until("both are checked", function()
        return m:server("one").check ~= ""
      end)
      m:ctl("server db/two maint")
      one.breaks = true
      for _ = 1, 10 do
        assert.is_nil(ask())
      end
      m:wait_log("server db/one stays in service for want of another")
      local _, count = m:log():gsub("stays in service", "")
      assert.are.equal(1, count)
      assert.is_true(m:server("one").up)
      -- With another one it goes.
      m:ctl("server db/two ready")
      loop.wait_until("it is down", function()
        ask()
        return not m:server("one").up
      end)
      assert.is_truthy(m:server("one").reason:find("live failures within 60s"),
        m:server("one").reason)
    end)

    it("sees connections that are refused", function()
      start("interval=1h timeout=10s fall=1", "observe = errors=2 within=10s")
      loop.wait_until("both are checked", function()
        return m:server("one").check ~= "" or #one.checks > 0
      end)
      two.peer:refuse()
      loop.wait_until("it is down", function()
        ask()
        return not m:server("two").up
      end)
    end)
  end)
end)


describe("health of php-fpm", function()
  local m

  after_each(moongate.finish)

  local CONFIG_FPM = [[
    [upstream php]
    check = fastcgi uri=/ping interval=100ms timeout=250ms rise=1 fall=1
    %s
    retries = 0
    server one = 127.0.0.1:${port_one}
    server two = 127.0.0.1:${port_two}
    [http web]
    listen = 127.0.0.1:${port_web}
    root = ${dir}/www
    route = ~ \.php$ php
    access_log = off
  ]]

  local function start(handlers, more)
    local ports = {}
    for name, handler in pairs(handlers) do
      ports[name] = fastcgi.serve(handler).port
    end
    m = moongate.start {
      config = CONFIG_FPM:format(more or ""),
      ports = ports,
      files = { ["www/a.php"] = "<?php" },
    }
  end

  local function is_ping(request)
    return request.params.SCRIPT_NAME == "/ping"
  end

  local function fine(request, reply)
    reply:answer("Content-Type: text/plain",
      is_ping(request) and "pong" or "fine")
  end

  it("is busy, not down, while live answers come", function()
    local deaf = false
    start({
      one = function(request, reply)
        if is_ping(request) and deaf then
          peer.sink(reply.socket)
          return
        end
        fine(request, reply)
      end,
      two = fine,
    })
    loop.wait_until("it is up", function()
      return m:server("one").check == "Layer7 check passed: 200"
    end)
    deaf = true
    local client = http.connect(m.port.web)
    loop.wait_until("it is busy", function()
      assert.are.equal(200, client:exchange("GET /a.php").status)
      return m:server("one").check == "Layer7 timeout, but live answers came"
    end)
    assert.is_true(m:server("one").up)
    -- Without them it is down.
    m:wait_log("server php/one is down: Layer7 timeout after 250ms")
  end)

  it("counts answers of 5xx where it is told to", function()
    start({
      one = function(request, reply)
        if is_ping(request) then
          fine(request, reply)
        else
          reply:answer("Status: 500 Oops", "")
        end
      end,
      two = fine,
    }, "observe = errors=4 within=10s on=5xx")
    loop.wait_until("they are up", function()
      return m:server("one").check ~= "" and m:server("two").check ~= ""
    end)
    local statuses = {}
    for _ = 1, 40 do
      local status = http.fetch(m.port.web, "/a.php").status
      statuses[status] = (statuses[status] or 0) + 1
    end
    m:wait_log("server php/one is down: %d+ live failures within 10s")
    assert.is_true(statuses[500] >= 4 and statuses[500] < 20)
  end)

  it("counts aborted requests, but not 5xx unless it is told to", function()
    local abort = false
    start({
      one = function(request, reply)
        if is_ping(request) then
          fine(request, reply)
        elseif abort then
          reply:finish(0, 2)
        else
          reply:answer("Status: 500 Oops", "")
        end
      end,
      two = fine,
    }, "observe = errors=3 within=10s")
    loop.wait_until("they are up", function()
      return m:server("one").check ~= "" and m:server("two").check ~= ""
    end)
    for _ = 1, 20 do
      http.fetch(m.port.web, "/a.php")
    end
    assert.are.equal(0, m:server("one").failures)
    abort = true
    loop.wait_until("it was seen", function()
      http.fetch(m.port.web, "/a.php")
      return m:server("one").failures >= 3
    end)
    m:wait_log("server php/one is down: %d+ live failures within 10s")
  end)
end)
