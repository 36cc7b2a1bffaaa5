--- TLS as a server: one of the core's streams accepts what another begins.
local ffi = require "ffi"
local folder = require "support.folder"
local libc = require "support.libc"
local loop = require "support.loop"
local stream = require "support.stream"
local support = require "support.ffi"
local tls = require "support.tls"

local core = support.load("net/tls.h", "net/loop.h", "net/stream.h",
  "base/clock.h")

ffi.cdef "int shutdown(int fd, int how);"

local EAGAIN, EPROTO = 11, 71
local SHUT_WR = 1
local ROOM = 4096


describe("TLS as a server", function()
  local pki, link, near, far, timer, on_tick, room, texts

  setup(function()
    pki = tls.make()
    pki:sign("good", "DNS:app.test")
    pki:sign("other", "DNS:other.test")
    pki:sign("old", "DNS:app.test", 0)
    texts = {}
    for _, name in ipairs { "good", "other", "old" } do
      texts[name .. ".crt"] = folder.read(pki:file(name .. ".crt"))
      texts[name .. ".key"] = folder.read(pki:file(name .. ".key"))
    end
    pki:remove()
  end)

  -- Two of the core's streams that are connected with each other.
  local function open()
    link = stream.new()
    near, far = link.stream, ffi.new("struct stream")
    local fd = libc.check(ffi.C.dup(link.peer.fd), "dup")
    libc.check(core.stream_open(far, link.loop, fd, link.on_ready),
      "stream_open")
  end

  local function close()
    core.timer_stop(timer)
    core.stream_close(far)
    link:close()
  end
  jit.off(close)

  before_each(function()
    core.clock_update()
    room = ffi.new("char[?]", ROOM)
    open()
    timer = ffi.new("struct timer")
    on_tick = ffi.cast("timer_fn", function()
      core.loop_stop(link.loop)
    end)
    core.timer_init(timer, on_tick)
  end)

  after_each(function()
    close()
    on_tick:free()
  end)

  local function turn()
    core.loop_start_timer(link.loop, timer, 1)
    core.loop_run(link.loop)
  end
  jit.off(turn)

  local function str(text)
    return ffi.new("struct str", text, #text)
  end

  -- The server with these; nil and what is wrong.
  local function new_server(chain, key)
    local why = ffi.new("const char *[1]")
    local server = core.tls_server_new(str(chain), str(key), why)
    if server == nil then
      return nil, ffi.string(why[0])
    end
    return server
  end

  -- Has the far stream accept what came, behind the bytes EARLY.
  local function accept(early)
    local server = assert(new_server(texts["good.crt"], texts["good.key"]))
    libc.check(core.tls_accept(far, server, str(early or "")), "tls_accept")
    core.tls_server_unref(server)
  end

  local function begin()
    local why = ffi.new("const char *[1]")
    local client = core.tls_client_new(true, str(pki.ca), why)
    assert(client ~= nil)
    libc.check(core.tls_connect(near, client, "app.test"), "tls_connect")
    core.tls_client_unref(client)
    assert.are.equal(-1, core.tls_handshake(near))
  end

  -- Calls F until it does not have to wait: what it returned, and errno.
  local function await(f)
    local result, error
    loop.wait_until("it is decided", function()
      result = tonumber(f())
      error = result < 0 and ffi.errno() or 0
      if error == EAGAIN then
        turn()
      end
      return error ~= EAGAIN
    end)
    return result, error
  end
  jit.off(await)

  local function shake()
    local done = {}
    return await(function()
      for _, s in ipairs { far, near } do
        local at = s == far and "far" or "near"
        if not done[at] then
          if core.tls_handshake(s) == 0 then
            done[at] = true

          elseif ffi.errno() ~= EAGAIN then
            return -1
          end
        end
      end
      if done.far and done.near then
        return 0
      end
      ffi.errno(EAGAIN)
      return -1
    end)
  end

  local function receive(s)
    local n, error = await(function()
      return core.stream_read(s, room, ROOM)
    end)
    if n < 0 then
      return nil, error
    end
    return ffi.string(room, n)
  end

  local function exchange()
    assert.are.equal(4, tonumber(core.stream_write(near, "ping", 4)))
    assert.are.equal("ping", receive(far))
    assert.are.equal(4, tonumber(core.stream_write(far, "pong", 4)))
    assert.are.equal("pong", receive(near))
  end

  it("moves bytes both ways, and hears goodbye", function()
    begin()
    accept()
    assert.are.equal(0, shake())
    exchange()
    core.stream_close(near)
    assert.are.equal("", receive(far))
  end)

  it("takes what was read before, cut at every place", function()
    local n, len = 0
    repeat
      n = n + 1
      begin()
      len = await(function()
        return core.stream_read(far, room, n)
      end)
      accept(ffi.string(room, len))
      assert.are.equal(0, shake(), "after " .. n)
      exchange()
      close()
      open()
    until len < n
    assert.is_true(n > 100)
  end)

  for _, case in ipairs {
    { "is an error", false, nil, EPROTO },
    { "is an end where that is allowed", true, "" },
  } do
    it("that is cut off " .. case[1], function()
      begin()
      accept()
      assert.are.equal(0, shake())
      if case[2] then
        core.tls_allow_cut(far)
      end
      exchange()
      libc.check(ffi.C.shutdown(near.fd, SHUT_WR), "shutdown")
      local text, error = receive(far)
      assert.are.equal(case[3], text)
      assert.are.equal(case[4], error)
    end)
  end

  it("is none with a client that knows version 1.1 at most", function()
    local hello = "\3\2" .. ("r"):rep(32) .. "\0\0\2\192\19\1\0"
    hello = "\1\0\0" .. string.char(#hello) .. hello
    hello = "\22\3\1\0" .. string.char(#hello) .. hello
    accept()
    core.stream_write(near, hello, #hello)
    local result, error = await(function()
      return core.tls_handshake(far)
    end)
    assert.are.same({ -1, EPROTO }, { result, error })
    core.tls_error_text(far, error, room, ROOM)
    assert.are.equal("TLS: unsupported protocol", ffi.string(room))
  end)

  it("is none with a client that speaks plainly", function()
    accept()
    core.stream_write(near, "GET / HTTP/1.0\r\n\r\n", 18)
    local result, error = await(function()
      return core.tls_handshake(far)
    end)
    assert.are.same({ -1, EPROTO }, { result, error })
  end)

  for _, case in ipairs {
    { "another one's key", "good.crt", "other.key",
      "the key is not that of the certificate" },
    { "a key in place of a certificate", "good.key", "good.key",
      "the certificate is not valid PEM" },
    { "a certificate in place of a key", "good.crt", "good.crt",
      "the key is not valid PEM, or has a passphrase" },
  } do
    it("refuses " .. case[1], function()
      local server, why = new_server(texts[case[2]], texts[case[3]])
      assert.is_nil(server)
      assert.are.equal(case[4], why)
    end)
  end

  it("knows a certificate that has expired", function()
    local old = assert(new_server(texts["old.crt"], texts["old.key"]))
    local good = assert(new_server(texts["good.crt"], texts["good.key"]))
    assert.are.equal("has expired", ffi.string(core.tls_server_doubt(old)))
    assert.is_true(core.tls_server_doubt(good) == nil)
    core.tls_server_unref(old)
    core.tls_server_unref(good)
  end)
end)
