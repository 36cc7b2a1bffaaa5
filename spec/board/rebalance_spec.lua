--- The rebalancing of an upstream as all workers see it.
local ffi = require "ffi"
local core = require("support.ffi").load("board/board.h", "board/rebalance.h")

local function str(text)
  return ffi.new("struct str", text, #text)
end


describe("a rebalancing", function()
  local board, upstream, a, b, state

  before_each(function()
    local limits = ffi.new("struct board_limits", { 2, 2, 3, 1, 1, 16, 4096 })
    board = core.board_open(limits, "spec")
    assert.is_true(board ~= nil)
    upstream = core.board_add_upstream(board, str "db")
    a = core.board_add_server(board, upstream, str "a")
    b = core.board_add_server(board, upstream, str "b")
    state = ffi.new("struct rebalance_state")
  end)

  after_each(function()
    core.board_close(board)
  end)

  local function read(row)
    return core.board_rebalance_read(board, row, state)
  end

  it("is begun by one, and is of one server", function()
    assert.is_false(read(a))
    assert.is_true(core.board_rebalance_begin(board, a, 60, 1000))
    assert.is_false(core.board_rebalance_begin(board, a, 70, 1001))
    assert.is_true(read(a))
    assert.are.same({ 1000, 0, 60 }, { tonumber(state.began_ms),
      state.retired, state.sessions })
    assert.is_false(read(b))
  end)

  it("counts while it is under way", function()
    core.board_rebalance_count(board, a)
    assert.is_false(read(a))
    assert.is_true(core.board_rebalance_begin(board, a, 60, 2 ^ 40 - 1))
    for _ = 1, 3 do
      core.board_rebalance_count(board, a)
    end
    assert.is_true(read(a))
    assert.are.equal(3, state.retired)
    assert.are.equal(2 ^ 40 - 1, tonumber(state.began_ms))
  end)

  it("counts no further than there is room", function()
    assert.is_true(core.board_rebalance_begin(board, a, 60, 7))
    local most = core.REBALANCE_RETIRED_MAX
    board.servers[a].rebalance = board.servers[a].rebalance + most - 1
    core.board_rebalance_count(board, a)
    core.board_rebalance_count(board, a)
    assert.is_true(read(a))
    assert.are.same({ 7, tonumber(most) },
      { tonumber(state.began_ms), state.retired })
  end)

  it("is ended by one, who knows all that were counted", function()
    assert.is_true(core.board_rebalance_begin(board, a, 60, 1000))
    assert.is_true(read(a))
    local other = ffi.new("struct rebalance_state", state)
    core.board_rebalance_count(board, a)
    assert.is_true(core.board_rebalance_end(board, a, state))
    assert.are.equal(1, state.retired)
    assert.is_false(core.board_rebalance_end(board, a, other))
    assert.is_false(read(a))
    -- The next one is not ended for the one before.
    assert.is_true(core.board_rebalance_begin(board, a, 60, 2000))
    assert.is_false(core.board_rebalance_end(board, a, other))
    assert.is_true(read(a))
  end)

  describe("has a pace that", function()
    local BURST = 50000
    local wait

    before_each(function()
      wait = ffi.new("uint64_t[1]")
    end)

    local function may(now, interval)
      return core.board_rebalance_pace(board, upstream, now, interval, wait)
    end

    it("lets one after the other go", function()
      local start = 10 ^ 9
      assert.is_true(may(start, 200000))
      assert.is_false(may(start, 200000))
      assert.are.equal(200000 - BURST, tonumber(wait[0]))
      assert.is_false(may(start + 200000 - BURST - 1, 200000))
      assert.are.equal(1, tonumber(wait[0]))
      assert.is_true(may(start + 200000 - BURST, 200000))
      assert.is_false(may(start + 200000 - BURST, 200000))
      assert.are.equal(200000, tonumber(wait[0]))
    end)

    it("makes up for little of what was too late", function()
      local start, n = 10 ^ 9, 0
      while may(start, 10000) do
        n = n + 1
      end
      assert.are.equal(6, n)
      n = 0
      while may(start + 10 ^ 8, 10000) do
        n = n + 1
      end
      assert.are.equal(6, n)
    end)

    it("is that of its upstream", function()
      local other = core.board_add_upstream(board, str "other")
      assert.is_true(may(10 ^ 9, 200000))
      assert.is_true(core.board_rebalance_pace(board, other, 10 ^ 9, 200000,
        wait))
    end)
  end)
end)
