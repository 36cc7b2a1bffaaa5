--- ctl while 10,000 connections are kept: it answers, and those who are served
-- do not notice. wrk measures in turn with ctl asked and without, since others
-- use the machine, too.
local folder = require "support.folder"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local process = require "support.process"

local SESSIONS, CLIENTS = 10000, 4  -- processes that keep them
local PAIRS, SECONDS, EVERY = 4, 5, 0.1
local LIMIT = 0.050  -- of an answer
local GENEROUS = 0.5  -- the same, where others use the CPUs
local CLEAN = { LD_PRELOAD = false, ASAN_OPTIONS = false }

local CONFIG = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  keepalive_timeout = 1h
  access_log = off
]]

-- Asks once on so many connections, and keeps them until it is ended.
local PHP = [[
[, $port, $times, $file] = $argv;
$all = [];
for ($i = 0; $i < $times; $i++) {
  $c = stream_socket_client("tcp://127.0.0.1:$port");
  fwrite($c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  if (substr(fread($c, 8192), 0, 12) != "HTTP/1.1 200") { exit(1); }
  $all[] = $c;
}
file_put_contents($file, "ready");
sleep(600);
]]

local COMMANDS = {
  "show info", "show info --json", "show servers --json", "show sessions",
  "show pools", "show errors", "show scripts", "show events", "show metrics",
}


local function median(list)
  table.sort(list)
  return list[math.ceil(#list / 2)]
end


describe("ctl with 10,000 connections that are kept", function()
  local m, keepers

  before_each(function()
    m = moongate.start {
      config = CONFIG, workers = 2, global = "max_connections = 12000",
      files = { ["www/index.html"] = "hello" },
    }
    keepers = {}
    for i = 1, CLIENTS do
      keepers[i] = process.spawn({ "php", "-d", "memory_limit=-1", "-r", PHP,
        "--", tostring(m.port.web), tostring(SESSIONS / CLIENTS),
        m.dir .. "/ready" .. i }, { env = CLEAN, stdout = m.dir .. "/php",
        stderr = m.dir .. "/php" })
    end
    for i = 1, CLIENTS do
      loop.wait_until("all are connected", function()
        assert(keepers[i]:alive(), folder.read(m.dir .. "/php"))
        return folder.read(m.dir .. "/ready" .. i) == "ready"
      end, 120)
    end
  end)

  after_each(function()
    for _, keeper in ipairs(keepers) do
      keeper:kill("KILL")
      keeper:wait()
    end
    moongate.finish()
  end)

  local function ask(line)
    local from = loop.now()
    local client = assert(net.connect(m.control))
    client:send(line .. "\n")
    local text = client:receive_all()
    client:close()
    assert.are.equal("ok\n", text:sub(1, 3))
    return loop.now() - from
  end

  -- The p99 that wrk sees, in ms; MEANWHILE is called again and again.
  local function load(meanwhile)
    local out = m.dir .. "/wrk"
    os.remove(out)
    local wrk = process.spawn({
      "wrk", "--latency", "--timeout", "30s", "-t", "1", "-c", "16", "-d",
      SECONDS .. "s", ("http://127.0.0.1:%d/"):format(m.port.web),
    }, { stdout = out, stderr = out, env = CLEAN })
    while wrk:alive() do
      local due = loop.now() + EVERY
      meanwhile()
      loop.wait_until("the next time", function()
        return loop.now() >= due
      end)
    end
    assert.are.equal(0, wrk:wait())
    local text = folder.read(out)
    assert.is_nil(text:find("Socket errors", 1, true), text)
    local number, unit = text:match("99%%%s+([%d.]+)(%a+)")
    return tonumber(number) * ({ us = 0.001, ms = 1, s = 1000 })[unit]
  end

  it("answers in time, and moves no p99", function()
    assert.is_true(m:ctl("show info --json").now >= SESSIONS)
    local quiet, asked, times = {}, {}, {}
    local turn, late = 0, 0
    for i = 1, PAIRS do
      quiet[i] = load(function() end)
      asked[i] = load(function()
        times[#times + 1] = ask(COMMANDS[turn % #COMMANDS + 1])
        late = late + (times[#times] > LIMIT and 1 or 0)
        turn = turn + 1
      end)
    end
    assert.is_true(m:ctl("show info --json").now >= SESSIONS)
    local before, during, middle = median(quiet), median(asked), median(times)
    print(("note: %d answers of ctl: median %.1f ms, worst %.1f ms, %d above "
      .. "%d ms"):format(#times, middle * 1000, times[#times] * 1000, late,
      LIMIT * 1000))
    print(("note: p99 of wrk %.2f ms, with ctl %.2f ms: %.2f times"):format(
      before, during, during / before))
    assert.is_true(middle < LIMIT, "answers take " .. middle .. " s")
    assert.is_true(times[#times] < GENEROUS, "one took " .. times[#times])
    assert.is_true(during < before * 2 + 5)
  end)
end)
