--- Workers are killed again and again under a mixed load; the counts are right
-- in the end, and work went on all the time.
local loop = require "support.loop"
local mix = require "support.mix"
local moongate = require "support.moongate"
local process = require "support.process"

local KILLS = tonumber(os.getenv("MOONGATE_SOAK_KILLS")) or 1000


describe("a thousand killed workers", function()
  after_each(moongate.finish)

  it("leave right counts", function()
    local m = mix.start(2)
    m.workers_change = true
    local ending, rounds, cut = false, 0, 0
    for _ = 1, 8 do
      loop.spawn("load", function()
        while not ending do
          -- A killed worker cuts off what it was doing.
          local ok = pcall(mix.round, m)
          rounds = rounds + 1
          cut = cut + (ok and 0 or 1)
        end
      end)
    end
    for i = 1, KILLS do
      local pids = m:workers()
      local dead = pids[i % #pids + 1]
      process.kill(dead, "KILL")
      loop.wait_until("there are two workers again", function()
        local now = m:workers()
        return #now == 2 and now[1] ~= dead and now[2] ~= dead
      end, 5)
    end
    ending = true
    loop.wait_until("all active counts are 0", function()
      for _, row in ipairs(m:ctl("show servers --json")) do
        if row.active ~= 0 then
          return false
        end
      end
      return true
    end, 60)
    print(("%d workers killed, %d rounds of load, %d of them cut off")
      :format(KILLS, rounds, cut))
    assert.is_true(rounds > cut)
  end)
end)
