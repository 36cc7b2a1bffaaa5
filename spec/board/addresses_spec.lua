-- What the names of servers mean: one writer, readers in other processes, and
-- a writer that is killed at any moment.
local ffi = require "ffi"
local loop = require "support.loop"
require "support.libc"
local core = require("support.ffi").load("board/board.h", "board/addresses.h",
  "base/addr.h", "base/clock.h")

local C = ffi.C
local MAX = core.BOARD_ADDRS_MAX
local SIGKILL, PR_SET_PDEATHSIG = 9, 1


local function str(text)
  return ffi.new("struct str", text, #text)
end


describe("the addresses of a server", function()
  local board, upstream, row, out, text

  before_each(function()
    core.clock_update()
    local limits = ffi.new("struct board_limits", { 2, 1, 2, 1, 1, 16, 4096 })
    board = core.board_open(limits, "spec")
    assert.is_true(board ~= nil)
    upstream = core.board_add_upstream(board, str "web")
    row = core.board_add_server(board, upstream, str "a")
    out = ffi.new("struct addr[?]", MAX)
    text = ffi.new("char[?]", core.ADDR_TEXT_MAX)
  end)

  after_each(function()
    core.board_close(board)
  end)

  local function set(...)
    local n = select("#", ...)
    local addrs = ffi.new("struct addr[?]", n + 1)
    for i = 1, n do
      assert.equal(0, core.addr_parse(addrs + i - 1, (select(i, ...)), nil))
    end
    return core.board_set_addresses(board, row, addrs, n)
  end

  local function read()
    local list = {}
    for i = 0, core.board_read_addresses(out, board, row) - 1 do
      list[#list + 1] = ffi.string(core.addr_format(out + i, text,
        core.ADDR_TEXT_MAX))
    end
    return list
  end

  local function version()
    return board.servers[row].addresses.version
  end

  local function changes()
    return tonumber(board.upstreams[upstream].change_count)
  end

  it("are not known at first", function()
    assert.equal(0, core.board_read_addresses(out, board, row))
  end)

  it("are read as they were set, in their order", function()
    assert.is_true(set("10.0.0.2:80", "[::1]:80", "10.0.0.1:80"))
    assert.same({ "10.0.0.2:80", "[::1]:80", "10.0.0.1:80" }, read())
    assert.is_true(set("unix:/run/a.sock"))
    assert.same({ "unix:/run/a.sock" }, read())
  end)

  it("may become unknown again", function()
    set("10.0.0.2:80")
    assert.is_true(set())
    assert.same({}, read())
  end)

  it("are cut to as many as there is room for", function()
    local many = {}
    for i = 1, MAX + 2 do
      many[i] = ("10.0.0.%d:80"):format(i)
    end
    assert.is_true(set(unpack(many)))
    many[MAX + 1], many[MAX + 2] = nil, nil
    assert.same(many, read())
  end)

  for _, case in ipairs {
    { name = "another address", to = { "10.0.0.1:80", "10.0.0.3:80" } },
    { name = "another port", to = { "10.0.0.1:80", "10.0.0.2:81" } },
    { name = "one more", to = { "10.0.0.1:80", "10.0.0.2:80", "[::2]:80" } },
    { name = "one less", to = { "10.0.0.2:80" } },
    { name = "none", to = {} },
  } do
    it("change, and that is noted, with " .. case.name, function()
      set("10.0.0.1:80", "10.0.0.2:80")
      local version_before, changes_before = version(), changes()
      assert.is_true(set(unpack(case.to)))
      assert.same(case.to, read())
      assert.are_not.equal(version_before, version())
      assert.equal(changes_before + 1, changes())
    end)
  end

  it("do not change by another order", function()
    set("10.0.0.1:80", "10.0.0.2:80")
    local version_before, changes_before = version(), changes()
    assert.is_false(set("10.0.0.2:80", "10.0.0.1:80"))
    assert.same({ "10.0.0.1:80", "10.0.0.2:80" }, read())
    assert.equal(version_before, version())
    assert.equal(changes_before, changes())
  end)

  -- Sets without end: all addresses of one have its number for a port, and
  -- how many there are follows from that.
  local function write_forever(first)
    local addrs = ffi.new("struct addr[?]", MAX)
    for i = 0, MAX - 1 do
      core.addr_parse(addrs + i, ("10.0.0.%d:1"):format(i), nil)
    end
    local n = first
    while true do
      n = n % 65535 + 1
      for i = 0, MAX - 1 do
        core.addr_set_port(addrs + i, n)
      end
      core.board_set_addresses(board, row, addrs, n % MAX + 1)
    end
  end

  local function start_writer(first)
    local pid = C.fork()
    if pid == 0 then
      C.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
      write_forever(first)
    end
    return pid
  end

  local function stop_writer(pid)
    C.kill(pid, SIGKILL)
    C.waitpid(pid, nil, 0)
  end

  -- The number of the set that is read; nil when the read is put off.
  local function read_whole()
    local count = core.board_read_addresses(out, board, row)
    if count < 0 then
      return nil
    end
    local number = core.addr_port(out[0])
    assert(count == number % MAX + 1, "a count of another set")
    for i = 1, count - 1 do
      assert(core.addr_port(out[i]) == number, "addresses of two sets")
    end
    return number
  end

  it("are of one set, whatever is written meanwhile", function()
    set("10.0.0.1:8")  -- one of them, as its port says
    local writer = start_writer(8)
    local seen, different = {}, 0
    loop.wait_until("many sets are seen", function()
      for _ = 1, 2000 do
        local number = read_whole()
        if number and not seen[number] then
          seen[number] = true
          different = different + 1
        end
      end
      return different > 500
    end)
    stop_writer(writer)
    assert.is_truthy(read_whole())
  end)

  it("are whole after their writer was killed, and can be set", function()
    set("10.0.0.1:8")
    for round = 1, 40 do
      local before = version()
      local writer = start_writer(round * 50)
      loop.wait_until("some are written", function()
        return version() > before + round
      end)
      stop_writer(writer)
      assert.is_truthy(read_whole())
    end
    assert.is_true(set("10.0.0.7:1"))
    assert.same({ "10.0.0.7:1" }, read())
  end)
end)
