--- What is left of many requests, good and broken ones: nothing.
local folder = require "support.folder"
local loop = require "support.loop"
local mix = require "support.mix"
local moongate = require "support.moongate"
local process = require "support.process"

local ROUNDS = 15
local KEPT = 2  -- connections that `keepalive` may keep, a server


describe("many requests, good and broken ones,", function()
  after_each(moongate.finish)

  it("leave no descriptor, no slot and no file", function()
    local m = mix.start(1)
    local worker = m:workers()[1]
    mix.round(m)
    local before = #process.fds(worker)
    for _ = 1, ROUNDS do
      mix.round(m)
    end
    loop.wait_until("descriptors are given back", function()
      return #process.fds(worker) <= before + 2 * KEPT
    end)
    m:wait_active("one", 0)
    loop.wait_until("nobody is connected", function()
      return m:ctl("show info --json").now == 0
    end)
    assert.are.same({}, folder.list(m.dir .. "/temp"))
  end)

  it("take no more memory each time", function()
    local m = mix.start(1)
    local worker = m:workers()[1]
    for _ = 1, ROUNDS do
      mix.round(m)
    end
    local before = process.rss(worker)
    for _ = 1, ROUNDS do
      mix.round(m)
    end
    assert.is_true(process.rss(worker) - before < 2e6)
  end)
end)
