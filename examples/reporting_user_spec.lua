--- The spec of reporting_user.lua: moongate test reporting_user.lua
local test = require "moongate.test"


describe("reporting_user", function()
  local script = test.load()

  local function decide(user, node)
    test.upstream("pxc", test.servers { { name = "node1" }, node })
    return script:login(test.login { user = user })
  end

  it("sends reports to their node, and leaves the others alone", function()
    assert.are.same({ upstream = "pxc", server = "node3" },
      decide("report", { name = "node3" }))
    assert.is_nil(decide("shop", { name = "node3" }))
  end)

  it("refuses reports while their node is out of service", function()
    for _, state in ipairs { "draining", "maint" } do
      assert.are.equal("the node for reports is out of service",
        decide("report", { name = "node3", [state] = true }).denied)
    end
    assert.is_not_nil(decide("report", { name = "node3", up = false }).denied)
    assert.is_nil(decide("shop", { name = "node3", up = false }))
  end)
end)
