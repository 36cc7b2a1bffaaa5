--- What somebody would write who means harm, or does not know better: bodies of
-- a `request` hook, each with what is said of it where it is tried.  They are
-- tried in process (script/hostile_spec) and against a program that serves
-- others meanwhile (system/hostile_scripts_spec).
--
-- Each is a name, the body, and words of the line that is logged; "." for any.
local _M = {}

_M.TIME = "used more than its 50ms of CPU time"
_M.MEMORY = "not enough memory: scripts have used their 64m"

local TIME, MEMORY = _M.TIME, _M.MEMORY

_M.requests = {
  -- Loops.
  { "an endless loop", "while true do end", TIME },
  { "a loop that counts", "local i = 0 while true do i = i + 1 end", TIME },
  { "a loop of a for", "for i = 1, math.huge do x = i end", TIME },
  { "a repeat", "repeat local a = 1 until a == 2", TIME },
  { "a goto", "::again:: goto again", TIME },
  { "loops in loops",
    "local n = 0 for i = 1, 1e9 do for k = 1, 1e9 do n = n + i * k end end",
    TIME },
  { "a loop of calls to the core",
    "local m = require('moongate') while true do m.now() end", TIME },
  { "a loop of fields", "local s = 0 while true do s = s + #req.path end",
    TIME },

  -- Errors that are caught.
  { "a loop that catches", "while true do pcall(error) end", TIME },
  { "a loop that catches loops",
    "while true do pcall(function() while true do end end) end", TIME },
  { "nested pcalls",
    "local function f() pcall(f) while true do end end f()", TIME },
  { "xpcall with a handler that loops",
    "while true do xpcall(function() while true do end end, "
      .. "function() while true do end end) end", TIME },
  { "xpcall with a handler that raises",
    "while true do xpcall(error, function() error('x') end) end", TIME },
  { "a raised value that loops in tostring",
    "error(setmetatable({}, { __tostring = function() "
      .. "while true do end end }))", "a table was raised" },

  -- Recursion.
  { "tail recursion", "local function f() return f() end f()", TIME },
  { "deep recursion", "local function f() return 1 + f() end f()", "." },
  { "recursion through a metatable",
    "local t = setmetatable({}, {}) getmetatable(t).__index = "
      .. "function(s, k) return s[k + 1] end local _ = t[1]",
    ".", "the stack may be too full for the traceback, too" },
  { "recursion through gsub",
    "local function f() return (('x'):gsub('x', f)) end f()",
    "stack overflow" },
  { "recursion through tostring",
    "local t t = setmetatable({}, { __tostring = function() "
      .. "return ('%s'):format(t) .. 'x' end }) return tostring(t)", "." },
  { "recursion through sort",
    "local function f() table.sort({ 1, 2, 3 }, f) return false end f()",
    "stack overflow" },
  { "a chain of __index",
    "local t = {} for i = 1, 1e5 do t = setmetatable({}, { __index = t }) end "
      .. "local _ = t.x", "loop in gettable" },

  -- Memory.
  { "a string that doubles", "local s = 'x' while true do s = s .. s end",
    MEMORY },
  { "a string that grows",
    "local s = '' while true do s = s .. ('y'):rep(100000) end", "." },
  { "a table that grows", "local t = {} for i = 1, 1e9 do t[i] = i end", "." },
  { "a table of tables", "local t = {} for i = 1, 1e9 do t[i] = { i } end",
    "." },
  { "a gigabyte that stays",
    "kept = kept or {} for i = 1, 1e3 do "
      .. "kept[#kept + 1] = ('x'):rep(15e6) .. i end", MEMORY },
  { "memory in a loop that catches",
    "while true do pcall(function() local s = 'x' "
      .. "while true do s = s .. s end end) end", "." },
  { "closures", "local f for i = 1, 1e9 do local g = f f = function() "
    .. "return g, i end end", "." },
  { "results of concat",
    "local s = ('x'):rep(1e6) local t = {} for i = 1, 1000 do t[i] = s end "
      .. "local all = table.concat(t)", MEMORY },
  { "a format of wide numbers",
    "local s = ('%99.99f'):rep(1e6) local n = {} for i = 1, 200 do n[i] = i end"
      .. " while true do s = s:format(unpack(n)) end",
    "." },

  -- Functions of C.
  { "rep of a gigabyte", "local s = ('x'):rep(2 ^ 30)",
    "resulting string too large" },
  { "rep of nothing for ever", "while true do local s = (''):rep(2 ^ 30) end",
    TIME },
  { "a pattern with many stars",
    "local s = ('a'):rep(3000) return s:find(('a*'):rep(20) .. 'b')",
    TIME },
  { "a pattern with many fewest",
    "local s = ('a'):rep(5000) return s:match(('.-'):rep(30) .. 'b')",
    TIME },
  { "gsub with a pattern that backtracks",
    "return (('x'):rep(100000):gsub('.-.-.-y', ''))", TIME },
  { "gmatch with a pattern that backtracks",
    "for w in ('x'):rep(100000):gmatch('(.-).-%1.-y') do end", TIME },
  { "balanced brackets of a long text",
    "for i = 1, 1e9 do (('('):rep(100000)):find('%b()') end", TIME },
  { "a plain search in itself",
    "local a, b = ('a'):rep(1e6), ('a'):rep(5e5) .. 'b' "
      .. "for i = 1, 1e9 do a:find(b, 1, true) end", TIME },
  { "sort of many", "local t = {} for i = 1, 3e5 do t[i] = -i end "
    .. "while true do table.sort(t) t[1] = 0 end", TIME },
  { "sort with a bad comparator",
    "local t = {} for i = 1, 1e4 do t[i] = i % 7 end "
      .. "while true do pcall(table.sort, t, function() return true end) end",
    TIME },
  { "insertion into what only seems long",
    "local t = {} for i = 0, 30 do t[2 ^ i] = 1 end "
      .. "while true do table.insert(t, 1, 2) end",
    TIME },
  { "byte of all of a long text", "return ('x'):rep(1e7):byte(1, -1)",
    "string slice too long" },
  { "unpack of a huge range", "return unpack({}, 1, 1e8)",
    "too many results to unpack" },
  { "a chunk of megabytes", "assert(load(('x = 1 '):rep(1e6)))",
    "a chunk has at most" },
  { "a reader that never ends",
    "assert(load(function() return ' ' end))", "." },
  { "chunks for ever",
    "for i = 1, 1e9 do load('return ' .. ('1 + '):rep(1000) .. i)() end",
    TIME },
  { "dates of megabytes", "return os.date(('%c'):rep(1e6))",
    "at most 1000 bytes" },

  { "JSON of tables that only seem empty",
    "local big, all = {}, {} for i = 1, 4e5 do big[i] = i end "
      .. "for i = 1, 4e5 do big[i] = nil end "
      .. "for i = 1, 2e5 do all[i] = big end "
      .. "require('moongate').json.encode(all)", TIME },

  -- Coroutines.
  { "a storm of coroutines",
    "while true do coroutine.wrap(function() end)() end", TIME },
  { "coroutines that stay",
    "local t = {} for i = 1, 1e9 do t[i] = coroutine.create(function() end) "
      .. "coroutine.resume(t[i]) end", "." },
  { "coroutines in coroutines",
    "local function f() return coroutine.wrap(f)() end f()", "C stack" },
  { "a loop in a coroutine",
    "while true do coroutine.resume(coroutine.create(function() "
      .. "while true do end end)) end", TIME },
  { "a coroutine that is resumed for ever",
    "local co = coroutine.wrap(function() while true do coroutine.yield() end "
      .. "end) while true do co() end", TIME },

  -- Ways out.
  { "FFI by require", "require('ffi')", "must be required while" },
  { "FFI by package", "package.loaded.ffi.C.abort()", "'package'" },
  { "FFI by the registry", "debug.getregistry()", "'debug'" },
  { "a field of a view", "local s = require('moongate').upstream('none') "
    .. "s[1][1] = 1", "s" },
  { "the metatable of strings",
    "getmetatable('').__index = function() while true do end end", "index" },
  { "the metatable of a request", "getmetatable(req).__index = nil", "." },
  { "a request as a table", "rawset(req, 'x', 1)", "bad argument" },
  { "writing over a method", "req.header = nil", "." },
  { "the environment", "setfenv(0, {})", "'setfenv'" },
  { "bytecode", "assert(load('\\27LJ\\2'))", "wrong mode" },
  { "a collector of its own",
    "while true do setmetatable({}, { __gc = function() "
      .. "while true do end end }) end", TIME },

  -- What runs in C for long, or fills memory that is not the scripts'.
  { "a long set of a pattern",
    "return (('b'):rep(1e6):find('[' .. ('a'):rep(6e4) .. 'b]*c'))", TIME },
  { "a pattern of a megabyte",
    "return (('b'):find('[' .. ('a'):rep(1e6) .. 'b]*c'))",
    "pattern too long" },
  { "a pattern of a megabyte for gmatch",
    "return (('b'):gmatch('[' .. ('a'):rep(1e6) .. 'b]*c'))",
    "pattern too long" },
  { "sort of long strings",
    "local s, t = ('a'):rep(9e6), {} local a, b = s .. '1', s .. '2' "
      .. "for i = 1, 499 do t[i] = i % 2 == 0 and a or b end table.sort(t)",
    TIME },
  { "insertion at a place that C turns round",
    "table.insert({}, 2 ^ 31, 1)", "position out of bounds" },
  { "insertion at such a place, as text",
    "table.insert({}, '4294967295', 1)", "position out of bounds" },
  { "insertion at infinity", "table.insert({}, 1 / 0, 1)",
    "position out of bounds" },
  { "a long chain of elseif",
    "while true do load('local a if a then ' .. ('elseif a then '):rep(16e3) "
      .. ".. ' end') end", TIME },
  { "many labels",
    "local t = {} for i = 1, 9000 do t[i] = 'goto a' .. i .. ' ' end "
      .. "for i = 9000, 1, -1 do t[#t + 1] = '::a' .. i .. '::' end "
      .. "local s = table.concat(t) while true do load(s) end", TIME },
  { "JSON of many numbers",
    "local t = {} for i = 1, 3e5 do t[i] = i + 0.1 end "
      .. "while true do require('moongate').json.encode(t) end", TIME },
  { "JSON that is read again and again",
    "local s = '[' .. ('1,'):rep(1e6) .. '1]' "
      .. "while true do require('moongate').json.decode(s) end", TIME },
  { "a storm of headers",
    "local v = ('y'):rep(60000) "
      .. "while true do req:set_header('X-A', v) end", TIME },
  { "a storm of rewrites",
    "local v = ('y'):rep(60000) while true do req:rewrite('/x', v) end",
    TIME },
  { "a storm of arguments",
    "req:rewrite('/x', 'a=' .. ('y'):rep(8000)) "
      .. "while true do req:arg('a') end", TIME },
  { "a storm of tables of arguments",
    "while true do local _ = req.args req:rewrite('/x') end", TIME },
  { "a storm of files that are asked for",
    "local i = 0 while true do i = i + 1 req:file_exists('/a' .. i) end",
    TIME },
  { "a storm of entries of a dictionary",
    "local d, i = require('moongate').shared('x'), 0 while true do i = i + 1 "
      .. "d:set('k' .. i, ('x'):rep(16000)) end", TIME },
  { "a storm of dictionaries",
    "local i = 0 while true do i = i + 1 "
      .. "require('moongate').shared('d' .. i) end", TIME },
  { "a storm of labels",
    "local m = require('moongate').metric.counter('c', 'Help.', { 'a' }) "
      .. "local i = 0 while true do i = i + 1 m:inc(1, { a = i }) end", TIME },
  { "a storm of metrics",
    "local i = 0 while true do i = i + 1 "
      .. "require('moongate').metric.counter('m' .. i, 'Help.') end", TIME },
  { "hashes of megabytes",
    "local s = ('x'):rep(4e6) "
      .. "while true do require('moongate').hash.sha512(s) end", TIME },
  { "base64 of megabytes",
    "local s, b = ('x'):rep(3e6), require('moongate').base64 "
      .. "while true do b.decode(b.encode(s)) end", TIME },
  { "odd dates", "while true do os.date('%E%O%Q%%', 2 ^ 53) end", TIME },
  { "numbers of 64 bits",
    "local n = -0x7fffffffffffffffLL - 1LL "
      .. "while true do local _ = n / -1LL, n % -1LL, n / 0LL end", TIME },
  { "tostring of huge numbers",
    "while true do local _ = tostring(1e308) .. tostring(-1e-308) end", TIME },
  { "a gmatch that never ends",
    "for i = 1, 1e9 do for _ in ('a'):rep(1e5):gmatch('.') do end end", TIME },
  { "gsub whose function raises",
    "while true do pcall(string.gsub, 'xxx', 'x', error) end", TIME },
  { "gsub whose function yields",
    "while true do coroutine.wrap(function() "
      .. "pcall(string.gsub, 'xxx', 'x', coroutine.yield) end)() end", TIME },
  { "a coroutine in a comparator",
    "while true do table.sort({ 3, 2, 1 }, function(a, b) return "
      .. "coroutine.wrap(function() return a < b end)() end) end", TIME },
  { "code that is compiled again and again",
    "local i = 0 while true do i = i + 1 load('local s = 0 for i = 1, 100 do "
      .. "s = s + i * ' .. i .. ' end')() end", TIME },
  { "weak tables",
    "local t = setmetatable({}, { __mode = 'kv' }) "
      .. "while true do t[{}] = {} end", TIME },
  { "long keys",
    "local s, t = ('k'):rep(1e6), {} for i = 1, 1e9 do t[s .. i] = i end",
    "." },
  { "an answer with a header of a megabyte",
    "return require('moongate').reply(200, { A = ('x'):rep(1e6) }, '')",
    "headers are too large" },
  { "an answer with a hundred thousand headers",
    "local h = {} for i = 1, 1e5 do h['X-' .. i] = 'x' end "
      .. "return { status = 200, headers = h }", "." },
  { "an answer whose status is no number",
    "return { status = 0 / 0 }", "not a number from 200 to 599" },
  { "a chunk in the core's own environment",
    "return load('return debug', 'x', 't', true)", "table expected" },
}


