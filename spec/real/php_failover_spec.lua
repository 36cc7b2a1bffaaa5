--- php-fpm nodes that die, hang and come back under load: no request that is
-- safe to repeat may fail.
local folder = require "support.folder"
local loop = require "support.loop"
local moongate = require "support.moongate"
local php = require "support.php"
local process = require "support.process"

local SECONDS = 60
local STEP = 4.5  -- from one blow to the next: 12 of them, and a rest
local CONNECTIONS = 64

local CONFIG = [[
  [upstream php]
  protocol = fastcgi
  check = fastcgi interval=500ms timeout=500ms fall=2
  retries = 3
  server php1 = 127.0.0.1:${port_php1} root=%s
  server php2 = 127.0.0.1:${port_php2} root=%s
  server php3 = 127.0.0.1:${port_php3} root=%s
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  root_is_remote = on
  route = ~ ^(.+\.php)(/.*)?$ php
  access_log = json
  log_to = file:${dir}/access.log
]]

local SCRIPT = [[<?php
usleep(2000);
header("Content-Type: text/plain");
echo getenv("NODE_NAME"), str_repeat("x", 500), "\n";
]]


describe("three php-fpm nodes under load", function()
  local place, nodes

  setup(function()
    place = folder.make()
    nodes = php.start({ folder = place, nodes = 3, children = 8 })
    for _, node in ipairs(nodes) do
      folder.write(node.root .. "/a.php", SCRIPT)
    end
  end)

  after_each(moongate.finish)

  teardown(function()
    php.stop(nodes or {})
    folder.remove(place)
  end)

  local function start()
    return moongate.start {
      workers = 2,
      config = CONFIG:format(nodes[1].root, nodes[2].root, nodes[3].root),
      ports = {
        php1 = nodes[1].port, php2 = nodes[2].port, php3 = nodes[3].port,
      },
    }
  end

  -- To the master and all of its children.
  local function signal(node, name)
    assert.is_true(process.kill(-node.pid, name))
  end

  -- What is done to the nodes, one step after the other.
  local function blows()
    local list = {}
    for _, node in ipairs(nodes) do
      list[#list + 1] = function() node:kill() end
      list[#list + 1] = function() node:start() end
      list[#list + 1] = function() signal(node, "STOP") end
      list[#list + 1] = function() signal(node, "CONT") end
    end
    return list
  end

  it("fail no GET while each is killed, stopped and brought back", function()
    local m = start()
    local out = m.dir .. "/wrk.txt"
    local wrk = process.spawn({
      "wrk", "--timeout", "20s", "-t", "2", "-c", tostring(CONNECTIONS),
      "-d", SECONDS .. "s", ("http://127.0.0.1:%d/a.php"):format(m.port.web),
    }, { stdout = out, stderr = out })
    local began = loop.now()
    for i, blow in ipairs(blows()) do
      loop.wait(-1, 0, began + i * STEP)
      blow()
    end
    assert.are.equal(0, wrk:wait(SECONDS + 60))
    local text = folder.read(out)
    local requests = tonumber(text:match("(%d+) requests in"))
    local retries = 0
    for _, server in ipairs(m:ctl("show servers --json")) do
      retries = retries + server.retries
    end
    print(("note: %d requests, %d retries, failed: %s"):format(requests,
      retries, text:match("Non%-2xx[^\n]*") or text:match("Socket err[^\n]*")
      or "none"))
    assert.is_nil(text:match("Non%-2xx[^\n]*"))
    assert.is_nil(text:match("Socket errors[^\n]*"))
    assert.is_true(requests > 1000)
    for _, node in ipairs(nodes) do
      m:wait_log("server php/" .. node.name .. " is down")
      m:wait_log("server php/" .. node.name .. " is up")
    end
  end)
end)
