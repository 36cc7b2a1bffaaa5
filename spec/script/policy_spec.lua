--- Policies as the core calls them: over views, flows and turns of the board.
local program = require "script.program"

local SERVERS = [[
server one = 127.0.0.1:1
server two = 127.0.0.1:2 weight=2
server three = 127.0.0.1:3 weight=3
]]


local function start(policy, text, servers)
  return assert(program.start {
    config = "[upstream db]\nprotocol = tcp\npolicy = " .. policy .. "\n"
      .. (servers or SERVERS),
    lua = text and { ["p.lua"] = text },
  })
end


local function start_script(body, servers)
  return start("${dir}/lua/p.lua", body, servers)
end


-- A policy whose pick has the given body.
local function start_pick(body, servers)
  return start_script("return { pick = function(flow, servers)\n" .. body
    .. "\nend }", servers)
end


local function log_has(p, wanted)
  for _, line in ipairs(p.log) do
    if line:find(wanted, 1, true) then
      return true
    end
  end
  return false
end


-- Tells the policy of a server's state, as the core does.
local function tell(p, i, up, why)
  local upstream = p:upstream("db")
  upstream.policy.state(upstream.policy.arg, upstream.servers + i, up, why)
end
jit.off(tell)


describe("a policy", function()
  local p

  after_each(function()
    p:stop()
  end)

  -- A trace that was made for the name comes to the numbers next.
  it("reads whatever field it has the name of", function()
    p = start_pick([[
      local names = { "name", "weight", "index", "usable", "name", "up" }
      local seen = {}
      for i = 1, 2000 do
        local key = i < 1000 and "name" or names[i % #names + 1]
        seen[key] = servers[2][key]
      end
      assert(seen.name == "two" and seen.weight == 2 and seen.index == 2)
      assert(seen.usable == true and seen.up == true)
      return 2
    ]])
    for _ = 1, 20 do
      assert.are.equal("two", p:pick("db"))
    end
    assert.are.same({}, p.log)
  end)

  it("reads whatever field of a result it has the name of", function()
    p = start_script([[
      local names = { "ok", "status", "error", "total_ms", "connect_ms" }
      return {
        pick = function() return 1 end,
        done = function(flow, server, result)
          local seen = {}
          for i = 1, 2000 do
            local key = i < 1000 and "error" or names[i % #names + 1]
            seen[key] = result[key]
          end
          assert(seen.ok == true and seen.status == 0 and seen.error == nil)
        end,
      }
    ]])
    for _ = 1, 20 do
      local flow = p:flow("db")
      assert.are.equal("one", (p:take(flow)))
      p:give(flow)
    end
    assert.are.same({}, p.log)
  end)

  for _, name in ipairs { "roundrobin", "static-rr" } do
    it("of the name " .. name .. " is exact in every window", function()
      p = start(name)
      local picks = {}
      for i = 1, 18 do
        picks[i] = p:pick("db")
      end
      for first = 1, 13 do
        local counts = { one = 0, two = 0, three = 0 }
        for i = first, first + 5 do
          counts[picks[i]] = counts[picks[i]] + 1
        end
        assert.are.same({ one = 1, two = 2, three = 3 }, counts)
      end
      assert.are.same({}, p.log)
    end)
  end

  it("of the name leastconn fills servers by their weights", function()
    p = start("leastconn")
    local flows, counts = {}, { one = 0, two = 0, three = 0 }
    for i = 1, 60 do
      flows[i] = p:flow("db")
      local server = assert(p:take(flows[i]))
      counts[server] = counts[server] + 1
    end
    assert.are.same({ one = 10, two = 20, three = 30 }, counts)
    for _, flow in ipairs(flows) do
      p:give(flow)
    end
  end)

  it("of the name source keeps a client at its server", function()
    p = start("source hash=consistent")
    local seen = {}
    for i = 1, 40 do
      local client = ("10.0.0.%d:99"):format(i)
      local server = p:pick("db", client)
      seen[server] = true
      assert.are.equal(server, p:pick("db", client))
    end
    assert.are.same({ one = true, two = true, three = true }, seen)
  end)

  it("is asked again for a retry, at the same turn", function()
    p = start_script([[
      local turns = {}
      return { pick = function(flow, servers)
        turns[#turns + 1] = servers:turn()
        assert(turns[1] == turns[#turns])
        for i, server in ipairs(servers) do
          assert(server.usable == not flow:tried(i))
          if server.usable then
            return i
          end
        end
      end }
    ]])
    local flow = p:flow("db")
    for _, name in ipairs { "one", "two", "three" } do
      assert.are.equal(name, p:take(flow))
      local index = flow.c.server.index
      p:give(flow, { ok = false })
      p.core.flow_add_tried(flow.c, index)
    end
    assert.are.same({}, p.log)
  end)

  it("sees servers as the board has them", function()
    p = start_pick([[
      local s = servers[2]
      assert(#servers == 2 and s.name == "two" and s.index == 2)
      assert(s.weight == 7 and s.maxconn == 5 and s.active == 0)
      assert(s.queued == 0 and s.fails == 0 and s.latency_ms == 0)
      assert(s.usable and s.up and not s.draining and not s.backup)
      assert(tostring(s) == "server two")
      return 2
    ]], "server one = 127.0.0.1:1\n"
      .. "server two = 127.0.0.1:2 weight=7 maxconn=5\n")
    assert.are.equal("two", p:pick("db"))
    assert.are.same({}, p.log)
  end)

  it("is told the least loaded server that this flow may take", function()
    p = start_pick([[
      if flow.port == 7 then
        return servers:least()
      end
      return 3
    ]], "server one = 127.0.0.1:1 weight=0\nserver two = 127.0.0.1:2\n"
      .. "server three = 127.0.0.1:3\nserver four = 127.0.0.1:4\n")
    local busy = p:flow("db")
    assert.are.equal("three", p:take(busy))
    local flow = p:flow("db", "198.51.100.4:7")
    p.core.flow_add_tried(flow.c, 1)
    assert.are.equal("four", p:take(flow))
    p:give(flow)
    p.core.flow_add_tried(flow.c, 3)
    assert.are.equal("three", p:take(flow))
    p:give(flow)
    p:give(busy)
    assert.are.same({}, p.log)
  end)

  it("is told another generation when weights or states have changed",
    function()
      p = start_script([[
        local seen, count = nil, 0
        return { pick = function(flow, servers)
          if servers:generation() ~= seen then
            seen, count = servers:generation(), count + 1
          end
          return nil, tostring(count)
        end }
      ]])
      local function count()
        local _, reason = p:pick("db")
        return reason
      end
      local row = p:upstream("db").servers[1].row
      assert.are.equal("1", count())
      assert.are.equal("1", count())
      p.core.board_set_weight(p.site.board, row, 9)
      assert.are.equal("2", count())
      p.core.board_set_weight(p.site.board, row, 9)
      assert.are.equal("2", count())
      p.core.board_set_admin(p.site.board, row, 1)
      assert.are.equal("3", count())
    end)

  it("sees what is known of the flow", function()
    p = start_pick([[
      assert(flow.client == "198.51.100.4" and flow.port == 7)
      assert(flow.client_number == 198 * 2^24 + 51 * 2^16 + 100 * 2^8 + 4)
      assert(flow.listener == "127.0.0.1:8080")
      assert(flow.uri == nil and flow.path == nil and flow.host == nil)
      assert(flow.user == nil and flow.schema == nil)
      assert(flow:header("host") == nil and flow:cookie("a") == nil)
      assert(flow:arg("a") == nil and flow:tried(1) == false)
      assert(flow:hash("hello") == 0x248bfa47)
      return 1
    ]])
    assert.are.equal("one", p:pick("db", "198.51.100.4:7"))
    assert.are.same({}, p.log)
  end)

  it("may refuse, with a reason", function()
    p = start_pick("return nil, 'not\\nnow'")
    assert.are.same({ nil, "not | now" }, { p:pick("db") })
  end)

  it("may refuse without one", function()
    p = start_pick("return nil")
    assert.are.same({ nil, "the policy chose no server" }, { p:pick("db") })
  end)

  it("hears what became of each pick", function()
    p = start_script([[
      local log = require("moongate").log
      return {
        pick = function() return 2 end,
        done = function(flow, server, result)
          log.info(server.name, " ", flow.port, " ", result.ok, " ",
            result.error, " ", result.status, " ", result.connect_ms, " ",
            result.total_ms, " ", result.bytes_in, " ", result.bytes_out)
        end,
      }
    ]])
    local flow = p:flow("db")
    assert(p:take(flow))
    local words = "server timed out"
    p:give(flow, { ok = false, error = words, status = 502, connect_ms = 1.5,
      total_ms = 7, bytes_in = 3, bytes_out = 2 ^ 33 })
    assert.is_true(log_has(p, "two 4711 false server timed out 502 1.5 7 3 "
      .. "8589934592"), table.concat(p.log, "\n"))
  end)

  it("hears that a server has come up or gone down, and why", function()
    p = start_script([[
      local log = require("moongate").log
      return {
        new = function() return { count = 0 } end,
        pick = function() return 1 end,
        state = function(self, server, up, why)
          self.count = self.count + 1
          log.info(self.count, " ", server.name, " ", up, " ", why)
        end,
      }
    ]])
    tell(p, 1, false, "Layer4 timeout")
    tell(p, 2, true, ("x"):rep(300))
    assert.is_true(log_has(p, "1 two false Layer4 timeout"), p.log[1])
    assert.is_true(log_has(p, "2 three true " .. ("x"):rep(300)), p.log[2])
    assert.are.equal(2, #p.log)
  end)

  it("that does not want to hear of states is not told", function()
    p = start_pick("return 1")
    assert.is_true(p:upstream("db").policy.state == nil)
  end)

  it("may choose one server for all work, and is told which it is", function()
    p = start_script([[
      local log = require("moongate").log
      local other
      return { pick = function(flow, servers)
        other = other or require("moongate").upstream("db")
        local before = servers:chosen()
        local after = servers:choose(flow.port)
        log.info(before, " ", after, " ", other:chosen())
        return after
      end }
    ]])
    local function pick(port)
      assert(p:pick("db", "192.0.2.1:" .. port))
      return p.log[#p.log]:match("p%.lua: (.*)$")
    end
    assert.are.equal("nil 2 2", pick(2))
    assert.are.equal("2 2 2", pick(2))
    assert.are.equal("2 3 3", pick(3))
    local lines = table.concat(p.log, "\n")
    assert.is_true(log_has(p, "upstream db: the primary is two"), lines)
    assert.is_true(log_has(p,
      "upstream db: the primary is three now, was two, which is up"), lines)
    assert.are.equal(5, #p.log)
  end)

  it("cannot choose over one that it has not seen", function()
    p = start_script([[
      return { pick = function(flow, servers)
        if flow.port == 1 then
          servers:chosen()
        end
        return servers:choose(flow.port)
      end }
    ]])
    assert.are.equal("two", p:pick("db", "192.0.2.1:2"))
    assert.are.equal("two", p:pick("db", "192.0.2.1:3"))
    assert.are.equal("one", p:pick("db", "192.0.2.1:1"))
    assert.are.equal("one", p:pick("db", "192.0.2.1:3"))
  end)

  it("asks another upstream for its servers, but not for its turn", function()
    p = assert(program.start {
      config = "[upstream db]\nprotocol = tcp\npolicy = ${dir}/lua/p.lua\n"
        .. SERVERS .. "[upstream other]\nprotocol = tcp\n"
        .. "server far = 127.0.0.1:9 weight=4\n",
      lua = { ["p.lua"] = [[
        local moongate = require "moongate"
        return { pick = function(flow, servers)
          local others = moongate.upstream("other")
          assert(#others == 1 and others[1].name == "far")
          assert(others[1].usable and others[1].weight == 4)
          assert(not pcall(others.turn, others))
          assert(not pcall(others.least, others))
          assert(others:chosen() == nil and not pcall(others.choose, others, 1))
          assert(type(others:generation()) == "number")
          assert(moongate.upstream("db")[1].usable)
          return 1
        end }
      ]] },
    })
    assert.are.equal("one", p:pick("db"))
    assert.are.same({}, p.log)
  end)
end)


describe("a policy that fails", function()
  local CASES = {
    { name = "raises", body = "error('oh')", log = "p.lua:2: oh" },
    { name = "raises a table", body = "error({})",
      log = "(a table was raised)" },
    { name = "answers an index beyond the servers", body = "return 4",
      log = "it answered 4, which is not the index of one of the 3 servers" },
    { name = "answers 0", body = "return 0", log = "it answered 0" },
    { name = "answers half an index", body = "return 1.5",
      log = "it answered 1.5" },
    { name = "answers not a number", body = "return 0/0", log = "it answered" },
    { name = "answers a name", body = "return 'one'",
      log = "it answered a string, which is not an index" },
    { name = "overflows the stack",
      body = "local function f() return 1 + f() end return f()",
      log = "stack overflow" },
  }
  for _, case in ipairs(CASES) do
    it("because it " .. case.name .. " is logged, counted, and replaced",
      function()
        local p = start_pick(case.body)
        local counts = { one = 0, two = 0, three = 0 }
        for _ = 1, 12 do
          local server = assert(p:pick("db"))
          counts[server] = counts[server] + 1
        end
        assert.are.same({ one = 2, two = 4, three = 6 }, counts)
        assert.is_true(log_has(p, case.log), p.log[1])
        assert.is_true(log_has(p, "pick of upstream db failed: "), p.log[1])
        local name = p.site.dir .. "/lua/p.lua"
        assert.are.same({ calls = 12, errors = 12, fallbacks = 12 },
          p:counts(name))
        p:stop()
      end)
  end

  it("shows where it was raised", function()
    local p = start_script("local function inner()\n  error('deep')\nend\n"
      .. "return { pick = function()\n  inner()\nend }")
    p:pick("db")
    assert.is_true(log_has(p, "stack traceback: | "), p.log[1])
    assert.is_true(log_has(p, "p.lua:5: in function"), p.log[1])
    p:stop()
  end)

  it("by choosing a server that is not usable is replaced, too", function()
    local p = start_pick("return 1", "server one = 127.0.0.1:1 weight=0\n"
      .. "server two = 127.0.0.1:2\n")
    assert.are.equal("two", p:pick("db"))
    assert.is_true(log_has(p, "it answered 1, and that server is not usable"),
      p.log[1])
    p:stop()
  end)

  it("in state is logged, and changes nothing", function()
    local p = start_script("return { pick = function() return 1 end,\n"
      .. "state = function(server) error(server.name) end }")
    tell(p, 0, false, "why")
    assert.is_true(log_has(p, "state of upstream db failed: "), p.log[1])
    assert.is_true(log_has(p, "p.lua:2: one | stack traceback: "), p.log[1])
    assert.are.equal("one", p:pick("db"))
    p:stop()
  end)

  it("in done changes nothing", function()
    local p = start_script("return { pick = function() return 1 end,\n"
      .. "done = function() error('late') end }")
    assert.are.equal("one", p:pick("db"))
    assert.is_true(log_has(p, "done of upstream db failed: "), p.log[1])
    p:stop()
  end)
end)


describe("views", function()
  local HOSTILE = {
    { "servers[1].weight = 5", "constant" },
    { "servers[1].other = 5", "" },
    { "return servers[1].wieght", "server has no field 'wieght'" },
    { "return servers[1][1]", "server has no field '1'" },
    { "return servers[1][99999999]", "server has no field" },
    { "return servers[1] + 1", "attempt to perform arithmetic" },
    { "return #servers[1]", "attempt to get length" },
    { "return servers[1]()", "is not callable" },
    { "servers[1].name.x = 1", "attempt to index" },
    { "flow.client = 'x'", "attempt to write to constant location" },
    { "flow.flow = nil", "" },
    { "return flow.flow[0]", "" },
    { "return flow.flow[1].x", "" },
    { "return flow.flow + 1", "" },
    { "return flow.tried(flow.flow, 1)", "cannot convert" },
    { "return flow.tried(servers[1], 1)", "cannot convert" },
    { "return flow.tried('x', 1)", "cannot convert" },
    { "return flow.tried(7, 1)", "cannot convert" },
    { "return flow.tried(7LL, 1)", "cannot convert" },
    { "return flow.tried({}, 1)", "cannot convert" },
    { "return flow.tried(flow.tried, 1)", "cannot convert" },
    { "for k in pairs(flow) do end", "__pairs" },
    { "for k in pairs(servers[1]) do end", "__pairs" },
    { "rawset(servers[1], 'usable', true)", "table expected" },
    { "return flow.flow - flow.flow", "" },
    { "return bit.band(flow.flow, 1)", "cannot convert" },
    { "return flow.flow.x", "" },
    { "return flow.tried(nil, 1)", "this flow is over" },
    { "return flow:tried()", "number expected, got nil" },
    { "return flow:header()", "string expected, got nil" },
    { "return flow:header_number()", "string expected, got nil" },
    { "return flow:uri_number('x')", "#1 to 'uri_number' (a number from 0 on" },
    { "return flow:uri_number(0/0)", "#1 to 'uri_number' (a number from 0 on" },
    { "return flow:uri_number(1, -1)", "#2 to 'uri_number' (a number from" },
    { "return flow:uri_number(1, 1, 'x')", "cannot convert 'string'" },
    { "return servers:choose()", "bad argument #1 to 'choose' (number" },
    { "return servers:choose(0)", "to 'choose' (not the index of a server)" },
    { "return servers:choose(4)", "to 'choose' (not the index of a server)" },
    { "return servers:choose(1.5)", "to 'choose' (not the index of a server)" },
    { "return servers:choose(0/0)", "to 'choose' (not the index of a server)" },
    { "return flow.nobody", "flow has no field 'nobody'" },
    { "getmetatable(servers[1]).__index.x = 1", "attempt to index" },
    { "return getmetatable(servers).x", "attempt to index a boolean value" },
    { "setmetatable(servers, {})", "cannot change a protected metatable" },
  }
  for _, case in ipairs(HOSTILE) do
    it("withstand " .. case[1], function()
      local p = start_pick("local ok, why = pcall(function() " .. case[1]
        .. " end)\nassert(not ok)\nerror('raised: ' .. tostring(why), 0)")
      assert.is_not_nil(p:pick("db"))
      assert.is_true(log_has(p, "failed: raised: "), p.log[1])
      assert.is_true(log_has(p, case[2]), p.log[1])
      p:stop()
    end)
  end

  it("are over when their hook is", function()
    local p = assert(program.start {
      config = "[upstream db]\nprotocol = tcp\npolicy = ${dir}/lua/p.lua\n"
        .. SERVERS .. "[http web]\nlisten = 127.0.0.1:8080\n",
      lua = { ["p.lua"] = [[
        local kept_flow, kept_servers
        return {
          pick = function(flow, servers)
            kept_flow, kept_servers = flow, servers
            return 1
          end,
          done = function(flow)
            assert(flow == kept_flow and flow.client == "192.0.2.7")
            kept_servers:turn()
          end,
        }
      ]] },
    })
    assert.are.equal("one", p:pick("db"))
    assert.is_true(log_has(p, "p.lua:9: turn() is known only while this "
      .. "upstream's server is picked"), p.log[1])
    p:stop()
  end)
end)