-- --- other hooks -------------------------------------------------------------

-- Whole scripts, each with the kind of section that runs it: http, tcp, policy,
-- check.
_M.scripts = {
  { "accept that loops", "http",
    "return { accept = function() while true do end end }", TIME },
  { "response that loops", "http",
    "return { response = function() while true do end end }", TIME },
  { "log that loops", "http",
    "return { log = function() while true do end end }", TIME },
  { "every hook loops", "http",
    "local function f() while true do end end "
      .. "return { accept = f, request = f, response = f, log = f }", TIME },
  { "a storm of headers of the response", "http",
    "return { response = function(res) while true do "
      .. "res:set_header('X-A', ('y'):rep(9000)) end end }", TIME },
  { "a storm of added headers", "http",
    "return { response = function(res) local i = 0 while true do i = i + 1 "
      .. "res:add_header('X-' .. i, 'y') end end }", TIME },
  { "a storm of statuses", "http",
    "return { response = function(res) while true do res:set_status(500) end "
      .. "end }", TIME },
  { "a megabyte in a header of the response", "http",
    "return { response = function(res) "
      .. "assert(res:set_header('X-A', ('y'):rep(1e6))) end }",
    "no room for another header" },
  { "log with a table of hundreds of thousands", "http",
    "local t = {} for i = 1, 2e5 do t['x' .. i] = i end "
      .. "return { log = function() return t end }", "no room" },
  { "an answer with a table of headers that it keeps", "http",
    "local t = {} for i = 1, 2e5 do t['x' .. i] = i end "
      .. "return { request = function() "
      .. "return { status = 200, headers = t } end }", "too many headers" },
  { "an answer with a list of values that it keeps", "http",
    "local t = {} for i = 1, 2e5 do t[i] = 'x' end "
      .. "return { request = function() "
      .. "return { status = 200, headers = { A = t } } end }",
    "too many headers" },
  { "an answer of megabytes", "http",
    "local s = ('x'):rep(9e6) return { request = function() print('large') "
      .. "return { status = 200, body = s } end }", "large" },
  { "a storm of log lines", "http",
    "return { request = function() while true do print('x') end end }", TIME },
  { "long log lines", "http",
    "local s = ('x'):rep(4e6) return { request = function() "
      .. "while true do print(s) end end }", TIME },
  { "what is kept from request to request", "http",
    "local kept = {} return { request = function(req) for i = 1, 1e5 do "
      .. "kept[#kept + 1] = { i } req.ctx[#kept] = kept end "
      .. "print('kept') end }", "kept" },
  { "a gmatch that goes on in the next request", "http",
    "local g = ('a'):rep(1e6):gmatch('.') return { request = function() "
      .. "while true do if not g() then g = ('a'):rep(1e6):gmatch('.') end "
      .. "end end }", TIME },
  { "a value that loops in tostring, raised in log", "http",
    "return { log = function() error(setmetatable({}, { __tostring = "
      .. "function() while true do end end })) end }", "a table was raised" },
  { "xpcall in its own handlers", "http",
    "return { request = function() local function f() xpcall(error, f) end "
      .. "f() print('over') end }", "over" },

  { "accept that loops on TCP", "tcp",
    "return { accept = function() while true do end end }", TIME },
  { "close that loops", "tcp",
    "return { close = function() while true do end end }", TIME },
  { "close that fills memory", "tcp",
    "return { close = function() local t = {} for i = 1, 1e9 do t[i] = { i } "
      .. "end end }", "." },

  { "pick that loops", "policy",
    "return { pick = function() while true do end end }", TIME },
  { "pick that asks for ever", "policy",
    "return { pick = function(flow, servers) while true do servers:least() "
      .. "flow:hash(flow.client) end end }", TIME },
  { "done that loops", "policy",
    "return { pick = function() return 1 end, "
      .. "done = function() while true do end end }", TIME },
  { "pick that answers no number", "policy",
    "return { pick = function() return 0 / 0 end }", "it answered" },
  { "pick that answers infinity", "policy",
    "return { pick = function() return 1 / 0 end }", "it answered inf" },
  { "pick that answers half a server", "policy",
    "return { pick = function() return 1.5 end }", "it answered 1.5" },
  { "pick that answers minus nothing", "policy",
    "return { pick = function() return -0 end }", "it answered -0" },
  { "pick that answers a text", "policy",
    "return { pick = function() return '1' end }", "it answered a string" },
  { "pick that answers a number of 64 bits", "policy",
    "return { pick = function() return 1LL end }", "it answered a cdata" },
  { "pick that puts its own servers in the list", "policy",
    "return { pick = function(_, servers) servers[1] = { usable = true } "
      .. "setmetatable(servers, nil) end }", "protected metatable" },

  { "a check that loops", "check",
    "return { check = function() while true do end end }", TIME },
  { "a check that loops after it has slept", "check",
    "return { check = function() require('moongate').sleep(0.01) "
      .. "while true do end end }", TIME },
  { "a check that fills memory", "check",
    "return { check = function() local t = {} for i = 1, 1e9 do t[i] = { i } "
      .. "end end }", "." },
}


