--- A reload where scripts alone have changed.
local folder = require "support.folder"
local http = require "support.http"
local moongate = require "support.moongate"

local CONFIG = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  script = hook.lua
]]

local HOOK = [[
return {
  request = function()
    return require "moongate".reply(200, {}, "VERSION")
  end,
}
]]


describe("a reload of scripts alone", function()
  after_each(moongate.finish)

  it("does not end the master when a client waits for its answer", function()
    local m = moongate.start {
      config = CONFIG,
      files = { ["lua/hook.lua"] = (HOOK:gsub("VERSION", "one")) },
    }
    folder.write(m.dir .. "/lua/hook.lua", (HOOK:gsub("VERSION", "two")))
    assert.is_truthy(m:ctl("reload"):find("script hook.lua: version", 1, true))
    assert.are.equal("two", http.fetch(m.port.web, "/").body)
    folder.write(m.dir .. "/lua/hook.lua", (HOOK:gsub("VERSION", "three")))
    assert.is_true(m:ctl("reload --json").changed)
    assert.are.equal("three", http.fetch(m.port.web, "/").body)
  end)
end)
