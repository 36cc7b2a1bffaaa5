--- Versions of scripts that are exchanged while work is under way: what begins
-- with the old one ends on it, and nothing is left of it afterwards.
local checks = require "script.checks"
local loop = require "support.loop"
local program = require "script.program"
local swaps = require "script.swaps"

local M = "local moongate = require 'moongate'\n"

local POLICY = "[upstream db]\nprotocol = tcp\npolicy = ${dir}/lua/p.lua\n"
  .. "server one = 127.0.0.1:1\nserver two = 127.0.0.1:2\n"
local QUICK = "script_load_budget = 100ms\n"
local WEB = "[http web]\nlisten = 127.0.0.1:8080\nscript = a.lua\n"
local CHAIN = WEB .. "script = b.lua\n"

local p


local function start(config, lua)
  p = assert(program.start { config = config, lua = lua })
end


local function has(text, wanted)
  assert.is_true(text ~= nil and text:find(wanted, 1, true) ~= nil, text)
end


local function count(wanted)
  local n = 0
  for _, line in ipairs(p.log) do
    if line:find(wanted, 1, true) then
      n = n + 1
    end
  end
  return n
end


-- A policy that picks one server and says what it is called for.
local function policy(index)
  return ("return { pick = function() return %d end,\n"
    .. "done = function(flow, server) print('done %d', server.name) end }")
    :format(index, index)
end


local function answer(text, more)
  return M .. ("return { request = function(req)\n"
    .. "return moongate.reply(200, nil, %q) end%s }"):format(text, more or "")
end


local function body()
  local _, _, text = p:get("/")
  return text
end


describe("a policy that is exchanged", function()
  local path

  before_each(function()
    start(POLICY, { ["p.lua"] = policy(1) })
    path = p.site.dir .. "/lua/p.lua"
  end)

  after_each(function()
    p:stop()
  end)

  it("serves new flows, and the old one those that began with it", function()
    local old = p:flow("db")
    assert.are.equal("one", p:take(old))
    assert.are.same({}, swaps.swap(p, { [path] = policy(2) }))
    assert.are.equal("two", p:pick("db"))
    has(p.log[1], "done 2 two")
    p:give(old)
    has(p.log[2], "done 1 one")
    assert.are.equal("one", p:take(old))
    p:give(old)
    swaps.leave(p, old)
  end)

  it("is freed when the last flow lets go of it", function()
    local old = p:flow("db")
    assert.are.equal("one", p:take(old))
    assert.are.same({}, swaps.swap(p, { [path] = policy(2) }))
    assert.are.equal(2, swaps.living(p))
    p:give(old)
    swaps.leave(p, old)
    assert.are.equal(1, swaps.living(p))
  end)

  it("leaves nothing to be swept where nobody uses it", function()
    assert.are.same({}, swaps.swap(p, { ["other.lua"] = policy(2) }))
    assert.are.equal(0, p.scripts.sweeps)
    assert.are.same({}, swaps.swap(p, { [path] = policy(2) }))
    assert.is_true(p.scripts.sweeps > 0)
  end)

  it("does nothing before it is committed, and nothing when dropped", function()
    assert.are.same({}, swaps.stage(p, { [path] = policy(2) }))
    assert.are.equal("one", p:pick("db"))
    swaps.drop(p)
    assert.are.equal("one", p:pick("db"))
    assert.are.equal(1, swaps.living(p))
  end)

  it("gets its options anew", function()
    p:stop()
    start(POLICY:gsub("p.lua", "p.lua to=2"), { ["p.lua"] = policy(1)
      :gsub("return {", "return { new = function(o) return o end, ") })
    assert.are.same({}, swaps.swap(p, {
      [p.site.dir .. "/lua/p.lua"] =
        "return { new = function(o) return { to = tonumber(o.to) } end,\n"
        .. "pick = function(self) return self.to end }",
    }))
    assert.are.equal("two", p:pick("db"))
  end)
end)


