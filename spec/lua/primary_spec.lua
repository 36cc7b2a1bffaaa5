local literal = require "lua.literal"

local DOWN = { up = false, usable = false }


describe("policy primary", function()
  -- What is chosen of servers where CHOICE is the one until then.
  local function choose(options, choice, ...)
    local servers = literal.servers(...)
    servers.choice = choice
    local i, wait = literal.picker("primary", options)(literal.flow(), servers)
    return i, wait, servers.choice
  end

  it("waits for the server that it chooses, and says so to the core",
    function()
      local policy = dofile("lua/policy/primary.lua")
      assert.is_true(policy.waits)
      assert.are.same({ 1, "wait", 1 }, { choose({}, nil, 1, 1) })
    end)

  local CASES = {
    {
      name = "chooses the first in service, whatever the weights",
      servers = { DOWN, 1, 256 }, expected = 2,
    },
    {
      name = "chooses no server that drains, is in maintenance or has weight 0",
      servers = {
        { draining = true, usable = false }, { maint = true, usable = false },
        { weight = 0, usable = false }, 1,
      }, expected = 4,
    },
    {
      name = "chooses backups after all others",
      servers = { { backup = true, usable = false }, DOWN, 1 }, expected = 3,
    },
    {
      name = "chooses the first backup when nothing else is left",
      servers = { DOWN, { backup = true }, { backup = true } }, expected = 2,
    },
    {
      name = "stays with one that is full",
      servers = { { active = 9, maxconn = 9, usable = false }, 1 },
      expected = 1,
    },
    {
      name = "stays with one that is full when a backup is free",
      servers = {
        { active = 9, maxconn = 9, usable = false },
        { backup = true, usable = false },
      }, expected = 1,
    },
    {
      name = "replaces one that went down",
      choice = 1, servers = { DOWN, 1, 1 }, expected = 2,
    },
    {
      name = "goes back to the first when that is in service",
      choice = 2, servers = { 1, 1 }, expected = 1,
    },
    {
      name = "stays where it is without failback",
      choice = 2, options = { failback = "off" }, servers = { 1, 1, 1 },
      expected = 2,
    },
    {
      name = "stays with a backup, too, without failback",
      choice = 2, options = { failback = "off" },
      servers = { 1, { backup = true, usable = false } }, expected = 2,
    },
    {
      name = "stays with one that is full without failback",
      choice = 2, options = { failback = "off" },
      servers = { 1, { active = 1, maxconn = 1, usable = false } },
      expected = 2,
    },
    {
      name = "begins at the first without failback",
      options = { failback = "off" }, servers = { 1, 1 }, expected = 1,
    },
    {
      name = "replaces one that drains by the first of all, without failback",
      choice = 2, options = { failback = "off" },
      servers = { 1, { draining = true, usable = false }, 1 }, expected = 1,
    },
  }
  for _, case in ipairs(CASES) do
    it(case.name, function()
      assert.are.same({ case.expected, "wait", case.expected },
        { choose(case.options, case.choice, unpack(case.servers)) })
    end)
  end

  it("stays with one that this flow has tried, while it is in service",
    function()
      local servers = literal.servers({ usable = false }, 1)
      local flow = literal.flow { tried_servers = { true } }
      assert.are.equal(1, (literal.picker("primary")(flow, servers)))
    end)

  it("follows another worker that has chosen in the meantime", function()
    local servers = literal.servers(DOWN, 1, 1)
    servers.choice = 1
    local choose_then = servers.choose
    servers.choose = function(self, index)
      servers.choice = 3
      return choose_then(self, index)
    end
    local i = literal.picker("primary")(literal.flow(), servers)
    assert.are.same({ 3, 3 }, { i, servers.choice })
  end)

  it("looks again when a server has come or gone", function()
    local pick = literal.picker("primary")
    local servers = literal.servers(1, 1)
    local picks = {}
    for i, up in ipairs { true, false, false, true } do
      servers[1].up, servers[1].usable = up, up
      picks[i] = pick(literal.flow(), servers)
    end
    assert.are.same({ 1, 2, 2, 1 }, picks)
  end)

  it("says so when no server is in service, and keeps its choice", function()
    assert.are.same({ nil, "no server is in service", 2 },
      { choose({}, 2, DOWN, DOWN) })
  end)

  it("refuses what is not an option", function()
    assert.has_error(function()
      literal.picker("primary", { failback = "later" })
    end, "option 'failback' cannot be 'later'; it is one of: on, off")
  end)
end)
