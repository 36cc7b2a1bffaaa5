--- What was not understood, on the board, and as it is shown.
local ffi = require "ffi"
local json = require "dkjson"
local core = require("support.ffi").load("board/board.h", "board/captures.h",
  "board/render_errors.h", "base/clock.h")

local LIMIT = 1048576
local WORKERS = 20


describe("captures", function()
  local board

  before_each(function()
    core.clock_update()
    board = core.board_open(ffi.new("struct board_limits", {
      workers = WORKERS, upstreams = 1, servers = 1, sections = 1, scripts = 1,
      entries = 16, ring_bytes = 4096,
    }), "spec")
    assert(board ~= nil)
  end)

  after_each(function()
    core.board_close(board)
  end)

  local function add(worker, at_ms, bytes, fault)
    local capture = ffi.new("struct capture", {
      at_ms = at_ms, fault = fault or core.CAPTURE_NOWHERE, total = #bytes,
      len = #bytes, kind = core.CAPTURE_REQUEST, why = "bad method",
      client = "127.0.0.1:4711", section = "http web",
    })
    ffi.copy(capture.bytes, bytes, #bytes)
    core.captures_add(board, worker, capture)
  end

  local function show(format)
    local out = ffi.new("struct buf")
    core.buf_init_growing(out, LIMIT)
    core.render_errors(out, board, format)
    assert.is_false(out.failed)
    local text = ffi.string(out.p, out.len)
    core.buf_fini(out)
    return text
  end

  it("are shown in the order of their times, the last first", function()
    add(0, 1000, "one")
    add(1, 3000, "three")
    add(0, 2000, "two")
    local shown = json.decode(show(core.RENDER_JSON))
    assert.are.equal(3, shown.captured)
    local bytes = {}
    for i, event in ipairs(shown.events) do
      bytes[i] = event.bytes
    end
    assert.are.same({ "three", "two", "one" }, bytes)
    assert.are.equal(2, shown.events[2].event)
  end)

  it("push out the oldest", function()
    for i = 1, 100 do
      add(0, i, tostring(i))
    end
    local shown = json.decode(show(core.RENDER_JSON))
    assert.are.equal(100, shown.captured)
    assert.are.equal(16, #shown.events)
    assert.are.equal("100", shown.events[1].bytes)
    assert.are.equal("85", shown.events[16].bytes)
  end)

  it("are the last 256 of many workers", function()
    for i = 1, WORKERS * 16 do
      add(i % WORKERS, i * 7919 % 100003, tostring(i * 7919 % 100003))
    end
    local shown = json.decode(show(core.RENDER_JSON))
    assert.are.equal(WORKERS * 16, shown.captured)
    local times = {}
    for i = 1, WORKERS * 16 do
      times[i] = i * 7919 % 100003
    end
    table.sort(times, function(a, b)
      return a > b
    end)
    assert.are.equal(256, #shown.events)
    for i, event in ipairs(shown.events) do
      assert.are.equal(times[i], event.at_ms)
    end
  end)

  it("are passed over where a worker was killed in the middle", function()
    add(0, 1, "whole")
    add(0, 2, "half")
    local row = board.captures[0].rows[1]
    row.version = row.version + 1
    local shown = json.decode(show(core.RENDER_JSON))
    assert.are.equal(1, #shown.events)
    assert.are.equal("whole", shown.events[1].bytes)
    -- The next that comes there is whole again.
    for i = 1, 16 do
      add(0, 2 + i, "later " .. i)
    end
    shown = json.decode(show(core.RENDER_JSON))
    assert.are.equal(16, #shown.events)
    assert.are.equal("later 16", shown.events[1].bytes)
  end)

  it("move no cursor of a terminal, and show where it was wrong", function()
    add(0, 1, "GET\27[2J / \1\200\r\nx\\y\n" .. ("z"):rep(70), 3)
    local text = show(core.RENDER_TEXT)
    assert.is_nil(text:find("[^ -~\n]"))
    assert.truthy(text:find("\n  bad method, at byte 3 of 88:\n", 1, true),
      text)
    local dump = "  00000  GET\\x1b[2J / \\x01\\xc8\\r\\n\n"
      .. "  00014  x\\\\y\\n\n"
      .. "  00018  " .. ("z"):rep(64) .. "\n"
      .. "  00082+ zzzzzz\n"
    assert.are.equal(dump, text:sub(-#dump))
  end)

  it("are JSON whatever they hold", function()
    local all = {}
    for i = 0, 255 do
      all[#all + 1] = string.char(i)
    end
    add(0, 1, table.concat(all))
    local shown = json.decode(show(core.RENDER_JSON))
    assert.truthy(shown.events[1].bytes:find("\\x00\\x01", 1, true))
    assert.truthy(shown.events[1].bytes:find('"#$', 1, true))
  end)
end)
