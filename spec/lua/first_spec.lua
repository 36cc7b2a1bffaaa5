local literal = require "lua.literal"

local FULL = { active = 5, maxconn = 5, usable = false }


describe("policy first", function()
  local CASES = {
    {
      name = "takes the first server, whatever the weights",
      servers = { 1, 256, 3 },
      expected = 1,
    },
    {
      name = "takes the first while it has a slot, however busy",
      servers = { { active = 4, maxconn = 5 }, { active = 0, maxconn = 5 } },
      expected = 1,
    },
    {
      name = "takes the next when it is full",
      servers = { FULL, FULL, { active = 1, maxconn = 5 }, 1 },
      expected = 3,
    },
    {
      name = "passes over a server that is down",
      servers = { { up = false, usable = false }, 1 },
      expected = 2,
    },
    {
      name = "takes the first backup that is on duty",
      servers = {
        { backup = true }, { up = false, usable = false }, { backup = true },
      },
      expected = 1,
    },
  }
  for _, case in ipairs(CASES) do
    it(case.name, function()
      local servers = literal.servers(unpack(case.servers))
      assert.are.equal(case.expected,
        (literal.picker("first")(literal.flow(), servers)))
    end)
  end

  it("does not depend on the turn", function()
    local picks = literal.picks(literal.picker("first"),
      literal.servers(1, 1, 1), 0, 5)
    assert.are.same(literal.repeated(1, 5), picks)
  end)

  it("fills a server before it takes the next, and the holes first",
    function()
      local pick = literal.picker("first")
      local servers = literal.servers({ maxconn = 2 }, { maxconn = 2 },
        { maxconn = 2 })
      local function change(i, by)
        local server = servers[i]
        server.active = server.active + by
        server.usable = server.active < server.maxconn
      end
      for _, expected in ipairs { 1, 1, 2, 2, 3 } do
        local i = pick(literal.flow(), servers)
        assert.are.equal(expected, i)
        change(i, 1)
      end
      change(1, -1)
      assert.are.equal(1, (pick(literal.flow(), servers)))
    end)

  it("says so when no server is usable", function()
    assert.are.same({ nil, "no usable server" },
      { literal.picker("first")(literal.flow(), literal.servers(FULL, FULL)) })
  end)
end)
