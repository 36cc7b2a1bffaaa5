--- `moongate ctl`: what is shown is what has happened, counted over workers.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local lfs = require "lfs"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"

local CONFIG = [[
  [upstream php]
  server node = 127.0.0.1:${port_php}
  [upstream db]
  protocol = tcp
  server one = 127.0.0.1:${port_one} weight=2 maxconn=50
  server two = 127.0.0.1:${port_two} backup
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


describe("moongate ctl", function()
  local m

  before_each(function()
    m = moongate.start {
      config = CONFIG,
      workers = 2,
      ports = {
        php = fastcgi.serve(fastcgi.names("php")).port,
        one = peer.serve(peer.greet("welcome")).port,
        two = net.reserve().port,
      },
      files = { ["www/a.php"] = "<?php", ["www/hello.txt"] = "hello" },
    }
  end)

  after_each(moongate.finish)

  -- One member of an array, by one of its fields.
  it("shows the workers, and that both have served", function()
    for _ = 1, 60 do
      http.fetch(m.port.web, "/hello.txt")
    end
    local workers = m:ctl("show info --json").workers
    local pids = { workers[1].pid, workers[2].pid }
    table.sort(pids)
    assert.are.same(m:workers(), pids)
    assert.is_true(workers[1].requests > 0 and workers[2].requests > 0)
    assert.are.equal(60, workers[1].requests + workers[2].requests)
    assert.are.equal(60, workers[1].connections + workers[2].connections)
  end)

  it("shows each server with its counts", function()
    local client = assert(net.connect(m.port.db))
    client:send("12345")
    client:receive(12)
    local one = m:server("one")
    assert.are.equal(1, one.active)
    assert.are.equal(2, one.weight)
    assert.are.equal(50, one.maxconn)
    assert.are.equal("no check", one.state)
    assert.is_true(m:server("two").backup)
    client:close()
    m:wait_active("one", 0)
    one = m:server("one")
    assert.are.equal(5, one.bytes_in)
    assert.are.equal(12, one.bytes_out)
    assert.are.equal(1, one.requests)
  end)

  it("shows requests by their status", function()
    local client = http.connect(m.port.web)
    for _ = 1, 3 do
      assert.are.equal(200, client:exchange("GET /a.php").status)
    end
    m:wait_active("node", 0)
    local node = m:server("node")
    assert.are.equal(3, node.requests)
    assert.are.equal(3, node.responses_2xx)
    assert.are.equal(0, node.errors)
  end)

  it("shows sections", function()
    local client = http.connect(m.port.web)
    client:exchange("GET /none")
    local web = m:section("http web")
    assert.are.equal(1, web.now)
    assert.are.equal(1, web.requests)
  end)

  it("prints tables for people", function()
    local text = m:ctl("show servers")
    for _, word in ipairs { "one", "two", "node", "active", "maxconn" } do
      assert.is_truthy(text:find(word, 1, true), text)
    end
    assert.is_truthy(m:ctl("show info"):find("uptime", 1, true))
  end)

  it("tells what it does not know", function()
    for _, case in ipairs {
      { { "nonsense" }, '"moongate ctl help" lists them', 2 },
      { { "show", "nonsense" }, "write show info, show servers", 2 },
      { { "show", "servrs" }, "did you mean 'show servers'?", 2 },
      { { "srver", "db/one", "drain" }, "did you mean 'server'?", 2 },
      { { "show" }, "write show info", 2 },
      { { "show", "info", "now" }, "takes no arguments but --json", 2 },
      { { "script", "liste" }, "did you mean 'script list'?", 2 },
      { { "script", "reload" }, "write script reload NAME [--confirm", 2 },
      { { "server", "db/one" }, "server UPSTREAM/SERVER weight N", 2 },
      { { "log", "level" }, "debug|info|warn|error", 2 },
      { { "log", "level", "loud" }, '"loud" is no level' },
      { { "stop", "softly" }, '"softly" is no way to stop' },
      { { "server", "db", "drain" }, "write UPSTREAM/SERVER" },
      { { "server", "db/on", "drain" }, "did you mean 'db/one'?" },
      { { "server", "db/one", "stop" }, '"stop" is nothing to do' },
      { { "server", "db/one", "drain", "now" }, "takes no argument" },
      { { "server", "db/one", "weight", "257" }, "from 0 to 256" },
      { { "server", "db/one", "weight" }, "from 0 to 256" },
    } do
      local status, text = process.run({
        moongate.build() .. "/moongate", "ctl", "-s", m.control,
        unpack(case[1]),
      })
      assert.are.equal(case[3] or 1, status)
      assert.is_truthy(text:find(case[2], 1, true), text)
    end
  end)

  it("drains a server, takes it out and brings it back", function()
    for _, case in ipairs {
      { "drain", "drain" }, { "maint", "maint" }, { "ready", "no check" },
    } do
      assert.are.equal("db/one is set to " .. case[1] .. ", weight 2\n",
        m:ctl("server db/one " .. case[1]))
      assert.are.equal(case[2], m:server("one").state)
      m:wait_log("server db/one is set to " .. case[1]
        .. " weight=2 by uid=%d+ pid=%d+")
    end
    m:ctl("server db/one maint")
    -- The other one is a backup that nobody answers for.
    local client = assert(net.connect(m.port.db))
    assert.is_nil(client:receive_some())
    m:ctl("server db/one ready")
    client = assert(net.connect(m.port.db))
    assert.are.equal("welcome", client:receive(7))
  end)

  it("changes a weight", function()
    local answer = m:ctl("server db/one weight 9 --json")
    assert.are.same({ server = "db/one", admin = "ready", weight = 9 }, answer)
    assert.are.equal(9, m:server("one").weight)
    assert.are.equal(9, m:server("one").weight_now)
    m:ctl("server db/one weight 0")
    assert.are.equal(0, m:server("one").weight_now)
  end)

  it("tells that nothing runs there", function()
    local status, text = process.run({
      moongate.build() .. "/moongate", "ctl", "-s", m.dir .. "/no.sock",
      "show", "info",
    })
    assert.are.equal(3, status)
    assert.is_truthy(text:find("/no.sock", 1, true), text)
  end)

  it("takes a path from where it is typed", function()
    local status, text = process.run({
      moongate.build() .. "/moongate", "ctl", "-s", "control.sock", "show",
      "info",
    }, { cwd = m.dir })
    assert.are.equal(0, status, text)
    assert.truthy(text:find("^version"))
  end)

  it("is for its owner and group alone", function()
    assert.are.equal("rw-rw----",
      lfs.attributes(m.control, "permissions"))
  end)

  it("does not wait for one who says nothing", function()
    local silent = assert(net.connect(m.control))
    assert.are.equal(2, #m:ctl("show info --json").workers)
    silent:close()
  end)
end)
