-- The hash against published values, and the map.
local ffi = require "ffi"
local core = require("support.ffi").load("base/hash.h")


describe("hash_murmur", function()
  -- MurmurHash3_x86_32, as its author's verification program and others give.
  for _, case in ipairs {
    { "", 0, 0 },
    { "", 1, 0x514e28b7 },
    { "", 0xffffffff, 0x81f16f39 },
    { "\255\255\255\255", 0, 0x76293b50 },
    { "!Ce\135", 0, 0xf55b516b },
    { "!Ce\135", 0x5082edee, 0x2362f9de },
    { "!Ce", 0, 0x7e4a8634 },
    { "!C", 0, 0xa0f7b07a },
    { "!", 0, 0x72661cf4 },
    { "\0\0\0\0", 0, 0x2362f9de },
    { "aaaa", 0x9747b28c, 0x5a97808a },
    { "Hello, world!", 0x9747b28c, 0x24884cba },
    { "The quick brown fox jumps over the lazy dog", 0x9747b28c,
      0x2fa826cd },
  } do
    it(("hashes %q with seed %x"):format(case[1], case[2]), function()
      assert.equal(case[3], core.hash_murmur(case[1], #case[1], case[2]))
    end)
  end
end)


describe("hash_sdbm", function()
  it("is what its definition says, whatever the length", function()
    local text, hash = "", 0
    for length = 0, 40 do
      assert.equal(hash, core.hash_sdbm(text, #text))
      local byte = (length * 83 + 7) % 256
      text = text .. string.char(byte)
      hash = (hash * 65599 + byte) % 2 ^ 32
    end
  end)
end)


describe("map", function()
  local map, kept


  before_each(function()
    map = ffi.new("struct map")
    kept = {}
    core.map_init(map)
  end)


  after_each(function()
    core.map_fini(map)
  end)


  local function str(text)
    local bytes = ffi.new("char[?]", #text + 1, text)
    kept[#kept + 1] = bytes
    return ffi.new("struct str", { bytes, #text })
  end


  local function put(key, value)
    return core.map_put(map, str(key), ffi.cast("void *", value))
  end


  local function get(key)
    local value = core.map_get(map, str(key))
    return value ~= nil and tonumber(ffi.cast("intptr_t", value)) or nil
  end


  it("finds nothing while it is empty", function()
    assert.is_nil(get "a")
  end)


  it("finds each of many keys, by their bytes and length", function()
    for i = 1, 5000 do
      assert.equal(0, put("key " .. i, i))
    end
    for i = 1, 5000 do
      assert.equal(i, get("key " .. i))
    end
    assert.is_nil(get "key 5001")
    assert.is_nil(get "key")
    assert.is_nil(get "")
    assert.equal(5000, tonumber(map.count))
  end)


  it("takes empty keys and keys with NULs", function()
    assert.equal(0, put("", 1))
    assert.equal(0, put("\0", 2))
    assert.equal(1, get "")
    assert.equal(2, get "\0")
  end)


  it("refuses a key that it has, and keeps its value", function()
    assert.equal(0, put("a", 1))
    assert.equal(-1, put("a", 2))
    assert.equal(17, ffi.errno())
    assert.equal(1, get "a")
  end)
end)
