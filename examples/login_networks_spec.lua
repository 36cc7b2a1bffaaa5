--- The spec of login_networks.lua: moongate test login_networks.lua
local test = require "moongate.test"


describe("login_networks", function()
  local script = test.load()

  local function decide(user, client)
    return script:login(test.login { user = user },
      test.conn { client = client })
  end

  it("lets users in from their networks, and others from anywhere", function()
    for _, case in ipairs {
      { "root", "10.1.0.7" }, { "shop", "10.1.0.7" }, { "shop", "10.2.3.4" },
      { "guest", "192.0.2.1" },
    } do
      assert.is_nil(decide(case[1], case[2]))
    end
    assert.are.same({}, test.logged())
  end)

  it("refuses them from elsewhere, and says so", function()
    for _, case in ipairs {
      { "root", "10.2.3.4" }, { "backup", "10.10.0.1" }, { "shop", "::1" },
    } do
      assert.are.equal("this user may not log in from there",
        decide(case[1], case[2]).denied)
      assert.truthy(test.logged()[1]:find(("%s tried to log in from %s")
        :format(case[1], case[2]), 1, true))
    end
  end)
end)
