--- The ring of events: several writers, and one that is killed at any moment.
local ffi = require "ffi"
local folder = require "support.folder"
local json = require "dkjson"
local page = require "support.board_page"

local core = page.core

ffi.cdef [[
int writer_start(void *note, void *board, const char *words);
int writer_step(int pid);
void writer_kill(int pid);
unsigned writer_change(int pid, const void *mem, size_t size, unsigned count);
]]

local KEPT = tonumber(core.EVENTS_KEPT)
local WORDS_MAX = tonumber(core.EVENT_WORDS_MAX)
local CHANGES_MAX = 1000


local function compile_helper(path)
  local library = path .. "/event_writers.so"
  assert(os.execute(("env -u LD_PRELOAD %s -std=gnu11 -D_GNU_SOURCE -O2 "
    .. "-Wall -Wextra -shared -fPIC -o %s spec/board/event_writers.c")
    :format(os.getenv("CC") or "cc", library)) == 0,
    "the helper does not compile")
  return ffi.load(library)
end


describe("events", function()
  local board, helper_folder, helper

  setup(function()
    helper_folder = folder.make()
    helper = compile_helper(helper_folder)
  end)

  teardown(function()
    folder.remove(helper_folder)
  end)

  before_each(function()
    board = page.open()
  end)

  after_each(function()
    core.board_close(board)
  end)

  local function note(words, kind)
    core.event_note(board, kind or core.EVENT_UP, "%s", words)
  end

  -- Their words, the newest first.
  local function all()
    local list, line = {}, ffi.new("struct event_line")
    local last = tonumber(core.events_last(board))
    for number = last, math.max(1, last - KEPT + 1), -1 do
      if core.event_read(line, board, number) then
        list[#list + 1] = ffi.string(line.words)
      end
    end
    return list
  end

  it("are kept with their time and kind, the newest first", function()
    note("a is down", core.EVENT_DOWN)
    core.clock_advance(1500)
    note("a is up")
    local text = page.render(function(out)
      core.render_events(out, board, core.RENDER_JSON)
    end)
    local events = assert(json.decode(text))
    assert.are.equal("a is up", events[1].words)
    assert.are.equal("up", events[1].kind)
    assert.are.equal("down", events[2].kind)
    assert.are.equal(1500, events[1].time_ms - events[2].time_ms)
    assert.are.equal(2, #events)
  end)

  it("have one line each for people", function()
    note("a is down", core.EVENT_DOWN)
    note("b\nis\27[1m up")
    local text = page.render(function(out)
      core.render_events(out, board, core.RENDER_TEXT)
    end)
    local first, second = text:match("^([^\n]+)\n([^\n]+)\n$")
    assert.is_truthy(first:find("  up          b is %[1m up$"))
    assert.is_truthy(second:find("  down        a is down$"))
  end)

  it("go when there are too many", function()
    for i = 1, KEPT * 2 + 5 do
      note("event " .. i)
    end
    local list = all()
    assert.are.equal(KEPT, #list)
    assert.are.equal("event " .. KEPT * 2 + 5, list[1])
    assert.are.equal("event " .. KEPT + 6, list[KEPT])
  end)

  it("are cut between two characters, and are UTF-8", function()
    for pad = 0, 3 do
      note(("x"):rep(pad) .. ("月"):rep(100))
      local words = all()[1]
      assert.is_true(#words <= WORDS_MAX and #words > WORDS_MAX - 3)
      assert.are.equal(0, (#words - pad) % 3)
    end
    note("a\255\254b\xe6\x9c")
    assert.are.equal("a??b??", all()[1])
  end)

  it("are whole whenever their writer is killed, and its place is taken",
    function()
      local function start()
        return helper.writer_start(ffi.cast("void *", core.event_note), board,
          "words of a writer that dies")
      end
      local function change(pid, count)
        return helper.writer_change(pid, board.events,
          ffi.sizeof("struct event_ring"), count)
      end
      local count = change(start(), CHANGES_MAX)
      assert.is_true(count > 4 and count < CHANGES_MAX)
      assert.are.same({ "words of a writer that dies" }, all())

      local seen = 0
      for i = 1, count do
        local before = #all()
        local pid = start()
        change(pid, i)
        helper.writer_kill(pid)
        for _, words in ipairs(all()) do
          assert.are.equal("words of a writer that dies", words)
        end
        seen = seen + #all() - before
      end
      assert.is_true(seen > 0 and seen < count)

      for i = 1, KEPT do
        note("event " .. i)
      end
      assert.are.equal(KEPT, #all())
      for _, words in ipairs(all()) do
        assert.is_truthy(words:find("^event %d+$"))
      end
    end)

  it("of a writer that stands still are lost, and nobody waits", function()
    local pid = helper.writer_start(ffi.cast("void *", core.event_note), board,
      "slow")
    local owner = ffi.cast("uint64_t *", board.events.cells[1])
    while owner[0] == 0 do
      assert.are.equal(1, helper.writer_step(pid))
    end
    for i = 2, KEPT + 1 do
      note("event " .. i)
    end
    assert.are.equal(KEPT - 1, #all())
    while helper.writer_step(pid) == 1 do
    end
    note("last")
    assert.are.equal("last", all()[1])
    for i = 1, KEPT do
      note("event " .. i)
    end
    assert.are.equal(KEPT, #all())
  end)
end)
