-- Queues on the board: in order over all workers, and whole after a death at
-- any instruction.
--
-- Thousands of random operations are held against sorted lists; processes are
-- stopped between two instructions of each operation and killed there; and
-- some hammer at the queues while they are killed at random.
local ffi = require "ffi"
local core = require("support.ffi").load("board/board.h", "board/slots.h",
  "board/state.h", "board/queue.h", "board/queue_layout.h", "base/clock.h")
local folder = require "support.folder"
local loop = require "support.loop"

ffi.cdef [[
struct queue_call {
  int call; struct board *board; struct queue_place place; int entry;
  const int *rows; unsigned count;
};
struct queue_stepper { int pid; int returned; };
struct hammer_notes {
  int park; uint64_t operations; uint64_t served;
  struct { int entries[12]; int held[2]; } of[64];
};
int queue_stepper_start(struct queue_stepper *s,
                        const struct queue_call *call);
bool queue_stepper_step(struct queue_stepper *s, unsigned count);
unsigned queue_stepper_changes(struct queue_stepper *s, const void *mem,
                               size_t size, unsigned *out, unsigned max);
int queue_kill(int pid);
int queue_wait_stopped(int pid);
int queue_vandal(struct board *b, uint32_t seed);
int queue_hammer(struct board *b, struct hammer_notes *notes, unsigned worker,
                 uint32_t seed);
]]

local NONE = -1
local UPSTREAMS, SERVERS, WORKERS, ENTRIES = 2, 4, 3, 40
local FREE, GRANTED = core.QUEUE_FREE, core.QUEUE_GRANTED
local READY, DRAIN, MAINT = core.SERVER_READY, core.SERVER_DRAIN,
  core.SERVER_MAINT
local SERVED, EXPIRED, GIVEN_UP = core.QUEUE_SERVED, core.QUEUE_EXPIRED,
  core.QUEUE_GIVEN_UP
local ENTER, LEAVE, RETURN, SETTLE, NEXT = 0, 1, 2, 3, 4
local MAP_SHARED_ANONYMOUS, PROT_READ_WRITE = 0x21, 3

local helper, helper_folder


local function compile_helper()
  helper_folder = folder.make()
  local library = helper_folder .. "/queue_workers.so"
  local cc = os.getenv("CC") or "cc"
  local sources = {
    "spec/board/queue_workers.c", "src/board/queue.c", "src/board/changes.c",
    "src/board/slots.c", "src/board/state.c",
    "src/board/check_status.c", "src/board/wake.c",
    "src/board/robust.c", "src/base/clock.c",
  }
  -- The preloaded sanitizer, if there is one, is not meant for the compiler.
  -- Bound at once: to find a function takes a thousand instructions.
  assert(os.execute(("env -u LD_PRELOAD %s -std=gnu11 -D_GNU_SOURCE -O2 "
    .. "-Wall -Wextra -Isrc -shared -fPIC -Wl,-z,now -o %s %s"):format(cc,
    library, table.concat(sources, " "))) == 0, "the helper does not compile")
  return ffi.load(library)
end


local function share(ctype)
  return ffi.cast(ctype .. " *", ffi.C.mmap(nil, ffi.sizeof(ctype),
    PROT_READ_WRITE, MAP_SHARED_ANONYMOUS, -1, 0))
end


