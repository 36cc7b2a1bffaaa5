--- Scripts that would hurt the process: each ends in time, and the process is
-- as it was.
local loop = require "support.loop"
local program = require "script.program"

local TIME = "used more than its 50ms of CPU time"
local MEMORY = "not enough memory: scripts have used their 64m"

-- What an interrupted call may take, generously: the sanitizers and a busy
-- machine make a tick late.
local SECONDS_MAX = 1.5

local SCRIPTS = {
  -- Loops.
  { "an endless loop", "while true do end", TIME },
  { "a loop that counts", "local i = 0 while true do i = i + 1 end", TIME },
  { "a loop of a for", "for i = 1, math.huge do x = i end", TIME },
  { "a repeat", "repeat local a = 1 until a == 2", TIME },
  { "a goto", "::again:: goto again", TIME },
  { "loops in loops",
    "local n = 0 for i = 1, 1e9 do for k = 1, 1e9 do n = n + i * k end end",
    TIME },
  { "a loop of calls to the core",
    "local m = require('moongate') while true do m.now() end", TIME },
  { "a loop of fields", "local s = 0 while true do s = s + #req.path end",
    TIME },

  -- Errors that are caught.
  { "a loop that catches", "while true do pcall(error) end", TIME },
  { "a loop that catches loops",
    "while true do pcall(function() while true do end end) end", TIME },
  { "nested pcalls",
    "local function f() pcall(f) while true do end end f()", TIME },
  { "xpcall with a handler that loops",
    "while true do xpcall(function() while true do end end, "
      .. "function() while true do end end) end", TIME },
  { "xpcall with a handler that raises",
    "while true do xpcall(error, function() error('x') end) end", TIME },
  { "a raised value that loops in tostring",
    "error(setmetatable({}, { __tostring = function() "
      .. "while true do end end }))", "a table was raised" },

  -- Recursion.
  { "tail recursion", "local function f() return f() end f()", TIME },
  { "deep recursion", "local function f() return 1 + f() end f()", "." },
  { "recursion through a metatable",
    "local t = setmetatable({}, {}) getmetatable(t).__index = "
      .. "function(s, k) return s[k + 1] end local _ = t[1]",
    ".", "the stack may be too full for the traceback, too" },
  { "recursion through gsub",
    "local function f() return (('x'):gsub('x', f)) end f()",
    "stack overflow" },
  { "recursion through tostring",
    "local t t = setmetatable({}, { __tostring = function() "
      .. "return ('%s'):format(t) .. 'x' end }) return tostring(t)", "." },
  { "recursion through sort",
    "local function f() table.sort({ 1, 2, 3 }, f) return false end f()",
    "stack overflow" },
  { "a chain of __index",
    "local t = {} for i = 1, 1e5 do t = setmetatable({}, { __index = t }) end "
      .. "local _ = t.x", "loop in gettable" },

  -- Memory.
  { "a string that doubles", "local s = 'x' while true do s = s .. s end",
    MEMORY },
  { "a string that grows",
    "local s = '' while true do s = s .. ('y'):rep(100000) end", "." },
  { "a table that grows", "local t = {} for i = 1, 1e9 do t[i] = i end", "." },
  { "a table of tables", "local t = {} for i = 1, 1e9 do t[i] = { i } end",
    "." },
  { "a gigabyte that stays",
    "kept = kept or {} for i = 1, 1e3 do "
      .. "kept[#kept + 1] = ('x'):rep(15e6) .. i end", MEMORY },
  { "memory in a loop that catches",
    "while true do pcall(function() local s = 'x' "
      .. "while true do s = s .. s end end) end", "." },
  { "closures", "local f for i = 1, 1e9 do local g = f f = function() "
    .. "return g, i end end", "." },
  { "results of concat",
    "local s = ('x'):rep(1e6) local t = {} for i = 1, 1000 do t[i] = s end "
      .. "local all = table.concat(t)", MEMORY },
  { "a format of wide numbers",
    "local s = ('%99.99f'):rep(1e6) local n = {} for i = 1, 200 do n[i] = i end"
      .. " while true do s = s:format(unpack(n)) end",
    "." },

  -- Functions of C.
  { "rep of a gigabyte", "local s = ('x'):rep(2 ^ 30)",
    "resulting string too large" },
  { "rep of nothing for ever", "while true do local s = (''):rep(2 ^ 30) end",
    TIME },
  { "a pattern with many stars",
    "local s = ('a'):rep(3000) return s:find(('a*'):rep(20) .. 'b')",
    TIME },
  { "a pattern with many fewest",
    "local s = ('a'):rep(5000) return s:match(('.-'):rep(30) .. 'b')",
    TIME },
  { "gsub with a pattern that backtracks",
    "return (('x'):rep(100000):gsub('.-.-.-y', ''))", TIME },
  { "gmatch with a pattern that backtracks",
    "for w in ('x'):rep(100000):gmatch('(.-).-%1.-y') do end", TIME },
  { "balanced brackets of a long text",
    "for i = 1, 1e9 do (('('):rep(100000)):find('%b()') end", TIME },
  { "a plain search in itself",
    "local a, b = ('a'):rep(1e6), ('a'):rep(5e5) .. 'b' "
      .. "for i = 1, 1e9 do a:find(b, 1, true) end", TIME },
  { "sort of many", "local t = {} for i = 1, 3e5 do t[i] = -i end "
    .. "while true do table.sort(t) t[1] = 0 end", TIME },
  { "sort with a bad comparator",
    "local t = {} for i = 1, 1e4 do t[i] = i % 7 end "
      .. "while true do pcall(table.sort, t, function() return true end) end",
    TIME },
  { "insertion into what only seems long",
    "local t = {} for i = 0, 30 do t[2 ^ i] = 1 end "
      .. "while true do table.insert(t, 1, 2) end",
    TIME },
  { "byte of all of a long text", "return ('x'):rep(1e7):byte(1, -1)",
    "string slice too long" },
  { "unpack of a huge range", "return unpack({}, 1, 1e8)",
    "too many results to unpack" },
  { "a chunk of megabytes", "assert(load(('x = 1 '):rep(1e6)))",
    "a chunk has at most" },
  { "a reader that never ends",
    "assert(load(function() return ' ' end))", "." },
  { "chunks for ever",
    "for i = 1, 1e9 do load('return ' .. ('1 + '):rep(1000) .. i)() end",
    TIME },
  { "dates of megabytes", "return os.date(('%c'):rep(1e6))",
    "at most 1000 bytes" },

  { "JSON of tables that only seem empty",
    "local big, all = {}, {} for i = 1, 4e5 do big[i] = i end "
      .. "for i = 1, 4e5 do big[i] = nil end "
      .. "for i = 1, 2e5 do all[i] = big end "
      .. "require('moongate').json.encode(all)", TIME },

  -- Coroutines.
  { "a storm of coroutines",
    "while true do coroutine.wrap(function() end)() end", TIME },
  { "coroutines that stay",
    "local t = {} for i = 1, 1e9 do t[i] = coroutine.create(function() end) "
      .. "coroutine.resume(t[i]) end", "." },
  { "coroutines in coroutines",
    "local function f() return coroutine.wrap(f)() end f()", "C stack" },
  { "a loop in a coroutine",
    "while true do coroutine.resume(coroutine.create(function() "
      .. "while true do end end)) end", TIME },
  { "a coroutine that is resumed for ever",
    "local co = coroutine.wrap(function() while true do coroutine.yield() end "
      .. "end) while true do co() end", TIME },

  -- Ways out.
  { "FFI by require", "require('ffi')", "must be required while" },
  { "FFI by package", "package.loaded.ffi.C.abort()", "'package'" },
  { "FFI by the registry", "debug.getregistry()", "'debug'" },
  { "a field of a view", "local s = require('moongate').upstream('none') "
    .. "s[1][1] = 1", "s" },
  { "the metatable of strings",
    "getmetatable('').__index = function() while true do end end", "index" },
  { "the metatable of a request", "getmetatable(req).__index = nil", "." },
  { "a request as a table", "rawset(req, 'x', 1)", "bad argument" },
  { "writing over a method", "req.header = nil", "." },
  { "the environment", "setfenv(0, {})", "'setfenv'" },
  { "bytecode", "assert(load('\\27LJ\\2'))", "wrong mode" },
  { "a collector of its own",
    "while true do setmetatable({}, { __gc = function() "
      .. "while true do end end }) end", TIME },
}


