--- KILL as a statement and as a command of its own, and what takes its place.
local ffi = require "ffi"
local mysql = require "support.mysql"
local support = require "support.ffi"

local core = support.load("codec/mysql_kill.h")

local KILLS = {
  { "KILL 5", 5 }, { "kill query 5", 5 }, { "KILL CONNECTION 5;", 5 },
  { "Kill Hard Query 2147483700 ; ", 2147483700 }, { "KILL SOFT 7\n", 7 },
  { "KILL hard CONNECTION 4294967295", 4294967295 },
  { " \t\r\n/* a */-- b\n# c\nKILL/**/QUERY/* ; */5 # end", 5 },
  { "KILL 0005", 5 },
}

local OTHERS = {
  "KILL", "KILL QUERY", "KILL ?", "KILL 5 5", "KILL 5; SELECT 1", "KILL 5x",
  "KILL QUERY ID 5", "KILL USER app", "KILL 4294967296", "KILL -5",
  "KILL 1+4", "KILL 5;;", "KILL (5)", "KILLER 5", "K", "kill @a",
  "/*!40001 KILL 5 */", "/* KILL 5", "KILL 5 /* open", "SELECT 'KILL 5'",
  "KILL HARD SOFT 5", "KILL QUERY CONNECTION 5", "KILL 99999999999999999999",
}


-- What is read of a payload, in a page of its own; nil: it is no KILL.
local function read(payload, text_at)
  local p, map = support.guarded(payload)
  local kill = ffi.new("struct mysql_kill")
  local got = tonumber(core.mysql_read_kill(kill, p, #payload, text_at or 1))
  assert(map)
  if got < 0 then
    assert.are.equal(tonumber(core.MYSQL_E_KIND), got)
    return nil
  end
  assert.are.equal(#payload, got)
  return kill, p, map
end


-- The payload of what a writer appends.
local function written(write, ...)
  local space = ffi.new("char[1024]")
  local to = ffi.new("struct buf")
  core.buf_init(to, space, 1024)
  write(to, ...)
  assert.is_false(to.failed)
  local bytes = ffi.string(to.p, to.len)
  local payload = bytes:sub(5)
  assert.are.equal(mysql.packet(0, payload), bytes)
  return payload
end


local function signal(words, text_at)
  return written(core.mysql_write_signal, 1094,
    ffi.new("struct str", words, #words), text_at or 1)
end


describe("KILL", function()
  it("is read as a statement, and written with another number", function()
    for _, case in ipairs(KILLS) do
      for _, lead in ipairs({ "\3", "\3\0\1" }) do
        local kill, p, map = read(lead .. case[1], #lead)
        assert(kill and p and map, case[1])
        assert.are.equal(case[2], tonumber(kill.id))
        local wanted = case[1]:gsub("0*" .. ("%.0f"):format(case[2]), "77", 1)
        assert.are.equal(lead .. wanted,
          written(core.mysql_write_kill, kill, 77))
      end
    end
  end)

  it("is nothing else", function()
    for _, text in ipairs(OTHERS) do
      assert.is_nil(read("\3" .. text), text)
      assert.is_nil(read("\3\0\1" .. text, 3), text)
    end
    assert.is_nil(read("\3\1\1KILL 5", 3))
    assert.is_nil(read("\3\0\2KILL 5", 3))
    assert.is_nil(read("\22KILL 5"))
    assert.is_nil(read("\3KILL 5" .. (" "):rep(256)))
    assert.is_nil(read(""))
  end)

  it("is a command of its own", function()
    local kill, p, map = read("\12\1\2\3\128")
    assert(kill and p and map)
    assert.is_false(kill.is_text)
    assert.are.equal(0x80030201, tonumber(kill.id))
    assert.are.equal("\12\77\0\0\0", written(core.mysql_write_kill, kill, 77))
    assert.is_nil(read("\12\1\2\3"))
    assert.is_nil(read("\12\1\2\3\4\5"))
  end)

  it("cut anywhere is another or none", function()
    local text = "\3 KILL HARD QUERY 123 ; # end"
    for n = 1, #text do
      local kill = read(text:sub(1, n))
      assert.are.equal(n > 18, kill ~= nil, text:sub(1, n))
    end
  end)
end)


describe("mysql_may_be_kill", function()
  it("says so by the first bytes, or asks for more", function()
    local function ask(bytes, len, text_at)
      return core.mysql_may_be_kill(bytes, #bytes, len or #bytes, text_at or 1)
    end
    assert.are.equal(-1, ask("", 5))
    assert.are.equal(-1, ask("\3", 7))
    assert.are.equal(1, ask("\3k", 7))
    assert.are.equal(0, ask("\3s", 7))
    assert.are.equal(0, ask("\3", 257))
    assert.are.equal(-1, ask("\3\0\1", 9, 3))
    assert.are.equal(1, ask("\3\0\1 ", 9, 3))
    assert.are.equal(0, ask("\3", 3, 3))
    assert.are.equal(0, ask("\12", 4))
    assert.are.equal(1, ask("\12", 5))
    assert.are.equal(0, ask("\14", 1))
  end)
end)


describe("a statement that fails in its place", function()
  it("says its words, whatever they hold", function()
    assert.are.equal("\3SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1094, "
      .. "MESSAGE_TEXT = 'Unknown thread id: 5'",
      signal("Unknown thread id: 5"))
    assert.are.equal("\3\0\1SIGNAL", signal("a", 3):sub(1, 9))
    assert.is_truthy(signal("it's a \\ \n \255")
      :find("MESSAGE_TEXT = 'it''s a ? ? ?'", 1, true))
    assert.is_truthy(signal(("x"):rep(300))
      :find("= '" .. ("x"):rep(128) .. "'$"))
  end)
end)
