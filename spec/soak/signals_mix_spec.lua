--- HUP and USR2 at any moment, and workers that are killed meanwhile, under
-- wrk: whatever meets, one program serves in the end, as the file says, and
-- what fails is on the killed workers' connections.
local folder = require "support.folder"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local process = require "support.process"
local upgrades = require "support.upgrades"

local SIGNALS = tonumber(os.getenv("MOONGATE_SIGNALS")) or 150
local PAUSE = 0.25  -- at most, between two signals
local SEED = tonumber(os.getenv("MOONGATE_SEED")) or os.time()

local EXTRA = [[
[http extra]
listen = 127.0.0.1:${port_extra}
root = ${dir}/www
access_log = off
]]


describe("signals at any moment", function()
  local m, wrk, out

  before_each(function()
    math.randomseed(SEED)
    print("note: seed " .. SEED)
    m = upgrades.start_pair()
    m.workers_change = true
    out = m.dir .. "/wrk.out"
    wrk = process.spawn({ "wrk", "--timeout", "30s", "-t", "1", "-c", "8",
      "-d", "3000s", ("http://127.0.0.1:%d/"):format(m.port.web) },
      { stdout = out, stderr = out,
        env = { LD_PRELOAD = false, ASAN_OPTIONS = false } })
  end)

  after_each(moongate.finish)

  -- The one that serves; none is named while it is exchanged.
  local function master()
    local pid
    loop.wait_until("there is a pidfile", function()
      pid = tonumber((folder.read(m.dir .. "/pid")))
      return pid
    end)
    return pid
  end

  local extra = false

  local function change()
    extra = not extra
    local text = folder.read(m.file)
    -- Whole at any moment, since somebody may be reading it.
    folder.write(m.file .. ".new", extra and text .. m:expand(EXTRA)
      or (text:gsub("%[http extra%].*$", "")))
    assert(os.rename(m.file .. ".new", m.file))
  end

  local function pause()
    local due = loop.now() + math.random() * PAUSE
    loop.wait_until("the next signal", function()
      return loop.now() >= due
    end)
  end

  local function count(pattern)
    return select(2, m:log():gsub(pattern, ""))
  end

  -- What is logged as an error.
  local function faults()
    local found = {}
    for line in m:log():gmatch("[^\n]* error [^\n]*") do
      found[#found + 1] = line
    end
    return found
  end

  -- What all of it has come to.
  local function settle()
    change()
    process.kill(master(), "HUP")
    loop.wait_until("no upgrade is under way", function()
      return m:ctl_status("reload") == 0
    end, 60)
    loop.wait_until("the file is served", function()
      local socket = net.connect(m.port.extra)
      if socket then
        socket:close()
      end
      return (socket ~= nil) == extra
        and #m:ctl("show info --json").generations == 1
    end, 60)
    local pid = master()
    if pid ~= m.master.pid then
      m:follow(pid)
    end
  end

  local function end_wrk()
    wrk:kill("INT")
    wrk:wait(60)
    local text = folder.read(out)
    assert.is_nil(text:find("Non-2xx", 1, true), text)
    return tonumber((assert(text:match("(%d+) requests in"), text))), text
  end

  local function signal(killing)
    local dice = math.random(killing and 5 or 4)
    if dice <= 2 then
      change()
      process.kill(master(), "HUP")
    elseif dice <= 4 then
      process.kill(master(), "USR2")
    else
      local pids = process.children(master())
      local pid = pids[math.random(#pids)]
      if pid and process.title(pid) == "mg-worker" then
        process.kill(pid, "KILL")
      end
    end
  end

  local function report(requests)
    print(("note: %d requests; %d reloads, %d upgrades, %d that failed")
      :format(requests, count("the new configuration is in use"),
      count("handing over to pid"), count("the upgrade has failed")))
  end

  it("fail nothing", function()
    for _ = 1, SIGNALS do
      signal(false)
      pause()
    end
    settle()
    local requests, text = end_wrk()
    assert.is_nil(text:find("Socket errors", 1, true), text)
    assert.are.same({}, faults())
    assert.is_true(requests > 1000)
    report(requests)
  end)

  it("fail nothing but what a killed worker had", function()
    for _ = 1, SIGNALS do
      signal(true)
      pause()
    end
    settle()
    local requests, text = end_wrk()
    assert.is_nil(text:find("connect [1-9]"), text)
    report(requests)
    for _ = 1, 10 do
      assert.are.equal(200, http.fetch(m.port.web, "/").status)
    end
  end)
end)
