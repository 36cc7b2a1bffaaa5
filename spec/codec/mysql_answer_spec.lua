-- OK, ERR, EOF and progress, as real servers say them.
local ffi = require "ffi"
local chance = require "support.chance"
local codec = require "support.mysql_codec"
local mysql = require "support.mysql"
local support = require "support.ffi"

local core, text, guarded = codec.core, support.text, support.guarded
local str, written, read = codec.str, codec.written, codec.read
local refuse_cuts = codec.refuse_cuts
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


-- What old clients take, and new ones; TRANSACTIONS is CLIENT_TRANSACTIONS.
local PROTOCOL_41, TRANSACTIONS = 0x200, 0x2000


local function write(what, fields, capabilities)
  local value = ffi.new("struct mysql_" .. what, fields)
  return written(function(buf)
    core["mysql_write_" .. what](buf, 2, value, capabilities)
  end)
end


describe("mysql_write_ok", function()
  it("writes what a server wrote", function()
    assert.are.equal(MARIADB.ok, write("ok", { status = 2 }, PROTOCOL_41))
  end)

  it("tells an old client less", function()
    local ok = { affected = 300, insert_id = 7, status = 2, warnings = 5 }
    assert.are.equal("\9\0\0\2\0\252\44\1\7\2\0\5\0",
      write("ok", ok, PROTOCOL_41 + TRANSACTIONS))
    assert.are.equal("\7\0\0\2\0\252\44\1\7\2\0", write("ok", ok, TRANSACTIONS))
    assert.are.equal("\5\0\0\2\0\252\44\1\7", write("ok", ok, 0))
  end)

  it("is the inverse of reading, whatever is written", function()
    for _ = 1, 200 do
      local fields = {
        affected = chance.number(2 ^ (1 + chance.number(52))),
        insert_id = chance.number(2 ^ (1 + chance.number(52))),
        status = chance.number(65536), warnings = chance.number(65536),
      }
      local payload = mysql.payload(write("ok", fields, PROTOCOL_41))
      local got, ok = read("ok", payload)
      assert.are.equal(#payload, got)
      assert.are.same(fields, { affected = tonumber(ok.affected),
        insert_id = tonumber(ok.insert_id), status = ok.status,
        warnings = ok.warnings })
    end
  end)
end)


describe("mysql_write_eof", function()
  it("writes what servers of either age write", function()
    local eof = { warnings = 1, status = 0x22 }
    assert.are.equal("\5\0\0\2\254\1\0\34\0", write("eof", eof, PROTOCOL_41))
    assert.are.equal("\1\0\0\2\254", write("eof", eof, TRANSACTIONS))
  end)
end)


describe("mysql_write_err", function()
  local function err(number, state, words, capabilities)
    local value = ffi.new("struct mysql_err", number, str(state), str(words))
    return written(function(buf)
      core.mysql_write_err(buf, 2, value, capabilities)
    end)
  end

  it("writes what a server wrote, before the login and after", function()
    assert.are.equal(MARIADB.denied, err(1045, "28000", "Access denied for "
      .. "user 'nobody'@'127.0.0.1' (using password: NO)", PROTOCOL_41))
    assert.are.equal("\23\0\0\2" .. mysql.payload(MARIADB.too_many),
      err(1040, "08004", "Too many connections", 0))
  end)

  it("writes no state that there is none of", function()
    local packet = err(2003, nil, "no server", PROTOCOL_41)
    assert.are.equal("\12\0\0\2\255\211\7no server", packet)
    local _, back, map = read("err", mysql.payload(packet))
    assert.are.equal(2003, back.number)
    assert.is_nil(text(back.state))
    assert(map)
  end)

  it("refuses another state, and the number of a report", function()
    assert.is_nil(err(1045, "2800", "words", PROTOCOL_41))
    assert.is_nil(err(1045, "280000", "words", PROTOCOL_41))
    assert.is_nil(err(1045, "", "words", PROTOCOL_41))
    assert.is_nil(err(0xffff, "28000", "words", PROTOCOL_41))
  end)
end)


describe("mysql_read_progress", function()
  -- Of MariaDB 10.11.19, during an ALTER TABLE.
  local REPORT = "\255\255\255\1\1\2\232\3\0\17copy to tmp table"

  it("reads a report, which is no error", function()
    local got, progress, map = read("progress", REPORT)
    assert.are.equal(#REPORT, got)
    assert.are.same({ 1, 2, 1000, "copy to tmp table" }, { progress.stage,
      progress.stages, progress.done, text(progress.action) })
    assert.are.equal(E_KIND, (read("err", REPORT)))
    assert(map)
  end)

  it("tells reports from errors", function()
    local function is_progress(payload)
      local p, map = guarded(payload)
      local answer = core.mysql_is_progress(p, #payload)
      assert(map)
      return answer
    end
    assert.is_true(is_progress(REPORT))
    assert.is_true(is_progress("\255\255\255"))
    for _, payload in ipairs({ "", "\255", "\255\255", "\255\21\4#28000no",
        "\0\255\255", "\255\255\254" }) do
      assert.is_false(is_progress(payload))
    end
  end)

  it("refuses cuts and errors", function()
    refuse_cuts("progress", REPORT)
    assert.are.equal(E_KIND, (read("progress", mysql.payload(MARIADB.denied))))
  end)
end)
