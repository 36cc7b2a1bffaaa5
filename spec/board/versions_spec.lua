--- Versions of scripts on the board: what the master notes, everybody shows.
local ffi = require "ffi"
local json = require "dkjson"
local loop = require "support.loop"
local support = require "support.ffi"
require "support.libc"
local core = support.load("board/versions.h", "base/clock.h")

local C = ffi.C
local SIGKILL, PR_SET_PDEATHSIG = 9, 1
local PROT_READ_WRITE, MAP_SHARED_ANONYMOUS = 3, 0x21


describe("a script's version", function()
  local row

  before_each(function()
    core.clock_update()
    row = ffi.new("struct script_row")
  end)

  local function set(fields)
    core.versions_set(row, ffi.new("struct script_version", fields))
  end

  local function get()
    local version = ffi.new("struct script_version")
    core.versions_get(version, row)
    return version
  end

  local function text(write)
    local out = ffi.new("struct buf")
    core.buf_init_growing(out, 4096)
    write(out, row)
    local result = out.len == 0 and "" or ffi.string(out.p, out.len)
    core.buf_fini(out)
    return result
  end

  it("is none before there is one", function()
    assert.are.equal(0, get().generation)
    local object = json.decode('{"name":1' .. text(core.versions_json) .. "}")
    assert.is_nil(object.version)
    assert.are.equal(0, object.generation)
    assert.are.equal("", text(core.versions_state))
  end)

  it("is what was set last", function()
    for generation = 1, 5 do
      set { generation = generation, hash = "0123456789a" .. generation }
      assert.are.equal(generation, get().generation)
      assert.are.equal("0123456789a" .. generation, ffi.string(get().hash))
    end
  end)

  -- Sets versions of one digit each for ever, in another process.
  local function start_writer()
    local pid = C.fork()
    if pid ~= 0 then
      return pid
    end
    C.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    local versions = {}
    for i = 0, 9 do
      local hash = tostring(i):rep(core.BOARD_HASH_LEN)
      versions[i] = ffi.new("struct script_version", {
        generation = i + 1, hash = hash, previous = hash, confirmed = hash,
        since_ms = i, confirm_by_ms = i,
      })
    end
    local i = 0
    while true do
      core.versions_set(row, versions[i % 10])
      i = i + 1
    end
  end

  it("is of one piece, whatever is set meanwhile", function()
    local size = ffi.sizeof("struct script_row")
    local memory = C.mmap(nil, size, PROT_READ_WRITE, MAP_SHARED_ANONYMOUS,
      -1, 0)
    row = ffi.cast("struct script_row *", memory)
    local writer = start_writer()
    local seen, torn = 0, 0
    local ok, why = pcall(loop.wait_until, "many are seen", function()
      for _ = 1, 20000 do
        local version = get()
        local digit = tonumber(version.since_ms)
        local hash = tostring(digit):rep(core.BOARD_HASH_LEN)
        if version.generation > 0 then
          seen = seen + 1
          torn = torn + ((version.generation ~= digit + 1
            or version.confirm_by_ms ~= digit
            or ffi.string(version.hash) ~= hash
            or ffi.string(version.previous) ~= hash
            or ffi.string(version.confirmed) ~= hash) and 1 or 0)
        end
      end
      return seen > 200000
    end)
    C.kill(writer, SIGKILL)
    C.waitpid(writer, nil, 0)
    C.munmap(memory, size)
    assert.is_true(ok, why)
    assert.are.equal(0, torn)
  end)

  it("is shown with its age and what it has to wait for", function()
    local now = core.clock_wall_ms()
    set {
      generation = 3, hash = "abcdefabcdef", previous = "123456123456",
      confirmed = "777777777777", since_ms = now - 5000,
      confirm_by_ms = now + 59500,
    }
    assert.is_truthy(text(core.versions_text)
      :find("^  abcdefabcdef +3 +5$"))
    assert.are.equal(
      "; to be confirmed within 60s, else back to 777777777777",
      text(core.versions_state))
    local object = json.decode('{"name":1' .. text(core.versions_json) .. "}")
    assert.are.same({
      name = 1, version = "abcdefabcdef", previous = "123456123456",
      generation = 3, version_seconds = 5, unconfirmed = true,
      confirm_seconds = 60,
    }, object)
  end)

  it("has columns as wide as their heading", function()
    set { generation = 3, hash = "abcdefabcdef" }
    assert.are.equal(#text(function(out)
      core.versions_heading(out)
    end), #text(core.versions_text))
  end)
end)
