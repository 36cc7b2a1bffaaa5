--- A reload where scripts alone have changed.
local folder = require "support.folder"
local http = require "support.http"
local moongate = require "support.moongate"
local process = require "support.process"

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

  it("takes nothing of a configuration that a worker had no room for",
      function()
    local m = moongate.start {
      config = CONFIG,
      files = {
        ["lua/hook.lua"] = (HOOK:gsub("VERSION", "one")),
        ["lua/other.lua"] = (HOOK:gsub("VERSION", "other")),
      },
    }
    local function limit(words)
      assert.are.equal(0, (process.run { "prlimit", "--pid",
        tostring(m:workers()[1]), "--nofile=" .. words }))
    end
    m:wait_log("serving on")
    m:write_config((CONFIG:gsub("hook.lua", "other.lua")))
    limit("3:")
    local status, text = process.run {
      moongate.build() .. "/moongate", "ctl", "-s", m.control, "reload" }
    limit("1024:")
    assert.are.equal(1, status, text)
    folder.write(m.dir .. "/lua/hook.lua", (HOOK:gsub("VERSION", "two")))
    m:ctl("script reload hook.lua")
    assert.are.equal("two", http.fetch(m.port.web, "/").body)
    m:ctl("reload")
    assert.are.equal("other", http.fetch(m.port.web, "/").body)
  end)
end)
