--- logrotate with the file that we ship: files are moved, and written anew.
local folder = require "support.folder"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local process = require "support.process"

local CONFIG = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  access_log = ${args}
  log_to = file:${dir}/access.log
]]


describe("logrotate", function()
  after_each(moongate.finish)

  it("moves files, and no record is lost", function()
    local m = moongate.start {
      config = CONFIG, files = { ["www/a"] = "hello" },
      global = "pidfile = ${dir}/pid",
      log = "log = file:${dir}/moongate.log\nlog = stderr",
    }
    local text = folder.read("conf/logrotate/moongate")
    text = text:gsub("/var/log/moongate", m.dir)
      :gsub("/run/moongate/moongate.pid", m.dir .. "/pid")
    folder.write(m.dir .. "/logrotate.conf", "su root root\n" .. text)
    for i = 1, 3 do
      http.fetch(m.port.web, "/a?n" .. i)
      m:records("access.log", 1)
      local status, out = process.run {
        "logrotate", "-f", "-s", m.dir .. "/state", m.dir .. "/logrotate.conf",
      }
      assert.are.equal(0, status, out)
      loop.wait_until("there is a new file", function()
        return folder.read(m.dir .. "/access.log") == ""
      end)
      m:wait_log("opening the log files again")
    end
    http.fetch(m.port.web, "/a?n4")
    assert.are.same({ "n4" }, m:records("access.log", 1))
    assert.are.same({ "n3" }, m:records("access.log.1", 1))
    local _, old = process.run { "zcat", m.dir .. "/access.log.2.gz" }
    assert.are.equal("n2\n", old)
  end)
end)
