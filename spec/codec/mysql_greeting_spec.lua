-- Greetings: real ones, those of the manuals, and broken ones.
local ffi = require "ffi"
local chance = require "support.chance"
local codec = require "support.mysql_codec"
local mysql = require "support.mysql"
local samples = require "support.mysql_samples"
local support = require "support.ffi"

local core, text = codec.core, support.text
local str, written = codec.str, codec.written
local read, refuse_cuts = codec.read, codec.refuse_cuts
local E_PROTOCOL = codec.E_PROTOCOL
local MARIADB = mysql.MARIADB


describe("mysql_read_greeting", function()
  local function challenge(greeting)
    return ffi.string(greeting.challenge, greeting.challenge_len)
  end

  it("reads MariaDB's, and what stands before its version", function()
    local got, greeting, map =
      read("greeting", mysql.payload(MARIADB.greeting))
    assert.are.equal(100, got)
    assert.are.equal("5.5.5-10.11.19-MariaDB-0+deb12u1",
      text(greeting.version))
    assert.are.equal(0x1d, greeting.mariadb)
    assert.are.equal("PnYQi>7:\\CxTz*_!&9-r", challenge(greeting))
    assert.are.equal("mysql_native_password", text(greeting.plugin))
    assert.are.same({ 9, 0x81fff7fe, 8, 2 }, { greeting.thread_id,
      greeting.capabilities, greeting.charset, greeting.status })
    assert(map)
  end)

  it("reads MySQL 8's", function()
    local _, greeting, map = read("greeting", mysql.payload(mysql.greeting8()))
    assert.are.equal("8.0.36", text(greeting.version))
    assert.are.equal("abcdefgh0123456789ab", challenge(greeting))
    assert.are.equal("caching_sha2_password", text(greeting.plugin))
    assert(map)
  end)

  it("reads one without plugins, as of MySQL 5.1", function()
    local _, greeting, map = read("greeting", mysql.payload(mysql.greeting51()))
    assert.are.equal("abcdefgh0123456789ab", challenge(greeting))
    assert.is_nil(text(greeting.plugin))
    assert(map)
  end)

  it("reads a plugin's name without the NUL behind it", function()
    local payload = mysql.payload(mysql.greeting8())
    local got, greeting, map = read("greeting", payload:sub(1, -2))
    assert.are.equal(#payload - 1, got)
    assert.are.equal("caching_sha2_password", text(greeting.plugin))
    assert(map)
  end)

  it("reads the longest challenge", function()
    local payload = "\010v\0\1\0\0\0abcdefgh\0\255\247\8\2\0\8\0\255"
      .. ("\0"):rep(10) .. ("x"):rep(247) .. "p\0"
    local _, greeting, map = read("greeting", payload)
    assert.are.equal("abcdefgh" .. ("x"):rep(247), challenge(greeting))
    assert.are.equal("p", text(greeting.plugin))
    assert(map)
  end)

  it("refuses every cut before the plugin's name", function()
    refuse_cuts("greeting", mysql.payload(mysql.greeting8()):sub(1, -22 - 1))
    local payload = mysql.payload(MARIADB.greeting)
    refuse_cuts("greeting", payload:sub(1, -22 - 1))
  end)

  it("refuses other versions and servers before 4.1", function()
    local payload = mysql.payload(mysql.greeting8())
    for _, version in ipairs({ "\9", "\11", "H", "\0", "\255" }) do
      assert.are.equal(E_PROTOCOL,
        (read("greeting", version .. payload:sub(2))))
    end
    assert.are.equal(E_PROTOCOL, (read("greeting", "\0104.0.27\0\1\0\0\0"
      .. "abcdefgh\0\44\0\8\2\0" .. ("\0"):rep(13) .. "0123456789ab\0")))
  end)
end)


describe("greetings of every kind", function()
  local EXPECTED = {
    mysql_55 = { "5.5.2-m2", 11, 0xf7ff, 0, 8, 2, "" },
    mysql_57 = { "5.7.44", 2286, 0xc1ffffff, 0, 8, 2,
      "mysql_native_password" },
    mysql_80 = { "8.0.33", 10, 0xdfffffff, 0, 255, 2,
      "caching_sha2_password" },
    mariadb_10 = { "5.5.5-10.11.19-MariaDB-0+deb12u1", 9, 0x81fff7fe, 0x1d, 8,
      2, "mysql_native_password" },
    mariadb_11 = { "11.4.4-MariaDB-ubu2404", 7, 0xa1fffffe, 0x3d, 45, 2,
      "mysql_native_password" },
  }

  for name, payload in pairs(samples.greetings) do
    it("are read: " .. name, function()
      local got, greeting, map = read("greeting", payload)
      assert.are.equal(#payload, got)
      assert.are.same(EXPECTED[name], { text(greeting.version),
        greeting.thread_id, greeting.capabilities, greeting.mariadb,
        greeting.charset, greeting.status, text(greeting.plugin) or "" })
      assert.are.equal(20, greeting.challenge_len)
      assert(map)
    end)

    it("are written as the same bytes: " .. name, function()
      local _, greeting, map = read("greeting", payload)
      assert.are.equal(mysql.packet(0, payload), written(function(buf)
        core.mysql_write_greeting(buf, greeting)
      end))
      assert(map)
    end)

    it("are refused at every cut: " .. name, function()
      local _, greeting, map = read("greeting", payload)
      local plugin = text(greeting.plugin)
      refuse_cuts("greeting",
        payload:sub(1, plugin and -#plugin - 2 or #payload))
      assert(map)
    end)
  end
end)


describe("mysql_bare_version", function()
  it("takes MariaDB's prefix off, and nothing else", function()
    for version, bare in pairs({ ["5.5.5-10.11.19-MariaDB"] =
        "10.11.19-MariaDB", ["5.5.5"] = "5.5.5", ["8.0.33"] = "8.0.33",
        [""] = "" }) do
      assert.are.equal(bare, text(core.mysql_bare_version(str(version))))
    end
  end)
end)


describe("mysql_write_greeting", function()
  -- What is written for some fields; nil where the buffer has failed.
  local function write(fields)
    local challenge = fields.challenge or ("c"):rep(20)
    local greeting = ffi.new("struct mysql_greeting", {
      version = str(fields.version or "v"),
      thread_id = fields.thread_id or 1,
      capabilities = fields.capabilities or 0,
      mariadb = fields.mariadb or 0,
      charset = fields.charset or 45,
      status = fields.status or 2,
      plugin = str(fields.plugin),
      challenge_len = #challenge,
    })
    ffi.copy(greeting.challenge, challenge, #challenge)
    return written(function(buf)
      core.mysql_write_greeting(buf, greeting)
    end, fields.size)
  end

  it("always tells of 4.1, and of plugins where there is one", function()
    local _, plain, map = read("greeting", mysql.payload(write({})))
    assert.are.equal(0x8200, plain.capabilities)
    local _, plugged, more = read("greeting",
      mysql.payload(write({ plugin = "p" })))
    assert.are.equal(0x88200, plugged.capabilities)
    _, plain = read("greeting",
      mysql.payload(write({ capabilities = 0x80000 })))
    assert.are.equal(0x8200, plain.capabilities)
    assert(map and more)
  end)

  it("keeps MariaDB's capabilities from those who take it for MySQL",
    function()
      local _, greeting = read("greeting", mysql.payload(
        write({ capabilities = 1, mariadb = 0xff })))
      assert.are.equal(0, greeting.mariadb)
      local _, other = read("greeting", mysql.payload(
        write({ mariadb = 0xf0e0d0c0 })))
      assert.are.equal(0xf0e0d0c0, other.mariadb)
    end)

  it("refuses challenges that clients could not see whole", function()
    for _, challenge in ipairs({ "", ("c"):rep(19), ("c"):rep(21),
        ("c"):rep(10) .. "\0" .. ("c"):rep(9), ("c"):rep(19) .. "\0" }) do
      assert.is_nil(write({ challenge = challenge }))
    end
    assert.is_string(write({ challenge = ("c"):rep(254), plugin = "p" }))
    assert.is_nil(write({ challenge = ("c"):rep(255), plugin = "p" }))
  end)

  it("refuses a NUL in a name, and what does not fit", function()
    assert.is_nil(write({ version = "8\0" }))
    assert.is_nil(write({ plugin = "p\0q" }))
    local whole = write({ plugin = "p" })
    assert.is_nil(write({ plugin = "p", size = #whole - 1 }))
    assert.are.equal(whole, write({ plugin = "p", size = #whole }))
  end)

  it("is the inverse of reading, whatever is written", function()
    for _ = 1, 500 do
      local fields = {
        version = chance.text(60),
        thread_id = chance.number(2 ^ 32),
        capabilities = chance.number(2 ^ 32),
        mariadb = chance.number(2 ^ 32),
        charset = chance.number(256),
        status = chance.number(65536),
        plugin = chance.maybe(chance.text(40)),
      }
      local len = fields.plugin and 20 + chance.number(235) or 20
      fields.challenge = chance.bytes(len):gsub("%z", "x")
      local packet = write(fields)
      local got, greeting, map = read("greeting", mysql.payload(packet))
      assert.are.equal(#packet - 4, got)
      assert.are.equal(fields.version, text(greeting.version))
      assert.are.equal(fields.plugin, text(greeting.plugin))
      assert.are.equal(fields.challenge,
        ffi.string(greeting.challenge, greeting.challenge_len))
      assert.are.same({ fields.thread_id, fields.charset, fields.status },
        { greeting.thread_id, greeting.charset, greeting.status })
      assert.are.equal(packet, written(function(buf)
        core.mysql_write_greeting(buf, greeting)
      end))
      assert(map)
    end
  end)
end)
