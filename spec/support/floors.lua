--- Reads the C sources and says where they break the order of the floors: who
-- may include whom, who may include which library, what must not be called.
-- Works on a table of texts, so that it can be tried on literal ones.
local lfs = require "lfs"

local _M = {}

local FLOORS = {
  base = 0,
  codec = 1,
  config = 1,
  board = 1,
  net = 2,
  proxy = 3,
  script = 4,
  app = 5,
}

-- Who may include a library: floors, or single modules.
local LIBRARIES = {
  { name = "event2/", owners = { "net", "app" } },
  { name = "openssl/", owners = { "net" } },
  { name = "ini.h", owners = { "config" } },
  { name = "pcre2.h", owners = { "base/regex" } },
  { name = "lua.h", owners = { "script" } },
  { name = "luajit.h", owners = { "script" } },
  { name = "lauxlib.h", owners = { "script" } },
  { name = "lualib.h", owners = { "script" } },
}

local FORBIDDEN = {
  strcpy = "a bounded copy",
  stpcpy = "a bounded copy",
  strcat = "struct buf",
  sprintf = "snprintf",
  vsprintf = "vsnprintf",
  strtok = "struct str",
  atoi = "a parser that reports errors",
  atol = "a parser that reports errors",
  alloca = "the arena",
  gets = "a reader with a limit",
}


local function is_owner(owners, floor, module)
  for _, owner in ipairs(owners) do
    if owner == floor or owner == module then
      return true
    end
  end
  return false
end


local function sorted_keys(map)
  local keys = {}
  for key in pairs(map) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end


