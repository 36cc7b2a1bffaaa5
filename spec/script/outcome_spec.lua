--- The hooks that see what came of the work: response, log and close.
local program = require "script.program"

local FILES = { ["www/file.txt"] = "the file", ["www/none.html"] = "nothing" }

local p


-- Starts a section with scripts of these texts.
local function start(more, ...)
  local lua, lines = {}, {}
  for i = 1, select("#", ...) do
    local name = ("s%d.lua"):format(i)
    lua[name] = "local moongate = require 'moongate'\n" .. select(i, ...)
    lines[i] = "script = " .. name
  end
  p = assert(program.start {
    config = "[http web]\nlisten = 127.0.0.1:8080\nroot = ${dir}/www\n"
      .. more .. "\n" .. table.concat(lines, "\n"),
    lua = lua, files = FILES,
  })
end


local function start_response(...)
  local scripts = { ... }
  for i, body in ipairs(scripts) do
    scripts[i] = "return { response = function(res, req)\n" .. body .. "\nend }"
  end
  start("header = X-Section one", unpack(scripts))
end


local function start_log(format, ...)
  local scripts = { ... }
  for i, body in ipairs(scripts) do
    scripts[i] = "return { log = function(req, res)\n" .. body .. "\nend }"
  end
  start("access_log = " .. format, unpack(scripts))
end


local function log_has(wanted)
  return table.concat(p.log, "\n"):find(wanted, 1, true) ~= nil
end


after_each(function()
  p:stop()
end)


