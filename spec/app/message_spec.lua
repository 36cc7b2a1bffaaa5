--- Messages between the master and its children, and what control hands on.
local ffi = require "ffi"
local support = require "support.ffi"
local core = support.load("app/message.h", "app/script_request.h",
  "app/master_request.h")

local C = ffi.C


local function str(text)
  return ffi.new("struct str", text, #text)
end


describe("messages", function()
  local pair

  before_each(function()
    pair = ffi.new("int[2]")
    assert.are.equal(0, core.message_open(pair))
  end)

  after_each(function()
    C.close(pair[0])
    C.close(pair[1])
  end)

  local function send(text, fd)
    local message = ffi.new("struct message", {
      kind = core.MESSAGE_ANSWER, arg = 7, fd = fd or -1,
      text = str(text),
    })
    assert.are.equal(0, core.message_send(pair[0], message))
  end

  local function receive()
    local message = ffi.new("struct message")
    local result = core.message_receive(message, pair[1])
    return tonumber(result), message
  end

  it("keep their texts, whatever they are", function()
    for _, text in ipairs { "", "x", "a\0b\n", ("y"):rep(16384) } do
      send(text)
      local result, message = receive()
      assert.are.equal(1, result)
      assert.are.equal(7, message.arg)
      assert.are.equal(-1, message.fd)
      assert.are.equal(text, ffi.string(message.text.p, message.text.len))
    end
    assert.are.equal(0, (receive()))
  end)

  it("cut a text that is too long", function()
    send(("z"):rep(20000))
    local _, message = receive()
    assert.are.equal(("z"):rep(16384),
      ffi.string(message.text.p, message.text.len))
  end)

  it("keep their borders", function()
    for i = 1, 20 do
      send(("%d"):format(i))
    end
    for i = 1, 20 do
      local _, message = receive()
      assert.are.equal(("%d"):format(i),
        ffi.string(message.text.p, message.text.len))
    end
  end)

  it("carry a descriptor beside the text", function()
    send("with one", pair[0])
    local _, message = receive()
    assert.is_true(message.fd > pair[1])
    assert.are.equal("with one",
      ffi.string(message.text.p, message.text.len))
    C.close(message.fd)
  end)

  it("tell that the other end is gone", function()
    C.close(pair[0])
    assert.are.equal(-1, (receive()))
    pair[0] = -1
  end)
end)


describe("requests for another version", function()
  local function read(text)
    local request = ffi.new("struct script_request")
    local bytes = str(text)
    if core.script_request_read(request, bytes) < 0 then
      return nil
    end
    return request, bytes
  end

  it("are read as they were written", function()
    local name, who = "a/b.lua", "uid=1 pid=2"
    local out = ffi.new("struct buf")
    core.buf_init_growing(out, 1024)
    local request = ffi.new("struct script_request", {
      verb = core.SCRIPT_ROLLBACK, json = true, confirm_ms = 60000,
      name = str(name), who = str(who),
    })
    core.script_request_write(out, request)
    local text = ffi.string(out.p, out.len)
    core.buf_fini(out)
    local same = assert(read(text))
    assert.are.equal(core.SCRIPT_ROLLBACK, tonumber(same.verb))
    assert.is_true(same.json)
    assert.are.equal(60000, tonumber(same.confirm_ms))
    assert.are.equal(name, ffi.string(same.name.p, same.name.len))
    assert.are.equal(who, ffi.string(same.who.p, same.who.len))
  end)

  it("are refused when they are none", function()
    for _, text in ipairs {
      "", "script reload", "script reload text", "script reload text 0",
      "script reload text 0 ", "script reload text x name who",
      "script relod text 0 name who", "reload text 0 name who",
      "script reload text 99999999999 name who",
    } do
      assert.is_nil((read(text)), text)
    end
  end)
end)


describe("requests to the master", function()
  local function read(text)
    local request = ffi.new("struct master_request")
    local bytes = str(text)
    if core.master_request_read(request, bytes) < 0 then
      return nil
    end
    return request, bytes
  end

  local function text_of(s)
    return ffi.string(s.p, s.len)
  end

  for _, arguments in ipairs { "", "graceful", "level debug" } do
    it(("are read as they were written: %q"):format(arguments), function()
      local verb, who = "stop", "uid=1 pid=2"
      local out = ffi.new("struct buf")
      core.buf_init_growing(out, 1024)
      core.master_request_write(out, ffi.new("struct master_request", {
        verb = str(verb), json = true, arguments = str(arguments),
        who = str(who),
      }))
      local text = ffi.string(out.p, out.len)
      core.buf_fini(out)
      local same, bytes = read(text)
      assert.is_truthy(bytes)
      assert.is_true(same.json)
      assert.are.same({ verb, arguments, who }, { text_of(same.verb),
        text_of(same.arguments), text_of(same.who) })
    end)
  end

  it("are refused when they are none", function()
    for _, text in ipairs {
      "", "stop", "stop text", "stop text\n", "stop\n\n",
    } do
      assert.is_nil((read(text)), text)
    end
  end)
end)
