--- What somebody would try who means harm, or whose house is in disorder: the
-- worker lives, stays small and quick, and nobody gets what is not theirs.
local fastcgi = require "support.fastcgi"
local folder = require "support.folder"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local process = require "support.process"

local CONFIG = [[
  [upstream php]
  server one = 127.0.0.1:${port_php}
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  header = X-Path ${uri}
  script = own.lua
  route = ~ ^/slow/(a+)+$ static
  route = /moved redirect 302 /new${uri}?${args}
  route = ~ ^(.+\.php)(/.*)?$ php
  access_log = ${uri} ${status} ${http_x_log}
  log_to = file:${dir}/access.log
]]

local SCRIPT = [[
local moongate = require "moongate"
local _M = {}
function _M.request(req)
  if req.path:sub(1, 7) == "/script" then
    return moongate.redirect("/to" .. req.path, 302)
  end
  if req.path:sub(1, 6) == "/field" then
    return moongate.reply(200, { ["X-Echo"] = req.path }, "fine")
  end
end
return _M
]]


describe("somebody who means harm", function()
  local m, web, php, handler

  setup(function()
    handler = fastcgi.names("php")
    php = fastcgi.serve(function(...)
      return handler(...)
    end)
    m = moongate.start {
      config = CONFIG,
      ports = { php = php.port },
      files = {
        ["lua/own.lua"] = SCRIPT,
        ["www/hello.txt"] = "hello",
        ["www/big.txt"] = ("0123456789"):rep(100000),
        ["www/a.php"] = "<?php", ["www/b.php"] = "<?php",
        ["www/folder/x\r\nSet-Cookie: evil=1/file"] = "odd",
      },
    }
    web = m.port.web
    process.run { "mkfifo", m.dir .. "/www/pipe" }
    folder.link("loop", m.dir .. "/www/loop")
    folder.link(".", m.dir .. "/www/itself")
  end)

  teardown(moongate.finish)

  before_each(function()
    handler = fastcgi.names("php")
  end)

  after_each(function()
    assert.are.equal("hello", http.fetch(web, "/hello.txt").body)
    assert.are.same(m.first_workers, m:workers())
  end)

  for name, path in pairs {
    ["a route's redirect"] = "/moved%0d%0aSet-Cookie:%20evil=1",
    ["a redirect's query"] = "/moved?a%0d%0aSet-Cookie:%20evil=1",
    ["a script's redirect"] = "/script%0d%0aSet-Cookie:%20evil=1",
    ["a script's field"] = "/field%0d%0aSet-Cookie:%20evil=1",
    ["a field of the configuration"] = "/none%0d%0aSet-Cookie:%20evil=1",
    ["a folder's redirect"] = "/folder/x%0d%0aSet-Cookie:%20evil=1",
  } do
    it("cannot put a field into " .. name, function()
      local answer = http.fetch(web, path)
      assert.is_nil(answer.headers["set-cookie"])
      assert.is_falsy(answer.head:find("[%z\1-\9\11\12\14-\31]"))
    end)
  end

  it("cannot put a line into the access log", function()
    http.fetch(web, "/none%0a127.0.0.1%20forged", { "X-Log: a\tb" })
    loop.wait_until("the record is there", function()
      return (folder.read(m.dir .. "/access.log") or ""):find("forged")
    end)
    local text = folder.read(m.dir .. "/access.log")
    assert.is_falsy(text:find("\n127.0.0.1 forged", 1, true))
  end)

  it("cannot stop a worker by a pipe, a device or a link to itself", function()
    for _, path in ipairs { "/pipe", "/loop", "/loop/x" } do
      local started = loop.now()
      local status = http.fetch(web, path).status
      assert.is_true(status == 403 or status == 404, path .. " " .. status)
      assert.is_true(loop.now() - started < 1)
    end
    assert.are.equal("hello",
      http.fetch(web, ("/itself"):rep(10) .. "/hello.txt").body)
  end)

  it("cannot make much of little by ranges", function()
    local ranges = {}
    for i = 1, 500 do
      ranges[i] = "0-"
    end
    local client = http.connect(web)
    local answer = client:exchange("GET /big.txt",
      { "Range: bytes=" .. table.concat(ranges, ",") })
    assert.is_true(#answer.body <= 1100000, tostring(#answer.body))
  end)

  it("cannot make a regular expression run away", function()
    local started = loop.now()
    local status = http.fetch(web, "/slow/" .. ("a"):rep(60) .. "!").status
    assert.is_true(status >= 400)
    assert.is_true(loop.now() - started < 2)
  end)

  it("cannot fill memory with requests whose answers nobody takes", function()
    local worker = m:workers()[1]
    local client = http.connect(web, { rcvbuf = 4096 })
    local before = process.rss(worker)
    local text = http.head("GET /big.txt"):rep(1000)
    local flood = loop.spawn("flood", function()
      for _ = 1, 200 do
        if not client:send(text, 60) then
          return
        end
      end
    end)
    loop.watch(0.5)
    assert.is_true(process.rss(worker) - before < 4e6)
    loop.cancel(flood)
    client:reset()
  end)

  it("cannot make a chunk's size endless", function()
    for _, text in ipairs {
      "1;" .. ("x"):rep(1000000),
      ("0"):rep(1000000) .. "1\r\na\r\n0\r\n\r\n",
      "0\r\n" .. ("X: y\r\n"):rep(100000) .. "\r\n",
    } do
      local client = http.connect(web)
      client:send(http.head("POST /a.php", { "Transfer-Encoding: chunked" })
        .. text)
      local answer = client:answer("POST")
      assert.is_true(not answer or answer.status == 400
        or answer.status == 431 or answer.status == 413)
      client:close()
    end
  end)

  it("cannot run in circles by X-Accel-Redirect", function()
    local asked = 0
    handler = function(request, reply)
      asked = asked + 1
      reply:answer("X-Accel-Redirect: "
        .. (request.params.SCRIPT_NAME == "/a.php" and "/b.php" or "/a.php"))
    end
    local answer = http.fetch(web, "/a.php")
    assert.is_true(answer.status >= 500)
    assert.is_true(asked <= 12)
  end)

  it("cannot climb out by X-Accel-Redirect", function()
    for _, path in ipairs { "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
                            "etc/passwd", "//../etc/passwd" } do
      handler = function(_, reply)
        reply:answer("X-Accel-Redirect: " .. path)
      end
      assert.is_true(http.fetch(web, "/a.php").status >= 400)
    end
  end)

  it("gets an answer for any method, and CONNECT none of ours", function()
    for _, line in ipairs { "TRACE /hello.txt", "CONNECT a:1", "OPTIONS *",
                            "BREW /hello.txt", "OPTIONS /hello.txt" } do
      local answer = http.fetch(web, line)
      assert.is_true(answer.status >= 200 and answer.status < 600, line)
      assert.is_falsy(answer.body:find("X-Secret", 1, true))
      if not line:find("OPTIONS") then
        assert.is_true(answer.status >= 400, line)
      end
    end
  end)

  it("who breaks off lets the server go at once", function()
    local ended
    handler = function(_, reply)
      reply.socket:receive_some(5)
      ended = true
    end
    local client = http.connect(web)
    client:request("GET /a.php?leaves")
    loop.wait_until("the server has it", function()
      return php.requests[#php.requests].params.QUERY_STRING == "leaves"
    end)
    client:reset()
    loop.wait_until("the server is let go", function()
      return ended
    end, 2)
  end)

  it("cannot end the master by HUP", function()
    m.master:kill("HUP")
    loop.watch(0.05)
    assert.is_true(m.master:alive())
  end)
end)
