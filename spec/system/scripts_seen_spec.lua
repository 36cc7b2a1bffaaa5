--- What is seen of scripts: calls, errors, fallbacks and times of each hook,
-- and the memory of each worker's scripts.
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"

local MS = 1e6  -- of nanoseconds
local BUSY_MS = 20  -- of CPU time, in one branch
-- A machine that is busy takes longer, but a thousand times as long as the
-- least that is expected would be something else.
local SLOW_MS = 5000

--- What is busy counts the time for which nothing else runs, too: it is never
-- shorter than the clock says.
local SCRIPT = [[
local moongate = require "moongate"

local function burn(seconds)
  local till = os.clock() + seconds
  local n = 0
  repeat
    for i = 1, 1000 do n = n + i %% 3 end
  until os.clock() >= till
  return n
end

local kept = {}
moongate.after(0, function()
  burn(0.005)
  moongate.sleep(1.5)
  burn(0.005)
  print("the timer is done")
end)

return {
  request = function(req)
    if req.path == "/slow" then burn(%g) end
    if req.path == "/raise" then error("on purpose") end
    if req.path == "/keep" then kept[1] = ("x"):rep(4 * 1024 * 1024) end
  end,
  log = function() return { a = 1 } end,
}
]]

local POLICY = [[
return {
  pick = function(flow, servers) return 1 end,
  done = function() error("done is broken") end,
}
]]

local CHECK = [[
local moongate = require "moongate"
return {
  check = function(server)
    moongate.sleep(0.3)
    return true
  end,
}
]]

local CONFIG = [[
  [upstream db]
  protocol = tcp
  policy = ${dir}/lua/one.lua
  check = lua script=check.lua interval=100ms timeout=5s
  server one = 127.0.0.1:${port_one}
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = off
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  script = seen.lua
  access_log = off
]]


describe("what is seen of scripts", function()
  local m, server

  -- `show scripts`, by the ends of their names; their hooks by theirs.
  local function read()
    local scripts = {}
    for _, script in ipairs(m:ctl("show scripts --json")) do
      script.by_hook = {}
      for _, hook in ipairs(script.hooks) do
        script.by_hook[hook.hook] = hook
      end
      scripts[script.name:match("[^/]+$")] = script
    end
    return scripts
  end

  local function wait_for(what, condition)
    local found
    loop.wait_until(what, function()
      found = read()
      return condition(found)
    end)
    return found
  end

  before_each(function()
    server = peer.serve(peer.greet("hello"))
    m = moongate.start {
      ports = { one = server.port },
      config = CONFIG,
      files = {
        ["lua/seen.lua"] = SCRIPT:format(BUSY_MS / 1000),
        ["lua/one.lua"] = POLICY,
        ["lua/check.lua"] = CHECK,
        ["www/index.html"] = "hello",
      },
    }
  end)

  after_each(moongate.finish)

  local function fetch(path, n)
    for _ = 1, n do
      http.fetch(m.port.web, path)
    end
  end

  it("are the times of a hook that is slow in one branch", function()
    fetch("/", 60)
    local fast = read()["seen.lua"].by_hook.request
    assert.are.equal(60, fast.calls)
    assert.is_true(fast.p50_ns > 0 and fast.p50_ns <= fast.p99_ns)
    assert.is_true(fast.p99_ns <= fast.max_ns)
    fetch("/slow", 20)
    local script = read()["seen.lua"]
    local slow = script.by_hook.request
    assert.are.equal(80, slow.calls)
    assert.are.equal(0, slow.errors)
    assert.is_true(slow.p50_ns < BUSY_MS * MS / 2)
    assert.is_true(slow.p99_ns >= BUSY_MS * MS * 15 / 16)
    assert.is_true(slow.p99_ns < SLOW_MS * MS)
    assert.is_true(slow.max_ns >= BUSY_MS * MS)
    assert.is_true(slow.max_ns < SLOW_MS * MS)
    assert.is_true(script.max_ns >= slow.max_ns)
    assert.are.equal(script.calls, 80 + script.by_hook.timer.calls
      + (script.by_hook.log and script.by_hook.log.calls or 0))
  end)

  it("are the calls, and what failed of them, by hook", function()
    fetch("/", 3)
    fetch("/raise", 4)
    local script = read()["seen.lua"]
    assert.are.equal(7, script.by_hook.request.calls)
    assert.are.equal(4, script.by_hook.request.errors)
    assert.are.equal(4, script.by_hook.request.fallbacks)
    assert.are.equal(4, script.errors)
    for _ = 1, 5 do
      local client = assert(net.connect(m.port.db))
      assert.are.equal("hello", client:receive(5))
      client:close()
    end
    local policy = wait_for("all are done", function(found)
      return found["one.lua"].by_hook.done.calls == 5
    end)["one.lua"]
    assert.are.equal(5, policy.by_hook.pick.calls)
    assert.are.equal(0, policy.by_hook.pick.errors)
    assert.are.equal(5, policy.by_hook.done.errors)
    assert.are.equal(10, policy.calls)
    assert.are.equal(5, policy.errors)
  end)

  it("are not the times for which a hook has waited", function()
    m:wait_log("the timer is done")
    local found = wait_for("checks have ended", function(found)
      local check = found["check.lua"].by_hook.check
      return check.calls >= 2 and check.max_ns > 0
        and found["seen.lua"].by_hook.timer.max_ns > 0
    end)
    local check = found["check.lua"].by_hook.check
    assert.is_true(check.max_ns < 300 * MS, check.max_ns)
    local timer = found["seen.lua"].by_hook.timer
    assert.are.equal(1, timer.calls)
    assert.is_true(timer.max_ns >= 10 * MS, timer.max_ns)
    assert.is_true(timer.max_ns < 1500 * MS, timer.max_ns)
  end)

  it("are shown for people, too", function()
    fetch("/slow", 1)
    local text = m:ctl("show scripts")
    assert.is_truthy(text:find("\nseen%.lua +%d+ +0 +0 .* in use\n"), text)
    assert.is_truthy(text:find("\n  request +1 +0 +0 +[%d.]+m?s "), text)
  end)

  it("are the bytes that each worker's scripts have", function()
    local function heap()
      return m:ctl("show info --json").workers[1].heap_bytes
    end
    loop.wait_until("the heap is told", function()
      return heap() > 100 * 1024
    end)
    local before = heap()
    fetch("/keep", 1)
    loop.wait_until("the heap has grown", function()
      return heap() > before + 4 * 1024 * 1024
    end)
    assert.is_truthy(m:ctl("show info"):find("script heap", 1, true))
  end)
end)
