--- Scripts that would hurt the process: each ends in time, and the process is
-- as it was.
local hostile = require "support.hostile"
local loop = require "support.loop"
local program = require "script.program"

local MEMORY = hostile.MEMORY

-- What an interrupted call may take, generously: the sanitizers and a busy
-- machine make a tick late.
local SECONDS_MAX = 1.5

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

  for _, case in ipairs(hostile.requests) do
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

  it("is refused in time for hundreds of thousands of unknown hooks",
    function()
      local before = os.clock()
      local faults = program.faults_of("local t = {} for i = 1, 2e5 do "
        .. "t['x' .. i] = print end return t")
      assert.are.equal(8, #faults)
      assert.is_true(faults[1]:find("unknown hook 'x", 1, true) ~= nil)
      assert.is_true(os.clock() - before < SECONDS_MAX)
    end)
end)