describe("a chain of scripts", function()
  after_each(function()
    p:stop()
  end)

  it("shares those that stay, with their state", function()
    start(CHAIN, {
      ["a.lua"] = "local n = 0\nreturn { request = function(req)\n"
        .. "n = n + 1 req:set_header('X-N', tostring(n)) end }",
      ["b.lua"] = M .. "return { request = function(req) return "
        .. "moongate.reply(200, nil, 'old ' .. req:header('X-N')) end }",
    })
    assert.are.equal("old 1", body())
    assert.are.same({}, swaps.swap(p, {
      ["b.lua"] = M .. "return { request = function(req) return "
        .. "moongate.reply(200, nil, 'new ' .. req:header('X-N')) end }",
    }))
    assert.are.equal("new 2", body())
    assert.are.equal(2, swaps.living(p))
  end)

  it("ends an exchange as it began, with what its hooks have kept", function()
    local script = M .. "return { request = function(req)\n"
      .. "req.ctx.by = '%s' end,\nresponse = function(res, req)\n"
      .. "res:set_header('X-By', '%s ' .. req.ctx.by) end,\n"
      .. "log = function(req, res) print('log %s', req.ctx.by) end }"
    start(WEB, { ["a.lua"] = script:gsub("%%s", "old") })
    local exchange = p.site:begin("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    assert.are.same({}, swaps.swap(p, {
      ["a.lua"] = script:gsub("%%s", "new"),
    }))
    local _, headers = p:get("/")
    assert.are.equal("new new", headers["x-by"])
    has(p.log[1], "log new new")
    has(p.site:answer(exchange):lower(), "x-by: old old")
    p.site:finish(exchange)
    has(p.log[2], "log old old")
    assert.are.equal(1, swaps.living(p))
  end)

  it("may have other hooks than before", function()
    start(WEB, { ["a.lua"] = answer("old") })
    assert.are.same({}, swaps.swap(p, {
      ["a.lua"] = "return { accept = function() return false, 'no' end }",
    }))
    assert.are.equal("deny", (p:accept()))
    assert.are.equal(404, (p:get("/")))
    assert.are.same({}, swaps.swap(p, { ["a.lua"] = answer("third") }))
    assert.are.equal("third", body())
  end)
end)


