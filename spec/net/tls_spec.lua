--- TLS as a client, by connections to hosts: against OpenSSL's own server with
-- certificates of all kinds, and against peers that break it off.
local ffi = require "ffi"
local folder = require "support.folder"
local loop = require "support.loop"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"
local support = require "support.ffi"
local tls = require "support.tls"

local core = support.load("net/outbound.h", "net/tls.h", "net/loop.h",
  "base/clock.h")

local EAGAIN, EINPROGRESS, EPROTO = 11, 115, 71
local ROOM = 65536
local BULK = 16 * 1024 * 1024


describe("TLS", function()
  local pki, good, l, resolver, out, on_ready, timer, on_tick, room

  setup(function()
    pki = tls.make()
    pki:sign("good", "DNS:app.test,DNS:localhost,IP:127.0.0.1")
    pki:sign("other", "DNS:other.test,IP:127.0.0.2")
    pki:sign("expired", "DNS:app.test,IP:127.0.0.1", 0)
    pki:self_sign("self", "DNS:app.test,IP:127.0.0.1")
    good = pki:serve("good", { "-quiet", "-rev" })
  end)

  teardown(function()
    good:stop()
    pki:remove()
  end)

  before_each(function()
    core.clock_update()
    room = ffi.new("char[?]", ROOM)
    l = core.loop_new()
    resolver = ffi.new("struct resolver")
    core.resolver_init(resolver, l)
    timer = ffi.new("struct timer")
    on_tick = ffi.cast("timer_fn", function()
      core.loop_stop(l)
    end)
    core.timer_init(timer, on_tick)
    out = ffi.new("struct outbound")
    on_ready = ffi.cast("outbound_fn", function() end)
    core.outbound_init(out, on_ready)
  end)

  -- Turns the loop for a moment.
  local function turn()
    core.loop_start_timer(l, timer, 1)
    core.loop_run(l)
  end
  jit.off(turn)

  local function fini()
    core.outbound_close(out)
    core.timer_stop(timer)
    core.resolver_fini(resolver)
    core.loop_free(l)
    on_ready:free()
    on_tick:free()
    net.close_all()
    loop.clear()
  end
  jit.off(fini)

  after_each(fini)

  local function new_client(ca, verify)
    local why = ffi.new("const char *[1]")
    local text = ffi.new("struct str", ca, ca and #ca or 0)
    local client = core.tls_client_new(verify ~= false, text, why)
    return client, client == nil and ffi.string(why[0]) or nil
  end

  -- Connects; nil, or what went wrong.
  local function connect(port, options)
    options = options or {}
    local client, why = new_client(options.ca or pki.ca, options.verify)
    assert(client ~= nil, why)
    local conf = ffi.new("struct outbound_conf", {
      loop = l, resolver = resolver, host = options.host or "127.0.0.1",
      port = port, client = client, name = options.name,
    })
    local result = core.outbound_start(out, conf)
    core.tls_client_unref(client)
    if result < 0 then
      return ffi.string(out.words)
    end
    local error
    loop.wait_until("it is decided", function()
      error = core.outbound_connect(out) < 0 and ffi.errno() or 0
      if error == EINPROGRESS then
        turn()
      end
      return error ~= EINPROGRESS
    end)
    return error ~= 0 and ffi.string(out.words) or nil
  end
  jit.off(connect)

  local function stream()
    return out.stream
  end

  -- Bytes; "" at the end; nil and an errno.
  local function read()
    local n = tonumber(core.stream_read(stream(), room, ROOM))
    if n < 0 then
      return nil, ffi.errno()
    end
    return ffi.string(room, n)
  end

  -- The same, but waits.
  local function receive()
    local text, error
    loop.wait_until("something comes", function()
      if not stream().readable then
        turn()
      end
      text, error = nil, EAGAIN
      if stream().readable then
        text, error = read()
      end
      return error ~= EAGAIN
    end)
    return text, error
  end

  local function send(text)
    return tonumber(core.stream_write(stream(), text, #text))
  end

  it("moves bytes both ways, and says goodbye", function()
    assert.is_nil(connect(good.port, { name = "app.test" }))
    assert.are.equal(6, send("hello\n"))
    local answer = ""
    while #answer < 6 do
      answer = answer .. receive()
    end
    assert.are.equal("olleh\n", answer)
    assert.is_false(core.stream_can_splice(stream()))
    core.outbound_close(out)
    assert.is_false(core.stream_is_open(stream()))
  end)

  it("says so by EAGAIN where there is nothing", function()
    assert.is_nil(connect(good.port))
    assert.are.same({ nil, EAGAIN }, { read() })
    assert.is_false(stream().readable)
  end)

  describe("verifies", function()
    local CASES = {
      { "an address", "good" },
      { "a name", "good", name = "app.test" },
      { "a name that is looked up", "good", host = "localhost" },
      { "a wrong name", "good", name = "nobody.test",
        "certificate verify failed: hostname mismatch" },
      { "a wrong address", "other",
        "certificate verify failed: IP address mismatch" },
      { "an expired certificate", "expired",
        "certificate verify failed: certificate has expired" },
      { "a certificate that is its own", "self",
        "certificate verify failed: self%-signed certificate" },
      { "a certificate that is its own, and is named", "self", ca = "self" },
      { "a certificate of an authority that is not trusted", "good",
        ca = "self", "certificate verify failed: unable to get local issuer" },
      { "a certificate that is named, of whomever", "good", ca = "good" },
      { "nothing, if told so", "self", verify = false, name = "x.test" },
      { "nothing, if told so, of an expired one", "expired", verify = false },
    }
    for _, case in ipairs(CASES) do
      it(case[1], function()
        local ca = case.ca and folder.read(pki:file(case.ca .. ".crt"))
        local server = case[2] == "good" and good
          or pki:serve(case[2], { "-quiet", "-rev" })
        local why = connect(server.port, {
          name = case.name, host = case.host, verify = case.verify, ca = ca,
        })
        if case[3] then
          assert(why and why:find("^" .. case[3]), why)
        else
          assert.is_nil(why)
        end
        if server ~= good then
          server:stop()
        end
      end)
    end

    it("by the system's certificates where none are given", function()
      local why = ffi.new("const char *[1]")
      local client = core.tls_client_new(true, ffi.new("struct str"), why)
      assert.is_true(client ~= nil)
      core.tls_client_unref(client)
    end)

    it("by no text that is not of certificates", function()
      local _, why = new_client("hello")
      assert.are.equal("it holds no certificate in PEM", why)
      _, why = new_client("")
      assert.are.equal("it holds no certificate in PEM", why)
      _, why = new_client(pki.ca .. pki.ca:sub(1, 200) .. "\n")
      assert.are.equal("one of its certificates is not valid PEM", why)
      local client = new_client("-- one\n" .. pki.ca .. "-- two\n" .. pki.ca)
      assert.is_true(client ~= nil)
      core.tls_client_unref(client)
    end)
  end)

  it("tells the server its name", function()
    local server = pki:serve("other", {
      "-quiet", "-rev", "-servername", "app.test", "-cert2",
      pki:file("good.crt"), "-key2", pki:file("good.key"),
    })
    assert.is_nil(connect(server.port, { name = "app.test" }))
    server:stop()
  end)

  -- A peer on a Unix socket that hears how a client begins, and leaves; and
  -- what it has heard.
  local function listen_hello()
    local heard = {}
    local place = pki:file("hello.sock")
    os.remove(place)
    peer.serve(function(connection)
      local header = connection:receive(5)
      heard.hello = header
        and connection:receive(header:byte(4) * 256 + header:byte(5))
    end, { unix = place })
    return heard, "unix:" .. place
  end

  -- The name in a ClientHello (RFC 8446, 4.1.2; RFC 6066, 3); nil: none.
  local function told_name(hello)
    local function number(at, bytes)
      local n = 0
      for i = at, at + bytes - 1 do
        n = n * 256 + hello:byte(i)
      end
      return n
    end
    local at = 1 + 4 + 2 + 32
    for _, bytes in ipairs({ 1, 2, 1 }) do  -- session, ciphers, compression
      at = at + bytes + number(at, bytes)
    end
    local past = at + 2 + number(at, 2)
    assert(past == #hello + 1, "no ClientHello")
    at = at + 2
    while at < past do
      local kind, len = number(at, 2), number(at + 2, 2)
      if kind == 0 then
        return hello:sub(at + 9, at + 3 + len)
      end
      at = at + 4 + len
    end
    return nil
  end

  it("tells a peer on a Unix socket its path as the server's name", function()
    local heard, host = listen_hello()
    assert.is_not_nil(connect(0, { host = host, verify = false }))
    assert.is_nil(told_name(heard.hello))
    core.outbound_close(out)

    heard, host = listen_hello()
    assert.is_not_nil(connect(0, { host = host, name = "app.test" }))
    assert.are.equal("app.test", told_name(heard.hello))
  end)

  it("verifies no Unix socket without a name", function()
    local _, host = listen_hello()
    local why = "TLS has no name to verify for " .. host
    assert.are.equal(why, connect(0, { host = host }))
    assert.are.equal(why, connect(0, { host = host, name = "" }))
    assert.are.equal("TLS has no name to verify for 127.0.0.1",
      connect(good.port, { name = "" }))
    assert.is_false(core.stream_is_open(stream()))
  end)

  it("is of version 1.2 at least", function()
    local server = pki:serve("good", { "-quiet", "-tls1_2" })
    assert.is_nil(connect(server.port))
    server:stop()
    core.outbound_close(out)
    server = pki:serve("good", { "-quiet", "-tls1_1", "-cipher",
      "ALL:@SECLEVEL=0" })
    local why = connect(server.port)
    assert(why and why:find("^TLS: "), why)
    server:stop()
  end)

  it("is none with a peer that speaks plainly", function()
    local plain = peer.serve(peer.greet("220 mail.test ESMTP\r\n"))
    assert.are.equal("TLS: wrong version number", connect(plain.port))
  end)

  it("that is cut off in the handshake says so", function()
    local cut = peer.serve(function(connection)
      connection:receive(10)
    end)
    assert.are.equal("the connection was closed in the TLS handshake",
      connect(cut.port))
    core.outbound_close(out)
    local reset = peer.serve(function(connection)
      connection:receive(10)
      connection:reset()
    end)
    assert.are.equal("connection reset by peer", connect(reset.port))
  end)

  it("that is refused says so", function()
    local reserved = net.reserve()
    assert.are.equal("connection refused", connect(reserved.port))
    reserved:close()
  end)

  -- Between the client and a server: bytes as they are, until told to stop.
  local function relay(server, state)
    return peer.serve(function(connection)
      local other = assert(net.connect(server.port))
      state.client, state.server = connection, other
      local back = loop.spawn("the way back", function()
        while true do
          local bytes = other:receive_some(math.huge)
          if not bytes or not connection:send(bytes) then
            return connection:shutdown()
          end
        end
      end)
      while true do
        local bytes = connection:receive_some(math.huge)
        if not bytes or not other:send(bytes) then
          break
        end
      end
      other:close()
      loop.cancel(back)
    end)
  end

  it("that ends without a goodbye was cut off", function()
    local state = {}
    assert.is_nil(connect(relay(good, state).port, { name = "app.test" }))
    state.server:close()
    state.client:shutdown()
    local text, error = receive()
    assert.is_nil(text)
    assert.are.equal(EPROTO, error)
    assert.are.equal("the TLS connection was cut off",
      ffi.string(core.outbound_explain(out, error)))
    assert.are.equal(-1, send("x"))
  end)

  it("gives what came before it ended, and then the end", function()
    folder.write(pki:file("page"), "twelve bytes")
    local server = pki:serve("good", { "-HTTP", "-quiet" })
    assert.is_nil(connect(server.port))
    send("GET /page HTTP/1.0\r\n\r\n")
    local all = ""
    while true do
      local text, error = receive()
      assert.is_nil(error)
      if text == "" then
        break
      end
      all = all .. text
    end
    assert.are.equal("twelve bytes", all)
    assert.are.equal("", read())
    assert.is_true(stream().readable)
    server:stop()
  end)

  -- Lines, and what the server makes of them: each in reverse.
  local function make_lines(bytes)
    local lines, reversed, total, i = {}, {}, 0, 0
    while total < bytes do
      i = i + 1
      local line = ("%d:"):format(i) .. ("abcdefg"):rep(i % 300)
      lines[i], reversed[i] = line, line:reverse()
      total = total + #line + 1
    end
    lines[i + 1], reversed[i + 1] = "", ""
    return table.concat(lines, "\n"), table.concat(reversed, "\n")
  end

  -- Goes on with `send_more` and receiving until as much has come.
  local function exchange(bytes, send_more)
    local got, total = {}, 0
    loop.wait_until("all is there", function()
      for _ = 1, 100 do
        local text, error
        if stream().readable then
          text, error = read()
        end
        assert(text ~= "" and (not error or error == EAGAIN))
        if text then
          got[#got + 1], total = text, total + #text
        end
        send_more()
      end
      turn()
      return total >= bytes
    end, 60)
    return table.concat(got)
  end

  it("moves sixteen megabytes both ways at once", function()
    local bulk, wanted = make_lines(BULK)
    assert.is_nil(connect(good.port))
    local sent = 0
    local p = ffi.cast("char *", bulk)
    local iov = ffi.new("struct iovec[2]")
    local got = exchange(#bulk, function()
      -- Two pieces, cut elsewhere each time.
      local left = #bulk - sent
      local first = math.min(left, 1000 + sent % 777)
      iov[0].iov_base, iov[0].iov_len = p + sent, first
      iov[1].iov_base = p + sent + first
      iov[1].iov_len = math.min(left - first, 100000)
      if left > 0 and stream().writable then
        local n = tonumber(core.stream_writev(stream(), iov, 2))
        assert(n > 0 or ffi.errno() == EAGAIN)
        sent = sent + math.max(n, 0)
      end
    end)
    assert.is_true(got == wanted)
  end)

  it("sends files", function()
    local text, wanted = make_lines(1000000)
    folder.write(pki:file("sent"), "skip\n" .. text)
    assert.is_nil(connect(good.port))
    local fd = ffi.C.open(pki:file("sent"), 0)
    local sent = 0
    local got = exchange(#text, function()
      if sent < #text and stream().writable then
        local n = tonumber(core.stream_sendfile(stream(), fd, 5 + sent,
          #text - sent))
        assert(n > 0 or ffi.errno() == EAGAIN)
        sent = sent + math.max(n, 0)
      end
    end)
    assert.are.equal(0, tonumber(core.stream_sendfile(stream(), fd,
      5 + #text, 10)))
    ffi.C.close(fd)
    assert.is_true(got == wanted)
  end)

  it("comes back with what it holds when it has yielded", function()
    local server = pki:serve("good", { "-quiet", "-rev" })
    assert.is_nil(connect(server.port))
    send(("x"):rep(100) .. "\n")
    local first
    loop.wait_until("something comes", function()
      turn()
      local n = tonumber(core.stream_read(stream(), room, 10))
      first = n > 0 and n
      return first
    end)
    assert.are.equal(10, first)
    server:stop()
    assert.are.equal(0, core.stream_yield(stream()))
    assert.is_false(stream().readable)
    loop.wait_until("it comes back", function()
      turn()
      return stream().readable
    end)
    assert.are.equal(("x"):rep(90) .. "\n", (read()))
  end)

  it("ends its own side, and hears what the server says then", function()
    assert.is_nil(connect(good.port))
    send("last\n")
    assert.are.equal(0, core.stream_shutdown(stream()))
    assert.are.equal("tsal\n", (receive()))
    assert.are.equal("", (receive()))
  end)

  it("leaves nothing of a hundred connections", function()
    local before = #process.fds("self")
    for i = 1, 100 do
      local why = connect(good.port, { name = i % 2 == 0 and "x.test" or nil })
      assert.are.equal(i % 2 == 0, why ~= nil)
      core.outbound_close(out)
    end
    local after = #process.fds("self")
    assert.are.equal(before, after)
  end)
end)
