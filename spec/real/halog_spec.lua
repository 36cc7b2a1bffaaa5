--- HAProxy's own log analyser reads our records, as rsyslogd has written them,
-- and comes to what `ctl show servers` has counted.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"
local rsyslog = require "support.rsyslog"

local CONFIG = [[
  [defaults]
  retries = 0
  queue_timeout = 200ms
  [upstream php]
  server one = 127.0.0.1:${port_one}
  server two = 127.0.0.1:${port_two} weight=2
  [upstream gone]
  server three = 127.0.0.1:${port_none}
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}
  root_is_remote = on
  access_log = httplog
  log_to = syslog:127.0.0.1:${port_log} facility=local5
  route = /gone gone
  route = /deny deny
  route = / php
  [upstream sql]
  protocol = tcp
  server four = 127.0.0.1:${port_sql}
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = sql
  log_to = syslog:127.0.0.1:${port_log} facility=local5
]]

local WEB = 60 + 12 + 9 + 6 + 5 + 4 + 1
local SESSIONS = 8


describe("halog", function()
  local receiver, m

  setup(function()
    local function answer(request, reply)
      if request.params.REQUEST_URI == "/404" then
        reply:answer("Status: 404 Not Found")
      elseif request.params.REQUEST_URI == "/500" then
        reply:answer("Status: 500 Internal Server Error")
      elseif request.params.REQUEST_URI == "/close" then
        reply:close()
      else
        reply:answer("Content-Type: text/plain", "ok")
      end
    end
    receiver = rsyslog.start()
    m = moongate.start {
      config = CONFIG,
      ports = {
        one = fastcgi.serve(answer).port, two = fastcgi.serve(answer).port,
        none = net.reserve().port, sql = peer.serve(peer.echo).port,
        log = receiver.udp,
      },
    }
    for path, n in pairs { ["/x?q=1"] = 60, ["/404"] = 12, ["/500"] = 9,
                           ["/close"] = 6, ["/gone"] = 5, ["/deny"] = 4 } do
      for _ = 1, n do
        http.fetch(m.port.web, path)
      end
    end
    http.raw(m.port.web, "nonsense\r\n\r\n")
    for _ = 1, SESSIONS do
      local client = assert(net.connect(m.port.db))
      client:send("hello")
      assert(client:receive(5))
      client:close()
    end
    receiver:wait("127%.0%.0%.1:%d+ %[", WEB + SESSIONS)
  end)

  teardown(function()
    receiver:finish()
    moongate.finish()
  end)

  -- The lines that halog prints, by their first column, or that of the client.
  local function halog(options)
    local out = receiver.dir .. "/halog"
    local argv = { "halog" }
    for word in options:gmatch("%S+") do
      argv[#argv + 1] = word
    end
    os.remove(out)
    local run = process.spawn(argv, {
      stdin = receiver.dir .. "/traditional", stdout = out, stderr = out,
    })
    assert.are.equal(0, run:wait(10))
    local rows = {}
    for line in io.lines(out) do
      local words = {}
      for word in line:gmatch("%S+") do
        words[#words + 1] = word
      end
      rows[options == "-ic" and words[9] or words[1] or ""] = words
    end
    return rows
  end

  it("counts statuses", function()
    local rows = halog("-st")
    local counts = {}
    for status, words in pairs(rows) do
      counts[status] = tonumber(words[2])
    end
    assert.are.equal(60, counts["200"])
    assert.are.equal(12, counts["404"])
    assert.are.equal(9, counts["500"])
    assert.are.equal(6 + 5, counts["502"])
    assert.are.equal(4, counts["403"])
    assert.are.equal(1, counts["400"])
  end)

  it("counts terminations", function()
    local rows = halog("-tc")
    assert.are.equal("6", rows.SH[2])
    assert.are.equal("5", rows.SC[2])
    assert.are.equal("5", rows.PR[2])
    assert.are.equal(tostring(60 + 12 + 9), rows["--"][2])
  end)

  it("counts each server as ctl does", function()
    local rows = halog("-srv")
    local seen = 0
    for _, server in ipairs(m:ctl("show servers --json")) do
      local row = rows[server.upstream .. "/" .. server.server]
      assert.is_truthy(row, server.server)
      local all = 0
      for i = 2, 6 do
        all = all + tonumber(row[i])
      end
      if server.upstream ~= "sql" then
        assert.are.equal(server.requests, tonumber(row[8]))
        assert.are.equal(server.requests, all)
        seen = seen + tonumber(row[8])
      end
    end
    assert.are.equal(60 + 12 + 9 + 6 + 5, seen)
  end)

  it("counts what one client has asked for, and its bytes", function()
    local row = halog("-ic")["127.0.0.1"]
    assert.are.equal(WEB, tonumber(row[1]))
    assert.is_true(tonumber(row[8]) > WEB * 50)
  end)

  it("tells requests from sessions", function()
    assert.is_truthy(halog("-c")[tostring(WEB + SESSIONS)])
    assert.is_truthy(halog("-c -H")[tostring(WEB)])
    assert.is_truthy(halog("-c -v -H")[tostring(SESSIONS)])
  end)
end)
