--- moongate.policy: policies made of policies.
local literal = require "lua.literal"
local policy = require "moongate.policy"


-- A function that picks by a table of hooks.
local function picker(hooks)
  local state = hooks.new({})
  return function(flow, servers)
    return hooks.pick(state, flow, servers)
  end
end


local function cookie(value)
  return literal.flow { cookies = { session = tostring(value) } }
end


describe("policy.hash", function()
  for source, flows in pairs {
    ["cookie:session"] = function(i) return cookie("s" .. i) end,
    ["header:X-User"] = function(i)
      return literal.flow { headers = { ["X-User"] = "u" .. i } }
    end,
    ["arg:id"] = function(i)
      return literal.flow { args = { id = tostring(i) } }
    end,
    client = function(i) return literal.flow { client = "10.0.0." .. i } end,
    uri = function(i) return literal.flow { uri = "/a?" .. i } end,
    path = function(i) return literal.flow { path = "/" .. i } end,
    user = function(i) return literal.flow { user = "u" .. i } end,
    schema = function(i) return literal.flow { schema = "s" .. i } end,
  } do
    it("gives one value one server: " .. source, function()
      local pick = picker(policy.hash(source))
      local servers, seen = literal.servers(1, 1, 1), {}
      for i = 1, 100 do
        servers.now = i
        local index = pick(flows(i), servers)
        seen[index] = true
        assert.are.equal(index, pick(flows(i), servers))
      end
      assert.are.same({ true, true, true }, seen)
    end)
  end

  for _, source in ipairs { "cookie:session", "header:X-User", "arg:id", "uri",
                            "path", "user", "schema" } do
    it("answers nothing without a value: " .. source, function()
      assert.are.same({ nil, "there is no " .. source },
        { picker(policy.hash(source))(literal.flow(), literal.servers(1)) })
    end)
  end

  it("answers nothing for a client without an address", function()
    assert.is_nil(picker(policy.hash "client")(
      literal.flow { client = "unix:" }, literal.servers(1)))
  end)

  it("moves only the lost server's values with hash=consistent", function()
    local pick = picker(policy.hash("cookie:session", { hash = "consistent" }))
    local servers = literal.servers(1, 1, 1, 1)
    for i = 1, 200 do
      servers[3].up, servers[3].usable = true, true
      local before = pick(cookie(i), servers)
      servers[3].up, servers[3].usable = false, false
      local after = pick(cookie(i), servers)
      assert.is_true(after ~= 3 and (before == 3 or before == after))
    end
  end)

  for _, source in ipairs { "cookie", "cookie:", "client:x", "colour:red", "",
                            "Cookie:a" } do
    it(("refuses '%s' at the caller's line"):format(source), function()
      local ok, reason = pcall(policy.hash, source)
      assert.is_false(ok)
      assert.is_truthy(reason:find("bad argument #1 to 'hash' (cookie:NAME",
        1, true))
    end)
  end

  it("refuses an option that it does not know", function()
    assert.has_error(function()
      policy.hash("client", { hsh = "consistent" })
    end, "there is no option 'hsh'; known: hash")
  end)
end)


