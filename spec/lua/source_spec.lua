local literal = require "lua.literal"


local function client(number)
  return literal.flow {
    client = ("10.%d.%d.%d"):format(number / 65536 % 256, number / 256 % 256,
      number % 256),
  }
end


-- The choices for many clients.
local function choices(pick, servers, count)
  local result = {}
  for number = 1, count do
    result[number] = assert(pick(client(number * 7919), servers))
  end
  return result
end


local function moved(before, after, from)
  local count, others = 0, 0
  for number, i in ipairs(before) do
    if after[number] ~= i then
      count = count + 1
      others = others + (i ~= from and 1 or 0)
    end
  end
  return count, others
end


for _, hash in ipairs { "map-based", "consistent" } do
  describe("policy source, hash=" .. hash, function()
    local pick

    before_each(function()
      pick = literal.picker("source", { hash = hash })
    end)

    it("gives a client the same server at every turn", function()
      local servers = literal.servers(1, 2, 3)
      local first = pick(client(5), servers)
      for turn = 1, 20 do
        servers.now = turn
        assert.are.equal(first, pick(client(5), servers))
      end
    end)

    it("does not depend on what was picked before", function()
      local servers = literal.servers(1, 2, 3)
      local other = literal.picker("source", { hash = hash })
      choices(other, literal.servers(5, 1), 20)
      assert.are.same(choices(pick, servers, 50), choices(other, servers, 50))
    end)

    it("shares clients about by weight", function()
      local counts = literal.count(
        choices(pick, literal.servers(10, 20, 30), 6000), 3)
      for i, expected in ipairs { 1000, 2000, 3000 } do
        assert.is_true(math.abs(counts[i] - expected) < 300,
          ("server %d has %d"):format(i, counts[i]))
      end
    end)

    it("leaves other clients alone while a server is full", function()
      local servers = literal.servers(1, 1, 1, 1)
      local before = choices(pick, servers, 400)
      servers[2].usable = false
      local _, others = moved(before, choices(pick, servers, 400), 2)
      assert.are.equal(0, others)
      servers[2].usable = true
      assert.are.same(before, choices(pick, servers, 400))
    end)

    it("sends a client whose server was tried to another one", function()
      local servers = literal.servers(1, 1, 1)
      local first = pick(client(5), servers)
      servers[first].usable = false
      local second = pick(client(5), servers)
      assert.is_number(second)
      assert.are_not.equal(first, second)
    end)

    it("does so among many servers, and spreads those it sends away", function()
      local servers = literal.servers(unpack(literal.repeated(1, 100)))
      local before = choices(pick, servers, 1000)
      for i = 1, 50 do
        servers[i].usable = false
      end
      local after = choices(pick, servers, 1000)
      local counts = literal.count(after, 100)
      for number, i in ipairs(before) do
        assert.is_true(i <= 50 or after[number] == i)
      end
      for i = 51, 100 do
        assert.is_true(counts[i] < 60, ("server %d has %d"):format(i,
          counts[i]))
      end
      assert.are.same(after, choices(pick, servers, 1000))
    end)

    it("uses backups only when no other is in service", function()
      local servers = literal.servers(1, { backup = true, usable = false })
      for number = 1, 20 do
        assert.are.equal(1, pick(client(number), servers))
      end
      servers[1].up, servers[1].usable = false, false
      servers[2].usable = true
      assert.are.equal(2, pick(client(1), servers))
    end)

    it("says so when no server is usable", function()
      local servers = literal.servers({ up = false, usable = false })
      assert.are.same({ nil, "no usable server" },
        { pick(client(1), servers) })
    end)

    it("lets clients without an address take turns", function()
      local servers = literal.servers(1, 1, 1)
      local picks = literal.picks(pick, servers, 0, 300,
        literal.flow { client = "unix:" })
      for i, count in ipairs(literal.count(picks, 3)) do
        assert.is_true(count > 50, ("server %d has %d"):format(i, count))
      end
    end)
  end)
end


describe("policy source", function()
  it("moves only the lost server's clients with hash=consistent", function()
    local pick = literal.picker("source", { hash = "consistent" })
    local servers = literal.servers(1, 1, 1, 1)
    local before = choices(pick, servers, 1000)
    servers[3].usable, servers[3].up = false, false
    local count, others = moved(before, choices(pick, servers, 1000), 3)
    assert.are.equal(0, others)
    assert.are.equal(literal.count(before, 4)[3], count)
  end)

  it("refuses an option that it does not know", function()
    assert.has_error(function()
      literal.picker("source", { hsh = "consistent" })
    end, "there is no option 'hsh'; known: hash")
  end)

  it("refuses a value that it does not know", function()
    assert.has_error(function()
      literal.picker("source", { hash = "md5" })
    end, "option 'hash' cannot be 'md5'; "
      .. "it is one of: map-based, consistent")
  end)
end)


describe("moongate.address", function()
  local address = require "moongate.address"
  local CASES = {
    { "0.0.0.0", 0 },
    { "127.0.0.1", 0x7f000001 },
    { "255.255.255.255", 0xffffffff },
    { "::", 0 },
    { "::1", 1 },
    { "::1:0", 0x10000 },
    { "1::", 0x10000 },
    { "0:1::", 1 },
    { "1:2:3:4:5:6:7:8", 0x00000008 },
    { "2001:db8::ff", 0x20010d47 },
    { "FE80::abcd:1:2:3", 0x554f0002 },
    { "a::b:0:0", 0x000a000b },
    { "unix:", nil },
    { "1.2.3", nil },
    { "host.example", nil },
  }
  for _, case in ipairs(CASES) do
    it("folds " .. case[1], function()
      assert.are.equal(case[2], address.fold(case[1]))
    end)
  end
end)
