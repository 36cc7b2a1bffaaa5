-- The board's rows, what is read of them, the counters, and the outputs.
local ffi = require "ffi"
local support = require "support.ffi"
local core = support.load("base/buf.h", "base/clock.h", "board/view_struct.h",
  "board/slots.h", "board/render.h")

ffi.cdef [[
struct spec_limits {
  unsigned workers, upstreams, servers, sections, scripts; size_t ring_bytes;
  size_t dict_bytes; unsigned series, seats, vacant;
};
/* The head of struct board, as far as the counters. */
struct spec_board_head {
  int fd; size_t size; void *tables[6]; void *slots;
  uint64_t *server_counters, *section_counters;
};
void board_sum_server(const struct board *b, int row, uint64_t *out);
void board_sum_section(const struct board *b, int row, uint64_t *out);
void board_sum_worker(const struct board *b, unsigned worker, uint64_t *out);
struct board *board_open(const struct spec_limits *limits,
                         const char *version);
void board_close(struct board *b);
int board_add_upstream(struct board *b, struct str name);
int board_add_server(struct board *b, int upstream, struct str name);
int board_add_section(struct board *b, struct str name);
int board_add_script(struct board *b, struct str name);
int board_find_upstream(const struct board *b, struct str name);
int board_find_server(const struct board *b, int upstream, struct str name);
int board_find_section(const struct board *b, struct str name);
int board_find_script(const struct board *b, struct str name);
void board_remove_upstream(struct board *b, int row);
void board_remove_server(struct board *b, int row);
void board_remove_section(struct board *b, int row);
void board_set_server(struct board *b, int row, struct str address,
                      int32_t weight, int32_t maxconn, bool backup);
void board_note_check(struct board *b, int row, int status, struct str words,
                      uint32_t took_us);
void board_set_counts(struct board *b, int row, int32_t fails, int32_t passes);
void board_set_up(struct board *b, int row, bool up, struct str why);
const char *board_reason(const struct board *b, int row, char *text);
bool board_in_service(const struct board *b, int row);
void board_set_admin(struct board *b, int row, int admin);
void board_set_weight(struct board *b, int row, int32_t weight);
const char *board_check_words(const struct board *b, int row, char *text);
int board_chosen(const struct board *b, int upstream);
bool board_choose(struct board *b, int upstream, int to, int *chosen);
void board_read_view(const struct board *b, int row,
                     struct server_view *view);
void board_worker_started(struct board *b, unsigned worker, int pid,
                          uint32_t generation);
void board_worker_died(struct board *b, unsigned worker);
int pipe(int fds[2]);
]]

local NONE, EEXIST, EINVAL, ENOSPC = -1, 17, 22, 28
local READY, DRAIN, MAINT = 0, 1, 2
local TEXT, JSON = 0, 1


-- Texts stay referenced as long as the calls that get them.
local kept = {}


