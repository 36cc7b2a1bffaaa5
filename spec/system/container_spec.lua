--- As process 1, which takes all others of its container along when it ends.
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local process = require "support.process"

local CONFIG = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
]]


describe("as process 1", function()
  local m, outer

  before_each(function()
    m = moongate.prepare {
      config = CONFIG, files = { ["www/a.txt"] = "hello" },
    }
    outer = process.spawn({
      "unshare", "--pid", "--mount-proc", "--fork", "--kill-child",
      moongate.build() .. "/moongate", "-c", m.file,
    }, { stderr = m.log_file })
    m:wait_log("serving on")
  end)

  after_each(function()
    outer:kill("KILL")
    outer:wait()
    moongate.finish()
  end)

  local function inner()
    return process.children(outer.pid)[1]
  end

  it("refuses an upgrade, and goes on", function()
    local status, text = process.run {
      moongate.build() .. "/moongate", "ctl", "-s", m.control, "upgrade",
    }
    assert.are.equal(1, status)
    assert.is_truthy(text:find("process 1 takes its container along when it "
      .. "ends: start a container of the new image", 1, true), text)
    process.kill(inner(), "USR2")
    loop.wait_until("it is refused, too", function()
      return select(2, m:log():gsub("the upgrade is refused", "")) == 2
    end)
    assert.are.equal("hello", http.fetch(m.port.web, "/a.txt").body)
  end)

  it("ends by QUIT, after a reload, with status 0", function()
    m:ctl("reload")
    assert.are.equal("hello", http.fetch(m.port.web, "/a.txt").body)
    process.kill(inner(), "QUIT")
    assert.are.equal(0, outer:wait(10), m:log())
  end)
end)
