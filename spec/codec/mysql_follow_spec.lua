--- Commands and answers that pass by: what is told of them, however they come.
local ffi = require "ffi"
local mysql = require "support.mysql"
local support = require "support.ffi"

local core = support.load("codec/mysql_follow.h")

local BY_OK, NO_METADATA, CACHE = 0x1000000, 0x2000000, 0x10
local EOF, END = "\254\0\0\2\0", "\254\0\0\2\0\0\0"
local OK = "\0\0\0\2\0\0\0"
local COLUMN = "\3def\0\0\0\1a\0\12?\0\1\0\0\0\3\129\0\0\0\0"
local ERR = "\255\40\4#42000You have an error"


-- The bytes of these payloads as packets, numbered from FIRST.
local function packets(payloads, first)
  local out = {}
  for i, payload in ipairs(payloads) do
    out[i] = mysql.packet((i - 1 + (first or 1)) % 256, payload)
  end
  return table.concat(out)
end


local function ask(...)
  local out = {}
  for i, payload in ipairs { ... } do
    out[i] = mysql.packet(0, payload)
  end
  return { sent = table.concat(out) }
end


local function answer(...)
  return { said = packets { ... } }
end


-- What a follower tells of turns that come in pieces: "Q" and the text for a
-- command, "ok", "ok+" where more results follow, "E" and a number, "lost".
local function follow(turns, options, piece)
  local f, used = ffi.new("struct mysql_follow"), ffi.new("size_t[1]")
  local told, text = {}, nil
  core.mysql_follow_init(f, options.can or 0, options.mariadb or 0,
    options.logging_in or false)

  local function tell(event, p, in_command)
    if in_command then
      text = text .. ffi.string(p, used[0])
    end
    if event == core.MYSQL_FOLLOW_COMMAND then
      text = ffi.string(f.up.head, f.up.head_len)
    elseif event == core.MYSQL_FOLLOW_COMMAND_END then
      told[#told + 1] = text
    elseif event == core.MYSQL_FOLLOW_LOST then
      told[#told + 1] = "lost"
    elseif event == core.MYSQL_FOLLOW_RESULT then
      local r = f.result
      told[#told + 1] = (r.error ~= 0 and "E" .. r.error
        or "ok" .. (r.told and r.status or "")) .. (r.last and "" or "+")
    end
  end

  for _, turn in ipairs(turns) do
    local bytes = turn.sent or turn.said
    local next_event = turn.sent and core.mysql_follow_sent
      or core.mysql_follow_said
    for at = 1, #bytes, piece do
      local part = bytes:sub(at, at + piece - 1)
      local p, map = support.guarded(part)
      local n, event = #part
      p = ffi.cast("uint8_t *", p)
      repeat
        local in_command = turn.sent and f.in_command
        event = next_event(f, p, n, used)
        tell(event, p, in_command)
        p, n = p + used[0], n - tonumber(used[0])
      until event == core.MYSQL_FOLLOW_MORE
      assert.are.equal(0, n)
      assert(map)
    end
    if turn.busy ~= nil then
      assert.are.equal(turn.busy, core.mysql_follow_is_busy(f))
    end
  end
  return table.concat(told, " ")
end


-- The turns must come to WANTED in any pieces.
local function expect(wanted, turns, options)
  local longest = 0
  for _, turn in ipairs(turns) do
    longest = math.max(longest, #(turn.sent or turn.said))
  end
  for piece = 1, math.min(longest, 60) do
    assert.are.equal(wanted, follow(turns, options or {}, piece),
      "in pieces of " .. piece)
  end
  assert.are.equal(wanted, follow(turns, options or {}, longest))
end


describe("mysql_follow", function()
  it("tells of commands and of plain answers", function()
    expect("\3BEGIN ok3 \14 ok2 \2app ok2 \3SELEC E1064", {
      ask "\3BEGIN", answer "\0\0\0\3\0\0\0", ask "\14", answer(OK),
      ask "\2app", answer(OK), ask "\3SELEC", answer(ERR) })
  end)

  it("knows where rows end", function()
    local rows = { "\1", COLUMN, EOF, "\1x", "\251", "\0", EOF }
    expect("\3SELECT 1 ok2", { ask "\3SELECT 1", { said = packets(rows) } })
    expect("\3SELECT 1 ok2", { ask "\3SELECT 1",
      answer("\1", COLUMN, "\1x", "\251", "\0", END) }, { can = BY_OK })
    expect("\3SELECT 1 E1064", { ask "\3SELECT 1",
      answer("\1", COLUMN, EOF, "\1x", ERR) })
    expect("\3SELECT 1 ok2", { ask "\3SELECT 1",
      answer("\2", COLUMN, COLUMN, EOF, EOF) })
  end)

  it("takes a long row that begins as an end for a row", function()
    local row = "\254\0\0\0\1\0\0\0\0" .. ("x"):rep(0xffffff - 9)
    for can, last in pairs { [0] = EOF, [BY_OK] = END } do
      local head = can == 0 and { "\1", COLUMN, EOF } or { "\1", COLUMN }
      local turns = { ask "\3S", { said = packets(head) .. "\255\255\255\9"
        .. row .. packets({ "rest", last }, 10) } }
      assert.are.equal("\3S ok2", follow(turns, { can = can }, 100000))
    end
  end)

  it("knows several results", function()
    expect("\3S ok10+ ok8+ ok2", { ask "\3S",
      { said = packets { "\1", COLUMN, EOF, "\1x", "\254\0\0\10\0" }
        .. packets { "\0\0\0\8\0\0\0" }
        .. packets { "\1", COLUMN, EOF, EOF } } })
    expect("\3S ok10+ E1064", { ask "\3S",
      answer("\1", COLUMN, "\254\0\0\10\0\0\0", ERR) }, { can = BY_OK })
  end)

  it("knows prepared statements", function()
    local prepared = "\0\1\0\0\0\2\0\1\0\0\0\0"
    expect("\22S ok \22S ok \22S E1064 \23\1 ok2", {
      ask "\22S", answer(prepared, COLUMN, EOF, COLUMN, COLUMN, EOF),
      ask "\22S", answer "\0\1\0\0\0\0\0\0\0\0\0\0", ask "\22S", answer(ERR),
      ask "\23\1", answer("\1", COLUMN, EOF, "\0\0x", EOF) })
    expect("\22S ok \25\1 \24\1 \23\1 ok2", {
      ask "\22S", answer(prepared, COLUMN, COLUMN, COLUMN),
      ask("\25\1", "\24\1", "\23\1"), answer(OK) }, { can = BY_OK })
    expect("\22S ok", { ask "\22S", answer(prepared .. "\0") },
      { can = NO_METADATA })
  end)

  it("knows cursors, and rows that are fetched", function()
    expect("\23\1 ok66 \28\1 ok66 \28\1 ok130", {
      ask "\23\1", answer("\1", COLUMN, "\254\0\0\66\0"),
      ask "\28\1", answer("\0\0x", "\0\0y", "\254\0\0\66\0"),
      ask "\28\1", answer "\254\0\0\130\0" })
  end)

  it("knows columns that are not described", function()
    expect("\3S ok2 \3S ok2", { ask "\3S", answer("\0\1", EOF, "\1x", EOF),
      ask "\3S", answer("\1\1", COLUMN, EOF, "\1x", EOF) },
      { can = NO_METADATA })
    expect("\23\1 ok2 \23\1 ok2", { ask "\23\1", answer("\1\0", "\0\0x", END),
      ask "\23\1", answer("\1\1", COLUMN, "\0\0x", END) },
      { can = BY_OK, mariadb = CACHE })
  end)

  it("knows files that the client sends", function()
    expect("\3LOAD ok2 \14 ok2", { ask "\3LOAD", answer "\251/etc/passwd",
      { sent = packets({ "\3SELECT", "\17user", "" }, 254) }, answer(OK),
      ask "\14", answer(OK) })
    expect("\3LOAD E1064", { ask "\3LOAD", answer "\251x",
      { sent = packets({ "" }, 2) }, answer(ERR) })
  end)

  it("knows changes of user", function()
    expect("\17u ok2 \3S ok2", { ask "\17u", answer "\254plugin\0challenge",
      { sent = mysql.packet(3, "\17answer") }, answer "\1more",
      { sent = mysql.packet(5, "") }, answer(OK), ask "\3S", answer(OK) })
    expect("\17u E1064", { ask "\17u", answer(ERR) })
  end)

  it("begins behind a login", function()
    expect("ok2 \3S ok2", { answer "\254plugin\0challenge",
      { sent = mysql.packet(3, "answer") }, answer(OK), ask "\3S",
      answer(OK) }, { logging_in = true })
  end)

  it("knows the other commands", function()
    expect("\9 ok \10 ok2 \4t ok2 \27\0 ok2 \31 ok2 \99 E1064 \1", {
      ask "\9", answer "Uptime: 5", ask "\10",
      answer("\1", COLUMN, EOF, "\1x", EOF), ask "\4t",
      answer(COLUMN, COLUMN, EOF), ask "\27\0", answer(EOF), ask "\31",
      answer(OK), ask "\99", answer(ERR), ask "\1" })
    expect("\4t ok2 \27\0 ok", { ask "\4t", answer(COLUMN, END), ask "\27\0",
      answer(END) }, { can = BY_OK })
  end)

  it("takes commands before the answers", function()
    local turns = { ask("\3a", "\22b", "\24c", "\3d"), answer(OK),
      answer "\0\1\0\0\0\0\0\0\0\0\0\0", answer(ERR) }
    expect("\3a \22b \24c \3d ok2 ok E1064", turns)
  end)

  it("passes reports of progress over, and hears a server that speaks first",
     function()
    expect("\3ALTER ok2 E1053", { ask "\3ALTER",
      answer("\255\255\255\1\1\2\0\0\0\3abc", OK),
      answer "\255\29\4#08S01shutdown" })
  end)

  it("takes one command of many packets for one", function()
    local text = ("x"):rep(0xffffff)
    local turns = { { sent = "\255\255\255\0\3" .. text:sub(2)
      .. "\255\255\255\1" .. text .. mysql.packet(2, "") }, answer(OK) }
    local told = follow(turns, {}, 1000000)
    assert.are.equal(1 + 0xffffff - 1 + 4 + 0xffffff + 4 + #" ok2", #told)
  end)

  it("is busy from a command's first byte to its answer's last", function()
    follow({ { sent = "\2", busy = true }, { sent = "\0\0\0\3a", busy = true },
      { said = mysql.packet(1, OK):sub(1, -2), busy = true },
      { said = "\0", busy = false },
      { sent = mysql.packet(0, "\25\1"), busy = false } }, {}, 100)
  end)

  for name, turns in pairs {
    ["an answer to nothing"] = { answer(OK) },
    ["an empty answer"] = { ask "\3S", answer "" },
    ["an answer that is none"] = { ask "\14", answer "\5hello" },
    ["a set of no columns"] = { ask "\3S", answer "\252\0\0" },
    ["bytes behind the number of columns"] = { ask "\3S", answer "\1\1" },
    ["an EOF that is none"] = { ask "\3S", answer("\1", COLUMN, COLUMN) },
    ["an OK that is cut"] = { ask "\3S", answer "\0\0" },
    ["an OK to a prepared statement that is cut"] = { ask "\22S",
      answer "\0\1\0\0\0" },
    ["an answer to a plugin where none asked"] = {
      { sent = mysql.packet(3, "answer") } },
    ["an empty command"] = { ask "" },
    ["a change of user that goes astray"] = { ask "\17u", answer "\7" },
    ["replication"] = { ask "\18" },
    ["a file that is asked for by a prepared statement"] = { ask "\23\1",
      answer "\251x" },
    ["a command where a file should come"] = { ask("\3LOAD", "\3S"),
      answer "\251x" },
    ["33 commands"] = { { sent = mysql.packet(0, "\14"):rep(33) } },
  } do
    it("is lost, and silent from then on, at " .. name, function()
      turns[#turns + 1] = ask "\3S"
      turns[#turns + 1] = answer(OK)
      for piece = 1, 20 do
        local told = follow(turns, {}, piece)
        assert.is_truthy(told:find("lost$"), told)
      end
    end)
  end
end)
