--- `login` hooks, and what is kept over accept, login and close.
local ffi = require "ffi"
local loop = require "support.loop"
local net = require "support.net"
local peer = require "support.peer"
local program = require "script.program"

ffi.cdef "int lua_gc(struct lua_State *L, int what, int data);"

local GC_COLLECT = 2
local CONFIG = [[
[mysql db]
listen = 127.0.0.1:8080
upstream = one
%s
[upstream one]
protocol = mysql
policy = ${dir}/lua/p.lua
server s = 127.0.0.1:1
[upstream two]
protocol = mysql
server a = 127.0.0.1:2
server b = 127.0.0.1:3
[upstream php]
server s = 127.0.0.1:4
]]
local POLICY = [[
local moongate = require "moongate"
return { pick = function(flow, servers)
  moongate.log.info(tostring(flow.user), " ", tostring(flow.schema), " ",
    tostring(flow.user
      and flow:hash(flow.user) == moongate.hash.murmur("app")))
  return 1
end }
]]

local p


-- Starts the section with scripts of these texts.
local function start(...)
  local lua, lines = { ["p.lua"] = POLICY }, {}
  for i = 1, select("#", ...) do
    local name = ("s%d.lua"):format(i)
    lua[name] = "local moongate = require 'moongate'\n" .. select(i, ...)
    lines[#lines + 1] = "script = " .. name
  end
  p = assert(program.start {
    config = CONFIG:format(table.concat(lines, "\n")), lua = lua,
  })
end


local function start_login(...)
  local scripts = { ... }
  for i, body in ipairs(scripts) do
    scripts[i] = "return { login = function(login, conn)\n" .. body .. "\nend }"
  end
  start(unpack(scripts))
end


local function log_has(wanted)
  return table.concat(p.log, "\n"):find(wanted, 1, true) ~= nil
end


-- Asks for the first time what has to wait.
local function begin(given)
  local login = p:new_login(given or {})
  assert.is_false(login:ask())
  return login
end


-- The bytes that scripts hold, once the collector has been through.
local function scripts_bytes()
  ffi.C.lua_gc(p.scripts.vm.L, GC_COLLECT, 0)
  return tonumber(p.core.guard_used())
end
jit.off(scripts_bytes)


after_each(function()
  p:stop()
  net.close_all()
  loop.clear()
end)


describe("login", function()
  it("may let pass", function()
    start_login("")
    assert.are.equal("pass", (p:login { user = "app" }))
    assert.are.same({ calls = 1, errors = 0, fallbacks = 0 },
      p:counts("s1.lua"))
  end)

  it("sees who logs in, and from where", function()
    start_login([[
      assert(login.user == "app" and login.schema == "shop")
      assert(login.plugin == "mysql_native_password" and login.charset == 224)
      assert(login.tls == true and tostring(login):find("^login %d+$"))
      assert(conn.client == "192.0.2.7" and conn.port == 4711)
      assert(conn.listener == "127.0.0.1:8080" and tostring(conn) == "conn")
    ]])
    assert.are.equal("pass", (p:login {
      user = "app", schema = "shop", plugin = "mysql_native_password",
      charset = 224, tls = true,
    }))
    assert.are.same({}, p.log)
  end)

  it("sees what was not said as nil, and an empty user as one", function()
    start_login("assert(login.user == '' and login.schema == nil)\n"
      .. "assert(login.plugin == nil and login.tls == false)\n"
      .. "assert(login.charset == 45 and next(login.attributes) == nil)")
    assert.are.equal("pass", (p:login {}))
    assert.are.same({}, p.log)
  end)

  it("sees attributes, the first of each name, in all scripts", function()
    local body = [[
      local seen = {}
      for name, value in pairs(login.attributes) do
        seen[#seen + 1] = name .. "=" .. value
      end
      table.sort(seen)
      assert(table.concat(seen, " ") == "=empty _pid=7 a=1 nothing=")
      assert(login.attributes == login.attributes)
    ]]
    start_login(body, body)
    assert.are.equal("pass", (p:login { attributes = {
      { "a", "1" }, { "_pid", "7" }, { "nothing", "" }, { "", "empty" },
      { "a", "2" },
    } }))
    assert.are.same({}, p.log)
  end)

  it("sees the attributes before one that is cut short", function()
    start_login("assert(login.attributes.a == '1')\n"
      .. "assert(login.attributes.b == nil)")
    local login = p:new_login { attributes = { { "a", "1" }, { "b", "22" } } }
    login.c.attributes.len = login.c.attributes.len - 1
    assert.are.equal("pass", (login:ask()))
    assert.are.same({}, p.log)
  end)

  it("may choose an upstream, a server and a priority", function()
    start_login("return { upstream = 'two', server = 'b', priority = 7 }")
    local login = p:new_login { user = "app" }
    assert.are.same({ "route", "two", 7 }, { login:ask() })
    assert.are.equal("b", login.server)
    assert.are.same({}, p.log)
  end)

  it("may say a priority alone, which the next script may change", function()
    start_login("return { priority = 7 }", "return { priority = -2 }", "")
    assert.are.same({ "pass", nil, -2 }, { p:login {} })
  end)

  it("may refuse, with or without a reason", function()
    start_login("if login.user == 'x' then return false end\n"
      .. "return false, 'not\\nnow, ' .. login.user")
    assert.are.same({ "deny", "not | now, y" }, { p:login { user = "y" } })
    assert.are.same({ "deny", "refused by the script" },
      { p:login { user = "x" } })
    assert.are.same({}, p.log)
  end)

  it("is asked of the scripts behind, until one decides", function()
    start_login("login.attributes.seen = 'yes'",
      "if login.attributes.seen then return { upstream = 'two' } end",
      "error('not reached')")
    assert.are.same({ "route", "two" }, { p:login {} })
    assert.are.same({}, p.log)
  end)

  it("is over when it is answered, and its conn with it", function()
    start_login([[
      local last = rawget(_G, "last")
      if last then
        for _, name in ipairs { "user", "schema", "charset", "attributes",
                                "plugin", "tls" } do
          local ok, why = pcall(function() return last.login[name] end)
          assert(not ok and why:find("this login is over", 1, true), name)
        end
        for _, name in ipairs { "client", "port", "listener", "ctx" } do
          local ok, why = pcall(function() return last.conn[name] end)
          assert(not ok and why:find("this conn is over", 1, true), name)
        end
      end
      assert(login.user == "app" and conn.port == 4711)
      assert(login.attributes)
      _G.last = { login = login, conn = conn }
    ]])
    for _ = 1, 3 do
      assert.are.equal("pass", (p:login { user = "app" }))
    end
    assert.are.same({}, p.log)
  end)

  local MISUSE = {
    { "login.user = 'x'", "s1.lua:3: attempt to write to constant location" },
    { "local x = login.password", "s1.lua:3: login has no field 'password'" },
    { "local x = conn.user", "s1.lua:3: conn has no field 'user'" },
    { "local x = login.login[0]", "s1.lua:3: " },
    { "error('oh')", "s1.lua:3: oh | stack traceback: " },
    { "return 7", "it returned a number, which is no decision" },
    { "return true", "it returned a boolean, which is no decision" },
    { "return {}", "names neither an upstream nor a status nor a priority" },
    { "return moongate.reply(200)",
      "an answer can be given to a request only" },
    { "return { upstream = 'none' }", "there is no upstream 'none'" },
    { "return { upstream = 'two', server = 'x' }",
      "upstream 'two' has no server 'x'" },
    { "return { upstream = 'php' }",
      "upstream 'php' has another protocol than mysql db" },
    { "return { priority = 2048 }", "'priority' is not a whole number" },
    { "moongate.sleep(0)\nerror('oh')", "s1.lua:4: oh | stack traceback: " },
    { "coroutine.yield()", "it yielded outside of a coroutine of its own" },
    { "while true do end", "used more than its 50ms of CPU" },
  }
  for _, case in ipairs(MISUSE) do
    it("that fails refuses: " .. case[1], function()
      start_login(case[1], "return { upstream = 'two' }")
      assert.are.equal("failed", (p:login { user = "app" }))
      assert.is_true(log_has("script s1.lua: login of mysql db failed: "))
      assert.is_true(log_has(case[2]), p.log[1])
      assert.are.same({ calls = 1, errors = 1, fallbacks = 0 },
        p:counts("s1.lua"))
      assert.are.same({ calls = 0, errors = 0, fallbacks = 0 },
        p:counts("s2.lua"))
    end)
  end

  it("of a quarantined script refuses, until that is lifted", function()
    start("local moongate = require 'moongate'\n"
      .. "return { login = function(login)\n"
      .. "while login.user == 'bad' do end\nend }")
    for _ = 1, 3 do
      assert.are.equal("failed", (p:login { user = "bad" }))
      p:turn()
    end
    local before = #p.log
    assert.are.equal("failed", (p:login { user = "good" }))
    assert.are.equal(before, #p.log)
    assert.are.same({ calls = 3, errors = 3, fallbacks = 1 },
      p:counts("s1.lua"))
    p:lift("s1.lua")
    assert.are.equal("pass", (p:login { user = "good" }))
  end)
end)


describe("a login hook that waits", function()
  it("goes on, with its login, and then decides", function()
    start_login([[
      local attributes = login.attributes
      moongate.sleep(0.01)
      assert(login.user == "app" and login.attributes == attributes)
      assert(conn.client == "192.0.2.7")
      return { upstream = "two" }
    ]])
    local login = begin { user = "app" }
    assert.is_false(login:ask())
    assert.are.equal(0, login.wakes)
    assert.are.same({ "route", "two" }, { login:wait() })
    assert.are.equal(1, login.wakes)
    assert.is_true(login.c.asked == nil)
    assert.are.same({ calls = 1, errors = 0, fallbacks = 0 },
      p:counts("s1.lua"))
    assert.are.same({}, p.log)
  end)

  it("asks a server", function()
    local server = peer.serve(function(connection)
      local line = connection:receive_until("\n")
      connection:send(line == "app\n" and "two\n" or "\n")
    end)
    start_login(([[
      local c = moongate.tcp.connect("127.0.0.1", %d)
      c:send(login.user .. "\n")
      return { upstream = c:receive() }
    ]]):format(server.port))
    assert.are.same({ "route", "two" }, { p:login { user = "app" } })
    server:wait_open(0)
  end)

  it("leaves the scripts behind it to be asked", function()
    start_login("moongate.sleep(0)", "",
      "moongate.sleep(0)\nreturn false, login.user")
    assert.are.same({ "deny", "app" }, { p:login { user = "app" } })
  end)

  it("does not mix its login up with others", function()
    start_login([[
      local user, port = login.user, conn.port
      conn.ctx.user = user
      moongate.sleep(user == "u1" and 0.03 or 0)
      assert(login.user == user and conn.port == port)
      assert(conn.ctx.user == user and login.attributes.n == user)
      return false, user
    ]])
    local logins = {}
    for i = 1, 5 do
      local user = "u" .. i
      logins[i] = begin { user = user, client = "192.0.2.7:" .. 4000 + i,
                          attributes = { { "n", user } } }
    end
    -- All are answered before the first one is looked at.
    loop.wait_until("all are woken", function()
      p.core.clock_update()
      p:turn()
      for i = 1, 5 do
        if logins[i].wakes == 0 then
          return false
        end
      end
      return true
    end)
    for i = 5, 1, -1 do
      assert.are.same({ "deny", "u" .. i }, { logins[i]:ask() })
    end
    assert.are.same({}, p.log)
  end)

  it("for too long is late, and the log says so", function()
    start_login("moongate.sleep(60)", "return { upstream = 'two' }")
    local login = begin { wait_ms = 20 }
    assert.are.equal("late", (login:wait()))
    assert.is_true(log_has("script s1.lua: login of mysql db failed: it waited "
      .. "for longer than header_timeout, 20ms"), p.log[1])
    assert.are.same({ calls = 1, errors = 1, fallbacks = 0 },
      p:counts("s1.lua"))
  end)

  it("has decided, even if it is asked after the time", function()
    start_login("moongate.sleep(0)\nreturn { upstream = 'two' }")
    local login = begin { wait_ms = 500 }
    local over = loop.now() + 0.6
    loop.wait_until("the time is over", function()
      p.core.clock_update()
      p:turn()
      return loop.now() > over
    end)
    assert.are.equal(1, login.wakes)
    assert.are.same({ "route", "two" }, { login:ask() })
    assert.are.same({}, p.log)
  end)

  it("shares the time with the scripts of its chain", function()
    start_login("moongate.sleep(0.05)", "moongate.sleep(60)")
    local before = loop.now()
    assert.are.equal("late", (begin { wait_ms = 1000 }:wait()))
    assert.is_true(loop.now() - before < 5)
    assert.is_true(log_has("script s2.lua: "))
  end)

  it("never goes on once its client has left", function()
    start_login("_G.last = login\nmoongate.sleep(0)\nerror('went on')")
    local login = begin { user = "app" }
    login:abort()
    assert.is_true(login.c.asked == nil)
    for _ = 1, 3 do
      p.core.clock_update()
      p:turn()
    end
    assert.are.equal(0, login.wakes)
    assert.are.same({}, p.log)
  end)

  it("is aborted in vain where nobody waits", function()
    start_login("")
    p:new_login({}):abort()
    assert.are.same({}, p.log)
  end)

  it("fails where its script is quarantined meanwhile", function()
    local released = false
    local server = peer.serve(function(connection)
      loop.wait_until("it is released", function() return released end)
      connection:send("\n")
    end)
    start_login(([[
      while login.user == "bad" do end
      assert(moongate.tcp.connect("127.0.0.1", %d)):receive()
    ]]):format(server.port))
    local good = begin { user = "good" }
    for _ = 1, 3 do
      assert.are.equal("failed", (p:login { user = "bad" }))
      p:turn()
    end
    local before = #p.log
    released = true
    assert.are.equal("failed", (good:wait()))
    assert.are.equal(before, #p.log)
  end)

  it("keeps no memory after ten thousand", function()
    start_login("local a = login.attributes\nconn.ctx.a = a\n"
      .. "if a.wait then moongate.sleep(0) end")
    local function login_once(i)
      local conn = p:conn()
      local answer = p:login {
        user = "u" .. i, client = conn,
        attributes = { { "n", ("x"):rep(200) }, i % 100 == 0
          and { "wait", "" } or nil },
      }
      assert(answer == "pass")
      p:close_conn({ ok = true }, conn)
      assert(conn.ref[0] == 0)
    end
    for i = 1, 1000 do
      login_once(i)
    end
    local before = scripts_bytes()
    for i = 1, 10000 do
      login_once(i)
    end
    assert.are.same({}, p.log)
    assert.is_true(scripts_bytes() - before < 100000)
  end)
end)


describe("conn.ctx", function()
  local ALL = [[
    return {
      accept = function(conn) conn.ctx.accepted = conn.port end,
      login = function(login, conn) conn.ctx.user = login.user end,
      close = function(conn, result)
        moongate.log.info(tostring(conn.ctx.accepted), " ",
          tostring(conn.ctx.user))
      end,
    }
  ]]

  it("is one table from accept to close, of each connection", function()
    start(ALL)
    local conns = {}
    for i = 1, 3 do
      conns[i] = p:conn("192.0.2.7:" .. i)
      assert.are.equal("pass", (p:accept(conns[i])))
    end
    for i = 3, 1, -1 do
      p:login { user = "u" .. i, client = conns[i] }
    end
    for i = 1, 3 do
      p:close_conn({ ok = true }, conns[i])
      assert.are.equal(0, conns[i].ref[0])
    end
    assert.are.same({ "moongate: script s1.lua: 1 u1",
      "moongate: script s1.lua: 2 u2", "moongate: script s1.lua: 3 u3" }, p.log)
  end)

  it("is shared by the scripts of a section", function()
    start("return { accept = function(conn) conn.ctx.x = 1 end }",
      "return { close = function(conn) assert(conn.ctx.x == 1) end }")
    local conn = p:conn()
    p:accept(conn)
    p:close_conn({ ok = true }, conn)
    assert.are.same({}, p.log)
  end)

  it("is gone with its connection, and never another's", function()
    start("return { accept = function(conn)\n"
      .. "assert(next(conn.ctx) == nil)\nconn.ctx.x = 1\nend }")
    for _ = 1, 3 do
      local conn = p:conn()
      assert.are.equal("pass", (p:accept(conn)))
      assert.is_true(conn.ref[0] > 0)
      p:close_conn({ ok = true }, conn)
    end
    assert.are.same({}, p.log)
  end)

  it("costs nothing where nobody asks for it", function()
    start("return { close = function(conn) end }")
    local conn = p:conn()
    p:close_conn({ ok = true }, conn)
    assert.are.equal(0, conn.ref[0])
  end)

  it("is refused where nothing is kept", function()
    start("return { accept = function(conn) conn.ctx.x = 1 end }")
    assert.are.equal("failed", (p:accept(p:conn(nil, false))))
    assert.is_true(log_has("s1.lua:2: conn.ctx is kept in tcp and mysql "
      .. "sections only"), p.log[1])
  end)
end)


describe("a policy", function()
  local function pick(user, schema)
    local flow = p:flow("one")
    flow.texts = { user, schema }
    for field, text in pairs { user = user, schema = schema } do
      flow.c[field].p, flow.c[field].len = text, #text
    end
    assert.are.equal("s", p:take(flow))
    p:give(flow)
  end

  it("sees who logs in, and to which schema", function()
    start("return {}")
    pick("app", "shop")
    pick("other", nil)
    pick(nil, nil)
    for i, words in ipairs { "app shop true", "other nil false",
                             "nil nil nil" } do
      assert.are.equal(words, p.log[i]:match("p%.lua: (.*)$"))
    end
  end)
end)
