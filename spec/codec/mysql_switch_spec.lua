-- Switches to other plugins, and what these say.
local ffi = require "ffi"
local chance = require "support.chance"
local codec = require "support.mysql_codec"
local mysql = require "support.mysql"
local support = require "support.ffi"

local core, text, guarded = codec.core, support.text, support.guarded
local str, written, read = codec.str, codec.written, codec.read
local E_CUT, E_KIND = codec.E_CUT, codec.E_KIND
local MARIADB = mysql.MARIADB


describe("mysql_read_switch", function()
  it("reads plugin and challenge as they are", function()
    local got, request, map =
      read("switch", mysql.payload(MARIADB.switch_ed25519))
    assert.are.equal(48, got)
    assert.are.equal("client_ed25519", text(request.plugin))
    assert.are.equal(MARIADB.switch_ed25519:sub(-32), text(request.data))
    assert(map)
  end)

  it("takes the short form for the oldest plugin", function()
    local got, request = read("switch", "\254")
    assert.are.equal(1, got)
    assert.are.equal("mysql_old_password", text(request.plugin))
  end)

  it("refuses cuts and other packets", function()
    assert.are.equal(E_CUT, (read("switch", "")))
    for n = 2, 15 do
      assert.are.equal(E_CUT, (read("switch",
        mysql.payload(MARIADB.switch_ed25519):sub(1, n))))
    end
    assert.are.equal(E_KIND, (read("switch", "\1plugin\0")))
  end)
end)


describe("mysql_read_more", function()
  it("gives what the plugin says", function()
    local out = ffi.new("struct str")
    for payload, said in pairs({ ["\1\3"] = "\3", ["\1"] = "",
        ["\1-----BEGIN"] = "-----BEGIN" }) do
      local p, map = guarded(payload)
      assert.are.equal(#payload,
        tonumber(core.mysql_read_more(out, p, #payload)))
      assert.are.equal(said, text(out))
      assert(map)
    end
    assert.are.equal(E_KIND, tonumber(core.mysql_read_more(out,
      ffi.cast("const uint8_t *", "\0"), 1)))
    assert.are.equal(E_CUT, tonumber(core.mysql_read_more(out,
      ffi.cast("const uint8_t *", ""), 0)))
  end)
end)


describe("mysql_write_switch", function()
  local function write(plugin, data, old)
    local request = ffi.new("struct mysql_switch", {
      plugin = str(plugin), data = str(data), old = old or false })
    return written(function(buf)
      core.mysql_write_switch(buf, 2, request)
    end)
  end

  it("writes what a server wrote", function()
    local _, request, map =
      read("switch", mysql.payload(MARIADB.switch_ed25519))
    assert.are.equal(MARIADB.switch_ed25519, written(function(buf)
      core.mysql_write_switch(buf, 2, request)
    end))
    assert(map)
  end)

  it("writes the manual's example", function()
    local data = "zQg4i6oNy6=rHN/>-b)A\0"
    assert.are.equal(",\0\0\2\254mysql_native_password\0" .. data,
      write("mysql_native_password", data))
  end)

  it("writes the short form", function()
    assert.are.equal("\1\0\0\2\254", write("p", "data", true))
    local _, request = read("switch", "\254")
    assert.is_true(request.old)
    assert.are.equal("\1\0\0\2\254", written(function(buf)
      core.mysql_write_switch(buf, 2, request)
    end))
  end)

  it("is never taken for the short form", function()
    local _, request, map = read("switch", mysql.payload(write("", "")))
    assert.is_false(request.old)
    assert.are.equal("", text(request.plugin))
    assert(map)
  end)

  it("refuses a NUL in the plugin's name", function()
    assert.is_nil(write("p\0q", "data"))
  end)

  it("is the inverse of reading, whatever is written", function()
    for _ = 1, 200 do
      local plugin = chance.text(60)
      local data = chance.bytes(chance.number(300))
      local payload = mysql.payload(write(plugin, data))
      local got, request, map = read("switch", payload)
      assert.are.equal(#payload, got)
      assert.are.same({ plugin, data },
        { text(request.plugin), text(request.data) })
      assert(map)
    end
  end)
end)


describe("mysql_write_more", function()
  it("writes each step of the sha2 plugins", function()
    for step, name in pairs({ [3] = "MYSQL_SHA2_FAST",
        [4] = "MYSQL_SHA2_FULL" }) do
      assert.are.equal("\2\0\0\2\1" .. string.char(step),
        written(function(buf)
          core.mysql_write_more(buf, 2, str(string.char(core[name])))
        end))
    end
    assert.are.same({ 1, 2 },
      { core.MYSQL_SHA256_SEND_KEY, core.MYSQL_SHA2_SEND_KEY })
  end)

  it("writes a key as it is, and nothing", function()
    local key = "-----BEGIN PUBLIC KEY-----\n"
    assert.are.equal(mysql.packet(4, "\1" .. key), written(function(buf)
      core.mysql_write_more(buf, 4, str(key))
    end))
    assert.are.equal("\1\0\0\4\1", written(function(buf)
      core.mysql_write_more(buf, 4, str(""))
    end))
  end)
end)
