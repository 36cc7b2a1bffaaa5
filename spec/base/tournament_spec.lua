-- The tournament beside a scan of all players.
local ffi = require "ffi"
local core = require("support.ffi").load("base/tournament.h")

local OUT = math.huge


local function naive_winners(keys)
  local least, players = OUT, {}
  for player = 0, #keys do
    if keys[player] < least then
      least, players = keys[player], {}
    end
    if keys[player] == least and least < OUT then
      players[#players + 1] = player
    end
  end
  return players
end


local function winners(t)
  local players = {}
  for k = 1, t.nodes[1].count do
    players[k] = core.tournament_winner(t, k - 1)
  end
  return players
end


describe("a tournament", function()
  local t

  before_each(function()
    t = ffi.new("struct tournament")
  end)

  after_each(function()
    core.tournament_fini(t)
  end)

  it("has no winners while all are out", function()
    core.tournament_init(t, 5)
    assert.are.same({}, winners(t))
    core.tournament_set(t, 3, 7)
    core.tournament_set(t, 3, OUT)
    assert.are.same({}, winners(t))
  end)

  it("has all of equal players win, in their order", function()
    core.tournament_init(t, 5)
    for player = 4, 0, -1 do
      core.tournament_set(t, player, 1.5)
    end
    assert.are.same({ 0, 1, 2, 3, 4 }, winners(t))
  end)

  for _, count in ipairs { 1, 2, 3, 8, 9, 64, 100 } do
    it(("of %d agrees with a scan, whatever the keys"):format(count), function()
      math.randomseed(count)
      core.tournament_init(t, count)
      local keys = {}
      for player = 0, count - 1 do
        keys[player] = OUT
      end
      for _ = 1, 2000 do
        local player = math.random(0, count - 1)
        local key = math.random(0, 4) / math.random(1, 3)
        keys[player] = math.random(4) == 1 and OUT or key
        core.tournament_set(t, player, keys[player])
        assert.are.same(naive_winners(keys), winners(t))
      end
    end)
  end
end)
