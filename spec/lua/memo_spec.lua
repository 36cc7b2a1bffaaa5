--- What a policy makes of weights, also where no server is usable: those with
-- `waits` are asked then, too.
local literal = require "lua.literal"
local memo = require "moongate.memo"


-- The weights that a memory sees.
local function seen(memory, servers)
  return memory:current(servers)
end


local function new_memory()
  return memo.new(function(weights, n)
    local parts = {}
    for i = 1, n do
      parts[i] = weights[i]
    end
    return table.concat(parts, " ")
  end)
end

local FULL = { usable = false, active = 1, maxconn = 1 }
local DOWN = { usable = false, up = false }
local BACKUP = { backup = true }
local IDLE_BACKUP = { backup = true, usable = false }
local FULL_BACKUP = { backup = true, usable = false, active = 1, maxconn = 1 }


describe("moongate.memo", function()
  for _, case in ipairs {
    { "1 1 0", {}, FULL, IDLE_BACKUP, "counts what is full" },
    { "1 0 0", {}, DOWN, IDLE_BACKUP, "leaves out what is down" },
    { "0 0 1", DOWN, DOWN, BACKUP, "counts backups that stand in" },
    { "1 1 0", FULL, FULL, IDLE_BACKUP, "waits for all that are full" },
    { "0 1 0", DOWN, FULL, IDLE_BACKUP, "waits for the one that is full" },
    { "0 0 1", DOWN, DOWN, FULL_BACKUP, "waits for backups that are full" },
    { "0 0 0", DOWN, DOWN, { backup = true, usable = false, up = false },
      "has nothing where all are down" },
  } do
    it(case[5], function()
      assert.are.equal(case[1],
        seen(new_memory(), literal.servers(case[2], case[3], case[4])))
    end)
  end

  it("does not keep what it took for granted while all were full", function()
    local memory = new_memory()
    local servers = literal.servers(FULL, FULL_BACKUP)
    servers.generation = function() return 7 end
    assert.are.equal("1 0", seen(memory, servers))
    -- The first was tried: backups stand in, as the core has known before.
    servers[2].usable = true
    assert.are.equal("0 1", seen(memory, servers))
  end)
end)
