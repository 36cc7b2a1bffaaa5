--- Conduits: the kernel pipes that bulk passes through, and streams that move
-- bytes in and out of them.
local ffi = require "ffi"
local process = require "support.process"
local stream = require "support.stream"
local support = require "support.ffi"

local core = support.load("net/conduit.h", "net/stream.h", "net/loop.h",
  "base/clock.h")

ffi.cdef "int getpid(void);"

local EAGAIN = 11


local function pipes_open()
  return process.pipe_ends(ffi.C.getpid())
end


describe("conduits", function()
  local loop, pool, lent, before

  before_each(function()
    core.clock_update()
    loop = core.loop_new()
    before = pipes_open()
    pool = ffi.new("struct conduit_pool")
    core.conduit_pool_init(pool, loop)
    lent = {}
  end)

  after_each(function()
    for _, conduit in ipairs(lent) do
      core.conduit_give(pool, conduit)
    end
    core.conduit_pool_fini(pool)
    assert.are.equal(before, pipes_open())
    core.loop_free(loop)
  end)

  local function take()
    local conduit = core.conduit_take(pool)
    if conduit ~= nil then
      lent[#lent + 1] = conduit
    end
    return conduit
  end

  -- Turns the loop for so long.
  local function run(ms)
    local stop = ffi.cast("timer_fn", function()
      core.loop_stop(loop)
    end)
    local timer = ffi.new("struct timer")
    core.timer_init(timer, stop)
    core.loop_start_timer(loop, timer, ms)
    core.loop_run(loop)
    stop:free()
  end
  jit.off(run)

  it("are lent again when they were given back", function()
    local first = take()
    core.conduit_give(pool, table.remove(lent))
    assert.are.equal(first, take())
    assert.are.equal(before + 2, pipes_open())
  end)

  it("are never more than they may be", function()
    for _ = 1, core.CONDUITS_MAX do
      assert.is_true(take() ~= nil)
    end
    assert.is_true(take() == nil)
  end)

  it("are closed when something is left in them", function()
    local conduit = table.remove(lent, take() and 1)
    conduit.held = 1
    core.conduit_give(pool, conduit)
    assert.are.equal(0, pool.count)
    assert.are.equal(before, pipes_open())
  end)

  it("are closed a moment after nobody needs them", function()
    take()
    core.conduit_give(pool, table.remove(lent))
    run(3 * core.CONDUIT_LOOK_MS)
    assert.are.equal(0, pool.count)
  end)

  describe("between streams", function()
    local from, to

    before_each(function()
      from, to = stream.new(), stream.new()
    end)

    after_each(function()
      from:close()
      to:close()
    end)

    -- Moves bytes into a new conduit; what the call said.
    local function splice_in()
      local conduit = take()
      return tonumber(core.stream_splice_in(from.stream, conduit)), conduit
    end

    it("carry bytes without a change", function()
      local text = ("moongate "):rep(1000)
      from.peer:send(text)
      while not from.stream.readable do
        from:turn()
      end
      local n, conduit = splice_in()
      assert.are.equal(n, tonumber(conduit.held))
      assert.are.equal(n, tonumber(core.stream_splice_out(to.stream, conduit)))
      assert.are.equal(0, tonumber(conduit.held))
      assert.are.equal(text:sub(1, n), to.peer:receive(n))
    end)

    it("say that there is nothing", function()
      local n = splice_in()
      assert.are.same({ -1, EAGAIN }, { n, ffi.errno() })
      assert.is_false(from.stream.readable)
    end)

    it("say that the end has come", function()
      from.peer:shutdown()
      while not from.stream.hung_up do
        from:turn()
      end
      assert.are.equal(0, (splice_in()))
    end)
  end)
end)
