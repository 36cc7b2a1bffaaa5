--- The limits of scripts (script_budget) are those of the configuration that is
-- served, not of one that was refused.
local folder = require "support.folder"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local process = require "support.process"

local CONFIG = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  script = busy.lua
]]

local BUSY = [[
return {
  request = function()
    local until_s = os.clock() + 0.1
    repeat until os.clock() >= until_s
    return require "moongate".reply(200, {}, "whole")
  end,
}
]]


describe("the budget of scripts", function()
  local m

  before_each(function()
    m = moongate.start {
      config = CONFIG,
      files = { ["lua/busy.lua"] = BUSY, ["www/index.html"] = "cut" },
      global = "script_budget = 1s",
      workers = 2,
    }
    m:wait_log("serving on")
    folder.write(m.file, (folder.read(m.file):gsub("script_budget = 1s",
      "script_budget = 10ms")))
  end)

  after_each(moongate.finish)

  local function fetch()
    return http.fetch(m.port.web, "/").body
  end

  it("stays when a reload is refused", function()
    local held = m:workers()[2]
    process.kill(held, "STOP")
    local status, text = process.run {
      moongate.build() .. "/moongate", "ctl", "-s", m.control, "reload" }
    process.kill(held, "CONT")
    assert.are.equal(1, status, text)
    assert.is_truthy(text:find("worker[1] has not answered", 1, true), text)
    for _ = 1, 8 do
      assert.are.equal("whole", fetch())
    end
  end)

  it("is another one after a reload", function()
    assert.are.equal("whole", fetch())
    m:ctl("reload")
    loop.wait_until("it is used up", function()
      return fetch() == "cut"
    end)
  end)
end)
