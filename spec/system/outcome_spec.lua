--- The hooks response, log and close in the running program, between scripted
-- peers: answers of servers, of files and of the program's own.
local fastcgi = require "support.fastcgi"
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
  route = ~ \.php$ php
  route = /no/ deny
  script = hooks.lua
  access_log = json
  log_to = file:${dir}/access.log
]]

local HOOKS = [[
local moongate = require "moongate"
local n = 0
return {
  response = function(res, req)
    n = n + 1
    req.ctx.n = n
    assert(res:set_header("X-Seen", n))
    assert(res:set_header("X-Powered-By", nil))
    if res.server then
      assert(res.upstream_ms >= 0)
      assert(res:add_header("Set-Cookie", "server=" .. res.server))
    end
    if req:arg("status") then
      res:set_status(tonumber(req:arg("status")))
    end
  end,
  log = function(req, res)
    return {
      path = req.path, n = req.ctx.n, sent = res.status,
      kind = res:header("Content-Type"), by = res.server,
    }
  end,
}
]]

local TCP = [[
  [upstream db]
  protocol = tcp
  server one = 127.0.0.1:${port_one}
  [%s db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = off
  script = hooks.lua
]]


describe("the response and log hooks", function()
  local m

  local function start(handler)
    local php = fastcgi.serve(handler or function(_, reply)
      reply:answer("Content-Type: text/x-php\r\nX-Powered-By: PHP/8\r\n"
        .. "Set-Cookie: sid=1", "from php")
    end)
    m = moongate.start {
      global = "script_path = lua", config = WEB, ports = { php = php.port },
      files = {
        ["www/hello.txt"] = "hello", ["www/a.php"] = "<?php",
        ["lua/hooks.lua"] = HOOKS,
      },
    }
  end

  after_each(moongate.finish)

  it("see and change what a FastCGI server answers", function()
    start()
    local answer = http.fetch(m.port.web, "GET /a.php")
    assert.are.equal(200, answer.status)
    assert.are.equal("from php", answer.body)
    assert.are.equal("1", answer.headers["x-seen"])
    assert.is_nil(answer.headers["x-powered-by"])
    assert.is_truthy(answer.head:find("Set-Cookie: sid=1\r\n", 1, true))
    assert.is_truthy(answer.head:find("Set-Cookie: server=one\r\n", 1, true))
    local record = m:records("access.log", 1)[1]
    for _, member in ipairs {
      '"path":"/a.php"', '"n":1', '"sent":200', '"kind":"text/x-php"',
      '"by":"one"',
    } do
      assert.is_truthy(record:find(member, 1, true), record)
    end
  end)

  it("hear of files, refusals, redirects and missing files alike", function()
    start()
    for path, status in pairs {
      ["/hello.txt"] = 200, ["/no/x"] = 403, ["/missing"] = 404,
    } do
      local answer = http.fetch(m.port.web, "GET " .. path)
      assert.are.equal(status, answer.status)
      assert.is_truthy(answer.headers["x-seen"], path)
    end
    local all = table.concat(m:records("access.log", 3), "\n")
    assert.is_truthy(all:find('"sent":404', 1, true), all)
  end)

  it("may make a 304 something else, which has no body either", function()
    start(function(_, reply)
      reply:answer("Status: 304 Not Modified\r\nContent-Length: 10", "")
    end)
    local client = assert(http.connect(m.port.web))
    for _ = 1, 2 do
      client:send(http.head("GET /a.php?status=200"))
      local answer = client:answer("GET")
      assert.are.equal(200, answer.status)
      assert.are.equal("", answer.body)
    end
  end)

  it("are told of each of many requests on one connection", function()
    start()
    local client = assert(http.connect(m.port.web))
    for i = 1, 5 do
      client:send(http.head(i % 2 == 0 and "GET /a.php" or "GET /hello.txt"))
      local answer = client:answer("GET")
      assert.are.equal(200, answer.status)
      assert.are.equal(tostring(i), answer.headers["x-seen"])
    end
    client:close()
    m:records("access.log", 5)
  end)

  it("keep pipelined requests apart", function()
    start()
    local client = assert(http.connect(m.port.web))
    client:send(http.head("GET /hello.txt") .. http.head("GET /a.php")
      .. http.head("GET /missing") .. http.head("GET /hello.txt"))
    for i, status in ipairs { 200, 200, 404, 200 } do
      local answer = client:answer("GET")
      assert.are.equal(status, answer.status)
      assert.are.equal(tostring(i), answer.headers["x-seen"])
    end
    client:close()
    for i, record in ipairs(m:records("access.log", 4)) do
      assert.is_truthy(record:find(('"n":%d'):format(i), 1, true), record)
    end
  end)

  it("may change the status, which is recorded", function()
    start()
    local client = assert(http.connect(m.port.web))
    client:send(http.head("GET /a.php?status=204")
      .. http.head("GET /hello.txt?status=203"))
    local first = client:answer("GET")
    assert.are.equal(204, first.status)
    assert.are.equal("", first.body or "")
    local second = client:answer("GET")
    assert.are.equal(203, second.status)
    assert.are.equal("hello", second.body)
    client:close()
    assert.is_truthy(m:records("access.log", 2)[1]:find('"status":204', 1,
      true))
  end)

  it("hear of no head that was not understood", function()
    start()
    http.raw(m.port.web, "nonsense\r\n\r\n")
    http.fetch(m.port.web, "GET /.git/config")
    local answer = http.fetch(m.port.web, "GET /hello.txt")
    assert.are.equal("1", answer.headers["x-seen"])
    local records = m:records("access.log", 3)
    assert.is_falsy(records[1]:find('"sent"', 1, true), records[1])
    assert.is_falsy(records[2]:find('"sent"', 1, true), records[2])
    assert.is_falsy(m:log():find("failed", 1, true))
  end)

  it("hear of a client that left before there was an answer", function()
    local asked
    start(function(_, reply)
      asked = true
      reply:request()  -- until the program gives it up
    end)
    local client = assert(net.connect(m.port.web))
    client:send("GET /a.php HTTP/1.1\r\nHost: a\r\n\r\n")
    loop.wait_until("the server is asked", function()
      return asked
    end)
    client:reset()
    local record = m:records("access.log", 1)[1]
    assert.is_truthy(record:find('"path":"/a.php"', 1, true), record)
    assert.is_falsy(record:find('"sent"', 1, true), record)
  end)
end)


describe("the close hook", function()
  local m

  local function start(kind, body)
    local server = peer.serve(peer.echo)
    m = moongate.start {
      global = "script_path = lua",
      config = TCP:format(kind)
        .. (kind == "mysql" and "  handshake = passthrough\n" or ""),
      ports = { one = server.port },
      files = { ["lua/hooks.lua"] = body },
    }
  end

  after_each(moongate.finish)

  for _, kind in ipairs { "tcp", "mysql" } do
    it("is told of a session that ends in good order: " .. kind, function()
      start(kind, "return { close = function(conn, result)\n"
        .. "  print('closed', conn.client, result.ok, result.error,\n"
        .. "    result.bytes_in, result.bytes_out,\n"
        .. "    result.total_ms >= result.connect_ms)\nend }")
      local client = assert(net.connect(m.port.db))
      client:send("hello")
      assert.are.equal("hello", client:receive(5))
      client:close()
      assert.is_not_nil(
        m:wait_log("closed%s127.0.0.1%strue%snil%s5%s5%strue"))
    end)
  end

  it("is told of one that the accept hook refuses", function()
    start("tcp", "return { accept = function() return false, 'no' end,\n"
      .. "  close = function(conn, result)\n"
      .. "  print('closed', result.ok, result.error)\nend }")
    local client = assert(net.connect(m.port.db))
    client:receive_all()
    assert.is_not_nil(m:wait_log("closed%sfalse%srefused by a script"))
  end)

  it("ends the session all the same when it raises", function()
    start("tcp", "return { close = function() error('oh') end }")
    for _ = 1, 3 do
      local client = assert(net.connect(m.port.db))
      client:close()
    end
    assert.is_not_nil(m:wait_log("close of tcp db failed: hooks.lua:1: oh"))
    m:wait_active("one", 0)
  end)
end)


describe("timers", function()
  local m

  after_each(moongate.finish)

  it("run in each worker, and know which", function()
    m = moongate.start {
      global = "script_path = lua", workers = 2,
      config = "[http web]\nlisten = 127.0.0.1:${port_web}\nscript = t.lua\n",
      files = { ["lua/t.lua"] = "local moongate = require 'moongate'\n"
        .. "moongate.every(0.05, function()\n"
        .. "  print('tick of ' .. moongate.worker)\n  return false\nend)\n"
        .. "return {}" },
    }
    assert.is_not_nil(m:wait_log("tick of 0"))
    assert.is_not_nil(m:wait_log("tick of 1"))
  end)
end)
