-- COM_CHANGE_USER: as real clients send it, and broken.
local chance = require "support.chance"
local codec = require "support.mysql_codec"
local mysql = require "support.mysql"
local samples = require "support.mysql_samples"
local support = require "support.ffi"

local core, text = codec.core, support.text
local str, written = codec.str, codec.written
local E_CUT, E_KIND, E_NAME = codec.E_CUT, codec.E_KIND, codec.E_NAME
local E_LENGTH, E_ATTRIBUTES = codec.E_LENGTH, codec.E_ATTRIBUTES

local CHALLENGE, PLUGINS, ATTRIBUTES = 0x8000, 0x80000, 0x100000
local ALL = CHALLENGE + PLUGINS + ATTRIBUTES
-- Charset, plugin, client's name.
local EXPECTED = {
  mysqli = { 8, "mysql_native_password", "mysqlnd" },
  mysql2 = { 224, "mysql_native_password", nil },
  node_mariadb = { 45, "mysql_native_password", "MariaDB connector/Node" },
  node_mysql = { 33, nil, nil },
}


local function read(payload, capabilities)
  return codec.read("login", payload, "change", capabilities)
end


local function write(fields)
  local login = codec.login(fields, ALL)
  return written(function(buf)
    core.mysql_write_change(buf, login)
  end)
end


describe("mysql_read_change", function()
  for name, sample in pairs(samples.changes) do
    local payload, capabilities = sample.payload, sample.capabilities

    it("reads that of " .. name, function()
      local wanted = EXPECTED[name]
      local got, login, map = read(payload, capabilities)
      assert.are.equal(#payload, got)
      assert.are.same({ "other", 20, "db2", wanted[1], capabilities },
        { text(login.user), tonumber(login.answer.len), text(login.schema),
          login.charset, login.capabilities })
      assert.are.equal(wanted[2], text(login.plugin))
      assert.are.equal(wanted[3], text(core.mysql_find_attribute(
        login.attributes, str("_client_name"))))
      assert(map)
    end)

    it("takes no cut of that of " .. name .. " for more", function()
      for n = 0, #payload - 1 do
        local got, login, map = read(payload:sub(1, n), capabilities)
        if got < 0 then
          assert.are.equal(E_CUT, got)
        else
          -- All but the first three fields may be absent.
          assert.are.equal("db2", text(login.schema))
          assert.is_nil(text(login.attributes))
        end
        assert(map)
      end
    end)

    it("is written as it came by " .. name, function()
      local _, login, map = read(payload, capabilities)
      local wanted = payload:gsub("\252P%z", "P")
      assert.are.equal(mysql.packet(0, wanted), written(function(buf)
        core.mysql_write_change(buf, login)
      end))
      assert(map)
    end)
  end

  it("reads what old clients send", function()
    local got, login = read("\17u\0\3abcs\0", CHALLENGE)
    assert.are.equal(9, got)
    assert.are.same({ "u", "abc", "s", 0 }, { text(login.user),
      text(login.answer), text(login.schema), login.charset })
    got, login = read("\17u\0abc\0\0", 0)
    assert.are.equal(8, got)
    assert.are.same({ "abc", "" }, { text(login.answer), text(login.schema) })
  end)

  it("takes a byte for the answer's length, whatever a login has", function()
    local _, login, map = read("\17u\0\252" .. ("x"):rep(252) .. "s\0",
      CHALLENGE + 0x200000)
    assert.are.equal(252, tonumber(login.answer.len))
    assert.are.equal("s", text(login.schema))
    assert(map)
  end)

  it("takes one without the attributes that were settled", function()
    local payload = "\17u\0\0s\0\45\0p\0"
    local got, login, map = read(payload, ALL)
    assert.are.equal(#payload, got)
    assert.are.equal("p", text(login.plugin))
    assert.is_nil(text(login.attributes))
    assert(map)
  end)

  it("refuses other commands, and what goes beyond limits", function()
    assert.are.equal(E_KIND, (read("\3SELECT 1", ALL)))
    assert.are.equal(E_CUT, (read("", ALL)))
    assert.are.equal(E_CUT, (read("\17u\0\0s\0\1", ALL)))
    assert.are.equal(E_NAME, (read("\17" .. ("u"):rep(513) .. "\0\0s\0", ALL)))
    assert.are.equal(E_ATTRIBUTES, (read("\17u\0\0s\0\45\0p\0\2\1a", ALL)))
    assert.are.equal(E_LENGTH, (read("\17u\0\0s\0"
      .. ("x"):rep(core.MYSQL_LOGIN_MAX), ALL)))
  end)
end)


describe("mysql_write_change", function()
  it("tells of absent fields what the login settled", function()
    assert.are.equal("\9\0\0\0\17u\0\0\0-\0\0\0", write({}))
    assert.are.equal("\7\0\0\0\17u\0\0\0-\0",
      write({ capabilities = CHALLENGE }))
  end)

  it("refuses what does not fit", function()
    assert.is_nil(write({ user = "a\0b" }))
    assert.is_nil(write({ answer = ("x"):rep(256) }))
    assert.is_nil(write({ capabilities = 0, answer = "a\0b" }))
    assert.is_nil(write({ plugin = ("p"):rep(513) }))
    assert.is_nil(write({ attributes = "\1" }))
  end)

  it("is the inverse of reading, whatever is written", function()
    for _ = 1, 300 do
      local fields = {
        capabilities = chance.number(2 ^ 32),
        charset = chance.number(65536),
        user = chance.text(200),
        schema = chance.text(100),
        plugin = chance.text(60),
        attributes = mysql.text(chance.bytes(chance.number(60)))
          .. mysql.text(chance.bytes(chance.number(60))),
      }
      fields.answer = bit.band(fields.capabilities, CHALLENGE) ~= 0
        and chance.bytes(chance.number(256)) or chance.text(100)
      local packet = write(fields)
      local got, login, map = read(mysql.payload(packet), fields.capabilities)
      assert.are.equal(#packet - 4, got)
      assert.are.same({ fields.user, fields.answer, fields.schema,
        fields.charset }, { text(login.user), text(login.answer),
        text(login.schema), login.charset })
      assert.are.equal(packet, written(function(buf)
        core.mysql_write_change(buf, login)
      end))
      assert(map)
    end
  end)
end)
