-- MySQL's packets, and the fields that they are written of.
local ffi = require "ffi"
local codec = require "support.mysql_codec"
local mysql = require "support.mysql"

local core = codec.core
local str, written, read_packet = codec.str, codec.written, codec.read_packet
local E_LENGTH = codec.E_LENGTH
local MARIADB = mysql.MARIADB


describe("mysql_read_packet", function()
  it("waits at every cut", function()
    for n = 0, #MARIADB.ok - 1 do
      assert.are.equal(0, (read_packet(MARIADB.ok:sub(1, n))))
    end
  end)

  it("takes one packet, and leaves what follows", function()
    local got, packet, map = read_packet(MARIADB.ok .. "\1\0\0\3x")
    assert.are.equal(11, got)
    assert.are.equal(2, packet.sequence)
    assert.are.equal(mysql.payload(MARIADB.ok),
      ffi.string(packet.p, packet.len))
    assert(map)
  end)

  it("refuses a long one by its header", function()
    assert.are.equal(0, (read_packet("\232\3\0\0")))
    assert.are.equal(E_LENGTH, (read_packet("\233\3\0\0")))
    assert.are.equal(E_LENGTH, (read_packet("\255\255\255\0", 0xffffffff)))
    assert.are.equal(0, (read_packet("\254\255\255\0", 0xffffffff)))
  end)

  it("takes an empty one, which has no first byte", function()
    local got, packet = read_packet("\0\0\0\5")
    assert.are.equal(4, got)
    assert.are.equal(-1, core.mysql_lead(packet))
  end)
end)


describe("mysql_write_packet and mysql_write_command", function()
  it("write the header", function()
    assert.are.equal("\3\0\0\7abc", written(function(buf)
      core.mysql_write_packet(buf, 7, str("abc"))
    end))
    assert.are.equal("\1\0\0\0\1", written(function(buf)
      core.mysql_write_command(buf, core.MYSQL_COM_QUIT, str(""))
    end))
    assert.are.equal("\9\0\0\0\3SELECT 1", written(function(buf)
      core.mysql_write_command(buf, core.MYSQL_COM_QUERY, str("SELECT 1"))
    end))
  end)

  it("fail the buffer where they do not fit", function()
    assert.is_nil(written(function(buf)
      core.mysql_write_packet(buf, 7, str("abc"))
    end, 6))
  end)
end)


describe("mysql_write_lenenc", function()
  it("takes as few bytes as can be", function()
    for n, bytes in pairs({ [0] = "\0", [250] = "\250", [251] = "\252\251\0",
        [65535] = "\252\255\255", [65536] = "\253\0\0\1",
        [0xffffff] = "\253\255\255\255",
        [0x1000000] = "\254\0\0\0\1\0\0\0\0" }) do
      assert.are.equal(bytes, written(function(buf)
        core.mysql_write_lenenc(buf, n)
      end))
    end
  end)
end)


describe("mysql_error_text", function()
  it("has words for every error", function()
    local seen = {}
    for code = codec.E_ATTRIBUTES, E_LENGTH do
      local words = ffi.string(core.mysql_error_text(code))
      assert.is_nil(seen[words])
      seen[words] = true
    end
    assert.are.equal("unknown error", ffi.string(core.mysql_error_text(0)))
  end)
end)
