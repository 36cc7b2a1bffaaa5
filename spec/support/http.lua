--- A raw HTTP client: it sends exactly the bytes it is given, and reads
-- answers more strictly than any browser, so that a malformed one fails.
--
--     local client = http.connect(port)
--     client:send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
--     local answer = client:answer()
--     answer.status, answer.headers["content-type"], answer.body
local net = require "support.net"
local process = require "support.process"

local _M = {}
local Client = {}
Client.__index = Client

local TOKEN = "^[%w!#$%%&'*+.^_`|~-]+$"


--- Connects.
-- @param where    integer or string: as for net.connect
-- @param options  table or nil: as for net.connect
function _M.connect(where, options)
  local socket = assert(net.connect(where, options))
  return setmetatable({ socket = socket }, Client)
end


--- Writes a request head.
-- @param line    string: for instance "GET /"; without a version HTTP/1.1 is
--                added
-- @param fields  array of strings or nil: field lines; Host: localhost is
--                added where there is none
-- @return string, with the empty line
function _M.head(line, fields)
  if not line:match(" HTTP/%d%.%d$") then
    line = line .. " HTTP/1.1"
  end
  local lines, has_host = { line }, false
  for _, field in ipairs(fields or {}) do
    has_host = has_host or field:lower():match("^host:") ~= nil
    lines[#lines + 1] = field
  end
  if not has_host then
    table.insert(lines, 2, "Host: localhost")
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end


--- Writes a body in chunks.
-- @param pieces    array of strings
-- @param trailers  array of field lines, or nil
function _M.chunked(pieces, trailers)
  local out = {}
  for _, piece in ipairs(pieces) do
    out[#out + 1] = ("%x\r\n%s\r\n"):format(#piece, piece)
  end
  out[#out + 1] = "0\r\n"
  for _, line in ipairs(trailers or {}) do
    out[#out + 1] = line .. "\r\n"
  end
  out[#out + 1] = "\r\n"
  return table.concat(out)
end


--- Sends bytes as they are.
-- @return true, or nil and "reset"
function Client:send(bytes, seconds)
  return self.socket:send(bytes, seconds)
end


--- Sends a request head (see head) and a body.
function Client:request(line, fields, body)
  self.method = line:match("^%S+")
  return self:send(_M.head(line, fields) .. (body or ""))
end


local function parse_fields(text, what)
  local fields, headers = {}, {}
  for line in text:gmatch("(.-)\r\n") do
    local name, value = line:match("^([^:%s]+):[ \t]*(.-)[ \t]*$")
    if not name or not name:match(TOKEN) or value:find("[%z\r\n]") then
      error(("%s has a bad field line %q"):format(what, line), 0)
    end
    fields[#fields + 1] = { name = name, value = value }
    local key = name:lower()
    headers[key] = headers[key] and headers[key] .. ", " .. value or value
  end
  return fields, headers
end


local function parse_head(text)
  local line, rest = text:match("^(.-)\r\n(.*)\r\n$")
  local version, status, reason =
    (line or ""):match("^HTTP/(1%.[01]) (%d%d%d) ([^%c]*)$")
  if not version then
    error(("not a status line: %q"):format(line or text), 0)
  end
  local fields, headers = parse_fields(rest, "the answer")
  for _, name in ipairs { "content-length", "transfer-encoding", "date",
                          "content-type", "location", "etag" } do
    local n = 0
    for _, field in ipairs(fields) do
      n = n + (field.name:lower() == name and 1 or 0)
    end
    if n > 1 then
      error("the answer has more than one " .. name, 0)
    end
  end
  return {
    version = version,
    status = tonumber(status),
    reason = reason,
    fields = fields,
    headers = headers,
    head = text,
  }
end


local function need(value, why, so_far)
  if not value then
    error(("the answer was cut off (%s) after %d bytes"):format(why,
      #(so_far or "")), 0)
  end
  return value
end


local function read_chunks(self, answer, seconds)
  local chunks = {}
  while true do
    local line = need(self.socket:receive_until("\r\n", seconds))
    local hex = line:match("^(%x+)\r\n$")
    if not hex then
      error(("bad chunk size %q"):format(line), 0)
    end
    local size = tonumber(hex, 16)
    if size == 0 then
      break
    end
    chunks[#chunks + 1] = need(self.socket:receive(size, seconds))
    if need(self.socket:receive(2)) ~= "\r\n" then
      error("a chunk does not end in CR LF", 0)
    end
  end

  local trailer = {}
  while true do
    local line = need(self.socket:receive_until("\r\n", seconds))
    if line == "\r\n" then
      break
    end
    trailer[#trailer + 1] = line
  end
  local _, trailers = parse_fields(table.concat(trailer), "the trailer")
  answer.chunks, answer.trailers = chunks, trailers
  return table.concat(chunks)
end


--- Reads the head of an answer; its body is left to be read.
-- @param seconds  number or nil
-- @return table: version, status, reason, fields (in order), headers (by name
--   in lower case), head (the bytes); or nil and "closed" or "reset"
function Client:answer_head(seconds)
  local text, why, rest = self.socket:receive_until("\r\n\r\n", seconds)
  if not text then
    if rest ~= "" then
      error(("the answer's head was cut off (%s): %q"):format(why, rest), 0)
    end
    return nil, why
  end
  return parse_head(text)
end


--- Reads a whole answer.  An interim one (1xx) is an answer of its own.
-- @param method   string or nil: of the request; the last one's if it went by
--                 request()
-- @param seconds  number or nil: for each part of it
-- @return as answer_head, with body, and chunks and trailers if it came so
function Client:answer(method, seconds)
  local answer, why = self:answer_head(seconds)
  if not answer then
    return nil, why
  end
  local coding = answer.headers["transfer-encoding"]
  local length = answer.headers["content-length"]
  if coding and length then
    error("the answer has Content-Length and Transfer-Encoding", 0)
  end

  local status = answer.status
  if (method or self.method) == "HEAD" or status < 200 or status == 204
    or status == 304 then
    answer.body = ""

  elseif coding then
    if coding ~= "chunked" or answer.version ~= "1.1" then
      error("unexpected Transfer-Encoding: " .. coding, 0)
    end
    answer.body = read_chunks(self, answer, seconds)

  elseif length then
    local n = tonumber(length:match("^%d+$")) or error("bad length", 0)
    answer.body = need(self.socket:receive(n, seconds))

  else
    local _
    answer.body, _ = self.socket:receive_all(seconds)
    answer.ended_by_close = true
  end
  return answer
end


--- Sends a request and reads the answer.
function Client:exchange(line, fields, body)
  self:request(line, fields, body)
  return self:answer()
end


--- Waits for the end of the connection, and raises when anything else comes.
-- @return "closed" or "reset"
function Client:closed(seconds)
  local bytes, why = self.socket:receive_some(seconds)
  if bytes then
    error(("the end was expected, and came: %q"):format(bytes:sub(1, 200)), 2)
  end
  return why
end


function Client:shutdown()
  self.socket:shutdown()
end


function Client:reset()
  self.socket:reset()
end


function Client:close()
  self.socket:close()
end


--- One request on a connection of its own.
-- @param where   as for connect
-- @param line    as for head; a plain path means GET
-- @param fields  as for head
-- @param body    string or nil
-- @return the answer
function _M.fetch(where, line, fields, body)
  if line:sub(1, 1) == "/" then
    line = "GET " .. line
  end
  local client = _M.connect(where)
  local answer, why = client:exchange(line, fields, body)
  client:close()
  return answer, why
end


--- The field of Basic authentication (RFC 7617), by the tools of the system.
function _M.basic(user, password)
  local status, text = process.run { "sh", "-c",
    ("printf %%s '%s:%s' | base64 -w0"):format(user, password) }
  assert(status == 0)
  return "Authorization: Basic " .. text
end


--- Sends bytes on a connection of its own, and reads one answer.
-- @return the answer, or nil and "closed" or "reset"; and the client, which is
--   still connected
function _M.raw(where, bytes)
  local client = _M.connect(where)
  client:send(bytes)
  local answer, why = client:answer(bytes:match("^%a+"))
  return answer, client, why
end


return _M
