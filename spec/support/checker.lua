--- The core's checkers, run from a spec, with scripted or real servers beside.
--
--     local checks = checker.new("check = mysql user=u", { 3306, 3307 })
--     checks:run(1).words   --> "Layer7 check passed: 10.11.6-MariaDB"
--
-- The core's loop and the spec's tasks take turns.
local ffi = require "ffi"
local config = require "support.config"
local loop = require "support.loop"
local support = require "support.ffi"

local core = support.load("proxy/check.h", "base/clock.h", "base/addr.h",
  "net/loop.h", "net/timer.h")

local TURN_MS = 2

local _M = {}
local Checks = {}
Checks.__index = Checks

-- A number for a checker, to know it again.
local function name_of(c)
  return tonumber(ffi.cast("intptr_t", ffi.cast("void *", c)))
end


-- One set of callbacks for all: LuaJIT has few.
local ended = {}
local on_end = ffi.cast("check_fn", function(c)
  local name = name_of(c)
  ended[name] = (ended[name] or 0) + 1
end)
local stop_loop
local on_timer = ffi.cast("timer_fn", function()
  core.loop_stop(stop_loop)
end)


local function turn(self)
  stop_loop = self.loop
  core.timer_init(self.timer, on_timer)
  core.loop_start_timer(self.loop, self.timer, TURN_MS)
  core.loop_run(self.loop)
  loop.watch(0)
end
-- A callback may not be reached from compiled code.
jit.off(turn)


--- Makes a checker for each port.
-- @param keys   string: of the upstream, `check` among them
-- @param ports  array of integers
function _M.new(keys, ports)
  local text = { "[upstream u]\nprotocol = mysql\npolicy = roundrobin\n", keys,
    "\n" }
  for i, port in ipairs(ports) do
    text[#text + 1] = ("server s%d = 127.0.0.1:%d\n"):format(i, port)
  end
  text[#text + 1] = "[tcp t]\nlisten = 127.0.0.1:1\nupstream = u\n"
  local conf, faults = config.read(table.concat(text))
  assert(conf, table.concat(faults, "\n"))

  core.clock_update()
  local self = setmetatable({ conf = conf, loop = core.loop_new(),
    timer = ffi.new("struct timer"), checkers = {} }, Checks)
  local upstream = conf.upstreams + 0
  for i, port in ipairs(ports) do
    local c = ffi.new("struct checker")
    assert(core.checker_init(c, self.loop, upstream, upstream.servers + (i - 1),
      on_end, nil) == 0)
    assert(core.addr_parse(c.addr, "127.0.0.1:" .. port, nil) == 0)
    self.checkers[i] = c
  end
  return self
end


--- Starts the check of server I.
function Checks:start(i)
  local c = self.checkers[i]
  ended[name_of(c)] = 0
  core.clock_update()
  core.checker_start(c)
end


--- Waits for the end of the check of server I.
-- @return a table: words, code, passed, share, at_once, ms
function Checks:finish(i)
  local c = self.checkers[i]
  local name = name_of(c)
  local deadline = loop.deadline()
  while ended[name] == 0 do
    turn(self)
    assert(loop.now() < deadline, "no verdict within the deadline")
  end
  assert(ended[name] == 1, "ended more than once")
  local verdict = c.verdict
  return {
    words = ffi.string(verdict.words),
    code = ffi.string(core.check_status_code(verdict.status)),
    passed = core.check_status_is_pass(verdict.status),
    share = verdict.share,
    at_once = verdict.at_once,
    ms = verdict.took_us / 1000,
  }
end


--- Checks server I once.
function Checks:run(i)
  self:start(i)
  return self:finish(i)
end


--- Checks server I until its words have a text.
-- @param text  string: plain
function Checks:run_until(i, text, seconds)
  local deadline = loop.deadline(seconds)
  while true do
    local verdict = self:run(i)
    if verdict.words:find(text, 1, true) then
      return verdict
    end
    if loop.now() > deadline then
      error(("%q did not come, but %q"):format(text, verdict.words), 2)
    end
  end
end


--- Is the connection of server I kept?
function Checks:is_open(i)
  return core.stream_is_open(self.checkers[i].stream)
end


--- Lets the loop turn while a condition does not hold.
function Checks:turn_until(what, predicate)
  local deadline = loop.deadline()
  while not predicate() do
    turn(self)
    assert(loop.now() < deadline, "waited in vain until " .. what)
  end
end


function Checks:close()
  for _, c in ipairs(self.checkers) do
    core.checker_fini(c)
  end
  core.loop_free(self.loop)
end


return _M
