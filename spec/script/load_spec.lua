--- What is wrong with a script, as `moongate check` says it.
local program = require "script.program"

local NONE = "return {}"

local CASES = {
  { "a file that is not there", nil,
    "no file 'b.lua' in ", use = "b.lua" },
  { "a name that leaves the script path", NONE,
    "'..' may not stand in the name of a script", use = "x/../b.lua" },
  { "a syntax error, with its line", "return {\n  request = = 1\n}",
    "script 'a.lua': a.lua:2: unexpected symbol near '='" },
  { "bytecode", "\27LJ\2\0", "attempt to load chunk with wrong mode" },
  { "a chunk that raises, with its line", "local x\nreturn { x = x.y }",
    "a.lua:2: attempt to index" },
  { "no table", "return 7",
    "a script returns a table of hooks, this one a number" },
  { "nothing at all", "", "a script returns a table of hooks, this one a nil" },
  { "a hook that nobody calls, with the nearest name",
    "return { reqest = print }",
    "unknown hook 'reqest'; did you mean 'request'?" },
  { "a hook like no other", "return { sing = print }",
    "unknown hook 'sing'" },
  { "a key that is no name", "return { print }",
    "the table of hooks has a key that is not a name" },
  { "a hook that is no function", "return { request = 'x' }",
    "the hook 'request' must be a function, not a string" },
  { "a policy's hook in a section", "return { pick = print }",
    "the hook 'pick' is never called for http web" },
  { "a policy's value in a section", "return { waits = true }",
    "'waits' is for policies only" },
  { "a check's hook in a section", "return { check = print }",
    "the hook 'check' is never called for http web" },
  { "a login's hook on http", "return { login = print }",
    "the hook 'login' is never called for http web" },
  { "load that raises", "return { load = function() error('no map') end }",
    "load failed: a.lua:1: no map" },
  { "an error that is a table", "error({})",
    "something that is not a text was raised" },
}


local function contains(texts, wanted)
  for _, text in ipairs(texts) do
    if text:find(wanted, 1, true) then
      return true
    end
  end
  return false
end


local function faults_of_policy(text, options)
  local p, faults = program.start {
    config = ("[upstream db]\nprotocol = tcp\npolicy = ${dir}/lua/p.lua %s\n"
      .. "server one = 127.0.0.1:1\n"):format(options or ""),
    lua = { ["p.lua"] = text },
  }
  if p then
    p:stop()
  end
  return faults or {}
end


