--- moongate.after and moongate.every: called by the loop of the process, and
-- over with their script.
local loop = require "support.loop"
local program = require "script.program"

local p


local function start(body)
  p = assert(program.start {
    config = "[http web]\nlisten = 127.0.0.1:8080\nscript = a.lua",
    lua = { ["a.lua"] = "local moongate = require 'moongate'\n" .. body
      .. "\nreturn {}" },
  })
end


local function faults_of(body)
  return program.faults_of("local moongate = require 'moongate'\n" .. body
    .. "\nreturn {}")[1]
end


-- How many lines of the log have a text.
local function count(wanted)
  local n = 0
  for _, line in ipairs(p.log) do
    if line:find(wanted, 1, true) then
      n = n + 1
    end
  end
  return n
end


local function wait_count(wanted, n)
  loop.wait_until(("%s is logged %d times"):format(wanted, n), function()
    p:turn()
    return count(wanted) >= n
  end)
end


describe("moongate.after", function()
  after_each(function()
    p:stop()
  end)

  it("calls once", function()
    start("moongate.after(0, function() print('called') end)\n"
      .. "moongate.after(0.05, function() print('later') end)")
    assert.are.equal(0, count("called"))
    wait_count("later", 1)
    assert.are.equal(1, count("called"))
    assert.are.equal(2, p:counts("a.lua").calls)
  end)

  it("may be called by what it calls, and keeps what it was given", function()
    start([[
      local n = 0
      local function again()
        n = n + 1
        print("turn " .. n)
        if n < 3 then
          assert(moongate.after(0.001, again))
        end
      end
      moongate.after(0, again)
    ]])
    wait_count("turn 3", 1)
    assert.are.equal(1, count("turn 1"))
    assert.are.equal(1, count("turn 2"))
  end)

  it("may wait", function()
    start("moongate.after(0, function()\n  print('before')\n"
      .. "  moongate.sleep(0.02)\n  print('behind')\nend)")
    wait_count("before", 1)
    wait_count("behind", 1)
  end)

  it("says where its function raised, and counts it", function()
    start("moongate.after(0, function()\n  error('oh')\nend)")
    wait_count("a function of after() of http web failed: a.lua:3: oh", 1)
    assert.are.equal(1, count("stack traceback"))
    assert.are.equal(1, p:counts("a.lua").errors)
    assert.are.equal(0, p:counts("a.lua").fallbacks)
  end)

  it("has a limit for each script, which what is over makes room in", function()
    start([[
      local function nothing() end
      for i = 1, 256 do
        assert(moongate.after(0, nothing))
      end
      local ok, reason = moongate.after(0, nothing)
      assert(ok == nil and reason == "too many timers")
      print("filled")
    ]])
    assert.are.equal(1, count("filled"))
    loop.wait_until("all have been called", function()
      p:turn()
      return p:counts("a.lua").calls == 256
    end)
    assert.are.same({}, { select(2, unpack(p.log)) })
  end)

  it("does not outlive its script, neither before nor while it waits",
    function()
      start("moongate.after(3600, print)\n"
        .. "moongate.after(0, function()\n  print('waits')\n"
        .. "  moongate.sleep(3600)\nend)")
      wait_count("waits", 1)
    end)
end)


describe("moongate.every", function()
  after_each(function()
    p:stop()
  end)

  it("calls again and again, until it is told to stop", function()
    start([[
      local n = 0
      moongate.every(0.01, function()
        n = n + 1
        print("turn")
        return n < 3
      end)
      moongate.after(0.5, function() print("end") end)
    ]])
    wait_count("end", 1)
    assert.are.equal(3, count("turn"))
  end)

  it("is interrupted for its CPU time, and ends with its script's quarantine",
    function()
      start("moongate.every(0.01, function() while true do end end)")
      wait_count("used more than its 50ms of CPU time", 3)
      wait_count("script a.lua: quarantined: 3 times within a minute", 1)
      local calls = p:counts("a.lua").calls
      loop.wait(-1, 0, loop.now() + 0.1)
      p:turn()
      assert.are.equal(calls, p:counts("a.lua").calls)
    end)

  it("is not called any more where others of the same turn ended it", function()
    start("for i = 1, 20 do\n"
      .. "  moongate.after(0, function() while true do end end)\nend\n"
      .. "moongate.after(0, function() print('called') end)")
    wait_count("script a.lua: quarantined: 3 times within a minute", 1)
    p:turn()
    assert.are.equal(3, count("used more than its 50ms of CPU time"))
    assert.are.equal(3, p:counts("a.lua").errors)
    assert.are.equal(0, count("called"))
  end)

  it("goes on after its function has raised", function()
    start("moongate.every(0.01, function() error('oh') end)")
    wait_count("a function of every() of http web failed: a.lua:2: oh", 3)
  end)
end)


describe("timers that are not as they should be", function()
  for body, wanted in pairs {
    ["moongate.after(-1, print)"] = "a.lua:2: bad argument #1 to 'after' "
      .. "(seconds from 0 to 2678400 expected)",
    ["moongate.after(0 / 0, print)"] = "bad argument #1 to 'after'",
    ["moongate.after('1', print)"] = "bad argument #1 to 'after'",
    ["moongate.after(1)"] = "a.lua:2: bad argument #2 to 'after' (function "
      .. "expected, got nil)",
    ["moongate.every(0, print)"] = "a.lua:2: bad argument #1 to 'every' "
      .. "(seconds from 0.01 to 2678400 expected)",
    ["moongate.every(1e9, print)"] = "bad argument #1 to 'every'",
  } do
    it("raise: " .. body, function()
      local text = faults_of(body)
      assert.is_string(text)
      assert.is_true(text:find(wanted, 1, true) ~= nil, text)
    end)
  end

  it("end with a script that is refused", function()
    local text = faults_of("moongate.every(1, print)\nerror('no')")
    assert.is_true(text:find("no", 1, true) ~= nil)
  end)
end)
