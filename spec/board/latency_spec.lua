--- How long servers take to answer: up at once, down slowly, forgotten.
local ffi = require "ffi"
local core = require("support.ffi").load("board/board.h", "board/latency.h",
  "base/clock.h")

local DECAY_MS = core.LATENCY_DECAY_MS
local TICK_MS = 2 ^ core.LATENCY_TICK_BITS


local function str(text)
  return ffi.new("struct str", text, #text)
end


describe("a server's latency", function()
  local board, row
  local start = 1000000

  before_each(function()
    core.clock_update()
    board = core.board_open(ffi.new("struct board_limits", {
      workers = 2, upstreams = 1, servers = 2, sections = 1, scripts = 1,
      entries = 16, ring_bytes = 4096,
    }), "spec")
    assert(board ~= nil)
    row = core.board_add_server(board, core.board_add_upstream(board,
      str "db"), str "one")
  end)

  after_each(function()
    core.board_close(board)
  end)

  local function add(ms, at)
    return core.latency_add(board, row, ms, start + at)
  end

  local function read(at)
    return core.latency_read(board, row, start + at)
  end

  local function assert_near(wanted, got)
    assert.is_true(math.abs(wanted - got) <= wanted * 0.005,
      ("%g, not %g"):format(got, wanted))
  end

  it("is 0 before the first answer", function()
    assert.are.equal(0, read(0))
    assert.are.equal(0, read(5 * DECAY_MS))
  end)

  it("is that of the first answer, even of one in no time", function()
    assert.is_true(add(0, 0))
    assert.is_true(read(0) > 0)
    assert.is_true(add(20, 0))
    assert_near(20, read(0))
  end)

  it("goes up at once", function()
    add(10, 0)
    assert.is_true(add(300, 0))
    assert_near(300, read(0))
  end)

  it("comes down by the time that went by", function()
    add(300, 0)
    assert.is_true(add(10, DECAY_MS))
    local weight = math.exp(-1)
    assert_near(300 * weight + 10 * (1 - weight), read(DECAY_MS))
  end)

  it("does not change for lower ones within a tick", function()
    add(300, 0)
    assert.is_false(add(10, 0))
    assert.is_false(add(299, 1))
    assert_near(300, read(0))
    assert.is_true(add(10, TICK_MS))
  end)

  it("is forgotten while nothing is asked", function()
    add(300, 0)
    assert_near(300 * math.exp(-0.5), read(DECAY_MS / 2))
    assert.is_true(read(20 * DECAY_MS) < 0.001)
  end)

  it("is not older than it is to a process whose clock is behind", function()
    add(300, 10 * TICK_MS)
    assert_near(300, read(0))
    assert.is_false(add(10, 0))
    assert_near(300, read(10 * TICK_MS))
  end)

  it("takes what is no number for an answer in no time", function()
    add(0 / 0, 0)
    assert.is_true(read(0) < 1)
    add(-5, 0)
    assert.is_true(read(0) < 1)
  end)

  it("is in what views show", function()
    core.latency_add(board, row, 80, core.clock_ms())
    local view = ffi.new("struct server_view")
    core.board_read_view(board, row, view)
    assert_near(80, view.latency_ms)
  end)
end)
