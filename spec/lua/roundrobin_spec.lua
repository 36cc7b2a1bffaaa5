local literal = require "lua.literal"

local POLICIES = { "roundrobin", "static-rr" }

local WEIGHTS = {
  { 1, 1, 1 }, { 1, 2, 3 }, { 3, 1 }, { 5, 1, 1 }, { 10, 20, 30 },
  { 256, 1 }, { 7 }, { 3, 0, 2 }, { 2, 4, 6, 9 },
}


local function gcd(a, b)
  return b == 0 and a or gcd(b, a % b)
end


-- The length of a window in which counts are exact, and the counts.
local function window(weights)
  local divisor, total = 0, 0
  for _, weight in ipairs(weights) do
    divisor, total = gcd(divisor, weight), total + weight
  end
  local counts = {}
  for i, weight in ipairs(weights) do
    counts[i] = weight / divisor
  end
  return total / divisor, counts
end


-- The most places that one server has in a row, the cycle being closed.
local function longest_run(picks)
  local longest, run = 1, 1
  for at = 2, 2 * #picks do
    local same = picks[(at - 1) % #picks + 1] == picks[(at - 2) % #picks + 1]
    run = same and run + 1 or 1
    longest = math.max(longest, math.min(run, #picks))
  end
  return longest
end


for _, name in ipairs(POLICIES) do
  describe("policy " .. name, function()
    local pick

    before_each(function()
      pick = literal.picker(name)
    end)

    for _, weights in ipairs(WEIGHTS) do
      it("is exact in every window with weights "
        .. table.concat(weights, ", "), function()
        local servers = literal.servers(unpack(weights))
        local length, counts = window(weights)
        local picks = literal.picks(pick, servers, 0, 3 * length)
        for first = 1, 2 * length do
          assert.are.same(counts,
            literal.count(picks, #weights, first, length))
        end
      end)
    end

    it("takes the same server at the same turn in every worker", function()
      local servers = literal.servers(1, 2, 3)
      local other = literal.picker(name)
      literal.picks(other, literal.servers(4, 4, 1), 0, 5)
      for turn = 1000, 1012 do
        servers.now = turn
        assert.are.equal(pick(literal.flow(), servers),
          other(literal.flow(), servers))
      end
    end)

    it("spreads servers rather than taking one several times", function()
      local picks = literal.picks(pick, literal.servers(1, 2, 3), 0, 6)
      assert.are.equal(1, longest_run(picks))
    end)

    it("lets the rest share by weight while one is out of service", function()
      local servers = literal.servers(1, 2, 3, 2)
      servers[3].usable, servers[3].up = false, false
      local picks = literal.picks(pick, servers, 17, 50)
      assert.are.same({ 10, 20, 0, 20 }, literal.count(picks, 4))
    end)

    it("deals the turns of a server that was tried among the rest", function()
      local servers = literal.servers(1, 2, 3, 2)
      local counts = { 0, 0, 0, 0 }
      for turn = 0, 8 * 50 - 1 do
        servers.now = turn
        local i = pick(literal.flow(), servers)
        if i == 3 then
          servers[3].usable = false
          i = pick(literal.flow { tried_servers = { [3] = true } }, servers)
          servers[3].usable = true
        end
        counts[i] = counts[i] + 1
      end
      assert.are.same({ 80, 160, 0, 160 }, counts)
    end)

    it("deals the turns of many full servers about by weight", function()
      local weights = {}
      for i = 1, 100 do
        weights[i] = i % 2 + 1
      end
      local servers = literal.servers(unpack(weights))
      for i = 1, 60 do
        servers[i].usable = false
      end
      local picks = literal.picks(pick, servers, 0, 15000)
      for i, count in ipairs(literal.count(picks, 100)) do
        -- Forty share, twenty of them with weight 2.
        local expected = i > 60 and weights[i] * 250 or 0
        assert.is_true(math.abs(count - expected) <= expected / 4,
          ("server %d has %d, not %d"):format(i, count, expected))
      end
    end)

    it("finds the only one of many that is not full", function()
      local servers = literal.servers(unpack(literal.repeated(1, 200)))
      for i = 1, 200 do
        servers[i].usable = i == 77
      end
      for _, i in ipairs(literal.picks(pick, servers, 0, 50)) do
        assert.are.equal(77, i)
      end
      servers[77].usable = false
      assert.are.same({ nil, "no usable server" },
        { pick(literal.flow(), servers) })
    end)

    it("goes to another server at each retry until none is left", function()
      local servers = literal.servers(1, 2, 3)
      local flow = literal.flow()
      local seen = {}
      for _ = 1, 3 do
        local i = assert(pick(flow, servers))
        assert.is_nil(seen[i])
        seen[i] = true
        flow.tried_servers[i], servers[i].usable = true, false
      end
      assert.are.same({ nil, "no usable server" }, { pick(flow, servers) })
    end)

    it("follows weights that change", function()
      local servers = literal.servers(1, 1)
      literal.picks(pick, servers, 0, 4)
      servers[2].weight = 3
      local picks = literal.picks(pick, servers, 4, 8)
      assert.are.same({ 2, 6 }, literal.count(picks, 2))
      servers[2].weight = 1
      picks = literal.picks(pick, servers, 12, 8)
      assert.are.same({ 4, 4 }, literal.count(picks, 2))
    end)

    it("forgets old weights rather than keep all of them", function()
      local servers = literal.servers(1, 1)
      for weight = 1, 256 do
        servers[1].weight = weight
        assert(pick(literal.flow(), servers))
      end
      local picks = literal.picks(pick, servers, 0, 257)
      assert.are.same({ 256, 1 }, literal.count(picks, 2))
    end)

    it("refuses options", function()
      assert.has_error(function()
        literal.picker(name, { speed = "on" })
      end, "there is no option 'speed': this policy takes none")
    end)
  end)
end


describe("policy roundrobin", function()
  local CASES = {
    { weights = { 1, 1, 1, 1 }, cycle = { 1, 2, 3, 4 } },
    { weights = { 1, 2, 3 }, cycle = { 3, 2, 3, 1, 3, 2 } },
    { weights = { 5, 1, 1 }, cycle = { 1, 1, 1, 2, 1, 1, 3 } },
  }
  for _, case in ipairs(CASES) do
    it("has HAProxy's order for " .. table.concat(case.weights, ", "),
      function()
        local pick = literal.picker("roundrobin")
        assert.are.same(case.cycle, literal.picks(pick,
          literal.servers(unpack(case.weights)), 0, #case.cycle))
      end)
  end
end)


describe("policy static-rr", function()
  it("keeps to HAProxy's map, the first server first", function()
    local pick = literal.picker("static-rr")
    assert.are.same({ 1, 3, 2, 3, 2, 3 },
      literal.picks(pick, literal.servers(1, 2, 3), 0, 6))
  end)
end)