describe("a version that is refused", function()
  local CASES = {
    { "does not compile", "return {", "unexpected symbol near '<eof>'" },
    { "raises", "error('oh')", "a.lua:1: oh" },
    { "raises in load", "return { load = function() error('no map') end }",
      "load failed: a.lua:1: no map" },
    { "has an unknown hook", "return { reqest = print }",
      "unknown hook 'reqest'; did you mean 'request'?" },
    { "loops", "while true do end", "used more than its 100ms of CPU time" },
    { "loops in load", "return { load = function() while true do end end }",
      "used more than its 100ms of CPU time" },
    { "wants too much memory", "local t = {}\nfor i = 1, 1e9 do "
        .. "t[i] = { i } end", "scripts have used their 16m",
      "script_load_budget = 60s\nscript_memory = 16m\n" },
    { "requires what is not there", "require 'nothing'",
      "cannot require 'nothing'" },
  }

  local function start_with(limits)
    start(limits .. CHAIN, { ["a.lua"] = answer("old"),
                             ["b.lua"] = "return {}" })
  end

  after_each(function()
    p:stop()
  end)

  for _, case in ipairs(CASES) do
    it("since it " .. case[1] .. " leaves nothing", function()
      start_with(case[4] or QUICK)
      local faults = swaps.stage(p, { ["b.lua"] = "return {}",
                                      ["a.lua"] = case[2] })
      assert.are.equal(1, #faults)
      has(faults[1], case[3])
      has(faults[1], "script 'a.lua'")
      swaps.commit(p)
      assert.are.equal("old", body())
      assert.are.equal(2, swaps.living(p))
    end)
  end

  it("is no strike against the one that serves", function()
    start_with(QUICK)
    for _ = 1, 4 do
      assert.are.equal(1, #swaps.stage(p, { ["a.lua"] = "while true do end" }))
    end
    assert.are.equal("old", body())
    assert.are.same({}, p.log)
  end)
end)


describe("save and load", function()
  after_each(function()
    p:stop()
  end)

  local function saving(what)
    return "return { save = function() return " .. what .. " end }"
  end

  -- A script whose load raises unless what it got is as expected.
  local function loading(condition)
    return "return { load = function(saved) assert(" .. condition .. ") end }"
  end

  local VALUES = {
    { "nothing", "nil", "saved == nil" },
    { "false", "false", "saved == false" },
    { "a number", "0.5", "saved == 0.5" },
    { "a string with a NUL", "'a\\0b'", "saved == 'a\\0b'" },
    { "nested tables", "{ a = { b = { 1, 2, [true] = 'x' } } }",
      "saved.a.b[2] == 2 and saved.a.b[true] == 'x'" },
    { "false in a table", "{ a = false }", "saved.a == false" },
    { "one table in two places",
      "(function() local t = {} return { a = t, b = t } end)()",
      "saved.a == saved.b and next(saved.a) == nil" },
  }

  for _, case in ipairs(VALUES) do
    it("hand on " .. case[1], function()
      start(WEB, { ["a.lua"] = saving(case[2]) })
      assert.are.same({}, swaps.swap(p, { ["a.lua"] = loading(case[3]) }))
    end)
  end

  local REFUSED = {
    { "a function", "{ users = { x = print } }",
      "save: saved.users.x is a function" },
    { "a function alone", "print", "save: saved is a function" },
    { "a coroutine", "{ coroutine.create(print) }",
      "save: saved[1] is a thread" },
    { "a metatable", "{ ['a b'] = setmetatable({}, {}) }",
      'save: saved["a b"] has a metatable' },
    { "a key that is a table", "{ a = { [{}] = 1 } }",
      "save: saved.a has a key that is a table" },
    { "a cycle",
      "(function() local t = {} t.me = { t } return t end)()",
      "save: saved.me[1] is a table that it is within" },
    { "too many values",
      "(function() local t = {} for i = 1, 1e5 do t[i] = i end "
        .. "return t end)()",
      "save: saved is more than 100000 values or 8 MiB of strings" },
    { "too long texts",
      "{ ('x'):rep(2^22), ('y'):rep(2^22), 'z' }",
      "save: saved is more than 100000 values or 8 MiB of strings" },
    { "too deep tables",
      "(function() local t = {} for _ = 1, 33 do t = { t } end "
        .. "return t end)()",
      "is nested more than 32 deep" },
    { "an error", "(function() error('no') end)()",
      "save of the version before failed: a.lua:1: no" },
    { "a loop", "(function() while true do end end)()",
      "used more than its 100ms of CPU time" },
  }

  for _, case in ipairs(REFUSED) do
    it("refuse " .. case[1], function()
      start(QUICK .. WEB, { ["a.lua"] = saving(case[2]) })
      local faults = swaps.stage(p, { ["a.lua"] = loading("true") })
      assert.are.equal(1, #faults)
      has(faults[1], case[3])
      has(faults[1], "script 'a.lua': ")
    end)
  end

  it("share no table, so that the old one goes on with its own", function()
    start(WEB, { ["a.lua"] = M .. "local t = { n = 1 }\n"
      .. "return { save = function() return t end,\n"
      .. "log = function() print('old', t.n) end }" })
    local exchange = p.site:begin("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    assert.are.same({}, swaps.swap(p, { ["a.lua"] =
      "return { load = function(saved) saved.n = 7 end }" }))
    p.site:answer(exchange)
    p.site:finish(exchange)
    has(p.log[1], "old 1")
  end)

  it("are for the same use each", function()
    start("[http one]\nlisten = 127.0.0.1:8080\nserver_name = one\n"
      .. "script = a.lua\n[http two]\nlisten = 127.0.0.1:8080\n"
      .. "server_name = two\nscript = a.lua\n", {
      ["a.lua"] = M .. "local n = 0\nreturn {\n"
        .. "accept = function() n = n + 1 end,\n"
        .. "save = function() return n end }",
    })
    p:accept()
    p:accept()
    assert.are.same({}, swaps.swap(p, { ["a.lua"] =
      "return { load = function(saved) print('got', saved) end }" }))
    has(p.log[1], "got 2")
    has(p.log[2], "got 0")
  end)

  it("are counted where save is called", function()
    start(WEB, { ["a.lua"] = saving("1") })
    assert.are.same({}, swaps.swap(p, { ["a.lua"] = loading("true") }))
    assert.are.equal(1, p:counts("a.lua").calls)
  end)

  it("are not asked of a version for one that does not care", function()
    start(WEB, { ["a.lua"] = saving("print") })
    assert.are.same({}, swaps.swap(p, { ["a.lua"] = "return {}" }))
  end)
end)


describe("timers", function()
  after_each(function()
    p:stop()
  end)

  local function every(word)
    return M .. ("moongate.every(0.01, function() print(%q) end)\n"
      .. "return {}"):format(word)
  end

  local function wait_count(wanted, n)
    loop.wait_until(wanted .. " is logged", function()
      p:turn()
      return count(wanted) >= n
    end)
  end

  it("of the new version begin with it, and the old one's end", function()
    start(WEB, { ["a.lua"] = every("first") })
    wait_count("first", 2)
    assert.are.same({}, swaps.stage(p, { ["a.lua"] = every("second") }))
    wait_count("first", 5)
    assert.are.equal(0, count("second"))
    swaps.commit(p)
    local firsts = count("first")
    wait_count("second", 3)
    assert.are.equal(firsts, count("first"))
  end)

  it("that wait end with their version", function()
    start(WEB, { ["a.lua"] = M .. "moongate.after(0, function()\n"
      .. "print('waits') moongate.sleep(0.05) print('woke') end)\n"
      .. "return {}" })
    wait_count("waits", 1)
    assert.are.same({}, swaps.swap(p, { ["a.lua"] = M
      .. "moongate.after(0.2, function() print('end') end)\nreturn {}" }))
    wait_count("end", 1)
    assert.are.equal(0, count("woke"))
    assert.are.same({}, { select(3, unpack(p.log)) })
  end)

  it("of a version that is dropped never run", function()
    start(WEB, { ["a.lua"] = every("first") })
    assert.are.same({}, swaps.stage(p, { ["a.lua"] = every("second") }))
    swaps.drop(p)
    wait_count("first", 5)
    assert.are.equal(0, count("second"))
  end)
end)


describe("a function that was given to another script", function()
  after_each(function()
    p:stop()
  end)

  it("works, and starts nothing, when its own is gone", function()
    start(CHAIN, {
      ["a.lua"] = M .. "return { request = function(req)\n"
        .. "req.ctx.log, req.ctx.after = print, moongate.after end }",
      ["b.lua"] = "local log, after\nreturn { request = function(req)\n"
        .. "log, after = log or req.ctx.log, after or req.ctx.after\n"
        .. "log(after(0, function() log('late') end)) end }",
    })
    p:get("/")
    has(p.log[1], "a.lua: true")
    for _ = 1, 3 do
      assert.are.same({}, swaps.swap(p, { ["a.lua"] = "return {}" }))
      swaps.settle(p)
    end
    assert.are.equal(2, swaps.living(p))
    local lines = #p.log
    p:get("/")
    has(p.log[lines + 1], "a.lua: nil another version of the script serves")
    swaps.settle(p)
    assert.are.equal(lines + 1, #p.log)
  end)
end)


describe("a quarantine", function()
  after_each(function()
    p:stop()
  end)

  local LOOP = "return { request = function() while true do end end,\n"
    .. "log = function() print('logged') end,\n"
    .. "save = function() print('asked') end }"

  it("is lifted by a swap, and the old version's hooks stay out", function()
    start(WEB, { ["a.lua"] = LOOP })
    for _ = 1, 3 do
      p:get("/")
    end
    assert.are.equal(1, count("quarantined"))
    local logged = count("logged")
    local exchange = p.site:begin("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    assert.are.same({}, swaps.swap(p, { ["a.lua"] = answer("good",
      ", load = function(saved) assert(saved == nil) end") }))
    assert.are.equal("good", body())
    assert.are.equal(1, count("no longer quarantined"))
    assert.are.equal(0, count("asked"))
    p.site:answer(exchange)
    p.site:finish(exchange)
    assert.are.equal(logged, count("logged"))
  end)