-- --- what goes on by itself --------------------------------------------------

local function on_request(body)
  return "local moongate = require 'moongate'\n"
    .. "return { request = function(req)\n" .. body .. "\nend }"
end

-- Each begins with a request, and goes on for a while.
_M.tasks = {
  { "every that loops",
    on_request("moongate.every(0.01, function() while true do end end)"),
    TIME },
  { "a storm of after that loop",
    on_request("for i = 1, 100 do moongate.after(0, function() "
      .. "while true do end end) end"), TIME },
  { "after that begins two more",
    on_request("local function f() moongate.after(0, f) "
      .. "local ok, why = moongate.after(0, f) "
      .. "if not ok then error(why) end end f()"), "too many timers" },
  { "a task that sleeps no time for ever",
    on_request("moongate.after(0, function() print('begun') "
      .. "while true do moongate.sleep(0) end end)"), "begun" },
  { "a hundred tasks that do",
    on_request("for i = 1, 100 do moongate.after(0, function() "
      .. "print('begun') while true do moongate.sleep(0) end end) end"),
    "begun" },
  { "sleep that is caught for ever",
    on_request("moongate.after(0, function() "
      .. "while true do pcall(moongate.sleep) end end)"), TIME },
  { "a storm of connections",
    on_request("for i = 1, 50 do moongate.after(0, function() "
      .. "print('begun') while true do "
      .. "moongate.tcp.connect('127.0.0.1', 1) end end) end"), "begun" },
  { "a loop after it has slept",
    on_request("moongate.after(0, function() moongate.sleep(0.01) "
      .. "while true do end end)"), TIME },
  { "a task that fills memory",
    on_request("moongate.every(0.01, function() local t = {} "
      .. "for i = 1, 1e9 do t[i] = { i } end end)"), "." },
  { "a task that yields by itself",
    on_request("moongate.every(0.01, coroutine.yield)"),
    "yielded outside of a coroutine" },
}


