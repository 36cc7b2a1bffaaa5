--- A running Moongate by its statistics page, in Chromium: before real php-fpm
-- nodes, under load from wrk, while one of them dies; who may enter; and what
-- an administrator does there.
local browser = require "support.stats_page"
local folder = require "support.folder"
local moongate = require "support.moongate"
local peer = require "support.peer"
local php = require "support.php"
local process = require "support.process"

local PASSWORD = "zwölf Monde"
local CONFIG = [[
  [upstream php]
  protocol = fastcgi
  check = fastcgi interval=2s timeout=5s fall=3 rise=1 fastinter=200ms
  server node1 = 127.0.0.1:${port_php1} root=%s
  server node2 = 127.0.0.1:${port_php2} root=%s
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}
  root_is_remote = on
  script = front.lua
  route = ~ \.php$ php
  access_log = off
  [stats dbs]
  listen = 127.0.0.1:${port_stats}
  uri = /dbs
  auth_file = users
  admin = on
]]
-- Busy, but not so that a browser cannot live beside it.
local LOAD = "function delay() return 20 end\n"
local PAGE = "<?php echo getenv('NODE_NAME');\n"
local SCRIPT = "-- version %d\nreturn { request = function() end }\n"
local STATES = { "down", "in use", "in use", "up" }  -- sorted

-- Of another site, which has found out where the page is.
local TRAP = [[<!DOCTYPE html><title>t</title>
<form method=post action="%s"><input name=token>
<input type=hidden name=action value=drain>
<input type=hidden name=target value="php/node1">
<input type=hidden name=confirm value=yes><button>Win</button></form>]]


