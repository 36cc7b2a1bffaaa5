--- Log files that are opened again (USR1) in the middle of a reload, which has
-- opened them under their old names already.
local folder = require "support.folder"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local process = require "support.process"

local CONFIG = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  log_to = file:${dir}/access.log
  %s
]]

-- For the trial, and then for the worker.
local SLOW = [[
local until_s = os.clock() + 0.6
repeat until os.clock() >= until_s
return {}
]]


describe("logs that are opened again while a configuration is exchanged",
    function()
  after_each(moongate.finish)

  it("are the new ones afterwards", function()
    local m = moongate.start {
      config = CONFIG:format(""),
      files = { ["lua/slow.lua"] = SLOW, ["www/a.txt"] = "hello" },
      log = "log = file:${dir}/own.log level=info",
    }
    http.fetch(m.port.web, "/a.txt")
    m:records("access.log", 1)
    m:write_config(CONFIG:format("script = slow.lua"))
    m.master:kill("HUP")
    loop.wait_until("it is tried", function()
      return #m:pids("mg-trial") > 0
    end)
    loop.wait_until("it was tried", function()
      return #m:pids("mg-trial") == 0
    end)
    for _, name in ipairs { "own.log", "access.log" } do
      assert(os.rename(m.dir .. "/" .. name, m.dir .. "/" .. name .. ".1"))
    end
    m.master:kill("USR1")
    loop.wait_until("the worker has exchanged", function()
      return m:ctl("show info --json").workers[1].script_generation == 2
    end)
    loop.wait_until("there is a record in the new file", function()
      http.fetch(m.port.web, "/a.txt")
      return (folder.read(m.dir .. "/access.log") or ""):find("a.txt", 1, true)
    end)
    m.master:kill("HUP")
    loop.wait_until("the master's lines are there, too", function()
      return (folder.read(m.dir .. "/own.log") or ""):find(
        "reading the configuration and its scripts again", 1, true)
    end)
    assert.is_true(process.alive(m.master.pid))
  end)
end)