end)


describe("a check that is exchanged", function()
  local c

  after_each(function()
    c:stop()
    loop.clear()
  end)

  local function check(text)
    return M .. "return { check = function(server)\n" .. text .. "\nend }"
  end

  it("is the next one's, and one under way ends on the old", function()
    c = checks.start { script = check("moongate.sleep(0.05)\n"
        .. "return false, 'old'"), servers = { "127.0.0.1:1" } }
    c:begin()
    assert.is_true(c:is_running())
    assert.are.same({}, swaps.swap(c, {
      ["c.lua"] = check("return false, 'new ' .. server.name"),
    }))
    assert.are.equal(2, swaps.living(c))
    assert.are.same({ "L7STS", "Layer7 wrong status: old" }, { c:wait() })
    assert.are.same({ "L7STS", "Layer7 wrong status: new s1" }, { c:run() })
    assert.are.equal(1, swaps.living(c))
    assert.are.same({ "L7STS", "Layer7 wrong status: new s1" }, { c:run() })
  end)

  it("hands on what it has saved", function()
    c = checks.start { servers = { "127.0.0.1:1" }, script = M
      .. "local n = 0\nreturn { check = function() n = n + 1 return true end,"
      .. "\nsave = function() return n end }" }
    c:run()
    c:run()
    assert.are.same({}, swaps.swap(c, { ["c.lua"] = "local n\n"
      .. "return { load = function(saved) n = saved end,\n"
      .. "check = function() return false, tostring(n) end }" }))
    assert.are.same({ "L7STS", "Layer7 wrong status: 2" }, { c:run() })
  end)
end)


