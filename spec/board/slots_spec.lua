-- Slots: exact over workers, and after a death at any instruction.
--
-- Processes stand still between two instructions of slot_take or slot_give
-- while others go on, are killed there, and are repaired.  After each such
-- story the count must be what the living hold, no more and no less.
local ffi = require "ffi"
local core = require("support.ffi").load("board/slots.h",
  "board/slots_layout.h")
local folder = require "support.folder"

ffi.cdef [[
struct spec_board_limits {
  unsigned workers, upstreams, servers, sections, scripts; size_t ring_bytes;
  size_t dict_bytes; unsigned series, seats, vacant;
};
/* The head of struct board, and where its slots are. */
struct spec_board { int fd; size_t size; void *header; void *rows[5];
  struct slots *slots; };
struct board *board_open(const struct spec_board_limits *limits,
                         const char *version);
void board_close(struct board *b);

struct spec_slot_calls { void *take; void *give; void *board; };
struct spec_hammer_board {
  int park; uint32_t slots; uint32_t limits[16]; uint32_t held[64][16];
  uint64_t operations;
};
struct spec_stepper { int pid; int result; };
int stepper_start(struct spec_stepper *s, const struct spec_slot_calls *calls,
                  bool take, unsigned worker, unsigned slot, uint32_t limit);
bool stepper_step(struct spec_stepper *s, unsigned count);
int stepper_finish(struct spec_stepper *s);
unsigned stepper_changes(struct spec_stepper *s, const void *mem, size_t size,
                         unsigned *out, unsigned max);
int hammer_start(const struct spec_slot_calls *calls,
                 struct spec_hammer_board *shared, unsigned worker,
                 unsigned seed);
int process_kill(int pid);
int process_wait_stopped(int pid);
int process_continue(int pid);
]]

local TAKEN, REFUSED, GIVEN = 1, 2, 3
local SLOT, OTHER_SLOT = 2, 3
local MAP_SHARED_ANONYMOUS, PROT_READ_WRITE = 0x21, 3
-- The workers of the stories: one that dies, one that stands still beside it,
-- one that goes on.
local DYING, SLOW, BUSY = 0, 1, 2

local helper, helper_folder


local function compile_helper()
  helper_folder = folder.make()
  local library = helper_folder .. "/slot_workers.so"
  local cc = os.getenv("CC") or "cc"
  -- The preloaded sanitizer, if there is one, is not meant for the compiler.
  assert(os.execute(("env -u LD_PRELOAD %s -std=gnu11 -D_GNU_SOURCE -O2 "
    .. "-Wall -Wextra -Isrc -shared -fPIC -o %s spec/board/slot_workers.c "
    .. "src/board/slots.c"):format(cc, library)) == 0,
    "the helper does not compile")
  return ffi.load(library)
end


local function slot_calls(library, board)
  return ffi.new("struct spec_slot_calls", {
    ffi.cast("void *", library.slot_take),
    ffi.cast("void *", library.slot_give),
    board,
  })
end


-- Memory for COUNT of a struct, which children share.
local function share(ctype, count)
  local memory = ffi.C.mmap(nil, count * ffi.sizeof(ctype), PROT_READ_WRITE,
    MAP_SHARED_ANONYMOUS, -1, 0)
  return ffi.cast(ctype .. " *", memory)
end


local function unshare(memory, ctype, count)
  ffi.C.munmap(memory, count * ffi.sizeof(ctype))
end


