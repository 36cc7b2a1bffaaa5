--- The numbers that flows make of what a request says, in C and in Lua.
local support = require "support.ffi"
local ffi = require "ffi"
local literal = require "lua.literal"
local numbers = require "moongate.numbers"
local program = require "script.program"

local TEXTS = 20000
local TEXT_MAX = 40

-- What the rules look at stands for as much as all the rest.
local BYTES = { "/", "?", ",", '"', "\\", " ", "\t", "a", "b", "\200", "\255" }


local function random_text()
  local bytes = {}
  for i = 1, math.random(0, TEXT_MAX) do
    bytes[i] = BYTES[math.random(#BYTES)]
  end
  return table.concat(bytes)
end


-- One of the bounds that there may be, or none.
local function random_bound()
  return math.random(4) == 1 and math.huge or math.random(0, 2 * TEXT_MAX) / 2
end


describe("the number of what a request says", function()
  local core

  setup(function()
    core = support.load("script/flow_number.h")
  end)

  before_each(function()
    math.randomseed(17)
  end)

  it("is the same of an address in C and in Lua", function()
    local seen, different = {}, 0
    for _ = 1, TEXTS do
      local uri, whole = random_text(), math.random(2) == 1
      local len, depth = random_bound(), random_bound() / 4
      local number = core.flow_number_uri(ffi.new("struct str", uri, #uri), len,
        depth, whole)
      if number ~= numbers.of_uri(uri, len, depth, whole) then
        error(("%q len=%g depth=%g whole=%s"):format(uri, len, depth,
          tostring(whole)))
      end
      different = different + (seen[number] and 0 or 1)
      seen[number] = true
    end
    assert.is_true(different > TEXTS / 4)
  end)

  it("is the same of a header in C and in Lua", function()
    local out, none = ffi.new("uint32_t[1]"), 0
    for _ = 1, TEXTS do
      local value = random_text()
      local found = core.flow_number_element(out, ffi.new("struct str", value,
        #value))
      local wanted = numbers.of_element(value)
      if wanted ~= (found and out[0] or nil) then
        error(("%q"):format(value))
      end
      none = none + (found and 0 or 1)
    end
    assert.is_true(none > 0 and none < TEXTS / 2)
  end)
end)


local REQUEST = "GET /a/b/c?q=1 HTTP/1.1\r\nHost: a\r\nX-User: %s\r\n\r\n"

-- Calls of a flow, and what they find in the request above.
local CASES = {
  { "flow:uri_number()", "/a/b/c" },
  { "flow:uri_number(nil, nil, true)", "/a/b/c?q=1" },
  { "flow:uri_number(4)", "/a/b" },
  { "flow:uri_number(math.huge, 2)", "/a/b" },
  { "flow:uri_number(0)", "" },
  { "flow:uri_number(nil, 0)", "" },
  { "flow:header_number('x-user')", "anna" },
  { "flow:header_number('Host')", "a" },
  { "flow:header_number('X-Other')", nil },
}


describe("a flow", function()
  local p, exchange

  local function start(call)
    p = assert(program.start {
      config = "[http web]\nlisten = 127.0.0.1:8080\n"
        .. "[upstream app]\nprotocol = tcp\npolicy = ${dir}/lua/p.lua\n"
        .. "server one = 127.0.0.1:1\n",
      lua = { ["p.lua"] = "return { pick = function(flow)\n"
        .. "return nil, tostring(" .. call .. ")\nend }" },
    })
  end

  -- What the call answers during a pick, as a text.
  local function ask(value)
    local flow = p:flow("app")
    if value then
      exchange = p.site:begin(REQUEST:format(value))
      flow.c.exchange = exchange
    end
    local _, answer = p:take(flow)
    return answer
  end

  after_each(function()
    if exchange then
      p.site:finish(exchange)
      exchange = nil
    end
    p:stop()
  end)

  for _, case in ipairs(CASES) do
    it("answers " .. case[1], function()
      start(case[1])
      local flow = literal.flow {
        uri = "/a/b/c?q=1", headers = { ["X-User"] = " anna , b", Host = "a" },
      }
      local on_table = assert(loadstring("return function(flow) return "
        .. case[1] .. " end"))()(flow)
      local wanted = case[2] and numbers.of_uri(case[2], nil, nil, true)
      assert.are.equal(wanted, on_table)
      assert.are.equal(tostring(wanted), ask(" anna , b"))
      assert.are.same({}, p.log)
    end)
  end

  for _, call in ipairs { "uri_number()", "header_number('Host')" } do
    it("has no " .. call .. " on TCP", function()
      start("flow:" .. call)
      assert.are.equal("nil", ask())
      assert.are.same({}, p.log)
    end)
  end
end)