describe("thousands of swaps", function()
  after_each(function()
    p:stop()
  end)

  local function version(n)
    return M .. "local lib = require 'lib'\nlocal data = {}\n"
      .. "for i = 1, 500 do data[i] = lib(i) .. '" .. n .. "' end\n"
      .. "moongate.every(60, function() end)\n"
      .. "local requests = moongate.metric.counter('hits', 'Hits.')\n"
      .. "local dict = moongate.shared('d')\n"
      .. "return { request = function(req)\n"
      .. "local sum = 0 for i = 1, 200 do sum = sum + #data[i] end\n"
      .. "requests:inc() dict:incr('n', 1, 0)\n"
      .. "return moongate.reply(200, nil, '" .. n .. "') end,\n"
      .. "save = function() return { n = " .. n .. ", data = data } end,\n"
      .. "load = function(saved) assert(saved == nil or saved.n < " .. n
      .. ") end }"
  end

  it("leave the memory as it was", function()
    local LIB = "return function(i) return tostring(i) end"
    start(WEB, { ["a.lua"] = version(0), ["lib.lua"] = LIB })
    local used, rss = {}, {}
    for n = 1, 2000 do
      local faults = swaps.stage(p, { ["a.lua"] = version(n) },
        { ["lib.lua"] = LIB })
      assert.are.equal(nil, faults[1])
      if n % 5 == 0 then
        swaps.drop(p)
      else
        swaps.commit(p)
        assert.are.equal(tostring(n), body())
      end
      if n % 10 == 0 then
        swaps.settle(p)
      end
      if n % 500 == 0 then
        used[#used + 1] = swaps.used(p)
        rss[#rss + 1] = swaps.rss()
      end
    end
    assert.are.equal(1, swaps.living(p))
    assert.are.same({}, p.log)
    assert.is_true(used[4] < used[1] + 512 * 1024,
      table.concat(used, " "))
    assert.is_true(rss[4] < rss[1] + 8 * 1024, table.concat(rss, " "))
  end)
end)
