--- Bytes in memory first, then in a file, out again in their order.
local ffi = require "ffi"
local folder = require "support.folder"
local support = require "support.ffi"

local core = support.load("proxy/spool.h", "net/buffer.h")

local MANY = 64


-- Bytes that differ from their neighbours, so that a shift is seen.
local function bytes(n, seed)
  local out = {}
  for i = 1, n do
    out[i] = string.char((i * 7 + math.floor(i / 251) + seed) % 256)
  end
  return table.concat(out)
end


describe("a spool", function()
  local pool, spool, dir

  local function start(memory_max, file_max)
    core.spool_init(spool, pool, dir, memory_max, file_max)
  end

  local function append(text)
    assert.are.equal(0, core.spool_append(spool, text, #text))
  end

  -- What lies in memory at the front, at most MAX pieces.
  local function peek(max)
    local iov = ffi.new("struct iovec[?]", MANY)
    local n = core.spool_peek(spool, iov, max or MANY)
    local out = {}
    for i = 0, n - 1 do
      out[#out + 1] = ffi.string(iov[i].iov_base, iov[i].iov_len)
    end
    return table.concat(out), n
  end

  local function peek_file()
    local fd, offset = ffi.new("int[1]"), ffi.new("off_t[1]")
    local n = tonumber(core.spool_peek_file(spool, fd, offset))
    local file = assert(io.open("/proc/self/fd/" .. fd[0], "rb"))
    file:seek("set", tonumber(offset[0]))
    local text = file:read(n)
    file:close()
    return text
  end

  -- Takes N bytes from the front, wherever they are.
  local function take(n)
    local out = ""
    while #out < n do
      local text, count = peek(1)
      if count == 0 then
        text = peek_file()
      end
      text = text:sub(1, n - #out)
      core.spool_consume(spool, #text)
      out = out .. text
    end
    return out
  end

  local function len()
    return tonumber(core.spool_len(spool))
  end

  local function file_size()
    local file = assert(io.open("/proc/self/fd/" .. spool.fd, "rb"))
    local size = file:seek("end")
    file:close()
    return size
  end

  before_each(function()
    dir = folder.make()
    pool = ffi.new("struct buffer_pool")
    spool = ffi.new("struct spool")
    core.buffer_pool_init(pool)
    start(65536, 2 ^ 30)
  end)

  after_each(function()
    core.spool_fini(spool)
    core.buffer_pool_fini(pool)
    folder.remove(dir)
  end)

  it("is empty at first", function()
    assert.is_true(core.spool_is_empty(spool))
    assert.is_false(core.spool_is_full(spool))
    assert.are.equal(0, select(2, peek()))
  end)

  it("gives back what was added, over the ends of buffers", function()
    local text = bytes(50000, 1)
    append(text:sub(1, 3))
    append(text:sub(4, 40000))
    append(text:sub(40001))
    assert.are.equal(50000, len())
    assert.are.equal(text, (peek()))
    assert.are.equal(text, take(50000))
    assert.is_true(core.spool_is_empty(spool))
    assert.are.equal(-1, spool.fd)
  end)

  it("gives its buffers back when it is empty", function()
    append(bytes(40000, 1))
    take(40000)
    assert.is_true(spool.first == nil and spool.last == nil)
    assert.are.equal(3, pool.free_count)
  end)

  it("goes on with a file where memory ends", function()
    local text = bytes(150000, 2)
    for at = 1, #text, 10000 do
      append(text:sub(at, at + 9999))
    end
    assert.are.equal(150000, len())
    assert.is_true(spool.in_memory <= 65536)
    assert.is_true(spool.fd >= 0)
    assert.are.same({}, folder.list(dir))
    assert.are.equal(text, take(150000))
  end)

  it("keeps the order while it is drained and filled by turns", function()
    start(20000, 2 ^ 30)
    local all, out, at = bytes(400000, 3), {}, 1
    while at <= #all do
      append(all:sub(at, at + 6999))
      at = at + 7000
      out[#out + 1] = take(math.min(len(), at % 3 == 0 and 11000 or 3000))
    end
    out[#out + 1] = take(len())
    assert.are.equal(all, table.concat(out))
  end)

  it("cuts a drained file to nothing and uses memory again", function()
    start(10000, 2 ^ 30)
    append(bytes(30000, 1))
    assert.are.equal(30000, file_size())
    take(30000)
    assert.are.equal(0, file_size())
    append("again")
    assert.are.equal("again", (peek()))
  end)

  it("gives the disk back what was consumed of an endless file", function()
    start(0, 2 ^ 30)
    local piece = bytes(1048576, 1)
    append(piece)
    for _ = 1, 20 do
      append(piece)
      take(#piece)
    end
    local blocks = require("lfs").attributes(
      "/proc/self/fd/" .. spool.fd, "blocks")
    assert.is_true(blocks * 512 < core.SPOOL_FREE_STEP + 2 * #piece,
      blocks .. " blocks are in use")
    assert.are.equal(piece, take(#piece))
  end)

  it("is full when memory and file hold what they may", function()
    start(10000, 20000)
    append(bytes(10000, 1))
    assert.is_false(core.spool_is_full(spool))
    append(bytes(19999, 1))
    assert.is_false(core.spool_is_full(spool))
    append("x")
    assert.is_true(core.spool_is_full(spool))
    take(30000)
    assert.is_false(core.spool_is_full(spool))
  end)

  it("opens no file where none is allowed", function()
    start(10000, 0)
    append(bytes(9000, 1))
    assert.is_false(core.spool_is_full(spool))
    append(bytes(9000, 2))
    assert.is_true(core.spool_is_full(spool))
    assert.are.equal(-1, spool.fd)
    assert.are.equal(bytes(9000, 1) .. bytes(9000, 2), take(18000))
  end)

  it("keeps what it has when a file cannot be opened", function()
    core.spool_init(spool, pool, dir .. "/absent", 10, 1000)
    append("12345")
    assert.are.equal(-1, core.spool_append(spool, "1234567", 7))
    assert.are.equal("12345", take(len()))
  end)

  for _, case in ipairs({
    { name = "memory", memory = 65536 },
    { name = "memory and a file", memory = 20000 },
    { name = "a file", memory = 0 },
  }) do
    it("that keeps can be read again, from " .. case.name, function()
      start(case.memory, 2 ^ 30)
      spool.keep = true
      local text = bytes(60000, 4)
      append(text:sub(1, 18000))
      append(text:sub(18001, 36000))
      assert.are.equal(text:sub(1, 30000), take(30000))
      append(text:sub(36001))
      assert.are.equal(text:sub(30001), take(30000))
      assert.is_true(core.spool_is_empty(spool))

      core.spool_rewind(spool)
      assert.are.equal(60000, len())
      assert.are.equal(text, take(60000))
      core.spool_rewind(spool)
      assert.are.equal(text:sub(1, 5), take(5))
    end)
  end
end)
