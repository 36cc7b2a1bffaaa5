--- What scripts have done, by their hooks, and how it is shown.
local ffi = require "ffi"
local core = require("support.ffi").load("board/board.h",
  "board/script_counts.h", "board/render_scripts.h", "base/clock.h",
  "base/buf.h")

local CONTROL = 2  -- as a worker's number
local PICK, DONE = 2, 3


local function str(text)
  return ffi.new("struct str", text, #text)
end


describe("the counts of a script", function()
  local board, row

  before_each(function()
    core.clock_update()
    board = core.board_open(ffi.new("struct board_limits", {
      workers = 2, upstreams = 1, servers = 1, sections = 1, scripts = 2,
      ring_bytes = 4096,
    }), "spec")
    assert(board ~= nil)
    row = core.board_add_script(board, str "a.lua")
    core.script_counts_use(board, row, PICK, "pick")
  end)

  after_each(function()
    core.board_close(board)
  end)

  local function at(worker, hook, script)
    return core.script_counts_row(board, worker, hook, script or row)
  end

  local function totals(hook)
    local out = ffi.new("struct script_totals")
    if hook then
      core.script_counts_sum(board, row, hook, out)
    else
      core.script_counts_sum_all(board, row, out)
    end
    return { tonumber(out.calls), tonumber(out.errors),
             tonumber(out.fallbacks) }
  end

  local function render(format)
    local out = ffi.new("struct buf")
    core.buf_init_growing(out, 1e6)
    core.render_scripts(out, board, format)
    local text = ffi.string(out.p, out.len)
    core.buf_fini(out)
    return text
  end

  it("lie in rows of their own", function()
    local seen, bytes = {}, ffi.sizeof("struct script_counters")
    assert.are.equal(0, bytes % 64)
    for worker = 0, CONTROL do
      for hook = 0, core.BOARD_HOOKS_MAX - 1 do
        for script = 0, 1 do
          local place = tonumber(ffi.cast("intptr_t",
            at(worker, hook, script)))
          assert.is_nil(seen[place])
          assert.are.equal(0, place % bytes % 64)
          seen[place] = true
        end
      end
    end
  end)

  it("are summed over the workers and control", function()
    core.script_counts_use(board, row, DONE, "done")
    for worker = 0, CONTROL do
      at(worker, PICK).calls = 10 ^ worker
      at(worker, DONE).calls = 3
      at(worker, DONE).errors = worker
    end
    at(0, PICK).fallbacks = 7
    assert.are.same({ 111, 0, 7 }, totals(PICK))
    assert.are.same({ 9, 3, 0 }, totals(DONE))
    assert.are.same({ 120, 3, 7 }, totals())
  end)

  it("are those of hooks that it has", function()
    assert.is_true(core.script_counts_has(board, row, PICK))
    assert.is_false(core.script_counts_has(board, row, DONE))
    at(0, DONE).calls = 5
    assert.are.same({ 0, 0, 0 }, totals(DONE))
    assert.are.same({ 0, 0, 0 }, totals())
  end)

  it("begin at 0 in a row that is used again", function()
    at(1, PICK).calls = 5
    core.times_add(at(1, PICK).times, 1000, 1)
    core.board_remove_script(board, row)
    assert.are.equal(row, core.board_add_script(board, str "b.lua"))
    assert.is_false(core.script_counts_has(board, row, PICK))
    core.script_counts_use(board, row, PICK, "pick")
    assert.are.same({ 0, 0, 0 }, totals())
    assert.are.equal(0, tonumber(at(1, PICK).times.max_ns))
  end)

  it("are shown in columns, a line for each hook", function()
    at(0, PICK).calls = 12
    core.times_add(at(0, PICK).times, 900, 1)
    core.times_add(at(1, PICK).times, 20000000, 1)
    core.script_counts_use(board, row, DONE, "done")
    local lines = {}
    for line in render(core.RENDER_TEXT):gmatch("(.-)\n") do
      lines[#lines + 1] = line:gsub(" +", " ")
    end
    assert.are.same({
      "script calls errors fallbacks p50 p99 max version generation seconds "
        .. "state",
      "a.lua 12 0 0 928ns 19.9ms 20.0ms 0 0 in use",
      " pick 12 0 0 928ns 19.9ms 20.0ms",
      " done 0 0 0 - - -",
    }, lines)
  end)

  it("are shown as JSON", function()
    at(CONTROL, PICK).calls = 3
    at(CONTROL, PICK).errors = 1
    core.times_add(at(CONTROL, PICK).times, 12, 1)
    local figures = '"calls":3,"errors":1,"fallbacks":0,'
      .. '"p50_ns":12,"p99_ns":12,"max_ns":12'
    assert.are.equal('[{"name":"a.lua",' .. figures .. ',"quarantined":false,'
      .. '"quarantined_seconds":0,"reason":"","version":null,"previous":null,'
      .. '"generation":0,"version_seconds":0,"unconfirmed":false,'
      .. '"confirm_seconds":0,"hooks":[{"hook":"pick",'
      .. figures .. '}]}]\n', render(core.RENDER_JSON))
  end)
end)
