local literal = require "lua.literal"


local function picked(...)
  local servers = literal.servers(...)
  return literal.picker("leastconn")(literal.flow(), servers)
end


describe("policy leastconn", function()
  local CASES = {
    {
      name = "takes the server with the fewest connections",
      servers = { { active = 3 }, { active = 1 }, { active = 2 } },
      expected = 2,
    },
    {
      name = "sees connections in proportion to weights",
      servers = { { active = 3 }, { active = 5, weight = 2 } },
      expected = 2,
    },
    {
      name = "compares what would be after the choice",
      servers = { { active = 1 }, { active = 1, weight = 2 } },
      expected = 2,
    },
    {
      name = "takes an idle server whatever its weight",
      servers = { { active = 1, weight = 256 }, { active = 0, weight = 1 } },
      expected = 2,
    },
    {
      name = "counts those that wait for a server",
      servers = { { active = 2, queued = 2 }, { active = 3 } },
      expected = 2,
    },
    {
      name = "passes over a server that is not usable",
      servers = { { active = 0, usable = false }, { active = 9 } },
      expected = 2,
    },
  }
  for _, case in ipairs(CASES) do
    it(case.name, function()
      assert.are.equal(case.expected, picked(unpack(case.servers)))
    end)
  end

  it("says so when no server is usable", function()
    local pick = literal.picker("leastconn")
    local servers = literal.servers({ usable = false }, { usable = false })
    assert.are.same({ nil, "no usable server" },
      { pick(literal.flow(), servers) })
  end)

  it("takes equals in turn, whatever stands between them", function()
    local pick = literal.picker("leastconn")
    local servers = literal.servers(1, { usable = false }, { active = 4 }, 1, 1)
    local picks = literal.picks(pick, servers, 0, 9)
    assert.are.same({ 1, 4, 5, 1, 4, 5, 1, 4, 5 }, picks)
  end)

  it("fills servers in proportion to their weights", function()
    local pick = literal.picker("leastconn")
    local servers = literal.servers(1, 2, 3)
    for turn = 1, 600 do
      servers.now = turn
      local i = pick(literal.flow(), servers)
      servers[i].active = servers[i].active + 1
    end
    assert.are.same({ 100, 200, 300 },
      { servers[1].active, servers[2].active, servers[3].active })
  end)
end)
