--- Exchanges that wait behind a reload, which takes away what they are about.
local folder = require "support.folder"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local process = require "support.process"

local CONFIG = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  script = %s
]]

local ANSWERS = [[
%s
return {
  request = function()
    return require "moongate".reply(200, {}, %q)
  end,
}
]]

local DWELL = [[
local until_s = os.clock() + 0.2
repeat until os.clock() >= until_s
]]


describe("while a reload takes a script away", function()
  local m

  after_each(moongate.finish)

  before_each(function()
    m = moongate.start {
      config = CONFIG:format("one.lua"),
      files = {
        ["lua/one.lua"] = ANSWERS:format("", "v1"),
        ["lua/two.lua"] = ANSWERS:format(DWELL, "two"),
      },
    }
    folder.write(m.dir .. "/lua/one.lua", ANSWERS:format("", "v2"))
    m:ctl("script reload one.lua")
  end)

  -- A ctl that goes on meanwhile.
  local function ask(name, words)
    local argv = { moongate.build() .. "/moongate", "ctl", "-s", m.control }
    for word in words:gmatch("%S+") do
      argv[#argv + 1] = word
    end
    local out = m.dir .. "/" .. name
    local ctl = process.spawn(argv, { stdout = out, stderr = out })
    return function()
      local status = ctl:wait(30)
      return status, folder.read(out)
    end
  end

  for _, command in ipairs { "reload", "rollback", "confirm" } do
    it("a " .. command .. " of it is refused", function()
      m:write_config(CONFIG:format("two.lua"))
      local reload = ask("reload", "reload")
      loop.wait_until("it is tried", function()
        return #m:pids("mg-trial") > 0
      end)
      local other = ask("other", "script " .. command .. " one.lua")
      assert.are.equal(0, (reload()))
      local status, text = other()
      assert.are.equal(1, status)
      assert.are.equal(
        "moongate: the script one.lua is not configured any more\n", text)
      assert.are.equal("two", http.fetch(m.port.web, "/").body)
    end)
  end

  it("one that was not confirmed does not come back", function()
    folder.write(m.dir .. "/lua/one.lua", ANSWERS:format("", "v3"))
    m:ctl("script reload one.lua --confirm 1s")
    m:write_config(CONFIG:format("two.lua"))
    local worker = m:workers()[1]
    process.kill(worker, "STOP")  -- the reload waits for it, but not for long
    local reload = ask("reload", "reload")
    m:wait_log("was not confirmed in time")
    process.kill(worker, "CONT")
    assert.are.equal(0, (reload()))
    assert.are.equal("two", http.fetch(m.port.web, "/").body)
  end)
end)