local function add(faults, format, ...)
  faults[#faults + 1] = format:format(...)
end


local function blank(text)
  return (text:gsub("[^\n]", " "))
end


--- Blanks comments, strings and character constants; lines stay where they are.
-- Preprocessor lines lose their strings too: read includes before.
-- @param text  string: C source
-- @return string of the same length
function _M.strip(text)
  local out, from = {}, 1
  while true do
    local at = text:find("[/\"']", from)
    if not at then
      out[#out + 1] = text:sub(from)
      return table.concat(out)
    end
    out[#out + 1] = text:sub(from, at - 1)

    local two, last = text:sub(at, at + 1), at
    if two == "/*" then
      last = select(2, text:find("*/", at + 2, true)) or #text
    elseif two == "//" then
      last = (text:find("\n", at, true) or #text + 1) - 1
    elseif text:sub(at, at) ~= "/" then
      local quote = text:sub(at, at)
      last = at + 1
      while last < #text and text:sub(last, last) ~= quote do
        last = last + (text:sub(last, last) == "\\" and 2 or 1)
      end
    end

    local piece = text:sub(at, last)
    out[#out + 1] = piece == "/" and piece or blank(piece)
    from = last + 1
  end
end


local function read_includes(text)
  local includes, line_no = {}, 0
  for line in (text .. "\n"):gmatch("(.-)\n") do
    line_no = line_no + 1
    local quoted = line:match('^%s*#%s*include%s*"([^"]+)"')
    local angled = line:match("^%s*#%s*include%s*<([^>]+)>")
    if quoted or angled then
      includes[#includes + 1] = {
        line = line_no,
        name = quoted or angled,
        own = quoted ~= nil,
      }
    end
  end
  return includes
end


local function check_own_include(faults, file, include)
  local floor = include.name:match("^([%w_]+)/[%w_]+%.%w+$")
  local height = FLOORS[floor]
  if not height then
    add(faults, '%s:%d: "%s" is not FLOOR/NAME of a floor', file.path,
        include.line, include.name)
  elseif floor ~= file.floor and height >= FLOORS[file.floor] then
    add(faults, '%s:%d: %s must not include "%s": not a lower floor',
        file.path, include.line, file.floor, include.name)
  end
end


local function check_library(faults, file, include)
  for _, library in ipairs(LIBRARIES) do
    local is_it = library.name:sub(-1) == "/"
      and include.name:sub(1, #library.name) == library.name
      or include.name == library.name
    if is_it and not is_owner(library.owners, file.floor, file.module) then
      add(faults, "%s:%d: <%s> belongs to %s", file.path, include.line,
          include.name, table.concat(library.owners, " and "))
    end
  end
end


local function check_first_include(faults, file, sources)
  local header = file.module .. ".h"
  local first = file.includes[1]
  if not file.path:find("%.c$") or not sources["src/" .. header] then
    return
  end
  if not first or first.name ~= header then
    add(faults, '%s:%d: the first include must be "%s"', file.path,
        first and first.line or 1, header)
  end
end


local function check_calls(faults, file)
  local line_no = 0
  for line in (_M.strip(file.text) .. "\n"):gmatch("(.-)\n") do
    line_no = line_no + 1
    if not line:find("^%s*#%s*pragma") then
      for word in line:gmatch("[%a_][%w_]*") do
        if FORBIDDEN[word] then
          add(faults, "%s:%d: %s is forbidden: use %s", file.path, line_no,
              word, FORBIDDEN[word])
        end
      end
    end
  end
end


-- Walks the includes of modules (x.c and x.h are one) depth first; an include
-- that leads back to a module on the way is a cycle, reported where it closes.
local function check_cycles(faults, files)
  local edges = {}
  for _, file in ipairs(files) do
    local list = edges[file.module] or {}
    edges[file.module] = list
    for _, include in ipairs(file.includes) do
      local target = include.own and include.name:match("^(.*)%.h$")
      if target and target ~= file.module then
        list[#list + 1] = { to = target, path = file.path, line = include.line }
      end
    end
  end

  local state, way = {}, {}
  local function visit(module)
    state[module] = "open"
    way[#way + 1] = module
    for _, edge in ipairs(edges[module] or {}) do
      if state[edge.to] == "open" then
        local from = 1
        while way[from] ~= edge.to do
          from = from + 1
        end
        add(faults, "%s:%d: closes a cycle: %s -> %s", edge.path, edge.line,
            table.concat(way, " -> ", from), edge.to)
      elseif not state[edge.to] then
        visit(edge.to)
      end
    end
    way[#way] = nil
    state[module] = "done"
  end
  for _, module in ipairs(sorted_keys(edges)) do
    if not state[module] then
      visit(module)
    end
  end
end


--- Checks a set of sources.
-- @param sources  table: path ("src/floor/name.c") -> text
-- @return array of strings "FILE:LINE: what is wrong", empty if all is well
function _M.check(sources)
  local faults, files = {}, {}
  for _, path in ipairs(sorted_keys(sources)) do
    local floor, name = path:match("^src/([^/]+)/([^/]+)%.[ch]$")
    if not FLOORS[floor] then
      add(faults, "%s:1: not in a folder of a floor", path)
    else
      files[#files + 1] = {
        path = path,
        floor = floor,
        module = floor .. "/" .. name,
        text = sources[path],
        includes = read_includes(sources[path]),
      }
    end
  end

  for _, file in ipairs(files) do
    if not file.text:find("^/%* SPDX%-License%-Identifier: MIT %*/\n") then
      add(faults, "%s:1: does not open with the SPDX line", file.path)
    end
    for _, include in ipairs(file.includes) do
      if include.own then
        check_own_include(faults, file, include)
      else
        check_library(faults, file, include)
      end
    end
    check_first_include(faults, file, sources)
    if file.module ~= "base/poison" then
      check_calls(faults, file)
    end
  end
  check_cycles(faults, files)
  return faults
end


--- Reads every C file below a folder.
-- @param folder  string: relative path, such as "src"
-- @return table: path -> text
function _M.read(folder)
  local sources = {}
  for entry in lfs.dir(folder) do
    local path = folder .. "/" .. entry
    if entry:sub(1, 1) == "." then
      path = nil
    end
    local mode = path and lfs.attributes(path, "mode")
    if mode == "directory" then
      for name, text in pairs(_M.read(path)) do
        sources[name] = text
      end
    elseif mode == "file" and path:find("%.[ch]$") then
      local file = assert(io.open(path, "rb"))
      sources[path] = file:read("*a")
      file:close()
    end
  end
  return sources
end


return _M
