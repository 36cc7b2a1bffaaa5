--- The environment of a script: a whitelist, made anew for each script, so that
-- what one changes in it no other sees.
--
-- Out of reach: io, debug, ffi, jit, package, bytecode, the environments of
-- functions, the coroutines that hooks run in, the collector, the seed of
-- math.random, and the metatable of strings.  What is loaded as text runs in
-- the script's own environment.
--
-- A script that the configuration trusts has all of Lua instead, in tables of
-- its own.
-- @module script.sandbox
local host = require "script.host"
local api = require "script.api"
local bounds = require "script.bounds"
local compile = require "script.compile"
local waits = require "script.waits"

local GLOBALS = {
  "assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall",
  "rawequal", "rawget", "rawset", "select", "setmetatable", "tonumber",
  "tostring", "type", "unpack", "xpcall", "_VERSION",
}
local LIBRARIES = {
  bit = {
    "arshift", "band", "bnot", "bor", "bswap", "bxor", "lshift", "rol", "ror",
    "rshift", "tobit", "tohex",
  },
  coroutine = { "create", "resume", "status", "wrap", "yield" },
  math = {
    "abs", "acos", "asin", "atan", "atan2", "ceil", "cos", "cosh", "deg",
    "exp", "floor", "fmod", "frexp", "huge", "ldexp", "log", "log10", "max",
    "min", "modf", "pi", "pow", "rad", "random", "sin", "sinh", "sqrt", "tan",
    "tanh",
  },
  os = { "clock", "date", "difftime", "time" },
  string = {
    "byte", "char", "find", "format", "gmatch", "gsub", "len", "lower",
    "match", "rep", "reverse", "sub", "upper",
  },
  table = { "concat", "insert", "maxn", "remove", "sort" },
}

local native_load, native_type, native_require = load, type, require


-- A table of its own with the same members.
local function clone(library)
  local result = {}
  for name, value in pairs(library) do
    result[name] = value
  end
  return result
end


--- All of Lua, before it is closed below.
local everything = {}
for name, value in pairs(_G) do
  if native_type(value) ~= "table" then
    everything[name] = value
  end
end
for name, library in pairs(package.loaded) do
  if native_type(_G[name]) == "table" and name ~= "_G" then
    everything[name] = clone(library)
  end
end

local _M = {}


-- What could run for ever in the library is replaced (script.bounds).
local function copy(library, names, bounded)
  local result = {}
  for _, name in ipairs(names) do
    result[name] = bounded and bounded[name] or assert(library[name], name)
  end
  return result
end


--- coroutine.running: nil in a hook, as in a main program; for who had the
-- core's coroutine could resume it while it waits.
local function running()
  if waits.is_hook() then
    return nil
  end
  return coroutine.running()
end


--- load and loadstring: text alone, in this environment unless the script
-- gives another.
local function new_load(env)
  return function(chunk, name, _, chunk_env)
    if chunk_env == nil then
      chunk_env = env

    elseif native_type(chunk_env) ~= "table" then
      error(("bad argument #4 to 'load' (table expected, got %s)"):format(
        native_type(chunk_env)), 2)
    end
    if native_type(name) ~= "string" then
      name = "=(load)"
    end
    local text, reason = bounds.chunk_text(chunk)
    if text == nil and reason then
      return nil, reason
    end
    if native_type(text) ~= "string" then
      return native_load(text, name, "t", chunk_env)
    end
    return compile(text, name, chunk_env)
  end
end


-- Runs a module in the script's environment; what it returns is the module.  A
-- script that is trusted finds what others install, too, as everybody has it.
local function load_module(env, scripts, name, trusted)
  local text, where = host.find_module(scripts, name)
  if not text and trusted then
    return native_require(name)
  end
  if not text then
    return nil, where
  end
  local chunk, reason = compile(text, "@" .. where, env)
  if not chunk then
    return nil, reason
  end
  local module = chunk(name)
  return module == nil and true or module
end


--- require: finds `moongate`, the libraries, and files of the script path.
-- @param loaded   table: what has been required, by name
-- @param trusted  boolean: and all that Lua's own finds
local function new_require(env, scripts, loaded, trusted)
  local loading = {}
  return function(name)
    if native_type(name) ~= "string" then
      error("bad argument #1 to 'require' (string expected)", 2)
    end
    if loaded[name] ~= nil then
      return loaded[name]
    end
    if not host.is_loading(scripts) then
      error(("'%s' must be required while the script loads"):format(name), 2)
    end
    if loading[name] then
      error(("'%s' requires itself"):format(name), 2)
    end
    loading[name] = true
    local module, reason = load_module(env, scripts, name, trusted)
    loading[name] = nil
    if module == nil then
      error(("cannot require '%s': %s"):format(name, reason), 2)
    end
    loaded[name] = module
    return module
  end
end


-- What a script may use of Lua's: the whitelist.
local function add_whitelist(env)
  for name, value in pairs(copy(_G, GLOBALS, bounds)) do
    env[name] = value
  end
  for name, functions in pairs(LIBRARIES) do
    env[name] = copy(_G[name], functions, bounds[name])
  end
  env.load = new_load(env)
  env.loadstring = env.load
end


-- Or all of it, where chunks run in the script's environment, too.
local function add_everything(env)
  for name, value in pairs(everything) do
    env[name] = native_type(value) == "table" and clone(value) or value
  end
  function env.load(chunk, name, mode, chunk_env)
    return native_load(chunk, name, mode, chunk_env or env)
  end
  function env.loadstring(text, name)
    return native_load(text, name or text, nil, env)
  end
  function env.loadfile(file, mode, chunk_env)
    return everything.loadfile(file, mode, chunk_env or env)
  end
  function env.dofile(file)
    return assert(env.loadfile(file))()
  end
end


--- Makes an environment.
-- @param scripts  lightuserdata: struct scripts *
-- @param script   userdata: struct script
-- @param trusted  boolean: has all of Lua
function _M.new(scripts, script, trusted)
  local env, modules = {}, {}
  local loaded = { moongate = api.new(scripts, script, modules) }
  if trusted then
    add_everything(env)
  else
    add_whitelist(env)
  end
  for name, library in pairs(env) do
    if native_type(library) == "table" then
      loaded[name] = library
    end
  end
  env.coroutine.running = running
  env._G = env
  env.require = new_require(env, scripts, loaded, trusted)
  modules.require = env.require
  env.print = api.logger(script, "info", "\t")
  return env
end


--- Loads the main chunk of a script and runs it.
-- @param text     string: the source
-- @param where    string: its file, for messages
-- @param trusted  boolean, as above
-- @return what the chunk returned; raises what is wrong with it
function _M.run(scripts, script, text, where, trusted)
  local chunk, reason = compile(text, "@" .. where,
    _M.new(scripts, script, trusted))
  if not chunk then
    error(reason, 0)
  end
  return chunk()
end


-- Methods of strings reach the bounded library through their metatable, which
-- is for all scripts the same; it is closed, and without string.dump.
string.dump = nil  -- luacheck: ignore
getmetatable("").__index = bounds.string
getmetatable("").__metatable = false


return _M
