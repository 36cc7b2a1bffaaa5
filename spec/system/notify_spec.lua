--- What a service manager hears: sd_notify's words, and when.
local background = require "support.background"
local ffi = require "ffi"
local folder = require "support.folder"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local process = require "support.process"

local CONFIG = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
]]


describe("the service manager", function()
  local manager, heard, dir

  local function options(extra)
    local all = {
      config = CONFIG,
      files = { ["www/a.txt"] = "hello" },
      workers = 2,
      env = {},
    }
    for name, value in pairs(extra or {}) do
      all[name] = value
    end
    return all
  end

  -- Reads on until there is a datagram with these words.
  local function hear(pattern, seconds)
    local found
    loop.wait_until("it says " .. pattern, function()
      found = heard:match(pattern)
      if not found then
        heard = heard .. "\n" .. manager:receive_some(seconds)
      end
      return found
    end, seconds)
    heard = ""
    return found
  end

  -- The socket is there before the program is.
  local function start(extra)
    local all = options(extra)
    dir = folder.make()
    manager = net.listen_unix_datagrams(dir .. "/notify")
    heard = ""
    all.env.NOTIFY_SOCKET = dir .. "/notify"
    return moongate.start(all)
  end

  after_each(function()
    background.finish()
    moongate.finish()
    if dir then
      folder.remove(dir)
      dir = nil
    end
  end)

  it("hears who serves, what it does, and that it ends", function()
    local m = start()
    assert.are.equal(tostring(m.master.pid), hear("READY=1\nMAINPID=(%d+)"))
    assert.is_truthy(hear("STATUS=%d+ connections, 0 of 0 servers up"))
    m:stop_graceful()
    hear("STOPPING=1")
  end)

  it("hears of a reload from its beginning to its end", function()
    local m = start()
    hear("READY=1")
    m.master:kill("HUP")
    assert.is_truthy(tonumber(hear("RELOADING=1\nMONOTONIC_USEC=(%d+)")))
    hear("READY=1")
    m:ctl("reload")
    hear("RELOADING=1")
    hear("READY=1")
    assert.are.equal("hello", http.fetch(m.port.web, "/a.txt").body)
  end)

  it("is fed while all workers go on, and not while one does not", function()
    local m = start { env = { WATCHDOG_USEC = "600000" } }
    hear("WATCHDOG=1")
    hear("WATCHDOG=1")
    local worker = m:workers()[1]
    process.kill(worker, "STOP")
    local silent = pcall(function()
      for _ = 1, 40 do
        hear("WATCHDOG=1", 2)
      end
    end)
    process.kill(worker, "CONT")
    assert.is_false(silent, "it was fed all the time")
    hear("WATCHDOG=1", 10)
  end)

  -- The symptom: the older workers' rows were looked at, who are silent then.
  it("is fed by the program that an upgrade brings", function()
    local m = start { env = { WATCHDOG_USEC = "600000" } }
    hear("READY=1")
    m:upgrade()
    hear("MAINPID=" .. m.master.pid)
    local due = loop.now() + 4
    repeat
      hear("WATCHDOG=1", 2)
    until loop.now() > due
  end)

  it("has no watchdog that was meant for another process", function()
    local m = start { env = { WATCHDOG_USEC = "200000", WATCHDOG_PID = "1" } }
    hear("READY=1")
    for _ = 1, 3 do
      m.master:kill("HUP")
      hear("RELOADING=1")
      hear("READY=1")
    end
    assert.is_nil(heard:find("WATCHDOG", 1, true))
  end)

  it("is fed by the program that an upgrade has started, too", function()
    local m = start {
      env = { WATCHDOG_USEC = "600000" },
      wrap = { "sh", "-c", 'WATCHDOG_PID=$$ exec "$@"', "sh" },
    }
    hear("WATCHDOG=1")
    local pid = m:upgrade().pid
    hear("MAINPID=" .. pid .. "\n?")
    hear("READY=1\nMAINPID=" .. pid)
    hear("WATCHDOG=1")
  end)

  it("hears which process it is that went to the background", function()
    dir = folder.make()
    manager = net.listen_unix_datagrams(dir .. "/notify")
    heard = ""
    local m = moongate.prepare(options {
      log = "log = file:${dir}/log", global = "pidfile = ${dir}/pid",
    })
    local status, text = background.start(m, { "-d" },
      { NOTIFY_SOCKET = dir .. "/notify" })
    assert.are.equal(0, status, text)
    assert.are.equal(tostring(background.pid(m)), hear("MAINPID=(%d+)"))
    background.stop(background.pid(m))
  end)

  it("may listen at a name that is no file's", function()
    local name = "@moongate-" .. ffi.C.getpid()
    manager, heard = net.listen_unix_datagrams(name), ""
    local m = moongate.start(options { env = { NOTIFY_SOCKET = name } })
    assert.are.equal(tostring(m.master.pid), hear("READY=1\nMAINPID=(%d+)"))
    m:ctl("reload")
    hear("RELOADING=1")
    hear("READY=1")
    m:stop_graceful()
    hear("STOPPING=1")
  end)

  it("does not hold what starts where nobody listens", function()
    local m = moongate.start(options {
      env = { NOTIFY_SOCKET = "@nobody-listens-here" },
    })
    assert.are.equal("hello", http.fetch(m.port.web, "/a.txt").body)
  end)
end)
