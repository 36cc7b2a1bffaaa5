--- The spec of user_limit.lua: moongate test user_limit.lua
local test = require "moongate.test"

local LIMIT, OF_ROOT = 50, 5


describe("user_limit", function()
  local script = test.load()

  -- A session: its client, and why it was refused.
  local function begin(user)
    local conn = test.conn()
    local decision = script:login(test.login { user = user }, conn)
    return conn, decision and decision.denied
  end

  local function close(conn)
    script:close(conn, { ok = true })
  end

  it("refuses the one too many, until another has ended", function()
    local conns, denied = {}, nil
    for i = 1, LIMIT do
      conns[i], denied = begin("shop")
      assert.is_nil(denied)
    end
    local refused, why = begin("shop")
    assert.are.equal("user 'shop' has 50 sessions already", why)
    close(refused)
    close(test.conn())  -- one that never logged in
    close(conns[1])
    conns[1], denied = begin("shop")
    assert.is_nil(denied)
    for i = 1, LIMIT do
      close(conns[i])
    end
  end)

  it("counts each user by itself, with its own limit", function()
    for _ = 1, OF_ROOT do
      assert.is_nil(select(2, begin("root")))
    end
    assert.are.equal("user 'root' has 5 sessions already",
      select(2, begin("root")))
    assert.is_nil(select(2, begin("other")))
  end)

  it("counts a session that logs in again once", function()
    local conn = begin("first")
    for _ = 1, LIMIT do
      assert.is_nil(script:login(test.login { user = "second" }, conn))
    end
    for _ = 2, LIMIT do
      assert.is_nil(select(2, begin("second")))
    end
    assert.is_not_nil(select(2, begin("second")))
    assert.is_nil(select(2, begin("first")))
  end)
end)
