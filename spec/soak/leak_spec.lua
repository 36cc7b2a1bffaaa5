--- Hours of mixed load: memory and descriptors of a worker stay where they are.
local loop = require "support.loop"
local mix = require "support.mix"
local moongate = require "support.moongate"
local process = require "support.process"

local MINUTES = tonumber(os.getenv("MOONGATE_SOAK_MINUTES")) or 30


describe("a long mixed load", function()
  after_each(moongate.finish)

  it("leaves memory and descriptors as they were", function()
    local m = mix.start(1)
    local worker = m:workers()[1]
    for _ = 1, 100 do
      mix.round(m)
    end
    local rss, fds = process.rss(worker), #process.fds(worker)
    local rounds, ending = 0, loop.now() + MINUTES * 60
    while loop.now() < ending do
      mix.round(m)
      rounds = rounds + 1
    end
    local grown = process.rss(worker) - rss
    print(("%d rounds, %d bytes more, %d descriptors before, %d after")
      :format(rounds, grown, fds, #process.fds(worker)))
    assert.is_true(grown < 2e6)
    assert.is_true(#process.fds(worker) <= fds + 4)
  end)
end)
