--- The servers of an upstream as scripts see them: an array of read-only
-- references to the core's views, with methods.
--
-- A reference can be read by field and neither indexed by number nor moved.
-- Scripts get the view without its array of name bytes, since an array can be
-- read out of bounds; `name` is a Lua string instead.
-- @module script.views
local ffi = require "ffi"
local host = require "script.host"
local calls = require "script.calls"

local c, check = calls.c, calls.check

local _M = {}


-- The same struct up to the name, under another tag: the same offsets.
local function declare_server()
  local text = host.texts["view_struct.h"]
  local renamed, tags = text:gsub("struct server_view {", "struct server {")
  local shortened, names = renamed:gsub("char name%[%d+%];", "")
  assert(tags == 1 and names == 1, "view_struct.h is not as expected")
  ffi.cdef(shortened)
  assert(ffi.offsetof("struct server", "name_len")
    == ffi.offsetof("struct server_view", "name_len"))
end

declare_server()

local server_pointer = ffi.typeof("const struct server *")
local view_pointer = ffi.typeof("const struct server_view *")


local function server_name(server)
  local view = ffi.cast(view_pointer, server)
  local name = ffi.string(view.name, view.name_len)  -- as calls.to_string does
  return name
end

-- The names of what scripts see, from the struct's own text.
local function view_names()
  local names = {}
  local body = host.texts["view_struct.h"]:match("struct server_view (%b{})")
  for name in body:gmatch("\n    [%w_]+ ([%w_]+)[%[;]") do
    if name ~= "name_len" then
      names[#names + 1] = name
    end
  end
  return names
end

_M.names = view_names()

local server_fields = calls.add_own({}, _M.names)
server_fields.name = server_name

ffi.metatype("struct server", {
  __index = calls.indexer("server", {}, server_fields),
  __tostring = function(server)
    return "server " .. server_name(server)
  end,
})


local function check_range(index, count, name)
  if not (index >= 1 and index <= count and index % 1 == 0) then
    error(("bad argument #1 to '%s' (not the index of a server)"):format(name),
      3)
  end
end


-- The choice of one server for all work, for one user of the upstream, who
-- replaces only what it has seen.
local function add_choice(methods, upstream, count)
  local seen = 0

  --- The index of the server that is chosen for all work of the upstream, by
  -- all workers; nil when none is.
  function methods.chosen(_)
    seen = c.upstream_chosen(upstream)
    return seen > 0 and seen or nil
  end

  --- Chooses a server, unless another than chosen() last answered is chosen by
  -- now.  Only while a server is picked.
  -- @return the index of the one that is chosen then, or nil
  function methods.choose(_, index)
    check(index, "number", 1, "choose")
    check_range(index, count, "choose")
    local held = c.upstream_choose(upstream, seen, index)
    if held < 0 then
      error("choose() works only while this upstream's server is picked", 2)
    end
    return held > 0 and held or nil
  end
end


local function server_methods(upstream, count)
  local methods = {}
  add_choice(methods, upstream, count)

  --- The number of this flow's turn, one higher for each new flow over all
  -- workers.  Only while a server is picked.
  function methods.turn(_)
    local turn = c.upstream_turn(upstream)
    if turn < 0 then
      error("turn() is known only while this upstream's server is picked", 2)
    end
    return turn
  end

  --- The index of the usable server with the fewest connections for its
  -- weight, equals in turn; nil when none is usable.  Likewise.
  function methods.least(_)
    local index = c.upstream_least(upstream)
    if index < 0 then
      error("least() is known only while this upstream's server is picked", 2)
    end
    return index > 0 and index or nil
  end

  --- How long a server takes to answer, in milliseconds, now; 0: there was no
  -- answer yet.  At any time.
  function methods.latency(_, index)
    check(index, "number", 1, "latency")
    local latency_ms = c.upstream_latency(upstream, index)
    if latency_ms < 0 then
      check_range(index, count, "latency")
    end
    return latency_ms
  end

  --- A number that changes when weights do, or who is in service.
  function methods.generation(_)
    return c.upstream_generation(upstream)
  end

  return methods
end


--- Makes the array for one upstream and one user of it.
-- @param pointer  struct upstream *
-- @return array of servers with the methods above
function _M.new(pointer)
  local upstream = ffi.cast("struct upstream *", pointer)
  local views = c.upstream_views(upstream)
  local count = c.upstream_count(upstream)
  local servers = {}
  for i = 1, count do
    servers[i] = ffi.cast(server_pointer, views + (i - 1))[0]
  end
  return setmetatable(servers, {
    __index = server_methods(upstream, count),
    __metatable = false,
  })
end


--- Brings the servers of an upstream up to date, but during its own pick.
function _M.refresh(pointer)
  c.upstream_refresh(ffi.cast("struct upstream *", pointer))
end


return _M
