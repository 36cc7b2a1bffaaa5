--- Checks by a script in this process, as control runs them: one at a time, on
-- the core's loop, which is turned while a spec waits for the verdict.
--
--     local checks = assert(checks.start {
--       script = "return { check = function(server) return true end }",
--       servers = { "127.0.0.1:1" },
--     })
--     checks:run()  -- "L7OK", "Layer7 check passed"
--     checks:stop()
local ffi = require "ffi"
local lfs = require "lfs"
local loop = require "support.loop"
local program = require "script.program"
local support = require "support.ffi"

local UPSTREAM = "[upstream db]\nprotocol = tcp\n"
  .. "check = lua script=c.lua timeout=%s\n"
local TIMEOUT = "5s"

local _M = {}
local Checks = {}
Checks.__index = Checks


local function core_load()
  return support.load("proxy/check.h", "script/scripts.h",
    "script/check_lua.h", "script/script.h", "script/vm.h",
    "script/guard.h",
    "net/resolver.h", "board/check_status.h", "config/faults.h")
end


local function configuration(options)
  local lines = { UPSTREAM:format(options.timeout or TIMEOUT) }
  for i, address in ipairs(options.servers) do
    lines[#lines + 1] = ("server s%d = %s\n"):format(i, address)
  end
  return table.concat(lines)
end


local function load_checks(self)
  local core = self.core
  local faults = ffi.new("struct faults")
  core.faults_init(faults)
  self.scripts = core.scripts_load_checks(self.program.site.runtime, ".",
    self.program.bundles, faults)
  local texts = {}
  for i = 0, tonumber(faults.count) - 1 do
    texts[#texts + 1] = ffi.string(faults.items[i].text)
  end
  core.faults_fini(faults)
  core.check_lua_use(self.scripts, self.resolver)
  return texts
end
jit.off(load_checks)


local function new_checker(self, index)
  local core = self.core
  local upstream = self.program:upstream("db")
  local server = upstream.servers[index - 1]
  local checker = ffi.new("struct checker")
  assert(core.checker_init(checker, self.loop, upstream.conf, server.conf,
    self.on_end, nil) == 0)
  assert(core.addr_parse(checker.addr, server.conf.address.text.p, nil) == 0)
  self.checkers[index] = checker
end
jit.off(new_checker)


--- Loads a script, and makes a checker of each server.
-- @param options  table: script (its text); servers (array of addresses);
--                 timeout (as configured); lua (further scripts by name);
--                 resolver (names are looked up: true)
-- @return the checks, or nil and an array of faults
function _M.start(options)
  local core = core_load()
  local self = setmetatable({ core = core, checkers = {} }, Checks)
  local lua = { ["c.lua"] = options.script }
  for name, text in pairs(options.lua or {}) do
    lua[name] = text
  end
  self.program = assert(program.start {
    config = configuration(options), lua = lua,
  })
  self.log = self.program.log
  self.loop = self.program.site.engine.loop
  self.timer = ffi.new("struct timer")
  self.on_tick = ffi.cast("timer_fn", function()
    core.loop_stop(self.loop)
  end)
  core.timer_init(self.timer, self.on_tick)
  self.on_end = ffi.cast("check_fn", function() end)
  if options.resolver then
    self.resolver = ffi.new("struct resolver")
    core.resolver_init(self.resolver, self.loop)
  end
  self.faults = load_checks(self)
  for i = 1, #options.servers do
    new_checker(self, i)
  end
  return self
end


--- Turns the loop for a moment.
function Checks:turn()
  self.core.loop_start_timer(self.loop, self.timer, 0)
  self.core.loop_run(self.loop)
end
jit.off(Checks.turn)


function Checks:begin(index)
  self.core.clock_update()
  self.core.checker_start(self.checkers[index or 1])
end
jit.off(Checks.begin)


function Checks:is_running(index)
  self:turn()
  return self.checkers[index or 1].running
end


--- The verdict of the last check.
-- @return string: HAProxy's code; string: its words
function Checks:verdict(index)
  local verdict = self.checkers[index or 1].verdict
  return ffi.string(self.core.check_status_code(verdict.status)),
    ffi.string(verdict.words)
end


--- Waits for the verdict of a check that was begun.
function Checks:wait(index)
  loop.wait_until("there is a verdict", function()
    return not self:is_running(index)
  end)
  return self:verdict(index)
end


--- Checks once.
-- @return the verdict, as above
function Checks:run(index)
  self:begin(index)
  return self:wait(index)
end


--- What the board counts for the script.
function Checks:counts()
  return self.program:counts("c.lua")
end


--- How many coroutines wait for the next hook.
function Checks:spare_coroutines()
  return self.scripts.vm.coroutines.spare_count
end


--- How many descriptors this process has open.
function _M.open_files()
  local count = 0
  for _ in lfs.dir("/proc/self/fd") do
    count = count + 1
  end
  return count
end


--- Ends one checker, as the end of the program does.
function Checks:drop(index)
  self.core.checker_fini(self.checkers[index])
  self.checkers[index] = nil
end
jit.off(Checks.drop)


function Checks:stop()
  local core = self.core
  for index in pairs(self.checkers) do
    self:drop(index)
  end
  core.check_lua_use(nil, nil)
  core.scripts_free(self.scripts)
  core.timer_stop(self.timer)
  if self.resolver then
    core.resolver_fini(self.resolver)
  end
  self.program:stop()
  self.on_tick:free()
  self.on_end:free()
end
jit.off(Checks.stop)


return _M
