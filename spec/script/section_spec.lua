--- The hooks of sections: `request` on whole exchanges, and `accept`.
local program = require "script.program"

local CONFIG = [[
[http web]
listen = 127.0.0.1:8080
root = ${dir}/www
%s
[upstream php]
server one = 127.0.0.1:1
[upstream db]
protocol = tcp
server one = 127.0.0.1:2
]]
local FILES = {
  ["www/file.txt"] = "the file", ["www/sub/deep.txt"] = "deep",
  ["www/other.txt"] = "the other",
  ["www/index.php/x"] = "not a script",
}

local p


-- Starts a section whose scripts have the given bodies of `request`; a first
-- element `more` is for the section.
local function start(...)
  local lua, lines = {}, {}
  for i = 1, select("#", ...) do
    local name = ("s%d.lua"):format(i)
    lua[name] = "local moongate = require 'moongate'\n"
      .. "return { request = function(req)\n" .. select(i, ...) .. "\nend }"
    lines[i] = "script = " .. name
  end
  p = assert(program.start {
    config = CONFIG:format(table.concat(lines, "\n")), lua = lua,
    files = FILES,
  })
end


local function start_denying(body)
  p = assert(program.start {
    config = CONFIG:format("script = a.lua\nscript_failure = deny"),
    lua = { ["a.lua"] = "return { request = function(req) " .. body
      .. " end }" },
    files = FILES,
  })
end


local function log_has(wanted)
  for _, line in ipairs(p.log) do
    if line:find(wanted, 1, true) then
      return true
    end
  end
  return false
end


after_each(function()
  p:stop()
end)


