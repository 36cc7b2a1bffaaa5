--- Numbers of workers: several generations on one board.
local ffi = require "ffi"
local core = require("support.ffi").load("board/board.h", "board/numbers.h",
  "board/slots.h", "base/clock.h")

local ENOSPC = 28
local OLD, NEW = 4000, 5000  -- masters


local function str(text)
  return ffi.new("struct str", text, #text)
end


describe("numbers of workers", function()
  local board

  before_each(function()
    core.clock_update()
    local limits = ffi.new("struct board_limits", { 5, 1, 1, 1, 1, 16, 4096 })
    limits.vacant = 5
    board = core.board_open(limits, "spec")
    assert.is_true(board ~= nil)
  end)

  after_each(function()
    core.board_close(board)
  end)

  -- The numbers, or nil and errno.
  local function claim(count, master)
    local numbers = ffi.new("unsigned[?]", count)
    if core.numbers_claim(board, numbers, count, master) < 0 then
      return nil, ffi.errno()
    end
    local list = {}
    for i = 1, count do
      list[i] = numbers[i - 1]
    end
    return list
  end

  local function generations()
    local list = ffi.new("struct generation[8]")
    local found = {}
    for i = 1, core.numbers_generations(board, list, 8) do
      local g = list[i - 1]
      found[i] = { g.master, g.workers, g.sessions }
    end
    return found
  end

  it("are disjoint, and the lowest", function()
    assert.are.same({ 0, 1 }, claim(2, OLD))
    assert.are.same({ 2, 3 }, claim(2, NEW))
    assert.are.equal(4, board.header.worker_top)
  end)

  it("are all or none", function()
    assert.are.same({ 0, 1, 2 }, claim(3, OLD))
    assert.are.same({ nil, ENOSPC }, { claim(3, NEW) })
    assert.are.same({ 3, 4 }, claim(2, NEW))
  end)

  it("come again when they are given back", function()
    claim(2, OLD)
    claim(2, NEW)
    core.numbers_release(board, 1)
    assert.are.same({ 1, 4 }, claim(2, NEW))
  end)

  it("show who drains, and how many sessions that has", function()
    claim(2, OLD)
    assert.is_true(core.slot_take(board, 1, 0, 0))
    assert.is_true(core.slot_take(board, 0, 0, 0))
    assert.is_true(core.slot_take(board, 0, 0, 0))
    claim(1, NEW)
    local list = generations()
    table.sort(list, function(a, b)
      return a[1] < b[1]
    end)
    assert.are.same({ { OLD, 2, 3 }, { NEW, 1, 0 } }, list)
    core.numbers_release(board, 2)
    assert.are.same({ { OLD, 2, 3 } }, generations())
  end)

  describe("of a board that is adopted", function()
    local adopted

    local function adopt(fd)
      return core.board_adopt(fd, board.wakes, 5, board.control_wake)
    end

    after_each(function()
      if adopted then
        -- It has the other's descriptors.
        for i = 0, 4 do
          adopted.wakes[i] = -1
        end
        adopted.control_wake = -1
        adopted.fd = -1
        core.board_close(adopted)
        adopted = nil
      end
    end)

    it("are those of both", function()
      core.board_add_upstream(board, str "php")
      claim(2, OLD)
      adopted = adopt(board.fd)
      assert.is_true(adopted ~= nil)
      assert.are.equal(0, core.board_find_upstream(adopted, str "php"))
      assert.is_true(core.slot_take(adopted, 1, 0, 1))
      assert.is_false(core.slot_take(board, 0, 0, 1))
      core.slot_give(adopted, 1, 0)
      assert.is_true(core.slot_take(board, 0, 0, 1))
    end)

    it("are refused where it is another layout, or cut", function()
      local layout = board.header.layout
      board.header.layout = layout + 1
      assert.is_true(adopt(board.fd) == nil)
      board.header.layout = layout
      board.header.size = board.header.size + 1
      assert.is_true(adopt(board.fd) == nil)
      board.header.size = board.header.size - 1
      assert.is_true(core.board_adopt(board.fd, board.wakes, 4,
        board.control_wake) == nil)
    end)
  end)
end)
