--- What ctl asks of the master: the level of the log, the end; and what the
-- master knows of the whole program.
local folder = require "support.folder"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"

local CONFIG = [[
  [upstream db]
  protocol = tcp
  server one = 127.0.0.1:${port_one}
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  script = say.lua
  access_log = off
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = off
]]

-- Says what it is asked for, at every level.
local SAY = [[
local moongate = require "moongate"
return {
  request = function(req)
    for _, level in ipairs { "debug", "info", "warn", "error" } do
      moongate.log[level](level .. " of " .. req.path)
    end
  end,
}
]]


describe("ctl and the master", function()
  local m

  local function start(options)
    m = moongate.start {
      config = CONFIG,
      workers = 2,
      log = options and options.log,
      ports = { one = peer.serve(peer.greet("welcome")).port },
      files = { ["www/hello.txt"] = "hello", ["lua/say.lua"] = SAY },
    }
  end

  after_each(moongate.finish)

  local function run_ctl(...)
    return process.run {
      moongate.build() .. "/moongate", "ctl", "-s", m.control, ...
    }
  end

  -- The levels that are logged for a request, of whichever worker. What is
  -- logged is there when the error is, which is always.
  local function levels(path)
    http.fetch(m.port.web, path)
    m:wait_log("error of " .. path .. "[ \n]")
    local found = {}
    for level in m:log():gmatch("(%l+) of " .. path .. "[ \n]") do
      found[#found + 1] = level
    end
    return table.concat(found, " ")
  end

  it("changes what all processes log, at once", function()
    start()
    assert.are.equal("info warn error", levels("/a"))
    for i, case in ipairs {
      { "debug", "debug info warn error" }, { "warn", "warn error" },
      { "error", "error" }, { "info", "info warn error" },
      { "configured", "info warn error" },
    } do
      local text = m:ctl("log level " .. case[1])
      assert.truthy(text:find("^log level is "), text)
      m:wait_log("log level is set to " .. case[1] .. " by uid=%d+ pid=%d+")
      for k = 1, 6 do -- both workers are asked, most likely
        assert.are.equal(case[2], levels(("/%d/%d"):format(i, k)))
      end
    end
  end)

  it("shows the level, and keeps it when processes die", function()
    start()
    local info = m:ctl("show info --json")
    assert.are.equal("info", info.log_level)
    assert.is_false(info.log_level_set)
    assert.are.same({ log_level = "debug", set = true },
      m:ctl("log level debug --json"))
    m.workers_change = true
    local old = m:workers()
    local control = m:pids("mg-control")[1]
    for _, pid in ipairs { old[1], old[2], control } do
      process.kill(pid, "KILL")
    end
    loop.wait_until("all are new", function()
      local new = m:workers()
      return #new == 2 and new[1] ~= old[1] and new[2] ~= old[2]
        and new[1] ~= old[2] and new[2] ~= old[1]
        and m:pids("mg-control")[1] ~= control
        and #m:pids("mg-control") == 1
    end)
    info = m:ctl("show info --json")
    assert.are.equal("debug", info.log_level)
    assert.is_true(info.log_level_set)
    assert.are.equal("debug info warn error", levels("/later"))
    assert.truthy(m:ctl("show info"):find(
      "log level    debug, set at run time\n", 1, true))
  end)

  it("opens targets whose own level is higher, and leaves records", function()
    start { log = "log = file:${dir}/some.log level=error" }
    local function some()
      return folder.read(m.dir .. "/some.log") or ""
    end
    http.fetch(m.port.web, "/x")
    m:ctl("log level debug")
    http.fetch(m.port.web, "/y")
    loop.wait_until("/y is logged", function()
      return some():find("debug of /y", 1, true)
    end)
    assert.is_nil(some():find("warn of /x", 1, true))
    assert.truthy(some():find("error of /x", 1, true))
  end)

  it("stops, and says so before", function()
    start()
    local status, text = run_ctl("stop")
    assert.are.equal("stopping now\n", text)
    assert.are.equal(0, status)
    assert.are.equal(0, m.master:wait(10))
    m.stopped = true
    assert.truthy(m:log():find("stopping now by uid=%d+ pid=%d+"))
  end)

  it("stops gracefully: sessions end by themselves, and are seen", function()
    start()
    local client = assert(net.connect(m.port.db))
    assert.are.equal("welcome", client:receive(7))
    m.workers_change = true
    assert.are.same({ stop = "graceful" }, m:ctl("stop graceful --json"))
    loop.wait_until("nobody listens", function()
      local other, why = net.connect(m.port.db)
      if other then
        other:close()
      end
      return why == "refused"
    end)
    assert.are.equal(1, m:ctl("show info --json").now)
    assert.truthy(m:ctl("stop graceful"):find("gracefully", 1, true))
    client:close()
    assert.are.equal(0, m.master:wait(10))
    m.stopped = true
  end)

  it("shows what processes use, and how much comes", function()
    start()
    local clients = {}
    for i = 1, 5 do
      clients[i] = assert(net.connect(m.port.db))
      clients[i]:receive(7)
    end
    local info
    -- What came before the first second began is in no rate.
    loop.wait_until("the rates are seen", function()
      for _ = 1, 10 do
        http.fetch(m.port.web, "/hello.txt")
      end
      info = m:ctl("show info --json")
      return info.request_rate_most > 0 and info.connection_rate_most > 0
    end)
    assert.are.equal(m.master.pid, info.pid)
    assert.are.equal(5, info.now)
    assert.is_true(info.most_now >= 6 and info.most_now <= 8)
    assert.is_true(info.max_connections > 0)
    assert.is_true(info.max_descriptors > 0)
    assert.is_true(info.request_rate_most < 5000)
    local names = {}
    for i, row in ipairs(info.processes) do
      names[i] = row.process
      assert.is_true(process.alive(row.pid))
      assert.is_true(row.memory_bytes > 100000, row.process)
    end
    assert.are.equal("master control worker[0] worker[1]",
      table.concat(names, " "))
    loop.wait_until("the rate sinks again", function()
      return m:ctl("show info --json").request_rate == 0
    end)
    assert.truthy(m:ctl("show info"):find("most %d+ at once"))
  end)
end)