describe("policy.first_of", function()
  it("asks the next one where the first answers nothing", function()
    local pick = picker(policy.first_of(policy.hash "cookie:session",
      "leastconn"))
    local servers = literal.servers({ active = 2 }, { active = 1 },
      { active = 2 })
    assert.are.equal(2, pick(literal.flow(), servers))
    local home = pick(cookie "x", servers)
    for turn = 1, 9 do
      servers.now = turn
      assert.are.equal(home, pick(cookie "x", servers))
    end
  end)

  it("asks the next one where the first answers what is of no use", function()
    local servers = literal.servers(1, { usable = false }, 1)
    for _, index in ipairs { 2, 0, 4, 1.5 } do
      local pick = picker(policy.first_of(
        { pick = function() return index end },
        { pick = function() return 3 end }))
      assert.are.equal(3, pick(literal.flow(), servers))
    end
  end)

  it("lets one have the flow wait", function()
    local hooks = policy.first_of("primary", "leastconn")
    assert.is_true(hooks.waits)
    local servers = literal.servers({ usable = false, active = 1, maxconn = 1 },
      1)
    assert.are.same({ 1, "wait" }, { picker(hooks)(literal.flow(), servers) })
    assert.is_false(policy.first_of("leastconn").waits)
  end)

  it("refuses with the words of the last one", function()
    local servers = literal.servers({ usable = false, up = false })
    assert.are.same({ nil, "no usable server" }, {
      picker(policy.first_of(policy.hash "uri", "roundrobin"))(literal.flow(),
        servers),
    })
    assert.are.same({ nil, "no policy chose a server" }, {
      picker(policy.first_of { pick = function() return 1 end })(
        literal.flow(), servers),
    })
  end)

  it("tells all of what became of a pick", function()
    local seen = {}
    local function watcher(name)
      return {
        new = function() return name end,
        pick = function() return nil, "no" end,
        done = function(state, ...)
          seen[#seen + 1] = table.concat({ state, "done", ... }, " ")
        end,
        state = function(state, server, up)
          seen[#seen + 1] = table.concat({ state, server, tostring(up) }, " ")
        end,
      }
    end
    local hooks = policy.first_of(watcher "a", "first", watcher "b")
    local state = hooks.new {}
    hooks.done(state, "flow", "server", "result")
    hooks.state(state, "one", true)
    assert.are.same({ "a done flow server result", "b done flow server result",
      "a one true", "b one true" }, seen)
  end)

  it("has no hooks that nobody wants", function()
    local hooks = policy.first_of("first", "leastconn")
    assert.is_nil(hooks.done)
    assert.is_nil(hooks.state)
  end)

  it("keeps the states of two upstreams apart", function()
    local hooks = policy.first_of {
      new = function() return { count = 0 } end,
      pick = function(state)
        state.count = state.count + 1
        return state.count
      end,
    }
    local one, other, servers = picker(hooks), picker(hooks),
      literal.servers(1, 1)
    assert.are.equal(1, one(literal.flow(), servers))
    assert.are.equal(2, one(literal.flow(), servers))
    assert.are.equal(1, other(literal.flow(), servers))
  end)

  it("makes nothing for a pick", function()
    local pick = picker(policy.first_of(policy.hash "uri",
      policy.by_health "roundrobin"))
    local servers, flow = literal.servers(1, 2, 3), literal.flow()
    -- Literal servers make a text for each generation; views do not.
    local generation = servers:generation()
    servers.generation = function() return generation end
    local function run(count)
      for turn = 1, count do
        servers.now = turn
        pick(flow, servers)
      end
    end
    run(200)
    collectgarbage()
    collectgarbage("stop")
    local before = collectgarbage("count")
    run(2000)
    local made = collectgarbage("count") - before
    collectgarbage("restart")
    assert.is_true(made < 64, made .. " kB")
  end)

  for name, arguments in pairs {
    ["nothing"] = {}, ["a number"] = { 5 }, ["no policy"] = { "first", {} },
  } do
    it("refuses " .. name, function()
      local ok, reason = pcall(policy.first_of, unpack(arguments))
      assert.is_false(ok)
      assert.is_truthy(reason:find("to 'first_of' (a policy or its name "
        .. "expected)", 1, true))
    end)
  end

  it("refuses a policy that there is not", function()
    assert.has_error(function()
      policy.first_of("nearest")
    end)
  end)
end)


describe("policy.named", function()
  it("gives a policy its options", function()
    local pick = picker(policy.named("header", { name = "X-User" }))
    local servers = literal.servers(1, 1, 1)
    local flow = literal.flow { headers = { ["X-User"] = "anna" } }
    local home = pick(flow, servers)
    for turn = 1, 9 do
      servers.now = turn
      assert.are.equal(home, pick(flow, servers))
    end
  end)

  it("keeps what the policy says of itself", function()
    assert.is_true(policy.named("primary", { failback = "off" }).waits)
  end)

  it("refuses options where they do not belong", function()
    assert.has_error(function()
      policy.named("first", { x = "1" }).new({})
    end, "there is no option 'x': this policy takes none")
    assert.has_error(function()
      policy.named("source", { hash = "consistent" }).new({ hash = "x" })
    end, "there is no option 'hash': this policy takes none")
    assert.has_error(function()
      policy.named("source", "consistent")
    end)
  end)
end)


describe("policy.by_health", function()
  local function shares(name, servers, count)
    return literal.count(literal.picks(picker(policy.by_health(name)), servers,
      0, count), #servers)
  end

  it("leaves weights as they are while no check fails", function()
    assert.are.same({ 10, 20, 30 },
      shares("roundrobin", literal.servers(1, 2, 3), 60))
  end)

  it("halves a weight with each failed check in a row", function()
    local servers = literal.servers(1, { fails = 1 }, { fails = 2 })
    assert.are.same({ 40, 20, 10 }, shares("roundrobin", servers, 70))
  end)

  it("leaves a server that fails on and on a little", function()
    local servers = literal.servers(1, { fails = 99 })
    assert.are.same({ 32, 2 }, shares("roundrobin", servers, 34))
  end)

  it("works for the heaviest, and for those of weight 0", function()
    local servers = literal.servers(256, { weight = 256, fails = 1 },
      { weight = 0, usable = false })
    assert.are.same({ 40, 20, 0 }, shares("static-rr", servers, 60))
  end)

  it("sees when a server is well again", function()
    local servers = literal.servers(1, { fails = 1 })
    local pick = picker(policy.by_health "roundrobin")
    assert.are.same({ 8, 4 }, literal.count(literal.picks(pick, servers, 0, 12),
      2))
    servers[2].fails = 0
    assert.are.same({ 6, 6 }, literal.count(literal.picks(pick, servers, 0, 12),
      2))
  end)

  it("is seen by leastconn, too", function()
    local servers = literal.servers({ active = 3 }, { active = 3, fails = 1 })
    for turn = 0, 3 do
      servers.now = turn
      assert.are.equal(1, picker(policy.by_health "leastconn")(literal.flow(),
        servers))
    end
  end)

  it("passes primary's choice on", function()
    local hooks = policy.by_health "primary"
    local servers = literal.servers(1, { fails = 1 })
    assert.is_true(hooks.waits)
    assert.are.same({ 1, "wait" }, { picker(hooks)(literal.flow(), servers) })
    assert.are.equal(1, servers.choice)
  end)
end)
