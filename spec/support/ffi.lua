--- The core library, called through LuaJIT's FFI with its real headers.
--
--     local core = require("support.ffi").load("codec/http1.h", "base/buf.h")
--     core.http1_read_request(...)
--
-- A header is given to ffi.cdef without what LuaJIT cannot read: preprocessor
-- lines (integer #defines become constants, tables that are written as macros
-- are expanded), bodies of inline functions, words of C11.  Headers that it
-- includes come first, each once.  The library is
-- MOONGATE_BUILD/libmoongate-core.so; MOONGATE_BUILD is "build" unless set.
local ffi = require "ffi"
local libc = require "support.libc"

local C = ffi.C

local PAGE = 4096
local PROT_NONE, PROT_READ_WRITE = 0, 3
local MAP_PRIVATE_ANONYMOUS = 0x22

--- What headers of the system declare and ours use.
local SYSTEM = {
  ["sys/types.h"] = "typedef int pid_t; typedef long off_t;"
    .. " typedef unsigned uid_t; typedef unsigned gid_t;"
    .. " typedef unsigned mode_t; typedef unsigned long ino_t;"
    .. " typedef unsigned long dev_t;",
  ["time.h"] = "typedef long time_t; struct timespec {"
    .. " time_t tv_sec; long tv_nsec; };",
  ["lua.h"] = "typedef struct lua_State lua_State;",
  ["sys/uio.h"] = "struct iovec { void *iov_base; size_t iov_len; };",
  ["sys/socket.h"] = "typedef unsigned socklen_t;"
    .. " typedef unsigned short sa_family_t;"
    .. " struct sockaddr { sa_family_t sa_family; char sa_data[14]; };"
    .. " struct sockaddr_storage { sa_family_t ss_family; char ss_pad[118];"
    .. " unsigned long ss_align; };",
  ["netinet/in.h"] = "struct in_addr { uint32_t s_addr; };"
    .. " struct sockaddr_in { sa_family_t sin_family; uint16_t sin_port;"
    .. " struct in_addr sin_addr; unsigned char sin_zero[8]; };"
    .. " struct in6_addr { union { uint8_t s6_addr[16];"
    .. " uint32_t s6_addr32[4]; }; };"
    .. " struct sockaddr_in6 { sa_family_t sin6_family; uint16_t sin6_port;"
    .. " uint32_t sin6_flowinfo; struct in6_addr sin6_addr;"
    .. " uint32_t sin6_scope_id; };",
  -- Only its size matters; support.stream checks it.
  ["event2/event_struct.h"] = "struct event { long event_words[16]; };",
  -- Only its size matters, as glibc has it.
  ["pthread.h"] = "typedef union { char opaque[40]; long align; }"
    .. " pthread_mutex_t;",
  ["sys/un.h"] = "struct sockaddr_un { sa_family_t sun_family;"
    .. " char sun_path[108]; };",
}
local SYSTEM_NEEDS = {
  ["sys/un.h"] = "sys/socket.h",
  ["netinet/in.h"] = "sys/socket.h",
}

local _M = {}

local declared = {}
local library


local function without_comments(text)
  text = text:gsub("/%*.-%*/", " ")
  return (text:gsub("//[^\n]*", ""))
end


-- The declarations of one header, with the preprocessor and C11 taken out.
local function declarations(text)
  text = text:gsub("static inline[^{;]-\n{\n.-\n}\n", "")
  text = text:gsub("%f[%w_]MUST_CHECK%f[^%w_]", "")
  text = text:gsub("_Static_assert%s*%b();", "")
  text = text:gsub("__attribute__%s*%b()", "")
  text = text:gsub("%f[%w_]MUST_CHECK%f[^%w_]", "")
  text = text:gsub("_Alignas%s*(%b())", "__attribute__((aligned%1))")
  text = text:gsub("_Atomic%s*(%b())", "%1")
  text = text:gsub("_Atomic", "")
  return (text:gsub("_Noreturn", ""))
end


local function define(line)
  local name, value = line:match("^#%s*define%s+([%w_]+)%s+(-?%w+)%s*$")
  value = value and value:gsub("[uUlL]+$", "")
  if value and tonumber(value) then
    return ("enum { %s = %s };\n"):format(name, value)
  end
  return ""
end


