-- A change of user in a stream of commands: found however the bytes come.
local ffi = require "ffi"
local mysql = require "support.mysql"
local support = require "support.ffi"

local core = support.load("codec/mysql_watch.h")
local CHANGE = "\17app\0\0app\0"


-- Feeds a stream in pieces, as its user does: what is kept back comes again.
-- Returns what passed, with "!" in place of each change of user and "?" in
-- place of what may be a KILL.
local function pass(stream, piece, text_at)
  local watch = ffi.new("struct mysql_watch")
  core.mysql_watch_init(watch, text_at or 0)
  local passed, kept, at = {}, "", 1
  local stop = ffi.new("enum mysql_watch_stop[1]")
  local function look()
    local p, map = support.guarded(kept)
    local n = tonumber(core.mysql_watch_pass(watch, p, #kept, stop))
    assert(map)
    passed[#passed + 1] = kept:sub(1, n)
    kept = kept:sub(n + 1)
    return stop[0] ~= core.MYSQL_WATCH_NOTHING
  end
  local function more()
    kept = kept .. stream:sub(at, at + piece - 1)
    at = at + piece
  end
  while at <= #stream do
    more()
    while look() do
      local len = 4 + kept:byte(1) + 256 * kept:byte(2)
      while #kept < len do
        more()
      end
      passed[#passed + 1] = stop[0] == core.MYSQL_WATCH_KILL and "?" or "!"
      core.mysql_watch_taken(watch, stop[0])
      kept = kept:sub(len + 1)
    end
    assert.is_true(#kept <= (text_at and 7 or 4))
  end
  return table.concat(passed) .. kept
end


-- A stream of packets, and the same with "!" for changes of user and "?" for
-- what may be a KILL.
local function compare(packets, text_at)
  local stream, wanted = {}, {}
  for i, packet in ipairs(packets) do
    local bytes = mysql.packet(packet[1], packet[2])
    stream[i] = bytes
    wanted[i] = packet.change and "!" or packet.kill and "?" or bytes
  end
  stream, wanted = table.concat(stream), table.concat(wanted)
  for piece = 1, math.min(#stream, 40) do
    assert.are.equal(wanted, pass(stream, piece, text_at),
      "in pieces of " .. piece)
  end
end


describe("mysql_watch_pass", function()
  it("finds a change of user among commands", function()
    compare({ { 0, "\3SELECT 1" }, { 0, CHANGE, change = true },
      { 2, "answer" }, { 0, "\14" }, { 0, CHANGE, change = true },
      { 0, "\1" } })
  end)

  it("takes no answer of a login for the contents of a file", function()
    compare({ { 0, CHANGE, change = true }, { 2, ("x"):rep(20) },
      { 4, "\17again" }, { 0, CHANGE, change = true } })
  end)

  it("looks for none in a file whose packets are numbered round", function()
    compare({ { 0, "\3LOAD" }, { 2, "\17file" }, { 255, "more" },
      { 0, CHANGE }, { 1, "" }, { 0, CHANGE, change = true } })
  end)

  it("looks for none in text that looks like one", function()
    compare({ { 0, "\3" .. mysql.packet(0, CHANGE) }, { 0, "\17x",
      change = true } })
  end)

  it("follows a payload in several packets", function()
    local full = ("\3"):rep(0xffffff)
    local stream = mysql.packet(0, full) .. mysql.packet(1, CHANGE)
    assert.are.equal(stream .. "!",
      pass(stream .. mysql.packet(0, CHANGE), 1000003))
    stream = mysql.packet(0, full) .. mysql.packet(1, "")
    assert.are.equal(stream .. "!",
      pass(stream .. mysql.packet(0, CHANGE), 1000003))
  end)

  it("finds what may be a KILL, if it is asked for", function()
    local packets = {
      { 0, "\3SELECT 1" }, { 0, "\3KILL 5", kill = true },
      { 0, "\12\1\0\0\0", kill = true }, { 0, "\12\1\0\0" },
      { 0, "\3 /**/kill 5", kill = true }, { 0, "\3" }, { 0, "\1" },
      { 0, "\3k", kill = true }, { 0, "\3K" .. (" "):rep(255) },
      { 0, CHANGE, change = true }, { 2, "\3KILL 5" },
      { 0, "\3KILL 5", kill = true }, { 2, "\3KILL 5" },
    }
    compare(packets, 1)
    for _, packet in ipairs(packets) do
      packet.kill = nil
    end
    compare(packets)
  end)

  it("finds it behind the attributes of a query", function()
    compare({ { 0, "\3\0\1SELECT 1" }, { 0, "\3\0\1KILL 5", kill = true },
      { 0, "\3\0\1" }, { 0, "\3\0" }, { 0, "\3" },
      { 0, "\12\1\0\0\0", kill = true },
      { 0, "\3\0\1k", kill = true } }, 3)
  end)
end)
