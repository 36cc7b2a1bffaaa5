--- Who the processes run as: those that talk to the world drop what root may,
-- the master keeps it.
local ffi = require "ffi"
local folder = require "support.folder"
local http = require "support.http"
local moongate = require "support.moongate"
local process = require "support.process"

local NOBODY = 65534
local IS_ROOT = ffi.C.getuid() == 0

local CONFIG = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  access_log = combined
  log_to = file:${dir}/access.log
]]

local FILES = { ["www/hello.txt"] = "hello" }


describe("the user", function()
  after_each(moongate.finish)

  if IS_ROOT then
    it("is dropped to after binding", function()
      local m = moongate.start {
        config = CONFIG, files = FILES, global = "user = nobody",
      }
      assert.are.equal(0, process.uid(m.master.pid))
      for _, pid in ipairs(process.children(m.master.pid)) do
        assert.are.equal(NOBODY, process.uid(pid))
        local status = folder.read("/proc/" .. pid .. "/status")
        assert.is_truthy(status:find("CapEff:%s*0000000000000000"))
        assert.are.equal(tostring(NOBODY),
          status:match("\nGroups:%s*([%d ]-)%s*\n"))
      end
      assert.are.equal("hello", http.fetch(m.port.web, "/hello.txt").body)
      m:records("access.log", 1)
    end)

    it("holds for a worker that comes later", function()
      local m = moongate.start {
        config = CONFIG, files = FILES, global = "user = nobody",
      }
      m.workers_change = true
      local dead = m:workers()[1]
      process.kill(dead, "KILL")
      require("support.loop").wait_until("there is a new worker", function()
        local pid = m:workers()[1]
        return pid and pid ~= dead
      end)
      -- It serves only then.
      assert.are.equal("hello", http.fetch(m.port.web, "/hello.txt").body)
      assert.are.equal(NOBODY, process.uid(m:workers()[1]))
    end)

    it("is warned about when it stays root", function()
      local m = moongate.start { config = CONFIG, files = FILES }
      m:wait_log("root")
      assert.are.equal(0, process.uid(m:workers()[1]))
    end)
  end

  it("must exist", function()
    local m = moongate.prepare {
      config = CONFIG, files = FILES, global = "user = no-such-user",
    }
    local status, text = process.run({
      moongate.build() .. "/moongate", "-c", m.file,
    })
    assert.are.equal(1, status)
    assert.is_truthy(text:find("no-such-user", 1, true), text)
  end)
end)
