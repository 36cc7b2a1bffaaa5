--- What a script can reach, and what not.
local program = require "script.program"


-- Runs a chunk as a script while it loads: nil, or what it raised.
local function run(body, more)
  local faults = program.faults_of(body .. "\nreturn {}", more)
  return faults[1]
end


local function assert_runs(body, more)
  assert.is_nil(run(body, more))
end


local function assert_raises(wanted, body, more)
  local text = run(body, more)
  assert.is_string(text, "nothing was raised")
  assert.is_true(text:find(wanted, 1, true) ~= nil, text)
end


describe("a script's environment", function()
  local ABSENT = {
    "io", "debug", "ffi", "jit", "package", "module", "getfenv", "setfenv",
    "loadfile", "dofile", "newproxy", "collectgarbage", "gcinfo",
    "os.execute", "os.exit", "os.getenv", "os.remove", "os.rename",
    "os.tmpname", "os.setlocale", "string.dump", "math.randomseed",
  }
  for _, name in ipairs(ABSENT) do
    it("has no " .. name, function()
      assert_runs(("assert(%s == nil)"):format(name))
    end)
  end

  local PRESENT = {
    "os.time()", "os.date('%Y')", "os.clock()", "math.floor(1.5)",
    "string.format('%d', 1)", "('x'):rep(2)", "table.concat({})",
    "coroutine.wrap(function() return 1 end)()", "bit.band(1, 1)",
    "select('#')", "tostring(nil)", "pcall(error)", "_G.pairs",
    "require('bit').bor(1, 2)", "require('moongate').now() > 0",
    "loadstring('return 1')()", "load(function() end)",
  }
  for _, expression in ipairs(PRESENT) do
    it("has " .. expression, function()
      assert_runs(("assert(%s ~= nil)"):format(expression))
    end)
  end

  local REFUSED = {
    { "require of the FFI", "require 'ffi'", "cannot require 'ffi'" },
    { "require of a trusted module", "require 'script.host'",
      "cannot require 'script.host'" },
    { "require of an absolute path", "require '/etc/passwd'",
      "not the name of a module" },
    { "require of what lies above", "require '../../../etc/passwd'",
      "cannot require '../../../etc/passwd'" },
    { "load of bytecode", "assert(load('\\27LJ'))",
      "attempt to load chunk with wrong mode" },
    { "load of bytecode by mode", "assert(load('\\27LJ', 'x', 'b'))",
      "attempt to load chunk with wrong mode" },
    { "dumping a function by a string's method",
      "(''):dump()", "attempt to call method 'dump'" },
  }
  for _, case in ipairs(REFUSED) do
    it("refuses " .. case[1], function()
      assert_raises(case[3], case[2])
    end)
  end

  it("hides the metatable of strings", function()
    assert_runs("assert(getmetatable('') == false)")
    assert_raises("cannot change a protected metatable",
      "setmetatable(require('moongate'), {})")
  end)

  it("is where loaded text runs", function()
    assert_runs("x = 7; assert(loadstring('return x')() == 7); "
      .. "loadstring('y = 8')(); assert(y == 8)")
  end)

  it("is not shared: what one script changes no other sees", function()
    local p = assert(program.start {
      config = "[http web]\nlisten = 127.0.0.1:8080\n"
        .. "script = a.lua\nscript = b.lua",
      lua = {
        ["a.lua"] = "leak = 1; string.format = nil; math.pi = 3; "
          .. "require('moongate').now = nil; require('moongate').log.info = 1; "
          .. "rawset(_G, 'pairs', nil); return {}",
        ["b.lua"] = "assert(leak == nil and string.format and pairs); "
          .. "assert(math.pi > 3.1 and require('moongate').now()); "
          .. "assert(type(require('moongate').log.info) == 'function'); "
          .. "return {}",
      },
    })
    p:stop()
  end)

  it("requires modules of the script path, once for a script", function()
    assert_runs([[
      local one = require "sub.one"
      assert(one == require "sub.one" and one.name == "sub.one")
      assert(require("pack").is == "init")
      assert(require("both").is == "file")
      assert(seen == 1)
    ]], {
      ["both.lua"] = "return { is = 'file' }",
      ["both/init.lua"] = "return { is = 'init' }",
      ["sub/one.lua"] = "seen = (seen or 0) + 1 return { name = ... }",
      ["pack/init.lua"] = "return { is = 'init' }",
    })
  end)

  it("says where a module fails", function()
    assert_raises("one.lua:2: attempt to", "require 'one'",
      { ["one.lua"] = "\nlocal x = nil .. 1" })
    assert_raises("one.lua:1: '=' expected", "require 'one'",
      { ["one.lua"] = "x y" })
  end)

  it("stops modules that require each other", function()
    assert_raises("'one' requires itself", "require 'one'", {
      ["one.lua"] = "return require 'two'", ["two.lua"] = "require 'one'",
    })
  end)
end)