local function str(text)
  kept[#kept + 1] = text
  return ffi.new("struct str", { text, #text })
end


local function open(changes)
  local limits = ffi.new("struct spec_limits", { 2, 2, 3, 2, 2, 4096 })
  for name, value in pairs(changes or {}) do
    limits[name] = value
  end
  local board = core.board_open(limits, "1.2.3")
  if board == nil then
    return nil, ffi.errno()
  end
  return board
end


describe("board", function()
  local board


  before_each(function()
    core.clock_update()
    board = assert(open())
  end)


  after_each(function()
    core.board_close(board)
    kept = {}
  end)


  for _, case in ipairs {
    { workers = 0 }, { workers = 255 }, { ring_bytes = 4095 },
    { ring_bytes = 5000 }, { servers = 32768 },
  } do
    local name, value = next(case)
    it(("refuses %d %s"):format(value, name), function()
      local made, reason = open(case)
      assert.is_nil(made)
      assert.equal(EINVAL, reason)
    end)
  end


  it("has room for 64 workers, and for none of the rows", function()
    local most = assert(open { workers = 64 })
    core.board_close(most)
    local least = assert(open { upstreams = 0, servers = 0, sections = 0,
      scripts = 0 })
    assert.equal(NONE, core.board_add_upstream(least, str "any"))
    core.board_close(least)
  end)


  it("finds each row by its name and kind", function()
    local php = core.board_add_upstream(board, str "php")
    local db = core.board_add_upstream(board, str "db")
    local php_a = core.board_add_server(board, php, str "a")
    local db_a = core.board_add_server(board, db, str "a")
    local web = core.board_add_section(board, str "http web")
    local script = core.board_add_script(board, str "tp5.lua")
    assert.are_not.equal(php_a, db_a)
    assert.equal(php, core.board_find_upstream(board, str "php"))
    assert.equal(db, core.board_find_upstream(board, str "db"))
    assert.equal(php_a, core.board_find_server(board, php, str "a"))
    assert.equal(db_a, core.board_find_server(board, db, str "a"))
    assert.equal(web, core.board_find_section(board, str "http web"))
    assert.equal(script, core.board_find_script(board, str "tp5.lua"))
    assert.equal(NONE, core.board_find_upstream(board, str "ph"))
    assert.equal(NONE, core.board_find_server(board, php, str "b"))
    assert.equal(NONE, core.board_find_section(board, str "php"))
  end)


  it("refuses a name that is there, empty, too long, or one too many",
    function()
      core.board_add_upstream(board, str "php")
      local function refused(name)
        assert.equal(NONE, core.board_add_upstream(board, str(name)))
        return ffi.errno()
      end
      assert.equal(EEXIST, refused "php")
      assert.equal(EINVAL, refused "")
      assert.equal(EINVAL, refused(("x"):rep(72)))
      assert.equal(1, core.board_add_upstream(board, str(("x"):rep(71))))
      assert.equal(ENOSPC, refused "third")
      assert.equal(NONE, core.board_add_server(board, 0, str ""))
      assert.equal(NONE, core.board_add_server(board, 1, str "a"))
    end)


  it("moves no row when another is removed, and uses its place again",
    function()
      local php = core.board_add_upstream(board, str "php")
      local a = core.board_add_server(board, php, str "a")
      local b = core.board_add_server(board, php, str "b")
      core.board_set_weight(board, a, 9)
      core.board_remove_server(board, a)
      assert.equal(NONE, core.board_find_server(board, php, str "a"))
      assert.equal(b, core.board_find_server(board, php, str "b"))
      assert.equal(a, core.board_add_server(board, php, str "c"))
      local view = ffi.new("struct server_view")
      core.board_read_view(board, a, view)
      assert.equal(1, view.weight)
    end)


  it("finds the rows that were added after a removal, and no others",
    function()
      local big = assert(open { sections = 2000 })
      for i = 0, 1999 do
        assert.equal(i, core.board_add_section(big, str("http " .. i)))
      end
      for i = 0, 1999, 3 do
        core.board_remove_section(big, i)
      end
      assert.equal(0, core.board_add_section(big, str "http 3"))
      assert.equal(3, core.board_add_section(big, str "http x"))
      assert.equal(6, core.board_add_section(big, str "http 0"))
      for i = 0, 1999 do
        local name = str("http " .. i)
        local row = i % 3 == 0 and NONE or i
        if i == 3 then
          row = 0
        elseif i == 0 then
          row = 6
        end
        assert.equal(row, core.board_find_section(big, name))
      end
      assert.equal(3, core.board_find_section(big, str "http x"))
      core.board_close(big)
    end)


  it("shows a child what its parent adds and removes", function()
    local C = ffi.C
    local php = core.board_add_upstream(board, str "php")
    local a = core.board_add_server(board, php, str "a")
    local pipe = ffi.new("int[2]")
    assert.equal(0, C.pipe(pipe))
    local pid = C.fork()
    if pid == 0 then
      C.close(pipe[1])
      C.read(pipe[0], ffi.new("char[1]"), 1)
      local right = core.board_find_server(board, php, str "a") == NONE
        and core.board_find_server(board, php, str "b") == a
        and core.board_find_server(board, php, str "c") == a + 1
      C._exit(right and 0 or 1)
    end
    core.board_remove_server(board, a)
    core.board_add_server(board, php, str "b")
    core.board_add_server(board, php, str "c")
    C.close(pipe[1])
    local status = ffi.new("int[1]")
    assert.equal(pid, C.waitpid(pid, status, 0))
    assert.equal(0, status[0])
    C.close(pipe[0])
  end)


  it("is one memory for a process and its children", function()
    local C = ffi.C
    local php = core.board_add_upstream(board, str "php")
    local a = core.board_add_server(board, php, str "a")
    local pid = C.fork()
    if pid == 0 then
      core.board_set_weight(board, a, 77)
      C._exit(core.slot_take(board, 1, 1 + a, 0) and 0 or 1)
    end
    local status = ffi.new("int[1]")
    assert.equal(pid, C.waitpid(pid, status, 0))
    assert.equal(0, status[0])
    local view = ffi.new("struct server_view")
    core.board_read_view(board, a, view)
    assert.equal(77, view.weight)
    assert.equal(1, view.active)
  end)


  -- What each worker counts lies in rows of whole cache lines, by worker.
  describe("counters", function()
    local head, sum


    before_each(function()
      head = ffi.cast("struct spec_board_head *", board)
      sum = ffi.new("uint64_t[24]")
    end)


    for _, case in ipairs {
      { name = "server", rows = 3, counters = 17, stride = 24 },
      { name = "section", rows = 2, counters = 6, stride = 8 },
    } do
      it(("of a %s are summed over the workers"):format(case.name), function()
        local counters = head[case.name .. "_counters"]
        local workers, row = 2, case.rows - 1
        for worker = 0, workers - 1 do
          for i = 0, case.counters - 1 do
            local at = (worker * case.rows + row) * case.stride + i
            counters[at] = (worker + 1) * 100 + i
          end
        end
        core["board_sum_" .. case.name](board, row, sum)
        for i = 0, case.counters - 1 do
          assert.equal(300 + 2 * i, tonumber(sum[i]))
        end
        core["board_sum_" .. case.name](board, 0, sum)
        assert.equal(0, tonumber(sum[0]))
      end)
    end


    it("of all sections are summed for one worker", function()
      -- Two sections of eight words each; connections come first.
      head.section_counters[16] = 5
      head.section_counters[24] = 6
      core.board_sum_worker(board, 1, sum)
      assert.equal(11, tonumber(sum[0]))
      core.board_sum_worker(board, 0, sum)
      assert.equal(0, tonumber(sum[0]))
    end)


    it("begin at 0 in a row that is used again", function()
      local php = core.board_add_upstream(board, str "php")
      local row = core.board_add_server(board, php, str "a")
      head.server_counters[row * 24] = 5
      core.board_remove_server(board, row)
      assert.equal(row, core.board_add_server(board, php, str "b"))
      core.board_sum_server(board, row, sum)
      assert.equal(0, tonumber(sum[0]))
    end)
  end)


  describe("a server's view", function()
    local row, view


    before_each(function()
      local php = core.board_add_upstream(board, str "php")
      row = core.board_add_server(board, php, str "a")
      view = ffi.new("struct server_view")
    end)


    local function read()
      core.board_read_view(board, row, view)
      return view
    end


    it("is up, ready and of weight 1 at first", function()
      read()
      assert.is_true(view.up)
      assert.is_false(view.draining)
      assert.is_false(view.maint)
      assert.equal(1, view.weight)
      assert.equal(0, view.active)
    end)


    it("shows what the configuration says", function()
      core.board_set_server(board, row, str "127.0.0.1:9000", 5, 30, true)
      read()
      assert.equal(5, view.weight)
      assert.equal(30, view.maxconn)
      assert.is_true(view.backup)
    end)


    it("follows the checks and the administrator", function()
      core.board_set_counts(board, row, 3, 0)
      core.board_set_up(board, row, false, str "refused")
      core.board_set_admin(board, row, DRAIN)
      core.board_set_weight(board, row, 12)
      read()
      assert.is_false(view.up)
      assert.equal(3, view.fails)
      assert.is_true(view.draining)
      assert.equal(12, view.weight)
      core.board_set_admin(board, row, MAINT)
      read()
      assert.is_true(view.maint)
      assert.is_false(view.draining)
      core.board_set_admin(board, row, READY)
      assert.is_false(read().maint)
    end)


    it("keeps the words of the last check, cut at their limit", function()
      local text = ffi.new("char[128]")
      assert.equal("", ffi.string(core.board_check_words(board, row, text)))
      for _, words in ipairs { "timeout", "layer 7: 503", ("x"):rep(127) } do
        core.board_note_check(board, row, 1, str(words), 1000)
        assert.equal(words, ffi.string(core.board_check_words(board, row,
          text)))
      end
      core.board_note_check(board, row, 1, str(("y"):rep(200)), 1000)
      assert.equal(("y"):rep(127), ffi.string(core.board_check_words(board,
        row, text)))
    end)


    it("counts the connections of all workers", function()
      assert.is_true(core.slot_take(board, 0, 1 + row, 0))
      assert.is_true(core.slot_take(board, 1, 1 + row, 0))
      assert.equal(2, read().active)
    end)


    it("gives back what a worker held when it dies", function()
      core.board_worker_started(board, 1, 4242, 1)
      assert.is_true(core.slot_take(board, 0, 1 + row, 0))
      assert.is_true(core.slot_take(board, 1, 1 + row, 0))
      core.board_worker_died(board, 1)
      assert.equal(1, read().active)
    end)
  end)


  describe("choice of a server for all work", function()
    local upstream, a, b, held


    before_each(function()
      upstream = core.board_add_upstream(board, str "db")
      a = core.board_add_server(board, upstream, str "a")
      b = core.board_add_server(board, upstream, str "b")
      held = ffi.new("int[1]", NONE)
    end)


    local function choose(from, to)
      held[0] = from
      return core.board_choose(board, upstream, to, held), held[0]
    end


    it("is none at first", function()
      assert.equal(NONE, core.board_chosen(board, upstream))
    end)


    it("is replaced only by who knows what it is", function()
      assert.same({ true, a }, { choose(NONE, a) })
      assert.same({ false, a }, { choose(NONE, b) })
      assert.same({ false, a }, { choose(b, b) })
      assert.equal(a, core.board_chosen(board, upstream))
      assert.same({ true, b }, { choose(a, b) })
      assert.equal(b, core.board_chosen(board, upstream))
    end)


    it("ends with its server", function()
      choose(NONE, b)
      core.board_remove_server(board, a)
      assert.equal(b, core.board_chosen(board, upstream))
      core.board_remove_server(board, b)
      assert.equal(NONE, core.board_chosen(board, upstream))
    end)


    it("is not inherited by another upstream in the same row", function()
      choose(NONE, b)
      core.board_remove_upstream(board, upstream)
      assert.equal(upstream, core.board_add_upstream(board, str "other"))
      assert.equal(NONE, core.board_chosen(board, upstream))
    end)
  end)


  describe("rendered", function()
    local out


    before_each(function()
      out = ffi.new("struct buf")
      core.buf_init_growing(out, 1e6)
      local php = core.board_add_upstream(board, str "php")
      local a = core.board_add_server(board, php, str "a")
      local b = core.board_add_server(board, php, str "second")
      core.board_set_server(board, a, str "127.0.0.1:9001", 1, 0, false)
      core.board_set_server(board, b, str "unix:/run/b.sock", 7, 30, true)
      core.board_note_check(board, b, 1, str 'says "no"\n', 1000)
      core.board_set_counts(board, b, 3, 0)
      core.board_set_up(board, b, false, str "down")
      core.board_add_section(board, str "http web")
      core.board_worker_started(board, 1, 4242, 1)
      assert.is_true(core.slot_take(board, 1, 1 + b, 0))
      assert.is_true(core.slot_take(board, 1, 0, 0))
    end)


    after_each(function()
      core.buf_fini(out)
    end)


    local function rendered(render, format)
      render(out, board, format)
      assert.is_false(out.failed)
      return ffi.string(out.p, out.len)
    end


    it("counts checks that fail while a server is up, and its outages",
      function()
      local L4OK, L4CON = 2, 4
      local a = 0
      core.board_note_check(board, a, L4CON, str "refused", 100)
      core.board_note_check(board, a, L4OK, str "ok", 100)
      core.board_set_up(board, a, false, str "refused")
      core.board_note_check(board, a, L4CON, str "refused", 100)
      core.board_set_up(board, a, false, str "refused")
      core.board_set_up(board, a, true, str "ok")
      core.board_set_up(board, a, false, str "refused")
      assert.matches('"checks_failed":1,"downs":2,"down_s":0',
        rendered(core.render_servers, JSON), 1, true)
    end)


    it("shows servers in aligned columns", function()
      local text = rendered(core.render_servers, TEXT)
      local lines = {}
      for line in text:gmatch("(.-)\n") do
        lines[#lines + 1] = line
      end
      assert.equal(3, #lines)
      assert.matches("^upstream +server +address +state +role +since +weight",
        lines[1])
      assert.matches("^php +a +127%.0%.0%.1:9001 +no check +%- +0s +1/1 +0 "
        .. "+0 +0 ", lines[2])
      assert.matches("^php +second +unix:/run/b%.sock +down +backup +0s +7/7 "
        .. "+1 +0 +30 ", lines[3])
      -- The last column is as long as it is.
      local last = lines[1]:find(" last check", 1, true)
      assert.equal(last - 1, #lines[2])
      assert.matches("^ says .* in 1ms$", lines[3]:sub(last))
    end)


    it("shows which server is chosen for all work", function()
      local held = ffi.new("int[1]", NONE)
      local second = core.board_find_server(board, 0, str "second")
      assert.is_true(core.board_choose(board, 0, second, held))
      local text = rendered(core.render_servers, TEXT)
      assert.matches("\nphp +second +[^ ]+ +down +chosen +0s +7/7 ", text)
      assert.matches("\nphp +a +[^ ]+ +no check +%- +0s +1/1 ", text)
      core.buf_fini(out)
      core.buf_init_growing(out, 1e6)
      local json = rendered(core.render_servers, JSON)
      assert.matches('"server":"a",.-"backup":false,"chosen":false,', json)
      assert.matches('"server":"second",.-"backup":true,"chosen":true,', json)
    end)


    it("writes servers as JSON", function()
      local json = rendered(core.render_servers, JSON)
      assert.matches('^%[{"upstream":"php","server":"a",', json)
      assert.matches('"address":"unix:/run/b.sock","state":"down"', json,
        1, true)
      assert.matches([["check":"says \"no\"\u000a"]], json, 1, true)
      assert.matches('"weight":7,"active":1,"queued":0,"maxconn":30,"fails":3',
        json,
        1, true)
      assert.matches('"responses_5xx":0', json, 1, true)
      assert.matches("}%]\n$", json)
    end)


    it("shows the program, its workers and its sections", function()
      local text = rendered(core.render_info, TEXT)
      assert.matches("^version +1%.2%.3\npid +0\nuptime +0s\n", text)
      assert.matches("connections  1 now, 0 in all, 0 a second\n", text)
      assert.matches("\n0 +0 +0 +0 ", text)
      assert.matches("\n1 +4242 +0 +0 +1 ", text)
      assert.matches("\nhttp web +0 ", text)
    end)


    it("writes the program as JSON", function()
      local json = rendered(core.render_info, JSON)
      assert.matches('^{"version":"1.2.3","uptime_s":0,"now":1,"log_lost":0,'
        .. '"pid":0,', json)
      assert.matches('"processes":[],"workers":[', json, 1, true)
      assert.matches('{"worker":1,"pid":4242,"restarts":0,"now":1', json, 1,
        true)
      assert.matches('{"section":"http web","now":0,"max_connections":0',
        json, 1, true)
    end)


    it("fails, and does not crash, when the buffer may not grow", function()
      core.buf_fini(out)
      core.buf_init_growing(out, 300)
      core.render_servers(out, board, JSON)
      assert.is_true(out.failed)
    end)
  end)
end)