describe("slots", function()
  local board, core_calls, calls, steppers


  setup(function()
    helper = compile_helper()
    steppers = share("struct spec_stepper", 4)
  end)


  teardown(function()
    unshare(steppers, "struct spec_stepper", 4)
    folder.remove(helper_folder)
  end)


  before_each(function()
    local limits = ffi.new("struct spec_board_limits",
      { 4, 1, 4, 4, 1, 4096 })
    board = core.board_open(limits, "spec")
    assert.is_true(board ~= nil)
    core_calls = slot_calls(core, board)
    calls = slot_calls(helper, board)
  end)


  after_each(function()
    core.board_close(board)
  end)


  local function take(worker, times, slot)
    for _ = 1, times do
      assert.is_true(core.slot_take(board, worker, slot or SLOT, 0))
    end
  end


  -- Fails unless everybody holds what is expected and the count is the sum.
  local function check(expected, story)
    local sum = 0
    for worker = 0, 3 do
      local held = core.slot_held(board, worker, SLOT)
      if held ~= (expected[worker] or 0) then
        error(("%s: worker %d holds %d, not %d"):format(story, worker, held,
          expected[worker] or 0), 2)
      end
      sum = sum + held
    end
    local count = core.slot_count(board, SLOT)
    if count ~= sum then
      error(("%s: the count is %d, held are %d"):format(story, count, sum), 2)
    end
  end


  -- A process that stands still right before one operation of a worker.
  local function start(is_take, worker, limit)
    local stepper = steppers + worker
    assert.equal(0, helper.stepper_start(stepper, calls, is_take, worker,
      SLOT, limit or 0))
    return stepper
  end


  local function kill(stepper)
    assert.equal(0, helper.process_kill(stepper.pid))
  end


  -- The steps of an operation after which the shared memory has changed,
  -- and 0.
  local function changing_steps(is_take, worker)
    local view = ffi.cast("struct spec_board *", board)
    local steps = ffi.new("unsigned[16]")
    take(worker, 1)
    local stepper = start(is_take, worker)
    local count = helper.stepper_changes(stepper, view.header, view.size,
      steps, 16)
    kill(stepper)
    core.slots_repair(board, worker)
    assert.is_true(count >= 4, "an operation stores at least four times")
    local list = { 0 }
    for i = 0, count - 1 do
      list[#list + 1] = steps[i]
    end
    return list
  end


  -- Calls story(k) for k = 0, 1, 2 ... until it says that the operation ended
  -- before k instructions were done.
  local function at_each_instruction(story)
    local k = 0
    while story(k) do
      k = k + 1
    end
    assert.is_true(k > 30, "the steps went through the operation")
  end


  it("are taken and given by processes that nobody kills", function()
    assert.equal(TAKEN, helper.stepper_finish(start(true, BUSY)))
    check({ [BUSY] = 1 }, "taken")
    assert.equal(REFUSED, helper.stepper_finish(start(true, DYING, 1)))
    assert.equal(GIVEN, helper.stepper_finish(start(false, BUSY)))
    check({}, "given")
  end)


  describe("between the living", function()
    it("count what is taken and given, for each worker", function()
      take(0, 2)
      take(1, 3)
      check({ [0] = 2, [1] = 3 }, "after taking")
      core.slot_give(board, 1, SLOT)
      check({ [0] = 2, [1] = 2 }, "after giving")
      assert.equal(0, core.slot_count(board, OTHER_SLOT))
    end)


    it("refuse at the limit, whoever holds them", function()
      assert.is_true(core.slot_take(board, 0, SLOT, 2))
      assert.is_true(core.slot_take(board, 1, SLOT, 2))
      assert.is_false(core.slot_take(board, 0, SLOT, 2))
      assert.is_false(core.slot_take(board, 2, SLOT, 1))
      core.slot_give(board, 0, SLOT)
      assert.is_true(core.slot_take(board, 2, SLOT, 2))
      check({ [1] = 1, [2] = 1 }, "at the limit")
    end)


    it("take without a limit when it is 0", function()
      take(0, 1000)
      check({ [0] = 1000 }, "without a limit")
    end)
  end)


  describe("after a death", function()
    it("are given back, and the dead worker's successor starts at 0",
      function()
        take(DYING, 5)
        take(BUSY, 2)
        take(DYING, 1, OTHER_SLOT)
        core.slots_repair(board, DYING)
        check({ [BUSY] = 2 }, "repaired")
        assert.equal(0, core.slot_count(board, OTHER_SLOT))
        core.slots_repair(board, DYING)
        check({ [BUSY] = 2 }, "repaired twice")
        take(DYING, 1)
        check({ [DYING] = 1, [BUSY] = 2 }, "succeeded")
      end)


    for _, name in ipairs { "take", "give" } do
      local is_take = name == "take"

      it("are exact when it struck at any instruction of a " .. name,
        function()
          take(BUSY, 3)
          at_each_instruction(function(k)
            take(DYING, 2)
            local dying = start(is_take, DYING)
            local alive = helper.stepper_step(dying, k)
            kill(dying)
            core.slots_repair(board, DYING)
            check({ [BUSY] = 3 }, "killed after " .. k)
            return alive
          end)
        end)


      it("are exact when others replaced the stamp of a " .. name
        .. " before", function()
        at_each_instruction(function(k)
          take(DYING, 2)
          local dying = start(is_take, DYING)
          local alive = helper.stepper_step(dying, k)
          take(BUSY, 2)
          core.slot_give(board, BUSY, SLOT)
          take(3, 1)
          kill(dying)
          core.slots_repair(board, DYING)
          check({ [BUSY] = 1, [3] = 1 }, "replaced after " .. k)
          core.slot_give(board, BUSY, SLOT)
          core.slot_give(board, 3, SLOT)
          return alive
        end)
      end)


      it("are exact when another stood still anywhere during a " .. name,
        function()
          take(SLOW, 1)
          for _, step in ipairs(changing_steps(is_take, BUSY)) do
            at_each_instruction(function(k)
              take(DYING, 2)
              local dying = start(is_take, DYING)
              helper.stepper_step(dying, step)
              local slow = start(true, SLOW)
              local alive = helper.stepper_step(slow, k)
              kill(dying)
              core.slots_repair(board, DYING)
              if alive then
                assert.equal(TAKEN, helper.stepper_finish(slow))
              end
              check({ [SLOW] = 2 },
                ("dead after %d, slow after %d"):format(step, k))
              core.slot_give(board, SLOW, SLOT)
              return alive
            end)
          end
        end)


      it("are exact when a third went on between the two during a " .. name,
        function()
          for _, step in ipairs(changing_steps(is_take, 3)) do
            at_each_instruction(function(k)
              take(DYING, 2)
              local slow = start(true, SLOW)
              local alive = helper.stepper_step(slow, k)
              local dying = start(is_take, DYING)
              helper.stepper_step(dying, step)
              take(BUSY, 1)
              if alive then
                assert.equal(TAKEN, helper.stepper_finish(slow))
              end
              core.slot_give(board, BUSY, SLOT)
              kill(dying)
              core.slots_repair(board, DYING)
              check({ [SLOW] = 1 },
                ("dead after %d, slow after %d"):format(step, k))
              core.slot_give(board, SLOW, SLOT)
              return alive
            end)
          end
        end)


      it("are exact when two die, whichever is repaired first, in a " .. name,
        function()
          for _, step in ipairs(changing_steps(is_take, BUSY)) do
            at_each_instruction(function(k)
              take(DYING, 2)
              take(SLOW, 2)
              local dying = start(is_take, DYING)
              helper.stepper_step(dying, step)
              local slow = start(is_take, SLOW)
              local alive = helper.stepper_step(slow, k)
              kill(dying)
              kill(slow)
              core.slots_repair(board, k % 2 == 0 and DYING or SLOW)
              take(BUSY, 1)
              core.slots_repair(board, k % 2 == 0 and SLOW or DYING)
              check({ [BUSY] = 1 },
                ("dead after %d and %d"):format(step, k))
              core.slot_give(board, BUSY, SLOT)
              return alive
            end)
          end
        end)
    end


    it("are exact when it struck in a take that the limit refused", function()
      take(BUSY, 3)
      at_each_instruction(function(k)
        local dying = start(true, DYING, 3)
        local alive = helper.stepper_step(dying, k)
        kill(dying)
        core.slots_repair(board, DYING)
        check({ [BUSY] = 3 }, "refused, killed after " .. k)
        return alive
      end)
      local dying = start(true, DYING, 3)
      assert.equal(REFUSED, helper.stepper_finish(dying))
    end)


    for name, others in pairs {
      ["the word"] = function() end,
      ["what is held alone"] = function()
        take(BUSY, 1)
        core.slot_give(board, BUSY, SLOT)
      end,
    } do
      it("are exact when the numbers come round to the one in " .. name,
        function()
          local slots = ffi.cast("struct spec_board *", board).slots
          local intent = slots.intents + (DYING + 1)
          at_each_instruction(function(k)
            take(DYING, 1)
            others()
            -- As 2^32 operations later: the next number has the low half
            -- of the one that stands there.
            intent.word = intent.word + 0xffffffffULL
            local dying = start(true, DYING)
            local alive = helper.stepper_step(dying, k)
            kill(dying)
            core.slots_repair(board, DYING)
            check({}, "come round, killed after " .. k)
            return alive
          end)
        end)
    end
  end)


  describe("under load", function()
    local WORKERS, ROUNDS = 4, 500
    local shared, pids


    before_each(function()
      shared = share("struct spec_hammer_board", 1)
      shared.slots = 3
      shared.limits[0] = 7
      shared.limits[1] = 0
      shared.limits[2] = 1
      pids = {}
      for worker = 0, WORKERS - 1 do
        pids[worker] = helper.hammer_start(core_calls, shared, worker,
          worker + 1)
      end
    end)


    after_each(function()
      for _, pid in pairs(pids) do
        helper.process_kill(pid)
      end
      unshare(shared, "struct spec_hammer_board", 1)
    end)


    -- Stops all between two operations, compares, lets them go on.
    local function compare(round)
      shared.park = 1
      for worker = 0, WORKERS - 1 do
        assert.equal(0, helper.process_wait_stopped(pids[worker]))
      end
      for slot = 0, 2 do
        local sum = 0
        for worker = 0, WORKERS - 1 do
          local own = shared.held[worker][slot]
          assert.equal(own, core.slot_held(board, worker, slot))
          sum = sum + own
        end
        local count = core.slot_count(board, slot)
        if count ~= sum then
          error(("round %d: slot %d counts %d, the living hold %d"):format(
            round, slot, count, sum))
        end
        local limit = shared.limits[slot]
        assert.is_true(limit == 0 or count <= limit)
      end
      shared.park = 0
      for worker = 0, WORKERS - 1 do
        helper.process_continue(pids[worker])
      end
    end


    -- Until the hammers have done some operations more.
    local function let_them_work(operations)
      local until_then = shared.operations + operations
      local deadline = os.clock() + 10
      while shared.operations < until_then do
        assert.is_true(os.clock() < deadline, "the hammers have stopped")
        ffi.C.poll(nil, 0, 0)
      end
    end


    it("equal what the living hold, while workers are killed at random",
      function()
        for round = 1, ROUNDS do
          let_them_work(round * 7919 % 400)
          local victim = round % WORKERS
          assert.equal(0, helper.process_kill(pids[victim]))
          core.slots_repair(board, victim)
          pids[victim] = helper.hammer_start(core_calls, shared, victim,
            WORKERS + round)
          if round % 4 == 0 then
            compare(round)
          end
        end
        compare(ROUNDS)
      end)
  end)
end)
