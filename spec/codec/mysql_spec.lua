-- MySQL's packets: real ones of MariaDB, MySQL 8's by the manual, and broken
-- ones.
local ffi = require "ffi"
local mysql = require "support.mysql"
local support = require "support.ffi"

local core = support.load("codec/mysql.h", "codec/mysql_login.h",
  "codec/mysql_result.h")
local text, guarded = support.text, support.guarded

local E_LENGTH, E_CUT, E_KIND, E_PROTOCOL, E_COLUMNS = -1, -2, -3, -4, -5
local MARIADB = mysql.MARIADB


local function str(s)
  return s and ffi.new("struct str", s, #s) or ffi.new("struct str")
end


local function written(write, size)
  local memory, buf = ffi.new("char[?]", size or 4096), ffi.new("struct buf")
  core.buf_init(buf, memory, size or 4096)
  write(buf)
  if buf.failed then
    return nil
  end
  return ffi.string(buf.p, buf.len)
end


-- Reads a payload into a struct: what was returned, the struct, and what its
-- texts point into.
local function read(what, bytes)
  local out = ffi.new("struct mysql_" .. what)
  local p, map = guarded(bytes)
  return tonumber(core["mysql_read_" .. what](out, p, #bytes)), out, map
end


local function read_packet(bytes, max)
  local out = ffi.new("struct mysql_packet")
  local p, map = guarded(bytes)
  local got = tonumber(core.mysql_read_packet(out, p, #bytes, max or 1000))
  return got, out, map
end


-- That every cut of a payload is an error, and none reads beyond it.
local function refuse_cuts(what, payload, from)
  for n = from or 0, #payload - 1 do
    local got = read(what, payload:sub(1, n))
    assert.are.equal(E_CUT, got, ("%s cut at %d"):format(what, n))
  end
end


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


describe("mysql_read_greeting", function()
  local function challenge(greeting)
    return ffi.string(greeting.challenge, greeting.challenge_len)
  end

  it("reads MariaDB's, without what stands before its version", function()
    local got, greeting, map =
      read("greeting", mysql.payload(MARIADB.greeting))
    assert.are.equal(100, got)
    assert.are.equal("10.11.19-MariaDB-0+deb12u1", text(greeting.version))
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
    local _, greeting, map = read("greeting", "\0105.1.73\0\1\0\0\0abcdefgh\0"
      .. "\255\247\8\2\0" .. ("\0"):rep(13) .. "0123456789ab\0")
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


describe("mysql_write_login", function()
  local function login(fields, size)
    local attributes = ffi.new("struct mysql_attribute[1]")
    local name, value = "program_name", "moongate"
    attributes[0].name, attributes[0].value = str(name), str(value)
    return written(function(buf)
      core.mysql_write_login(buf, 1, ffi.new("struct mysql_login", {
        capabilities = fields.capabilities or 0x0138a200,
        max_packet = 0x01000000,
        charset = 45,
        user = str(fields.user),
        answer = str(fields.answer or ""),
        schema = str(fields.schema),
        plugin = str(fields.plugin),
        attributes = attributes,
        attribute_count = fields.attributes or 0,
      }))
    end, size)
  end

  local FIXED = "\0\0\0\1-" .. ("\0"):rep(23)

  it("writes what a server took", function()
    assert.are.equal("T\0\0\1\0\1628\1" .. FIXED .. "check\0\0"
      .. "mysql_native_password\0\22\12program_name\8moongate",
      login({ user = "check", plugin = "mysql_native_password",
        attributes = 1 }))
  end)

  it("leaves out what is absent, and says so", function()
    assert.are.equal("$\0\0\1\0\162\32\1" .. FIXED .. "u\0\1x",
      login({ capabilities = 0x01382008, user = "u", answer = "x" }))
  end)

  it("writes a schema, and an answer's length in a byte", function()
    assert.are.equal("+\0\0\1\8\130\8\0" .. FIXED .. "u\0\2xyapp\0p\0",
      login({ capabilities = 0x80008, user = "u", answer = "xy",
        schema = "app", plugin = "p" }))
  end)

  it("refuses what does not fit", function()
    assert.is_nil(login({ user = "a\0b" }))
    assert.is_nil(login({ user = "u", plugin = "a\0b" }))
    assert.is_nil(login({ user = "u" }, 20))
    assert.is_nil(login({ capabilities = 0, user = "u",
      answer = ("x"):rep(256) }))
    assert.is_not_nil(login({ capabilities = 0x200000, user = "u",
      answer = ("x"):rep(256) }))
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


describe("mysql_result_next", function()
  local PARTS = { "ok", "error", "count", "column", "columns", "row", "end" }

  -- The parts of a result in some bytes; rows as tables, NULL as false.
  local function parts(bytes, capabilities)
    local result = ffi.new("struct mysql_result")
    core.mysql_result_init(result, capabilities or 0)
    local list = {}
    while #bytes > 0 do
      local got, packet, map = read_packet(bytes)
      assert(got > 0, "cut off")
      bytes = bytes:sub(got + 1)
      local part = core.mysql_result_next(result, packet.p, packet.len)
      if part == 6 then
        local values = ffi.new("struct str[?]", result.columns)
        assert.are.equal(tonumber(packet.len), tonumber(core.mysql_read_row(
          values, result.columns, packet.p, packet.len)))
        local row = {}
        for i = 1, result.columns do
          row[i] = text(values[i - 1]) or false
        end
        list[#list + 1] = row
      else
        list[#list + 1] = PARTS[part] or part
      end
      assert(map)
      if part < 0 then
        break
      end
    end
    list.done = result.state == core.MYSQL_RESULT_DONE
    return list, result
  end

  local END_BY_OK = 0x01000000

  it("reads a set that EOFs divide", function()
    assert.are.same({ "count", "column", "column", "column", "columns",
      { "1", false, "x" }, "end", done = true }, (parts(MARIADB.rows)))
  end)

  it("reads a set that an OK ends", function()
    assert.are.same({ "count", "column", "column", { "read_only", "OFF" },
      { "wsrep_on", "ON" }, { "wsrep_reject_queries", "NONE" }, "end",
      done = true }, (parts(MARIADB.variables, END_BY_OK)))
  end)

  it("reads an OK without a set", function()
    local list, result = parts("\7\0\0\1\0\3\0\2\0\0\0")
    assert.are.same({ "ok", done = true }, list)
    assert.are.equal(3, tonumber(result.ok.affected))
  end)

  it("reads errors, before and behind rows", function()
    assert.are.same({ "error", done = true },
      (parts(mysql.err(1, 1146, "42S02", "no such table"))))
    local rows = MARIADB.rows:sub(1, -10)
      .. mysql.err(7, 1317, "70100", "interrupted")
    local list, result = parts(rows)
    assert.are.equal("error", list[#list])
    assert.is_true(list.done)
    assert.are.equal(1317, result.err.number)
  end)

  it("goes on where further results follow", function()
    local list = parts("\7\0\0\1\0\0\0\10\0\0\0" .. MARIADB.rows)
    assert.are.equal("ok", list[1])
    assert.are.equal("count", list[2])
    assert.is_true(list.done)
    list = parts(MARIADB.rows:sub(1, -3) .. "\10\0" .. MARIADB.ok)
    assert.are.equal("end", list[#list - 1])
    assert.are.equal("ok", list[#list])
  end)

  it("is not over before its last packet", function()
    local bytes, at = MARIADB.rows, 0
    while at < #bytes do
      assert.is_false((parts(bytes:sub(1, at))).done)
      at = at + (read_packet(bytes:sub(at + 1)))
    end
    assert.is_true((parts(bytes)).done)
  end)

  it("takes a value that begins like the end for a value", function()
    local list = parts(MARIADB.variables:sub(1, -12)
      .. mysql.packet(7, "\252\3\0abc\1x") .. "\7\0\0\8\254\0\0\2\0\0\0",
      END_BY_OK)
    assert.are.same({ "abc", "x" }, list[#list - 1])
  end)

  it("refuses what is no result", function()
    for payload, code in pairs({ ["\251/etc/passwd"] = E_KIND, [""] = E_CUT,
        ["\252"] = E_CUT, ["\252\0\0"] = E_KIND, ["\252\1\16"] = E_COLUMNS,
        ["\254\255\255\255\255\255\255\255\255"] = E_COLUMNS,
        ["\0"] = E_CUT, ["\255\1"] = E_CUT }) do
      local list = parts(mysql.packet(1, payload))
      assert.are.same({ code, done = false }, list)
    end
    -- no EOF behind the columns, and something behind the end
    local list = parts(MARIADB.variables)
    assert.are.equal(E_KIND, list[#list])
    list = parts(MARIADB.rows .. MARIADB.ok)
    assert.are.equal(E_KIND, list[#list])
  end)
end)


describe("mysql_read_column", function()
  local payload = "\3def\18information_schema\17SESSION_VARIABLES"
    .. "\17SESSION_VARIABLES\13Variable_name\13VARIABLE_NAME\12-\0\0\1\0\0\253"
    .. "\1\16\0\0\0"

  it("reads names and numbers", function()
    local got, column, map = read("column", payload)
    assert.are.equal(#payload, got)
    assert.are.same({ "information_schema", "SESSION_VARIABLES",
      "Variable_name" },
      { text(column.schema), text(column.table), text(column.name) })
    assert.are.same({ 45, 256, 253, 0x1001, 0 }, { column.charset,
      column.width, column.type, column.flags, column.decimals })
    assert(map)
  end)

  it("refuses cuts, and another length of what is fixed", function()
    refuse_cuts("column", payload)
    assert.are.equal(E_KIND, (read("column", (payload:gsub("\12%-", "\11-")))))
  end)
end)


describe("mysql_read_row", function()
  local function read_row(payload, count)
    local values = ffi.new("struct str[?]", count)
    local p, map = guarded(payload)
    local got = tonumber(core.mysql_read_row(values, count, p, #payload))
    return got, map
  end

  it("refuses cuts, and fewer or more values", function()
    local payload = "\1a\251\252\3\0xyz\0"
    assert.are.equal(#payload, (read_row(payload, 4)))
    for n = 0, #payload - 1 do
      assert.are.equal(E_CUT, (read_row(payload:sub(1, n), 4)))
    end
    assert.are.equal(E_KIND, (read_row(payload, 3)))
    assert.are.equal(E_CUT, (read_row(payload, 5)))
    assert.are.equal(E_CUT, (read_row("\254\255\255\255\255\255\255\255\255x",
      1)))
  end)
end)


describe("mysql_error_text", function()
  it("has words for every error", function()
    local seen = {}
    for code = E_COLUMNS, E_LENGTH do
      local words = ffi.string(core.mysql_error_text(code))
      assert.is_nil(seen[words])
      seen[words] = true
    end
    assert.are.equal("unknown error", ffi.string(core.mysql_error_text(0)))
  end)
end)