describe("response", function()
  it("sees the head that is about to leave, and the request", function()
    start_response([[
      assert(res.status == 200 and res.server == nil)
      assert(res.upstream_ms == nil and tostring(res) == "response")
      assert(res:header("content-type"):find("text/plain", 1, true))
      assert(res:header("Content-Length") == "8")
      assert(res:header("X-Section") == "one" and res:header("X-None") == nil)
      assert(req.path == "/file.txt" and req:arg("a") == "1")
    ]])
    local status, _, body = p:get("/file.txt?a=1")
    assert.are.same({}, p.log)
    assert.are.equal(200, status)
    assert.are.equal("the file", body)
  end)

  it("sets, adds and removes headers", function()
    start_response([[
      assert(res:set_header("X-New", "a b") and res:set_header("x-new", 7))
      assert(res:header("X-New") == "7")
      assert(res:set_header("X-Section", nil) and res:set_header("X-None"))
      assert(res:set_header("Server", "mine") and res:set_header("Empty", ""))
      assert(res:add_header("Set-Cookie", "a=1"))
      assert(res:add_header("Set-Cookie", "b=2"))
      assert(res:header("Empty") == "" and res:header("ET") == nil)
    ]])
    local status, headers, body = p:get("/file.txt")
    assert.are.same({}, p.log)
    assert.are.equal(200, status)
    assert.are.equal("7", headers["x-new"])
    assert.are.equal("mine", headers.server)
    assert.are.equal("", headers.empty)
    assert.is_nil(headers["x-section"])
    assert.are.equal("the file", body)
  end)

  it("keeps both of two cookies", function()
    start_response("res:add_header('Set-Cookie', 'a=1')\n"
      .. "res:add_header('Set-Cookie', 'b=2')\n"
      .. "assert(res:header('Set-Cookie') == 'a=1')")
    local exchange = p.site:begin("GET /file.txt HTTP/1.1\r\nHost: h\r\n\r\n")
    local response = p.site:answer(exchange)
    p.site:finish(exchange)
    assert.is_truthy(response:find("Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n", 1,
      true))
  end)

  for status, line in pairs {
    [418] = "HTTP/1.1 418 ", [200] = "HTTP/1.1 200 OK\r\n",
    [599] = "HTTP/1.1 599 ", [431] = "HTTP/1.1 431 ",
  } do
    it("sets the status, whatever its line's length: " .. status, function()
      start_response(("assert(res:set_status(%d))\n"
        .. "assert(res.status == %d)"):format(status, status))
      local exchange =
        p.site:begin("GET /file.txt HTTP/1.1\r\nHost: h\r\n\r\n")
      local response = p.site:answer(exchange)
      p.site:finish(exchange)
      assert.are.same({}, p.log)
      assert.are.equal(line, response:sub(1, #line))
      assert.are.equal("\r\n\r\nthe file", response:sub(-12))
    end)
  end

  it("drops the body by a status that has none", function()
    start_response("res:set_status(204)")
    local exchange = p.site:begin("GET /file.txt HTTP/1.1\r\nHost: h\r\n\r\n")
    local response = p.site:answer(exchange)
    p.site:finish(exchange)
    assert.is_truthy(response:find("^HTTP/1.1 204 [^\r]+\r\n.-\r\n\r\n$"))
    assert.is_falsy(response:lower():find("content%-length"))
  end)

  it("is called for answers of the program's own, and of scripts", function()
    start("", "return { request = function(req)\n"
      .. "  if req.path == '/reply' then return moongate.reply(201, nil, 'x')\n"
      .. "  elseif req.path == '/go' then return moongate.redirect('/') end\n"
      .. "end, response = function(res) res:set_header('X-Seen', res.status)\n"
      .. "end }")
    for path, status in pairs {
      ["/file.txt"] = 200, ["/missing"] = 404, ["/reply"] = 201, ["/go"] = 302,
    } do
      local got, headers = p:get(path)
      assert.are.equal(status, got)
      assert.are.equal(tostring(status), headers["x-seen"])
    end
    assert.are.same({}, p.log)
  end)

  it("is called once, with the error page's head", function()
    start("error_page = 404 /none.html", "local n = 0\n"
      .. "return { response = function(res, req) n = n + 1\n"
      .. "res:set_header('X-N', n)\nreq.ctx.n = n end }")
    local status, headers, body = p:get("/missing")
    assert.are.equal(404, status)
    assert.are.equal("1", headers["x-n"])
    assert.are.equal("nothing", body)
  end)

  it("has the request's ctx, over all hooks", function()
    start("access_log = json", "return {\n"
      .. "request = function(req) req.ctx.n = 1 end,\n"
      .. "response = function(res, req) req.ctx.n = req.ctx.n + 1 end,\n"
      .. "log = function(req, res) return { n = req.ctx.n + 1 } end }")
    local _, _, _, record = p:get("/file.txt")
    assert.are.same({}, p.log)
    assert.is_truthy(record:find('"n":3}', 1, true), record)
  end)

  it("runs all scripts in order; what one did before it raised stays",
    function()
      start_response("res:set_header('X-One', 1)\nerror('oh')",
        "assert(res:header('X-One') == '1')\nres:set_header('X-Two', 2)")
      local status, headers = p:get("/file.txt")
      assert.are.equal(200, status)
      assert.are.equal("1", headers["x-one"])
      assert.are.equal("2", headers["x-two"])
      assert.are.equal(1, #p.log)
      assert.is_true(log_has("script s1.lua: response of http web failed: "
        .. "s1.lua:4: oh"))
      assert.are.equal(1, p:counts("s1.lua").errors)
    end)

  it("has room for many headers, and says when there is none", function()
    start_response([[
      local value = ("x"):rep(1000)
      local n = 0
      for i = 1, 100 do
        local ok, reason = res:set_header("X-" .. i, value)
        if not ok then
          assert(reason == "no room for another header")
          break
        end
        n = i
      end
      assert(n > 50 and n < 70, n)
      assert(res:set_header("X-1", nil) and res:set_header("X-last", "y"))
    ]])
    local status, headers, body = p:get("/file.txt")
    assert.are.same({}, p.log)
    assert.are.equal(200, status)
    assert.are.equal("y", headers["x-last"])
    assert.are.equal(1000, #headers["x-2"])
    assert.is_nil(headers["x-1"])
    assert.are.equal("the file", body)
  end)

  for body, wanted in pairs {
    ["res:set_header('a b', '1')"] =
      "s1.lua:3: bad argument to 'set_header' (the name of a header",
    ["res:set_header('A', '1\\r\\nB: 2')"] =
      "s1.lua:3: bad argument to 'set_header' (the value of A",
    ["res:set_header('Content-Length', 1)"] =
      "(the header Content-Length is set by the program)",
    ["res:set_header('Connection', nil)"] = "is set by the program",
    ["res:set_header()"] = "s1.lua:3: bad argument #1 to 'set_header'",
    ["res:set_header('A', {})"] = "(the value of A is not a string)",
    ["res:add_header('A')"] = "s1.lua:3: bad argument #2 to 'add_header'",
    ["res:set_status(100)"] = "s1.lua:3: bad argument #1 to 'set_status'",
    ["res:set_status(200.5)"] = "bad argument #1 to 'set_status'",
    ["res:set_status('200')"] = "s1.lua:3: bad argument #1 to 'set_status'",
    ["res:header()"] = "s1.lua:3: bad argument #1 to 'header'",
    ["local x = res.nothing"] = "s1.lua:3: res has no field 'nothing'",
    ["res.status = 1"] = "s1.lua:3: ",
  } do
    it("raises at the script's line: " .. body, function()
      start_response(body)
      local status, _, text = p:get("/file.txt")
      assert.are.equal(200, status)
      assert.are.equal("the file", text)
      assert.is_true(log_has(wanted), p.log[1])
    end)
  end

  it("is over when its hook is", function()
    start("", "local kept\n"
      .. "return { response = function(res) kept = res end,\n"
      .. "request = function(req)\nif kept then\n"
      .. "local ok, why = pcall(kept.header, kept, 'A')\n"
      .. "assert(not ok and why:find('this response is over', 1, true))\n"
      .. "local x = kept.status\nend end }")
    p:get("/file.txt")
    p:get("/file.txt")
    assert.is_true(log_has("s1.lua:8: this response is over"), p.log[1])
  end)
end)


describe("log", function()
  it("adds members to json, of each kind", function()
    start_log("json", "return { text = 'a\"b', n = 1.5, big = 2^40, yes = true,"
      .. " no = false, none = 0 / 0 }")
    local _, _, _, record = p:get("/file.txt")
    assert.are.same({}, p.log)
    for _, member in ipairs {
      '"text":"a\\"b"', '"n":1.5', '"big":1099511627776', '"yes":true',
      '"no":false', '"none":null',
    } do
      assert.is_truthy(record:find(member, 1, true), record)
    end
    assert.are.equal("}", record:sub(-1))
  end)

  it("is what ${log_NAME} stands for", function()
    start_log("${status} ${log_tenant} ${log_none} ${log_n}",
      "return { tenant = 'acme', n = 3 }")
    local _, _, _, record = p:get("/file.txt")
    assert.are.equal("200 acme - 3", record)
  end)

  it("sees the answer as it was sent", function()
    start_log("json", "assert(res.status == 200)\n"
      .. "assert(res:header('Content-Length') == '8')\n"
      .. "assert(res:header('Content-Type'):find('text/plain', 1, true))\n"
      .. "assert(req.path == '/file.txt')")
    p:get("/file.txt")
    assert.are.same({}, p.log)
  end)

  it("merges what scripts say: the later one goes", function()
    start_log("json", "return { a = 1, b = 'x' }", "",
      "return { b = 'y', c = true }")
    local _, _, _, record = p:get("/file.txt")
    assert.are.same({}, p.log)
    assert.is_truthy(record:find('"a":1', 1, true))
    assert.is_truthy(record:find('"b":"y"', 1, true))
    assert.is_truthy(record:find('"c":true', 1, true))
    assert.is_falsy(record:find('"b":"x"', 1, true))
  end)

  it("is called where no record is kept, too", function()
    start_log("off", "moongate.log.info('seen ', res.status)")
    p:get("/file.txt")
    assert.is_true(log_has("seen 200"))
  end)

  for call, name in pairs {
    ["set_header('A', 'b')"] = "set_header",
    ["set_status(200)"] = "set_status",
    ["add_header('A', 'b')"] = "add_header",
  } do
    it("cannot change what was sent: " .. name, function()
      start_log("json", "res:" .. call)
      p:get("/file.txt")
      assert.is_true(log_has(("s1.lua:3: %s() comes too late: the response has "
        .. "been sent"):format(name)), p.log[1])
    end)
  end

  it("costs a record nothing when it raises", function()
    start_log("json", "error('oh')", "return { a = 1 }")
    local _, _, _, record = p:get("/file.txt")
    assert.is_truthy(record:find('"a":1}', 1, true), record)
    assert.is_true(log_has("log of http web failed: s1.lua:3: oh"))
  end)

  for body, wanted in pairs {
    ["return 1"] = "it returned something other than a table",
    ["return { ['a b'] = 1 }"] = "a field whose name is not of 1 to 32 letters",
    ["return { 1 }"] = "a field whose name is not of 1 to 32 letters",
    ["return { [('x'):rep(33)] = 1 }"] = "a field whose name is not",
    ["return { status = 1 }"] = "the field 'status', which the record has",
    ["return { a = {} }"] = "the field 'a', which is no string, number or",
  } do
    it("says what is wrong, and takes the rest: " .. body, function()
      start_log("json", "moongate.log.debug('x')\n" .. body,
        "return { good = 1 }")
      local _, _, _, record = p:get("/file.txt")
      assert.is_true(log_has(wanted), p.log[1])
      assert.is_truthy(record:find('"good":1}', 1, true), record)
      assert.are.equal(1, p:counts("s1.lua").errors)
    end)
  end

  it("is bounded in number and length, and stays JSON", function()
    start_log("json", "local t = {}\nfor i = 1, 40 do\n"
      .. "t['f' .. i] = ('\\1'):rep(2000)\nend\nreturn t")
    local _, _, _, record = p:get("/file.txt?" .. ("x"):rep(3000))
    assert.is_true(log_has("for which there is no room"))
    assert.are.equal("}", record:sub(-1))
    local _, count = record:gsub('"f%d+":"', "")
    assert.is_true(count > 0 and count <= 16, tostring(count))
  end)
end)


describe("close", function()
  it("sees who it was, and what came of it", function()
    p = assert(program.start {
      config = "[tcp db]\nlisten = 127.0.0.1:8080\nupstream = u\n"
        .. "script = a.lua\n[upstream u]\nprotocol = tcp\n"
        .. "server one = 127.0.0.1:1\n",
      lua = { ["a.lua"] = "return { close = function(conn, result)\n"
        .. "print(conn.client, conn.port, conn.listener, result.ok, "
        .. "result.error, result.status, result.bytes_in, result.bytes_out,"
        .. "result.total_ms >= result.connect_ms)\nend }" },
    })
    p:close_conn { ok = true, bytes_in = 1, bytes_out = 2, total_ms = 3 }
    p:close_conn { error = "broken", bytes_in = 5 }
    assert.is_true(log_has("192.0.2.7 4711 127.0.0.1:8080 true nil 0 1 2 "
      .. "true"), p.log[1])
    assert.is_true(log_has(" false broken 0 5 0 true"), p.log[2])
  end)
end)
