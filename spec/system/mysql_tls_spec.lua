--- TLS of MySQL logins between real clients and scripted servers: passwords
-- that have to be said whole, servers that break their handshake, and PROXY
-- headers before both.
local folder = require "support.folder"
local moongate = require "support.moongate"
local mysql = require "support.mysql"
local mysql_tls = require "support.mysql_tls"
local peer = require "support.peer"
local process = require "support.process"
local tls = require "support.tls"

local SHA2, SHA256 = "caching_sha2_password", "sha256_password"
local CLEAR = "mysql_clear_password"
local CHALLENGE = "0123456789abcdefghij\0"
local KEY_ASKED = { [SHA2] = "\2", [SHA256] = "\1" }

local CONFIG = [[
  [upstream db]
  protocol = mysql
  %s
  server one = 127.0.0.1:${port_one} %s
  %s
  [mysql db]
  listen = 127.0.0.1:${port_db} %s
  upstream = db
  connect_timeout = 1s
  access_log = tcplog
  log_to = file:${dir}/records
]]

local LISTEN = "tls certificate=good.crt key=good.key"
local BY_TLS, PLAIN = true, false

-- Logs in, behind a line if one is given.
local CLIENT = [[
import pymysql, socket, sys
port, ca, line = sys.argv[1:]
s = socket.create_connection(("127.0.0.1", int(port)))
s.settimeout(30)
s.sendall(line.encode())
try:
    c = pymysql.connect(host="127.0.0.1", user="app", password="app",
        ssl={"ca": ca} if ca else None, defer_connect=True)
    c.connect(s)
    c.ping(reconnect=False)
    c.close()
    print("in", end="")
except pymysql.err.MySQLError as e:
    print(*e.args, end="")
]]

-- The same by a Unix socket.
local UNIX_CLIENT = [[
import pymysql, sys
try:
    pymysql.connect(unix_socket=sys.argv[1], user="app", password="app")
    print("in", end="")
except pymysql.err.MySQLError as e:
    print(*e.args, end="")
]]


