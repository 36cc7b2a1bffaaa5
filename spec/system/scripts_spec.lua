--- Hooks that a spec writes: what they may decide, and what happens when one
-- raises.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"

local WEB = [[
  [upstream php]
  server one = 127.0.0.1:${port_one}
  server two = 127.0.0.1:${port_two}
  [upstream other]
  server three = 127.0.0.1:${port_three}
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  %s
  script_failure = %s
  route = ~ ^(.+\.php)(/.*)?$ php
  access_log = off
]]

local TCP = [[
  [upstream db]
  protocol = tcp
  server one = 127.0.0.1:${port_one}
  server two = 127.0.0.1:${port_two}
  [upstream other]
  protocol = tcp
  server three = 127.0.0.1:${port_three}
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  script = own.lua
  access_log = off
]]

local FIELDS = [[
local moongate = require "moongate"
local _M = {}
function _M.request(req)
  return moongate.reply(200, { ["Content-Type"] = "text/plain" },
    table.concat({ req.method, req.path, req.uri, req.query, req.host,
      req.scheme, req.version, req.client, tostring(req.port),
      req:header("X-One") or "none", req:header("x-none") or "none",
      req:cookie("b") or "none", req:arg("y") or "none",
      tostring(req:file_exists()), tostring(req:file_exists("/a.php")),
      req.args.x or "none", req.headers["x-one"] or "none" }, "|"))
end
return _M
]]