-- The arguments of a macro's call, cut at the commas between them.
local function arguments(text)
  local out, rest = {}, text
  local quoted = {}
  rest = rest:gsub('"[^"]*"', function(literal)
    quoted[#quoted + 1] = literal
    return "\1" .. #quoted .. "\1"
  end)
  for part in (rest .. ","):gmatch("%s*(.-)%s*,") do
    out[#out + 1] = part:gsub("\1(%d+)\1", function(i)
      return quoted[tonumber(i)]
    end)
  end
  return out
end


-- The body of a macro with its parameters replaced.
local function substitute(macro, values)
  local by_name = {}
  for i, name in ipairs(macro.parameters) do
    by_name[name] = values[i]
  end
  local text = macro.body:gsub("[%a_][%w_]*", by_name)
  return (text:gsub("%s*##%s*", ""))
end


-- Expands a table that is written as a macro, TABLE(ROW), where both are known:
-- the body of TABLE calls ROW for each of its rows.
local function expand_tables(line, macros)
  return (line:gsub("([%a_][%w_]*)%(([%a_][%w_]*)%)", function(name, row)
    if not macros[name] or not macros[row] then
      return nil
    end
    local text = substitute(macros[name], { row })
    return (text:gsub("%f[%w_]" .. row .. "(%b())", function(call)
      return substitute(macros[row], arguments(call:sub(2, -2)))
    end))
  end))
end


local function note_macro(line, macros)
  local name, parameters, body =
    line:match("^#%s*define%s+([%w_]+)%(([%w_, ]*)%)%s*(.*)$")
  if name then
    macros[name] = { parameters = arguments(parameters), body = body }
  end
end


local function declare(name, text)
  local ok, reason = pcall(ffi.cdef, text)
  if not ok then
    error(("%s cannot be declared to the FFI: %s"):format(name, reason), 0)
  end
end


local function declare_system(name)
  if declared[name] or not SYSTEM[name] then
    return
  end
  declared[name] = true
  if SYSTEM_NEEDS[name] then
    declare_system(SYSTEM_NEEDS[name])
  end
  declare(name, SYSTEM[name])
end


local function declare_header(name)
  if declared[name] then
    return
  end
  declared[name] = true
  local file = assert(io.open("src/" .. name, "rb"))
  local text = without_comments(file:read("*a"))
  file:close()

  local kept, macros = {}, {}
  for line in (text:gsub("\\\n", " ") .. "\n"):gmatch("(.-)\n") do
    if line:match("^%s*#") then
      local ours = line:match('#%s*include%s+"(.-)"')
      local theirs = line:match("#%s*include%s+<(.-)>")
      if ours then
        declare_header(ours)
      elseif theirs then
        declare_system(theirs)
      else
        kept[#kept + 1] = define(line)
        note_macro(line, macros)
      end

    else
      kept[#kept + 1] = expand_tables(line, macros)
    end
  end
  declare("src/" .. name, declarations(table.concat(kept, "\n")))
end


--- Declares headers and gives the library.
-- @param ...  strings: headers below src/, with those they include
-- @return the C library: its fields are the functions
function _M.load(...)
  for i = 1, select("#", ...) do
    declare_header((select(i, ...)))
  end
  if not library then
    local build = os.getenv("MOONGATE_BUILD") or "build"
    library = ffi.load(build .. "/libmoongate-core.so")
  end
  return library
end


--- A copy of a text that ends where readable memory ends: a byte read too far
-- ends the process.
-- @param text  string
-- @return pointer to uint8_t; it lives as long as the second result does
-- @return the mapping
function _M.guarded(text)
  local pages = math.ceil(#text / PAGE)
  local size = (pages + 1) * PAGE
  local map = C.mmap(nil, size, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0)
  if ffi.cast("intptr_t", map) == -1 then
    error("mmap: " .. libc.reason())
  end
  local base = ffi.gc(ffi.cast("uint8_t *", map), function(p)
    C.munmap(p, size)
  end)
  libc.check(C.mprotect(base + pages * PAGE, PAGE, PROT_NONE), "mprotect")
  local start = base + pages * PAGE - #text
  ffi.copy(start, text, #text)
  return start, base
end


--- The text of a struct str; nil for the absent one.
function _M.text(str)
  if str.p == nil then
    return nil
  end
  return ffi.string(str.p, str.len)
end


return _M