describe("require \"moongate\"", function()
  it("names what it does not have", function()
    assert_raises("a.lua:1: moongate has no 'nwo'",
      "local x = require('moongate').nwo")
  end)

  it("reads files below script_path while it loads", function()
    assert_runs("assert(require('moongate').read_file('map.txt') == 'a b')",
      { ["map.txt"] = "a b" })
    assert_runs("local text, why = require('moongate').read_file('none')\n"
      .. "assert(text == nil and why:find('none: No such file'))")
    assert_runs("local text, why = require('moongate')"
      .. ".read_file('../.moongate.ini')\n"
      .. "assert(text == nil and why:find('not below script_path'))")
    assert_raises("bad argument #1 to 'read_file' (string expected, got nil)",
      "require('moongate').read_file()")
  end)

  it("hashes", function()
    assert_runs("local h = require('moongate').hash\n"
      .. "assert(h.murmur('') == 0 and h.murmur('', 1) == 0x514e28b7)\n"
      .. "assert(h.murmur('hello') == 0x248bfa47)")
  end)

  it("finds upstreams by name", function()
    assert_runs("local servers, why = require('moongate').upstream('none')\n"
      .. "assert(servers == nil and why == \"there is no upstream 'none'\")")
  end)

  local MISUSE = {
    { "reply('x')",
      "#1 to 'reply' (number expected, got string)" },
    { "reply(99)", "#1 to 'reply' (a status from 200 to 599" },
    { "reply(200, { [1] = 'x' })",
      "#2 to 'reply' (the name of a header is not a string" },
    { "reply(200, { ['a b'] = 'x' })",
      "#2 to 'reply' (the name of a header has other bytes" },
    { "reply(200, { A = 'x\\ny' })",
      "#2 to 'reply' (the value of A has control bytes" },
    { "reply(200, { A = { 'x', {} } })",
      "#2 to 'reply' (the value of A is not a string" },
    { "reply(200, { ['content-length'] = '1' })",
      "#2 to 'reply' (the header content-length is set by the program" },
    { "reply(200, {}, {})", "#3 to 'reply' (string expected" },
    { "redirect(1)", "#1 to 'redirect' (string expected" },
    { "redirect('/a', 200)", "#2 to 'redirect' (301, 302, 303" },
    { "redirect('/a\\r\\nX: y')", "#1 to 'redirect' (a URL" },
    { "upstream({})", "#1 to 'upstream' (string expected" },
  }
  for _, case in ipairs(MISUSE) do
    it("raises for " .. case[1] .. " at its line", function()
      assert_raises("a.lua:3: bad argument " .. case[2],
        "local m = require 'moongate'\n\nm." .. case[1])
    end)
  end

  it("logs at the levels, parts or a function", function()
    local p = assert(program.start {
      config = "[http web]\nlisten = 127.0.0.1:8080\nscript = a.lua",
      lua = { ["a.lua"] = [[
        local log = require("moongate").log
        log.debug(function() error("not on") end)
        log.info("a", 1, nil, true)
        log.warn(function() return "made" end)
        log.error("two\nlines\27")
        print("p", 2)
        return {}
      ]] },
    })
    local log = table.concat(p.log, "\n")
    p:stop()
    for _, line in ipairs { "script a.lua: a1niltrue", "script a.lua: made",
      "script a.lua: two | lines?", "script a.lua: p 2" } do
      assert.is_true(log:find(line, 1, true) ~= nil, log)
    end
  end)
end)


describe("a script that is trusted", function()
  local M = "local moongate = require 'moongate'\n"

  local function faults_of(body, limits)
    local p, faults = program.start {
      config = "script_trust = a.lua c.lua\n" .. (limits or "")
        .. "[http web]\nlisten = 127.0.0.1:8080\nscript = b.lua\n"
        .. "script = a.lua\nscript = c.lua\n",
      lua = { ["a.lua"] = body .. "\nreturn {}", ["own.lua"] = "return io",
              ["b.lua"] = "assert(io == nil and string.dump == nil)\n"
                .. "assert(not pcall(require, 'ffi'))\nreturn {}",
              ["c.lua"] = "assert(io.open ~= 1 and string.rep ~= 2)\n"
                .. "assert(pairs ~= 3 and print ~= 4)\nreturn {}" },
    }
    if p then
      p:stop()
    end
    return faults and faults[1]
  end

  for _, expression in ipairs {
    "io.open('/dev/null')", "os.getenv('PATH')", "debug.traceback()",
    "string.dump(function() end)", "require('ffi').sizeof('int') == 4",
    "require('jit').version", "require('bit').bor(1, 2)", "package.loaded",
    "newproxy(true)", "collectgarbage('count')", "getfenv(1) == _G",
    "setfenv(function() end, {})", "math.randomseed(1) == nil",
    "require('lfs').attributes('/')", "require('own') == io",
    "loadstring('return io')() == io", "load('return _G')() == _G",
    "load(string.dump(function() return 7 end), 'x', 'b')() == 7",
    "require('moongate').now()", "xpcall(print, print)",
  } do
    it("has " .. expression, function()
      assert.is_nil(faults_of(("assert(%s)"):format(expression)))
    end)
  end

  it("changes nobody else's tables", function()
    assert.is_nil(faults_of("io.open = 1 string.rep = 2 _G.pairs = 3\n"
      .. "print = 4"))
  end)

  it("has its limits", function()
    local text = faults_of("while true do end", "script_load_budget = 100ms\n")
    assert.is_true(text:find("used more than its 100ms of CPU time", 1, true)
      ~= nil, text)
    text = faults_of("local t = {} for i = 1, 1e9 do t[i] = { i } end",
      "script_load_budget = 60s\nscript_memory = 8m\n")
    assert.is_true(text:find("scripts have used their 8m", 1, true) ~= nil,
      text)
  end)

  it("is told what it asked for in vain", function()
    local text = faults_of(M .. "require 'nothing.at.all'")
    assert.is_true(text:find("module 'nothing.at.all' not found", 1, true)
      ~= nil, text)
  end)
end)
