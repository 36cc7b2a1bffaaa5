--- The way of lines and records from the workers to the log's targets.
local folder = require "support.folder"
local http = require "support.http"
local lfs = require "lfs"
local loop = require "support.loop"
local moongate = require "support.moongate"
local process = require "support.process"

local CONFIG = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  access_log = ${path}
  log_to = file:${dir}/records
]]

local DATE = "^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%d[+-]%d%d:%d%d "


local function lines_of(path)
  local lines = {}
  for line in (folder.read(path) or ""):gmatch("([^\n]*)\n") do
    lines[#lines + 1] = line
  end
  return lines
end


describe("the log", function()
  local m

  local function start(log)
    m = moongate.start {
      config = CONFIG,
      workers = 2,
      log = log,
      files = { ["www/a.txt"] = "text" },
    }
  end

  local function fetch(n, path)
    local client = http.connect(m.port.web)
    for _ = 1, n do
      assert.are.equal(200, client:exchange("GET " .. path).status)
    end
    client:close()
  end

  after_each(moongate.finish)

  it("has date, level and process before what happened", function()
    start "log = file:${dir}/lines"
    m:stop()
    local lines = lines_of(m.dir .. "/lines")
    assert.is_true(#lines >= 2)
    for _, line in ipairs(lines) do
      assert.is_truthy(line:find(DATE), line)
      assert.is_truthy(line:match(" (%S+) moongate: %S"), line)
    end
  end)

  it("goes to each target from its own level on", function()
    start "log = file:${dir}/all\nlog = file:${dir}/warnings level=warn"
    m.workers_change = true
    process.kill(m:workers()[1], "KILL")  -- warns
    loop.wait_until("the warning is written", function()
      return #lines_of(m.dir .. "/warnings") > 0
    end)
    m:stop()
    local all = folder.read(m.dir .. "/all")
    local warnings = folder.read(m.dir .. "/warnings")
    assert.is_truthy(all:find(" info moongate: serving on ", 1, true), all)
    assert.is_truthy(all:find(" warn moongate: ", 1, true), all)
    assert.is_truthy(warnings:find(" warn moongate: ", 1, true), warnings)
    assert.is_nil(warnings:find(" info ", 1, true), warnings)
  end)

  it("has every record when the program has stopped", function()
    for _, signal in ipairs { "TERM", "QUIT" } do
      start()
      for _ = 1, 4 do
        fetch(50, "/a.txt")
      end
      m:stop(signal)
      local lines = lines_of(m.dir .. "/records")
      assert.are.equal(200, #lines)
      for _, line in ipairs(lines) do
        assert.are.equal("/a.txt", line)
      end
    end
  end)

  it("is handed over to a new file without a record lost", function()
    start()
    fetch(20, "/a.txt")
    m:records("records", 20)
    assert(os.rename(m.dir .. "/records", m.dir .. "/records.1"))
    m.master:kill("USR1")
    loop.wait_until("there is a new file", function()
      return lfs.attributes(m.dir .. "/records")
    end)
    fetch(20, "/a.txt")
    loop.wait_until("all records are there", function()
      return #lines_of(m.dir .. "/records.1")
        + #lines_of(m.dir .. "/records") == 40
    end)
    fetch(1, "/a.txt")
    loop.wait_until("the new file is written to", function()
      return #lines_of(m.dir .. "/records") > 0
    end)
    m:stop()
    assert.are.equal(41, #lines_of(m.dir .. "/records.1")
      + #lines_of(m.dir .. "/records"))
  end)

  it("waits in the rings while control is replaced", function()
    start()
    local control = m:pids("mg-control")[1]
    process.kill(control, "STOP")
    fetch(30, "/a.txt")
    process.kill(control, "KILL")
    m:wait_log("control %(pid " .. control .. "%) was killed by signal 9")
    assert.are.equal(30, #m:records("records", 30))
  end)

  it("does not start with a file that cannot be written", function()
    m = moongate.prepare {
      config = CONFIG,
      log = "log = file:${dir}/nowhere/lines",
    }
    local status, text = process.run({
      moongate.build() .. "/moongate", "-c", m.file,
    })
    assert.are.equal(1, status)
    assert.is_truthy(text:find("moongate.ini:%d+: cannot open the log "
      .. "file:%S+/nowhere/lines: No such file"), text)
  end)
end)
