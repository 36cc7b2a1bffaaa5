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
local mysql = require "support.mysql"
local peers = require "support.loop"
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
    "script/swap.h", "script/guard.h", "script/vm.h", "board/board.h",
    "board/script_counts.h", "board/state.h", "board/strikes.h", "base/log.h",
    "base/clock.h", "net/loop.h", "net/timer.h", "app/rows.h")
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
  local added = ffi.new("struct rows_added")
  assert(core.rows_add(self.site.board, self.site.config, added) == 0)
  core.rows_forget(added)
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
  self.site.turn = function()
    self:turn()
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
  self.core.clock_update()  -- it comes in a turn of its own
  return self.site:get(...)
end


--- A client of the first section: one for all hooks of its session.
-- @param keeps  false: nothing can be kept for it, as on http
function Program:conn(client, keeps)
  local conn = {
    c = ffi.new("struct hook_conn"), ref = ffi.new("int[1]"),
    from = ffi.new("struct addr"), to = ffi.new("struct addr"),
  }
  assert(self.core.addr_parse(conn.from, client or CLIENT, nil) == 0)
  assert(self.core.addr_parse(conn.to, LISTENER, nil) == 0)
  conn.c.client, conn.c.listener = conn.from, conn.to
  conn.c.section = self.site.runtime.sections[0].conf.name
  conn.c.hook_ref = keeps ~= false and conn.ref or nil
  return conn
end


local function conn_of(self, client)
  return type(client) == "table" and client or self:conn(client)
end


-- What was decided: as Program:accept returns it.
local function read_verdict(core, result, verdict)
  local priority = verdict.priority ~= 0 and verdict.priority or nil
  if result == core.HOOK_ROUTE then
    return "route", support.text(verdict.upstream.conf.name), priority
  end
  if result == core.HOOK_DENY then
    return "deny", support.text(verdict.reason)
  end
  if result == core.HOOK_LATE then
    return "late"
  end
  return result == core.HOOK_PASS and "pass" or "failed", nil, priority
end


--- Calls the first section's `accept`.
-- @param client  string, an address; or what Program:conn made
-- @return string: pass, route, deny or failed; the upstream or reason; the
--   priority, where one was given
function Program:accept(client)
  local conn = conn_of(self, client)
  local hooks = self.site.runtime.sections[0].hooks
  local verdict = ffi.new("struct hook_verdict")
  local result = hooks.accept(hooks.arg, conn.c, verdict)
  return read_verdict(self.core, result, verdict)
end
jit.off(Program.accept)


-- --- logins ------------------------------------------------------------------

local Login = {}
Login.__index = Login


local function set_text(to, text)
  to.p, to.len = text, text and #text or 0
end


--- A login to the first section.
-- @param given  table: user, schema, plugin (strings), attributes (an array of
--   pairs), charset, tls, wait_ms; client, as Program:accept takes it
function Program:new_login(given)
  local c = ffi.new("struct hook_login")
  local login = setmetatable({
    c = c, program = self, wakes = 0, conn = conn_of(self, given.client),
    verdict = ffi.new("struct hook_verdict"),
    texts = { given.user, given.schema, given.plugin,
              mysql.attributes(given.attributes or {}) },
  }, Login)
  c.conn = login.conn.c
  set_text(c.user, given.user or "")
  set_text(c.schema, given.schema)
  set_text(c.plugin, given.plugin)
  set_text(c.attributes, login.texts[4])
  c.charset, c.tls = given.charset or 45, given.tls or false
  c.wait_ms = given.wait_ms or 10000
  login.on_wake = ffi.cast("void (*)(struct hook_login *)", function()
    login.wakes = login.wakes + 1
  end)
  c.on_wake = login.on_wake
  return login
end


--- Asks its hooks, for the first time or again.
-- @return false where they wait; else as Program:accept, and the server's name
function Login:ask()
  local core = self.program.core
  local hooks = self.program.site.runtime.sections[0].hooks
  local result = hooks.login(hooks.arg, self.c, self.verdict)
  self.asked_after = self.wakes
  if result == core.HOOK_WAIT then
    return false
  end
  self.on_wake:free()
  if self.verdict.server ~= nil then
    self.server = support.text(self.verdict.server.conf.name)
  end
  return read_verdict(core, result, self.verdict)
end
jit.off(Login.ask)


--- Asks again once it was woken.
function Login:wait()
  peers.wait_until("the login is woken", function()
    self.program.core.clock_update()
    self.program:turn()
    return self.wakes > self.asked_after
  end)
  return self:ask()
end


--- The client leaves.
function Login:abort()
  local hooks = self.program.site.runtime.sections[0].hooks
  hooks.login_abort(hooks.arg, self.c)
  self.on_wake:free()
end
jit.off(Login.abort)


--- Asks the hooks of a login, and waits for them where they wait.
-- @return as Program:accept
function Program:login(given)
  local login = self:new_login(given)
  local answer = { login:ask() }
  if answer[1] == false then
    answer = { login:wait() }
  end
  return answer[1], answer[2], answer[3]
end


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
-- @param client  as Program:accept takes it
function Program:close_conn(result, client)
  local conn = conn_of(self, client)
  local hooks = self.site.runtime.sections[0].hooks
  hooks.close(hooks.arg, conn.c, ffi.new("struct flow_result", result))
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
  core.script_counts_sum_all(board, row, totals)
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
