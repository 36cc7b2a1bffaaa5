--- The examples for connections; and that every example is run by a spec.
local folder = require "support.folder"
local lfs = require "lfs"
local program = require "script.program"


describe("examples/tenants.lua", function()
  local p

  setup(function()
    p = assert(program.start {
      config = "[upstream shared]\nprotocol = mysql\nserver s = 127.0.0.1:1\n"
        .. "[upstream tenant-a]\nprotocol = mysql\nserver s = 127.0.0.1:2\n"
        .. "[upstream tenant-b]\nprotocol = mysql\nserver s = 127.0.0.1:3\n"
        .. "[mysql all]\nlisten = 127.0.0.1:3306\nupstream = shared\n"
        .. "handshake = passthrough\nscript = tenants.lua\n",
      lua = { ["tenants.lua"] = folder.read("examples/tenants.lua") },
    })
  end)

  teardown(function()
    assert.are.same({}, p.log)
    p:stop()
  end)

  for client, wanted in pairs {
    ["10.10.3.4:5000"] = { "route", "tenant-a" },
    ["10.20.0.1:5000"] = { "route", "tenant-b" },
    ["10.0.0.1:5000"] = { "pass" },
    ["10.100.0.1:5000"] = { "deny", "not the network of a tenant" },
    ["192.0.2.1:5000"] = { "deny", "not the network of a tenant" },
  } do
    it("knows where " .. client .. " goes", function()
      assert.are.same(wanted, { p:accept(client) })
    end)
  end
end)


describe("examples", function()
  local function find(place, found)
    for _, name in ipairs(folder.list(place)) do
      local path = place .. "/" .. name
      if lfs.attributes(path, "mode") == "directory" then
        find(path, found)
      elseif path:find("%.lua$") then
        found[#found + 1] = path
      end
    end
    return found
  end

  it("are each run by a spec", function()
    local specs = {}
    for _, place in ipairs { "spec/examples", "spec/system" } do
      for _, path in ipairs(find(place, {})) do
        specs[#specs + 1] = folder.read(path)
      end
    end
    local text = table.concat(specs)
    local examples = find("examples", {})
    assert.is_true(#examples > 18)
    for _, path in ipairs(examples) do
      assert.is_truthy(text:find('"' .. path .. '"', 1, true), path)
    end
  end)

  it("have one idea: 10 to 60 lines", function()
    for _, path in ipairs(find("examples", {})) do
      local _, lines = folder.read(path):gsub("\n", "")
      assert.is_true(lines >= 10 and lines <= 60, path .. " has " .. lines)
    end
  end)
end)
