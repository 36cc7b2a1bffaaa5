--- Descriptors by the dozen, with what each is.
local ffi = require "ffi"
local support = require "support.ffi"
local core = support.load("app/message.h", "app/parcel.h")

local C = ffi.C
local MANY = 1000


local function str(text)
  return ffi.new("struct str", text, #text)
end


describe("parcels", function()
  local pair

  before_each(function()
    pair = ffi.new("int[2]")
    assert.are.equal(0, core.message_open(pair))
  end)

  after_each(function()
    C.close(pair[0])
    C.close(pair[1])
  end)

  -- Takes all that has come: their lines, and how many messages brought them.
  local function take()
    local lines, messages = {}, 0
    local message = ffi.new("struct message")
    local line, fd = ffi.new("struct str"), ffi.new("int[1]")
    while tonumber(core.message_receive(message, pair[1])) == 1 do
      messages = messages + 1
      local reader = ffi.new("struct parcel_reader", { message = message })
      while core.parcel_next(line, fd, reader) do
        lines[#lines + 1] = ffi.string(line.p, line.len)
        C.close(fd[0])
      end
    end
    return lines, messages
  end

  -- The lowest number that is free: the same again where none was left open.
  local function next_fd()
    local fd = C.dup(pair[0])
    C.close(fd)
    return fd
  end

  local function send(lines)
    local parcel = ffi.new("struct parcel")
    core.parcel_init(parcel, pair[0], core.MESSAGE_LISTENER)
    for _, line in ipairs(lines) do
      assert.are.equal(0, core.parcel_add(parcel, pair[0], str(line)))
    end
    assert.are.equal(0, core.parcel_send(parcel))
  end

  local function some(count, text)
    local lines = {}
    for i = 1, count do
      lines[i] = text .. i
    end
    return lines
  end

  it("come as they were sent", function()
    for _, count in ipairs { 0, 1, 2, 63, 64, 65, MANY } do
      local free = next_fd()
      send(some(count, "127.0.0.1:"))
      local lines, messages = take()
      assert.are.same(some(count, "127.0.0.1:"), lines)
      assert.are.equal(math.ceil(count / 64), messages)
      assert.are.equal(free, next_fd())
    end
  end)

  it("are parted where their lines fill a message", function()
    local lines = some(10, ("x"):rep(6000))
    send(lines)
    local got, messages = take()
    assert.are.same(lines, got)
    assert.are.equal(5, messages)
    local parcel = ffi.new("struct parcel")
    core.parcel_init(parcel, pair[0], core.MESSAGE_LISTENER)
    assert.are.equal(-1, core.parcel_add(parcel, 0, str(("x"):rep(16384))))
  end)

  it("of which more came than are spoken of are closed", function()
    local free = next_fd()
    for _, text in ipairs { "", "a", "a\n", "a\nb", "\n", "a\nb\nc\n" } do
      local more = ffi.new("int[2]", pair[0], pair[1])
      local message = ffi.new("struct message", {
        kind = core.MESSAGE_LISTENER, fd = pair[0], text = str(text),
        more = more, more_count = 2,
      })
      assert.are.equal(0, core.message_send(pair[0], message))
      local _, lines = text:gsub("\n", "")
      assert.are.equal(lines, #take())
      assert.are.equal(free, next_fd())
    end
  end)

  it("without any are nothing", function()
    local message = ffi.new("struct message", {
      kind = core.MESSAGE_LISTENER, fd = -1, text = str("a\nb\n"),
    })
    assert.are.equal(0, core.message_send(pair[0], message))
    assert.are.same({}, take())
  end)
end)