local function str(text)
  return ffi.new("struct str", text, #text)
end


describe("queues", function()
  local board, rows, counts

  setup(function()
    helper = compile_helper()
  end)

  teardown(function()
    folder.remove(helper_folder)
  end)

  -- Upstream 0 has servers 0 to 2, upstream 1 has server 3.
  before_each(function()
    local limits = ffi.new("struct board_limits", {
      workers = WORKERS, upstreams = UPSTREAMS, servers = SERVERS,
      sections = 1, scripts = 1, entries = ENTRIES, ring_bytes = 4096,
    })
    core.clock_update()
    board = core.board_open(limits, "spec")
    assert.is_true(board ~= nil)
    for u = 0, UPSTREAMS - 1 do
      assert.are.equal(u, core.board_add_upstream(board, str("u" .. u)))
    end
    for s = 0, SERVERS - 1 do
      assert.are.equal(s,
        core.board_add_server(board, s < 3 and 0 or 1, str("s" .. s)))
      core.board_set_server(board, s, str "127.0.0.1:1", 1, 1, false)
    end
    rows = { [0] = ffi.new("int[3]", 0, 1, 2), [1] = ffi.new("int[1]", 3) }
    counts = { [0] = 3, [1] = 1 }
  end)

  after_each(function()
    core.board_close(board)
  end)

  local function set_maxconn(server, maxconn, backup)
    core.board_set_server(board, server, str "127.0.0.1:1", 1, maxconn,
      backup or false)
  end

  local ahead = ffi.new("uint32_t[1]")

  local function enter(worker, options)
    options = options or {}
    local place = ffi.new("struct queue_place", options.upstream or 0,
      options.server or NONE, worker, options.priority or 0)
    local number = core.queue_enter(board, place, ahead)
    return number, number ~= NONE and ahead[0] or nil
  end

  local function settle(upstream, worker)
    return core.queue_settle(board, upstream, rows[upstream],
      counts[upstream], worker)
  end

  local function take(worker, server)
    return core.slot_take(board, worker, 1 + server,
      board.servers[server].maxconn)
  end

  local function give(worker, server)
    core.slot_give(board, worker, 1 + server)
  end

  -- All that a worker is told of now.
  local function told(worker)
    local list = {}
    while true do
      local number = core.queue_next_granted(board, worker)
      if number == NONE then
        return list
      end
      list[#list + 1] = number
    end
  end

  local function queue_row(server, upstream)
    return board.queues[server and UPSTREAMS + server or upstream or 0]
  end

  -- Fills server 0, the only one of upstream 0 that is up.
  local function leave_one_server(maxconn)
    core.board_set_up(board, 1, false, str "down")
    core.board_set_up(board, 2, false, str "down")
    set_maxconn(0, maxconn)
    for _ = 1, maxconn do
      assert.is_true(take(0, 0))
    end
  end

  -- Lets one after the other have the only slot, and says who they were.
  local function serve_all(worker)
    local served = {}
    for _ = 1, ENTRIES + 1 do
      settle(0, worker)
      local list = told(worker)
      if #list == 0 then
        return served
      end
      assert.are.equal(1, #list, "granted for one slot")
      served[#served + 1] = list[1]
      core.queue_leave(board, list[1], SERVED)
    end
    error("there is no end of it")
  end

  describe("between the living", function()
    it("let one after the other go, those of smaller priority before",
      function()
        leave_one_server(1)
        local names = {}
        for i, priority in ipairs { 0, 5, 0, -5, 5, -5, 2047, -2047 } do
          local number, before = enter(1, { priority = priority })
          assert.are.equal(i - 1, before)
          names[number] = i
        end
        settle(0, 1)
        assert.are.same({}, told(1))
        give(0, 0)
        local order = {}
        for i, number in ipairs(serve_all(1)) do
          order[i] = names[number]
        end
        assert.are.same({ 8, 4, 6, 1, 3, 2, 5, 7 }, order)
        assert.are.equal(0, queue_row().waiting)
        assert.are.equal(8, queue_row().most)
      end)

    it("grant no more than has room, and each turn once", function()
      leave_one_server(3)
      local entries = {}
      for i = 1, 6 do
        entries[i] = enter(i % 2)
      end
      give(0, 0)
      give(0, 0)
      assert.is_true(settle(0, 1).own)
      settle(0, 0)
      assert.are.same({ entries[2] }, told(0))
      assert.are.same({ entries[1] }, told(1))
      assert.are.same({}, told(0))
      assert.are.equal(2, queue_row().granted)
      give(0, 0)
      assert.is_true(settle(0, 1).own)
      assert.are.same({ entries[3] }, told(1))
    end)

    it("keep the place of one whose slot was gone", function()
      leave_one_server(1)
      local first, second = enter(1), enter(2)
      give(0, 0)
      settle(0, 0)
      assert.are.same({ first }, told(1))
      assert.is_true(take(0, 0))
      core.queue_return(board, first)
      settle(0, 0)
      assert.are.same({}, told(1))
      give(0, 0)
      settle(0, 0)
      assert.are.same({ first }, told(1))
      core.queue_leave(board, first, GIVEN_UP)
      settle(0, 0)
      assert.are.same({ second }, told(2))
    end)

    it("return one that its worker has not been told of", function()
      leave_one_server(1)
      local first = enter(1)
      give(0, 0)
      settle(0, 0)
      core.queue_return(board, first)
      assert.are.same({}, told(1))
      settle(0, 0)
      assert.are.same({ first }, told(1))
    end)

    it("give a server's slots to who waits for it by name", function()
      leave_one_server(1)
      local any = enter(1)
      local pinned = enter(1, { server = 0 })
      give(0, 0)
      settle(0, 1)
      assert.are.same({ pinned }, told(1))
      assert.is_true(take(1, 0))
      core.queue_leave(board, pinned, SERVED)
      settle(0, 1)
      assert.are.same({}, told(1))
      give(1, 0)
      settle(0, 1)
      assert.are.same({ any }, told(1))
    end)

    for _, case in ipairs {
      { name = "up", any = true, pinned = true },
      { name = "down", up = false },
      { name = "drained", admin = DRAIN, pinned = true },
      { name = "in maintenance", admin = MAINT },
      { name = "of weight 0", weight = 0, pinned = true },
    } do
      it("know what a server takes that is " .. case.name, function()
        core.board_set_up(board, 3, case.up ~= false, str "spec")
        core.board_set_admin(board, 3, case.admin or READY)
        core.board_set_weight(board, 3, case.weight or 1)
        local any = enter(1, { upstream = 1 })
        settle(1, 1)
        assert.are.same(case.any and { any } or {}, told(1))
        core.queue_leave(board, any, GIVEN_UP)
        local pinned = enter(1, { upstream = 1, server = 3 })
        settle(1, 1)
        assert.are.same(case.pinned and { pinned } or {}, told(1))
      end)
    end

    it("wait for no backup while another is in service, full or not",
      function()
        leave_one_server(1)
        core.board_set_up(board, 1, true, str "up")
        set_maxconn(1, 5, true)
        local first = enter(1)
        settle(0, 1)
        assert.are.same({}, told(1))
        core.board_set_up(board, 0, false, str "down")
        settle(0, 1)
        assert.are.same({ first }, told(1))
      end)

    it("let go in portions where there is no limit", function()
      core.board_set_up(board, 3, false, str "down")
      set_maxconn(3, 0)
      local entries = {}
      for i = 1, 10 do
        entries[i] = enter(1, { upstream = 1 })
      end
      assert.is_false(settle(1, 1).own)
      core.board_set_up(board, 3, true, str "up")
      local served, portions = {}, 0
      while #served < 10 do
        local result = settle(1, 1)
        assert.is_true(result.paced)
        local list = told(1)
        assert.is_true(#list <= 4)
        assert.are.equal(result.own, #list > 0)
        portions = portions + (#list > 0 and 1 or 0)
        for _, number in ipairs(list) do
          served[#served + 1] = number
          core.queue_leave(board, number, SERVED)
        end
        core.clock_update()
      end
      assert.are.same(entries, served)
      assert.are.equal(3, portions)
      assert.is_false(settle(1, 1).paced)
    end)

    it("have room for so many, and again for as many", function()
      for _ = 1, 2 do
        local entries = {}
        for i = 1, ENTRIES do
          entries[i] = enter(i % WORKERS, { server = i % 2 == 0 and 1 or nil })
          assert.is_true(entries[i] > 0)
        end
        assert.are.equal(NONE, (enter(0)))
        for _, number in ipairs(entries) do
          core.queue_leave(board, number, GIVEN_UP)
        end
        assert.are.equal(0, queue_row().waiting)
        assert.are.equal(0, queue_row(1).waiting)
      end
      assert.are.equal(ENTRIES / 2, queue_row(1).most)
    end)

    it("count who came, who waited too long, and for how long", function()
      leave_one_server(1)
      local started = tonumber(core.clock_ms())
      local one, two, three = enter(0), enter(0), enter(0)
      while core.clock_ms() < started + 5 do
        core.clock_update()
      end
      local ms = tonumber(core.clock_ms()) - started
      core.queue_leave(board, one, EXPIRED)
      core.queue_leave(board, two, GIVEN_UP)
      local row = queue_row()
      assert.are.equal(3, tonumber(row.entered))
      assert.are.equal(1, tonumber(row.expired))
      assert.are.equal(2 * ms, tonumber(row.waited_ms))
      assert.are.equal(ms, row.longest_ms)
      core.queue_leave(board, three, EXPIRED)
      assert.are.equal(2, tonumber(row.expired))
      assert.are.equal(3, row.most)
    end)

    it("forget a worker, and nobody else", function()
      leave_one_server(2)
      local kept = {}
      for i = 1, 9 do
        local number = enter(i % WORKERS)
        if i % WORKERS ~= 1 then
          kept[#kept + 1] = number
        end
      end
      give(0, 0)
      settle(0, 0)
      core.queue_forget_worker(board, 1)
      assert.are.same({}, told(1))
      assert.are.equal(6, queue_row().waiting)
      assert.are.equal(0, queue_row().granted)
      local order = {}
      while #order < 6 do
        settle(0, 0)
        for _, worker in ipairs { 0, 2 } do
          for _, number in ipairs(told(worker)) do
            order[#order + 1] = number
            core.queue_leave(board, number, SERVED)
          end
        end
      end
      assert.are.same(kept, order)
    end)

    it("have everybody look at them when a worker has died", function()
      local before = board.header.states
      core.board_worker_died(board, 1)
      assert.is_true(board.header.states ~= before)
    end)
  end)

  describe("against sorted lists", function()
    local model, random

    local function before(a, b)
      if a.priority ~= b.priority then
        return a.priority < b.priority
      end
      return a.seq < b.seq
    end

    local function new_model()
      return {
        entries = {}, by_number = {}, seq = 0, entered = {}, expired = {},
        told = { [0] = {}, {}, {} }, most = {},
      }
    end

    local function queue_number(upstream, server)
      return server and UPSTREAMS + server or upstream
    end

    local function members(queue, state)
      local list = {}
      for _, entry in ipairs(model.entries) do
        if entry.queue == queue and (not state or entry.state == state) then
          list[#list + 1] = entry
        end
      end
      table.sort(list, before)
      return list
    end

    local function drop(list, entry)
      for i = #list, 1, -1 do
        if list[i] == entry then
          table.remove(list, i)
        end
      end
    end

    local function forget(entry)
      drop(model.entries, entry)
      drop(model.told[entry.worker], entry)
      model.by_number[entry.number] = nil
    end

    local function some_entry()
      return model.entries[random(math.max(1, #model.entries))]
    end

    local steps = {}

    function steps.enter()
      local upstream = random(2) - 1
      local server
      if random(3) == 1 then
        server = upstream == 1 and 3 or random(3) - 1
      end
      local worker, priority = random(WORKERS) - 1, random(3) - 2
      local number, waiting = enter(worker, {
        upstream = upstream, server = server, priority = priority,
      })
      if #model.entries == ENTRIES then
        assert.are.equal(NONE, number)
        return
      end
      local queue = queue_number(upstream, server)
      assert.are.equal(#members(queue), waiting)
      assert.is_nil(model.by_number[number])
      model.seq = model.seq + 1
      local entry = {
        number = number, queue = queue, worker = worker,
        priority = priority, seq = model.seq, state = "waiting",
      }
      model.by_number[number] = entry
      table.insert(model.entries, entry)
      model.entered[queue] = (model.entered[queue] or 0) + 1
      model.most[queue] = math.max(model.most[queue] or 0, waiting + 1)
    end

    function steps.leave()
      local entry = some_entry()
      if entry then
        local why = random(3) - 1
        core.queue_leave(board, entry.number, why)
        forget(entry)
        if why == EXPIRED then
          model.expired[entry.queue] = (model.expired[entry.queue] or 0) + 1
        end
      end
    end

    steps["return"] = function()
      local entry = some_entry()
      if entry and entry.state == "granted" then
        core.queue_return(board, entry.number)
        entry.state = "waiting"
        drop(model.told[entry.worker], entry)
      end
    end

    function steps.next()
      local worker = random(WORKERS) - 1
      local entry = table.remove(model.told[worker], 1)
      assert.are.equal(entry and entry.number or NONE,
        core.queue_next_granted(board, worker))
    end

    function steps.slot()
      local worker, server = random(WORKERS) - 1, random(SERVERS) - 1
      if random(2) == 1 then
        take(worker, server)
      elseif core.slot_held(board, worker, 1 + server) > 0 then
        give(worker, server)
      end
    end

    function steps.state()
      local server = random(SERVERS) - 1
      core.board_set_up(board, server, random(4) > 1, str "spec")
      core.board_set_admin(board, server,
        random(4) > 1 and READY or random(3) - 1)
      core.board_set_weight(board, server, random(8) > 1 and 1 or 0)
    end

    function steps.spoil()
      assert.are.equal(0, helper.queue_vandal(board, random(1e6)))
      for worker = 0, WORKERS - 1 do
        local list = {}
        for _, entry in ipairs(model.entries) do
          if entry.worker == worker and entry.state == "granted" then
            list[#list + 1] = entry
          end
        end
        table.sort(list, before)
        model.told[worker] = list
      end
      -- The next call finds it out.
      steps.next()
    end

    function steps.forget()
      local worker = random(WORKERS) - 1
      core.queue_forget_worker(board, worker)
      for i = #model.entries, 1, -1 do
        if model.entries[i].worker == worker then
          forget(model.entries[i])
        end
      end
    end

    local function in_service(server)
      local row = board.servers[server]
      return row.up and row.admin == READY and row.weight_now > 0
    end

    local function room(server)
      local row = board.servers[server]
      return math.max(0, row.maxconn - core.slot_count(board, 1 + server)
        - #members(queue_number(nil, server), "granted"))
    end

    local function grant(queue, n, woken)
      for i, entry in ipairs(members(queue, "waiting")) do
        if i > n then
          return
        end
        entry.state = "granted"
        table.insert(model.told[entry.worker], entry)
        woken[entry.worker] = true
      end
    end

    local function model_settle(upstream)
      local woken, sum, backups = {}, 0, true
      for i = 0, counts[upstream] - 1 do
        local server = rows[upstream][i]
        local row = board.servers[server]
        if row.up and row.admin ~= MAINT then
          grant(queue_number(nil, server), room(server), woken)
        end
        backups = backups and (row.backup or not in_service(server))
      end
      for i = 0, counts[upstream] - 1 do
        local server = rows[upstream][i]
        if in_service(server) and board.servers[server].backup == backups
          and #members(queue_number(nil, server)) == 0 then
          sum = sum + room(server)
        end
      end
      grant(upstream, math.max(0, sum - #members(upstream, "granted")), woken)
      return woken
    end

    local eight = ffi.new("uint64_t[1]")

    local function was_woken(worker)
      return ffi.C.read(board.wakes[worker], eight, 8) == 8
    end

    function steps.settle()
      local upstream, worker = random(2) - 1, random(WORKERS) - 1
      local result = settle(upstream, worker)
      local woken = model_settle(upstream)
      assert.are.equal(woken[worker] == true, result.own)
      assert.is_false(result.paced)
      for other = 0, WORKERS - 1 do
        assert.are.equal(other ~= worker and woken[other] == true,
          was_woken(other))
      end
    end

    local function compare()
      for queue = 0, UPSTREAMS + SERVERS - 1 do
        local row = board.queues[queue]
        assert.are.equal(#members(queue), row.waiting)
        assert.are.equal(#members(queue, "granted"), row.granted)
        assert.are.equal(model.entered[queue] or 0, tonumber(row.entered))
        assert.are.equal(model.expired[queue] or 0, tonumber(row.expired))
        assert.are.equal(model.most[queue] or 0, row.most)
      end
      for _, entry in ipairs(model.entries) do
        local state = board.queue_entries[entry.number].state
        assert.are.equal(entry.state == "granted", state == GRANTED)
        assert.are_not.equal(FREE, state)
      end
    end

    -- What is done, and how often.
    local function choose()
      local n = random(100)
      for _, part in ipairs {
        { 34, "enter" }, { 16, "leave" }, { 8, "return" }, { 12, "next" },
        { 14, "slot" }, { 12, "settle" }, { 2, "state" }, { 1, "spoil" },
      } do
        n = n - part[1]
        if n <= 0 then
          return part[2]
        end
      end
      return random(4) == 1 and "forget" or "settle"
    end

    for seed = 1, 4 do
      it("are the same after 4000 random operations, seed " .. seed,
        function()
          local state = seed
          function random(n)
            state = (state * 1103515245 + 12345) % 2147483648
            return math.floor(state / 65536) % n + 1
          end
          model = new_model()
          set_maxconn(0, 3)
          set_maxconn(1, 2)
          set_maxconn(2, 2, true)
          set_maxconn(3, 4)
          for worker = 0, WORKERS - 1 do
            was_woken(worker)
          end
          local done = {}
          for i = 1, 4000 do
            local name = choose()
            done[name] = (done[name] or 0) + 1
            steps[name]()
            if i % 10 == 0 then
              compare()
            end
          end
          for name in pairs(steps) do
            assert.is_true(done[name] ~= nil, name .. " was never done")
          end
        end)
    end
  end)

  describe("after a death", function()
    local DYING, BUSY = 0, 1
    local stepper

    setup(function()
      stepper = share("struct queue_stepper")
    end)

    teardown(function()
      ffi.C.munmap(stepper, ffi.sizeof("struct queue_stepper"))
    end)

    -- Five of BUSY's, and two of DYING's among them; the only slot is taken.
    -- Names of BUSY's by their numbers.
    local function fill_queue()
      local names, mine = {}, {}
      for i, worker in ipairs { BUSY, DYING, BUSY, BUSY, DYING, BUSY, BUSY } do
        local number = enter(worker, { priority = i == 6 and -1 or 0 })
        if worker == BUSY then
          names[number] = i
        else
          mine[#mine + 1] = number
        end
      end
      return names, mine
    end

    local stories = {
      { name = "entering", call = ENTER },
      { name = "leaving, from the middle", call = LEAVE },
      { name = "leaving with a turn", call = LEAVE, grants = 3 },
      { name = "returning", call = RETURN, grants = 3 },
      { name = "settling", call = SETTLE, room = 4 },
      { name = "asking whose turn it is", call = NEXT, grants = 3 },
    }

    -- Prepares the call of a story, and a process that stands still before it.
    local function begin(story)
      local names, mine = fill_queue()
      set_maxconn(0, 1 + (story.grants or 0))
      if story.grants then
        settle(0, 2)
      end
      if story.room then
        set_maxconn(0, 1 + story.room)
      end
      local call = ffi.new("struct queue_call", {
        call = story.call, board = board,
        place = { 0, NONE, DYING, 0 }, entry = mine[1],
        rows = rows[0], count = counts[0],
      })
      assert.are.equal(0, helper.queue_stepper_start(stepper, call))
      return names
    end

    -- The numbers of instructions after which it is to die: each after which
    -- memory was another, those beside it, and some more.
    local function moments(story)
      local steps = ffi.new("unsigned[256]")
      begin(story)
      local n = helper.queue_stepper_changes(stepper, board.header,
        board.size, steps, 256)
      assert.is_true(n >= 3 and n < 256)
      helper.queue_kill(stepper.pid)
      local set, list = {}, {}
      for i = 0, n - 1 do
        for k = math.max(0, steps[i] - 1), steps[i] + 1 do
          set[k] = true
        end
      end
      for k = 0, steps[n - 1] + 20, 10 do
        set[k] = true
      end
      for k in pairs(set) do
        list[#list + 1] = k
      end
      return list
    end

    local function check_whole(names, why)
      set_maxconn(0, 1)
      local order, seen = {}, {}
      -- Whatever has been granted comes first, and all of it is in order.
      for _, number in ipairs(told(BUSY)) do
        order[#order + 1] = number
      end
      give(0, 0)
      for _, number in ipairs(order) do
        core.queue_leave(board, number, SERVED)
      end
      for _, number in ipairs(serve_all(BUSY)) do
        order[#order + 1] = number
      end
      for i, number in ipairs(order) do
        assert.is_nil(seen[number], why .. ": served twice")
        seen[number] = true
        order[i] = names[number] or "a stranger"
      end
      assert.are.same({ 6, 1, 3, 4, 7 }, order, why)
      for queue = 0, UPSTREAMS + SERVERS - 1 do
        assert.are.equal(0, board.queues[queue].waiting, why)
        assert.are.equal(0, board.queues[queue].granted, why)
        assert.are.equal(0, board.queues[queue].root, why)
      end
      local all = {}
      for i = 1, ENTRIES do
        all[i] = enter(BUSY)
        assert.is_true(all[i] ~= NONE, why .. ": an entry is lost")
      end
      for _, number in ipairs(all) do
        core.queue_leave(board, number, GIVEN_UP)
      end
      assert.is_true(take(0, 0))
    end

    for _, story in ipairs(stories) do
      it("at any moment of " .. story.name .. ", serve the living in order",
        function()
          leave_one_server(1)
          local list = moments(story)
          core.queue_forget_worker(board, DYING)
          core.queue_forget_worker(board, BUSY)
          for i, k in ipairs(list) do
            set_maxconn(0, 1)
            local names = begin(story)
            helper.queue_stepper_step(stepper, k)
            assert.are.equal(0, helper.queue_kill(stepper.pid))
            -- Now and then somebody comes before the master sees it.
            if i % 2 == 0 then
              core.queue_leave(board, enter(2), GIVEN_UP)
            end
            core.queue_forget_worker(board, DYING)
            check_whole(names, ("%s, killed after %d"):format(story.name, k))
          end
        end)
    end
  end)

  describe("locked by one that is stopped", function()
    local STOPPED, DEAD, LIVING = 0, 1, 2
    local stepper

    before_each(function()
      stepper = share("struct queue_stepper")
      leave_one_server(1)
      take(LIVING, 0)
      enter(DEAD)
      enter(LIVING)
      local call = ffi.new("struct queue_call", {
        call = ENTER, board = board, place = { 0, NONE, STOPPED, 0 },
        rows = rows[0], count = counts[0],
      })
      assert.are.equal(0, helper.queue_stepper_start(stepper, call))
      -- Between its coming and its going, the number of its entry is counted.
      while queue_row().waiting == 2 do
        assert.is_true(helper.queue_stepper_step(stepper, 1))
      end
    end)

    after_each(function()
      helper.queue_kill(stepper.pid)
      ffi.C.munmap(stepper, ffi.sizeof("struct queue_stepper"))
    end)

    it("do not hold up the master, who sees to the dead later", function()
      core.board_worker_died(board, DEAD)
      assert.is_true(board.workers[DEAD].waits_on)
      assert.are.equal(-1, core.board_clear_queues(board, DEAD))
      assert.are.equal(3, queue_row().waiting)

      helper.queue_kill(stepper.pid)
      core.board_worker_died(board, STOPPED)
      assert.is_false(board.workers[STOPPED].waits_on)
      assert.are.equal(0, core.board_clear_queues(board, DEAD))
      assert.is_false(board.workers[DEAD].waits_on)
      assert.are.equal(1, queue_row().waiting)
    end)
  end)

  describe("under load", function()
    local ROUNDS = 300
    local notes, pids

    before_each(function()
      notes = share("struct hammer_notes")
      set_maxconn(0, 3)
      set_maxconn(1, 3)
      counts[0] = 2
      pids = {}
      for worker = 0, WORKERS - 1 do
        pids[worker] = helper.queue_hammer(board, notes, worker, worker + 1)
      end
    end)

    after_each(function()
      for _, pid in pairs(pids) do
        helper.queue_kill(pid)
      end
      ffi.C.munmap(notes, ffi.sizeof("struct hammer_notes"))
    end)

    local function let_them_work(operations)
      local goal = notes.operations + operations
      local deadline = os.clock() + 10
      while notes.operations < goal do
        assert.is_true(os.clock() < deadline, "the hammers have stopped")
        ffi.C.poll(nil, 0, 0)
      end
    end

    -- Stops all, compares what they know with the board, lets them go on.
    local function compare()
      notes.park = 1
      for worker = 0, WORKERS - 1 do
        assert.are.equal(0, helper.queue_wait_stopped(pids[worker]))
      end
      local sum, waiting = 0, 0
      for worker = 0, WORKERS - 1 do
        for i = 0, 11 do
          local number = notes.of[worker].entries[i]
          if number ~= NONE then
            sum = sum + 1
            assert.are.equal(worker, board.queue_entries[number].worker)
            assert.are_not.equal(FREE, board.queue_entries[number].state)
          end
        end
      end
      for queue = 0, UPSTREAMS + SERVERS - 1 do
        waiting = waiting + board.queues[queue].waiting
      end
      assert.are.equal(sum, waiting)
      for server = 0, 1 do
        assert.is_true(core.slot_count(board, 1 + server) <= 3)
      end
      notes.park = 0
      for worker = 0, WORKERS - 1 do
        ffi.C.kill(pids[worker], 18)
      end
    end

    -- The master, who has other work, would go on in between.
    local function bury(worker)
      core.board_worker_died(board, worker)
      local deadline = loop.deadline(60)
      while core.board_clear_queues(board, worker) ~= 0 do
        assert.is_true(loop.now() < deadline, "the queues stay locked")
      end
    end

    it("lose nobody and forget nobody, while workers are killed at random",
      function()
        for round = 1, ROUNDS do
          let_them_work(round * 7919 % 300)
          local victim = round % WORKERS
          assert.are.equal(0, helper.queue_kill(pids[victim]))
          bury(victim)
          pids[victim] = helper.queue_hammer(board, notes, victim,
            WORKERS + round)
          if round % 5 == 0 then
            compare()
          end
        end
        compare()
        assert.is_true(notes.served > 1000)
        for worker = 0, WORKERS - 1 do
          helper.queue_kill(pids[worker])
          bury(worker)
        end
        for queue = 0, UPSTREAMS + SERVERS - 1 do
          assert.are.equal(0, board.queues[queue].waiting)
          assert.are.equal(0, board.queues[queue].granted)
          assert.are.equal(0, board.queues[queue].root)
        end
      end)
  end)
end)
