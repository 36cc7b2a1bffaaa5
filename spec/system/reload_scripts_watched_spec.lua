--- What is watched (script_watch) follows the configuration.
local folder = require "support.folder"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"

local CONFIG = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  script = %s
]]

local ANSWERS = [[
return {
  request = function()
    return require "moongate".reply(200, {}, %q)
  end,
}
]]


describe("after a reload", function()
  local m

  after_each(moongate.finish)

  local function start(global)
    m = moongate.start {
      config = CONFIG:format("one.lua"),
      global = global,
      files = {
        ["lua/one.lua"] = ANSWERS:format("one"),
        ["else/two.lua"] = ANSWERS:format("two"),
      },
    }
  end

  local function save(path, text)
    folder.write(m.dir .. "/" .. path, ANSWERS:format(text))
    loop.wait_until("it answers " .. text, function()
      return http.fetch(m.port.web, "/").body == text
    end)
  end

  local function switch(from, to)
    folder.write(m.file, (folder.read(m.file):gsub(from, to)))
    m:ctl("reload")
  end

  it("scripts elsewhere are watched", function()
    start("script_watch = on")
    m:write_config(CONFIG:format("${dir}/else/two.lua"))
    m:ctl("reload")
    save("else/two.lua", "two, again")
  end)

  it("scripts are watched if they are to be, and not if they are not",
      function()
    start("script_watch = off")
    switch("script_watch = off", "script_watch = on")
    save("lua/one.lua", "two")
    switch("script_watch = on", "script_watch = off")
    folder.write(m.dir .. "/lua/one.lua", ANSWERS:format("three"))
    -- Whoever watched would have seen it before what comes now.
    m:ctl("script reload one.lua")
    assert.are.equal("three", http.fetch(m.port.web, "/").body)
    assert.is_truthy(m:log():find("is in use [^\n]*by uid=0"))
  end)
end)
