--- The spec of schema_clusters.lua: moongate test schema_clusters.lua
local test = require "moongate.test"


describe("schema_clusters", function()
  local script = test.load()

  local function decide(schema)
    return script:login(test.login { user = "app", schema = schema })
  end

  it("knows the cluster of each tenant", function()
    assert.are.same({ upstream = "cluster-a" }, decide("acme_shop"))
    assert.are.same({ upstream = "cluster-b" }, decide("globex_crm"))
    assert.are.same({ upstream = "cluster-b" }, decide("initech"))
  end)

  it("refuses what it does not know", function()
    assert.are.equal("there is no tenant 'umbrella'",
      decide("umbrella_shop").denied)
    for _, schema in ipairs { "", "_acme" } do
      assert.truthy(decide(schema).denied:find("name a schema", 1, true))
    end
    assert.truthy(decide(nil).denied:find("name a schema", 1, true))
  end)
end)
