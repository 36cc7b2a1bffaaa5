--- Records: what is written of a request and of a connection, in which form,
-- and where it goes.
local fastcgi = require "support.fastcgi"
local folder = require "support.folder"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"

local WEB = [[
  [upstream php]
  server one = 127.0.0.1:${port_php}
  retries = 0
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  header_timeout = 300ms
  keepalive_timeout = 300ms
  route = ~ \.php$ php
  access_log = %s
  log_to = %s
]]

local TCP = [[
  [upstream db]
  protocol = tcp
  server one = 127.0.0.1:${port_one}
  connect_timeout = 500ms
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = %s
  log_to = %s
]]

local TO_FILE = "file:${dir}/access.log"
local FILES = { ["www/hello.txt"] = "hello", ["www/a.php"] = "<?php" }


describe("the record of a request", function()
  local m, php

  local function start(format, to)
    php = fastcgi.serve(fastcgi.names("from php"))
    m = moongate.start {
      config = WEB:format(format, to or TO_FILE),
      files = FILES,
      ports = { php = php.port },
    }
  end

  after_each(moongate.finish)

  it("has Apache's fields in combined", function()
    start("combined")
    http.fetch(m.port.web, "/hello.txt?x=%20", {
      "Referer: http://a/\"b", "User-Agent: spec/1.0 (\\)",
    })
    local address, user, time, request, status, bytes, referer, agent =
      m:records("access.log", 1)[1]:match('^(%S+) %- (%S+) %[(.-)%] "(.-)"'
        .. ' (%d+) (%d+) "(.-)" "(.*)"$')
    assert.are.equal("127.0.0.1", address)
    assert.are.equal("-", user)
    assert.is_truthy(time:match(
      "^%d%d/%a%a%a/%d%d%d%d:%d%d:%d%d:%d%d [+-]%d%d%d%d$"))
    assert.are.equal("GET /hello.txt?x=%20 HTTP/1.1", request)
    assert.are.equal("200", status)
    assert.are.equal("5", bytes)
    assert.is_falsy(referer:find('/"b', 1, true))
    assert.is_truthy(agent:find("spec/1.0", 1, true))
  end)

  it("is one line each, whatever the client sent", function()
    start("combined")
    http.fetch(m.port.web, "/none", { "User-Agent: a\tb\127\255" })
    http.raw(m.port.web, "GET /\1\27[31m HTTP/1.1\r\nHost: a\r\n\r\n")
    http.raw(m.port.web, "nonsense\r\n\r\n")
    for _, line in ipairs(m:records("access.log", 3)) do
      assert.is_falsy(line:find("[%z\1-\31\127]"), line)
      assert.is_truthy(line:match('" [45]%d%d %d+ "'), line)
    end
  end)

  it("comes once per request of a connection, in order", function()
    start("combined")
    local client = http.connect(m.port.web)
    for i = 1, 5 do
      client:exchange("GET /hello.txt?" .. i)
    end
    for i, line in ipairs(m:records("access.log", 5)) do
      assert.is_truthy(line:find("?" .. i .. " HTTP/1.1", 1, true))
    end
  end)

  it("does not come for a connection without a request", function()
    start("combined")
    http.connect(m.port.web):close()
    http.connect(m.port.web):closed(3)
    http.fetch(m.port.web, "/hello.txt")
    m:records("access.log", 1)
  end)

  it("says 499 when the client left before the answer", function()
    start("combined")
    php:refuse()
    local silent = fastcgi.listen { port = php.port }
    local client = http.connect(m.port.web)
    client:request("GET /a.php")
    assert(silent:accept():request())
    client:reset()
    assert.is_truthy(m:records("access.log", 1)[1]:match('" 499 '))
  end)

  it("has HAProxy's fields in httplog", function()
    start("httplog")
    http.fetch(m.port.web, "/a.php?x=1")
    local line = m:records("access.log", 1)[1]
    local client, time, section, server, times, rest =
      line:match("^(%S+) %[(.-)%] (%S+) (%S+) (%S+) (.*)$")
    assert.is_truthy(client:match("^127%.0%.0%.1:%d+$"))
    assert.is_truthy(time:match(
      "^%d%d/%a%a%a/%d%d%d%d:%d%d:%d%d:%d%d%.%d%d%d$"))
    assert.are.equal("web", section:gsub("~$", ""))
    assert.are.equal("php/one", server)
    assert.is_truthy(times:match("^%-?%d+/%-?%d+/%-?%d+/%-?%d+/%+?%d+$"))
    local status, bytes, state, counts, queues, request = rest:match(
      '^(%d+) %+?(%d+) %- %- (%S+) (%d+/%d+/%d+/%d+/%+?%d+) (%d+/%d+) "(.*)"$')
    assert.are.equal("200", status)
    assert.is_true(tonumber(bytes) > 8)
    assert.are.equal("----", state)
    assert.is_truthy(counts:match("/0$"))
    assert.are.equal("0/0", queues)
    assert.are.equal("GET /a.php?x=1 HTTP/1.1", request)
  end)

  it("tells in httplog that no server could be reached", function()
    start("httplog")
    php:refuse()
    http.fetch(m.port.web, "/a.php")
    local line = m:records("access.log", 1)[1]
    assert.is_truthy(line:find(" 50[23] "), line)
    assert.is_truthy(line:find(" SC%-%- "), line)
  end)

  it("has the fields that a format names", function()
    start("${method} ${path} ${args} ${status} ${server} ${http_x_one} "
      .. "${upstream}")
    http.fetch(m.port.web, "/a.php?x=1", { "X-One: yes" })
    assert.are.equal("GET /a.php x=1 200 one yes php",
      m:records("access.log", 1)[1])
  end)

  it("is an object in json", function()
    start("json")
    http.fetch(m.port.web, "/a.php?q=\"", { "User-Agent: \"\\\255" })
    local line = m:records("access.log", 1)[1]
    local record = assert(require("dkjson").decode(line))
    assert.are.equal(200, tonumber(record.status))
    assert.are.equal("GET", record.method)
  end)

  it("does not come where access_log = off", function()
    start("off")
    http.fetch(m.port.web, "/hello.txt")
    loop.watch(0.1)
    assert.are.equal("", folder.read(m.dir .. "/access.log") or "")
  end)

  it("goes to a new file once the old one was moved, by USR1", function()
    start("combined")
    http.fetch(m.port.web, "/hello.txt?old")
    m:records("access.log", 1)
    assert(os.rename(m.dir .. "/access.log", m.dir .. "/access.log.1"))
    m.master:kill("USR1")
    loop.wait_until("there is a new file", function()
      return folder.read(m.dir .. "/access.log")
    end)
    http.fetch(m.port.web, "/hello.txt?new")
    assert.is_truthy(m:records("access.log", 1)[1]:find("?new", 1, true))
    m:records("access.log.1", 1)
  end)

  it("goes to the log where no place is named", function()
    m = moongate.start {
      config = (WEB:gsub("log_to = %%s", "")):format("combined"),
      files = FILES, ports = { php = net.reserve().port },
    }
    http.fetch(m.port.web, "/hello.txt")
    m:wait_log('"GET /hello.txt HTTP/1.1" 200 5')
  end)
end)