describe("the statistics page in Chromium", function()
  local place, nodes, m

  local function hash()
    local status, line = process.run { "htpasswd", "-nbB", "admin", PASSWORD }
    assert(status == 0, line)
    return line
  end

  -- As on_step wants it.
  local function kill_node2()
    nodes[2]:kill()
  end

  local function load()
    folder.write(m.dir .. "/load.lua", LOAD)
    return process.spawn({ "wrk", "--timeout", "60s", "-t", "1", "-c", "4",
      "-d", "300s", "-s", m.dir .. "/load.lua",
      ("http://127.0.0.1:%d/a.php"):format(m.port.web) },
      { stdout = m.dir .. "/wrk", stderr = m.dir .. "/wrk" })
  end

  local function end_load(wrk)
    wrk:kill("INT")
    assert.are.equal(0, wrk:wait())
    local text = folder.read(m.dir .. "/wrk")
    assert.is_nil(text:match("Non%-2xx[^\n]*"))
    assert.is_true(tonumber(text:match("(%d+) requests in")) > 0, text)
  end

  local function run(what, options, on_step)
    options.url = ("http://127.0.0.1:%d/dbs"):format(m.port.stats)
    options.user, options.password = "admin", PASSWORD
    return browser.run("operate", what, place, options, on_step)
  end

  setup(browser.prepare)

  before_each(function()
    place = browser.place()
    nodes = php.start { folder = place .. "/php", nodes = 2, children = 2 }
    for _, node in ipairs(nodes) do
      folder.write(node.root .. "/a.php", PAGE)
    end
    m = moongate.start {
      config = CONFIG:format(nodes[1].root, nodes[2].root),
      ports = { php1 = nodes[1].port, php2 = nodes[2].port },
      files = { users = hash(), ["lua/front.lua"] = SCRIPT:format(1) },
    }
  end)

  after_each(function()
    php.stop(nodes)
    folder.remove(place)
    moongate.finish()
  end)

  it("shows a server that dies under load, and has no violation of level A or "
    .. "AA in any form", function()
    local wrk = load()
    local found = run("death", { server = "node2",
      words = "Connection refused" }, kill_node2)
    assert.are.same({}, found.complaints)
    for _, before in ipairs(found.before) do
      assert.are.equal("up", before.state)
      assert.are.same({}, before.events)
    end
    for _, after in ipairs { found.live, found.plain } do
      assert.are.equal("down", after.state)
      assert.is_truthy(after.row:find("Connection refused", 1, true))
      assert.is_truthy(after.events[1]:find("php/node2 down: .*refused"))
    end
    assert.is_true(found.same)
    assert.are.equal("up", found.stale)
    assert.are.equal(8, #found.forms)
    for _, form in ipairs(found.forms) do
      local name = ("%d %s %s"):format(form.width, form.colorScheme,
        tostring(form.javaScriptEnabled))
      assert.are.same(form.javaScriptEnabled and {} or nil, form.violations,
        name)
      assert.are.same({}, form.complaints, name)
      assert.are.same({}, form.asked, name)
      assert.is_true(form.overflow <= 0, name)
      assert.are.equal(form.javaScriptEnabled
        and "Refreshes itself every 5 seconds" or "Reload for newer figures",
        form.live, name)
      table.sort(form.states)
      assert.are.same(STATES, form.states, name)
    end
    end_load(wrk)
  end)

  it("does what an administrator wants, once it is confirmed", function()
    local EXPECTED = {
      drain = { "drain", 1 }, maint = { "maint", 1 }, ready = { "up", 1 },
      weight = { "up", 7 },
    }
    local function swap(version)
      folder.write(m.dir .. "/lua/front.lua", SCRIPT:format(version))
      return m:ctl("script reload front.lua")
    end
    local first = m:ctl("script list --json")[1].version
    swap(2)

    local done = {}
    local found = run("act", { server = "node1", script = "front.lua" },
      function(what)
        done[#done + 1] = what
        if what == "rollback" then
          assert.are.equal(first, m:ctl("script list --json")[1].version)
          swap(2 + #done)
          m:ctl("server php/node1 weight 1")
          return
        end
        local server = m:server("node1")
        assert.are.same(EXPECTED[what], { server.state, server.weight })
      end)
    assert.are.same({}, found.complaints)
    assert.are.same({}, found.violations)
    assert.are.equal("drain maint ready weight rollback drain maint ready "
      .. "weight rollback", table.concat(done, " "))
    local by = " by admin by stats dbs client=127.0.0.1:%d+"
    for _, one in ipairs(found.acts) do
      local target = one.what == "rollback" and "front.lua" or "php/node1"
      assert.is_truthy(one.question:find(target, 1, true))
      assert.is_truthy(one.notice:find(target, 1, true), one.notice)
    end
    for _, words in ipairs { "set to drain weight=1", "set to maint weight=1",
      "set to ready weight=1", "set to ready weight=7" } do
      local _, times = m:log():gsub("server php/node1 is " .. words .. by, "")
      assert.are.equal(2, times, words)
    end
    m:wait_log("front.lua.*admin by stats dbs client=127.0.0.1:%d+")
  end)

  it("lets nobody in without the password, and obeys no other site", function()
    local trap
    local other = peer.serve(function(connection)
      connection:receive_until("\r\n\r\n")
      connection:send(("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
        .. "Content-Length: %d\r\nConnection: close\r\n\r\n%s"):format(#trap,
        trap))
    end)
    trap = TRAP:format(("http://127.0.0.1:%d/dbs"):format(m.port.stats))
    local elsewhere = ("http://127.0.0.1:%d"):format(other.port)
    local found = run("intrude", { server = "node1",
      elsewhere = elsewhere .. "/" })
    for _, name in ipairs { "wrong", "none" } do
      assert.is_true(#found[name] > 0, name)
      for _, status in ipairs(found[name]) do
        assert.are.equal(401, status, name)
      end
    end
    assert.are.equal(403, found.forged.status)
    assert.are.same({ status = 403, origin = elsewhere }, found.foreign)
    local log = m:log()
    local _, refused = log:gsub("a form without its token was refused", "")
    assert.are.equal(2, refused)
    assert.is_nil(log:find("is set to", 1, true))
    assert.is_nil(log:find(PASSWORD, 1, true))
    assert.are.equal("up", m:server("node1").state)
    m:wait_log("stats dbs: a wrong user or password client=127.0.0.1:%d+ "
      .. "failures=1")
  end)
end)
