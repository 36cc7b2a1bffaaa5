-- Packets in streams that pass by: whole, cut at every place, over 16 MiB.
local ffi = require "ffi"
local chance = require "support.chance"
local codec = require "support.mysql_codec"
local mysql = require "support.mysql"
local support = require "support.ffi"

local core = codec.core
local FULL, HEAD_LEN = core.MYSQL_PACKET_FULL, core.MYSQL_FRAME_HEAD_LEN
local MORE, HEAD = core.MYSQL_FRAME_MORE, core.MYSQL_FRAME_HEAD


local function framer_new(offset)
  local framer = ffi.new("struct mysql_framer")
  core.mysql_framer_init(framer)
  framer.offset = offset or 0
  return framer
end


-- Gives bytes to a framer.  Adds to EVENTS what it says, with places in the
-- stream; returns the bytes as they went on.
local function feed(framer, bytes, events)
  local start, map = support.guarded(bytes)
  local used = ffi.new("size_t[1]")
  local at = 0
  events.place = events.place or 0
  while true do
    local frame = core.mysql_framer_next(framer, start + at, #bytes - at, used)
    at = at + tonumber(used[0])
    assert(at <= #bytes)
    if frame == MORE then
      assert.are.equal(#bytes, at)
      break
    end
    if frame == HEAD then
      events[#events + 1] = { "head", framer.sequence, tonumber(framer.len),
        ffi.string(framer.head, framer.head_len) }
    else
      events[#events + 1] = { "end", events.place + at }
      assert.is_true(core.mysql_framer_is_between(framer))
    end
  end
  events.place = events.place + #bytes
  local passed = ffi.string(start, #bytes)
  assert(map)
  return passed
end


-- The events of a stream in pieces of some length, and the bytes that passed.
local function follow(stream, piece, offset)
  local framer, events, passed = framer_new(offset), {}, {}
  for at = 1, #stream, piece do
    passed[#passed + 1] = feed(framer, stream:sub(at, at + piece - 1), events)
  end
  events.place = nil
  return events, table.concat(passed), framer
end


-- Packets of these lengths, numbered from FIRST on, and their events.
local function make(lengths, first)
  local packets, events, place = {}, {}, 0
  for i, len in ipairs(lengths) do
    local payload = chance.bytes(len)
    packets[i] = mysql.packet((first + i - 1) % 256, payload)
    place = place + 4 + len
    events[#events + 1] = { "head", (first + i - 1) % 256, len,
      payload:sub(1, HEAD_LEN) }
    events[#events + 1] = { "end", place }
  end
  return table.concat(packets), events
end


describe("mysql_framer_next", function()
  local LENGTHS = { 0, 1, 0, HEAD_LEN - 1, HEAD_LEN, HEAD_LEN + 1, 5, 300, 0 }

  it("tells where packets begin and end, however they come", function()
    local stream, wanted = make(LENGTHS, 250)
    for piece = 1, #stream do
      local events, passed, framer = follow(stream, piece)
      assert.are.same(wanted, events)
      assert.are.equal(stream, passed)
      assert.is_true(core.mysql_framer_is_between(framer))
    end
  end)

  it("numbers packets anew, and touches nothing else", function()
    local stream, wanted = make(LENGTHS, 250)
    for _, offset in ipairs({ 1, 2, 254, 255 }) do
      local expected, at = {}, 1
      for i, len in ipairs(LENGTHS) do
        local packet = stream:sub(at, at + 3 + len)
        expected[i] = mysql.packet((250 + i - 1 + offset) % 256,
          packet:sub(5))
        at = at + 4 + len
      end
      expected = table.concat(expected)
      for piece = 1, 40 do
        local events, passed = follow(stream, piece, offset)
        assert.are.same(wanted, events)
        assert.are.equal(expected, passed)
      end
    end
  end)

  it("takes an offset that changes between packets", function()
    local framer, events = framer_new(1), {}
    local packet = mysql.packet(2, "\0\0\0\2\0\0\0")
    assert.are.equal(mysql.packet(3, "\0\0\0\2\0\0\0"),
      feed(framer, packet, events))
    framer.offset = 0
    assert.are.equal(packet, feed(framer, packet, events))
    framer.offset = 255
    assert.are.equal(mysql.packet(1, "\0\0\0\2\0\0\0"),
      feed(framer, packet, events))
  end)

  it("is between packets only where none has begun", function()
    local stream = make({ 3, 0 }, 0)
    local framer, between = framer_new(), {}
    for at = 1, #stream do
      between[at] = core.mysql_framer_is_between(framer) and "-" or "p"
      feed(framer, stream:sub(at, at), {})
    end
    assert.are.equal("-pppppp-ppp", table.concat(between))
  end)

  it("shows an OK up to its status, whatever it counts", function()
    local ok = "\0" .. ("\254" .. ("\255"):rep(8)):rep(2) .. "\34\0\5\0"
    local framer = framer_new()
    local bytes = mysql.packet(1, ok .. ("info"):rep(30))
    local p, map = support.guarded(bytes)
    local used = ffi.new("size_t[1]")
    assert.are.equal(HEAD, core.mysql_framer_next(framer, p, #bytes, used))
    local out = ffi.new("struct mysql_ok")
    assert.is_true(core.mysql_read_ok(out, framer.head, framer.head_len) > 0)
    assert.are.same({ 34, 5 }, { out.status, out.warnings })
    assert(map)
  end)

  describe("with payloads of 16 MiB and more", function()
    local full = "\255\255\255"
    local body = ("0123456789abcdef"):rep(FULL / 16 + 1):sub(1, FULL)
    local first_head = body:sub(1, HEAD_LEN)

    local cases = {
      { "one byte over", full .. "\1" .. body .. "\1\0\0\2x", 1 },
      { "none over", full .. "\1" .. body .. "\0\0\0\2", 0 },
      { "twice", full .. "\1" .. body .. full .. "\2" .. body .. "\2\0\0\3xy",
        FULL + 2 },
    }
    for _, case in ipairs(cases) do
      it("has one beginning and one end: " .. case[1], function()
        local stream = case[2] .. mysql.packet(9, "\1")
        for _, piece in ipairs({ 65536, 262147, #stream }) do
          local events, passed, framer = follow(stream, piece, 1)
          assert.are.same({ { "head", 1, FULL, first_head },
            { "end", #case[2] }, { "head", 9, 1, "\1" },
            { "end", #stream } }, events)
          assert.are.equal(2, passed:byte(4))
          assert.are.equal(3, passed:byte(FULL + 8))
          assert.are.equal(10, passed:byte(-2))
          assert.are.equal(#stream, #passed)
          assert.is_true(core.mysql_framer_is_between(framer))
        end
      end)
    end

    it("is not between the packets of one", function()
      local framer, events = framer_new(), {}
      feed(framer, full .. "\1" .. body, events)
      assert.is_false(core.mysql_framer_is_between(framer))
      assert.are.equal(1, #events)
      feed(framer, "\0\0\0\2", events)
      assert.is_true(core.mysql_framer_is_between(framer))
      assert.are.same({ "end", FULL + 8 }, events[2])
      assert.are.equal(2, framer.sequence)
    end)
  end)

  it("follows any stream in any pieces", function()
    for _ = 1, 200 do
      local lengths = {}
      for i = 1, 1 + chance.number(20) do
        lengths[i] = chance.number(chance.maybe(40) or 4)
      end
      local stream, wanted = make(lengths, chance.number(256))
      local framer, events, at = framer_new(), {}, 1
      while at <= #stream do
        local n = 1 + chance.number(30)
        feed(framer, stream:sub(at, at + n - 1), events)
        at = at + n
      end
      events.place = nil
      assert.are.same(wanted, events)
    end
  end)
end)
