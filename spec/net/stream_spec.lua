--- Streams: what they remember of readiness, and what they say of the other
-- side.
local ffi = require "ffi"
local libc = require "support.libc"
local stream = require "support.stream"
local support = require "support.ffi"

local core = support.load("net/stream.h", "net/loop.h", "base/addr.h")

local EAGAIN, EINPROGRESS, ECONNREFUSED = 11, 115, 111
local IPPROTO_TCP, TCP_NODELAY = 6, 1
local ROOM = 65536


describe("a stream", function()
  local link, s, peer, room

  local function open(options)
    link = stream.new(options)
    s, peer = link.stream, link.peer
  end

  before_each(function()
    room = ffi.new("char[?]", ROOM)
    open()
  end)

  after_each(function()
    link:close()
  end)

  -- What was read, or what the call returned and errno.
  local function read(n)
    local got = tonumber(core.stream_read(s, room, n or ROOM))
    if got > 0 then
      return ffi.string(room, got)
    end
    return got, ffi.errno()
  end

  -- Turns the loop until it is readable.
  local function await()
    while not s.readable do
      link:turn()
    end
  end

  it("may be read and written at once", function()
    assert.is_true(s.readable and s.writable)
    assert.are.equal(5, tonumber(core.stream_write(s, "hello", 5)))
    assert.are.equal("hello", peer:receive(5))
    assert.is_true(s.writable)
  end)

  it("is no longer readable when there was nothing", function()
    local got, why = read()
    assert.are.same({ -1, EAGAIN }, { got, why })
    assert.is_false(s.readable)
  end)

  it("is readable again after an edge", function()
    read()
    peer:send("abc")
    await()
    assert.are.equal("abc", read())
  end)

  it("asks the kernel no more after a short read", function()
    peer:send("abc")
    await()
    assert.are.equal("abc", read(ROOM))
    assert.is_false(s.readable)
  end)

  it("stays readable while a read was filled", function()
    peer:send("abcdef")
    await()
    assert.are.equal("abc", read(3))
    assert.is_true(s.readable)
    assert.are.equal("def", read(3))
    assert.is_true(s.readable)
  end)

  it("is read to the end that came with the last bytes", function()
    read()
    peer:send("last")
    peer:shutdown()
    while not s.hung_up do
      link:turn()
    end
    assert.are.equal("last", read())
    assert.is_true(s.readable)
    assert.are.equal(0, (read()))
  end)

  it("joins pieces in one write", function()
    local iov = ffi.new("struct iovec[3]")
    local pieces = { "one ", "two ", "three" }
    for i, piece in ipairs(pieces) do
      iov[i - 1].iov_base = ffi.cast("void *", piece)
      iov[i - 1].iov_len = #piece
    end
    assert.are.equal(13, tonumber(core.stream_writev(s, iov, 3)))
    assert.are.equal("one two three", peer:receive(13))
  end)

  it("can be given away open", function()
    local fd = core.stream_release(s)
    assert.is_false(core.stream_is_open(s))
    assert.are.equal(0, core.stream_open(s, link.loop, fd, link.on_ready))
    peer:send("abc")
    await()
    assert.are.equal("abc", read())
  end)

  it("holds bytes back for what is written next", function()
    local iov = ffi.new("struct iovec[1]")
    local head = "head "
    iov[0].iov_base, iov[0].iov_len = ffi.cast("void *", head), #head
    assert.are.equal(#head, tonumber(core.stream_writev_more(s, iov, 1)))
    assert.is_true(peer:quiet(0.02))
    assert.are.equal(4, tonumber(core.stream_write(s, "body", 4)))
    assert.are.equal("head body", peer:receive_some())
  end)

  describe("whose peer takes nothing", function()
    before_each(function()
      link:close()
      open({ sndbuf = 8192, rcvbuf = 8192 })
      while s.writable do
        core.stream_write(s, room, ROOM)
      end
    end)

    it("is not writable, and is again when the peer has read", function()
      link:turn()
      local got = 0
      while not s.writable do
        got = got + #peer:receive_some()
        if got > 16384 then
          link:turn()
        end
      end
      assert.is_true(tonumber(core.stream_write(s, "x", 1)) == 1)
    end)

    it("says so by EAGAIN", function()
      local n
      repeat
        n = tonumber(core.stream_write(s, room, ROOM))
      until n < 0
      assert.are.equal(EAGAIN, ffi.errno())
      assert.is_false(s.writable)
    end)
  end)

  it("comes back in a later turn when it has yielded", function()
    peer:send("abc")
    await()
    assert.are.equal(0, core.stream_yield(s))
    assert.is_false(s.readable or s.writable)
    link:turn()
    assert.is_true(s.readable and s.writable)
    assert.are.equal("abc", read())
  end)

  it("ends its own side and goes on reading", function()
    assert.are.equal(0, core.stream_shutdown(s))
    local _, why = peer:receive_some()
    assert.are.equal("closed", why)
    peer:send("still")
    await()
    assert.are.equal("still", read())
  end)

  it("is closed once, however often", function()
    core.stream_close(s)
    core.stream_close(s)
    assert.is_false(core.stream_is_open(s))
    assert.is_false(s.readable or s.writable)
    local _, why = peer:receive_some()
    assert.are.equal("closed", why)
  end)

  it("can end so that the peer sees a reset", function()
    core.stream_reset(s)
    local _, why = peer:receive_some()
    assert.are.equal("reset", why)
    core.stream_reset(s)
  end)

  it("reports a write to a peer that is gone", function()
    peer:reset()
    link:turn()
    local result
    for _ = 1, 2 do
      result = tonumber(core.stream_write(s, "x", 1))
    end
    assert.are.equal(-1, result)
    assert.are_not.equal(EAGAIN, ffi.errno())
  end)

  describe("that connects", function()
    local other, on_ready

    before_each(function()
      other = ffi.new("struct stream")
      on_ready = ffi.cast("stream_fn", function()
        core.loop_stop(link.loop)
      end)
    end)

    after_each(function()
      core.stream_close(other)
      on_ready:free()
    end)

    local function connect(port)
      local address = ffi.new("struct addr")
      assert(core.addr_parse(address, "127.0.0.1:" .. port, nil) == 0)
      return core.stream_connect(other, link.loop, address, on_ready)
    end

    -- Turns the loop until it is decided; the kernel tells an error once.
    local function decide()
      while true do
        local result = core.stream_connect_error(other)
        if result ~= EINPROGRESS then
          return result
        end
        link:turn()
      end
    end
    jit.off(decide)

    it("is connected when somebody listens", function()
      local listener = require("support.net").listen()
      assert.are.equal(0, connect(listener.port))
      assert.are.equal(0, decide())
      local accepted = listener:accept()
      assert.are.equal(2, tonumber(core.stream_write(other, "hi", 2)))
      assert.are.equal("hi", accepted:receive(2))
      accepted:close()
      listener:close()
    end)

    local function delays()
      local on, len = ffi.new("int[1]"), ffi.new("unsigned[1]", 4)
      libc.check(ffi.C.getsockopt(other.fd, IPPROTO_TCP, TCP_NODELAY, on, len),
        "getsockopt")
      return on[0] == 0
    end

    it("waits for nobody's acknowledgement from the second write on",
      function()
        local listener = require("support.net").listen()
        connect(listener.port)
        decide()
        core.stream_write(other, "one ", 4)
        assert.is_true(delays())
        core.stream_write(other, "two", 3)
        assert.is_false(delays())
        local accepted = listener:accept()
        assert.are.equal("one two", accepted:receive(7))
        accepted:close()
        listener:close()
      end)

    it("is refused when nobody does", function()
      local reserved = require("support.net").reserve()
      local result = connect(reserved.port)
      if result == 0 then
        assert.are.equal(ECONNREFUSED, decide())
      else
        assert.are.equal(ECONNREFUSED, ffi.errno())
      end
      reserved:close()
    end)
  end)
end)
