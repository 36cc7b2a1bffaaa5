--- `req`: a request as `request` hooks see it.  Its fields are made when they
-- are asked for.  It is made once for a request, and all hooks of the section
-- get the same; after the exchange has ended each use of it raises.
-- @module script.request
local ffi = require "ffi"
local calls = require "script.calls"
local request_body = require "script.request_body"

local C, c, text = ffi.C, calls.c, calls.text
local check = calls.check
local new_request = ffi.typeof("const struct script_request")
local writable_request = ffi.typeof("struct script_request *")
local value_text = ffi.new("struct script_text")

local BODY_MAX = 1048576  -- bytes, where the script does not say

local _M = {}

-- Handles by id: of requests that go on, and of ended ones until their ids are
-- used again.
local handles = {}

-- What outlives a hook, by the request's id: ctx, and tables made of texts.
local kept = {}


local function keep(req)
  local of_request = kept[req.id]
  if not of_request then
    if c.request_port(req) == C.SCRIPT_ENDED then
      calls.raise_ended("request", 3)
    end
    of_request = {}
    kept[req.id] = of_request
    ffi.cast(writable_request, req).kept = true
  end
  return of_request
end


local function forget_field(req, name)
  local of_request = kept[req.id]
  if of_request then
    of_request[name] = nil
  end
end


