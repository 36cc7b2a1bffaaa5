--- The spec of login_window.lua: moongate test login_window.lua
local moongate = require "moongate"
local test = require "moongate.test"

local HOUR, DAY = 3600, 24 * 3600


describe("login_window", function()
  local script = test.load()

  -- Asks at a time of the day, tomorrow.
  local function decide(user, time)
    test.advance(DAY - moongate.now() % DAY + time)
    return script:login(test.login { user = user })
  end

  it("tells who comes in the window how long it lasts", function()
    assert.are.equal("the database is maintained, for 60 minutes more",
      decide("shop", 3 * HOUR + 1).denied)
    assert.are.equal("the database is maintained, for 1 minutes more",
      decide("shop", 4 * HOUR - 1).denied)
  end)

  it("lets operators in, and anybody before and after", function()
    assert.is_nil(decide("root", 3.5 * HOUR))
    assert.is_nil(decide("shop", 3 * HOUR - 1))
    assert.is_nil(decide("shop", 4 * HOUR + 1))
  end)
end)
