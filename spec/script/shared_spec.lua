--- moongate.shared in scripts: values, time, misuse, and two workers.
local program = require "script.program"

local CONFIG = [[
[http web]
listen = 127.0.0.1:8080
script = a.lua
]]

local p


-- Starts a script; BODY is that of `request`, with `d` and `moongate`.
local function start(body, head)
  p = assert(program.start {
    config = CONFIG,
    lua = {
      ["a.lua"] = "local moongate = require 'moongate'\n"
        .. "local d = assert(moongate.shared('spec'))\n" .. (head or "")
        .. "\nreturn { request = function(req)\n" .. body .. "\nend }",
    },
  })
end


-- What the script answers: the rest of the body is an expression.
local function ask(body, head)
  start("return moongate.reply(200, nil, tostring(" .. body .. "))", head)
  local _, _, text = p:get("/")
  assert.are.same({}, p.log)
  return text
end


after_each(function()
  if p then
    p:stop()
    p = nil
  end
end)


describe("moongate.shared", function()
  for expression, expected in pairs {
    ["d:get('absent')"] = "nil",
    ["d:set('a', 'text') and d:get('a')"] = "text",
    ["d:set('a', '') and #d:get('a')"] = "0",
    ["d:set('a', 1.5) and d:get('a') + 1"] = "2.5",
    ["d:set('a', false) and d:get('a')"] = "false",
    ["d:set('a', true, 60) and d:get('a')"] = "true",
    ["d:add('a', 1) and select(2, d:add('a', 2))"] = "exists",
    ["d:incr('a', 2, 10)"] = "12",
    ["d:incr('a', 2, 10, 0.5)"] = "12",
    ["d:incr('a', 2, 10) and d:incr('a', -1, 10)"] = "11",
    ["select(2, d:incr('a', 1))"] = "not found",
    ["d:set('a', 'x') and select(2, d:incr('a', 1, 0))"] = "not a number",
    ["d:set('a', 1) and d:delete('a') and d:get('a')"] = "nil",
    ["select(2, d:delete('a'))"] = "not found",
    ["select(2, d:get(''))"] = "the key must have 1 to 255 bytes",
    ["select(2, d:set(('k'):rep(256), 1))"] =
      "the key must have 1 to 255 bytes",
    ["select(2, d:set('a', ('x'):rep(16385)))"] =
      "the value is longer than 16384 bytes",
    ["d:set('a', ('x'):rep(16384)) and #d:get('a')"] = "16384",
    ["moongate.shared('spec') == d"] = "true",
    ["moongate.shared('other'):set('a', 1) and d:get('a')"] = "nil",
    ["tostring(d)"] = "dictionary",
    ["getmetatable(d)"] = "false",
  } do
    it("gives " .. expected .. " for " .. expression, function()
      assert.are.equal(expected, ask(expression))
    end)
  end

  for call, reason in pairs {
    ["d:get()"] = "bad argument #1 to 'get' (string expected, got nil)",
    ["d:get(1)"] = "bad argument #1 to 'get' (string expected, got number)",
    ["d.get('a')"] = "get must be called with a colon: dictionary:get(...)",
    ["d.set({}, 'a', 1)"] = "set must be called with a colon",
    ["d:set('a')"] = "bad argument #2 to 'set' (string, number or boolean "
      .. "expected, got nil)",
    ["d:set('a', {})"] = "bad argument #2 to 'set'",
    ["d:set('a', 1, 0)"] =
      "bad argument #3 to 'set' (seconds above 0 expected)",
    ["d:set('a', 1, 0/0)"] = "bad argument #3 to 'set'",
    ["d:add('a', 1, '5')"] = "bad argument #3 to 'add'",
    ["d:incr('a')"] = "bad argument #2 to 'incr' (number expected, got nil)",
    ["d:incr('a', 1, 'x')"] = "bad argument #3 to 'incr'",
    ["d:incr('a', 1, 0, -1)"] = "bad argument #4 to 'incr'",
    ["d:delete(nil)"] = "bad argument #1 to 'delete'",
    ["d:keys()"] = "a dictionary has no 'keys'",
    ["d.a = 1"] = "a dictionary's entries are set by dictionary:set",
    ["moongate.shared()"] = "bad argument #1 to 'shared' (string expected",
    ["moongate.shared('a b')"] = "bad argument #1 to 'shared' (a name of",
    ["moongate.shared(('n'):rep(33))"] = "bad argument #1 to 'shared'",
  } do
    it("raises at the line of " .. call, function()
      start("\n\n" .. call)
      p:get("/")
      local line = p.log[1] or ""
      assert.is_truthy(line:find("a.lua:7: " .. reason, 1, true), line)
    end)
  end

  it("says that there are too many dictionaries", function()
    assert.are.equal("there are 64 dictionaries already", ask([[(function()
      for i = 1, 64 do
        local one, reason = moongate.shared("d" .. i)
        if not one then return reason end
      end
    end)()]]))
  end)

  it("keeps numbers of dictionaries out of reach", function()
    assert.are.equal("nil",
      ask("rawget(d, 'dict') or rawget(d, 1) or next(d)"))
  end)

  it("is seen by every worker", function()
    p = assert(program.start {
      config = "[upstream db]\nprotocol = tcp\npolicy = ${dir}/lua/p.lua\n"
        .. "server one = 127.0.0.1:1\nserver two = 127.0.0.1:2\n",
      lua = { ["p.lua"] = "local d = require('moongate').shared('turns')\n"
        .. "return { pick = function()\n"
        .. "return d:incr('n', 1, -1) % 2 + 1\nend }" },
    })
    local other = p:colleague()
    for _ = 1, 20 do
      assert.are.equal("one", p:pick("db"))
      assert.are.equal("two", other:pick("db"))
    end
    other:stop()
    assert.are.same({}, p.log)
  end)

  it("outlives the scripts, and can be filled while they load", function()
    p = assert(program.start {
      config = "[upstream db]\nprotocol = tcp\npolicy = ${dir}/lua/p.lua\n"
        .. "server one = 127.0.0.1:1\nserver two = 127.0.0.1:2\n",
      lua = { ["p.lua"] = "local d = require('moongate').shared('kept')\n"
        .. "return { load = function() d:incr('loads', 1, 0) end,\n"
        .. "pick = function() return d:get('loads') end }" },
    })
    assert.are.equal("one", p:pick("db"))
    local other = p:colleague()
    assert.are.equal("two", p:pick("db"))
    other:stop()
    assert.are.equal("two", p:pick("db"))
  end)

  it("can be asked for thousands of times in compiled code", function()
    assert.are.equal("20000", ask([[(function()
      for i = 1, 20000 do
        d:incr("n", 1, 0)
        local text = "t" .. i % 10
        d:set("s", text)
        if d:get("s") ~= text then return "another text" end
      end
      return d:get("n")
    end)()]]))
  end)
end)
