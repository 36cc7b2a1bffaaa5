--- A configuration in a memfd: as it was written, cut, and made up.
local ffi = require "ffi"
local folder = require "support.folder"
local support = require "support.ffi"
local core = support.load("app/config_record.h", "config/config.h",
  "config/faults.h", "config/sources.h", "proxy/addresses.h")

ffi.cdef [[
int memfd_create(const char *name, unsigned flags);
int ftruncate(int fd, long size);
long pwrite(int fd, const void *p, size_t len, long at);
long pread(int fd, void *p, size_t len, long at);
]]

local C = ffi.C

local CONFIG = [[
[upstream db]
protocol = tcp
server a = localhost:3306
[tcp db]
listen = 127.0.0.1:3306
upstream = db
]]


local function memfd(bytes)
  local fd = C.memfd_create("spec", 0)
  if bytes then
    C.pwrite(fd, bytes, #bytes, 0)
  end
  return fd
end


describe("the record of a configuration", function()
  local dir, whole, faults

  before_each(function()
    dir = folder.make()
    folder.write(dir .. "/c", CONFIG)
    faults = ffi.new("struct faults")
    core.faults_init(faults)
    local sources = ffi.new("struct sources")
    local addresses = ffi.new("struct addresses")
    local config = ffi.new("const struct config *[1]")
    core.sources_init(sources)
    core.addresses_init(addresses)
    assert.are.equal(0, core.config_read_from(config, dir .. "/c", sources,
      faults))
    local fd, room = memfd(), ffi.new("char[65536]")
    assert.are.equal(0, core.config_record_write(fd, dir .. "/c", sources,
      addresses))
    whole = ffi.string(room, C.pread(fd, room, 65536, 0))
    C.close(fd)
    core.config_unref(config[0])
    core.sources_fini(sources)
    core.addresses_fini(addresses)
  end)

  after_each(function()
    core.faults_fini(faults)
    folder.remove(dir)
  end)

  -- How many upstreams there are; nil: it is refused, with a fault.
  local function read(bytes)
    local config = ffi.new("const struct config *[1]")
    local addresses = ffi.new("struct addresses")
    local fd = memfd(bytes)
    local before = tonumber(faults.count)
    core.addresses_init(addresses)
    local result = core.config_record_read(config, addresses, fd, faults)
    C.close(fd)
    if result < 0 then
      assert.is_true(tonumber(faults.count) > before)
      assert.is_true(config[0] == nil)
      return nil
    end
    local count = tonumber(config[0].upstream_count)
    core.config_unref(config[0])
    core.addresses_fini(addresses)
    return count
  end

  it("is read without the file", function()
    folder.remove(dir)
    assert.are.equal(1, read(whole))
    dir = folder.make()
  end)

  it("is refused where it is cut", function()
    for len = 0, #whole - 1, 3 do
      assert.is_nil(read(whole:sub(1, len)), len)
    end
  end)

  it("is refused, or read, where a byte is another", function()
    for at = 1, #whole do
      local byte = string.char((whole:byte(at) + 128) % 256)
      read(whole:sub(1, at - 1) .. byte .. whole:sub(at + 1))
    end
  end)

  it("equals another with the same bytes alone", function()
    local a, b, c = memfd(whole), memfd(whole), memfd(whole .. "x")
    assert.is_true(core.config_record_equals(a, b))
    assert.is_false(core.config_record_equals(a, c))
    assert.is_false(core.config_record_equals(a, -1))
    assert.is_false(core.config_record_equals(-1, -1))
    for _, fd in ipairs { a, b, c } do
      C.close(fd)
    end
  end)
end)
