-- Logins: real ones of many clients, those of the manuals, and broken ones.
local ffi = require "ffi"
local chance = require "support.chance"
local codec = require "support.mysql_codec"
local mysql = require "support.mysql"
local samples = require "support.mysql_samples"
local support = require "support.ffi"

local core, text = codec.core, support.text
local str, written, read = codec.str, codec.written, codec.read
local refuse_cuts, E_CUT = codec.refuse_cuts, codec.E_CUT
local E_LENGTH, E_NAME = codec.E_LENGTH, codec.E_NAME
local E_ATTRIBUTES = codec.E_ATTRIBUTES

local NATIVE, SHA2 = "mysql_native_password", "caching_sha2_password"
local LENENC, CHALLENGE, PROTOCOL_41 = 0x200000, 0x8000, 0x200
local SCHEMA, PLUGINS, ATTRIBUTES, ZSTD = 0x8, 0x80000, 0x100000, 0x4000000
local TLS = 0x800
local WRITTEN = 0x0138a200  -- what those can that are written here

-- User, schema, plugin, bytes of the answer, charset, max_packet, MariaDB's
-- capabilities, and some of the attributes.
local EXPECTED = {
  mysql_55 = { "pam", "test", NATIVE, 20, 8, 0x1000000, 0 },
  mysql_56 = { "root", nil, NATIVE, 20, 8, 0x40000000, 0,
    { _os = "debian6.0", _client_version = "5.6.6-m9", foo = "bar" } },
  mysql_57 = { "root", "testdb", NATIVE, 20, 33, 0x1000000, 0,
    { _pid = "16703", program_name = "mysql" } },
  mysql_80 = { "root", "mysql", SHA2, 32, 255, 0x1000000, 0,
    { _client_version = "8.0.32", os_user = "administrator" } },
  old = { "old", nil, nil, 8, 0, 0, 0 },
  mariadb = { "app", "shop", NATIVE, 20, 33, 0x100000, 0x1d,
    { _client_name = "libmariadb", program_name = "mysql" } },
  mariadb_to_mysql_80 = { "app", "shop", SHA2, 32, 33, 0x100000, 0,
    { _client_name = "libmariadb" } },
  mysqli = { "app", "shop", NATIVE, 20, 8, 0xc0000000, 0,
    { _client_name = "mysqlnd", _server_host = "127.0.0.1" } },
  sysbench = { "app", "shop", NATIVE, 20, 45, 0x100000, 0x1d,
    { _client_name = "libmariadb" } },
  pymysql = { "app", "shop", NATIVE, 20, 45, 0xffffff, 0,
    { _client_name = "pymysql", _client_version = "1.0.2" } },
  mysql2_to_mysql_80 = { "app", "shop", SHA2, 32, 224, 0, 0,
    { _client_name = "Node-MySQL-2" } },
  node_mariadb = { "app", "shop", NATIVE, 20, 224, 0x40000000, 0x1c,
    { _client_name = "MariaDB connector/Node" } },
  node_mysql = { "app", "shop", nil, 20, 33, 0, 0 },
}


local function attribute(login, name)
  return text(core.mysql_find_attribute(login.attributes, str(name)))
end


local function login_of(fields)
  return codec.login(fields, WRITTEN)
end


local function write(fields, size)
  return codec.login_packet(fields, WRITTEN, size)
end


-- The head of a login in the form of 4.1, for capabilities below 2^32.
local function head(capabilities)
  local bytes = ffi.new("uint32_t[2]", capabilities, 0x1000000)
  return ffi.string(bytes, 8) .. "-" .. ("\0"):rep(23)
end


