--- The bytes of a version of a script: what is recorded while it loads, what is
-- taken from there, and what another process reads of it.
local ffi = require "ffi"
local folder = require "support.folder"
local libc = require "support.libc"
local program = require "script.program"
local support = require "support.ffi"
local swaps = require "script.swaps"

local core = support.load("script/scripts.h", "script/bundle.h",
  "script/bundles.h", "config/faults.h", "proxy/addresses.h",
  "proxy/runtime.h")

local M = "local moongate = require 'moongate'\n"
local WEB = "[http web]\nlisten = 127.0.0.1:8080\nscript = a.lua\n"

local dir


local function str(text)
  return ffi.new("struct str", text, #text)
end


local function held(bundle, kind, name)
  local file = core.bundle_find(bundle, kind, name)
  if file == nil then
    return nil
  end
  return ffi.string(file.text, file.len), file.missing
end


-- Opens a file of this text.
local function open(text)
  folder.write(dir .. "/bytes", text)
  local fd = ffi.C.open(dir .. "/bytes", 2)
  assert(fd >= 0, libc.reason())
  return fd
end


-- Writes a set; the bytes.
local function written(...)
  local set = ffi.new("struct bundles")
  for _, bundle in ipairs { ... } do
    assert(core.bundles_put(set, bundle) == 0)
  end
  local fd = open("")
  assert(core.bundles_write(set, fd) == 0)
  ffi.C.close(fd)
  core.bundles_fini(set)
  return folder.read(dir .. "/bytes")
end


-- Reads a set; nil when it is refused.
local function read(text)
  local set = ffi.new("struct bundles")
  local fd = open(text)
  local result = core.bundles_read(set, fd)
  local reason = libc.reason()
  ffi.C.close(fd)
  if result < 0 then
    assert(set.count == 0 and set.items == nil)
    return nil, reason
  end
  return set
end


describe("a bundle", function()
  before_each(function()
    dir = folder.make()
  end)

  after_each(function()
    folder.remove(dir)
  end)

  it("has a hash of its names and texts, whatever their order", function()
    local one = swaps.bundle("a.lua", "x", { ["b.lua"] = "1", ["c.lua"] = "2" })
    local same = core.bundle_new("a.lua")
    for _, file in ipairs { { "c.lua", "2" }, { "b.lua", "1" } } do
      assert(core.bundle_add(same, core.BUNDLE_MODULE, file[1], str(file[2]),
        false) == 0)
    end
    assert(core.bundle_add(same, core.BUNDLE_SCRIPT, "a.lua", str("x"), false)
      == 0)
    assert.are.equal("", ffi.string(core.bundle_hash(same)))
    assert(core.bundle_seal(same) == 0)
    assert.is_true(core.bundle_equals(one, same))
    local hash = ffi.string(core.bundle_hash(one))
    assert.are.equal(hash, ffi.string(core.bundle_hash(same)))
    assert.is_true(hash:find("^%x%x%x%x%x%x%x%x%x%x%x%x$") ~= nil, hash)
    for _, other in ipairs {
      swaps.bundle("a.lua", "y", { ["b.lua"] = "1", ["c.lua"] = "2" }),
      swaps.bundle("a.lua", "x", { ["b.lua"] = "12", ["c.lua"] = "" }),
      swaps.bundle("a.lua", "x", { ["b.lua"] = "1", ["d.lua"] = "2" }),
      swaps.bundle("a.lua", "x"),
    } do
      assert.is_false(core.bundle_equals(one, other))
      core.bundle_unref(other)
    end
    core.bundle_unref(one)
    core.bundle_unref(same)
  end)

  it("keeps the hash that it was sealed with", function()
    local bundle = swaps.bundle("a.lua", "x")
    local hash = ffi.string(core.bundle_hash(bundle))
    assert(core.bundle_add(bundle, core.BUNDLE_FILE, "more", str("1"), false)
      == 0)
    assert(core.bundle_seal(bundle) == 0)
    assert.are.equal(hash, ffi.string(core.bundle_hash(bundle)))
    core.bundle_unref(bundle)
  end)

  it("takes a thousand files and no more", function()
    local bundle = core.bundle_new("a.lua")
    for i = 1, 1000 do
      assert(core.bundle_add(bundle, core.BUNDLE_FILE, tostring(i), str("x"),
        false) == 0)
    end
    assert.are.equal(-1, core.bundle_add(bundle, core.BUNDLE_FILE, "1001",
      str("x"), false))
    assert.are.equal("x", held(bundle, core.BUNDLE_FILE, "1000"))
    core.bundle_unref(bundle)
  end)

  it("takes 64 MiB and no more", function()
    local bundle = core.bundle_new("a.lua")
    local part = ("x"):rep(16 * 1024 * 1024 - 1)
    for i = 1, 4 do
      assert(core.bundle_add(bundle, core.BUNDLE_FILE, tostring(i), str(part),
        false) == 0)
    end
    assert.are.equal(-1, core.bundle_add(bundle, core.BUNDLE_FILE, "5",
      str(""), false))
    core.bundle_unref(bundle)
  end)

  it("is read as it was written, with others of its set", function()
    local first = swaps.bundle("a.lua", "text\0of a", { ["b.lua"] = "" })
    local second = swaps.bundle("policy/p.lua", ("p"):rep(100000))
    local set = assert(read(written(first, second)))
    assert.are.equal(2, tonumber(set.count))
    local copy = core.bundles_find(set, "a.lua")
    assert.is_true(core.bundle_equals(first, copy))
    assert.are.equal("text\0of a", (held(copy, core.BUNDLE_SCRIPT, "a.lua")))
    assert.are.same({ "none", true },
      { held(copy, core.BUNDLE_MODULE, "b/init.lua") })
    assert.is_true(core.bundle_equals(second,
      core.bundles_find(set, "policy/p.lua")))
    assert.is_true(core.bundles_find(set, "p.lua") == nil)
    core.bundles_fini(set)
    core.bundle_unref(first)
    core.bundle_unref(second)
  end)

  it("is refused where it is cut at any byte", function()
    local bundle = swaps.bundle("a.lua", "text", { ["b.lua"] = "more" })
    local text = written(bundle)
    for n = 1, #text - 1 do
      local set, reason = read(text:sub(1, n))
      assert.is_nil(set)
      assert.are.equal("Bad message", reason)
    end
    core.bundle_unref(bundle)
  end)

  it("is refused or another where any byte is another", function()
    local bundle = swaps.bundle("a.lua", "text", { ["b.lua"] = "more" })
    local text = written(bundle)
    local refused = 0
    for n = 1, #text do
      for _, byte in ipairs { 0, 1, 0x7f, 0xff } do
        local set = read(text:sub(1, n - 1) .. string.char(byte)
          .. text:sub(n + 1))
        if set == nil then
          refused = refused + 1
        else
          core.bundles_fini(set)
        end
      end
    end
    assert.is_true(refused > #text)
    core.bundle_unref(bundle)
  end)

  it("of a set takes the place of the one of its name", function()
    local set = ffi.new("struct bundles")
    local old = swaps.bundle("a.lua", "old")
    local new = swaps.bundle("a.lua", "new")
    assert(core.bundles_put(set, old) == 0 and core.bundles_put(set, new) == 0)
    assert.are.equal(1, tonumber(set.count))
    assert.is_true(core.bundles_find(set, "a.lua") == new)
    assert.are.equal(1, old.refs)
    core.bundles_remove(set, "a.lua")
    assert.are.equal(0, tonumber(set.count))
    core.bundle_unref(old)
    core.bundle_unref(new)
    core.bundles_fini(set)
  end)
end)


describe("loading a script", function()
  local p

  local LUA = {
    ["a.lua"] = M .. "local lib = require 'lib'\n"
      .. "pcall(require, 'optional')\n"
      .. "local map = moongate.read_file('map.txt')\n"
      .. "local none, reason = moongate.read_file('none.txt')\n"
      .. "return { request = function() return moongate.reply(200, nil, "
      .. "lib .. map .. tostring(none) .. reason) end }",
    ["lib.lua"] = "return 'lib '",
    ["map.txt"] = "map ",
  }

  before_each(function()
    p = assert(program.start { config = WEB, lua = LUA })
  end)

  after_each(function()
    p:stop()
  end)

  it("records what it asked for, and what was not there", function()
    local bundle = core.bundles_find(p.bundles, "a.lua")
    assert.are.equal(LUA["a.lua"], (held(bundle, core.BUNDLE_SCRIPT, "a.lua")))
    assert.are.equal("return 'lib '",
      (held(bundle, core.BUNDLE_MODULE, "lib.lua")))
    assert.are.equal("map ", (held(bundle, core.BUNDLE_FILE, "map.txt")))
    local reason, missing = held(bundle, core.BUNDLE_FILE, "none.txt")
    assert.are.equal("none.txt: No such file or directory", reason)
    assert.is_true(missing)
    local _, no_module = held(bundle, core.BUNDLE_MODULE, "optional.lua")
    assert.is_true(no_module)
    assert.is_true(bundle.sealed)
  end)

  it("a second time takes the same, whatever is on disk", function()
    local _, _, before = p:get("/")
    p:write("a.lua", "error('garbage')")
    p:write("lib/init.lua", "return 'other '")
    p:write("lib.lua", "return 'other '")
    p:write("optional.lua", "error('optional')")
    p:write("none.txt", "some")
    os.remove(p.site.dir .. "/lua/map.txt")
    p:colleague():stop()
    p.core.scripts_free(p.scripts)
    local faults = ffi.new("struct faults")
    core.faults_init(faults)
    p.scripts = core.scripts_load(p.site.runtime, ".", p.bundles, faults)
    core.faults_fini(faults)
    assert.is_true(p.scripts ~= nil)
    local _, _, after = p:get("/")
    assert.are.equal(before, after)
  end)

  -- As the throw-away process does.
  local function try(names)
    local list = ffi.new("const char *[?]", #names + 1)
    for i, name in ipairs(names) do
      list[i - 1] = name
    end
    local set = ffi.new("struct bundles")
    local faults = ffi.new("struct faults")
    local addresses = ffi.new("struct addresses")
    core.faults_init(faults)
    core.addresses_init(addresses)
    local runtime = core.runtime_new(nil, p.site.config, addresses, faults)
    local result = core.scripts_try(runtime, ".", list, #names, set, faults)
    core.runtime_unref(runtime)
    core.addresses_fini(addresses)
    local text = faults.item_count > 0
      and ffi.string(faults.items[0].text) or nil
    core.faults_fini(faults)
    assert((result == 0) == (text == nil))
    return set, text
  end

  it("for a try reads the disk, and touches nothing that serves", function()
    local _, _, before = p:get("/")
    p:write("lib.lua", "return 'new '")
    local set, fault = try { "a.lua" }
    assert.is_nil(fault)
    local bundle = core.bundles_find(set, "a.lua")
    assert.are.equal("return 'new '",
      (held(bundle, core.BUNDLE_MODULE, "lib.lua")))
    assert.is_false(core.bundle_equals(bundle,
      core.bundles_find(p.bundles, "a.lua")))
    local _, _, after = p:get("/")
    assert.are.equal(before, after)
    core.bundles_fini(set)
  end)

  it("for a try says what is wrong", function()
    p:write("lib.lua", "return return")
    local set, fault = try { "a.lua" }
    core.bundles_fini(set)
    assert.is_true(fault:find("script 'a.lua': ", 1, true) == 1, fault)
    assert.is_true(fault:find("lib.lua:1: unexpected symbol", 1, true) ~= nil,
      fault)
  end)

  it("for a try refuses a name that nobody uses", function()
    local set, fault = try { "b.lua" }
    core.bundles_fini(set)
    assert.are.equal("there is no script 'b.lua'", fault)
  end)
end)


describe("a script that reads more than a thousand files", function()
  it("is told so", function()
    local faults = program.faults_of(M .. "local read = moongate.read_file\n"
      .. "for i = 1, 999 do\n  local _, reason = read('f' .. i)\n"
      .. "  assert(reason:find('No such file'), reason)\nend\n"
      .. "error(select(2, read('x')), 0)")
    assert.are.equal("6: script 'a.lua': x: a script may read 1000 files of "
      .. "64 MiB altogether", faults[1])
  end)
end)
