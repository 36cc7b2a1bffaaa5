--- The specs beside examples pass as a reader would run them.
local folder = require "support.folder"
local moongate = require "support.moongate"
local process = require "support.process"

local SPECS = {
  ["examples/login_networks_spec.lua"] = 2,
  ["examples/login_window_spec.lua"] = 2,
  ["examples/rate_limit_spec.lua"] = 2,
  ["examples/read_write_users_spec.lua"] = 2,
  ["examples/reporting_user_spec.lua"] = 2,
  ["examples/schema_clusters_spec.lua"] = 2,
  ["examples/security_headers_spec.lua"] = 3,
  ["examples/user_limit_spec.lua"] = 3,
}


describe("the specs beside examples", function()
  local function run(path)
    return process.run { moongate.build() .. "/moongate", "test", path }
  end

  for path, count in pairs(SPECS) do
    it("pass: " .. path, function()
      local status, said = run((path:gsub("_spec", "")))
      assert.are.equal(0, status, said)
      assert.is_truthy(said:find(count .. " successes / 0 failures", 1, true),
        said)
    end)
  end

  it("fail when the example is another", function()
    local dir = folder.make()
    local text = folder.read("examples/rate_limit.lua")
    folder.write(dir .. "/rate_limit.lua", (text:gsub("LIMIT = %d+",
      "LIMIT = 99")))
    folder.write(dir .. "/rate_limit_spec.lua",
      folder.read("examples/rate_limit_spec.lua"))
    local status, said = run(dir .. "/rate_limit.lua")
    folder.remove(dir)
    assert.are.equal(1, status, said)
  end)

  it("are all run here", function()
    for _, name in ipairs(folder.list("examples")) do
      local path = "examples/" .. name
      if name:find("_spec%.lua$") then
        assert.is_not_nil(SPECS[path], path)
      end
    end
  end)
end)
