--- `require "moongate"`: what a script can call besides its arguments.  Every
-- script gets tables of its own, so that none can reach another's.
-- @module script.api
local ffi = require "ffi"
local host = require "script.host"
local calls = require "script.calls"
local http = require "script.http"
local metric = require "script.metric"
local schedule = require "script.schedule"
local shared = require "script.shared"
local tcp = require "script.tcp"
local texts = require "script.texts"
local views = require "script.views"

local c, check = calls.c, calls.check

local LEVELS = { debug = 0, info = 1, warn = 2, error = 3 }
local REDIRECTS = {
  [301] = true, [302] = true, [303] = true, [307] = true, [308] = true,
}
local STATUS_FIRST, STATUS_LAST = 200, 599

--- `adapt` is called with each module that is made, where time and servers are
-- not the program's (script.offline); nil elsewhere.
local _M = { adapt = nil }


-- Makes a name that is asked for and not there an error.
local function guard(what)
  return {
    __metatable = false,
    __index = function(_, key)
      error(("%s has no '%s'"):format(what, tostring(key)), 2)
    end,
  }
end


-- --- log ---------------------------------------------------------------------

--- Joins what was given to log.* or print; a function is called for the text.
function _M.join(separator, first, ...)
  if type(first) == "function" then
    return tostring(first(...))
  end
  local parts = { first, ... }
  for i = 1, select("#", ...) + 1 do
    parts[i] = tostring(parts[i])
  end
  return table.concat(parts, separator)
end


--- Makes a function that logs for a script.
-- @param script     userdata: struct script, which the function keeps
-- @param level      string: debug, info, warn or error
-- @param separator  string: between the parts
function _M.logger(script, level, separator)
  local number = LEVELS[level]
  return function(...)
    if c.log_is_on(number) then
      local line = _M.join(separator, ...)
      c.log(script, number, line, #line)
    end
  end
end


local function new_log(script)
  local log = {}
  for level in pairs(LEVELS) do
    log[level] = _M.logger(script, level, "")
  end
  return setmetatable(log, guard("moongate.log"))
end


-- --- decisions ---------------------------------------------------------------

local function check_header(name, value)
  local ok, reason = host.check_header(name, value)
  if not ok then
    error(("bad argument #2 to 'reply' (%s)"):format(reason), 4)
  end
end


local function check_headers(headers)
  for name, value in pairs(headers) do
    if type(value) == "table" then
      for _, one in ipairs(value) do
        check_header(name, one)
      end

    else
      check_header(name, value)
    end
  end
end


--- An answer, for a `request` hook to return.
-- @param status   number: 200 to 599
-- @param headers  table, optional: name = value, or a list of values
-- @param body     string, optional
local function reply(status, headers, body)
  check(status, "number", 1, "reply")
  if status < STATUS_FIRST or status > STATUS_LAST or status % 1 ~= 0 then
    error("bad argument #1 to 'reply' (a status from 200 to 599 expected)", 2)
  end
  if headers ~= nil then
    check(headers, "table", 2, "reply")
    check_headers(headers)
  end
  if body ~= nil then
    check(body, "string", 3, "reply")
  end
  return { status = status, headers = headers, body = body }
end


--- A redirect, for a `request` hook to return.
-- @param url   string
-- @param code  number, optional: 301, 302 (if left out), 303, 307 or 308
local function redirect(url, code)
  check(url, "string", 1, "redirect")
  if code ~= nil and not REDIRECTS[code] then
    error("bad argument #2 to 'redirect' (301, 302, 303, 307 or 308 expected)",
      2)
  end
  if not host.check_header("Location", url) then
    error("bad argument #1 to 'redirect' (a URL expected)", 2)
  end
  return { status = code or 302, headers = { Location = url } }
end


-- --- the rest ----------------------------------------------------------------

local function new_upstream(scripts)
  local known = {}

  --- The servers of an upstream, fresh; nil and a reason where there is none.
  return function(name)
    check(name, "string", 1, "upstream")
    local pointer = c.upstream_find(scripts, name, #name)
    if pointer == nil then
      return nil, ("there is no upstream '%s'"):format(name)
    end
    known[name] = known[name] or views.new(pointer)
    views.refresh(pointer)
    return known[name]
  end
end


local function new_read_file(scripts)
  --- The text of a file below script_path; while the script loads only.
  return function(path)
    check(path, "string", 1, "read_file")
    if not host.is_loading(scripts) then
      error("read_file can be called only while the script loads", 2)
    end
    return host.read_file(scripts, path)
  end
end


-- As guard(), but moongate.policy is a module of the script path, which is
-- loaded where it is asked for.
local function guard_module(modules)
  local guarded = guard("moongate")
  local refuse = guarded.__index
  function guarded.__index(module, key)
    if key == "policy" then
      return modules.require("moongate.policy")
    end
    return refuse(module, key)
  end
  return guarded
end


--- Makes the module for one script.
-- @param scripts  lightuserdata: struct scripts *
-- @param script   userdata: struct script
-- @param modules  table whose `require` is the script's, once it is made
function _M.new(scripts, script, modules)
  local all = ffi.cast("struct scripts *", scripts)
  local after, every = schedule.new(script)
  local module = setmetatable({
    log = new_log(script),
    now = function() return c.now() end,
    worker = host.worker(scripts),
    sleep = tcp.sleep,
    tcp = setmetatable({ connect = tcp.connect }, guard("moongate.tcp")),
    http = setmetatable(http.new(), guard("moongate.http")),
    reply = reply,
    redirect = redirect,
    upstream = new_upstream(all),
    shared = shared.new(all),
    metric = setmetatable(metric.new(all), guard("moongate.metric")),
    read_file = new_read_file(scripts),
    after = after,
    every = every,
    hash = setmetatable(texts.new_hash(), guard("moongate.hash")),
    base64 = setmetatable(texts.new_base64(), guard("moongate.base64")),
    json = setmetatable(texts.new_json(), guard("moongate.json")),
  }, guard_module(modules))
  if _M.adapt then
    _M.adapt(module)
  end
  return module
end


return _M
