--- What others collect the statistics with: Prometheus's promtool, and its
-- exporter for HAProxy, unchanged.
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local ports = require "support.ports"
local process = require "support.process"

local CONFIG = [[
  [upstream db]
  protocol = tcp
  check = tcp interval=200ms fall=1
  server a = 127.0.0.1:${port_a}
  server gone = 127.0.0.1:${port_gone} weight=3
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = off
  [http web]
  listen = 127.0.0.1:${port_web}
  access_log = off
  script = count.lua
  [stats dbs]
  listen = 127.0.0.1:${port_stats}
  uri = /dbs
]]

local COUNT = [[
local moongate = require "moongate"
local requests = moongate.metric.counter("shop_requests_total", "Requests")
local _M = {}
function _M.request()
  requests:inc(1, { kind = 'a "b" \\ c' })
  return moongate.reply(200, {}, "ok")
end
return _M
]]


describe("collectors", function()
  local m

  before_each(function()
    local a = peer.serve(peer.greet("a"))
    m = moongate.start {
      config = CONFIG, ports = { a = a.port },
      files = { ["lua/count.lua"] = COUNT },
    }
    loop.wait_until("one is down", function()
      return not m:server("gone").up and m:server("a").up
    end)
    for _ = 1, 5 do
      assert.are.equal("a", net.connect(m.port.db):receive(1))
    end
    http.fetch(m.port.web, "/")
  end)

  after_each(moongate.finish)

  it("find nothing wrong with the metrics", function()
    local file = m.dir .. "/metrics"
    local status, text = process.run { "sh", "-c",
      ("curl -sf http://127.0.0.1:%d/metrics > %s"):format(m.port.stats,
        file) }
    assert.are.equal(0, status, text)
    status, text = process.run({ "promtool", "check", "metrics" },
      { stdin = file })
    assert.are.equal("", text)
    assert.are.equal(0, status)
  end)

  it("read HAProxy's CSV, and agree with the counters", function()
    local port = ports.free(1)[1]
    local exporter = process.spawn({ "prometheus-haproxy-exporter",
      "--web.listen-address=127.0.0.1:" .. port,
      ("--haproxy.scrape-uri=http://127.0.0.1:%d/dbs;csv"):format(
        m.port.stats) }, { stdout = m.dir .. "/out", stderr = m.dir .. "/out" })
    local body
    loop.wait_until("the exporter serves", function()
      local socket = net.connect(port)
      if socket then
        socket:close()
        body = http.fetch(port, "/metrics").body
      end
      return body
    end, 30)
    exporter:kill("TERM")
    exporter:wait()
    local function value(name, labels)
      local found
      for line in body:gmatch("[^\n]+") do
        local n, l, v = line:match("^([%w_]+)(%b{}) (%S+)$")
        if n == name and l:find(labels, 1, true) then
          found = tonumber(v)
        end
      end
      return found
    end
    assert.is_truthy(body:find("\nhaproxy_up 1\n", 1, true), body)
    local of_a = 'backend="db",server="a"'
    assert.are.equal(1, value("haproxy_server_up", of_a), body)
    assert.are.equal(0, value("haproxy_server_up",
      'backend="db",server="gone"'))
    assert.are.equal(5, value("haproxy_server_sessions_total", of_a))
    assert.are.equal(m:server("a").bytes_out,
      value("haproxy_server_bytes_out_total", of_a))
    assert.are.equal(1, value("haproxy_backend_up", 'backend="db"'))
    assert.are.equal(5, value("haproxy_frontend_sessions_total",
      'frontend="db"'))
    local of_gone = 'backend="db",server="gone"'
    assert.are.equal(1, value("haproxy_server_check_failures_total", of_gone))
    assert.is_true(value("haproxy_server_max_sessions", of_a) >= 0)
  end)
end)
