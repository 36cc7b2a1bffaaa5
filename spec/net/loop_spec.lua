--- One turn of the loop: descriptors, timers, what was put off.
local ffi = require "ffi"
local net = require "support.net"
local support = require "support.ffi"

local core = support.load("net/loop.h", "base/clock.h")


describe("the loop", function()
  local loop, events, callbacks

  before_each(function()
    events, callbacks = {}, {}
    core.clock_update()
    loop = core.loop_new()
  end)

  local function free()
    core.loop_free(loop)
    loop = nil
  end
  jit.off(free)

  after_each(function()
    if loop ~= nil then
      free()
    end
    for _, callback in ipairs(callbacks) do
      callback:free()
    end
  end)

  -- A C function of this type that notes NAME and then calls F.
  local function callback(type, name, f)
    local c = ffi.cast(type, function(...)
      events[#events + 1] = name
      if f then
        f(...)
      end
    end)
    callbacks[#callbacks + 1] = c
    return c
  end

  local function stop()
    core.loop_stop(loop)
  end

  local function run()
    core.loop_run(loop)
    return table.concat(events, " ")
  end
  jit.off(run)

  local function timer(delay_ms, name, f)
    local t = ffi.new("struct timer")
    core.timer_init(t, callback("timer_fn", name, f))
    core.loop_start_timer(loop, t, delay_ms)
    return t
  end

  local function defer(name, f)
    local d = ffi.new("struct deferred")
    core.deferred_init(d, callback("deferred_fn", name, f))
    core.loop_defer(loop, d)
    return d
  end

  it("calls timers when they are due, and not before", function()
    local begun = core.clock_ms()
    local second = timer(60, "second", stop)
    local first = timer(20, "first")
    assert.are.equal("first second", run())
    assert.is_true(core.clock_ms() - begun >= 60)
    assert.is_truthy(first and second)
  end)

  it("calls no timer that was stopped", function()
    local stopped = timer(10, "stopped")
    local last = timer(40, "last", stop)
    core.timer_stop(stopped)
    assert.are.equal("last", run())
    assert.is_truthy(last)
  end)

  it("does at the end of a turn what was put off in it", function()
    local put_off
    local t = timer(1, "timer", function()
      put_off = defer("put off", stop)
      events[#events + 1] = "still here"
    end)
    assert.are.equal("timer still here put off", run())
    assert.is_truthy(t and put_off)
  end)

  it("does once what was put off twice", function()
    local d = defer("put off")
    core.loop_defer(loop, d)
    local t = timer(20, "timer", stop)
    assert.are.equal("put off timer", run())
    assert.is_truthy(t)
  end)

  it("does nothing of what was taken back", function()
    local d = defer("put off")
    core.deferred_cancel(d)
    local t = timer(20, "timer", stop)
    assert.are.equal("timer", run())
    assert.is_truthy(t)
  end)

  it("does what is put off when it is freed", function()
    local d = defer("put off")
    free()
    assert.are.same({ "put off" }, events)
    assert.is_truthy(d)
  end)

  it("tells of a descriptor again until it is read", function()
    local listener = net.listen()
    local watch = ffi.new("struct watch")
    local times = 0
    assert.are.equal(0, core.watch_start(watch, loop, listener.fd,
      callback("watch_fn", "readable", function(w)
        times = times + 1
        assert(core.watch_fd(w) == listener.fd)
        if times == 2 then
          core.loop_stop(loop)
        end
      end)))
    local client = net.connect(listener.port)
    assert.are.equal("readable readable", run())
    core.watch_stop(watch)
    client:close()
    listener:close()
  end)

  it("reads the clock once a turn", function()
    local before = core.clock_us()
    local seen = {}
    local t = timer(1, "a", function()
      seen[1] = core.clock_us()
      core.loop_wake(loop)
      seen[2] = core.clock_us()
    end)
    local u = timer(1, "b", function()
      seen[3] = core.clock_us()
      core.loop_stop(loop)
    end)
    run()
    assert.is_true(seen[1] > before)
    assert.is_true(seen[1] == seen[2] and seen[2] == seen[3])
    assert.is_truthy(t and u)
  end)
end)
