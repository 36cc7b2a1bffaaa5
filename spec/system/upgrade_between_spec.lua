--- What happens while a new program is ready, and the old one has not let go:
-- control, which has to leave first, is held.
local folder = require "support.folder"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local process = require "support.process"
local upgrades = require "support.upgrades"

local CONFIG = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  script = one.lua
]]

local ANSWERS = [[
return {
  request = function()
    return require "moongate".reply(200, {}, %q)
  end,
}
]]


describe("between two programs", function()
  local m, pid, control

  before_each(function()
    m = upgrades.start {
      config = CONFIG,
      global = "script_watch = on",
      files = { ["lua/one.lua"] = ANSWERS:format("v1") },
    }
    control = m:pids("mg-control")[1]
    process.kill(control, "STOP")
    m.master:kill("USR2")
    pid = tonumber((m:wait_log("handing over to pid (%d+)")))
  end)

  after_each(function()
    if process.alive(control) then
      process.kill(control, "CONT")
    end
    moongate.finish()
  end)

  for _, signal in ipairs { "TERM", "QUIT" } do
    it(signal .. " ends both", function()
      m:stop(signal)
      assert.is_truthy(m:log():find("the upgrade to pid " .. pid
        .. " is given up", 1, true))
      assert.is_true(process.ends(pid, 5))
    end)
  end

  it("a script that is saved is the new one's as well", function()
    folder.write(m.dir .. "/lua/one.lua", ANSWERS:format("v2"))
    -- In vain: whoever tried it now would not get control's agreement.
    pcall(loop.wait_until, "", function()
      return m:log():find("stays: control has not answered", 1, true)
    end, 4)
    process.kill(control, "CONT")
    m:follow(pid)
    loop.wait_until("it answers v2", function()
      return http.fetch(m.port.web, "/").body == "v2"
    end)
    folder.write(m.dir .. "/lua/one.lua", ANSWERS:format("v3"))
    loop.wait_until("it answers v3", function()
      return http.fetch(m.port.web, "/").body == "v3"
    end)
  end)
end)
