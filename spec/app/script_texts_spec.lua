--- The texts of scripts that control keeps: the version in use and the one
-- before it.
local ffi = require "ffi"
local folder = require "support.folder"
local libc = require "support.libc"
local support = require "support.ffi"

local core = support.load("app/script_texts.h", "app/message.h",
  "script/bundle.h", "board/render_page.h")


describe("texts of scripts", function()
  local dir, texts, held

  local function str(text)
    held[#held + 1] = text
    return ffi.new("struct str", text, #text)
  end

  local function bundle(name, text)
    local made = core.bundle_new(name)
    assert.are.equal(0, core.bundle_add(made, core.BUNDLE_SCRIPT, name,
      str(text), false))
    assert.are.equal(0, core.bundle_seal(made))
    return made
  end

  -- A set of bundles: texts by name.
  local function set_of(files)
    local set = ffi.new("struct bundles")
    for name, text in pairs(files) do
      local made = bundle(name, text)
      assert.are.equal(0, core.bundles_put(set, made))
      core.bundle_unref(made)
    end
    return set
  end

  local function tell(kind, files)
    local message = ffi.new("struct message", { kind = kind, fd = -1 })
    if files then
      folder.write(dir .. "/bytes", "")
      message.fd = ffi.C.open(dir .. "/bytes", 2)
      assert(message.fd >= 0, libc.reason())
      local set = set_of(files)
      assert.are.equal(0, core.bundles_write(set, message.fd))
      core.bundles_fini(set)
    end
    core.script_texts_message(texts, message)
    if files then
      ffi.C.close(message.fd)
    end
  end

  -- The text in use, and the one before.
  local function shown(name)
    local diff = ffi.new("struct page_diff")
    if not core.script_texts_find(diff, texts, str(name)) then
      return nil
    end
    local now = ffi.string(diff.now.p, diff.now.len)
    assert.are.equal(12, tonumber(diff.now_hash.len))
    if not diff.has_before then
      return now
    end
    return now, ffi.string(diff.before.p, diff.before.len)
  end

  before_each(function()
    dir = folder.make()
    held = {}
    texts = ffi.new("struct script_texts")
    local set = set_of { ["a.lua"] = "one", ["b.lua"] = "other" }
    core.script_texts_init(texts, set)
    core.bundles_fini(set)
  end)

  after_each(function()
    core.script_texts_fini(texts)
    folder.remove(dir)
  end)

  it("begin with those that the process was forked with", function()
    assert.are.same({ "one" }, { shown("a.lua") })
    assert.is_nil((shown("c.lua")))
  end)

  it("are exchanged with a commit, one version after the other", function()
    tell(core.MESSAGE_SCRIPT_STAGE, { ["a.lua"] = "two" })
    assert.are.same({ "one" }, { shown("a.lua") })
    tell(core.MESSAGE_SCRIPT_COMMIT)
    assert.are.same({ "two", "one" }, { shown("a.lua") })
    assert.are.same({ "other" }, { shown("b.lua") })
    tell(core.MESSAGE_SCRIPT_STAGE, { ["a.lua"] = "three" })
    tell(core.MESSAGE_SCRIPT_COMMIT)
    assert.are.same({ "three", "two" }, { shown("a.lua") })
  end)

  it("stay when what is staged is dropped, or is the same", function()
    tell(core.MESSAGE_SCRIPT_STAGE, { ["a.lua"] = "two" })
    tell(core.MESSAGE_SCRIPT_DROP)
    tell(core.MESSAGE_SCRIPT_COMMIT)
    assert.are.same({ "one" }, { shown("a.lua") })
    tell(core.MESSAGE_SCRIPT_STAGE, { ["a.lua"] = "one", ["c.lua"] = "new" })
    tell(core.MESSAGE_SCRIPT_COMMIT)
    assert.are.same({ "one" }, { shown("a.lua") })
    assert.are.same({ "new" }, { shown("c.lua") })
  end)

  it("stay when what is staged cannot be read", function()
    local message = ffi.new("struct message",
      { kind = core.MESSAGE_SCRIPT_STAGE })
    folder.write(dir .. "/bytes", "nonsense")
    message.fd = ffi.C.open(dir .. "/bytes", 2)
    core.script_texts_message(texts, message)
    ffi.C.close(message.fd)
    tell(core.MESSAGE_SCRIPT_COMMIT)
    assert.are.same({ "one" }, { shown("a.lua") })
  end)
end)
