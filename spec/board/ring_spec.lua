-- The log ring: order, wrap, overflow, waking, and a producer that dies.
local ffi = require "ffi"
local support = require "support.ffi"
local core = support.load("board/ring.h")

local C = ffi.C

local BYTES, HEAD = 4096, 8
local PROT_READ_WRITE, MAP_SHARED_ANONYMOUS, SIGKILL = 3, 0x21, 9
local PR_SET_PDEATHSIG = 1
local DROPPED, WAS_EMPTY, HALF_FULL = 1, 2, 4


describe("ring", function()
  local memory, ring, record


  before_each(function()
    local size = tonumber(core.ring_size(BYTES))
    memory = ffi.new("char[?]", size + 64)
    local at = tonumber(ffi.cast("uintptr_t", memory) % 64)
    ring = core.ring_init(memory + (64 - at), BYTES)
    record = ffi.new("struct ring_record")
  end)


  local function put(text, kind, target)
    return core.ring_put(ring, kind or 0, target or 0, text, #text)
  end


  -- The oldest record's text, which leaves the ring; nil if there is none.
  local function take()
    if not core.ring_peek(ring, record) then
      return nil
    end
    local text = ffi.string(record.text.p, record.text.len)
    core.ring_pop(ring, record)
    return text
  end


  -- Words of the ring itself: head, tail, and the data behind them.
  local function words()
    return ffi.cast("uint64_t *", ring)
  end


  it("begins empty", function()
    assert.is_nil(take())
    assert.equal(0ULL, core.ring_dropped(ring))
  end)


  it("gives records in order, with their kind and target", function()
    put("one", 1, 10)
    put("", 2, 20)
    put("three", 3, 65535)
    assert.is_true(core.ring_peek(ring, record))
    assert.equal(1, record.kind)
    assert.equal(10, record.target)
    assert.equal("one", take())
    assert.equal("", take())
    assert.is_true(core.ring_peek(ring, record))
    assert.equal(3, record.kind)
    assert.equal(65535, record.target)
    assert.equal("three", take())
    assert.is_nil(take())
  end)


  it("gives the same record until it is popped", function()
    put("once")
    assert.is_true(core.ring_peek(ring, record))
    assert.is_true(core.ring_peek(ring, record))
    assert.equal("once", take())
    assert.is_nil(take())
  end)


  it("keeps records whole around the end, at every alignment", function()
    for length = 0, 200 do
      for i = 1, 60 do
        local text = string.char(33 + (length + i) % 90):rep(length)
        assert.equal(0, bit.band(put(text), DROPPED))
        assert.equal(text, take())
      end
    end
    assert.equal(0ULL, core.ring_dropped(ring))
  end)


  it("keeps order while several records stand around the end", function()
    local sent, seen = 0, 0
    for _ = 1, 5000 do
      while bit.band(put(("record %d "):format(sent + 1):rep(1 + sent % 9)),
          DROPPED) == 0 do
        sent = sent + 1
      end
      for _ = 1, 1 + sent % 5 do
        local text = assert(take())
        seen = seen + 1
        assert.equal(("record %d "):format(seen):rep(1 + (seen - 1) % 9),
          text)
      end
    end
    while take() do
      seen = seen + 1
    end
    assert.equal(sent, seen)
  end)


  it("drops what does not fit, counts it, and keeps what is there", function()
    local kept = 0
    while bit.band(put(("x"):rep(92)), DROPPED) == 0 do
      kept = kept + 1
    end
    assert.equal(math.floor(BYTES / (HEAD + 96)), kept)
    put(("y"):rep(92))
    assert.equal(2ULL, core.ring_dropped(ring))
    for _ = 1, kept do
      assert.equal(("x"):rep(92), take())
    end
    assert.is_nil(take())
    assert.equal(0, bit.band(put("again"), DROPPED))
    assert.equal("again", take())
  end)


  it("can be filled to its last byte", function()
    local text = ("z"):rep(BYTES / 8 - HEAD)
    for _ = 1, 8 do
      assert.equal(0, bit.band(put(text), DROPPED))
    end
    assert.equal(DROPPED, bit.band(put(""), DROPPED))
    for _ = 1, 8 do
      assert.equal(text, take())
    end
  end)


  it("leaves an eighth of it free of a flood", function()
    local record_bytes = BYTES / 64
    local text = ("x"):rep(record_bytes - HEAD)
    local function flood()
      return bit.band(DROPPED,
        core.ring_put_sparing(ring, 0, 0, text, #text)) == 0
    end
    local count = 0
    while flood() do
      count = count + 1
    end
    assert.equal(64 - 8, count)
    for _ = 1, 8 do
      assert.equal(0, bit.band(DROPPED, put(text)))
    end
    assert.equal(DROPPED, bit.band(DROPPED, put(text)))
    for _ = 1, 9 do
      assert.equal(text, take())
    end
    assert.is_true(flood())
    assert.is_false(flood())
  end)


  it("refuses a record longer than a quarter of it", function()
    assert.equal(DROPPED, put(("x"):rep(BYTES / 4)))
    assert.equal(DROPPED, put(("x"):rep(BYTES / 4 - HEAD + 1)))
    assert.equal(WAS_EMPTY, put(("x"):rep(BYTES / 4 - HEAD)))
    assert.equal(2ULL, core.ring_dropped(ring))
  end)


  it("says when it was empty and when it is more than half full", function()
    local text = ("x"):rep(BYTES / 8 - HEAD)
    assert.equal(WAS_EMPTY, put(text))
    for _ = 2, 4 do
      assert.equal(0, put(text))
    end
    assert.equal(HALF_FULL, put(text))
    while take() do
      assert.is_true(true)
    end
    assert.equal(WAS_EMPTY, put(text))
  end)


  it("shows nothing of a record whose producer died before the end",
    function()
      put("before")
      local head = words()[0]
      put("a record of which the head was never moved on")
      words()[0] = head
      assert.equal("before", take())
      assert.is_nil(take())
      put("after")
      assert.equal("after", take())
      assert.is_nil(take())
    end)


  it("shows nothing of a pad whose producer died before the record",
    function()
      local text = ("x"):rep(BYTES / 4 - HEAD)
      for _ = 1, 3 do
        put(text)
        assert.equal(text, take())
      end
      put(("y"):rep(600))
      local head = words()[0]
      put(("z"):rep(600))
      words()[0] = head
      assert.equal(("y"):rep(600), take())
      assert.is_nil(take())
      put("after")
      assert.equal("after", take())
    end)


  -- A child that puts numbered records for as long as it lives.
  local function start_producer(shared, first)
    local pid = C.fork()
    if pid ~= 0 then
      assert.is_true(pid > 0)
      return pid
    end
    C.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    local number = first
    while true do
      local text = ("%d:"):format(number) .. ("x"):rep(number % 97)
      if bit.band(core.ring_put(shared, 0, 0, text, #text), DROPPED) == 0 then
        number = number + 1
      end
    end
  end


  it("gives whole records in order, however often its producer is killed",
    function()
      local size = core.ring_size(BYTES)
      local pages = C.mmap(nil, size, PROT_READ_WRITE, MAP_SHARED_ANONYMOUS,
        -1, 0)
      local shared = core.ring_init(pages, BYTES)
      local last = 0

      local function consume()
        if not core.ring_peek(shared, record) then
          return false
        end
        local text = ffi.string(record.text.p, record.text.len)
        local number, rest = text:match("^(%d+):(x*)$")
        assert.equal(last + 1, tonumber(number))
        assert.equal((last + 1) % 97, #rest)
        last = last + 1
        core.ring_pop(shared, record)
        return true
      end

      for round = 1, 200 do
        local pid = start_producer(shared, last + 1)
        local stop_at = last + 1 + round % 50
        local deadline = os.clock() + 10
        while last < stop_at do
          consume()
          assert.is_true(os.clock() < deadline, "the producer has stopped")
        end
        C.kill(pid, SIGKILL)
        C.waitpid(pid, nil, 0)
        while consume() do
          assert.is_true(last > 0)
        end
      end
      C.munmap(pages, size)
    end)


  -- The producer is unprivileged; the consumer must survive what it writes.
  for name, harm in pairs {
    ["a head behind the tail"] = function(w)
      w[0] = 0
    end,
    ["a head too far ahead"] = function(w)
      w[0] = w[0] + 2 * BYTES
    end,
    ["a head in the middle of a record"] = function(w)
      w[0] = w[0] - 1
    end,
    ["a length beyond the head"] = function(_, data)
      ffi.cast("uint32_t *", data)[0] = 1000
    end,
    ["a length beyond all"] = function(_, data)
      ffi.cast("uint32_t *", data)[0] = 0xffffffff
    end,
    ["a length that wraps round"] = function(_, data)
      ffi.cast("uint32_t *", data)[0] = 0xfffffff9
    end,
  } do
    it("empties itself for " .. name, function()
      put("first")
      take()
      put("second")
      harm(words(), ffi.cast("char *", ring) + core.ring_size(BYTES) - BYTES
        + 16)
      assert.is_nil(take())
      assert.is_nil(take())
    end)
  end
end)
