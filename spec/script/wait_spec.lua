--- `request` hooks that wait, on the core's loop in this process.
local ffi = require "ffi"
local loop = require "support.loop"
local net = require "support.net"
local peer = require "support.peer"
local program = require "script.program"
local support = require "support.ffi"

ffi.cdef "int lua_gc(struct lua_State *L, int what, int data);"

local GC_COLLECT = 2
local HEAD = "GET /file.txt HTTP/1.1\r\nHost: h\r\n\r\n"
local CONFIG = [[
[http web]
listen = 127.0.0.1:8080
root = ${dir}/www
server_timeout = %s
script = a.lua
]]

local p


local function start(text, server_timeout)
  p = assert(program.start {
    config = CONFIG:format(server_timeout or "10s"),
    lua = { ["a.lua"] = 'local moongate = require "moongate"\n' .. text },
    files = { ["www/file.txt"] = "the file", ["www/other.txt"] = "other" },
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


local function in_hook(body)
  return "return { request = function(req)\n" .. body .. "\nend }"
end


-- What the exchange points to is kept with it.
local function begin()
  local site = p.site
  local one = { exchange = site:begin(HEAD) }
  one.kept = { site.request, site.client, site.listener }
  while site.core.http_dispatch(one.exchange) do
  end
  return one
end


local function waits(one)
  return one.exchange.state == p.site.core.EXCHANGE_HOOK
end


-- As a connection does whose client has left.
local function abort(one)
  local exchange = one.exchange
  exchange.handler.abort(exchange, "the spec has left")
  p.site:finish(exchange)
end
jit.off(abort)


describe("a request hook", function()
  after_each(function()
    p:stop()
    net.close_all()
    loop.clear()
  end)

  it("that does not wait has decided at once", function()
    start(in_hook("req:rewrite('/other.txt')"))
    local one = begin()
    assert.is_false(waits(one))
    assert.are.equal("other", p.site:answer(one.exchange):match("%a+$"))
    p.site:finish(one.exchange)
  end)

  it("that waits is there again, with its request", function()
    start(in_hook [[
      req.ctx.path = req.path
      moongate.sleep(0.01)
      assert(req.ctx.path == req.path and req:header("host") == "h")
      req:rewrite("/other.txt")
    ]])
    local one = begin()
    assert.is_true(waits(one))
    assert.are.equal("other", p.site:answer(one.exchange):match("%a+$"))
    p.site:finish(one.exchange)
    assert.are.same({}, p.log)
    assert.are.same({ calls = 1, errors = 0, fallbacks = 0 },
      p:counts("a.lua"))
  end)

  it("asks a server", function()
    local server = peer.serve(function(connection)
      local line = connection:receive_until("\n")
      connection:send(line == "/file.txt\n" and "/other.txt\n" or "\n")
    end)
    start(in_hook(([[
      local c = moongate.tcp.connect("127.0.0.1", %d)
      c:send(req.path .. "\n")
      req:rewrite(c:receive())
    ]]):format(server.port)))
    local _, _, body = p:get("/file.txt")
    assert.are.equal("other", body)
    server:wait_open(0)
  end)

  it("that raises after a wait passes, and the log says where", function()
    start(in_hook "moongate.sleep(0)\nlocal x = nil + 1")
    local status = p:get("/file.txt")
    assert.are.equal(200, status)
    assert.is_true(log_has("request of http web failed: "))
    assert.is_true(log_has("a.lua:4: attempt to perform arithmetic"))
    assert.is_true(log_has("stack traceback"))
    assert.are.same({ calls = 1, errors = 1, fallbacks = 1 },
      p:counts("a.lua"))
  end)

  it("that waits leaves the priority that was said before it", function()
    for text, wanted in pairs {
      ["moongate.sleep(0)"] = 7,
      ["moongate.sleep(0) error('oh')"] = 7,
      ["moongate.sleep(0) return { priority = -3 }"] = -3,
    } do
      p = assert(program.start {
        config = CONFIG:format("10s") .. "script = b.lua\n",
        lua = {
          ["a.lua"] = "return { request = function()\n"
            .. "return { priority = 7 } end }",
          ["b.lua"] = "local moongate = require 'moongate'\n" .. in_hook(text),
        },
        files = { ["www/file.txt"] = "the file" },
      })
      local one = begin()
      p.site:answer(one.exchange)
      assert.are.equal(wanted, one.exchange.flow.priority)
      p.site:finish(one.exchange)
      if next(p.log) then
        assert.is_truthy(p.log[1]:find("b.lua:3: oh", 1, true))
      end
      p:stop()
    end
    start("return {}")
  end)

  it("that yields by itself fails", function()
    start(in_hook "coroutine.yield()")
    assert.are.equal(200, (p:get("/file.txt")))
    assert.is_true(log_has("it yielded outside of a coroutine of its own"))
  end)

  it("that waits for too long is 504, by a limit for all of its waits",
    function()
      start(in_hook "for _ = 1, 1000 do moongate.sleep(0.02) end", "100ms")
      local before = loop.now()
      assert.are.equal(504, (p:get("/file.txt")))
      assert.is_true(loop.now() - before < 2)
      assert.is_true(log_has("it waited for longer than server_timeout, 100ms"))
    end)

  local MISUSE = {
    { "coroutine.wrap(function() moongate.sleep(0) end)()",
      "sleep waits, and may not be used in a coroutine of the script's own" },
    { "coroutine.wrap(function() req:body() end)()",
      "body waits, and may not be used in a coroutine of the script's own" },
  }
  for _, case in ipairs(MISUSE) do
    it("is refused " .. case[1], function()
      start(in_hook(case[1]))
      assert.are.equal(200, (p:get("/file.txt")))
      assert.is_true(log_has(case[2]), p.log[1])
    end)
  end

  for _, hook in ipairs { "response = function(res, req)",
                          "log = function(req)" } do
    it("alone may read the body, not " .. hook, function()
      start("return { " .. hook .. "\nreq:body()\nend }")
      p:get("/file.txt")
      assert.is_true(log_has("a.lua:3: body waits, and may be used only in a "
        .. "request, login or check hook and in functions of after() and "
        .. "every()"))
    end)
  end

  it("keeps its body from timers and from other requests", function()
    start [[
      local first
      return { request = function(req)
        if not first then
          first = req
          moongate.after(0, function() first:body() end)
          moongate.sleep(0.1)
        else
          first:body()
        end
      end }
    ]]
    local one = begin()
    local two = begin()
    assert.is_true(waits(one))
    loop.wait_until("both have failed", function()
      p:turn()
      return #p.log == 2
    end)
    for i, place in ipairs { "a.lua:9: ", "a.lua:6: " } do
      assert.is_truthy(p.log[i]:find(place .. "body may be read only in a "
        .. "request hook that got this very request", 1, true), p.log[i])
    end
    for _, each in ipairs { one, two } do
      p.site:answer(each.exchange)
      p.site:finish(each.exchange)
    end
  end)
end)


describe("two thousand waits", function()
  local core

  before_each(function()
    core = support.load("script/guard.h", "script/vm.h")
    start(in_hook "local t = {}\nmoongate.sleep(0)\nreq.ctx.t = t")
  end)

  after_each(function()
    p:stop()
  end)

  -- ROUNDS times 50 exchanges that wait at once, which END ends.
  local function used_after(rounds, finish)
    for _ = 1, rounds do
      local all = {}
      for i = 1, 50 do
        all[i] = begin()
        assert.is_true(waits(all[i]))
      end
      for _, one in ipairs(all) do
        finish(one)
      end
    end
    ffi.C.lua_gc(p.scripts.vm.L, GC_COLLECT, 0)
    return tonumber(core.guard_used())
  end

  it("that end take no memory", function()
    local function finish(one)
      p.site:answer(one.exchange)
      p.site:finish(one.exchange)
    end
    local before = used_after(4, finish)
    assert.is_true(used_after(40, finish) - before < 65536)
  end)

  it("that are left take no memory", function()
    local before = used_after(4, abort)
    assert.is_true(used_after(40, abort) - before < 65536)
  end)
end)
