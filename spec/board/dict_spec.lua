--- Shared dictionaries: what a plain table would hold, at a time that the spec
-- sets; least recently used out first; and whole after a death at any
-- instruction.
local ffi = require "ffi"
local support = require "support.ffi"
local folder = require "support.folder"

support.load("board/dict.h", "board/dict_layout.h")

ffi.cdef [[
struct dict_call {
  int call; struct dict_table *table; struct dict_place place;
  struct dict_value value; uint64_t ttl_ms; uint64_t now_ms;
};
struct dict_stepper { int pid; int returned; };
struct dict_notes {
  uint64_t begun; uint64_t finished; uint64_t operations; uint64_t torn;
};
struct dict_table *dict_map(size_t size);
void dict_unmap(struct dict_table *t, size_t size);
int dict_stepper_start(struct dict_stepper *s, const struct dict_call *call);
bool dict_stepper_step(struct dict_stepper *s, unsigned count);
unsigned dict_stepper_changes(struct dict_stepper *s, const void *mem,
                              size_t size, unsigned *out, unsigned max);
int dict_kill(int pid);
int dict_vandal(struct dict_table *t, uint32_t seed);
int dict_hammer(struct dict_table *t, struct dict_notes *notes, uint32_t seed);
]]

local C = ffi.C
local DONE, ABSENT, EXISTS = C.DICT_DONE, C.DICT_ABSENT, C.DICT_EXISTS
local NOT_NUMBER, BAD_KEY, TOO_LONG = C.DICT_NOT_NUMBER, C.DICT_BAD_KEY,
  C.DICT_TOO_LONG
local SIZE = C.DICT_BYTES_MIN
local VALUE_MAX = C.DICT_VALUE_MAX
local HEAD_ROOM, BLOCK_ROOM = C.DICT_HEAD_ROOM, C.DICT_BLOCK_ROOM
local GET, SET, ADD, INCR, DELETE = 0, 1, 2, 3, 4
local MAP_SHARED_ANONYMOUS, PROT_READ_WRITE = 0x21, 3

local helper, helper_folder


-- A table's own copy of the code, without a sanitizer, so that a stepper takes
-- the instructions that the program takes.
local function compile_helper()
  helper_folder = folder.make()
  local library = helper_folder .. "/dict_workers.so"
  local cc = os.getenv("CC") or "cc"
  local sources = {
    "spec/board/dict_workers.c", "src/board/dict.c", "src/board/dict_table.c",
    "src/board/robust.c", "src/base/siphash.c", "src/base/str.c",
  }
  assert(os.execute(("env -u LD_PRELOAD %s -std=gnu11 -D_GNU_SOURCE -O2 "
    .. "-Wall -Wextra -Isrc -shared -fPIC -Wl,-z,now -o %s %s"):format(cc,
    library, table.concat(sources, " "))) == 0, "the helper does not compile")
  return ffi.load(library)
end


local function share(ctype)
  return ffi.cast(ctype .. " *", C.mmap(nil, ffi.sizeof(ctype),
    PROT_READ_WRITE, MAP_SHARED_ANONYMOUS, -1, 0))
end


