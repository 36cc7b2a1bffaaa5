--- The wheel is turned by hand: no clock runs here.
local ffi = require "ffi"
local support = require "support.ffi"

local core = support.load("net/timer.h")

local START_MS = 1000000
local TICK_MS = tonumber(core.TIMER_TICK_MS)
local ROUND_MS = TICK_MS * tonumber(core.TIMER_SLOTS)


describe("a timer wheel", function()
  local wheel, timers, fired, now_ms

  local on_fire = ffi.cast("timer_fn", function(timer)
    for name, t in pairs(timers) do
      if t == timer then
        fired[#fired + 1] = name
      end
    end
  end)

  local function start(name, delay_ms)
    if not timers[name] then
      timers[name] = ffi.new("struct timer")
      core.timer_init(timers[name], on_fire)
    end
    core.timer_wheel_add(wheel, timers[name], now_ms + delay_ms)
  end

  local function turn(ms)
    now_ms = now_ms + ms
    core.timer_wheel_turn(wheel, now_ms)
    return table.concat(fired, " ")
  end

  before_each(function()
    wheel = ffi.new("struct timer_wheel")
    timers, fired, now_ms = {}, {}, START_MS
    core.timer_wheel_init(wheel, now_ms)
  end)

  it("calls a timer once, when it is due and not before", function()
    start("a", 100)
    assert.are.equal("", turn(99))
    assert.are.equal("a", turn(1 + TICK_MS))
    assert.are.equal("a", turn(ROUND_MS * 2))
    assert.is_false(core.timer_is_running(timers.a))
  end)

  it("calls timers of different slots in their order", function()
    start("late", 500)
    start("soon", 40)
    start("middle", 200)
    assert.are.equal("soon middle late", turn(1000))
  end)

  it("keeps a timer that is rounds away", function()
    start("far", ROUND_MS * 3 + 100)
    assert.are.equal("", turn(ROUND_MS))
    assert.are.equal("", turn(ROUND_MS))
    assert.are.equal("", turn(ROUND_MS))
    assert.are.equal("far", turn(100 + TICK_MS))
  end)

  it("is not late after a sleep of many rounds", function()
    start("near", 100)
    start("far", ROUND_MS * 5)
    assert.are.equal("near", turn(ROUND_MS * 4))
    assert.are.equal("near far", turn(ROUND_MS + TICK_MS))
  end)

  it("forgets a timer that is stopped", function()
    start("a", 100)
    core.timer_stop(timers.a)
    core.timer_stop(timers.a)
    assert.are.equal("", turn(ROUND_MS))
  end)

  it("lets the last start of a timer count", function()
    start("a", 100)
    start("a", 400)
    assert.are.equal("", turn(300))
    assert.are.equal("a", turn(100 + TICK_MS))
  end)

  it("says when it must be turned next", function()
    local function next_ms()
      return core.timer_wheel_next(wheel)
    end

    assert.are.equal(0xffffffffffffffffULL, next_ms())
    start("a", 1000)
    start("b", 5000)
    local delay = tonumber(next_ms()) - now_ms
    assert.is_true(delay >= 1000 and delay <= 1000 + 2 * TICK_MS)
    core.timer_stop(timers.a)
    delay = tonumber(next_ms()) - now_ms
    assert.is_true(delay >= 5000 and delay <= 5000 + 2 * TICK_MS)
  end)

  it("takes a delay of nothing in its next turn", function()
    start("now", 0)
    assert.are.equal("now", turn(2 * TICK_MS))
  end)

  it("lets a timer that is called start itself again", function()
    local again = ffi.cast("timer_fn", function(timer)
      fired[#fired + 1] = "again"
      core.timer_wheel_add(wheel, timer, now_ms + 100)
    end)
    timers.self = ffi.new("struct timer")
    core.timer_init(timers.self, again)
    core.timer_wheel_add(wheel, timers.self, now_ms + 100)
    for _ = 1, 3 do
      turn(100 + TICK_MS)
    end
    assert.are.equal(3, #fired)
    core.timer_stop(timers.self)
    again:free()
  end)

  teardown(function()
    on_fire:free()
  end)
end)
