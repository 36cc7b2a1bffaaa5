-- Switches to other plugins, and what these say.
local ffi = require "ffi"
local codec = require "support.mysql_codec"
local mysql = require "support.mysql"
local support = require "support.ffi"

local core = codec.core
local text, guarded = support.text, support.guarded
local str, read = codec.str, codec.read
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
