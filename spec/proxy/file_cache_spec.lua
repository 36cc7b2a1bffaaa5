--- Files as the cache sees them, and when it looks again.
local ffi = require "ffi"
local folder = require "support.folder"
local libc = require "support.libc"
local loop = require "support.loop"
local support = require "support.ffi"

local core = support.load("proxy/file_cache.h", "base/clock.h")

local OLD = 1700000000  -- 2023-11-14 22:13:20 UTC


describe("the file cache", function()
  local cache, dir, held

  before_each(function()
    dir, held = folder.make(), {}
    core.clock_update()
    cache = core.file_cache_new()
  end)

  after_each(function()
    for _, file in ipairs(held) do
      core.file_unref(file)
    end
    core.file_cache_free(cache)
    folder.remove(dir)
  end)

  local function get(name)
    local path = dir .. "/" .. name
    local file = core.file_cache_get(cache, ffi.new("struct str", path, #path))
    assert.is_true(file ~= nil)
    held[#held + 1] = file
    return file
  end

  local function kind(name)
    return tonumber(get(name).kind)
  end

  local function make(name, text, time)
    folder.write(dir .. "/" .. name, text)
    folder.touch(dir .. "/" .. name, time or OLD)
  end

  -- Lets so much time pass that the cache looks again.
  local function outlive()
    local from = core.clock_ms()
    loop.wait_until("what was seen is no longer fresh", function()
      core.clock_update()
      return core.clock_ms() - from >= core.FILE_CACHE_FRESH_MS
    end)
  end

  local function contents(file)
    local opened = assert(io.open("/proc/self/fd/" .. file.fd, "rb"))
    local text = opened:read("*a")
    opened:close()
    return text
  end

  local function open_files()
    return #folder.list("/proc/self/fd")
  end

  it("knows a file's size, type, date and entity tag", function()
    make("a.html", "hello")
    local file = get("a.html")
    assert.are.equal(core.FILE_REGULAR, tonumber(file.kind))
    assert.are.equal(5, tonumber(file.size))
    assert.are.equal("text/html", support.text(file.type))
    assert.are.equal('"6553f100-5"', ffi.string(file.etag, file.etag_len))
    assert.are.equal("Tue, 14 Nov 2023 22:13:20 GMT",
      ffi.string(file.last_modified, 29))
    assert.are.equal("hello", contents(file))
  end)

  it("tells what is not a file to be served", function()
    make("dir/file", "x")
    make("closed", "x")
    libc.check(ffi.C.chmod(dir .. "/closed", 0), "chmod")
    os.execute("mkfifo " .. dir .. "/fifo")
    folder.link("loop", dir .. "/loop")
    folder.link("dir/file", dir .. "/link")

    assert.are.equal(core.FILE_DIRECTORY, kind("dir"))
    assert.are.equal(core.FILE_DIRECTORY, kind("dir/"))
    assert.are.equal(core.FILE_MISSING, kind("absent"))
    assert.are.equal(core.FILE_MISSING, kind("dir/file/x"))
    assert.are.equal(core.FILE_MISSING, kind("dir/file/"))
    assert.are.equal(core.FILE_MISSING, kind("loop"))
    assert.are.equal(core.FILE_MISSING, kind(("x"):rep(300)))
    assert.are.equal(core.FILE_SPECIAL, kind("fifo"))
    assert.are.equal(core.FILE_REGULAR, kind("link"))
    if ffi.C.getuid() ~= 0 then
      assert.are.equal(core.FILE_FORBIDDEN, kind("closed"))
    end
  end)

  it("opens a file once for all that ask", function()
    make("a", "x")
    local before = open_files()
    local first = get("a")
    for _ = 1, 10 do
      assert.are.equal(first, get("a"))
    end
    assert.are.equal(before + 1, open_files())
  end)

  it("believes what it saw for a second", function()
    make("a", "old")
    local file = get("a")
    make("a", "longer", OLD + 1)
    assert.are.equal(file, get("a"))
    assert.are.equal(core.FILE_MISSING, kind("b"))
    make("b", "new")
    assert.are.equal(core.FILE_MISSING, kind("b"))
    outlive()
    assert.are.equal(6, tonumber(get("a").size))
    assert.are.equal(core.FILE_REGULAR, kind("b"))
    assert.are.equal(3, tonumber(file.size))
  end)

  it("keeps the file that is still the same", function()
    make("a", "x")
    local file = get("a")
    outlive()
    assert.are.equal(file, get("a"))
  end)

  it("sees that a file was replaced by one of the same size and time",
     function()
    make("a", "old")
    local file = get("a")
    make("b", "new")
    assert(os.rename(dir .. "/b", dir .. "/a"))
    outlive()
    local now = get("a")
    assert.are_not.equal(file, now)
    assert.are.equal("new", contents(now))
    assert.are.equal("old", contents(file))
  end)

  it("sees that a file was removed", function()
    make("a", "x")
    get("a")
    assert(os.remove(dir .. "/a"))
    outlive()
    assert.are.equal(core.FILE_MISSING, kind("a"))
  end)

  it("closes a file when nobody holds it any more", function()
    make("a", "x")
    local before = open_files()
    local file = get("a")
    assert(os.remove(dir .. "/a"))
    outlive()
    get("a")
    assert.are.equal(before + 1, open_files())
    core.file_unref(table.remove(held, 1))
    assert.are.equal(before, open_files())
    assert.is_truthy(file)
  end)

  it("holds a small file that is asked for again", function()
    make("a", "hello")
    make("empty", "")
    make("large", ("x"):rep(core.FILE_CACHE_DATA_MAX + 1))
    assert.is_true(get("a").data == nil)
    assert.are.equal("hello", ffi.string(get("a").data, 5))
    for _, name in ipairs({ "empty", "large" }) do
      get(name)
      assert.is_true(get(name).data == nil)
    end
  end)

  it("does not hold a file that was changed just now", function()
    make("a", "hello", os.time())
    get("a")
    assert.is_true(get("a").data == nil)
  end)

  it("drives out no file for names that do not exist", function()
    make("a", "x")
    local file = get("a")
    for i = 1, 2 * core.FILE_CACHE_MAX do
      core.file_unref(core.file_cache_get(cache, ffi.new("struct str",
        "/nowhere/" .. i, #("/nowhere/" .. i))))
    end
    assert.are.equal(file, get("a"))
  end)

  it("holds no more files open than it may", function()
    local count = core.FILE_CACHE_MAX + 10
    for i = 1, count do
      make("d/" .. i, "")
    end
    local before = open_files()
    for i = 1, count do
      get("d/" .. i)
      core.file_unref(table.remove(held))
    end
    local open = open_files() - before
    assert.is_true(open > 0 and open <= core.FILE_CACHE_MAX)
    get("d/" .. count)
    assert.are.equal(before + open, open_files(), "the last one was kept")
  end)
end)
