--- Which calls of hooks are timed, and for how many they count.
local ffi = require "ffi"
local program = require "script.program"

local FIRST = 1000  -- all of which are timed
local EVERY = 16  -- of the others
local MS = 1e6  -- of nanoseconds
local TICK_MS = 10  -- of CPU time, after which a call is noticed

-- Takes 25 ms of CPU time for each unit of the last byte of such an address.
local SCRIPT = [[
return {
  accept = function(conn)
    local units = conn.client:match("^10%.0%.0%.(%d+)$")
    local till = os.clock() + (units or 0) * 0.025
    repeat until os.clock() >= till
  end,
  close = function() end,
}
]]


describe("the times of hooks", function()
  local p

  before_each(function()
    p = assert(program.start {
      config = "script_budget = 2s\n[upstream db]\nprotocol = tcp\n"
        .. "server a = 127.0.0.1:1\n"
        .. "[tcp db]\nlisten = 127.0.0.1:8080\nupstream = db\nscript = a.lua",
      lua = { ["a.lua"] = SCRIPT },
    })
  end)

  after_each(function()
    p:stop()
  end)

  -- How many calls the histogram of a hook knows of, and the longest.
  local function times(hook)
    local core, board, name = p.core, p.site.board, "a.lua"
    local row = core.board_find_script(board,
      ffi.new("struct str", name, #name))
    local sum = ffi.new("struct times_sum")
    core.script_counts_times(board, row, hook, sum)
    return tonumber(sum.count), tonumber(sum.max_ns)
  end

  local function accepted()
    return times(p.core.SCRIPT_HOOK_ACCEPT)
  end

  local function accept(n, client)
    for _ = 1, n do
      assert.are.equal("pass", (p:accept(client)))
    end
  end

  it("are those of all calls at first", function()
    for n = 1, FIRST do
      accept(1)
      assert.are.equal(n, (accepted()))
    end
  end)

  it("are those of a few calls later, which stand for all", function()
    local more = 8000
    accept(FIRST + more)
    local count = accepted()
    assert.are.equal(0, (count - FIRST) % EVERY)
    -- Five times the standard deviation.
    local most = 5 * math.sqrt(more / EVERY) * 9
    assert.is_true(math.abs(count - FIRST - more) <= most, count)
  end)

  it("are counted for each hook", function()
    accept(3)
    p:close_conn { ok = true }
    assert.are.equal(3, (accepted()))
    assert.are.equal(1, (times(p.core.SCRIPT_HOOK_CLOSE)))
  end)

  it("show the longest, even of a call that is not timed", function()
    accept(FIRST + 1)
    local ms = 25
    local before, after, longest
    repeat
      ms, before = ms * 2, accepted()
      accept(1, ("10.0.0.%d:1"):format(ms / 25))
      after, longest = accepted()
    until after == before
    assert.is_true(longest >= (ms - TICK_MS - 1) * MS, longest)
  end)
end)


describe("a section without hooks", function()
  local p

  -- Whatever of this floor's functions were called would use it.
  local function without_vm(work)
    local vm = p.scripts.vm
    local L = vm.L
    vm.L = nil
    local ok, reason = pcall(work)
    vm.L = L
    assert(ok, reason)
  end

  before_each(function()
    p = assert(program.start {
      config = "[http web]\nlisten = 127.0.0.1:8080\nroot = ${dir}/www\n"
        .. "[http scripted]\nlisten = 127.0.0.1:8081\nroot = ${dir}/www\n"
        .. "script = a.lua\n",
      lua = { ["a.lua"] = "return { request = function() end,"
        .. " response = function() end, log = function() end,"
        .. " accept = function() end }" },
      files = { ["www/file.txt"] = "the file" },
    })
  end)

  after_each(function()
    p:stop()
  end)

  it("has no function of the script floor to call", function()
    local sections = p.site.runtime.sections
    for name in pairs { accept = 1, request = 1, response = 1, log = 1,
                        forget = 1, close = 1 } do
      assert.is_true(sections[0].hooks[name] == nil, name)
    end
    assert.is_true(sections[1].hooks.request ~= nil)
  end)

  it("answers while there is no VM", function()
    without_vm(function()
      assert.are.equal(200, (p:get("/file.txt")))
      assert.are.equal(404, (p:get("/none.txt")))
    end)
    assert.are.equal(0, p:counts("a.lua").calls)
  end)
end)