describe("loading a script refuses", function()
  for _, case in ipairs(CASES) do
    it(case[1], function()
      local p, faults = program.start {
        config = "[http web]\nlisten = 127.0.0.1:8080\nscript = "
          .. (case.use or "a.lua"),
        lua = { ["a.lua"] = case[2] },
      }
      assert.is_nil(p)
      assert.are.equal(1, #faults)
      assert.is_true(contains(faults, case[3]), faults[1])
      assert.are.equal("6: script", faults[1]:match("^%d+: script"))
    end)
  end

  it("every wrong hook at once", function()
    local faults = program.faults_of("return { a1 = print, a2 = 1, log = 1 }")
    assert.are.equal(3, #faults)
  end)

  it("a policy without pick", function()
    assert.is_true(contains(faults_of_policy("return { done = print }"),
      "a policy needs the hook 'pick'"))
  end)

  it("a policy that does not say whether it waits", function()
    assert.is_true(contains(faults_of_policy(
      "return { pick = print, waits = 1 }"),
      "'waits' must be true or false, not a number"))
  end)

  it("a section's hook in a policy", function()
    assert.is_true(contains(faults_of_policy(
      "return { pick = print, request = print }"),
      "the hook 'request' is never called for upstream db"))
  end)

  it("options for a policy that takes none", function()
    assert.is_true(contains(faults_of_policy("return { pick = print }",
      "speed=fast"), "this policy takes no options"))
  end)

  it("options that `new` refuses", function()
    assert.is_true(contains(faults_of_policy("return { pick = print, "
      .. "new = function(o) error('no such speed: ' .. o.speed, 0) end }",
      "speed=fast"), "new failed: no such speed: fast"))
  end)

  it("an unknown option of a policy that ships", function()
    local p, faults = program.start {
      config = "[upstream db]\nprotocol = tcp\npolicy = source hsh=x\n"
        .. "server one = 127.0.0.1:1\n",
    }
    assert.is_nil(p)
    assert.is_true(contains(faults, "script 'policy/source.lua': new failed: "
      .. "there is no option 'hsh'; known: hash"), faults[1])
  end)

  it("scripts of several sections, each at its line", function()
    local _, faults = program.start {
      config = "[http a]\nlisten = 127.0.0.1:8080\nscript = a.lua\n"
        .. "[tcp b]\nlisten = 127.0.0.1:8081\nupstream = u\nscript = b.lua\n"
        .. "[upstream u]\nprotocol = tcp\nserver one = 127.0.0.1:1\n",
      lua = { ["a.lua"] = "return 1", ["b.lua"] = "return 2" },
    }
    assert.are.equal(2, #faults)
    assert.are.equal("6", faults[1]:match("^%d+"))
    assert.are.equal("10", faults[2]:match("^%d+"))
  end)
end)


describe("loading a script", function()
  it("finds the administrator's before the one that ships", function()
    local p = program.start {
      config = "[upstream db]\nprotocol = tcp\npolicy = roundrobin\n"
        .. "server one = 127.0.0.1:1\nserver two = 127.0.0.1:2\n",
      lua = {
        ["policy/roundrobin.lua"] = "return { pick = function() return 2 end }",
      },
    }
    assert.are.equal("two", p:pick("db"))
    assert.are.equal("two", p:pick("db"))
    p:stop()
  end)

  it("calls load with nil, then new with the options", function()
    local p = program.start {
      config = "[upstream db]\nprotocol = tcp\npolicy = ${dir}/lua/p.lua a=1 b"
        .. "\nserver one = 127.0.0.1:1\n",
      lua = { ["p.lua"] = [[
        local loaded
        return {
          load = function(...)
            loaded = select("#", ...) == 1 and (...) == nil
          end,
          new = function(options)
            assert(loaded and options.a == "1" and options.b == "on")
            return { first = 1 }
          end,
          pick = function(state) return state.first end,
        }
      ]] },
    }
    assert.are.equal("one", p:pick("db"))
    p:stop()
  end)

  it("tells the core of a policy whether it waits", function()
    local function waits(value)
      local p = program.start {
        config = "[upstream db]\nprotocol = tcp\npolicy = ${dir}/lua/p.lua\n"
          .. "server one = 127.0.0.1:1\n",
        lua = {
          ["p.lua"] = "return { pick = print, waits = " .. value .. " }",
        },
      }
      local answer = p:upstream("db").policy.waits
      p:stop()
      return answer
    end
    assert.is_true(waits("true"))
    assert.is_false(waits("false"))
    assert.is_false(waits("nil"))
  end)

  it("gives every use of a file its own state", function()
    local p = program.start {
      config = "[upstream a]\nprotocol = tcp\npolicy = ${dir}/lua/p.lua\n"
        .. "server one = 127.0.0.1:1\nserver two = 127.0.0.1:2\n"
        .. "[upstream b]\nprotocol = tcp\npolicy = ${dir}/lua/p.lua\n"
        .. "server one = 127.0.0.1:1\nserver two = 127.0.0.1:2\n",
      lua = { ["p.lua"] = [[
        count = 0
        return { pick = function()
          count = count + 1
          return count
        end }
      ]] },
    }
    assert.are.equal("one", p:pick("a"))
    assert.are.equal("one", p:pick("b"))
    assert.are.equal("two", p:pick("a"))
    assert.are.equal("two", p:pick("b"))
    p:stop()
  end)

  it("has one row of the board, however many sections name its file",
    function()
      local sections = {}
      for i = 1, 9 do
        sections[i] = ("[http h%d]\nlisten = 127.0.0.1:%d\nscript = a.lua\n"
          .. "script = b.lua\n"):format(i, i)
      end
      local p = program.start {
        config = table.concat(sections),
        lua = { ["a.lua"] = "return {}", ["b.lua"] = "return {}" },
      }
      assert.are.equal(2, p.core.scripts_count(p.site.config))
      p:stop()
    end)

  it("may stand beside another configuration's, as in a reload", function()
    local config = "[upstream db]\nprotocol = tcp\npolicy = roundrobin\n"
      .. "server one = 127.0.0.1:1\n"
    local old = program.start { config = config }
    local new = program.start { config = config }
    assert.are.equal("one", old:pick("db"))
    old:stop()
    assert.are.equal("one", new:pick("db"))
    new:stop()
  end)

  it("has to require what it needs before it serves", function()
    local p = program.start {
      config = "[upstream db]\nprotocol = tcp\npolicy = ${dir}/lua/p.lua\n"
        .. "server one = 127.0.0.1:1\n",
      lua = {
        ["early.lua"] = "return 1", ["late.lua"] = "return 1",
        ["p.lua"] = "require 'early' return { pick = function()\n"
          .. "require 'early' require 'late' end }",
      },
    }
    assert.are.equal("one", p:pick("db"))
    assert.is_true(contains(p.log, "p.lua:2: 'late' must be required while "
      .. "the script loads"), p.log[1])
    p:stop()
  end)
end)
