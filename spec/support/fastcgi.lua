--- A scripted FastCGI responder, with a codec of its own: it knows nothing of
-- the one in src/codec, so the two check each other.
--
--     local server = fastcgi.serve(function(request, reply)
--       reply:answer("Content-Type: text/plain", request.params.REQUEST_URI)
--     end)
--
-- or, step by step: server = fastcgi.listen(), reply = server:accept(),
-- request = reply:request().  A request that breaks the specification raises.
local net = require "support.net"
local peer = require "support.peer"

local _M = {}
local Reply = {}
Reply.__index = Reply

local BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR = 1, 2, 3, 4, 5, 6, 7
local RESPONDER, KEEP_CONN = 1, 1
local MAX_CONTENT = 65535


local function u16(n)
  return string.char(math.floor(n / 256) % 256, n % 256)
end


local function u32(n)
  return u16(math.floor(n / 65536)) .. u16(n % 65536)
end


--- Writes one record.
-- @param kind     integer: its type
-- @param id       integer: of the request
-- @param content  string
-- @param padding  integer or nil: bytes after the content
function _M.record(kind, id, content, padding)
  padding = padding or 0
  return string.char(1, kind) .. u16(id) .. u16(#content)
    .. string.char(padding, 0) .. content .. ("\0"):rep(padding)
end


--- Writes the records of a stream, without its end.
function _M.stream(kind, id, text)
  local records = {}
  for at = 1, #text, MAX_CONTENT do
    records[#records + 1] =
      _M.record(kind, id, text:sub(at, at + MAX_CONTENT - 1))
  end
  return table.concat(records)
end


local function read_length(text, at)
  local first = text:byte(at) or error("a pair is cut off", 0)
  if first < 128 then
    return first, at + 1
  end
  local a, b, c, d = text:byte(at, at + 3)
  return ((a - 128) * 256 + b) * 65536 + c * 256 + d, at + 4
end


--- Reads name-value pairs.
-- @return table: value by name, the last one where it came more often (PHP
--   takes that); array of names in their order; set of names that came twice
function _M.pairs(text)
  local values, names, twice = {}, {}, {}
  local at = 1
  while at <= #text do
    local name_len, value_len
    name_len, at = read_length(text, at)
    value_len, at = read_length(text, at)
    if at + name_len + value_len - 1 > #text then
      error("a pair is longer than its stream", 0)
    end
    local name = text:sub(at, at + name_len - 1)
    at = at + name_len
    twice[name] = values[name] and true or nil
    values[name] = text:sub(at, at + value_len - 1)
    names[#names + 1] = name
    at = at + value_len
  end
  return values, names, twice
end


--- Reads a record.
-- @return table: kind, id, content; or nil and "closed" or "reset"
function Reply:read_record(seconds)
  local header, why, part = self.socket:receive(8, seconds)
  if not header then
    if part and part ~= "" then
      error("a record's header was cut off", 0)
    end
    return nil, why
  end
  local version, kind, id1, id2, len1, len2, padding = header:byte(1, 7)
  if version ~= 1 then
    error("FastCGI version " .. version, 0)
  end
  local content = self.socket:receive(len1 * 256 + len2, seconds)
  if not content or not self.socket:receive(padding, seconds) then
    error("a record was cut off", 0)
  end
  return { kind = kind, id = id1 * 256 + id2, content = content }
end


local function read_stream(self, kind, seconds)
  local pieces = {}
  while true do
    local record, why = self:read_record(seconds)
    if not record then
      return nil, why
    end
    if record.kind == ABORT then
      return nil, "aborted"
    end
    if record.kind ~= kind or record.id ~= self.id then
      error(("record of type %d for request %d within stream %d of %d")
        :format(record.kind, record.id, kind, self.id), 0)
    end
    if record.content == "" then
      return table.concat(pieces)
    end
    pieces[#pieces + 1] = record.content
  end
end


--- Reads the beginning of a request: its parameters, not its body.
-- @return table: id, keep (the connection stays open afterwards), params,
--   names, twice (see pairs); or nil and "closed", "reset" or "aborted"
function Reply:request_head(seconds)
  local record, why = self:read_record(seconds)
  if not record then
    return nil, why
  end
  if record.kind ~= BEGIN or #record.content ~= 8 or record.id == 0 then
    error("a request must start with BEGIN_REQUEST", 0)
  end
  local role1, role2, flags = record.content:byte(1, 3)
  if role1 * 256 + role2 ~= RESPONDER then
    error("the role is not responder", 0)
  end
  self.id = record.id
  self.keep = flags % 2 == KEEP_CONN

  local text, reason = read_stream(self, PARAMS, seconds)
  if not text then
    return nil, reason
  end
  local params, names, twice = _M.pairs(text)
  return {
    id = self.id, keep = self.keep, params = params, names = names,
    twice = twice,
  }
end


--- Reads the body of the request whose head was read.
function Reply:request_body(seconds)
  return read_stream(self, STDIN, seconds)
end


--- Reads a whole request.
-- @param seconds  number or nil
-- @return as request_head, with body
function Reply:request(seconds)
  local request, why = self:request_head(seconds)
  if not request then
    return nil, why
  end
  request.body, why = self:request_body(seconds)
  if not request.body then
    return nil, why
  end
  return request
end


--- Sends to the standard output.
-- @return true, or nil and "reset"
function Reply:out(text, seconds)
  return self.socket:send(_M.stream(STDOUT, self.id, text), seconds)
end


--- Sends to the error output.
function Reply:err(text)
  return self.socket:send(_M.stream(STDERR, self.id, text))
end


--- The bytes that end an answer.
-- @param app_status  integer or nil: 0
-- @param status      integer or nil: the protocol's, 0 for complete
function _M.ending(id, app_status, status)
  return _M.record(STDOUT, id, "") .. _M.record(END, id,
    u32(app_status or 0) .. string.char(status or 0, 0, 0, 0))
end


--- Ends the answer, and closes unless the connection is kept.
function Reply:finish(app_status, status)
  self.socket:send(_M.ending(self.id, app_status, status))
  if not self.keep then
    self.socket:close()
  end
end


--- A whole answer.
-- @param head  string: field lines, separated by LF or CR LF
-- @param body  string or nil
function Reply:answer(head, body)
  head = head:gsub("\r?\n", "\r\n")
  self.socket:send(_M.stream(STDOUT, self.id,
    head .. "\r\n\r\n" .. (body or "")) .. _M.ending(self.id))
  if not self.keep then
    self.socket:close()
  end
end


--- Closes without another word.
function Reply:close()
  self.socket:close()
end


--- Closes with a reset.
function Reply:reset()
  self.socket:reset()
end


local function wrap(socket)
  return setmetatable({ socket = socket }, Reply)
end


local Listener = {}
Listener.__index = Listener


--- Listens, for a spec that takes the steps itself.
-- @param options  table or nil: those of net.listen; unix: a path
function _M.listen(options)
  local listener = options and options.unix and net.listen_unix(options.unix)
    or net.listen(options)
  return setmetatable({ listener = listener, port = listener.port }, Listener)
end


--- Takes a connection.
function Listener:accept(seconds)
  return wrap(self.listener:accept(seconds))
end


--- Whether nobody connects for a while.
function Listener:nobody_connects(seconds)
  return self.listener:nobody_connects(seconds)
end


--- Stops listening.
function Listener:close()
  self.listener:close()
end


--- Serves until the spec ends.
-- @param handler  function(request, reply, server): called for each request
-- @param options  table or nil: those of peer.serve
-- @return the server: port, requests (array of all), and what peer.serve gives
function _M.serve(handler, options)
  local server
  server = peer.serve(function(connection)
    local reply = wrap(connection)
    while connection.fd >= 0 do
      local request = reply:request(math.huge)
      if not request then
        return
      end
      server.requests[#server.requests + 1] = request
      handler(request, reply, server)
    end
  end, options)
  server.requests = {}
  return server
end


--- A handler that says which server it is.
-- @param name  string
function _M.names(name)
  return function(_, reply)
    reply:answer("Content-Type: text/plain", name)
  end
end


--- A handler that shows every parameter, a line each.
function _M.shows_params(request, reply)
  local lines = {}
  for _, name in ipairs(request.names) do
    lines[#lines + 1] = name .. "=" .. request.params[name]
  end
  reply:answer("Content-Type: text/plain", table.concat(lines, "\n"))
end


return _M
