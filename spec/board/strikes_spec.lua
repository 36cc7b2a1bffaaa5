--- Strikes against scripts, on a board of their own.
local ffi = require "ffi"
local support = require "support.ffi"
local core = support.load("board/board.h", "board/strikes.h",
                          "base/clock.h")


describe("strikes", function()
  local board, row

  before_each(function()
    core.clock_update()
    board = core.board_open(ffi.new("struct board_limits", {
      workers = 1, upstreams = 1, servers = 1, sections = 1, scripts = 2,
      ring_bytes = 4096,
    }), "1")
    local number = core.board_add_script(board, ffi.new("struct str", "a", 1))
    row = board.scripts[number]
  end)

  after_each(function()
    core.board_close(board)
  end)

  local function strike(fault)
    return core.strikes_add(row, fault or core.STRIKE_TIME)
  end

  it("quarantine with the third, which says why", function()
    assert.is_false(strike())
    assert.is_false(strike())
    assert.are.equal(0, row.verdict)
    assert.is_true(strike(core.STRIKE_MEMORY))
    assert.are.equal(core.STRIKE_MEMORY, row.verdict)
    assert.is_false(strike())
    assert.are.equal(core.STRIKE_MEMORY, row.verdict)
    assert.is_truthy(ffi.string(core.strikes_words(row.verdict))
      :find("memory", 1, true))
  end)

  it("are forgotten after a minute", function()
    for _ = 1, 10 do
      assert.is_false(strike())
      assert.is_false(strike())
      for i = 0, 2 do
        row.strikes_ms[i] = row.strikes_ms[i] - 60001
      end
    end
  end)

  it("can be lifted, and start anew", function()
    for _ = 1, 3 do
      strike()
    end
    core.strikes_lift(row)
    assert.are.equal(0, row.verdict)
    assert.is_false(strike())
    assert.is_false(strike())
    assert.is_true(strike())
  end)

  it("condemn at once, and only once", function()
    assert.is_true(core.strikes_condemn(row, core.STRIKE_STUCK))
    assert.is_false(core.strikes_condemn(row, core.STRIKE_TIME))
    assert.are.equal(core.STRIKE_STUCK, row.verdict)
  end)
end)
