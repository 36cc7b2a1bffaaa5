--- Requests of specs: real ones, of an exchange of the core that no client has
-- sent and nobody answers.  What a head must be, how a path is normalised, what
-- is a file: all of it is the program's own code.
-- @module script.offline_request
local ffi = require "ffi"
local offline_script = require "script.offline_script"
local request = require "script.request"

local writable_request = ffi.typeof("struct script_request *")
local exchange_pointer = ffi.typeof("struct http_exchange *")

local FIELDS = {
  method = "string", path = "string", query = "string", headers = "table",
  host = "string", version = "string", client = "string", port = "number",
  listener = "string", files = "table", root = "string", body = "string",
}

local _M = {}


local function check_fields(given)
  for key, value in pairs(given) do
    if type(value) ~= FIELDS[key] then
      error(("a request cannot have %s = %s"):format(tostring(key),
        tostring(value)), 3)
    end
  end
end


-- The lines of the headers, in the order of their names.
local function header_lines(lines, headers)
  local names = {}
  for name in pairs(headers) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local values = headers[name]
    for _, value in ipairs(type(values) == "table" and values or { values }) do
      lines[#lines + 1] = ("%s: %s"):format(name, value)
    end
  end
end


local function head_of(given)
  local target = given.path or "/"
  if given.query then
    target = target .. "?" .. given.query
  end
  local lines = {
    ("%s %s HTTP/%s"):format(given.method or given.body and "POST" or "GET",
      target, given.version or "1.1"),
    "Host: " .. (given.host or "localhost"),
  }
  if given.body then
    lines[#lines + 1] = "Content-Length: " .. #given.body
  end
  header_lines(lines, given.headers or {})
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end


local function client_of(given)
  local client = given.client or "192.0.2.1"
  return (client:find(":", 1, true) and "[%s]:%d" or "%s:%d"):format(client,
    given.port or 40000)
end


-- The texts of files by path, from an array of paths or a table of texts.
local function texts_of(files)
  local texts, paths = {}, {}
  for key, value in pairs(files) do
    local path = type(key) == "number" and value or key
    texts[path] = type(key) == "number" and "" or value
    paths[#paths + 1] = path
  end
  table.sort(paths)
  return texts, paths
end


local function write_file(root, path, text)
  if path:sub(1, 1) ~= "/" or path:find("/%.%.?/") or path:find("/%.%.?$") then
    error(("a file cannot be '%s': a path below the root expected"):format(
      path), 4)
  end
  require("pl.dir").makepath((root .. path):match("^(.*)/"))
  local file = assert(io.open(root .. path, "wb"))
  assert(file:write(text))
  assert(file:close())
end


-- A folder for each set of files, since the core remembers what it has seen.
local function new_roots(folder)
  local made, count = {}, 0
  return function(files)
    local texts, paths = texts_of(files)
    local parts = {}
    for i, path in ipairs(paths) do
      parts[i] = ("%q=%q"):format(path, texts[path])
    end
    local key = table.concat(parts, "\n")
    if not made[key] then
      count = count + 1
      local root = ("%s/root%d"):format(folder, count)
      for _, path in ipairs(paths) do
        write_file(root, path, texts[path])
      end
      made[key] = root
    end
    return made[key]
  end
end


-- Reads bodies of specs as the program does those of clients.
local function new_body_reader(exchanges)
  return function(req, max)
    local why = offline_script.refuse_wait()
    if why then
      error("body waits, and " .. why, 2)
    end
    local exchange = exchanges[req.id]
    if not exchange then
      error("this request is over: keep what you need of it", 2)
    end
    if not rawequal(offline_script.request(), req) then
      error("body may be read only in a request hook that got this very "
        .. "request", 2)
    end
    if #exchange.body > max then
      return nil, "too large"
    end
    return exchange.body
  end
end


local function set_exchange(req, pointer)
  ffi.cast(writable_request, req).exchange = pointer and
    ffi.cast(exchange_pointer, pointer) or nil
end


--- Makes what makes requests.
-- @param host  table: what script/offline.c gives
function _M.new(host)
  local root_of = new_roots(host.folder)
  local exchanges = {}
  local requests = {}
  request.set_body_reader(new_body_reader(exchanges))

  --- Makes a request.
  -- @param given  table, optional: method, path (as it is sent, escaped; with
  --   its query, or `query`), headers, host, version, client, port, listener,
  --   body; files (an array of paths, or texts by path) or root (a folder)
  -- @return what `request` hooks get
  function requests.new(given)
    given = given or {}
    check_fields(given)
    local root = given.root or root_of(given.files or {})
    local pointer, id = host.begin(head_of(given), client_of(given),
      given.listener or "198.51.100.1:80", root)
    if not pointer then
      error(("the program answers this request with %d, and asks no hook")
        :format(id), 2)
    end
    local req = request.new(id)
    set_exchange(req, pointer)
    exchanges[id] = { pointer = pointer, req = req, body = given.body or "" }
    return req
  end

  --- The exchange of a request, for C; nil for anything else.
  function requests.exchange(req)
    if not ffi.istype("struct script_request", req) then
      return nil
    end
    local exchange = exchanges[req.id]
    return exchange and exchange.pointer
  end

  --- Ends all requests.
  function requests.reset()
    for id, exchange in pairs(exchanges) do
      set_exchange(exchange.req, nil)
      request.forget(id)
      host.finish(exchange.pointer, id)
      exchanges[id] = nil
    end
  end

  return requests
end


return _M
