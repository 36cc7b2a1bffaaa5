--- `ctl show errors`: what was not understood, who sent it, where it was wrong,
-- and nothing of it that is a secret.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local mysql = require "support.mysql"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"
local samples = require "support.mysql_samples"

local CONFIG = [[
  [upstream php]
  server node = 127.0.0.1:${port_php}
  [upstream db]
  protocol = mysql
  server one = 127.0.0.1:${port_one}
  [defaults]
  retries = 0
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  route = ~ \.php$ php
  access_log = off
  [http proxied]
  listen = 127.0.0.1:${port_proxied} accept_proxy
  trust = 127.0.0.0/8
  root = ${dir}/www
  access_log = off
  [mysql db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = off
]]


-- A head with a line that is none, and a secret.
local function answer(_, reply)
  reply:out("Content-Type: text/plain\r\nSet-Cookie: session=s3cret\r\n"
    .. "no colon\r\n\r\nbody")
  reply:finish()
end


describe("show errors", function()
  local m

  local function start(php)
    m = moongate.start {
      config = CONFIG,
      ports = {
        php = php or peer.serve(peer.greet("HTTP/1.1 200 OK\r\n\r\n")).port,
        one = peer.serve(peer.greet("SSH-2.0-nothing of MySQL\r\n")).port,
      },
      files = { ["www/a.php"] = "<?php", ["www/a.txt"] = "a" },
    }
  end

  after_each(moongate.finish)

  -- What comes back for bytes.
  local function send(port, bytes)
    local client = assert(net.connect(port))
    client:send(bytes)
    local text = client:receive_all()
    client:close()
    return text
  end

  local function events(n)
    local shown
    loop.wait_until("it is captured", function()
      shown = m:ctl("show errors --json")
      return #shown.events >= n
    end)
    assert.are.equal(n, #shown.events)
    assert.are.equal(n, shown.captured)
    return shown.events
  end

  it("has heads that were refused, and the byte that was wrong", function()
    start()
    for i, case in ipairs {
      { "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 20, "white space before colon" },
      { "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 23,
        "line end is not CR LF" },
      { "GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", 28, "NUL in head" },
      { "G@T / HTTP/1.1\r\n\r\n", 1, "bad method" },
    } do
      assert.truthy(send(m.port.web, case[1]):find("^HTTP/1.1 400 "))
      local event = events(i)[1]
      assert.are.equal("request", event.kind)
      assert.are.equal("http web", event.section)
      assert.are.equal(case[3], event.why)
      assert.are.equal(case[2], event.fault, case[3])
      assert.are.equal(#case[1], event.total)
      assert.truthy(event.client:find("^127.0.0.1:%d+$"))
      assert.are.equal(case[1]:gsub("[%z\r\n]", function(c)
        return ("\\x%02x"):format(c:byte())
      end), event.bytes)
    end
    local text = m:ctl("show errors")
    assert.truthy(text:find("Total events captured: 4\n", 1, true))
    assert.truthy(text:find("bad method, at byte 1 of 18:\n"
      .. "  00000  G@T / HTTP/1.1\\r\\n\n  00016  \\r\\n\n", 1, true), text)
  end)

  it("hides secrets, however the head is broken", function()
    start()
    local secrets = {
      "Authorization: Basic s3cret", "authorization : s3cret",
      "Proxy-Authorization: Bearer s3cret\r\n\ts3cret", "Cookie: a=s3cret",
      "Set-Cookie: s3cret", "X-Auth-Token: s3cret", "X-Api-Key: s3cret",
      "Cookie: a\rs3cret", "X: y\rAuthorization: s3cret",
      "X: y\0Cookie: s3cret", "Authorization s3cret", "Cookie:\ts3cret\0s3cret",
    }
    for i, line in ipairs(secrets) do
      send(m.port.web, "GET / HTTP/1.1\r\nHost: a\r\n" .. line
        .. "\r\n : x\r\nLast: seen\r\n\r\nbody=s3cret")
      local event = events(i)[1]
      assert.is_nil(event.bytes:find("s3cret", 1, true), event.bytes)
      assert.truthy(event.bytes:find("Last: seen", 1, true), event.bytes)
    end
    send(m.port.web, "GET http://joe:s3cret@a/ HTTP/1.1\r\n\r\n")
    assert.is_nil(m:ctl("show errors"):find("s3cret", 1, true))
  end)

  it("has a window of what is long, the fault in it", function()
    start()
    local head = "GET / HTTP/1.1\r\nHost: a\r\nX: " .. ("x"):rep(5000)
      .. "\1" .. ("y"):rep(3000) .. "\r\n\r\n"
    send(m.port.web, head)
    local event = events(1)[1]
    assert.are.equal(head:find("\1", 1, true) - 1, event.fault)
    assert.are.equal(#head, event.total)
    assert.are.equal(event.fault - 512, event.from)
    assert.are.equal(1024 + 3, #event.bytes)
    assert.are.equal(512, (event.bytes:find("\\x01", 1, true)) - 1)
  end)

  it("has PROXY headers that are none", function()
    start()
    send(m.port.proxied, "PROXY TCP4 192.0.2.7 198.51.100.1 4711 99999\r\n"
      .. "GET / HTTP/1.1\r\n\r\n")
    local event = events(1)[1]
    assert.are.equal("PROXY header", event.kind)
    assert.are.equal("http proxied", event.section)
    assert.truthy(event.bytes:find("^PROXY TCP4 192.0.2.7 "))
    assert.is_number(event.fault)
    send(m.port.proxied, "GET / HTTP/1.1\r\nCookie: s3cret\r\n\r\n")
    event = events(2)[1]
    assert.are.equal(0, event.fault)
    assert.is_nil(event.bytes:find("s3cret", 1, true), event.bytes)
  end)

  it("has servers that do not speak FastCGI", function()
    start()
    assert.are.equal(502, http.fetch(m.port.web, "/a.php").status)
    local event = events(1)[1]
    assert.are.equal("FastCGI answer", event.kind)
    assert.are.equal("php/node", event.server)
    assert.are.equal("http web", event.section)
    assert.are.equal("the server does not speak FastCGI", event.why)
    assert.truthy(event.bytes:find("^HTTP/1.1 200 OK"))
  end)

  it("has heads of FastCGI answers that are none", function()
    start(fastcgi.serve(answer).port)
    assert.are.equal(502, http.fetch(m.port.web, "/a.php").status)
    local event = events(1)[1]
    assert.are.equal("php/node", event.server)
    assert.truthy(event.bytes:find("no colon", 1, true))
    assert.is_nil(event.bytes:find("s3cret", 1, true))
    assert.is_nil(event.bytes:find("body", 1, true))
  end)

  it("has bodies whose chunks are wrong, without their bytes", function()
    start()
    send(m.port.web, "POST /a.php HTTP/1.1\r\nHost: a\r\n"
      .. "Transfer-Encoding: chunked\r\n\r\nzz\r\npassword=s3cret\r\n")
    local event = events(1)[1]
    assert.are.equal("request body", event.kind)
    assert.are.equal("", event.bytes)
  end)

  it("has greetings of MySQL servers that are none, without bytes", function()
    start()
    local client = assert(net.connect(m.port.db))
    client:receive(4)
    client:send(mysql.packet(1, samples.logins.mysql_57))
    client:receive_all()
    local event = events(1)[1]
    assert.are.equal("MySQL packet of a server", event.kind)
    assert.are.equal("db/one", event.server)
    assert.are.equal("", event.bytes)
  end)

  it("has MySQL logins that are none, without bytes", function()
    start()
    local client = assert(net.connect(m.port.db))
    client:receive(4)
    client:send("\5\0\0\1s3cre")
    client:receive_all()
    local event = events(1)[1]
    assert.are.equal("MySQL login", event.kind)
    assert.are.equal("mysql db", event.section)
    assert.truthy(event.why:find("Bad handshake", 1, true))
    assert.are.equal("", event.bytes)
  end)

  it("outlives the worker that saw them", function()
    start()
    m.workers_change = true
    send(m.port.web, "G@T / HTTP/1.1\r\n\r\n")
    events(1)
    local old = m:workers()[1]
    process.kill(old, "KILL")
    loop.wait_until("there is another", function()
      local new = m:workers()[1]
      return new and new ~= old and pcall(http.fetch, m.port.web, "/a.txt")
    end)
    assert.are.equal("bad method", events(1)[1].why)
    send(m.port.web, "H@AD / HTTP/1.1\r\n\r\n")
    assert.are.equal(2, events(2)[1].event)
  end)
end)