describe("a hostile script:", function()
  local p

  after_each(function()
    p:stop()
  end)

  local function start(body, global)
    p = assert(program.start {
      config = (global or "")
        .. "\n[http web]\nlisten = 127.0.0.1:8080\nroot = ${dir}/www\n"
        .. "script = a.lua\nscript = b.lua",
      files = { ["www/a.txt"] = "hello" },
      lua = {
        ["a.lua"] = "return { request = function(req)\n" .. body
          .. "\nend }",
        ["b.lua"] = "local moongate = require 'moongate'\n"
          .. "return { request = function(req)\n"
          .. "local n = 0 for i = 1, 1000 do n = n + i end\n"
          .. "return moongate.reply(200, nil, req.path .. n) end }",
      },
    })
  end

  for _, case in ipairs(SCRIPTS) do
    it(case[1], function()
      start(case[2], case[3] == MEMORY and "script_budget = 10s" or nil)
      local before = os.clock()
      local _, _, answer = p:get("/x")
      local took = os.clock() - before
      assert.is_true(answer:find("/x500500", 1, true) ~= nil, answer)
      local line = p.log[1] or ""
      assert.is_true(line:find("request of http web failed", 1, true) ~= nil,
        "nothing was raised: " .. line)
      assert.is_true(case[3] == "." or line:find(case[3], 1, true) ~= nil,
        line)
      assert.is_true(took < SECONDS_MAX, "it took " .. took)
      assert.are.equal(1, p:counts("a.lua").fallbacks)
      assert.are.equal(0, p:counts("b.lua").errors)
    end)
  end


  it("what it keeps is given back when it is quarantined for it", function()
    start("kept = kept or {} while true do "
      .. "kept[#kept + 1] = ('x'):rep(9e6) .. #kept end",
      "script_budget = 10s")
    for _ = 1, 3 do
      p:get("/x")
    end
    local said = table.concat(p.log, "\n")
    assert.is_true(said:find(MEMORY, 1, true) ~= nil, said)
    assert.is_true(said:find("script a.lua: quarantined: 3 times within a "
      .. "minute it had to be interrupted, the last time for its memory", 1,
      true) ~= nil, said)
    local lines = #p.log
    for _ = 1, 5 do
      local _, _, answer = p:get("/x")
      assert.are.equal("/x500500", answer)
    end
    assert.are.equal(lines, #p.log)
    assert.are.same({ calls = 3, errors = 3, fallbacks = 8 },
      p:counts("a.lua"))
    assert.are.equal(0, p:counts("b.lua").errors)
  end)

  -- What each of them keeps, the others' scripts lack.
  local HOARD = "local kept = {}\nlocal function hoard()\n"
    .. "while true do kept[#kept + 1] = ('x'):rep(9e6) .. #kept end\nend\n"
  for name, text in pairs {
    ["hook log"] = HOARD .. "return { log = hoard }",
    ["hook response"] = HOARD .. "return { response = hoard }",
    ["timer"] = HOARD .. "local moongate = require 'moongate'\n"
      .. "moongate.every(0.01, hoard)\n"
      .. "moongate.every(3600, function() return #kept end)\n"
      .. "return { load = function() kept.n = 1 end }",
  } do
    it(("what it keeps in a %s is given back as well"):format(name), function()
      p = assert(program.start {
        config = "script_budget = 10s\n"
          .. "[http web]\nlisten = 127.0.0.1:8080\nroot = ${dir}/www\n"
          .. "script = a.lua\nscript = b.lua",
        files = { ["www/a.txt"] = "hello" },
        lua = {
          ["a.lua"] = text,
          ["b.lua"] = "local moongate = require 'moongate'\n"
            .. "return { request = function(req)\n"
            .. "local s = ('x'):rep(15e6) .. req.path\n"
            .. "return moongate.reply(200, nil, req.path) end }",
        },
      })
      local function is_quarantined()
        p:turn()
        p:get("/a")
        return table.concat(p.log, "\n"):find("a.lua: quarantined", 1, true)
          ~= nil
      end
      loop.wait_until("a.lua is quarantined", is_quarantined)
      loop.wait_until("b.lua has memory again", function()
        p:turn()
        return select(3, p:get("/b")):find("/b", 1, true) ~= nil
      end)
      local before = p:counts("b.lua").errors
      for _ = 1, 5 do
        p:get("/b")
      end
      assert.are.equal(before, p:counts("b.lua").errors)
    end)
  end

  it("is quarantined after three strikes, and called again once lifted",
    function()
      start("if req.path == '/loop' then while true do end end")
      for _ = 1, 4 do
        p:get("/loop")
      end
      assert.are.equal(3, p:counts("a.lua").calls)
      p:get("/x")
      assert.are.equal(3, p:counts("a.lua").calls)
      p:lift("a.lua")
      p:get("/x")
      assert.are.same({ calls = 4, errors = 3, fallbacks = 5 },
        p:counts("a.lua"))
    end)

  it("has fewer strikes than that for other errors", function()
    start("error('no')")
    for _ = 1, 10 do
      p:get("/x")
    end
    assert.are.equal(10, p:counts("a.lua").calls)
  end)

  it("refuses while quarantined where script_failure says so", function()
    p = assert(program.start {
      config = "[http web]\nlisten = 127.0.0.1:8080\nroot = ${dir}/www\n"
        .. "script = a.lua\nscript_failure = deny",
      files = { ["www/a.txt"] = "hello" },
      lua = { ["a.lua"] = "return { request = function(req) "
        .. "if req.path == '/loop' then while true do end end end }" },
    })
    assert.are.equal(200, (p:get("/a.txt")))
    for _ = 1, 3 do
      assert.are.equal(500, (p:get("/loop")))
    end
    assert.are.equal(500, (p:get("/a.txt")))
  end)

  it("keeps to the budget of the configuration", function()
    p = assert(program.start {
      config = "script_budget = 20ms\n[http web]\nlisten = 127.0.0.1:8080\n"
        .. "script = a.lua",
      lua = { ["a.lua"] = "return { request = function(req) "
        .. "while true do end end }" },
    })
    p:get("/x")
    assert.is_true(p.log[1]:find("more than its 20ms of CPU", 1, true) ~= nil,
      p.log[1])
  end)
end)


describe("a script that is loaded", function()
  local CASES = {
    { "an endless chunk", "while true do end",
      "a.lua:1: used more than its 1s of CPU time" },
    { "an endless load",
      "return { load = function() while true do end end }",
      "load failed: a.lua:1: used more than its 1s of CPU time" },
    { "a chunk of a gigabyte",
      "t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1e6) .. i end",
      "not enough memory: scripts have used their 64m" },
  }
  for _, case in ipairs(CASES) do
    it("is refused for " .. case[1], function()
      local faults = program.faults_of(case[2])
      assert.are.equal(1, #faults)
      assert.is_true(faults[1]:find(case[3], 1, true) ~= nil, faults[1])
    end)
  end
end)