describe("the record of a TCP session", function()
  local m, server

  local function start(format)
    server = peer.serve(peer.greet("welcome"))
    m = moongate.start {
      config = TCP:format(format, TO_FILE), ports = { one = server.port },
    }
  end

  after_each(moongate.finish)

  it("has HAProxy's fields in tcplog", function()
    start("tcplog")
    local client = assert(net.connect(m.port.db))
    client:send("12345")
    assert.are.equal("welcome12345", client:receive(12))
    client:close()
    local from, time, section, target, times, bytes, state, counts, queues =
      m:records("access.log", 1)[1]:match("^(%S+) %[(.-)%] (%S+) (%S+) (%S+)"
        .. " %+?(%d+) (%S+) (%S+) (%S+)$")
    assert.are.equal("127.0.0.1:" .. client.port, from)
    assert.is_truthy(time:match(
      "^%d%d/%a%a%a/%d%d%d%d:%d%d:%d%d:%d%d%.%d%d%d$"))
    assert.are.equal("db", section)
    assert.are.equal("db/one", target)
    assert.is_truthy(times:match("^%-?%d+/%d+/%+?%d+$"))
    assert.are.equal("12", bytes)
    assert.are.equal("--", state)
    assert.is_truthy(counts:match("^%d+/%d+/%d+/%d+/0$"))
    assert.are.equal("0/0", queues)
  end)

  it("tells that no server could be reached", function()
    start("tcplog")
    server:refuse()
    assert.is_nil((assert(net.connect(m.port.db)):receive_some()))
    assert.is_truthy(m:records("access.log", 1)[1]:find(" SC "))
  end)
end)


describe("syslog", function()
  after_each(moongate.finish)

  local function start(target)
    return moongate.start {
      config = WEB:format("combined", target),
      files = FILES, ports = { php = net.reserve().port },
    }
  end

  it("gets records by UDP, with priority, time and name", function()
    local udp = net.listen_udp()
    local m = start("syslog:127.0.0.1:" .. udp.port .. " facility=local5")
    http.fetch(m.port.web, "/hello.txt")
    local priority, text = udp:receive_some():match(
      "^<(%d+)>%a%a%a [ %d]%d %d%d:%d%d:%d%d (.*)$")
    assert.are.equal(21 * 8 + 6, tonumber(priority))
    assert.is_truthy(text:match("moongate%[%d+%]: 127%.0%.0%.1 "))
    assert.is_truthy(text:find('"GET /hello.txt HTTP/1.1" 200 5', 1, true))
  end)

  it("gets records in the newer form where asked", function()
    local udp = net.listen_udp()
    local m = start("syslog:127.0.0.1:" .. udp.port
      .. " facility=local5 format=rfc5424")
    http.fetch(m.port.web, "/hello.txt")
    local datagram = udp:receive_some()
    assert.is_truthy(datagram:match(
      "^<174>1 %d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%S* %S+ moongate %d+ "),
      datagram)
  end)

  it("gets records by a local socket", function()
    local place = folder.make()
    local socket = net.listen_unix_datagrams(place .. "/log")
    local m = start("syslog:" .. place .. "/log facility=daemon")
    http.fetch(m.port.web, "/hello.txt")
    local datagram = socket:receive_some()
    assert.are.equal(3 * 8 + 6, tonumber(datagram:match("^<(%d+)>")))
    assert.is_truthy(datagram:find('"GET /hello.txt HTTP/1.1" 200', 1, true))
    folder.remove(place)
  end)

  it("gets the program's own messages, too", function()
    local udp = net.listen_udp()
    local m = moongate.start {
      config = WEB:format("off", TO_FILE),
      files = FILES, ports = { php = net.reserve().port },
      log = "log = syslog:127.0.0.1:" .. udp.port
        .. " facility=local5 level=info\nlog = stderr level=info",
    }
    m:stop()
    assert.is_truthy(udp:receive_some():match("^<1[67]%d>"))
  end)
end)