describe("a request hook", function()
  local m, web

  local function start(scripts, failure)
    local lines, files = {}, { ["www/a.php"] = "<?php",
                               ["www/hello.txt"] = "hello" }
    for i, text in ipairs(scripts) do
      lines[i] = "script = own" .. i .. ".lua"
      files["lua/own" .. i .. ".lua"] = text
    end
    local ports = {}
    for _, name in ipairs { "one", "two", "three" } do
      ports[name] = fastcgi.serve(function(request, reply)
        reply:answer("X-Server: " .. name, table.concat({
          request.params.SCRIPT_NAME, request.params.PATH_INFO or "",
          request.params.QUERY_STRING, request.params.HTTP_X_SET or "",
        }, "|"))
      end).port
    end
    m = moongate.start {
      config = WEB:format(table.concat(lines, "\n"), failure or "pass"),
      files = files,
      ports = ports,
    }
    web = m.port.web
  end

  after_each(moongate.finish)

  it("reads the request", function()
    start { FIELDS }
    local answer = http.fetch(web, "/a%20b/../c?x=1&y=a%20b", {
      "Host: Example.com:81", "X-One: 1", "Cookie: a=1; b=2",
    })
    local fields = {}
    for field in (answer.body .. "|"):gmatch("(.-)|") do
      fields[#fields + 1] = field
    end
    assert.is_truthy(fields[9]:match("^%d+$"))
    fields[9] = "port"
    assert.are.same({ "GET", "/c", "/a%20b/../c?x=1&y=a%20b", "x=1&y=a%20b",
      "example.com", "http", "1.1", "127.0.0.1", "port", "1", "none", "2",
      "a b", "false", "true", "1", "1" }, fields)
  end)

  it("rewrites, and the next one sees it", function()
    start {
      [[return { request = function(req)
        req:set_header("X-Set", "by the first")
        req:rewrite("/a.php/one", "q=1")
      end }]],
      [[return { request = function(req)
        req:rewrite(req.path .. "/two")
      end }]],
    }
    assert.are.equal("/a.php|/one/two|q=1|by the first",
      http.fetch(web, "/anything?x").body)
  end)

  it("answers by itself, and the next one is not asked", function()
    start {
      [[local moongate = require "moongate"
      return { request = function(req)
        return moongate.reply(403, { ["X-Why"] = "spec" }, "no entry")
      end }]],
      [[return { request = function() error("not reached") end }]],
    }
    local answer = http.fetch(web, "/hello.txt")
    assert.are.equal(403, answer.status)
    assert.are.equal("spec", answer.headers["x-why"])
    assert.are.equal("no entry", answer.body)
  end)

  it("redirects", function()
    start { [[local moongate = require "moongate"
      return { request = function(req)
        return moongate.redirect("/there?from=" .. req.path, 307)
      end }]] }
    local answer = http.fetch(web, "/here")
    assert.are.equal(307, answer.status)
    assert.is_truthy(answer.headers.location:find("/there%?from=/here$"))
  end)

  it("chooses the upstream and the server by name", function()
    start { [[return { request = function(req)
      local name = req:arg("server")
      if name == "three" then
        return { upstream = "other" }
      end
      return { upstream = "php", server = name }
    end }]] }
    for _, name in ipairs { "one", "two", "three", "two", "two" } do
      assert.are.equal(name,
        http.fetch(web, "/a.php?server=" .. name).headers["x-server"])
    end
  end)

  it("is passed over when it raises, and its traceback is logged", function()
    start { [[local function deep(req)
        error("the hook is broken")
      end
      return { request = function(req) deep(req) end }]] }
    assert.are.equal("hello", http.fetch(web, "/hello.txt").body)
    m:wait_log("own1%.lua:2: the hook is broken")
    m:wait_log("traceback")
    assert.are.equal("hello", http.fetch(web, "/hello.txt").body)
  end)

  it("refuses when it raises and script_failure = deny", function()
    start({ [[return { request = function(req)
      return req.nothing.here
    end }]] }, "deny")
    local status = http.fetch(web, "/hello.txt").status
    assert.is_true(status >= 500 and status < 600)
    m:wait_log("own1%.lua:2:")
  end)

  it("is passed over when it returns nonsense", function()
    start { [[return { request = function() return { upstream = "no" } end }]] }
    assert.are.equal("hello", http.fetch(web, "/hello.txt").body)
    m:wait_log("own1%.lua")
  end)

  it("cannot reach the system", function()
    start { [[local moongate = require "moongate"
      return { request = function()
        local found = {}
        for _, name in ipairs { "io", "debug", "ffi", "jit", "loadlib",
                                "getfenv", "setfenv", "package" } do
          if _G[name] ~= nil then found[#found + 1] = name end
        end
        if os.execute or os.getenv then found[#found + 1] = "os" end
        return moongate.reply(200, {}, table.concat(found, " "))
      end }]] }
    assert.are.equal("", http.fetch(web, "/").body)
  end)
end)


describe("an accept hook", function()
  local m

  local function start(text)
    local ports = {}
    for _, name in ipairs { "one", "two", "three" } do
      ports[name] = peer.serve(peer.greet(name)).port
    end
    m = moongate.start {
      config = TCP, files = { ["lua/own.lua"] = text }, ports = ports,
    }
  end

  after_each(moongate.finish)

  local function greeting(options)
    return (assert(net.connect(m.port.db, options)):receive_some())
  end

  it("refuses by returning false and a reason", function()
    start [[return { accept = function(conn)
      if conn.client == "127.0.0.9" then
        return false, "not this one"
      end
    end }]]
    assert.is_nil(greeting { from = "127.0.0.9" })
    assert.are.equal("one", greeting())
    m:wait_log("not this one")
  end)

  it("chooses upstream and server", function()
    start [[return { accept = function(conn)
      if conn.client == "127.0.0.3" then
        return { upstream = "other" }
      end
      return { upstream = "db", server = "two" }
    end }]]
    assert.are.equal("two", greeting())
    assert.are.equal("two", greeting())
    assert.are.equal("three", greeting { from = "127.0.0.3" })
  end)

  it("is passed over when it raises", function()
    start [[return { accept = function(conn) error("broken") end }]]
    assert.are.equal("one", greeting())
    assert.are.equal("two", greeting())
    m:wait_log("own%.lua:1: broken")
  end)
end)


describe("a policy of one's own", function()
  after_each(moongate.finish)

  local CONFIG = [[
    [upstream db]
    protocol = tcp
    policy = %s
    server one = 127.0.0.1:${port_one}
    server two = 127.0.0.1:${port_two} weight=5
    [tcp db]
    listen = 127.0.0.1:${port_db}
    upstream = db
    access_log = off
  ]]

  for _, case in ipairs {
    { "chooses by index, with its options", [[return {
      new = function(options) return { want = tonumber(options.want) } end,
      pick = function(state, flow, servers)
        for i = 1, #servers do
          if servers[i].usable and servers[i].weight == state.want then
            return i
          end
        end
        return nil, "none"
      end }]], options = " want=5", only_two = true },
    { "falls back to turns when it raises", [[return {
      pick = function() error("no idea") end }]], log = "no idea" },
    { "falls back to turns for an impossible index", [[return {
      pick = function() return 77 end }]], log = "77" },
  } do
    it(case[1], function()
      local m = moongate.start {
        config = CONFIG:format("${dir}/lua/own.lua" .. (case.options or "")),
        files = { ["lua/own.lua"] = case[2] },
        ports = {
          one = peer.serve(peer.greet("one")).port,
          two = peer.serve(peer.greet("two")).port,
        },
      }
      local counts, order = { one = 0, two = 0 }, {}
      for i = 1, 6 do
        order[i] = assert(net.connect(m.port.db)):receive(3)
        counts[order[i]] = counts[order[i]] + 1
      end
      if case.only_two then
        assert.are.equal(6, counts.two)
        return
      end
      assert.are.same({ one = 1, two = 5 }, counts)
      m:wait_log(case.log)
    end)
  end
end)


describe("a policy's done", function()
  after_each(moongate.finish)

  it("is told what a FastCGI server was sent and what it answered", function()
    local php = fastcgi.serve(function(_, reply)
      reply:answer("Status: 201 Created", ("x"):rep(3000))
    end)
    local m = moongate.start {
      config = [[
        [upstream php]
        policy = own
        server one = 127.0.0.1:${port_php}
        [http web]
        listen = 127.0.0.1:${port_web}
        root = ${dir}/www
        route = ~ \.php$ php
        access_log = off
      ]],
      files = {
        ["www/a.php"] = "<?php",
        ["lua/policy/own.lua"] = [[
          local log = require("moongate").log
          return {
            pick = function() return 1 end,
            done = function(_, server, result)
              log.info(("done: %s %s %d %d %d"):format(server.name,
                tostring(result.ok), result.status, result.bytes_in,
                result.bytes_out))
            end,
          }
        ]],
      },
      ports = { php = php.port },
    }
    local client = http.connect(m.port.web)
    local body = ("y"):rep(100000)
    local answer = client:exchange("POST /a.php", {
      "Content-Length: " .. #body,
    }, body)
    assert.are.equal(201, answer.status)
    m:wait_log("done: one true 201 100000 3000")
  end)
end)
