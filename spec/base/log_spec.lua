-- Log lines: one write each, cut, and without control bytes.
local ffi = require "ffi"
local core = require("support.ffi").load("base/log.h")

local DEBUG, INFO, WARN, ERROR = 0, 1, 2, 3
local LINE_MAX = 2048

-- The sink is called back from C, which compiled code may not do.
jit.off(true, true)


describe("log", function()
  local lines, sink


  before_each(function()
    lines = {}
    sink = ffi.cast("log_sink_fn", function(_, level, line, len)
      lines[#lines + 1] = { level = tonumber(level),
        text = ffi.string(line, len) }
    end)
    core.log_set_sink(sink, nil)
    core.log_set_level(INFO)
    core.log_set_name("worker[2]")
  end)


  after_each(function()
    core.log_set_sink(nil, nil)
    core.log_set_name("moongate")
    core.log_set_level(INFO)
    sink:free()
  end)


  it("writes the name, the text and a newline", function()
    core.log_write(WARN, "session %d closed: %s", ffi.new("int", 81),
      "server timed out")
    assert.same({ {
      level = WARN,
      text = "worker[2]: session 81 closed: server timed out\n",
    } }, lines)
  end)


  it("is on from its level upwards", function()
    core.log_set_level(WARN)
    assert.is_false(core.log_is_on(DEBUG))
    assert.is_false(core.log_is_on(INFO))
    assert.is_true(core.log_is_on(WARN))
    assert.is_true(core.log_is_on(ERROR))
  end)


  it("cuts a long line and keeps the newline", function()
    core.log_write(INFO, "%s", ("x"):rep(5000))
    assert.equal(1, #lines)
    local text = lines[1].text
    assert.is_true(#text <= LINE_MAX and #text > LINE_MAX - 8)
    assert.matches("^worker%[2%]: x+\n$", text)
  end)


  it("lets no text begin a line of its own or colour a terminal", function()
    core.log_write(INFO, "%s", "a\nb\rc\27[31md\te\127f\195\164")
    assert.equal("worker[2]: a b c [31md e f\195\164\n", lines[1].text)
  end)


  it("keeps errno", function()
    ffi.errno(111)
    core.log_write(INFO, "%s", "anything")
    assert.equal(111, ffi.errno())
  end)


  it("cuts a long name", function()
    core.log_set_name(("n"):rep(100))
    core.log_write(INFO, "%s", "x")
    assert.equal(("n"):rep(31) .. ": x\n", lines[1].text)
  end)


  it("reads the words of levels and refuses others", function()
    local level = ffi.new("enum log_level[1]")
    for i, word in ipairs { "debug", "info", "warn", "error" } do
      assert.equal(0, core.log_level_parse(level, word))
      assert.equal(i - 1, tonumber(level[0]))
      assert.equal(word, ffi.string(core.log_level_name(level[0])))
    end
    for _, word in ipairs { "", "INFO", "warning", "inf" } do
      assert.equal(-1, core.log_level_parse(level, word))
    end
  end)


  it("goes by the level that processes share, while there is one", function()
    local chosen = ffi.new("uint8_t[1]")
    core.log_share_level(chosen)
    assert.is_false(core.log_is_on(DEBUG))
    chosen[0] = 1 + DEBUG
    assert.is_true(core.log_is_on(DEBUG))
    assert.are.equal(DEBUG, tonumber(core.log_level_now(ERROR)))
    chosen[0] = 1 + ERROR
    assert.is_false(core.log_is_on(WARN))
    chosen[0] = 0
    assert.is_true(core.log_is_on(INFO))
    assert.are.equal(WARN, tonumber(core.log_level_now(WARN)))
    chosen[0] = 1 + ERROR
    core.log_share_level(nil)
    assert.is_true(core.log_is_on(INFO))
  end)
end)
