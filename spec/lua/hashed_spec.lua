--- The policies that rest on what a request says: uri and header.
local literal = require "lua.literal"

local SERVERS = 5


-- The servers for texts that a function makes flows of.
local function choose(pick, texts, to_flow)
  local servers, chosen = literal.servers(1, 1, 1, 1, 1), {}
  assert(#servers == SERVERS)
  for i, text in ipairs(texts) do
    chosen[i] = assert(pick(to_flow(text), servers))
  end
  return chosen
end


local function uri_flow(uri)
  return literal.flow { uri = uri }
end


local function many(format)
  local texts = {}
  for i = 1, 200 do
    texts[i] = format:format(i)
  end
  return texts
end


-- Whether many texts with a part that differs go to one server.
local function is_one(pick, format, to_flow)
  local chosen = choose(pick, many(format), to_flow)
  for _, i in ipairs(chosen) do
    if i ~= chosen[1] then
      return false
    end
  end
  return true
end


describe("policy uri", function()
  for _, case in ipairs {
    { {}, "/a/b/c?q=%d", true, "does not look at the query" },
    { {}, "/a/b/%d?q", false, "looks at the path" },
    { { whole = "on" }, "/a/b?q=%d", false, "looks at the query: whole=on" },
    { { depth = "2" }, "/a/b/%d", true, "looks at depth=2 folders" },
    { { depth = "2" }, "/a/%d/c", false, "looks at all of depth=2 folders" },
    { { len = "5" }, "/abcd%d", true, "looks at the first bytes: len=5" },
    { { len = "5" }, "/abc%d", false, "looks at each of the first bytes" },
  } do
    it(case[4], function()
      assert.are.equal(case[3],
        is_one(literal.picker("uri", case[1]), case[2], uri_flow))
    end)
  end

  it("moves only the lost server's paths with hash=consistent", function()
    local pick = literal.picker("uri", { hash = "consistent" })
    local servers = literal.servers(1, 1, 1, 1)
    for _, uri in ipairs(many "/%d.css") do
      servers[2].up, servers[2].usable = true, true
      local before = pick(uri_flow(uri), servers)
      servers[2].up, servers[2].usable = false, false
      local after = pick(uri_flow(uri), servers)
      assert.is_true(after ~= 2 and (before == 2 or before == after), uri)
    end
  end)

  it("goes elsewhere while its server is full, and comes back", function()
    local pick = literal.picker("uri")
    local servers = literal.servers(1, 1, 1)
    local home = pick(uri_flow "/x", servers)
    servers[home].usable = false
    local away = pick(uri_flow "/x", servers)
    assert.is_true(away and away ~= home)
    assert.are.equal(away, pick(uri_flow "/x", servers))
    servers[home].usable = true
    assert.are.equal(home, pick(uri_flow "/x", servers))
  end)

  it("takes turns where there is no address", function()
    local picks = literal.picks(literal.picker("uri"),
      literal.servers(1, 1, 1), 0, 30)
    assert.are.same({ 10, 10, 10 }, literal.count(picks, 3))
  end)

  for option, values in pairs {
    len = { "0", "x", "70000", "1.5" }, depth = { "0", "-1" },
    whole = { "yes" }, hash = { "md5" },
  } do
    for _, value in ipairs(values) do
      it(("refuses %s=%s"):format(option, value), function()
        assert.has_error(function()
          literal.picker("uri", { [option] = value })
        end)
      end)
    end
  end
end)


local function user_flow(user)
  return literal.flow { headers = { ["X-User"] = user } }
end


describe("policy header", function()
  local pick

  before_each(function()
    pick = literal.picker("header", { name = "X-User" })
  end)

  it("gives a value the same server", function()
    assert.is_false(is_one(pick, "user%d", user_flow))
    local servers = literal.servers(1, 2, 3)
    local home = pick(user_flow "anna", servers)
    for turn = 1, 20 do
      servers.now = turn
      assert.are.equal(home, pick(user_flow "anna", servers))
    end
  end)

  it("looks at the first element of a list", function()
    assert.is_true(is_one(pick, "anna, %d", user_flow))
    assert.is_true(is_one(pick, "anna,%d", user_flow))
    assert.is_false(is_one(pick, '"anna,%d"', user_flow))
    assert.is_false(is_one(pick, '"a\\",%d"', user_flow))
  end)

  for name, value in pairs { missing = false, empty = "", blank = " , x" } do
    it("takes turns where it is " .. name, function()
      local picks = literal.picks(pick, literal.servers(1, 2, 3), 0, 60,
        user_flow(value or nil))
      assert.are.same({ 10, 20, 30 }, literal.count(picks, 3))
    end)
  end

  it("wants the header's name", function()
    assert.has_error(function()
      literal.picker("header", {})
    end, "the option 'name' is missing: the name of a header")
    assert.has_error(function()
      literal.picker("header", { name = "" })
    end, "option 'name' cannot be ''; it is the name of a header")
  end)
end)
