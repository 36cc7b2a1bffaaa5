--- moongate.policy and the policies that draw or hash, over the core's views.
local program = require "script.program"

local SERVERS = [[
server one = 127.0.0.1:1
server two = 127.0.0.1:2 weight=2
server three = 127.0.0.1:3 weight=3
]]

-- In milliseconds: a moment of the past.
local SLOW_US, FAST_US = 400000, 2000


local function start(policy, text, servers)
  return program.start {
    config = "[upstream db]\nprotocol = tcp\npolicy = " .. policy .. "\n"
      .. (servers or SERVERS),
    lua = text and { ["p.lua"] = text },
  }
end


local function start_script(text, servers)
  return assert(start("${dir}/lua/p.lua", text, servers))
end


-- Says that a server has answered what it was asked so long ago.
local function answered(p, i, us)
  local upstream = p:upstream("db")
  p.core.upstream_answered(upstream.servers + (i - 1),
    p.core.clock_us() - us)
end
jit.off(answered)


local function count_picks(p, n)
  local counts = { one = 0, two = 0, three = 0 }
  for _ = 1, n do
    local name = assert(p:pick("db"))
    counts[name] = counts[name] + 1
  end
  return counts
end


describe("over views:", function()
  local p

  before_each(function()
    p = nil
  end)

  after_each(function()
    if p then
      assert.are.same({}, p.log)
      p:stop()
    end
  end)

  it("random reaches every server", function()
    p = assert(start("random"))
    for name, count in pairs(count_picks(p, 300)) do
      assert.is_true(count > 20, name)
    end
  end)

  it("latency asks each server, then the fast one", function()
    p = assert(start("latency", nil, "server one = 127.0.0.1:1\n"
      .. "server two = 127.0.0.1:2\n"))
    answered(p, 1, SLOW_US)
    assert.is_true(count_picks(p, 50).two >= 48)
    answered(p, 2, FAST_US)
    assert.is_true(count_picks(p, 50).two >= 48)
  end)

  it("latency is the same in another worker", function()
    p = assert(start("latency", nil, "server one = 127.0.0.1:1\n"
      .. "server two = 127.0.0.1:2\n"))
    local colleague = p:colleague()
    answered(p, 1, SLOW_US)
    answered(p, 2, FAST_US)
    assert.is_true(count_picks(colleague, 50).two >= 48)
    colleague:stop()
  end)

  it("servers:latency() is what the board has now", function()
    p = start_script [[return { pick = function(flow, servers)
      assert(servers:latency(1) == 0)
      local ms = servers:latency(2)
      assert(ms > 390 and ms < 400.5, ms)
      return 1
    end }]]
    answered(p, 2, SLOW_US)
    assert.are.equal("one", p:pick("db"))
  end)

  it("servers:latency() refuses what is no index", function()
    p = start_script [[return { pick = function(flow, servers)
      for _, index in ipairs { 0, 4, 1.5, -1, 0 / 0 } do
        local ok, reason = pcall(servers.latency, servers, index)
        assert(not ok and reason:find("not the index of a server", 1, true))
      end
      local ok, reason = pcall(servers.latency, servers, "1")
      assert(not ok and reason:find("number expected, got string", 1, true))
      return 1
    end }]]
    assert.are.equal("one", p:pick("db"))
  end)

  it("a failure counts as an answer after a second", function()
    p = start_script [[return { pick = function(flow, servers)
      local ms = servers:latency(1)
      assert(ms > 990 and ms <= 1000, ms)
      return 1
    end }]]
    p.core.upstream_observe(p:upstream("db").servers)
    assert.are.equal("one", p:pick("db"))
  end)

  it("moongate.policy is the module, and makes policies", function()
    p = start_script [[
      local moongate = require "moongate"
      local policy = require "moongate.policy"
      assert(moongate.policy == policy)
      return policy.first_of(policy.hash "client", "leastconn")
    ]]
    local seen = {}
    for i = 1, 40 do
      local client = ("10.0.0.%d:99"):format(i)
      local server = p:pick("db", client)
      seen[server] = true
      assert.are.equal(server, p:pick("db", client))
    end
    assert.are.same({ one = true, two = true, three = true }, seen)
    assert.is_not_nil(p:pick("db", "unix:/x"))
  end)

  it("by_health shares by weights, and by the turns of the board", function()
    p = start_script [[
      local policy = require "moongate.policy"
      return policy.by_health "roundrobin"
    ]]
    assert.are.same({ one = 10, two = 20, three = 30 }, count_picks(p, 60))
  end)

  it("by_health works with all that servers have", function()
    p = start_script [[
      local policy = require "moongate.policy"
      return policy.first_of(policy.by_health {
        pick = function(flow, servers)
          assert(#servers == 3 and servers[2].name == "two")
          assert(servers[2].weight == 32 and servers[2].usable)
          assert(servers:least() and servers:latency(1) == 0)
          assert(servers:chosen() == nil and servers:choose(3) == 3)
          assert(not pcall(function() return servers[1].nonsense end))
          return nil, "all is well"
        end,
      }, "first")
    ]]
    assert.are.equal("one", p:pick("db"))
    p.log = {}  -- choose() says what it did
  end)

  it("policies are put together while a script loads only", function()
    p = start_script [[
      local policy = require "moongate.policy"
      return { pick = function(flow, servers)
        local ok, reason = pcall(policy.first_of, "leastconn")
        assert(not ok and reason:find("must be required while", 1, true))
        return 1
      end }
    ]]
    assert.are.equal("one", p:pick("db"))
  end)

  for policy, reason in pairs {
    ["header"] = "the option 'name' is missing: the name of a header",
    ["uri len=0"] = "option 'len' cannot be '0'; it is a number from 1 to "
      .. "65535",
    ["random draws=x"] = "option 'draws' cannot be 'x'; it is a number from 1 "
      .. "to 16",
    ["latency x=1"] = "there is no option 'x': this policy takes none",
  } do
    it("refuses " .. policy .. ", saying why", function()
      local _, faults = start(policy)
      assert.is_truthy(faults[1]:find(reason, 1, true), faults[1])
    end)
  end

  it("refuses a misuse at the script's line", function()
    local _, faults = start("${dir}/lua/p.lua",
      "local policy = require 'moongate.policy'\n"
        .. "return policy.first_of(policy.hash 'cookies:x', 'first')")
    assert.is_truthy(faults[1]:find("p.lua:2: bad argument #1 to 'hash'", 1,
      true), faults[1])
  end)
end)