describe("request", function()
  it("may let pass", function()
    start("")
    local status, _, body = p:get("/file.txt")
    assert.are.equal(200, status)
    assert.are.equal("the file", body)
  end)

  it("sees the request", function()
    start([[
      assert(req.method == "GET" and req.uri == "/a%20b/../file.txt?x=1&x=2")
      assert(req.path == "/file.txt" and req.query == "x=1&x=2")
      assert(req.host == "www.example" and req.scheme == "http")
      assert(req.version == "1.1" and req.client == "192.0.2.7")
      assert(req.port == 4711 and req.listener == "127.0.0.1:8080")
      assert(req:header("x-one") == "1" and req:header("X-Two") == nil)
      assert(req:cookie("b") == "2" and req:cookie("c") == nil)
      assert(req:arg("x") == "1" and req:arg("y") == nil)
      assert(req.headers["x-one"] == "1" and req.headers["x-many"] == "a, b")
      assert(req.args.x == "1" and req.args.y == nil)
      assert(tostring(req):find("^request %d+$"))
    ]])
    local status = p.site:ask("GET /a%20b/../file.txt?x=1&x=2 HTTP/1.1\r\n"
      .. "Host: WWW.example:8080\r\nX-One: 1\r\nCookie: a=1; b=2\r\n"
      .. "X-Many: a\r\nX-Many: b\r\n\r\n")
    assert.are.same({}, p.log)
    assert.are.equal(200, status)
  end)

  it("sees an argument decoded", function()
    start([[
      assert(req:arg("a b") == "c/d" and req.args["a b"] == "c/d")
      assert(req.args.empty == "" and req.args.bare == "")
      assert(req:arg("bare") == "")
    ]])
    p:get("/file.txt?a+b=c%2Fd&empty=&bare")
    assert.are.same({}, p.log)
  end)

  it("sees no query where there is none", function()
    start("assert(req.query == nil and next(req.args) == nil)")
    p:get("/file.txt")
    assert.are.same({}, p.log)
  end)

  it("may rewrite, and keeps the query", function()
    start("assert(req:rewrite('/file.txt'))\n"
      .. "assert(req.path == '/file.txt' and req.query == 'a=1')\n"
      .. "assert(req.uri == '/old?a=1' and req.args.a == '1')")
    local status, _, body = p:get("/old?a=1")
    assert.are.same({}, p.log)
    assert.are.equal("the file", body)
    assert.are.equal(200, status)
  end)

  it("may rewrite the query, too", function()
    start("assert(req.args.a == '1'); req:rewrite('/file.txt', 'b=2')\n"
      .. "assert(req.query == 'b=2' and req.args.b == '2' and not req.args.a)")
    assert.are.equal(200, (p:get("/old?a=1")))
    assert.are.same({}, p.log)
  end)

  it("sees what scripts before it have rewritten", function()
    start("req:rewrite('/other.txt')",
      "assert(req.path == '/other.txt'); req:rewrite('/file.txt')")
    local _, _, body = p:get("/x")
    assert.are.equal("the file", body)
    assert.are.same({}, p.log)
  end)

  it("shares ctx with the scripts behind it, for one request", function()
    start("assert(req.ctx.seen == nil); req.ctx.seen = req.path",
      "assert(req.ctx.seen == req.path)")
    p:get("/file.txt")
    p:get("/other.txt")
    assert.are.same({}, p.log)
  end)

  it("sees which files there are", function()
    start("assert(req:file_exists() and req:file_exists('/other.txt'))\n"
      .. "assert(not req:file_exists('/none') and not req:file_exists('/'))\n"
      .. "assert(not req:file_exists('/../lua/s1.lua'))")
    p:get("/file.txt")
    assert.are.same({}, p.log)
  end)

  it("sees which part of a path is a file", function()
    start("assert(req:file_prefix() == '/file.txt')\n"
      .. "assert(req:file_prefix('/file.txt/a/b') == '/file.txt')\n"
      .. "assert(req:file_prefix('/sub/deep.txt/') == '/sub/deep.txt')\n"
      .. "assert(not req:file_prefix('/sub') and not req:file_prefix('/'))\n"
      .. "assert(not req:file_prefix('/sub/none/file.txt'))\n"
      .. "assert(not req:file_prefix('/none/file.txt'))\n"
      .. "assert(not req:file_prefix('/../lua/s1.lua'))\n"
      .. "assert(not req:file_prefix('/.hidden/file.txt'))\n"
      .. "assert(not pcall(req.file_prefix, req, 1))")
    p:get("/file.txt")
    assert.are.same({}, p.log)
  end)

  it("may set and remove headers for later scripts", function()
    start("assert(req.headers['x-a'] == '1'); req:set_header('X-A', '2')\n"
      .. "req:set_header('X-B'); req:set_header('X-C', 3)",
      "assert(req:header('x-a') == '2' and req.headers['x-a'] == '2')\n"
      .. "assert(req:header('x-b') == nil and req:header('x-c') == '3')")
    p:get("/file.txt", { "X-A: 1", "X-B: 1" })
    assert.are.same({}, p.log)
  end)

  it("may answer", function()
    start("return moongate.reply(418, { ['X-Pot'] = 'tea', "
      .. "['Set-Cookie'] = { 'a=1', 'b=2' }, ['X-N'] = 7 }, 'short\\n')",
      "error('not reached')")
    local status, headers, body = p:get("/file.txt")
    assert.are.equal(418, status)
    assert.are.equal("tea", headers["x-pot"])
    assert.are.equal("b=2", headers["set-cookie"])
    assert.are.equal("7", headers["x-n"])
    assert.are.equal("6", headers["content-length"])
    assert.are.equal("short\n", body)
    assert.are.same({}, p.log)
  end)

  it("may answer without a body", function()
    start("return moongate.reply(204)")
    assert.are.equal(204, (p:get("/file.txt")))
  end)

  it("may redirect", function()
    start("return moongate.redirect('/new?a=b', 301)")
    local status, headers = p:get("/file.txt")
    assert.are.equal(301, status)
    assert.are.equal("/new?a=b", headers.location)
  end)

  it("is over when the exchange is", function()
    start([[
      local last = rawget(_G, "last")
      if last then
        for _, name in ipairs { "path", "ctx", "args", "headers", "port" } do
          assert(not pcall(function() return last[name] end), name)
        end
        for _, name in ipairs { "header", "cookie", "arg", "rewrite" } do
          assert(not pcall(last[name], last, "/x"), name)
        end
        assert(not pcall(last.file_exists, last))
        assert(not pcall(last.set_header, last, "a", "b"))
        local ok, why = pcall(function() return last.path end)
        assert(why:find("this request is over", 1, true), why)
      end
      _G.last = req
      req.ctx.x = 1
    ]])
    p:get("/file.txt")
    p:get("/file.txt")
    p:get("/file.txt")
    assert.are.same({}, p.log)
  end)

  describe("may say with which priority", function()
    local CASES = {
      { name = "none", bodies = { "" }, priority = 0 },
      { name = "alone, and goes where it went",
        bodies = { "return { priority = -2047 }" }, priority = -2047 },
      { name = "alone, which does not end the chain",
        bodies = { "return { priority = 7 }", "req:rewrite('/other.txt')" },
        priority = 7, body = "the other" },
      { name = "as the last script that says one does",
        bodies = { "return { priority = 7 }", "return { priority = 2047 }",
          "" }, priority = 2047 },
      { name = "as the scripts before one that fails did",
        bodies = { "return { priority = 7 }", "error('oh')",
          "return { priority = 9, upstream = 'none' }" },
        priority = 7, logged = 2 },
    }
    for _, case in ipairs(CASES) do
      it(case.name, function()
        start(unpack(case.bodies))
        local exchange = p.site:begin("GET /file.txt HTTP/1.1\r\nHost: h\r\n"
          .. "\r\n")
        local response = p.site:answer(exchange)
        local priority = exchange.flow.priority
        p.site:finish(exchange)
        assert.are.equal(case.body or "the file",
          response:match("\r\n\r\n(.*)"))
        assert.are.equal(case.priority, priority)
        assert.are.equal(case.logged or 0, #p.log)
      end)
    end
  end)

  local MISUSE = {
    { "req.path = '/x'", "s1.lua:3: attempt to write to constant location" },
    { "req.nothing()", "s1.lua:3: req has no field 'nothing'" },
    { "req.exchange()", "s1.lua:3: " },
    { "local x = req.exchange[0]", "s1.lua:3: " },
    { "req:body('x')", "s1.lua:3: bad argument #1 to 'body' (bytes" },
    { "req:body(-1)", "s1.lua:3: bad argument #1 to 'body' (bytes" },
    { "req.body(10)", "s1.lua:3: body: a request is expected (is the colon" },
    { "req:header()", "s1.lua:3: bad argument #1 to 'header' (string" },
    { "req.header('x')", "s1.lua:3: bad argument #1 to 'header' (string" },
    { "req.header({}, 'x')", "cannot convert 'table'" },
    { "req.header(req.exchange, 'x')", "cannot convert" },
    { "req:set_header('a b', 'x')", "s1.lua:3: bad argument to 'set_header'" },
    { "req:set_header('a', {})", "s1.lua:3: bad argument #2 to 'set_header'" },
    { "req:rewrite('x')", "s1.lua:3: bad argument #1 to 'rewrite'" },
    { "req:rewrite('/../x')", "s1.lua:3: bad argument #1 to 'rewrite'" },
    { "req:rewrite()", "s1.lua:3: bad argument #1 to 'rewrite' (string" },
    { "return 7", "it returned a number, which is no decision" },
    { "return false", "it returned a boolean, which is no decision" },
    { "return {}", "names neither an upstream nor a status "
      .. "nor a priority" },
    -- reply() refuses these itself, at the script's line.
    { "return { status = 200, headers = { ['content-length'] = '99' } }",
      "it set a header that is set by the program" },
    { "local answer = moongate.reply(200, {}, 'x')\n"
      .. "answer.headers['Transfer-Encoding'] = { 'chunked' }\nreturn answer",
      "it set a header that is set by the program" },
    { "return { priority = 2048 }",
      "'priority' is not a whole number from -2047 to 2047" },
    { "return { priority = -2048, upstream = 'php' }",
      "'priority' is not a whole number from -2047 to 2047" },
    { "return { priority = 1.5 }", "'priority' is not a whole number" },
    { "return { priority = 0/0 }", "'priority' is not a whole number" },
    { "return { priority = '7' }", "'priority' is not a whole number" },
    { "return { priority = 1, server = 'one' }",
      "'server' is named without its 'upstream'" },
    { "return { status = 700 }", "'status' is not a number from 200 to 599" },
    { "return { status = 200, headers = 1 }", "'headers' is not a table" },
    { "return { status = 200, headers = { a = {{}} } }",
      "the value of a header is not a string" },
    { "return { status = 200, headers = { a = 'b\\n' } }",
      "bytes that may not stand in it" },
    { "return { status = 200, body = {} }", "'body' is not a string" },
    { "return { upstream = 'none' }", "there is no upstream 'none'" },
    { "return { upstream = 7 }", "'upstream' is not a name" },
    { "return { upstream = 'php', server = 'x' }",
      "upstream 'php' has no server 'x'" },
    { "return { upstream = 'db' }",
      "upstream 'db' has another protocol than http web" },
  }
  for _, case in ipairs(MISUSE) do
    it("that fails passes: " .. case[1], function()
      start(case[1])
      local status = p:get("/file.txt")
      assert.are.equal(200, status)
      assert.is_true(log_has("script s1.lua: request of http web failed: "))
      assert.is_true(log_has(case[2]), p.log[1])
      assert.are.same({ calls = 1, errors = 1, fallbacks = 1 },
        p:counts("s1.lua"))
    end)
  end

  it("that fails lets those behind it run", function()
    start("error('first')", "req:rewrite('/other.txt')")
    local _, _, body = p:get("/file.txt")
    assert.are.equal("the other", body)
  end)

  it("that fails refuses where script_failure = deny", function()
    start_denying("error('first')")
    assert.is_true(p:get("/file.txt") >= 500)
  end)
end)


describe("rewrite/tp5.lua", function()
  it("leaves files alone and sends the rest to index.php", function()
    p = assert(program.start {
      config = "[http web]\nlisten = 127.0.0.1:8080\nroot = ${dir}/www\n"
        .. "script = rewrite/tp5.lua\nscript = show.lua",
      lua = { ["show.lua"] = "return { request = function(req) return { "
        .. "status = 200, body = req.path .. '?' .. req.query } end }" },
      files = {
        ["www/index.php"] = "<?php", ["www/logo.png"] = "png",
      },
    })
    for asked, expected in pairs {
      ["/?a=1"] = "/index.php/?a=1",
      ["/index/blog/read/id/7?x=1"] = "/index.php/index/blog/read/id/7?x=1",
      ["/logo.png?v=2"] = "/logo.png?v=2",
      ["/logo.png/x.php?"] = "/logo.png/x.php?",
      ["/index.php/index/blog?"] = "/index.php/index/blog?",
    } do
      local _, _, body = p:get(asked)
      assert.are.equal(expected, body)
    end
    assert.are.same({}, p.log)
  end)
end)


describe("accept", function()
  local function start_accept(body)
    p = assert(program.start {
      config = "[tcp db]\nlisten = 127.0.0.1:8080\nupstream = one\n"
        .. "script = a.lua\n[upstream one]\nprotocol = tcp\n"
        .. "server s = 127.0.0.1:1\n[upstream two]\nprotocol = tcp\n"
        .. "server s = 127.0.0.1:1\n",
      lua = { ["a.lua"] = "return { accept = function(conn)\n" .. body
        .. "\nend }" },
    })
  end

  it("sees who connects, and may let pass", function()
    start_accept("assert(conn.client == '192.0.2.7' and conn.port == 4711)\n"
      .. "assert(conn.listener == '127.0.0.1:8080')")
    assert.are.equal("pass", p:accept())
    assert.are.same({}, p.log)
  end)

  it("may refuse, with or without a reason", function()
    start_accept("if conn.port == 1 then return false end\n"
      .. "return false, 'not\\nyou'")
    assert.are.same({ "deny", "not | you" }, { p:accept() })
    assert.are.same({ "deny", "refused by the script" },
      { p:accept("192.0.2.7:1") })
  end)

  it("may choose an upstream", function()
    start_accept("return { upstream = 'two', server = 's' }")
    assert.are.same({ "route", "two" }, { p:accept() })
  end)

  it("may say with which priority, and an upstream or none", function()
    start_accept("return { priority = conn.port }")
    assert.are.same({ "pass", nil, 1 }, { p:accept("192.0.2.7:1") })
    p:stop()
    start_accept("return { priority = -conn.port, upstream = 'two' }")
    assert.are.same({ "route", "two", -2047 }, { p:accept("192.0.2.7:2047") })
    assert.are.same({}, p.log)
  end)

  it("cannot answer as a request can", function()
    start_accept("return { status = 200 }")
    assert.are.equal("failed", (p:accept()))
    assert.is_true(log_has("an answer can be given to a request only"))
  end)

  it("that raises fails", function()
    start_accept("error('oh')")
    assert.are.equal("failed", (p:accept()))
    assert.is_true(log_has("script a.lua: accept of tcp db failed: "
      .. "a.lua:2: oh | stack traceback: "), p.log[1])
  end)
end)
