--- What is left to each process of what root may do.
local bit = require "bit"
local ffi = require "ffi"
local folder = require "support.folder"
local moongate = require "support.moongate"
local process = require "support.process"

local CONFIG = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
]]

local MASTER = 0x010405eb  -- man/moongate.8, PRIVILEGES


local function capabilities(pid)
  local sets = {}
  local status = folder.read("/proc/" .. pid .. "/status")
  for name, hex in status:gmatch("Cap(%a+):%s*(%x+)") do
    sets[name] = tonumber(hex, 16)
  end
  return sets, status
end


describe("privileges", function()
  before_each(function()
    assert.are.equal(0, ffi.C.getuid(),
      "only root can give privileges up: run this spec as root")
  end)

  after_each(moongate.finish)

  it("are none in workers and control", function()
    local m = moongate.start { config = CONFIG, global = "user = nobody" }
    local pids = process.children(m.master.pid)
    assert.are.equal(2, #pids)
    for _, pid in ipairs(pids) do
      local sets, status = capabilities(pid)
      for _, name in ipairs { "Inh", "Prm", "Eff", "Bnd", "Amb" } do
        assert.are.equal(0, sets[name], name)
      end
      assert.is_truthy(status:find("NoNewPrivs:%s*1"))
    end
  end)

  it("are few in the master", function()
    local m = moongate.start { config = CONFIG, global = "user = nobody" }
    local sets = capabilities(m.master.pid)
    for _, name in ipairs { "Prm", "Eff", "Bnd" } do
      assert.are.equal(0, bit.band(sets[name], bit.bnot(MASTER)), name)
    end
    assert.are_not.equal(0, sets.Eff)
  end)

  it("let a group use the control socket", function()
    local m = moongate.start {
      config = CONFIG, global = "control_group = adm",
    }
    local _, text = process.run { "stat", "-c", "%G %a", m.control }
    assert.are.equal("adm 660\n", text)
  end)

  it("know which groups there are", function()
    local m = moongate.prepare {
      config = CONFIG, global = "control_group = no-such-group",
    }
    local status, text = process.run {
      moongate.build() .. "/moongate", "check", "-c", m.file,
    }
    assert.are.equal(1, status)
    assert.is_truthy(text:find("ini:7: control_group: there is no group "
      .. '"no-such-group"', 1, true), text)
  end)
end)