local function str(text)
  return ffi.new("struct str", text, #text)
end


local function place_of(dict, key)
  return ffi.new("struct dict_place", dict, str(key))
end


local function value_of(value)
  if type(value) == "string" then
    return ffi.new("struct dict_value", C.DICT_STRING, 0, value, #value)
  end
  if type(value) == "boolean" then
    return ffi.new("struct dict_value", C.DICT_BOOLEAN, value and 1 or 0)
  end
  return ffi.new("struct dict_value", C.DICT_NUMBER, value)
end


local function blocks_of(key, value)
  local n = #key + (type(value) == "string" and #value or 0)
  if n <= HEAD_ROOM then
    return 1
  end
  return 1 + math.ceil((n - HEAD_ROOM) / BLOCK_ROOM)
end


describe("dictionaries", function()
  local t, now
  local core = support.load("board/dict.h")
  local out = ffi.new("struct dict_value")
  local sum, init = ffi.new("double[1]"), ffi.new("double[1]")
  local buffer = ffi.new("char[?]", VALUE_MAX)

  setup(function()
    helper = compile_helper()
  end)

  teardown(function()
    folder.remove(helper_folder)
  end)

  before_each(function()
    now = 1000
    t = helper.dict_map(SIZE)
    assert.is_true(t ~= nil)
    assert.are.equal(0, core.dict_open(t, str "first"))
    assert.are.equal(1, core.dict_open(t, str "second"))
  end)

  after_each(function()
    helper.dict_unmap(t, SIZE)
  end)

  local function get(key, dict)
    local answer = core.dict_get(t, place_of(dict or 0, key), now, out, buffer)
    if answer ~= DONE then
      return nil, tonumber(answer)
    end
    if out.kind == C.DICT_STRING then
      return ffi.string(out.p, out.len)
    end
    if out.kind == C.DICT_BOOLEAN then
      return out.number ~= 0
    end
    return out.number
  end

  local function set(key, value, ttl, dict)
    return tonumber(core.dict_set(t, place_of(dict or 0, key), value_of(value),
      ttl or 0, now))
  end

  local function add(key, value, ttl, dict)
    return tonumber(core.dict_add(t, place_of(dict or 0, key), value_of(value),
      ttl or 0, now))
  end

  local function incr(key, by, start, ttl, dict)
    init[0] = start or 0
    local answer = core.dict_incr(t, place_of(dict or 0, key), by,
      start and init or nil, ttl or 0, now, sum)
    if answer ~= DONE then
      return nil, tonumber(answer)
    end
    return sum[0]
  end

  local function delete(key, dict)
    return tonumber(core.dict_delete(t, place_of(dict or 0, key), now))
  end

  local function totals(dict)
    local all = ffi.new("struct dict_totals")
    assert.is_true(core.dict_read_totals(t, dict, all))
    return {
      name = support.text(all.name), entries = tonumber(all.entries),
      evicted = tonumber(all.evicted), expired = tonumber(all.expired),
    }
  end

  -- Every block is an entry's or free, and nothing is linked that is not there.
  local function check_whole(why)
    local list, newest = 0, 0
    local number = t.oldest
    local chains = ffi.cast("uint32_t *", t + 1)
    local blocks = ffi.cast("struct dict_block *", chains + t.mask + 1) - 1
    while number ~= 0 do
      assert.are.equal(C.DICT_ENTRY, blocks[number].state, why)
      list = list + 1
      newest = number
      number = blocks[number].u.head.newer
    end
    assert.are.equal(newest, t.newest, why)
    local entries, free = 0, t.capacity - t.used
    for i = 1, t.used do
      local state = blocks[i].state
      entries = entries + (state == C.DICT_ENTRY and 1 or 0)
      free = free + (state == C.DICT_FREE and 1 or 0)
    end
    assert.are.equal(entries, list, why)
    assert.are.equal(free, t.free_count, why)
    local counted = 0
    for i = 0, 1 do
      counted = counted + totals(i).entries
    end
    assert.are.equal(entries, counted, why)
    local spare = 0
    number = t.spare
    while number ~= 0 do
      spare = spare + 1
      assert.are.equal(C.DICT_FREE, blocks[number].state, why)
      number = blocks[number].more
    end
    assert.are.equal(free, spare + t.capacity - t.used, why)
  end

  describe("by one process", function()
    it("hold strings, numbers and booleans", function()
      for _, value in ipairs {
        "", "text", "with\0a NUL", ("x"):rep(VALUE_MAX), 0, -1.5, 2 ^ 53,
        math.huge, true, false,
      } do
        assert.are.equal(DONE, set("key", value))
        assert.are.equal(value, get("key"))
      end
      assert.is_nil(get("other"))
      assert.is_nil(get("key", 1))
      check_whole()
    end)

    it("take keys of 1 to 255 bytes and values up to a limit", function()
      local long = ("k"):rep(255)
      assert.are.equal(DONE, set(long, "value"))
      assert.are.equal("value", get(long))
      assert.is_nil(get(("k"):rep(254) .. "x"))
      for _, key in ipairs { "", ("k"):rep(256) } do
        assert.are.same({ nil, BAD_KEY }, { get(key) })
        assert.are.equal(BAD_KEY, set(key, 1))
        assert.are.equal(BAD_KEY, add(key, 1))
        assert.are.same({ nil, BAD_KEY }, { incr(key, 1, 0) })
        assert.are.equal(BAD_KEY, delete(key))
      end
      assert.are.equal(TOO_LONG, set("a", ("x"):rep(VALUE_MAX + 1)))
      assert.are.equal(TOO_LONG, add("a", ("x"):rep(VALUE_MAX + 1)))
      assert.is_nil(get("a"))
    end)

    it("add where there is none, count up, delete", function()
      assert.are.equal(DONE, add("n", 1))
      assert.are.equal(EXISTS, add("n", 2))
      assert.are.equal(3.5, incr("n", 2.5))
      assert.are.equal(3.5, get("n"))
      assert.are.equal(DONE, delete("n"))
      assert.are.equal(ABSENT, delete("n"))
      assert.are.same({ nil, ABSENT }, { incr("n", 1) })
      assert.are.equal(11, incr("n", 1, 10))
      set("s", "1")
      assert.are.same({ nil, NOT_NUMBER }, { incr("s", 1, 0) })
      assert.are.equal("1", get("s"))
    end)

    it("forget what is past its time", function()
      set("a", 1, 100)
      set("for ever", 2)
      assert.are.equal(1, incr("b", 1, 0, 100))
      now = now + 99
      assert.are.equal(1, get("a"))
      assert.are.equal(2, incr("b", 1, 0, 100))
      now = now + 1
      assert.is_nil(get("a"))
      assert.are.equal(1, incr("b", 1, 0, 100))
      assert.are.equal(2, totals(0).expired)
      assert.are.equal(DONE, add("a", "again", 5))
      now = now + 5
      assert.are.equal(DONE, add("a", "once more"))
      now = now + 1e9
      assert.are.equal("once more", get("a"))
      assert.are.equal(2, get("for ever"))
    end)

    it("give a value that is set again its new time", function()
      set("a", 1, 100)
      set("a", 2)
      now = now + 100
      assert.are.equal(2, get("a"))
      set("a", 3, 10)
      now = now + 10
      assert.is_nil(get("a"))
      check_whole()
    end)

    it("have names, at most 64", function()
      assert.are.equal(0, core.dict_open(t, str "first"))
      for i = 2, 63 do
        assert.are.equal(i, core.dict_open(t, str("d" .. i)))
      end
      assert.are.equal(-1, core.dict_open(t, str "too many"))
      assert.are.equal(63, core.dict_open(t, str "d63"))
      assert.are.equal(-1, core.dict_open(t, str ""))
      assert.are.equal(-1, core.dict_open(t, str(("n"):rep(33))))
      assert.are.equal("second", totals(1).name)
    end)

    it("refuse a memory that is too small", function()
      assert.are_not.equal(0, core.dict_init(t, SIZE - 1))
    end)

    it("let go what was used longest ago, in any dictionary", function()
      local n = tonumber(t.capacity)
      for i = 1, n do
        set("k" .. i, i, 0, i % 2)
      end
      assert.are.equal(0, totals(0).evicted + totals(1).evicted)
      assert.are.equal(1, get("k1", 1))
      assert.are.equal(EXISTS, add("k3", 0, 0, 1))
      set("more", 1)
      set("even more", ("x"):rep(HEAD_ROOM + 1 - #"even more"))
      assert.are.equal(1, get("k1", 1))
      assert.is_nil(get("k2", 0))
      assert.is_nil(get("k3", 1))
      assert.is_nil(get("k4", 0))
      assert.are.equal(5, get("k5", 1))
      assert.are.equal(2, totals(0).evicted)
      assert.are.equal(1, totals(1).evicted)
      check_whole()
    end)

    it("take a value again and again when they are full", function()
      local big = ("x"):rep(VALUE_MAX)
      for i = 1, 100 do
        assert.are.equal(DONE, set("k" .. i % 40, big))
        assert.are.equal(big, get("k" .. i % 40))
      end
      check_whole()
    end)
  end)

  -- A plain table does the same; entries are in the order of their last use.
  describe("beside a plain table", function()
    local random, model, order, free

    local function id(dict, key)
      return dict .. "/" .. key
    end

    local function forget(name)
      for i, other in ipairs(order) do
        if other == name then
          table.remove(order, i)
          break
        end
      end
      free = free + model[name].blocks
      model[name] = nil
    end

    local function use(name)
      for i, other in ipairs(order) do
        if other == name then
          table.remove(order, i)
          break
        end
      end
      order[#order + 1] = name
    end

    local function living(name)
      local entry = model[name]
      if entry and entry.expires and now >= entry.expires then
        forget(name)
        entry = nil
      end
      return entry
    end

    -- What is replaced lies there until the new value does.
    local function put(name, key, value, ttl)
      local blocks = blocks_of(key, value)
      local old = model[name]
      local expires = ttl > 0 and now + ttl or nil
      if old and type(value) ~= "string" and type(value) == type(old.value)
        and old.expires == expires then
        old.value = value
        use(name)
        return
      end
      while free < blocks do
        forget(order[1])
      end
      if model[name] then
        forget(name)
      end
      free = free - blocks
      model[name] = { value = value, expires = expires, blocks = blocks }
      use(name)
    end

    local function random_value()
      local kind = random(10)
      if kind <= 4 then
        return random(1000)
      end
      if kind == 5 then
        return random(2) == 1
      end
      local len = kind == 10 and random(VALUE_MAX) or random(400)
      return string.char(96 + random(26)):rep(len)
    end

    local function step()
      local dict = random(2) - 1
      local key = "key " .. random(300)
      if random(20) == 1 then
        key = key .. ("+"):rep(random(200))
      end
      local name, what = id(dict, key), random(100)
      local ttl = random(4) == 1 and random(500) or 0
      now = now + random(3) - 1
      if what <= 40 then
        local entry = living(name)
        if entry then
          use(name)
        end
        local expected
        if entry then
          expected = entry.value
        end
        assert.are.equal(expected, (get(key, dict)))

      elseif what <= 65 then
        local value = random_value()
        put(name, key, value, ttl)
        assert.are.equal(DONE, set(key, value, ttl, dict))

      elseif what <= 75 then
        local value = random_value()
        local expected = living(name) and EXISTS or DONE
        if expected == DONE then
          put(name, key, value, ttl)
        end
        assert.are.equal(expected, add(key, value, ttl, dict))

      elseif what <= 90 then
        local entry = living(name)
        if not entry then
          put(name, key, 5, ttl)
          assert.are.equal(5, incr(key, 2, 3, ttl, dict))

        elseif type(entry.value) == "number" then
          entry.value = entry.value + 2
          use(name)
          assert.are.equal(entry.value, incr(key, 2, 3, ttl, dict))

        else
          assert.are.same({ nil, NOT_NUMBER }, { incr(key, 2, 3, ttl, dict) })
        end

      elseif what <= 99 then
        local expected = living(name) and DONE or ABSENT
        if expected == DONE then
          forget(name)
        end
        assert.are.equal(expected, delete(key, dict))

      else
        assert.are.equal(0, helper.dict_vandal(t, random(65536)))
        assert.is_nil(get("nobody's"))
        check_whole("after a death")
      end
    end

    for seed = 1, 4 do
      it("hold the same after 4000 random operations, seed " .. seed,
        function()
          local state = seed
          function random(n)
            state = (state * 1103515245 + 12345) % 2147483648
            return math.floor(state / 65536) % n + 1
          end
          model, order = {}, {}
          free = tonumber(t.capacity)
          for _ = 1, 4000 do
            step()
            assert.are.equal(free, t.free_count)
          end
          check_whole()
          assert.is_true(totals(0).evicted + totals(1).evicted > 100)
          assert.is_true(tonumber(t.repairs) > 5)
        end)
    end
  end)

  describe("after a death", function()
    local stepper

    setup(function()
      stepper = share("struct dict_stepper")
    end)

    teardown(function()
      C.munmap(stepper, ffi.sizeof("struct dict_stepper"))
    end)

    local LONG = ("o"):rep(300)
    local LONGER = ("n"):rep(700)
    local stories = {
      { name = "getting", call = GET, before = "old", after = "old" },
      { name = "getting what is past its time", call = GET, before = "old",
        ttl = 1, late = true },
      { name = "setting what was not there", call = SET, after = LONG },
      { name = "setting a number", call = SET, after = 7 },
      { name = "setting another text", call = SET, before = LONG,
        after = LONGER },
      { name = "setting another kind", call = SET, before = true, after = 5 },
      { name = "setting a number where one is", call = SET, before = 1,
        after = 2 },
      { name = "setting in full memory", call = SET, before = "old",
        after = LONGER, full = true },
      { name = "adding", call = ADD, after = LONG },
      { name = "adding in full memory", call = ADD, after = 3, full = true },
      { name = "counting", call = INCR, before = 5, by = 2, after = 7 },
      { name = "counting from the start", call = INCR, by = 2, after = 2 },
      { name = "deleting a text", call = DELETE, before = LONGER },
      { name = "deleting a number", call = DELETE, before = 1 },
    }

    local full_memory, empty_memory

    -- The memory before a call, and a process that stands still there.
    local function prepare(story)
      local memory = story.full and full_memory or empty_memory
      ffi.copy(t, memory, SIZE)
      now = 1000
      if story.before ~= nil then
        set("key", story.before, story.ttl)
      end
      set("last", "one")
      for i = 1, story.full and t.free_count or 0 do
        set("more " .. i, i, 0, 1)
      end
      now = now + (story.late and 10 or 0)
      local value = value_of(story.by or story.after or 0)
      local call = ffi.new("struct dict_call", {
        call = story.call, table = t, place = place_of(0, "key"),
        value = value, now_ms = now,
      })
      assert.are.equal(0, helper.dict_stepper_start(stepper, call))
    end

    -- Others are there already; nobody has the lock, so it can be copied.
    before_each(function()
      now = 1000
      empty_memory = ffi.new("char[?]", SIZE)
      full_memory = ffi.new("char[?]", SIZE)
      local others = function()
        for i = 1, 8 do
          set("other " .. i, ("v"):rep(i * 40))
        end
      end
      others()
      ffi.copy(empty_memory, t, SIZE)
      for i = 1, t.free_count - 20 do
        set("filler " .. i, i, 0, 1)
      end
      others()
      ffi.copy(full_memory, t, SIZE)
    end)

    -- Each step after which memory was another: what a death can leave.
    local function moments(story)
      local steps = ffi.new("unsigned[1024]")
      prepare(story)
      local n = helper.dict_stepper_changes(stepper, t, SIZE, steps, 1024)
      assert.is_true(n >= 3 and n < 1024)
      helper.dict_kill(stepper.pid)
      local list = { 0 }
      for i = 0, n - 1 do
        list[#list + 1] = steps[i]
      end
      return list
    end

    local function fill_all(why)
      for i = 1, t.capacity + 10 do
        set("fresh " .. i, i, 0, 1)
      end
      check_whole(why)
      assert.are.equal(0, totals(0).entries, why)
      assert.are.equal(tonumber(t.capacity), totals(1).entries, why)
    end

    local function check_story(story, why)
      local value = get("key")
      local is_old = value == story.before and not story.late
      assert.is_true(is_old or value == story.after, why)
      check_whole(why)
      for i = 1, 8 do
        assert.are.equal(("v"):rep(i * 40), get("other " .. i), why)
      end
      assert.are.equal("one", get("last"), why)
      assert.are.equal(DONE, set("key", "again"), why)
      assert.are.equal("again", get("key"), why)
      return is_old
    end

    for _, story in ipairs(stories) do
      it("at any moment of " .. story.name .. ", are whole", function()
        local old, new = 0, 0
        for i, k in ipairs(moments(story)) do
          local why = ("%s, killed after %d"):format(story.name, k)
          prepare(story)
          helper.dict_stepper_step(stepper, k)
          assert.are.equal(0, helper.dict_kill(stepper.pid))
          if check_story(story, why) then
            old = old + 1

          else
            new = new + 1
          end
          -- All the memory can be used.
          if i % 8 == 1 then
            fill_all(why)
          end
        end
        if story.before ~= story.after then
          assert.is_true(new > 0)
          assert.is_true(old > 0 or story.late)
        end
      end)
    end
  end)

  describe("under load", function()
    local PROCESSES, ROUNDS = 3, 40
    local notes, pids

    before_each(function()
      notes = share("struct dict_notes")
      pids = {}
      for i = 1, PROCESSES do
        pids[i] = helper.dict_hammer(t, notes, i)
      end
    end)

    after_each(function()
      for _, pid in pairs(pids) do
        helper.dict_kill(pid)
      end
      C.munmap(notes, ffi.sizeof("struct dict_notes"))
    end)

    it("lose no count and mix no texts while processes are killed",
      function()
        for round = 1, ROUNDS do
          local goal = notes.operations + 500 + round * 7919 % 500
          local deadline = os.clock() + 20
          while notes.operations < goal do
            assert.is_true(os.clock() < deadline, "the hammers have stopped")
            C.poll(nil, 0, 1)
          end
          local victim = round % PROCESSES + 1
          assert.are.equal(0, helper.dict_kill(pids[victim]))
          pids[victim] = helper.dict_hammer(t, notes, PROCESSES + round)
        end
        for i = 1, PROCESSES do
          helper.dict_kill(pids[i])
          pids[i] = nil
        end
        now = 1
        local count = get("total")
        check_whole()
        -- The dead may have counted and not have noted it, once each.
        assert.is_true(count >= tonumber(notes.finished))
        assert.is_true(count <= tonumber(notes.begun))
        assert.is_true(notes.begun - notes.finished <= PROCESSES + ROUNDS)
        assert.are.equal(0, tonumber(notes.torn))
        assert.is_true(count > 1000)
      end)
  end)
end)
