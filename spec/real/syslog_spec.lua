--- Records and messages at Debian's rsyslogd: by UDP, TCP and the local socket,
-- while it runs, is stopped, dead, and back.
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local rsyslog = require "support.rsyslog"

local CONFIG = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  access_log = %s
  log_to = %s facility=local5 %s
]]
local FILES = { ["www/a"] = "hello" }


describe("rsyslogd", function()
  local receiver, m

  before_each(function()
    receiver = rsyslog.start()
  end)

  after_each(function()
    receiver:finish()
    moongate.finish()
  end)

  local function target_of(way)
    return ({
      udp = "syslog:127.0.0.1:" .. receiver.udp,
      tcp = "syslog:tcp:127.0.0.1:" .. receiver.tcp,
      socket = "syslog:" .. receiver.socket,
    })[way]
  end

  local function start(way, options, format, log)
    m = moongate.start {
      config = CONFIG:format(format or "${args} ${http_x_long}",
        target_of(way), options or ""),
      files = FILES, log = log,
    }
  end

  -- Requests /a?FROM to /a?TO on one connection.
  local function ask(from, to, headers)
    local client = http.connect(m.port.web)
    for i = from, to do
      client:exchange("GET /a?n" .. i, headers)
    end
    client:close()
  end

  local INPUT = { udp = "imudp", tcp = "imtcp", socket = "imuxsock" }

  for way, input in pairs(INPUT) do
    for _, format in ipairs { "rfc3164", "rfc5424" } do
      it(("gets whole records by %s, as %s"):format(way, format), function()
        start(way, "format=" .. format)
        local long = ("x"):rep(1000) .. "!"
        ask(1, 20, { "X-Long: " .. long })
        local got = receiver:wait("|%s?n%d+ x+!$", 20)
        for i, line in ipairs(got) do
          local from, priority, host, name, pid, text = line:match(
            "^(%w+)|(%d+)|([^|]*)|([^|]*)|([^|]*)|%s?(.*)$")
          assert.are.equal(input, from)
          assert.are.equal("174", priority)
          assert.are_not.equal("", host)
          assert.are.equal("moongate", name)
          assert.are.equal(tostring(m:workers()[1]), pid)
          assert.are.equal(("n%d %s"):format(i, long), text)
        end
        assert.are.equal(20, #got)
        assert.are.equal(0, m:ctl("show info --json").log_lost)
      end)
    end
  end

  it("gets what was said while it was away, by TCP", function()
    start("tcp")
    ask(1, 3)
    receiver:wait("|%s?n%d+ ", 3)
    receiver:stop("KILL")
    ask(4, 200)
    receiver:restart()
    ask(201, 202)
    receiver:wait("|%s?n202 ", 1)
    for i = 1, 202 do
      assert.is_true(#receiver:messages("|%s?n" .. i .. " ") >= 1, i)
    end
    assert.are.equal(0, m:ctl("show info --json").log_lost)
  end)

  it("gets what was said while it was away, by its socket", function()
    start("socket")
    ask(1, 3)
    receiver:wait("|%s?n%d+ ", 3)
    receiver:stop()
    ask(4, 50)
    receiver:restart()
    receiver:wait("|%s?n%d+ ", 50)
    assert.are.equal(0, m:ctl("show info --json").log_lost)
  end)

  it("is missed, by UDP, and that is counted and said", function()
    local log = "log = stderr\n"
    start("udp", nil, nil, log)
    ask(1, 3)
    receiver:wait("|%s?n%d+ ", 3)
    receiver:stop()
    ask(4, 40)
    loop.wait_until("lost records are shown", function()
      ask(41, 41)
      return m:ctl("show info --json").log_lost >= 10
    end)
    assert.is_truthy(m:ctl("show info"):match("log lines +%d+ lost"))
    m:wait_log("warn control: the log syslog:127.0.0.1:%d+ did not take some "
      .. "lines: Connection refused lost=%d+", 15)
    local _, times = m:log():gsub("did not take some lines", "")
    assert.are.equal(1, times)
    receiver:restart()
    ask(42, 60)
    receiver:wait("|%s?n60 ", 1)
  end)

  it("may be stopped: no request waits for it, and the rest is counted",
     function()
    start("tcp", nil, "${args} ${http_x_long}")
    receiver:wait("", 0)
    ask(1, 1)
    receiver:wait("|%s?n1 ", 1)
    receiver.process:kill("STOP")
    local long = { "X-Long: " .. ("y"):rep(1000) }
    local slowest = 0
    local n = 1
    loop.wait_until("the queue is full", function()
      for _ = 1, 20 do
        local before = loop.now()
        ask(n + 1, n + 100, long)
        n = n + 100
        slowest = math.max(slowest, (loop.now() - before) / 100)
      end
      return m:ctl("show info --json").log_lost > 0
    end, 60)
    assert.is_true(slowest < 0.1, slowest)
    receiver.process:kill("CONT")
    ask(n + 1, n + 1)
    receiver:wait(("|%%s?n%d "):format(n + 1), 1)
    local lost = m:ctl("show info --json").log_lost
    assert.are.equal(n + 1, #receiver:messages("|%s?n%d+ ") + lost)
    for _, line in ipairs(receiver:messages("|%s?n%d+ ")) do
      assert.is_truthy(line:match("|%s?n%d+ y*%-?$"), line)
    end
  end)

  it("gets the last lines of a program that ends", function()
    m = moongate.start {
      config = CONFIG:format("off", "stderr", ""):gsub(" facility=local5", ""),
      files = FILES,
      log = "log = " .. target_of("tcp") .. "\nlog = stderr",
    }
    m:stop()
    receiver:wait("|%s?moongate: stopped$", 1)
  end)
end)


describe("rsyslogd on IPv6", function()
  local receiver

  after_each(function()
    receiver:finish()
    moongate.finish()
  end)

  it("gets records", function()
    receiver = rsyslog.start { udp_address = "::1" }
    local m = moongate.start {
      config = CONFIG:format("${args}", "syslog:[::1]:" .. receiver.udp, ""),
      files = FILES,
    }
    http.fetch(m.port.web, "/a?six")
    assert.is_truthy(receiver:wait("|%s?six$", 1)[1]:find("^imudp|174|"))
  end)
end)
