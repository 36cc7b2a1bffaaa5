--- The spec of rate_limit.lua: moongate test -c moongate.ini rate_limit.lua
local test = require "moongate.test"

local LIMIT = 100


describe("rate_limit", function()
  local limit = test.load()

  local function ask(client)
    return limit:request(test.request { client = client })
  end

  it("answers what is beyond the limit, until the time is over", function()
    for _ = 1, LIMIT do
      assert.is_nil(ask("192.0.2.1"))
    end
    local answer = ask("192.0.2.1")
    assert.are.equal(429, answer.status)
    assert.are.equal(10, answer.headers["Retry-After"])
    test.advance(9)
    assert.are.equal(429, ask("192.0.2.1").status)
    test.advance(2)
    assert.is_nil(ask("192.0.2.1"))
  end)

  it("counts each client by itself", function()
    for _ = 1, LIMIT + 1 do
      ask("192.0.2.2")
    end
    assert.is_nil(ask("192.0.2.3"))
  end)
end)