describe("the TLS of a MySQL login", function()
  local pki, m, secured

  setup(function()
    pki = tls.make()
    pki:sign("good", "DNS:localhost,IP:127.0.0.1")
    pki:sign("other", "DNS:other.test")
    pki:sign("expired", "IP:127.0.0.1", 0)
  end)

  teardown(function()
    pki:remove()
  end)

  -- The program, and the server by TLS if there was one.
  local function finish()
    if secured then
      secured:stop()
      secured = nil
    end
    moongate.finish()
  end

  after_each(finish)

  local function serve_tls(name, options)
    secured = mysql_tls.serve(pki, name, options)
    return secured
  end

  -- @param options  server (what stands behind its address), listen, more
  --                 (lines of the upstream), two (a port)
  local function start(port, options)
    m = moongate.start {
      config = CONFIG:format(options.upstream or "", options.server or "",
        options.two and "server two = 127.0.0.1:${port_two} "
          .. options.server or "", options.listen or ""),
      workers = 1, ports = { one = port, two = options.two },
      files = { ["ca.crt"] = pki.ca,
        ["good.crt"] = folder.read(pki:file("good.crt")),
        ["good.key"] = folder.read(pki:file("good.key")) },
      log = options.log,
    }
  end

  local function log_in(by_tls, line)
    local _, said = process.run({ "/usr/bin/python3", "-c", CLIENT,
      tostring(m.port.db), by_tls and pki:file("ca.crt") or "", line or "" },
      { env = { LD_PRELOAD = false, ASAN_OPTIONS = false } })
    return said
  end

  local VERIFY = "tls verify=ca.crt"

  -- A server without TLS that asks for a plugin, and what it hears.
  local function serve(plugin)
    local heard = {}
    local server = peer.serve(function(connection)
      connection:send(mysql.greeting8())
      assert(mysql.receive(connection))
      connection:send(mysql.switch(2, plugin, CHALLENGE))
      local answer, sequence = mysql.receive(connection)
      heard[#heard + 1] = answer
      if answer and plugin == SHA2 then
        connection:send(mysql.packet(sequence + 1, "\1\4"))
        heard[#heard + 1] = mysql.receive(connection)
      end
    end)
    return server.port, heard
  end

  it("lets the whole password pass where both legs have it", function()
    for _, plugin in ipairs { SHA2, SHA256 } do
      local server = serve_tls("good", { plugin = plugin })
      start(server.port, { server = VERIFY, listen = LISTEN })
      assert.are.equal("in", log_in(BY_TLS))
      server:wait("quit")
      local heard = server:heard()
      assert.is_truthy(heard:find("asked\nlogin app\nanswer ", 1, true), heard)
      assert.is_truthy(heard:find(plugin == SHA2 and "whole 61707000\n"
        or "answer 61707000\n", 1, true), heard)
      assert.is_nil(heard:find("was due", 1, true), heard)
      finish()
    end
  end)

  for _, plugin in ipairs { SHA2, SHA256 } do
    it("on the client's leg alone keeps it back: " .. plugin, function()
      local port, heard = serve(plugin)
      start(port, { listen = LISTEN })
      local said = log_in(BY_TLS)
      assert.is_truthy(said:find("^3159 .*add tls to the server"), said)
      assert.are.equal(plugin == SHA2 and 1 or 0, #heard)
      assert.are_not.equal("app\0", heard[1])
      assert.is_truthy(m:records("records", 1)[1]:find(" PH ", 1, true))
    end)

    it("on the server's leg alone asks for the client's: " .. plugin,
      function()
        local server = serve_tls("good", { plugin = plugin })
        start(server.port, { server = VERIFY })
        local said = log_in(PLAIN)
        assert.is_truthy(said:find("^3159 .*connect with TLS"), said)
        server:wait("lost EOFError")
        assert.is_nil(server:heard():find("whole", 1, true), server:heard())
      end)

    it("on no leg leaves the key to be asked for: " .. plugin, function()
      local port, heard = serve(plugin)
      start(port, {})
      log_in(PLAIN)
      assert.are.equal(KEY_ASKED[plugin], heard[#heard])
    end)
  end

  -- The client holds its Unix socket for safe.
  for _, plugin in ipairs { SHA2, SHA256 } do
    it("is missing where a Unix socket is in front: " .. plugin, function()
      local port, heard = serve(plugin)
      start(port, { listen = "\n  listen = unix:${dir}/db.sock" })
      local _, said = process.run({ "/usr/bin/python3", "-c", UNIX_CLIENT,
        m.dir .. "/db.sock" }, {
        env = { LD_PRELOAD = false, ASAN_OPTIONS = false } })
      assert.is_truthy(said:find("^3159 The password may not leave"), said)
      assert.are.equal(plugin == SHA2 and 1 or 0, #heard)
    end)
  end

  it("is what passwords in clear need on the server's leg", function()
    for _, listen in ipairs { LISTEN, "" } do
      local port, heard = serve(CLEAR)
      start(port, { listen = listen })
      local said = log_in(listen == LISTEN)
      assert.is_truthy(said:find("^3159 .*without TLS: add tls to it"), said)
      assert.are.same({}, heard)
      finish()
    end
  end)

  it("comes behind PROXY headers, on both legs", function()
    local server = serve_tls("good", { proxied = true })
    start(server.port, {
      server = VERIFY, upstream = "send_proxy = v1",
      listen = LISTEN .. " accept_proxy\n  trust = 127.0.0.1",
    })
    assert.are.equal("in", log_in(BY_TLS,
      "PROXY TCP4 192.0.2.7 198.51.100.1 40000 3306\r\n"))
    server:wait("quit")
    assert.is_truthy(server:heard():find("header PROXY TCP4 192.0.2.7 ", 1,
      true), server:heard())
    assert.is_truthy(m:records("records", 1)[1]:find("192.0.2.7:40000", 1,
      true))
  end)

  -- What stands in for a handshake, behind the request for it.
  local function broken(what)
    return function(connection)
      if what == "no TLS" then
        connection:send(mysql.greeting8())
        return peer.sink(connection)
      end
      connection:send(mysql_tls.greeting() .. (what == "early" and "x" or ""))
      if not mysql.receive(connection) then
        return
      elseif what == "closed" then
        local header = connection:receive(5)
        connection:receive(header:byte(4) * 256 + header:byte(5))
      elseif what == "reset" then
        connection:receive(10)
        connection:reset()
      elseif what == "garbage" then
        connection:receive(10)
        connection:send("HTTP/1.1 400 Bad Request\r\n\r\n")
        peer.sink(connection)
      else
        peer.sink(connection)
      end
    end
  end

  for what, why in pairs {
    ["no TLS"] = "it offers no TLS",
    early = "rotocol error",
    closed = "closed in the TLS handshake",
    reset = "connection reset by peer",
    garbage = "TLS: wrong version number",
    stalled = "time",
  } do
    it("goes to another server where it breaks: " .. what, function()
      local bad = peer.serve(broken(what))
      local good = serve_tls("good")
      start(bad.port, { server = VERIFY, listen = LISTEN, two = good.port })
      repeat
        assert.are.equal("in", log_in(BY_TLS))
      until bad.accepted > 0
      m:wait_log(why)
      assert.are.equal(0, m:server("one").active)
    end)
  end

  it("verifies servers", function()
    for name, why in pairs {
      other = "certificate verify failed: IP address mismatch",
      expired = "certificate verify failed: certificate has expired",
    } do
      local server = serve_tls(name)
      start(server.port, { server = VERIFY })
      local said = log_in(PLAIN)
      assert.is_truthy(said:find("^2003 "), said)
      m:wait_log(why)
      assert.is_nil(server:heard():find("login", 1, true), server:heard())
      finish()
    end
  end)
end)
