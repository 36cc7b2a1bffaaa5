--- `moongate test`: the specs beside scripts, by busted, in this VM.
-- @module script.offline
local api = require "script.api"
local calls = require "script.calls"
local offline_clock = require "script.offline_clock"
local offline_http = require "script.offline_http"
local offline_peer = require "script.offline_peer"
local offline_request = require "script.offline_request"
local offline_script = require "script.offline_script"

local check = calls.check

local _M = {}

local NO_BUSTED = "specs are run by busted, which is not installed here "
  .. "(Debian: apt-get install lua-busted)"


local function complain(...)
  io.stderr:write(("moongate: " .. (...) .. "\n"):format(select(2, ...)))
end


local function is_file(path)
  local file = io.open(path, "r")
  -- A folder can be opened, but not read.
  local found = file ~= nil and file:read(0) ~= nil or file ~= nil
    and file:seek("end") == 0
  if file then
    file:close()
  end
  return found
end


-- --- what specs get ----------------------------------------------------------

-- Options as the configuration has them: texts.
local function flatten(options)
  local flat = {}
  for name, value in pairs(options) do
    if type(name) ~= "string"
      or type(value) ~= "string" and type(value) ~= "number" then
      error("bad argument #2 to 'load' (texts by name expected)", 3)
    end
    flat[#flat + 1] = name
    flat[#flat + 1] = tostring(value)
  end
  return flat
end


local function add_load(test, run)
  --- Loads a script as the program does.
  -- @param name     string, optional: as configurations name it, or a path;
  --   the script beside the spec unless given
  -- @param options  table, optional: of a policy
  function test.load(name, options)
    if type(name) == "table" then
      name, options = nil, name
    end
    if name ~= nil then
      check(name, "string", 1, "load")
    end
    if options ~= nil then
      check(options, "table", 2, "load")
    end
    local path = name or run.script
    local pointer, hooks, state = offline_script.within("load", nil,
      run.host.load, path, flatten(options or {}))
    if not pointer then
      error(hooks, 2)
    end
    return offline_script.new {
      host = run.host, pointer = pointer, hooks = hooks, state = state,
      requests = run.requests, new_conn = test.conn,
    }
  end
end


local function add_picks(test)
  --- The indices that successive flows are given.
  -- @param script   what test.load made
  -- @param servers  what test.servers made
  -- @param count    number of flows
  -- @param given    table, optional: of each flow, as test.flow takes it
  function test.picks(script, servers, count, given)
    local picks = {}
    for i = 1, count do
      picks[i] = assert(script:pick(test.flow(given), servers))
    end
    return picks
  end
end


local function add_upstreams(test, run)
  --- Says what moongate.upstream answers for a name.
  function test.upstream(name, servers)
    check(name, "string", 1, "upstream")
    check(servers, "table", 2, "upstream")
    run.upstreams[name] = servers
  end
end


local function add_log(test, run)
  --- The lines that were logged since it was called last, "LEVEL: text".
  function test.logged()
    local lines = {}
    for line in run.host.logged():gmatch("[^\n]+") do
      lines[#lines + 1] = line
    end
    return lines
  end
end


-- The module `moongate.test`: what a file has of it, and what needs the core.
local function new_test(run)
  local test = dofile(run.host.shipped .. "/moongate/test.lua")
  run.clock = offline_clock.new(run.host.advance)
  run.network = offline_peer.new(test.address)
  run.web = offline_http.new()
  run.requests = offline_request.new(run.host)
  run.upstreams = {}
  test.hash = function(text)
    check(text, "string", 1, "hash")
    return calls.c.hash(text, #text, 0)
  end
  test.request = run.requests.new
  test.advance = run.clock.advance
  test.serve = run.network.serve
  test.http = run.web.serve
  add_load(test, run)
  add_picks(test)
  add_upstreams(test, run)
  add_log(test, run)
  return test
end


-- A function that may be called only where the program lets hooks wait.
local function waiting(name, f)
  return function(...)
    local why = offline_script.refuse_wait()
    if why then
      error(("%s waits, and %s"):format(name, why), 2)
    end
    return f(...)
  end
end


-- Changes the module of a script: its time, its timers, its network, and its
-- upstreams are the spec's.
local function adapt(run, module)
  module.sleep = waiting("sleep", run.clock.advance)
  module.tcp.connect = waiting("tcp.connect", run.network.connect)
  module.http.get = waiting("http.get", run.web.http.get)
  module.http.post = waiting("http.post", run.web.http.post)
  for _, name in ipairs { "after", "every" } do
    if rawget(module, name) then
      module[name] = run.clock[name]
    end
  end

  function module.upstream(name)
    check(name, "string", 1, "upstream")
    if not run.upstreams[name] then
      return nil, ("there is no upstream '%s'"):format(name)
    end
    return run.upstreams[name]
  end
end


-- `require "moongate"` in a spec: as scripts have it, and the test module.
local function new_module(run, test)
  local path = run.host.folder .. "/spec.lua"
  local file = assert(io.open(path, "w"))
  assert(file:write("return {}\n"))
  assert(file:close())
  local pointer, why = run.host.load(path)
  if not pointer then
    error(why)
  end
  local module = api.new(run.host.scripts, pointer)
  module.test = test
  return module
end


local function reset(run)
  run.requests.reset()
  run.clock.reset()
  run.network.reset()
  run.web.reset()
  run.upstreams = {}
  run.host.logged()
end


-- --- what is run -------------------------------------------------------------

-- Where a script is: its path as it was given, or below the folders.
local function find_script(host, name)
  if is_file(name) then
    return host.absolute(name)
  end
  for _, folder in ipairs { host.script_path or host.shipped, host.shipped } do
    local path = folder .. "/" .. name
    if name:sub(1, 1) ~= "/" and is_file(path) then
      return host.absolute(path)
    end
  end
  return nil
end


-- Finds a script and the spec beside it; false where something is wrong.
local function prepare(host, name)
  local path = find_script(host, name)
  if not path then
    complain("there is no script '%s', here or in %s%s", name,
      host.script_path and host.script_path .. " or " or "", host.shipped)
    return false
  end
  local pointer, why = offline_script.within("load", nil, host.load, path)
  if not pointer then
    complain("%s", why)
    return false
  end
  local spec = path:gsub("%.lua$", "") .. "_spec.lua"
  if not is_file(spec) then
    complain("no specs for %s: there is no %s", name, spec)
    return false
  end
  return { name = name, script = path, spec = spec }
end


local function prepare_all(host, names)
  local jobs, complete = {}, true
  for _, name in ipairs(names) do
    local job = prepare(host, name)
    if job then
      jobs[#jobs + 1] = job
    end
    complete = complete and job ~= false
  end
  return jobs, complete
end


local function output_name()
  local terminal = require("term").isatty(io.stdout)
  return terminal and "utfTerminal" or "plainTerminal"
end


-- Follows busted: which script's turn it is, how many specs each has, and what
-- fails.
local function follow(busted, run, jobs)
  local by_spec, current = {}, nil
  for _, job in ipairs(jobs) do
    by_spec[job.spec], job.count = job, 0
  end
  busted.subscribe({ "file", "start" }, function(file)
    current = by_spec[file.name]
    run.script = current.script
    return nil, true
  end)
  busted.subscribe({ "file", "end" }, function()
    reset(run)
    return nil, true
  end)
  busted.subscribe({ "test", "start" }, function()
    current.count = current.count + 1
    return nil, true
  end)
  for _, kind in ipairs { "error", "failure" } do
    busted.subscribe({ kind }, function()
      run.failed = true
      return nil, true
    end)
  end
end


local function run_specs(run, jobs)
  local busted = require "busted.core"()
  require "busted"(busted)
  follow(busted, run, jobs)
  local output = output_name()
  require "busted.modules.output_handler_loader"()(busted, output, {
    defaultOutput = output, language = "en", arguments = {},
  })
  local specs = {}
  for i, job in ipairs(jobs) do
    specs[i] = job.spec
  end
  local load_files = require "busted.modules.test_file_loader"(busted,
    { "lua" })
  load_files(specs, {}, { excludes = {} })
  require "busted.execute"(busted)(1, {})
  busted.publish({ "exit" })
end


-- A file without a spec in it is none that passes.
local function all_have_specs(jobs)
  local complete = true
  for _, job in ipairs(jobs) do
    if job.count == 0 then
      complain("no specs for %s: %s has none", job.name, job.spec)
      complete = false
    end
  end
  return complete
end


-- Modules of the script paths can be required by specs too.
local function extend_path(host)
  for _, folder in ipairs { host.script_path or host.shipped, host.shipped } do
    package.path = ("%s;%s/?.lua;%s/?/init.lua"):format(package.path, folder,
      folder)
  end
end


--- Runs the specs of scripts.
-- @param host   table: functions of script/offline.c, and the folders
-- @param names  array of strings: the scripts
-- @return boolean: all have specs, and all specs have passed
function _M.run(host, names)
  if not pcall(require, "busted.core") then
    complain(NO_BUSTED)
    return false
  end
  extend_path(host)
  local run = { host = host, failed = false }
  local test = new_test(run)
  api.adapt = function(module)
    adapt(run, module)
  end
  package.loaded["moongate.test"] = test
  package.loaded.moongate = new_module(run, test)
  local jobs, complete = prepare_all(host, names)
  if #jobs == 0 then
    return false
  end
  run_specs(run, jobs)
  return all_have_specs(jobs) and complete and not run.failed
end


return _M
