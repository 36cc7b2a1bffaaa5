--- `moongate test`: specs beside scripts, without a server.
local folder = require "support.folder"
local lfs = require "lfs"
local moongate = require "support.moongate"
local process = require "support.process"

local ROOT = lfs.currentdir()

local NIGHT = [[
local night = {}


function night.pick(flow, servers)
  for i = #servers, 1, -1 do
    if servers[i].usable then
      return i
    end
  end
  return nil, "no usable server"
end


return night
]]


-- A spec of one `it`, which has `test` and the script.
local function one(body, name)
  return ([[
    local test = require "moongate.test"
    describe("it", function()
      it("%s", function()
        %s
      end)
    end)
  ]]):format(name or "works", body)
end


describe("moongate test", function()
  local dir

  before_each(function()
    dir = folder.make()
    lfs.mkdir(dir .. "/temp")
  end)

  after_each(function()
    folder.remove(dir)
    moongate.finish()
  end)

  -- Runs it in the folder.
  -- @param files  table: texts by path below the folder
  -- @param more   string, optional: words of the shell before the program
  local function run(files, words, more)
    for path, text in pairs(files) do
      folder.write(dir .. "/" .. path, text)
    end
    local status, said = process.run {
      "/bin/sh", "-c", ("cd %s && TMPDIR=%s/temp %s %s/moongate test %s 2>&1")
        :format(dir, dir, more or "", moongate.build(), words),
    }
    assert.are.same({}, folder.list(dir .. "/temp"))
    return status, said
  end

  -- Runs one spec of a script and fails with what was said unless it passes.
  local function pass(script, body, files)
    files = files or {}
    files["lua/x.lua"], files["lua/x_spec.lua"] = script, one(body)
    local status, said = run(files, "x.lua")
    assert.are.equal(0, status, said)
    assert.truthy(said:find("1 success / 0 failures / 0 errors", 1, true), said)
  end

  -- The same, and it must fail with some words.
  local function fail(script, body, words)
    local status, said = run({
      ["lua/x.lua"] = script, ["lua/x_spec.lua"] = one(body),
    }, "x.lua")
    assert.are.equal(1, status, said)
    assert.truthy(said:find(words, 1, true), said)
  end

  describe("ends with", function()
    it("0 where all pass", function()
      local status, said = run({
        ["lua/policy/night.lua"] = NIGHT,
        ["lua/policy/night_spec.lua"] = one([[
          local servers = test.servers { { name = "a" }, { usable = false } }
          assert.are.equal(1, test.load():pick(test.flow(), servers))
        ]]),
      }, "policy/night.lua")
      assert.are.equal(0, status, said)
      assert.truthy(said:find("1 success / 0 failures", 1, true), said)
    end)

    it("1 where one fails, and says where", function()
      local status, said = run({
        ["lua/night.lua"] = NIGHT,
        ["lua/night_spec.lua"] = one("assert.are.equal(1, 2)", "is wrong"),
      }, "night.lua")
      assert.are.equal(1, status, said)
      assert.truthy(said:find("0 successes / 1 failure", 1, true), said)
      assert.truthy(said:find("night_spec.lua @ 3", 1, true), said)
      assert.truthy(said:find("it is wrong", 1, true), said)
    end)

    it("1 where a spec raises outside of any test", function()
      local status, said = run({
        ["lua/night.lua"] = NIGHT,
        ["lua/night_spec.lua"] = one("") .. "\nerror('no way')",
      }, "night.lua")
      assert.are.equal(1, status, said)
      assert.truthy(said:find("no way", 1, true), said)
    end)

    it("1 and what is wrong with a script", function()
      local status, said = run({
        ["lua/a.lua"] = "return { pik = 1 }", ["lua/a_spec.lua"] = one(""),
        ["lua/b.lua"] = "return {", ["lua/b_spec.lua"] = one(""),
        ["lua/c.lua"] = "io.open('/')", ["lua/c_spec.lua"] = one(""),
      }, "a.lua b.lua c.lua")
      assert.are.equal(1, status, said)
      assert.truthy(said:find("/lua/a.lua': unknown hook 'pik'; "
        .. "did you mean 'pick'?", 1, true), said)
      assert.truthy(said:find("b.lua:1: unexpected symbol", 1, true), said)
      assert.truthy(said:find("c.lua:1: attempt to index global 'io'", 1,
        true), said)
    end)

    it("1 where there is no spec beside it", function()
      local status, said = run({ ["lua/night.lua"] = NIGHT }, "night.lua")
      assert.are.equal(1, status, said)
      assert.truthy(said:find("no specs for night.lua", 1, true), said)
    end)

    it("1 where the spec has none", function()
      local status, said = run({
        ["lua/night.lua"] = NIGHT,
        ["lua/night_spec.lua"] = "describe('it', function() end)",
      }, "night.lua")
      assert.are.equal(1, status, said)
      assert.truthy(said:find("no specs for night.lua", 1, true), said)
    end)

    it("1 where there is no script, and where it looked", function()
      local status, said = run({ ["lua/night.lua"] = NIGHT }, "nigth.lua")
      assert.are.equal(1, status, said)
      assert.truthy(said:find("there is no script 'nigth.lua', here or in "
        .. dir .. "/lua", 1, true), said)
    end)

    it("1 where busted is not there, and which package it is", function()
      local status, said = run({
        ["lua/night.lua"] = NIGHT, ["lua/night_spec.lua"] = one(""),
      }, "night.lua", "LUA_PATH=/nowhere/?.lua")
      assert.are.equal(1, status, said)
      assert.truthy(said:find("apt-get install lua-busted", 1, true), said)
    end)

    it("2 where no script is named", function()
      local status, said = run({}, "")
      assert.are.equal(2, status, said)
      assert.truthy(said:find("test needs a script", 1, true), said)
    end)
  end)

  it("runs the specs of several scripts, and fails if one does", function()
    local files = {
      ["lua/a.lua"] = NIGHT, ["lua/a_spec.lua"] = one("test.load()"),
      ["lua/b.lua"] = NIGHT, ["lua/b_spec.lua"] = one("test.load()"),
    }
    local status, said = run(files, "a.lua lua/b.lua")
    assert.are.equal(0, status, said)
    assert.truthy(said:find("2 successes", 1, true), said)
    files["lua/b_spec.lua"] = one("error('b')")
    status, said = run(files, "a.lua lua/b.lua")
    assert.are.equal(1, status, said)
    assert.truthy(said:find("1 success / 0 failures / 1 error", 1, true), said)
  end)

  it("looks in the script_path of a configuration", function()
    local files = {
      ["moongate.ini"] = "[global]\nscript_path = mine\n[http web]\n"
        .. "listen = 127.0.0.1:80\n",
      ["mine/a.lua"] = NIGHT, ["mine/a_spec.lua"] = one("test.load('a.lua')"),
    }
    local status, said = run(files, "-c moongate.ini a.lua")
    assert.are.equal(0, status, said)
    files["moongate.ini"] = "[global]\nscrpt_path = mine\n"
    status, said = run(files, "-c moongate.ini a.lua")
    assert.are.equal(1, status, said)
    assert.truthy(said:find("moongate.ini:2: ", 1, true), said)
  end)

  it("loads shipped scripts by their names", function()
    pass(NIGHT, [[
      local servers = test.servers(1, 2, 3)
      for _, name in ipairs { "roundrobin", "static-rr" } do
        local policy = test.load("policy/" .. name .. ".lua")
        local picks = test.picks(policy, servers, 12)
        assert.are.same({ 2, 4, 6 }, test.count(picks, 3))
      end
      local source = test.load("policy/source.lua", { hash = "consistent" })
      local picks = test.picks(source, servers, 5, { client = "10.0.0.1" })
      assert.are.same(test.repeated(picks[1], 5), picks)
      assert.has_error(function()
        test.load("policy/source.lua", { hsh = "x" })
      end)
      local primary = test.load("policy/primary.lua")
      servers[1].usable = false
      assert.are.same({ 1, "wait" }, { primary:pick(test.flow(), servers) })
      local least = test.load("policy/leastconn.lua")
      servers = test.servers { { active = 3 }, { active = 1 }, { active = 2 } }
      assert.are.equal(2, least:pick(test.flow(), servers))
    ]])
  end)

  it("keeps a script in its sandbox, and lets a spec out of it", function()
    pass("return { request = function() return io end }", [[
      assert.is_table(io)
      assert.is_nil(test.load():request(test.request()))
      require("moongate.cycle")
    ]])
  end)

  it("gives a flow its turn once", function()
    pass("return { pick = function(_, servers) return servers:turn() + 1 end }",
      [[
      local script, servers = test.load(), test.servers(1, 1, 1)
      local flow = test.flow()
      assert.are.equal(1, script:pick(flow, servers))
      assert.are.equal(2, script:pick(test.flow(), servers))
      assert.are.equal(1, script:pick(flow, servers))
    ]])
  end)

  it("tells a policy what there is of a flow", function()
    pass([[return { pick = function(flow, servers)
      assert(flow:hash("moon") == require("moongate").hash.murmur("moon"))
      assert(flow:header("x-a") == "1" and flow:cookie("c") == "2")
      assert(flow:arg("d") == nil and flow.user == nil and flow:tried(2))
      assert(flow.client_number == 0x0a000001 and flow.port == 40000)
      return 1
    end }]], [[
      local flow = test.flow {
        client = "10.0.0.1", headers = { ["X-A"] = "1" }, cookies = { c = "2" },
        tried_servers = { [2] = true },
      }
      assert.are.equal(1, test.load():pick(flow, test.servers(1, 1)))
    ]])
  end)

  describe("refuses what the program would:", function()
    it("an unusable server", function()
      fail("return { pick = function() return 1 end }", [[
        test.load():pick(test.flow(), test.servers { { usable = false } })
      ]], "pick: it answered 1, and that server is not usable")
    end)

    it("an index of none", function()
      fail("return { pick = function() return 3 end }",
        "test.load():pick(test.flow(), test.servers(1, 1))",
        "pick: it answered 3, which is not the index of one of the 2 servers")
    end)

    it("a server's field that is none", function()
      fail("return { pick = function(_, s) return s[1].wieght end }",
        "test.load():pick(test.flow(), test.servers(1, 1))",
        "server has no field 'wieght'")
    end)

    it("a flow's field that is none", function()
      fail("return { pick = function(flow) return flow.ip end }",
        "test.load():pick(test.flow(), test.servers(1, 1))",
        "flow has no field 'ip'")
    end)

    it("a decision that is none", function()
      fail("return { request = function() return { status = 99 } end }",
        "test.load():request(test.request())",
        "request: 'status' is not a number from 200 to 599")
    end)

    it("a priority that is none", function()
      fail([[return { request = function()
        return { upstream = "a", priority = 9999 } end }]],
        "test.load():request(test.request())",
        "request: 'priority' is not a whole number from -2047 to 2047")
    end)

    it("a check that is neither", function()
      fail("return { check = function() return 'up' end }",
        "test.load():check(test.checked())", "check: it returned a string")
    end)

    it("what cannot be saved", function()
      fail("return { save = function() return { a = { print } } end }",
        "test.load():save()", "save: saved.a[1] is a function")
    end)

    it("a hook that is not there", function()
      fail(NIGHT, "test.load():request(test.request())",
        "the script has no hook 'request'")
    end)

    it("a request that no hook sees", function()
      fail(NIGHT, "test.request { path = '/../x' }",
        "the program answers this request with 400, and asks no hook")
      fail(NIGHT, "test.request { path = '/.git/config' }",
        "the program answers this request with 404, and asks no hook")
      fail(NIGHT, "test.request { headers = { a = 'b\\r\\n\\r\\n' } }",
        "the program answers this request with 400, and asks no hook")
    end)

    it("a wait where nothing may wait", function()
      local words = "waits, and may be used only in a request, login or "
        .. "check hook"
      local head = "local moongate = require 'moongate'\nlocal first\n"
      fail(head .. "return { pick = function() moongate.sleep(1) end }",
        "test.load():pick(test.flow(), test.servers(1))",
        "x.lua:3: sleep " .. words)
      fail(head .. "return { load = function()\nmoongate.tcp.connect('h', 1)\n"
        .. "end }", "test.load()", "x.lua:4: tcp.connect " .. words)
      fail(head .. "return { response = function(_, req) req:body() end }",
        "test.load():response(test.response(), test.request())",
        "x.lua:3: body " .. words)
      fail(head .. "return { request = function(req)\nfirst = first or req\n"
        .. "first:body()\nend }", "local s = test.load()\n"
        .. "s:request(test.request())\ns:request(test.request())",
        "x.lua:5: body may be read only in a request hook that got this very")
      fail(head .. "return { request = function(req)\n"
        .. "coroutine.wrap(function() moongate.sleep(1) end)()\nend }",
        "test.load():request(test.request())",
        "x.lua:4: sleep waits, and may not be used in a coroutine of")
    end)

    it("a field that requests do not have", function()
      fail(NIGHT, "test.request { url = '/' }",
        "a request cannot have url = /")
    end)

    it("options of a policy that takes none", function()
      fail(NIGHT, "test.load { a = 1 }", "this policy takes no options")
    end)

    it("what a hook raises, with its line", function()
      fail("return {\n request = function() error('oh') end }",
        "test.load():request(test.request())", "x.lua:2: oh")
    end)
  end)

  it("answers http.get and http.post from literal pages", function()
    pass([[
      local moongate = require "moongate"
      local http = moongate.http
      return { request = function(req)
        local answer, why
        if req.method == "POST" then
          answer, why = http.post("http://api.test:80/put?x=1", "text",
            { headers = { ["X-A"] = { 1, 2 } } })
        else
          answer, why = http.get("http://api.test" .. req.uri,
            { max_body = 8 })
        end
        if not answer then
          return moongate.reply(502, nil, why)
        end
        return moongate.reply(answer.status, nil, answer.body
          .. (answer.headers["x-a"] or ""))
      end }]], [[
      local script = test.load()
      local function ask(method, path)
        local answer = script:request(test.request { method = method,
          path = path:match("^[^?]*"), query = path:match("%?(.*)$") })
        return answer.status .. " " .. answer.body
      end
      assert.are.equal("502 connection refused", ask("GET", "/page"))
      test.http("http://API.test/page", { body = "a page", headers = {
        ["X-A"] = { "1", "2" } } })
      assert.are.equal("200 a page1, 2", ask("GET", "/page?any=query"))
      test.http("http://api.test/page?one", { status = 404 })
      assert.are.equal("404 ", ask("GET", "/page?one"))
      test.http("http://api.test/long", { body = "123456789" })
      assert.are.equal("502 too large", ask("GET", "/long"))
      test.http("http://api.test/late", function()
        return nil, "timeout"
      end)
      assert.are.equal("502 timeout", ask("GET", "/late"))
      local seen
      test.http("http://api.test/put", function(request)
        seen = request
        return { status = 201, headers = { ["X-A"] = 7 } }
      end)
      assert.are.equal("201 7", ask("POST", "/put"))
      assert.are.same({ method = "POST", url = "http://api.test/put?x=1",
        path = "/put", body = "text", headers = { ["x-a"] = "1, 2" } }, seen)
      assert.has_error(function() test.http("api.test", {}) end,
        "bad argument #1 to 'http' (a URL that begins with http:// or "
        .. "https:// expected)")
      assert.has_error(function() test.http("http://a/", "x") end,
        "bad argument #2 to 'http' (an answer, or a function expected)")
    ]])
  end)

  it("hands hooks real requests", function()
    pass([[
      local moongate = require "moongate"
      return { request = function(req)
        if req.path == "/old path/" then
          return moongate.redirect("/new/", 301)
        end
        if req:cookie("who") == "me" then
          return { upstream = "canary", server = "one", priority = -5 }
        end
        if req:arg("q") == "a b" then
          return moongate.reply(403, { a = 1 }, "no")
        end
        if req:file_exists() then
          return { priority = 3 }
        end
        req:set_header("X-Host", req.host)
        req:rewrite("/r" .. req.path)
      end }]], [[
      local script = test.load()
      assert.are.same({ status = 301, headers = { Location = "/new/" } },
        script:request(test.request { path = "//old%20path/./" }))
      assert.are.same({ upstream = "canary", server = "one", priority = -5 },
        script:request(test.request { headers = { Cookie = "who=me" } }))
      assert.are.same({ status = 403, headers = { a = 1 }, body = "no" },
        script:request(test.request { method = "POST", query = "q=a+b" }))
      assert.are.same({ priority = 3 }, script:request(test.request {
        path = "/a.txt", files = { ["/a.txt"] = "text" } }))
      local req = test.request { host = "Example.COM:80", client = "::1" }
      assert.is_nil(script:request(req))
      assert.are.equal("/r/", req.path)
      assert.are.equal("example.com", req:header("x-host"))
      assert.are.equal("::1", req.client)
    ]])
  end)

  it("lets accept refuse a client", function()
    pass([[return { accept = function(conn)
      if conn.client == "10.0.0.9" then
        return false, "not you"
      end
      return { upstream = "db" }
    end }]], [[
      local script = test.load()
      assert.are.same({ denied = "not you" },
        script:accept { client = "10.0.0.9" })
      assert.are.same({ upstream = "db" }, script:accept { client = "::1" })
    ]])
  end)

  it("moves the clock only when it is told to", function()
    pass([[
      local moongate = require "moongate"
      local started = moongate.now()
      return { request = function()
        return { priority = moongate.now() - started }
      end, check = function()
        moongate.sleep(5)
        return true
      end }]], [[
      local moongate = require "moongate"
      local script, before = test.load(), moongate.now()
      assert.are.same({ priority = 0 }, script:request(test.request()))
      test.advance(3)
      assert.are.same({ priority = 3 }, script:request(test.request()))
      script:check(test.checked())
      assert.are.equal(before + 8, moongate.now())
      assert.has_error(function() test.advance(-1) end)
    ]])
  end)

  it("has request hooks wait on its clock and for its servers", function()
    pass([[
      local moongate = require "moongate"
      return { request = function(req)
        local began = moongate.now()
        local c, why = moongate.tcp.connect("10.0.0.1", 7, { timeout = 1 })
        if not c then
          return moongate.reply(502, nil, why)
        end
        moongate.sleep(2)
        c:send(req:body() .. "\n")
        return moongate.reply(200, nil, c:receive() .. moongate.now() - began)
      end }]], [[
      local script = test.load()
      assert.are.equal(502, script:request(test.request()).status)
      test.serve("10.0.0.1:7", function(text) return text:upper() end)
      assert.are.equal("HELLO2",
        script:request(test.request { body = "hello" }).body)
    ]])
  end)

  it("gives hooks the bodies of requests", function()
    pass([[return { request = function(req)
      assert(req:body() == req:body())
      local _, why = req:body(4)
      return { status = 200, body = req:header("content-length")
        .. req.method .. tostring(why) }
    end }]], [[
      local script = test.load()
      assert.are.equal("5POSTtoo large",
        script:request(test.request { body = "hello" }).body)
      assert.are.equal("4PUTnil",
        script:request(test.request { body = "four", method = "PUT" }).body)
    ]])
    pass("return { request = function(req) assert(req:body() == '') end }",
      "assert.is_nil(test.load():request(test.request()))")
  end)

  it("calls timers in order, each at its own time", function()
    pass(NIGHT, [[
      local moved, said = 0, {}
      local clock = require("script.offline_clock").new(function(ms)
        moved = moved + ms
      end)
      local function say(what)
        return function()
          said[#said + 1] = what .. moved
          return moved < 6000
        end
      end
      clock.every(2, say("e"))
      clock.after(3, say("a"))
      clock.after(1, function()
        clock.after(2.5, say("b"))
      end)
      clock.advance(1.5)
      assert.are.same({}, said)
      clock.advance(4.5)
      assert.are.same({ "e2000", "a3000", "b3500", "e4000", "e6000" }, said)
      clock.after(101, say("c"))
      clock.advance(100)
      clock.reset()
      clock.advance(100)
      assert.are.equal(5, #said)
      assert.are.equal(206000, moved)
      assert.has_error(function() clock.every(0, say("x")) end)
    ]])
  end)

  it("lets checks talk to literal peers", function()
    local redis = folder.read(ROOT .. "/examples/check/redis.lua")
    local page = folder.read(ROOT .. "/examples/check/page.lua")
    pass(redis, [[
      local redis, page = test.load(), test.load("page.lua")
      local server = test.checked { host = "10.0.0.1", port = 6379 }
      assert.are.same({ false, "Connection refused" },
        { redis:check(server) })
      local answer = "+PONG\r\n"
      test.serve("10.0.0.1:6379", function(text)
        return text == "PING\r\n" and answer or nil
      end)
      assert.is_true((redis:check(server)))
      answer = "-LOADING\r\n"
      assert.are.same({ false, "-LOADING" }, { redis:check(server) })
      answer = nil
      assert.are.same({ false, "timeout" }, { redis:check(server) })
      test.serve("[::1]:80", function(text)
        if text ~= "" then
          return "HTTP/1.0 200 OK\r\n\r\ndatabase: up", "close"
        end
      end)
      assert.is_true((page:check(test.checked { host = "::1" })))
    ]], { ["lua/page.lua"] = page })
  end)

  it("shows what was logged", function()
    pass([[
      local moongate = require "moongate"
      return { request = function()
        moongate.log.warn("a", 1)
        print("b")
      end }]], [[
      test.load():request(test.request())
      local lines = test.logged()
      assert.are.equal(2, #lines)
      assert.truthy(lines[1]:find("^warn: .*a1$"))
      assert.truthy(lines[2]:find("^info: .*b$"))
      assert.are.same({}, test.logged())
    ]])
  end)

  it("gives literal upstreams to scripts that ask for one", function()
    pass([[
      local moongate = require "moongate"
      return { request = function()
        local servers, reason = moongate.upstream("db")
        return moongate.reply(servers and servers[1].up and 200 or 503, nil,
          reason)
      end }]], [[
      local script = test.load()
      assert.are.same({ status = 503, headers = {},
        body = "there is no upstream 'db'" }, script:request(test.request()))
      test.upstream("db", test.servers(1))
      assert.are.equal(200, script:request(test.request()).status)
    ]])
  end)
end)