-- --- ways out ----------------------------------------------------------------

--- What somebody would want to have: functions of a request, each of which
-- returns it, or raises.
_M.escapes = {
  { "the real globals, by load",
    "return load('return debug or package or io', 'x', 't', true)()" },
  { "the real globals, by a number",
    "return load('return debug or package or io', 'x', 't', 1)()" },
  { "the real globals, by loadstring",
    "return loadstring('return debug or package or io')()" },
  { "the real globals, by a reader",
    "local n = 0 return load(function() n = n + 1 "
      .. "return n == 1 and 'return debug or package or io' or nil end, "
      .. "'x', 't', 0)()" },
  { "FFI by require", "return require('ffi')" },
  { "debug by require", "return require('debug')" },
  { "a module of the core", "return require('script.host')" },
  { "the way to the modules", "return package" },
  { "files", "return io" },
  { "commands", "return os.execute" },
  { "the environment's own functions", "return getfenv or setfenv" },
  { "userdata of its own", "return newproxy" },
  { "the collector", "return collectgarbage" },
  { "bytecode", "return load('\\27LJ\\2\\0\\0', 'x', 'b')" },
  { "bytecode by string.dump", "return string.dump or ('').dump" },
  { "the metatable of strings", "return getmetatable('')" },
  { "the library that all strings have",
    "local t = getmetatable('').__index t.find = nil return t" },
  { "the metatable of the module",
    "return getmetatable(require('moongate')) or nil" },
  { "the metatable of the log",
    "setmetatable(require('moongate').log, {}) return true" },
  { "the type of a request", "return type(getmetatable(req)) == 'table'" },
  { "a pointer of the request's",
    "local p = req.exchange return p and p[0]" },
  { "another exchange for the request", "req.exchange = nil return true" },
  { "another number for the request", "req.id = 1 return true" },
  { "arithmetic on a request", "return req + 1" },
  { "an element of a request", "return req[0]" },
  { "a call of a request", "return req()" },
  { "a server's neighbour",
    "return require('moongate').upstream('db')[1][1]" },
  { "a server by arithmetic",
    "return require('moongate').upstream('db')[1] + 1" },
  { "a server that is written",
    "require('moongate').upstream('db')[1].weight = 0 return true" },
  { "the bytes of a server's name",
    "local n = require('moongate').upstream('db')[1].name "
      .. "return type(n) ~= 'string' and n" },
  { "the coroutine of the hook", "return coroutine.running()" },
  { "a dictionary's place",
    "local d = require('moongate').shared('x') "
      .. "return getmetatable(d) or rawget(d, 'memory')" },
  { "a metric's cells",
    "local m = require('moongate').metric.counter('e', 'Help.') "
      .. "return getmetatable(m) or rawget(m, 'cells')" },
  { "a file outside", "return require('moongate').read_file('/etc/passwd')" },
  { "a module outside", "return require('../../etc/passwd')" },
  { "the levels of error",
    "local _, e = pcall(error, 'x', 1e9) return e ~= 'x' and e" },
  { "another script's globals", "return theirs" },
}

return _M
