--- moongate.test: the literal servers, flows and responses of specs.
local folder = require "support.folder"
local test = require "moongate.test"


describe("moongate.test", function()
  it("has every field of a server", function()
    local server = test.servers(1)[1]
    local struct = folder.read("src/board/view_struct.h")
      :match("struct server_view (%b{})")
    for name in struct:gmatch("\n    [%w_]+ ([%w_]+)[%[;]") do
      if name ~= "name_len" then
        assert.is_not_nil(server[name], name)
      end
    end
  end)

  it("takes servers as weights, as tables, and as one array", function()
    local function show(servers)
      local parts = {}
      for i, server in ipairs(servers) do
        parts[i] = server.name .. server.weight
      end
      return table.concat(parts, " ")
    end
    assert.are.equal("s11 s22", show(test.servers(1, 2)))
    assert.are.equal("a1 s23", show(test.servers({ name = "a" }, 3)))
    assert.are.equal("a1 b1", show(test.servers {
      { name = "a" }, { name = "b" },
    }))
    assert.are.equal("a2", show(test.servers { name = "a", weight = 2 }))
    assert.are.equal("", show(test.servers()))
  end)

  it("refuses fields that servers do not have", function()
    local servers = test.servers(1)
    assert.has_error(function() return servers[1].wieght end,
      "server has no field 'wieght'")
    assert.has_error(function() servers[1].wieght = 1 end,
      "server has no field 'wieght'")
    assert.has_error(function() test.servers { wieght = 1 } end,
      "server 1 cannot have wieght = 1")
    assert.has_error(function() test.servers { weight = "1" } end,
      "server 1 cannot have weight = 1")
  end)

  it("changes the generation with who is in service", function()
    local servers = test.servers(1, 2)
    local before = servers:generation()
    servers[1].active, servers[1].usable = 5, false
    assert.are.equal(before, servers:generation())
    servers[2].weight = 3
    assert.are_not.equal(before, servers:generation())
    servers[2].weight = 2
    assert.are.equal(before, servers:generation())
  end)

  it("chooses only what was seen", function()
    local servers = test.servers(1, 1)
    assert.is_nil(servers:chosen())
    assert.are.equal(2, servers:choose(2))
    assert.are.equal(2, servers:choose(1))
    assert.are.equal(2, servers:chosen())
    assert.are.equal(1, servers:choose(1))
  end)

  it("gives flows what they are asked for", function()
    local flow = test.flow {
      client = "::1", headers = { ["X-A"] = "b" }, args = { c = "d" },
      tried_servers = { [2] = true }, path = "/",
    }
    assert.are.equal(1, flow.client_number)
    assert.are.equal("b", flow:header("x-A"))
    assert.are.equal("d", flow:arg("c"))
    assert.is_nil(flow:cookie("c"))
    assert.are.same({ false, true }, { flow:tried(1), flow:tried(2) })
    assert.are.equal("/", flow.path)
    assert.is_nil(flow.host)
    assert.has_error(function() return flow.ip end, "flow has no field 'ip'")
    assert.has_error(function() test.flow { ip = 1 } end,
      "a flow cannot have ip = 1")
  end)

  it("says where a server is that is checked", function()
    local CASES = {
      { { host = "10.0.0.1", port = 1 }, "10.0.0.1:1" },
      { { host = "::1", port = 1 }, "[::1]:1" },
      { { host = "unix:/a" }, "unix:/a" },
    }
    for _, case in ipairs(CASES) do
      local server = test.checked(case[1])
      assert.are.equal(case[2], server.address)
      assert.are.equal(case[1].port, server.port)
    end
    assert.are.equal(3, test.checked({ fails = 3 }).fails)
    assert.has_error(function() return test.checked().adress end)
    assert.has_error(function() return test.servers(1)[1].port end)
  end)

  it("changes a response by its methods alone", function()
    local res = test.response {
      headers = { ["Set-Cookie"] = { "a=1", "b=2" }, Vary = "Accept" },
      server = "one",
    }
    assert.are.same({ 200, "one" }, { res.status, res.server })
    assert.is_nil(res.upstream_ms)
    assert.are.equal("a=1", res:header("set-cookie"))
    assert.is_true(res:set_header("vary", nil))
    assert.is_nil(res:header("Vary"))
    assert.is_true(res:add_header("Vary", 1))
    assert.are.equal("1", res:header("vary"))
    assert.is_true(res:set_status(404))
    assert.are.equal(404, res.status)
    assert.has_error(function() res:set_status(99) end)
    assert.has_error(function() res.server = "two" end)
    assert.has_error(function() return res.body end)
    assert.has_error(function() test.response { body = "" } end)
  end)
end)
