--- Responses as they leave: head, framing, and what happens when the client
-- does not take them at once.
local ffi = require "ffi"
local folder = require "support.folder"
local stream = require "support.stream"
local support = require "support.ffi"

local C = ffi.C
local core = support.load("proxy/http_writer.h", "net/buffer.h",
  "base/arena.h", "base/clock.h")

local O_RDONLY = 0
local IDLE, BLOCKED, DONE, FAILED = 0, 1, 2, 3


local function str(text)
  return ffi.new("struct str", text, #text)
end


describe("the writer", function()
  local pool, arena, writer, link, dir, kept

  local function open(options)
    link = stream.new(options)
    core.arena_init(arena, 4096)
    core.spool_init(writer.spool, pool, dir, 65536, 2 ^ 30)
    core.writer_init(writer, link.stream, arena)
    writer.keep_alive = true
  end

  before_each(function()
    dir, kept = folder.make(), {}
    pool = ffi.new("struct buffer_pool")
    arena = ffi.new("struct arena")
    writer = ffi.new("struct http_writer")
    core.buffer_pool_init(pool)
    open()
  end)

  after_each(function()
    core.writer_fini(writer)
    core.arena_fini(arena)
    core.buffer_pool_fini(pool)
    link:close()
    for _, thing in ipairs(kept) do
      if type(thing) == "number" then
        C.close(thing)
      end
    end
    folder.remove(dir)
  end)

  local function reopen(options)
    core.writer_fini(writer)
    core.arena_fini(arena)
    link:close()
    open(options)
  end

  -- The next response on the same connection.
  local function again()
    core.arena_reset(arena)
    core.writer_init(writer, link.stream, arena)
    writer.keep_alive = true
  end

  local function span(text)
    kept[#kept + 1] = text
    assert.is_true(core.writer_span(writer, str(text)))
  end

  local function file(text, before, offset, len)
    local path = dir .. "/" .. #kept
    folder.write(path, text)
    local fd = C.open(path, O_RDONLY)
    kept[#kept + 1] = fd
    kept[#kept + 1] = before
    assert.are.equal(0, core.writer_file(writer, str(before or ""), fd,
      offset or 0, len or #text))
  end

  local function flush()
    return tonumber(core.writer_flush(writer))
  end

  -- The head without its date, and the text behind it.
  local function split(response)
    local head, rest = response:match("^(.-\r\n)\r\n(.*)$")
    local date
    head, date = head:gsub("Date: %a%a%a, %d%d %a%a%a %d%d%d%d "
      .. "%d%d:%d%d:%d%d GMT\r\n", "")
    assert.are.equal(1, date, "one Date")
    return head, rest
  end

  local function received()
    return split(link.peer:receive_some())
  end

  it("knows the length of what ended before the first flush", function()
    core.writer_begin(writer, 200)
    core.writer_field(writer, str("X-A"), str("1"))
    span("hello ")
    span("world")
    core.writer_end(writer)
    assert.is_true(core.writer_is_unsent(writer))
    assert.are.equal(DONE, flush())
    assert.is_false(core.writer_is_unsent(writer))
    local head, body = received()
    assert.are.equal("HTTP/1.1 200 OK\r\nServer: moongate\r\nX-A: 1\r\n"
      .. "Content-Length: 11\r\n", head)
    assert.are.equal("hello world", body)
    assert.are.equal(11, tonumber(writer.body_bytes))
    assert.are.equal(tonumber(writer.sent_bytes),
      tonumber(writer.head_bytes) + 11)
  end)

  it("says close, and keep-alive to HTTP/1.0", function()
    for _, case in ipairs({
      { http10 = false, keep = false, line = "Connection: close\r\n" },
      { http10 = true, keep = false, line = "Connection: close\r\n" },
      { http10 = true, keep = true, line = "Connection: keep-alive\r\n" },
      { http10 = false, keep = true, line = "" },
    }) do
      again()
      writer.http10, writer.keep_alive = case.http10, case.keep
      core.writer_begin(writer, 404)
      core.writer_end(writer)
      assert.are.equal(DONE, flush())
      assert.are.equal("HTTP/1.1 404 Not Found\r\nServer: moongate\r\n"
        .. "Content-Length: 0\r\n" .. case.line, (received()))
    end
  end)

  it("writes chunks when the end is not known", function()
    core.writer_begin(writer, 200)
    span("first")
    assert.are.equal(IDLE, flush())
    local head, body = received()
    assert.are.equal("HTTP/1.1 200 OK\r\nServer: moongate\r\n"
      .. "Transfer-Encoding: chunked\r\n", head)
    assert.are.equal("5\r\nfirst\r\n", body)

    assert.are.equal(IDLE, flush())
    span(("x"):rep(20))
    span("y")
    assert.are.equal(IDLE, flush())
    assert.are.equal("15\r\n" .. ("x"):rep(20) .. "y\r\n",
      link.peer:receive_some())

    span("end")
    core.writer_end(writer)
    assert.are.equal(DONE, flush())
    assert.are.equal("3\r\nend\r\n0\r\n\r\n", link.peer:receive_some())
    assert.are.equal(DONE, flush())
    assert.is_true(link.peer:quiet(0.02))
    assert.is_true(writer.keep_alive)
    assert.are.equal(29, tonumber(writer.body_bytes))
  end)

  it("ends chunks that ended before with the last one alone", function()
    core.writer_begin(writer, 200)
    assert.are.equal(IDLE, flush())
    received()
    core.writer_end(writer)
    assert.are.equal(DONE, flush())
    assert.are.equal("0\r\n\r\n", link.peer:receive_some())
  end)

  it("ends with the connection when HTTP/1.0 gets a stream", function()
    writer.http10 = true
    core.writer_begin(writer, 200)
    span("a")
    assert.are.equal(IDLE, flush())
    span("b")
    core.writer_end(writer)
    assert.are.equal(DONE, flush())
    assert.is_false(writer.keep_alive)
    local head, body = split(link.peer:receive_until("ab"))
    assert.are.equal("HTTP/1.1 200 OK\r\nServer: moongate\r\n"
      .. "Connection: close\r\n", head)
    assert.are.equal("ab", body)
  end)

  it("drops what goes beyond the announced length", function()
    core.writer_begin(writer, 200)
    core.writer_length(writer, 5)
    span("abc")
    assert.are.equal(IDLE, flush())
    span("defg")
    span("h")
    core.writer_end(writer)
    assert.are.equal(DONE, flush())
    assert.is_true(writer.keep_alive)
    assert.are.equal("abcde", select(2, split(
      link.peer:receive_until("abcde"))))
    assert.is_true(link.peer:quiet(0.02))
  end)

  it("closes after less than the announced length", function()
    core.writer_begin(writer, 200)
    core.writer_length(writer, 5)
    span("abc")
    core.writer_end(writer)
    assert.are.equal(DONE, flush())
    assert.is_false(writer.keep_alive)
  end)

  it("sends a HEAD's answer without the body but with its length", function()
    writer.head_only = true
    core.writer_begin(writer, 200)
    span("hello")
    core.writer_end(writer)
    assert.are.equal(DONE, flush())
    local head, body = received()
    assert.is_truthy(head:find("Content-Length: 5\r\n", 1, true))
    assert.are.equal("", body)
    assert.are.equal(0, tonumber(writer.body_bytes))
  end)

  it("streams nothing to HEAD", function()
    writer.head_only = true
    core.writer_begin(writer, 200)
    span("hello")
    assert.are.equal(IDLE, flush())
    span("more")
    core.writer_end(writer)
    assert.are.equal(DONE, flush())
    local head, body = received()
    assert.are.equal("HTTP/1.1 200 OK\r\nServer: moongate\r\n", head)
    assert.are.equal("", body)
  end)

  for _, status in ipairs({ 204, 304 }) do
    it("sends no body and no length with " .. status, function()
      core.writer_begin(writer, status)
      span("hello")
      core.writer_end(writer)
      assert.are.equal(DONE, flush())
      local head, body = received()
      assert.is_nil(head:find("Content-Length", 1, true))
      assert.is_nil(head:find("Transfer-Encoding", 1, true))
      assert.are.equal("", body)
    end)
  end

  it("drops a response that was begun for another", function()
    core.writer_begin(writer, 200)
    core.writer_field(writer, str("X-A"), str("1"))
    span("wrong")
    core.writer_begin(writer, 502)
    span("bad")
    core.writer_end(writer)
    assert.are.equal(DONE, flush())
    local head, body = received()
    assert.are.equal("HTTP/1.1 502 Bad Gateway\r\nServer: moongate\r\n"
      .. "Content-Length: 3\r\n", head)
    assert.are.equal("bad", body)
  end)

  it("sends an interim response before the head", function()
    assert.are.equal(0, core.writer_interim(writer, 100))
    assert.is_true(core.writer_is_unsent(writer))
    assert.are.equal("HTTP/1.1 100 Continue\r\n\r\n",
      link.peer:receive_some())
    core.writer_begin(writer, 200)
    core.writer_end(writer)
    assert.are.equal(DONE, flush())
    assert.is_truthy((received()):find("^HTTP/1.1 200"))
  end)

  it("writes nothing before a response was begun", function()
    assert.are.equal(IDLE, flush())
    assert.is_true(core.writer_is_unsent(writer))
  end)

  it("refuses more spans than there is room for", function()
    core.writer_begin(writer, 200)
    for _ = 1, core.WRITER_SPANS_MAX do
      span("x")
    end
    assert.is_false(core.writer_span(writer, str("y")))
    assert.are.equal(IDLE, flush())
    assert.is_true(core.writer_span(writer, str("y")))
    assert.are.equal(IDLE, flush())
    local want = ("%x\r\n%s\r\n1\r\ny\r\n"):format(core.WRITER_SPANS_MAX,
      ("x"):rep(core.WRITER_SPANS_MAX))
    local _, body = split(link.peer:receive_until("y\r\n"))
    assert.are.equal(want, body)
  end)

  it("grows its head as far as it may", function()
    core.writer_begin(writer, 200)
    for _ = 1, 6 do
      core.writer_field(writer, str("X-Long"), str(("v"):rep(10000)))
    end
    core.writer_end(writer)
    assert.are.equal(DONE, flush())
    assert.are.equal(60000, select(2, (split(link.peer:receive_until(
      "\r\n\r\n"))):gsub("v", "")) - 1)

    again()
    core.writer_begin(writer, 200)
    for _ = 1, 7 do
      core.writer_field(writer, str("X-Long"), str(("v"):rep(10000)))
    end
    core.writer_end(writer)
    assert.are.equal(FAILED, flush())
  end)

  it("allocates nothing for a client that takes all", function()
    for _ = 1, 3 do
      again()
      core.writer_begin(writer, 200)
      span(("z"):rep(3000))
      core.writer_end(writer)
      assert.are.equal(DONE, flush())
      received()
    end
    assert.are.equal(0, pool.free_count)
    assert.is_true(writer.spool.first == nil)
  end)

  describe("with a client that is full soon", function()
    local body

    before_each(function()
      reopen({ sndbuf = 8192, rcvbuf = 8192 })
      local pieces = {}
      for i = 1, 60000 do
        pieces[i] = ("%08d\n"):format(i)
      end
      body = table.concat(pieces)
    end)

    -- Receives N bytes while the writer goes on at each edge.
    local function receive_while_flushing(n)
      local out, result = "", nil
      while #out < n do
        local piece = link.peer:receive_some()
        out = out .. piece
        if result ~= DONE then
          link.stream.writable = true
          result = flush()
        end
      end
      return out, result
    end

    it("copies what is not taken, so that spans are free", function()
      core.writer_begin(writer, 200)
      local room = ffi.new("char[?]", #body + 1, body)
      assert.is_true(core.writer_span(writer,
        ffi.new("struct str", room, #body)))
      core.writer_end(writer)
      assert.are.equal(BLOCKED, flush())
      ffi.fill(room, #body, 0)
      assert.are.equal(BLOCKED, flush())
      local head_len = tonumber(writer.head_bytes)
      local text, result = receive_while_flushing(head_len + #body)
      assert.are.equal(DONE, result)
      assert.are.equal(body, text:sub(head_len + 1))
    end)

    it("keeps chunks in order through memory and file", function()
      core.writer_begin(writer, 200)
      local want = {}
      for at = 1, #body, 5000 do
        local part = body:sub(at, at + 4999)
        span(part)
        want[#want + 1] = ("%x\r\n%s\r\n"):format(#part, part)
        assert.is_true(flush() ~= FAILED)
      end
      core.writer_end(writer)
      assert.are.equal(BLOCKED, flush())
      assert.is_true(writer.spool.fd >= 0)
      want = table.concat(want) .. "0\r\n\r\n"
      local head_len = tonumber(writer.head_bytes)
      local text, result = receive_while_flushing(head_len + #want)
      assert.are.equal(DONE, result)
      assert.are.equal(want, text:sub(head_len + 1))
    end)

    it("sends files bit by bit and keeps nothing of them", function()
      core.writer_begin(writer, 206)
      file(body, "--first--", 9, 300000)
      file(body, "--second--", 0, #body)
      assert.are.equal(0, core.writer_file(writer, str("--last--"), -1, 0, 0))
      core.writer_end(writer)
      assert.are.equal(BLOCKED, flush())
      local want = "--first--" .. body:sub(10, 300009) .. "--second--" .. body
        .. "--last--"
      local head_len = tonumber(writer.head_bytes)
      local text, result = receive_while_flushing(head_len + #want)
      assert.are.equal(DONE, result)
      assert.are.equal(want, text:sub(head_len + 1))
      assert.is_truthy(text:find("\r\nContent-Length: " .. #want .. "\r\n", 1,
        true))
      assert.are.equal(-1, writer.spool.fd)
    end)

    it("fails when the client is gone", function()
      core.writer_begin(writer, 200)
      span(body)
      assert.are.equal(BLOCKED, flush())
      link.peer:reset()
      link:turn()
      link.stream.writable = true
      assert.are.equal(FAILED, flush())
    end)
  end)

  it("sends a file with its head", function()
    core.writer_begin(writer, 200)
    file("contents")
    core.writer_end(writer)
    assert.are.equal(DONE, flush())
    local head, body = split(link.peer:receive_until("contents"))
    assert.is_truthy(head:find("Content-Length: 8\r\n", 1, true))
    assert.are.equal("contents", body)
  end)

  it("sends an empty file", function()
    core.writer_begin(writer, 200)
    file("")
    core.writer_end(writer)
    assert.are.equal(DONE, flush())
    assert.is_truthy((received()):find("Content-Length: 0\r\n", 1, true))
  end)

  it("sends nothing of a file to HEAD", function()
    writer.head_only = true
    core.writer_begin(writer, 200)
    file("contents")
    core.writer_end(writer)
    assert.are.equal(DONE, flush())
    local head, body = received()
    assert.is_truthy(head:find("Content-Length: 8\r\n", 1, true))
    assert.are.equal("", body)
  end)

  it("fails when a file has become shorter", function()
    core.writer_begin(writer, 200)
    file("contents", "", 0, 100)
    core.writer_end(writer)
    assert.are.equal(FAILED, flush())
  end)

  it("sends no zeros for what its spool has given back meanwhile", function()
    core.writer_begin(writer, 200)
    local pieces, total = {}, 0
    for i = 1, 400 do
      pieces[i] = ("%08d"):format(i):rep(8192)
      total = total + #pieces[i]
    end
    core.writer_length(writer, total)
    for i = 1, #pieces do
      span(pieces[i])
      assert.is_true(flush() ~= FAILED)
    end
    core.writer_end(writer)
    local size = tonumber(writer.head_bytes) + total
    local out, n, result = {}, 0, BLOCKED
    while n < size do
      out[#out + 1] = link.peer:receive_some()
      n = n + #out[#out]
      if result == BLOCKED then
        link.stream.writable = true
        result = flush()
      end
    end
    assert.are.equal(DONE, result)
    local text = table.concat(out):sub(-total)
    assert.is_true(text == table.concat(pieces), "the bytes are not the same")
  end)

  it("lets others have their turn in a long file", function()
    core.writer_begin(writer, 200)
    file(("x"):rep(16 * 2 ^ 20))
    core.writer_end(writer)
    local most, sent = 0, 0
    link.stream.writable = true
    local reader = require("support.loop")
    reader.spawn("reader", function()
      while true do
        link.peer:receive_some()
      end
    end)
    local result = flush()
    while result == BLOCKED do
      most = math.max(most, tonumber(writer.sent_bytes) - sent)
      sent = tonumber(writer.sent_bytes)
      reader.watch(0.001)
      link:turn()
      result = flush()
    end
    reader.clear()
    assert.are.equal(DONE, result)
    assert.is_true(most <= core.WRITER_TURN_MAX + 1024)
    assert.is_false(most < 65536)
  end)
end)
