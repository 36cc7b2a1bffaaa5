-- OK, ERR, EOF and progress, as real servers say them.
local codec = require "support.mysql_codec"
local mysql = require "support.mysql"
local support = require "support.ffi"

local text = support.text
local read, refuse_cuts = codec.read, codec.refuse_cuts
local E_CUT, E_KIND = codec.E_CUT, codec.E_KIND
local MARIADB = mysql.MARIADB


describe("mysql_read_ok", function()
  it("reads the numbers", function()
    local got, ok = read("ok", "\0\252\1\2\253\3\0\1\34\0\5\0info")
    assert.are.equal(16, got)
    assert.are.same({ 0x201, 0x10003, 34, 5 }, { tonumber(ok.affected),
      tonumber(ok.insert_id), ok.status, ok.warnings })
  end)

  it("reads what a server sent", function()
    assert.are.equal(7, (read("ok", mysql.payload(MARIADB.ok))))
  end)

  it("reads numbers of eight bytes, and refuses what is none", function()
    local _, ok = read("ok", "\0\254\1\2\3\4\5\6\7\8\0\0\0\0\0")
    assert.are.equal(0x0807060504030201ULL, ok.affected)
    assert.are.equal(E_CUT, (read("ok", "\0\251\0\0\0\0\0\0")))
    assert.are.equal(E_CUT, (read("ok", "\0\255\0\0\0\0\0\0")))
  end)

  it("refuses cuts and other packets", function()
    refuse_cuts("ok", "\0\252\1\2\254\3\0\1\0\0\0\0\0\34\0\5\0")
    assert.are.equal(E_KIND, (read("ok", "\1\0\0\2\0\0\0")))
  end)
end)


describe("mysql_read_err", function()
  it("reads number, state and text", function()
    local got, err, map = read("err", mysql.payload(MARIADB.denied))
    assert.are.equal(73, got)
    assert.are.equal(1045, err.number)
    assert.are.equal("28000", text(err.state))
    assert.are.equal("Access denied for user 'nobody'@'127.0.0.1' (using "
      .. "password: NO)", text(err.text))
    assert(map)
  end)

  it("reads one without a state, as before a greeting", function()
    local got, err, map = read("err", mysql.payload(MARIADB.too_many))
    assert.are.equal(23, got)
    assert.are.equal(1040, err.number)
    assert.is_nil(text(err.state))
    assert.are.equal("Too many connections", text(err.text))
    assert(map)
  end)

  it("takes a text that begins like a state for a text", function()
    local _, err, map = read("err", "\255\1\4#2800")
    assert.are.equal("#2800", text(err.text))
    assert(map)
  end)

  it("refuses cuts and other packets", function()
    refuse_cuts("err", "\255\21\4")
    assert.are.equal(E_KIND, (read("err", "\0\21\4text")))
  end)
end)


describe("mysql_read_eof", function()
  it("reads the numbers, and refuses cuts and other packets", function()
    local got, eof = read("eof", "\254\1\0\2\0")
    assert.are.same({ 5, 1, 2 }, { got, eof.warnings, eof.status })
    refuse_cuts("eof", "\254\1\0\2\0")
    assert.are.equal(E_KIND, (read("eof", "\0\1\0\2\0")))
    assert.are.equal(E_KIND, (read("eof", "\254\0\0\0\0\0\0\0\0")))
  end)
end)
