-- Result sets: real ones of MariaDB, and broken ones.
local ffi = require "ffi"
local codec = require "support.mysql_codec"
local mysql = require "support.mysql"
local support = require "support.ffi"

local core = codec.core
local text, guarded = support.text, support.guarded
local read, read_packet = codec.read, codec.read_packet
local refuse_cuts = codec.refuse_cuts
local E_CUT, E_KIND, E_COLUMNS = codec.E_CUT, codec.E_KIND, codec.E_COLUMNS
local MARIADB = mysql.MARIADB


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
