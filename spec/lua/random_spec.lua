--- The policies that draw servers: random and latency.
local literal = require "lua.literal"

local DRAWN = 6000


-- How often each server is picked, with nothing under way.
local function shares(pick, servers)
  local counts = {}
  for i = 1, #servers do
    counts[i] = 0
  end
  for _ = 1, DRAWN do
    local i = assert(pick(literal.flow(), servers))
    counts[i] = counts[i] + 1
  end
  return counts
end


local function assert_about(wanted, counts)
  for i, expected in ipairs(wanted) do
    assert.is_true(math.abs(counts[i] - expected) < 0.1 * DRAWN / #wanted + 1,
      ("server %d has %d, not about %d"):format(i, counts[i], expected))
  end
end


describe("policy random", function()
  it("draws by weight: draws=1", function()
    local pick = literal.picker("random", { draws = "1" })
    assert_about({ 1000, 2000, 3000 },
      shares(pick, literal.servers(1, 2, 3)))
  end)

  it("draws by weights that have nothing in common, and a large sum",
    function()
      local pick = literal.picker("random", { draws = "1" })
      local weights, wanted = { 251, 13, 256, 255, 127, 241 }, {}
      for i = 1, #weights do
        wanted[i] = DRAWN * weights[i] / 1143
      end
      assert_about(wanted, shares(pick, literal.servers(unpack(weights))))
    end)

  it("takes the less busy of two", function()
    local pick = literal.picker("random")
    local servers = literal.servers({ active = 1 }, {}, { active = 3 })
    -- Drawn twice alone, or with one that is busier.
    assert_about({ DRAWN * 3 / 9, DRAWN * 5 / 9, DRAWN * 1 / 9 },
      shares(pick, servers))
  end)

  it("counts what waits, and weights", function()
    local pick = literal.picker("random", { draws = "16" })
    local counts = shares(pick, literal.servers({ queued = 2 },
      { active = 3, weight = 2 }))
    assert.is_true(counts[2] > 0.95 * DRAWN)
  end)

  it("fills servers by their weights", function()
    local pick = literal.picker("random")
    local servers = literal.servers(10, 20, 30)
    for _ = 1, 600 do
      local i = pick(literal.flow(), servers)
      servers[i].active = servers[i].active + 1
    end
    for i = 1, 3 do
      assert.is_true(math.abs(servers[i].active - i * 100) < 15)
    end
  end)

  for _, draws in ipairs { "0", "17", "two" } do
    it("refuses draws=" .. draws, function()
      assert.has_error(function()
        literal.picker("random", { draws = draws })
      end, ("option 'draws' cannot be '%s'; it is a number from 1 to 16")
        :format(draws))
    end)
  end
end)


describe("policy latency", function()
  local pick

  before_each(function()
    pick = literal.picker("latency")
  end)

  it("takes the faster of two", function()
    local counts = shares(pick,
      literal.servers({ latency_ms = 10 }, { latency_ms = 11 }))
    -- Both are drawn but where one was nine times in a row.
    assert_about({ DRAWN, 0 }, counts)
  end)

  it("sends more to the faster, until it has more to do", function()
    local servers = literal.servers({ latency_ms = 10 }, { latency_ms = 30 })
    for _ = 1, 400 do
      local i = pick(literal.flow(), servers)
      servers[i].active = servers[i].active + 1
    end
    assert.is_true(math.abs(servers[1].active - 300) < 10,
      tostring(servers[1].active))
  end)

  it("asks a server of which it knows nothing one thing at a time", function()
    local servers = literal.servers({ latency_ms = 10 }, {})
    assert_about({ 0, DRAWN }, shares(pick, servers))
    servers[2].active = 1
    assert_about({ DRAWN, 0 }, shares(pick, servers))
  end)

  it("refuses options", function()
    assert.has_error(function()
      literal.picker("latency", { decay = "10s" })
    end, "there is no option 'decay': this policy takes none")
  end)
end)


for _, name in ipairs { "random", "latency" } do
  describe("policy " .. name, function()
    it("picks no server that cannot be used", function()
      local pick = literal.picker(name)
      local counts = shares(pick, literal.servers({ usable = false, active = 9,
        maxconn = 9 }, {}, { up = false, usable = false },
        { weight = 0, usable = false }, { backup = true, usable = false }))
      assert.are.same({ 0, DRAWN, 0, 0, 0 }, counts)
    end)

    it("finds the one among many that can be used", function()
      local servers = literal.servers(unpack(literal.repeated(1, 100)))
      for i = 1, 100 do
        servers[i].usable = i == 77
      end
      assert.are.equal(77, literal.picker(name)(literal.flow(), servers))
    end)

    it("says so when none can be used", function()
      local servers = literal.servers({ usable = false, up = false },
        { usable = false, active = 1, maxconn = 1 })
      assert.are.same({ nil, "no usable server" },
        { literal.picker(name)(literal.flow(), servers) })
    end)

    it("takes backups where they stand in", function()
      local servers = literal.servers({ up = false, usable = false },
        { backup = true })
      assert.are.equal(2, literal.picker(name)(literal.flow(), servers))
    end)
  end)
end
