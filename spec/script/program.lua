--- Scripts in this process: a configuration made live with the scripts that it
-- names, over a board of its own.
--
--     local p = program.start {
--       config = "[http web]\nlisten = 127.0.0.1:80\nscript = a.lua",
--       lua = { ["a.lua"] = "return { request = function(req) end }" },
--     }
--     p:get("/"), p:take("db"), p.log
--     p:stop()
local sites = require "support.exchange"
local ffi = require "ffi"
local folder = require "support.folder"
local support = require "support.ffi"

local _M = {}
local Program = {}
Program.__index = Program

local CLIENT = "192.0.2.7:4711"
local LISTENER = "127.0.0.1:8080"


local function core_load()
  return support.load("config/config.h", "proxy/runtime.h",
    "proxy/upstream.h", "proxy/section.h", "script/scripts.h",
    "script/script.h", "script/bundle.h", "script/bundles.h",
    "script/swap.h", "script/guard.h", "board/board.h", "board/state.h",
    "board/strikes.h", "base/log.h", "base/clock.h", "net/loop.h",
    "net/timer.h")
end


local function fault_texts(faults)
  local texts = {}
  for i = 0, tonumber(faults.item_count) - 1 do
    texts[#texts + 1] = faults.items[i].line .. ": "
      .. ffi.string(faults.items[i].text)
  end
  return texts
end


local function load_scripts(core, runtime, bundles)
  local faults = ffi.new("struct faults")
  core.faults_init(faults)
  local scripts = core.scripts_load(runtime, ".", bundles, faults)
  local texts = fault_texts(faults)
  core.faults_fini(faults)
  return scripts, texts
end
jit.off(load_scripts)


-- Whatever is logged stands in self.log.
local function catch_log(self)
  self.log = {}
  self.sink = ffi.cast("log_sink_fn", function(_, _, line, len)
    self.log[#self.log + 1] = ffi.string(line, len):gsub("\n$", "")
  end)
  self.core.log_set_sink(self.sink, nil)
end


local function release_log(self)
  self.core.log_set_sink(nil, nil)
  self.sink:free()
end


-- A configuration that listens somewhere, as it has to.
local function complete(config)
  if config:find("\nlisten *=") then
    return config
  end
  return config .. "\n[http spare]\nlisten = 127.0.0.1:8080\n"
end


-- The site of a configuration; script_path is its folder lua.
local function new_site(options)
  local files = {}
  for path, text in pairs(options.files or {}) do
    files[path] = text
  end
  files["lua/.keep"] = ""
  for path, text in pairs(options.lua or {}) do
    files["lua/" .. path] = text
  end
  return sites.site("[global]\nscript_path = ${dir}/lua\n"
    .. complete(options.config), files)
end


-- What the master writes to the board of each server.
local function set_servers(self)
  local runtime = self.site.runtime
  for i = 0, tonumber(runtime.upstream_count) - 1 do
    local upstream = runtime.upstreams[i]
    for k = 0, upstream.server_count - 1 do
      local server = upstream.servers[k]
      self.core.board_set_server(self.site.board, server.row,
        server.conf.address.text, server.conf.weight, server.conf.maxconn,
        server.conf.backup)
    end
  end
end


-- As a connection does before it ends an exchange.
local function forget(self, exchange)
  local hooks = self.site.runtime.sections[0].hooks
  if hooks.forget ~= nil then
    hooks.forget(hooks.arg, exchange)
  end
end
jit.off(forget)


--- Loads a configuration and its scripts.
-- @param options  table: config (string); lua, files (texts by name)
-- @return the program, or nil and an array of faults, "LINE: text"
function _M.start(options)
  local core = core_load()
  local self = setmetatable({ core = core }, Program)
  self.site = new_site(options)
  self.bundles = ffi.new("struct bundles")
  set_servers(self)
  catch_log(self)
  assert(core.scripts_add_rows(self.site.board, self.site.config) == 0)
  local scripts, texts = load_scripts(core, self.site.runtime,
    self.bundles)
  if scripts == nil then
    release_log(self)
    core.bundles_fini(self.bundles)
    self.site:close()
    return nil, texts
  end
  self.scripts = scripts
  self.site.forget = function(exchange)
    forget(self, exchange)
  end
  return self
end


--- A second worker beside this one, on the same board; for flows alone.
function Program:colleague()
  local runtime, engine = self.site:new_worker()
  local scripts, texts = load_scripts(self.core, runtime, self.bundles)
  assert(scripts ~= nil, texts[1])
  return setmetatable({
    core = self.core, scripts = scripts, engine = engine,
    site = { board = self.site.board, runtime = runtime },
    stop = function(colleague)
      self.core.scripts_free(colleague.scripts)
      self.core.runtime_unref(runtime)
    end,
  }, Program)
end


--- The faults of a configuration with one script for an [http] section.
function _M.faults_of(text, more)
  local lua = { ["a.lua"] = text }
  for name, other in pairs(more or {}) do
    lua[name] = other
  end
  local program, faults = _M.start {
    config = "[http web]\nlisten = 127.0.0.1:8080\nscript = a.lua", lua = lua,
  }
  if program then
    program:stop()
    return {}
  end
  return faults
end


function Program:stop()
  self.core.scripts_free(self.scripts)
  self.core.bundles_fini(self.bundles)
  release_log(self)
  self.site:close()
end


--- Asks the [http] section that comes first.
-- @return what exchange.Site:get does
function Program:get(...)
  return self.site:get(...)
end


--- Calls the first section's `accept`.
-- @return string: pass, route, deny or failed; the upstream or reason; the
--   priority, where one was given
function Program:accept(client)
  local core = self.core
  local section = self.site.runtime.sections[0]
  local conn = ffi.new("struct hook_conn")
  local verdict = ffi.new("struct hook_verdict")
  local from, to = ffi.new("struct addr"), ffi.new("struct addr")
  assert(core.addr_parse(from, client or CLIENT, nil) == 0)
  assert(core.addr_parse(to, LISTENER, nil) == 0)
  conn.client, conn.listener = from, to
  conn.section = section.conf.name
  local result = section.hooks.accept(section.hooks.arg, conn, verdict)
  local priority = verdict.priority ~= 0 and verdict.priority or nil
  if result == core.HOOK_ROUTE then
    return "route", support.text(verdict.upstream.conf.name), priority
  end
  if result == core.HOOK_DENY then
    return "deny", support.text(verdict.reason)
  end
  return result == core.HOOK_PASS and "pass" or "failed", nil, priority
end
jit.off(Program.accept)


--- Turns the loop once.
function Program:turn()
  local core, loop = self.core, self.site.link.loop
  local timer = ffi.new("struct timer")
  local on_tick = ffi.cast("timer_fn", function()
    core.loop_stop(loop)
  end)
  core.timer_init(timer, on_tick)
  core.loop_start_timer(loop, timer, 0)
  core.loop_run(loop)
  core.timer_stop(timer)
  on_tick:free()
end
jit.off(Program.turn)


--- Calls the first section's `close`.
-- @param result  table: fields of struct flow_result
function Program:close_conn(result)
  local core = self.core
  local section = self.site.runtime.sections[0]
  local conn = ffi.new("struct hook_conn")
  local from, to = ffi.new("struct addr"), ffi.new("struct addr")
  assert(core.addr_parse(from, CLIENT, nil) == 0)
  assert(core.addr_parse(to, LISTENER, nil) == 0)
  conn.client, conn.listener = from, to
  section.hooks.close(section.hooks.arg, conn,
    ffi.new("struct flow_result", result))
end
jit.off(Program.close_conn)


function Program:upstream(name)
  local upstream = self.core.runtime_find_upstream(self.site.runtime,
    ffi.new("struct str", name, #name))
  assert(upstream ~= nil, "no upstream " .. name)
  return upstream
end


--- Begins a flow to an upstream.
function Program:flow(name, client)
  local core = self.core
  local flow = ffi.new("struct flow")
  local from, to = ffi.new("struct addr"), ffi.new("struct addr")
  assert(core.addr_parse(from, client or CLIENT, nil) == 0)
  assert(core.addr_parse(to, LISTENER, nil) == 0)
  flow.upstream = self:upstream(name)
  flow.client, flow.listener = from, to
  return { c = flow, from, to }
end


--- Takes a server for a flow.
-- @return the server's name, or nil and the reason
function Program:take(flow)
  local again = ffi.new("bool[1]")
  local reason = ffi.new("const char *[1]")
  if self.core.upstream_take(flow.c, true, again, reason)
    ~= self.core.UPSTREAM_TAKEN then
    return nil, ffi.string(reason[0])
  end
  return support.text(flow.c.server.conf.name)
end
jit.off(Program.take)


--- Gives a flow's server back.
-- @param result  table, optional: fields of struct flow_result
function Program:give(flow, result)
  self.core.upstream_give(flow.c, ffi.new("struct flow_result",
    result or { ok = true }), false)
end
jit.off(Program.give)


--- Takes and gives back once, in a flow of its own.
function Program:pick(name, client)
  local flow = self:flow(name, client)
  local server, reason = self:take(flow)
  if server then
    self:give(flow)
  end
  return server, reason
end


--- What the board counts for a script: calls, errors, fallbacks.
function Program:counts(name)
  local core, board = self.core, self.site.board
  local row = core.board_find_script(board, ffi.new("struct str", name, #name))
  local totals = ffi.new("struct script_totals")
  core.board_sum_script(board, row, totals)
  return {
    calls = tonumber(totals.calls),
    errors = tonumber(totals.errors),
    fallbacks = tonumber(totals.fallbacks),
  }
end


--- Lifts the quarantine of a script, as a swap does.
function Program:lift(name)
  local core, board = self.core, self.site.board
  local row = core.board_find_script(board, ffi.new("struct str", name, #name))
  core.strikes_lift(board.scripts[row])
end


--- Writes a script anew.
function Program:write(name, text)
  folder.write(self.site.dir .. "/lua/" .. name, text)
end


return _M