describe("mysql_read_login", function()
  for name, payload in pairs(samples.logins) do
    local wanted = EXPECTED[name]

    it("reads that of " .. name, function()
      local got, login, map = read("login", payload)
      assert.are.equal(#payload, got)
      assert.is_false(login.tls_request)
      assert.are.same({ wanted[1], wanted[4], wanted[5], wanted[6], wanted[7] },
        { text(login.user), tonumber(login.answer.len), login.charset,
          login.max_packet, login.mariadb })
      assert.are.equal(wanted[2], text(login.schema))
      assert.are.equal(wanted[3], text(login.plugin))
      for key, value in pairs(wanted[8] or {}) do
        assert.are.equal(value, attribute(login, key))
      end
      assert.are.equal(wanted[8] ~= nil, login.attributes.p ~= nil)
      assert(map)
    end)

    it("takes no cut of that of " .. name .. " for more", function()
      for n = 0, #payload - 1 do
        local got, login, map = read("login", payload:sub(1, n))
        if got > 0 then
          -- Names that may go without their NUL, and what tells of no field.
          assert.is_true(login.tls_request or login.attributes.p == nil)
          assert.are.equal(n, got)
        else
          assert.are.equal(E_CUT, got)
        end
        assert(map)
      end
      if wanted[8] then
        refuse_cuts("login", payload, 33)
      end
    end)
  end

  it("tells a request for TLS by its length", function()
    local got, login = read("login", samples.tls_request)
    assert.are.equal(32, got)
    assert.is_true(login.tls_request)
    assert.are.same({ 0x00bfaa8d, 0x100000, 33 },
      { login.capabilities, login.max_packet, login.charset })
    assert.is_nil(text(login.user))
    -- The same client's login, inside of TLS.
    local _, inner, map = read("login", head(0x8a00) .. "u\0\0")
    assert.is_false(inner.tls_request)
    assert.are.equal("u", text(inner.user))
    -- Without the capability it is a login that is cut off.
    assert.are.equal(E_CUT, (read("login", head(0x8200))))
    assert(map)
  end)

  it("tells one of a client before 4.1 by its length", function()
    local got, login = read("login", "\5\8\0\0\1")
    assert.are.equal(5, got)
    assert.is_true(login.tls_request)
    assert.are.equal(0x010000, login.max_packet)
    assert.are.equal(E_CUT, (read("login", "\5\0\0\0\1")))
  end)

  it("reads each form of an answer", function()
    local long = ("x"):rep(300)
    for _, case in ipairs({
        { LENENC, "\252\44\1" .. long, long }, { LENENC, "\0", "" },
        { LENENC + CHALLENGE, "\3abc", "abc" }, { CHALLENGE, "\3a\0c", "a\0c" },
        { CHALLENGE, "\255" .. long:sub(1, 255), long:sub(1, 255) },
        { CHALLENGE, "\0", "" }, { 0, "abc\0", "abc" }, { 0, "\0", "" } }) do
      local payload = head(PROTOCOL_41 + SCHEMA + case[1]) .. "u\0" .. case[2]
        .. "app\0"
      local got, login, map = read("login", payload)
      assert.are.equal(#payload, got)
      assert.are.equal(case[3], text(login.answer))
      assert.are.equal("app", text(login.schema))
      refuse_cuts("login", payload)
      assert(map)
    end
  end)

  it("refuses a length that is none, or beyond the packet", function()
    for _, answer in ipairs({ "\251", "\255", "\252\1", "\253\255\255\255xyz",
        "\254\255\255\255\255\255\255\255\255xyz", "\4abc" }) do
      assert.are.equal(E_CUT, (read("login",
        head(PROTOCOL_41 + LENENC) .. "u\0" .. answer)))
    end
  end)

  it("takes an empty schema for one that is told, and is none", function()
    local _, login, map = read("login", head(0x8208) .. "u\0\0\0")
    assert.are.equal("", text(login.schema))
    assert(map)
  end)

  it("reads a plugin's name without the NUL behind it", function()
    for _, ending in ipairs({ "\0", "" }) do
      local _, login, map = read("login",
        head(0x88200) .. "u\0\0sha256_password" .. ending)
      assert.are.equal("sha256_password", text(login.plugin))
      assert(map)
    end
    local _, login = read("login", head(0x88200) .. "u\0\0")
    assert.are.equal("", text(login.plugin))
  end)

  it("reads the level of zstd, and refuses its absence", function()
    local start = head(0x8200 + ZSTD) .. "u\0\0"
    local _, login = read("login", start .. "\7")
    assert.are.equal(7, login.zstd_level)
    assert.are.equal(E_CUT, (read("login", start)))
  end)

  it("ignores what stands behind the last field", function()
    local _, login, map = read("login", head(0x8200) .. "u\0\0whatever")
    assert.are.equal("u", text(login.user))
    assert.is_nil(text(login.schema))
    assert(map)
  end)

  it("reads MariaDB's capabilities from its clients only", function()
    local function mariadb(first)
      local payload = string.char(first) .. "\130\0\0" .. ("\0"):rep(24)
        .. "\29\2\3\4u\0\0"
      local _, login = read("login", payload)
      return login.mariadb
    end
    assert.are.equal(0x0403021d, mariadb(0))
    assert.are.equal(0, mariadb(1))
  end)

  it("reads the form before 4.1, with a schema and without", function()
    for _, case in ipairs({
        { "\5\0\0\0\1u\0", "", nil }, { "\5\0\0\0\1u\0abc", "abc", nil },
        { "\5\0\0\0\1u\0abc\0", "abc", nil },
        { "\13\0\0\0\1u\0abc\0app", "abc", "app" },
        { "\13\0\0\0\1u\0\0app\0", "", "app" } }) do
      local got, login, map = read("login", case[1])
      assert.are.equal(#case[1], got)
      assert.are.equal("u", text(login.user))
      assert.are.equal(case[2], text(login.answer))
      assert.are.equal(case[3], text(login.schema))
      assert.are.equal(0, bit.band(login.capabilities, PROTOCOL_41))
      assert(map)
    end
    refuse_cuts("login", "\13\0\0\0\1u\0abc\0")
  end)

  it("refuses names that no server knows", function()
    local name = ("n"):rep(513)
    local all = head(0x88208)
    for at, payload in ipairs({ all .. name .. "\0\0s\0p\0",
        all .. "u\0\0" .. name .. "\0p\0", all .. "u\0\0s\0" .. name .. "\0",
        "\13\0\0\0\1" .. name .. "\0\0s", "\13\0\0\0\1u\0\0" .. name }) do
      assert.are.equal(E_NAME, (read("login", payload)), at)
      assert.is_true((read("login", (payload:gsub("nn", "n", 1)))) > 0)
    end
  end)

  it("refuses attributes that are broken, or too many", function()
    local start = head(0x8200 + ATTRIBUTES) .. "u\0\0"
    for _, attributes in ipairs({ "\1", "\1a", "\1a\2b", "\1a\1b\1", "\251",
        "\1a\251", "\252\255\255" }) do
      assert.are.equal(E_ATTRIBUTES,
        (read("login", start .. mysql.text(attributes))))
    end
    local most = "\1a\253\250\255\0" .. ("v"):rep(0xfffa)
    local function login(value)
      return start .. "\253\0\0\1" .. value
    end
    assert.are.equal(0x10000, #most)
    assert.is_true((read("login", login(most))) > 0)
    assert.are.equal(E_ATTRIBUTES, (read("login", start .. "\253\1\0\1"
      .. "\1a\253\251\255\0" .. ("v"):rep(0xfffb))))
  end)

  it("refuses a login over its limit", function()
    local payload = head(0x8200) .. "u\0\0"
    local limit = core.MYSQL_LOGIN_MAX
    payload = payload .. ("x"):rep(limit - #payload)
    assert.are.equal(limit, (read("login", payload)))
    assert.are.equal(E_LENGTH, (read("login", payload .. "x")))
  end)
end)


describe("mysql_write_login", function()
  local FIXED = "\0\0\0\1-" .. ("\0"):rep(23)

  it("writes what a server took", function()
    assert.are.equal("T\0\0\1\0\1628\1" .. FIXED .. "check\0\0"
      .. "mysql_native_password\0\22\12program_name\8moongate",
      write({ user = "check", plugin = "mysql_native_password",
        attributes = mysql.attributes({ { "program_name", "moongate" } }) }))
  end)

  it("leaves out what is absent, and says so", function()
    assert.are.equal("$\0\0\1\0\162\32\1" .. FIXED .. "u\0\1x",
      write({ capabilities = 0x01382008, user = "u", answer = "x" }))
  end)

  it("leaves out what it may not tell", function()
    assert.are.equal("#\0\0\1\0\130\0\0" .. FIXED .. "u\0\0",
      write({ capabilities = 0, schema = "s", plugin = "p",
        attributes = mysql.attributes({ { "a", "b" } }), zstd_level = 3 }))
  end)

  it("writes a schema, and an answer's length in a byte", function()
    assert.are.equal("+\0\0\1\8\130\8\0" .. FIXED .. "u\0\2xyapp\0p\0",
      write({ capabilities = 0x80008, user = "u", answer = "xy",
        schema = "app", plugin = "p" }))
  end)

  it("refuses what does not fit", function()
    assert.is_nil(write({ user = "a\0b" }))
    assert.is_nil(write({ user = "u", plugin = "a\0b" }))
    assert.is_nil(write({ schema = "a\0b", capabilities = SCHEMA }))
    assert.is_nil(write({ user = "u" }, 20))
    assert.is_nil(write({ charset = 256 }))
    assert.is_nil(write({ user = ("u"):rep(513) }))
    assert.is_nil(write({ attributes = "\1a" }))
    assert.is_nil(write({ capabilities = 0, user = "u",
      answer = ("x"):rep(256) }))
    assert.is_not_nil(write({ capabilities = LENENC, user = "u",
      answer = ("x"):rep(256) }))
    assert.is_nil(write({ capabilities = LENENC,
      answer = ("x"):rep(core.MYSQL_LOGIN_MAX) }))
  end)

  for name, payload in pairs(samples.logins) do
    if name ~= "old" then
      it("writes that of " .. name .. " as it came", function()
        local _, login, map = read("login", payload)
        -- One client does not take as few bytes for a length as can be.
        local wanted = payload:gsub("\252j%z", "j")
        assert.are.equal(mysql.packet(1, wanted), written(function(buf)
          core.mysql_write_login(buf, 1, login)
        end))
        assert(map)
      end)
    end
  end

  it("asks in the name of a client for an unknown plugin", function()
    local _, login, map = read("login", samples.logins.mysqli)
    local plugin = "nobody_has_this"
    login.plugin, login.answer = str(plugin), str("")
    local bytes = written(function(buf)
      core.mysql_write_login(buf, 1, login)
    end)
    local _, other, more = read("login", mysql.payload(bytes))
    assert.are.same({ "app", "shop", plugin, "" }, { text(other.user),
      text(other.schema), text(other.plugin), text(other.answer) })
    assert.are.equal(text(login.attributes), text(other.attributes))
    assert(map and more)
  end)

  it("is the inverse of reading, whatever is written", function()
    for _ = 1, 500 do
      local pairs_of = {}
      for i = 1, chance.number(5) do
        pairs_of[i] = { chance.bytes(chance.number(60)),
          chance.bytes(chance.number(200)) }
      end
      local fields = {
        capabilities = chance.number(2 ^ 32),
        mariadb = chance.number(2 ^ 32),
        max_packet = chance.number(2 ^ 32),
        charset = chance.number(256),
        user = chance.text(200),
        answer = chance.bytes(chance.number(256)),
        schema = chance.maybe(chance.text(100)),
        plugin = chance.maybe(chance.text(60)),
        attributes = chance.maybe(mysql.attributes(pairs_of)),
        zstd_level = chance.number(23),
      }
      local packet = write(fields)
      local got, login, map = read("login", mysql.payload(packet))
      assert.are.equal(#packet - 4, got)
      local function told(flag)
        return bit.band(fields.capabilities, flag) ~= 0
      end
      assert.are.equal(fields.user, text(login.user))
      assert.are.equal(fields.answer, text(login.answer))
      assert.are.equal(told(SCHEMA) and fields.schema or nil,
        text(login.schema))
      assert.are.equal(told(PLUGINS) and fields.plugin or nil,
        text(login.plugin))
      assert.are.equal(told(ATTRIBUTES) and fields.attributes or nil,
        text(login.attributes))
      assert.are.equal(told(ZSTD) and fields.zstd_level or 0,
        login.zstd_level)
      assert.are.equal(packet, written(function(buf)
        core.mysql_write_login(buf, 1, login)
      end))
      assert(map)
    end
  end)
end)


describe("mysql_write_tls_request", function()
  it("writes what a client wrote", function()
    local _, login, map = read("login", samples.logins.mariadb_to_mysql_80)
    assert.are.equal(mysql.packet(1, samples.tls_request),
      written(function(buf)
        core.mysql_write_tls_request(buf, 1, login)
      end))
    assert(map)
  end)

  it("says the same as the login that follows, but for TLS", function()
    local login = login_of({ capabilities = 0xffffffff, mariadb = 0x1d,
      user = "u" })
    local request = written(function(buf)
      core.mysql_write_tls_request(buf, 1, login)
    end)
    local _, asked, map = read("login", mysql.payload(request))
    assert.is_true(asked.tls_request)
    local _, told, more = read("login", mysql.payload(write({
      capabilities = 0xffffffff, mariadb = 0x1d, user = "u" })))
    assert.are.equal(told.capabilities, asked.capabilities)
    assert.are_not.equal(0, bit.band(asked.capabilities, TLS))
    assert(map and more)
  end)

  it("refuses a charset that has no room", function()
    local login = login_of({ charset = 300 })
    assert.is_nil(written(function(buf)
      core.mysql_write_tls_request(buf, 1, login)
    end))
  end)
end)
