--- HUP and `ctl reload`: another configuration takes the place of the one that
-- is served, in the workers that go on; as a whole or not at all.
local folder = require "support.folder"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"

local ONE = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/one
  header = X-Which one
  access_log = off
]]


describe("a reload", function()
  local m

  after_each(moongate.finish)

  local function start(options)
    options.files = options.files or {}
    options.files["one/index.html"] = "one\n"
    options.files["two/index.html"] = "two\n"
    m = moongate.start(options)
    return m
  end

  local function reload()
    return m:ctl("reload")
  end

  local function refused()
    local status, text = process.run({
      moongate.build() .. "/moongate", "ctl", "-s", m.control, "reload" })
    assert.are.equal(1, status, text)
    return text
  end

  it("changes what is served, in the same processes", function()
    start { config = ONE, workers = 2 }
    local before = table.concat(m:workers(), " ")
    local control = m:pids("mg-control")[1]
    assert.are.equal("one\n", http.fetch(m.port.web, "/").body)
    m:write_config((ONE:gsub("one", "two")))
    assert.is_truthy(reload():find("the new configuration is in use", 1, true))
    local answer = http.fetch(m.port.web, "/")
    assert.are.equal("two\n", answer.body)
    assert.are.equal(before, table.concat(m:workers(), " "))
    assert.are.equal(control, m:pids("mg-control")[1])
  end)
end)
