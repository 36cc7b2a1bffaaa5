--- Looking names up: what a lookup answers, and that it answers once, or never
-- when it was stopped.  (With scripted files and servers: system/resolve.)
local ffi = require "ffi"
local support = require "support.ffi"

local core = support.load("net/loop.h", "net/resolver.h", "base/addr.h",
  "base/clock.h")

local EBUSY = 16
-- Nobody has it: whoever is asked, it takes a turn of the loop at least.
local NOWHERE = "no-such-name.invalid"


describe("the resolver", function()
  local loop, resolver, on_answer, answers

  local function note(_, addrs, count, why)
    local text = ffi.new("char[?]", core.ADDR_TEXT_MAX)
    local list = {}
    for i = 0, count - 1 do
      list[#list + 1] = ffi.string(core.addr_format(addrs + i, text,
        core.ADDR_TEXT_MAX))
    end
    answers[#answers + 1] = { addresses = list, why = ffi.string(why) }
  end

  before_each(function()
    core.clock_update()
    answers = {}
    loop = core.loop_new()
    resolver = ffi.new("struct resolver")
    core.resolver_init(resolver, loop)
    on_answer = ffi.cast("lookup_fn", note)
  end)

  local function free()
    core.resolver_fini(resolver)
    core.loop_free(loop)
    on_answer:free()
  end
  jit.off(free)

  after_each(free)

  local function new()
    local lookup = ffi.new("struct lookup")
    core.lookup_init(lookup, on_answer)
    return lookup
  end

  local function start(lookup, host)
    return core.lookup_start(lookup, resolver, host, 80)
  end
  jit.off(start)

  it("knows what /etc/hosts says, with the port", function()
    local lookup = new()
    assert.are.equal(0, start(lookup, "localhost"))
    assert.are.equal(1, #answers)
    local has = {}
    for _, address in ipairs(answers[1].addresses) do
      assert.is_nil(has[address])
      has[address] = true
    end
    assert.is_true(has["127.0.0.1:80"] or has["[::1]:80"])
    assert.is_true(lookup.request == nil)
  end)

  it("takes a numeric address as it stands", function()
    assert.are.equal(0, start(new(), "192.0.2.7"))
    assert.are.same({ { addresses = { "192.0.2.7:80" }, why = "" } }, answers)
  end)

  it("refuses a second lookup while the first is under way", function()
    local lookup = new()
    assert.are.equal(0, start(lookup, NOWHERE))
    assert.is_true(lookup.request ~= nil)
    assert.are.equal(-1, start(lookup, "localhost"))
    assert.are.equal(EBUSY, ffi.errno())
    assert.are.same({}, answers)
  end)

  it("answers no more when it was stopped, and may begin again", function()
    local lookup = new()
    for _ = 1, 3 do
      assert.are.equal(0, start(lookup, NOWHERE))
      core.lookup_stop(lookup)
      assert.is_true(lookup.request == nil)
    end
    core.lookup_stop(lookup)
    assert.are.equal(0, start(lookup, "127.0.0.9"))
    assert.are.equal(1, #answers)
  end)

  it("ends what is under way without an answer", function()
    local lookups = {}
    for i = 1, 20 do
      lookups[i] = new()
      assert.are.equal(0, start(lookups[i], i .. NOWHERE))
    end
    core.resolver_fini(resolver)
    assert.are.same({}, answers)
    for i = 1, 20 do
      assert.is_true(lookups[i].request == nil)
    end
    core.resolver_init(resolver, loop)
  end)
end)
