--- Checks and PROXY headers with the real servers.
local folder = require "support.folder"
local galera = require "support.galera"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local php = require "support.php"
local process = require "support.process"


describe("php-fpm nodes that are checked", function()
  local place, nodes, m

  setup(function()
    place = folder.make()
    nodes = php.start({ folder = place, nodes = 2, children = 2 })
    for _, node in ipairs(nodes) do
      folder.write(node.root .. "/check.php",
        "<?php http_response_code(isset($_GET['bad']) ? 500 : 200); echo 'up';")
    end
  end)

  teardown(function()
    php.stop(nodes or {})
    folder.remove(place)
  end)

  after_each(moongate.finish)

  local function start(check)
    m = moongate.start {
      config = ([[
        [upstream php]
        check = fastcgi %s interval=100ms timeout=2s fall=2 rise=2
        server one = 127.0.0.1:${port_one} root=%s
        server two = 127.0.0.1:${port_two} root=%s
        [http web]
        listen = 127.0.0.1:${port_web}
        root = %s
        route = ~ \.php$ php
        access_log = off
      ]]):format(check, nodes[1].root, nodes[2].root, nodes[1].root),
      ports = { one = nodes[1].port, two = nodes[2].port },
    }
  end

  local function wait_check(name, words)
    loop.wait_until(("%s says %q"):format(name, words), function()
      return m:server(name).check == words
    end)
  end

  it("answer their ping page", function()
    start("uri=/ping")
    wait_check("one", "Layer7 check passed: 200")
    wait_check("two", "Layer7 check passed: 200")
    assert.are.equal("up", m:server("one").state)
  end)

  it("answer any script", function()
    start("uri=/check.php")
    wait_check("one", "Layer7 check passed: 200")
  end)

  it("say what is wrong with it", function()
    start("uri=/check.php?bad=1")
    wait_check("one", "Layer7 wrong status: 500")
  end)

  it("have no such script", function()
    start("uri=/none.php")
    wait_check("one", "Layer7 wrong status: 404")
  end)

  it("are down when they are killed, and up when they are back", function()
    start("uri=/ping")
    wait_check("two", "Layer7 check passed: 200")
    nodes[2]:kill()
    m:wait_log("server php/two is down: Layer4 connection problem:"
      .. " Connection refused %(2 of 2 checks failed%) up=1/2")
    for _ = 1, 10 do
      assert.are.equal(200, http.fetch(m.port.web, "/check.php").status)
    end
    assert.are.equal(0, m:server("two").requests)
    nodes[2]:start()
    m:wait_log("server php/two is up: Layer7 check passed: 200")
  end)

  it("that are stopped are down by the timeout", function()
    start("uri=/ping")
    wait_check("two", "Layer7 check passed: 200")
    local pids = process.children(nodes[2].pid)
    pids[#pids + 1] = nodes[2].pid
    for _, pid in ipairs(pids) do
      process.kill(pid, "STOP")
    end
    local ok, why = pcall(m.wait_log, m,
      "server php/two is down: Layer7 timeout after 2000ms")
    for _, pid in ipairs(pids) do
      process.kill(pid, "CONT")
    end
    assert.is_true(ok, why)
    m:wait_log("server php/two is up")
  end)
end)


describe("MariaDB behind send_proxy", function()
  local place, cluster, m

  setup(function()
    place = folder.make()
    cluster = galera.start({ folder = place, nodes = 1 })
    cluster.nodes[1]:sql("SET GLOBAL proxy_protocol_networks = '127.0.0.1'")
  end)

  teardown(function()
    if cluster then
      cluster:stop()
    end
    folder.remove(place)
  end)

  after_each(moongate.finish)

  for _, version in ipairs { "v1", "v2" } do
    it(version .. " sees the client itself, and takes checks", function()
      m = moongate.start {
        config = ([[
          [upstream db]
          protocol = mysql
          send_proxy = %s
          check = mysql user=check interval=100ms timeout=5s
          server one = 127.0.0.1:${port_one}
          [mysql db]
          listen = 127.0.0.1:${port_db}
          upstream = db
          access_log = tcplog
        ]]):format(version),
        ports = { one = cluster.nodes[1].port },
      }
      loop.wait_until("the check has passed", function()
        return m:server("one").check_status == "L7OK"
      end)
      local host = assert(galera.query(m.port.db, "SELECT HOST FROM"
        .. " information_schema.processlist WHERE ID = CONNECTION_ID()"))
      -- The record names the client's own address, and so does the server.
      local client = m:wait_log("(127%.0%.0%.1:%d+) %[[^\n]* db db/one ")
      assert.are.equal(client, host)
      local _, failed = m:log():gsub("failed a check", "")
      assert.are.equal(0, failed)
    end)
  end
end)