local function decode(value)
  value = value:gsub("+", " ")
  return (value:gsub("%%(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end))
end


-- Names that come more than once: the first value counts, as in req:arg.
local function parse_args(query)
  local args = {}
  for piece in (query or ""):gmatch("[^&]+") do
    local name, value = piece:match("^([^=]*)=?(.*)$")
    name = decode(name)
    if args[name] == nil then
      args[name] = decode(value)
    end
  end
  return args
end


-- Names in lower case; values of one name joined as RFC 9110, 5.3 says.
local function collect_headers(req)
  local headers, i = {}, 0
  while c.request_header_at(req, i, text, value_text) == C.SCRIPT_FOUND do
    local name = ffi.string(text.p, text.len):lower()
    local value = ffi.string(value_text.p, value_text.len)
    local before = headers[name]
    headers[name] = before and before .. ", " .. value or value
    i = i + 1
  end
  return headers
end


-- --- fields ------------------------------------------------------------------

local function reader(field)
  return function(req)
    return calls.to_string(c.request_text(req, field, text), "request")
  end
end

local fields = {
  method = reader(C.SCRIPT_FIELD_METHOD),
  uri = reader(C.SCRIPT_FIELD_URI),
  path = reader(C.SCRIPT_FIELD_PATH),
  query = reader(C.SCRIPT_FIELD_QUERY),
  host = reader(C.SCRIPT_FIELD_HOST),
  scheme = reader(C.SCRIPT_FIELD_SCHEME),
  version = reader(C.SCRIPT_FIELD_VERSION),
  client = reader(C.SCRIPT_FIELD_CLIENT),
  listener = reader(C.SCRIPT_FIELD_LISTENER),
}


function fields.port(req)
  return calls.to_port(c.request_port(req), "request")
end


--- A table that is the script's own for the time of the request.
function fields.ctx(req)
  local of_request = keep(req)
  of_request.ctx = of_request.ctx or {}
  return of_request.ctx
end


function fields.args(req)
  local of_request = keep(req)
  of_request.args = of_request.args or parse_args(fields.query(req))
  return of_request.args
end


function fields.headers(req)
  local of_request = keep(req)
  of_request.headers = of_request.headers or collect_headers(req)
  return of_request.headers
end


-- --- methods -----------------------------------------------------------------

local methods = {}


--- The first header of this name, in any case of letters; nil without one.
function methods.header(req, name)
  check(name, "string", 1, "header")
  return calls.to_string(c.request_find(req, C.SCRIPT_PLACE_HEADER, name,
    #name, text), "request")
end


--- The cookie of this name; nil without one.
function methods.cookie(req, name)
  check(name, "string", 1, "cookie")
  return calls.to_string(c.request_find(req, C.SCRIPT_PLACE_COOKIE, name,
    #name, text), "request")
end


--- The first argument of the query of this name, decoded; nil without one.
function methods.arg(req, name)
  check(name, "string", 1, "arg")
  return calls.to_string(c.request_find(req, C.SCRIPT_PLACE_ARG, name, #name,
    text), "request")
end


--- Whether a path of the request's root is a regular file.
-- @param path  string, optional: the request's own path
function methods.file_exists(req, path)
  if path ~= nil then
    check(path, "string", 1, "file_exists")
  end
  path = path or ""
  return calls.to_boolean(c.request_file_exists(req, path, #path), "request")
end


--- The part of a path that is a regular file of the request's root: all of it,
-- or what leads up to a slash; nil where there is none.
-- @param path  string, optional: the request's own path
function methods.file_prefix(req, path)
  if path ~= nil then
    check(path, "string", 1, "file_prefix")
  end
  path = path or ""
  return calls.to_string(c.request_file_prefix(req, path, #path, text),
    "request")
end


--- Sets a request header, for the server and for later hooks; nil removes it.
-- @return true, or nil and a reason
function methods.set_header(req, name, value)
  check(name, "string", 1, "set_header")
  if type(value) == "number" then
    value = tostring(value)
  elseif value ~= nil then
    check(value, "string", 2, "set_header")
  end
  local answer = c.request_set_header(req, name, #name, value,
    value and #value or 0)
  if answer == C.SCRIPT_BAD then
    error("bad argument to 'set_header' (a header's name and value expected)",
      2)
  end
  forget_field(req, "headers")
  if answer == C.SCRIPT_FULL then
    return nil, "no room for another header"
  end
  return calls.to_boolean(answer, "request")
end


--- Goes on with another path, and another query where one is given.
-- @return true, or nil and a reason
function methods.rewrite(req, path, query)
  check(path, "string", 1, "rewrite")
  if query ~= nil then
    check(query, "string", 2, "rewrite")
  end
  local answer = c.request_rewrite(req, path, #path, query,
    query and #query or 0)
  if answer == C.SCRIPT_BAD then
    error("bad argument #1 to 'rewrite' (a path below the root expected)", 2)
  end
  forget_field(req, "args")
  if answer == C.SCRIPT_FULL then
    return nil, "no room for another path"
  end
  return calls.to_boolean(answer, "request")
end


-- Waits until the body is whole.  To be tail-called, so that an error points at
-- the script.
local function wait_body(req, max)
  local why = request_body.begin(req)
  if why then
    error(why, 2)
  end
  while true do
    local done, body, reason = request_body.read(req, max)
    if done then
      return body, reason
    end
  end
end


-- A spec's requests have other bodies (script.offline_request).
local read_body = wait_body


--- The body, once it is whole; "" without one.  It waits, in `request` only.
-- @param max  number, optional: bytes, 1 MiB unless given
-- @return string; or nil and a reason: "too large"
function methods.body(req, max)
  if max == nil then
    max = BODY_MAX
  end
  if type(max) ~= "number" or max ~= max or max < 0 then
    error("bad argument #1 to 'body' (bytes expected)", 2)
  end
  if not ffi.istype("struct script_request", req) then
    error("body: a request is expected (is the colon missing?)", 2)
  end
  return read_body(req, max)
end


ffi.metatype("struct script_request", {
  __index = calls.indexer("req", methods, fields),
  __tostring = function(req)
    return ("request %d"):format(req.id)
  end,
})


--- Makes the handle of an exchange that has begun; C says which it is.
-- @param id  number: that no request has that goes on
function _M.new(id)
  local req = new_request(nil, id)
  handles[id] = req
  return req
end


--- Drops what was kept for the request of this id.
function _M.forget(id)
  kept[id] = nil
end


--- Has bodies read by another function(req, max).
function _M.set_body_reader(f)
  read_body = f
end


--- For C: the handles by their ids.
_M.handles = handles


return _M
