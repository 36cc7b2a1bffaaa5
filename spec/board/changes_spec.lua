-- The journal of changes: who changes what views show notes it, and who cannot
-- find a change looks at everything.
local ffi = require "ffi"
local core = require("support.ffi").load("board/board.h", "board/changes.h",
  "board/slots.h", "board/state.h")

local KEPT = core.BOARD_CHANGES_KEPT
local ROW_BITS = 16


local function str(text)
  return ffi.new("struct str", text, #text)
end


describe("changes", function()
  local board, upstream, a, b

  before_each(function()
    local limits = ffi.new("struct board_limits", { 2, 2, 3, 1, 1, 16, 4096 })
    board = core.board_open(limits, "spec")
    assert.is_true(board ~= nil)
    upstream = core.board_add_upstream(board, str "db")
    a = core.board_add_server(board, upstream, str "a")
    b = core.board_add_server(board, upstream, str "b")
  end)

  after_each(function()
    core.board_close(board)
  end)

  local function count()
    return tonumber(board.upstreams[upstream].change_count)
  end

  -- As changes_row, which is inline.
  local function row_of(n)
    local cell = board.upstreams[upstream].changes[n % KEPT]
    if cell / 2 ^ ROW_BITS ~= ffi.cast("uint64_t", n + 1) then
      return nil
    end
    return tonumber(cell % 2 ^ ROW_BITS)
  end

  local function rows_since(first)
    local rows = {}
    for n = first, count() - 1 do
      rows[#rows + 1] = row_of(n) or "unknown"
    end
    return rows
  end

  for name, change in pairs {
    board_set_weight = function() core.board_set_weight(board, b, 7) end,
    board_set_admin = function() core.board_set_admin(board, b, 1) end,
    board_set_up = function()
      core.board_set_up(board, b, false, str "refused")
    end,
    board_set_server = function()
      core.board_set_server(board, b, str "127.0.0.1:1", 1, 5, true)
    end,
    changes_note = function() core.changes_note(board, b) end,
  } do
    it("are noted by " .. name, function()
      local before = count()
      change()
      assert.are.same({ b }, rows_since(before))
    end)
  end

  it("are noted of a server that is added", function()
    assert.are.same({ a, b }, rows_since(0))
  end)

  it("are kept in order, each upstream's own", function()
    local other = core.board_add_upstream(board, str "other")
    local c = core.board_add_server(board, other, str "c")
    local before = count()
    core.changes_note(board, b)
    core.changes_note(board, c)
    core.changes_note(board, a)
    assert.are.same({ b, a }, rows_since(before))
  end)

  it("are known as long as no later one is in their place", function()
    local before = count()
    for _ = 1, KEPT do
      core.changes_note(board, a)
    end
    assert.are.equal(a, row_of(before))
    core.changes_note(board, b)
    assert.is_nil(row_of(before))
    assert.are.equal(b, row_of(before + KEPT))
  end)

  it("are unknown where the writer died before it wrote", function()
    local before = count()
    board.upstreams[upstream].change_count = before + 1
    core.changes_note(board, b)
    assert.are.same({ "unknown", b }, rows_since(before))
  end)

  it("of all servers leave nobody's place known", function()
    local before = count()
    core.changes_note_all(board, upstream)
    assert.is_nil(row_of(before))
    assert.are.equal(before + KEPT, count())
  end)

  it("are those of all servers when a worker has died", function()
    local other = core.board_add_upstream(board, str "other")
    core.board_worker_started(board, 1, 4242, 1)
    assert.is_true(core.slot_take(board, 1, 1 + a, 0))
    local before = count()
    core.board_worker_died(board, 1)
    assert.is_nil(row_of(before))
    assert.are.equal(KEPT, tonumber(board.upstreams[other].change_count))
  end)
end)
