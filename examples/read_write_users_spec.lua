--- The spec of read_write_users.lua: moongate test read_write_users.lua
local test = require "moongate.test"


describe("read_write_users", function()
  local script = test.load()

  it("tells readers by their names", function()
    assert.are.same({ upstream = "readers" },
      script:login(test.login { user = "shop_ro" }))
  end)

  it("leaves everybody else to the section's upstream", function()
    for _, user in ipairs { "shop", "shop_rw", "_ro_shop", "" } do
      assert.is_nil(script:login(test.login { user = user }))
    end
  end)
end)
