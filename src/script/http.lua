--- `moongate.http`: requests to HTTP servers, which wait for their answers.
--
--     url, options ─▶ read_url, read_options ─▶ head ─▶ script.fetch ─▶ answer
--
-- The offline network (script.offline_peer) has the same front, and answers of
-- its own.
-- @module script.http
local calls = require "script.calls"
local fetch = require "script.fetch"
local host = require "script.host"
local waits = require "script.waits"

local check = calls.check

local PORTS = { http = 80, https = 443 }
local PORT_MAX = 65535
local HOST_MAX = 255
local TIMEOUT, TIMEOUT_MAX = 5, 86400  -- seconds
local BODY_MAX, BODY_LIMIT = 2 ^ 20, 2 ^ 31 - 1  -- bytes
local OPTIONS = {
  headers = "table", timeout = "number", max_body = "number",
  verify = "boolean", ca = "string",
}
local USUAL = {
  { name = "user-agent", line = "User-Agent: moongate" },
  { name = "accept", line = "Accept: */*" },
}
local NONE = {}

local _M = {}


-- --- what is asked for -------------------------------------------------------

-- Raises at the line of the script that called get() or post(), which is so
-- many calls away.
local function refuse(position, name, why, level)
  error(("bad argument #%d to '%s' (%s)"):format(position, name, why),
    level + 1)
end


-- The host and the port of "host", "host:port" or "[address]:port"; nil where
-- it is none of them.
local function read_authority(text)
  local name, port = text:match("^(%[[%x:.]+%])(.*)$")
  if not name then
    name, port = text:match("^([%w._~-]+)(.*)$")
  end
  if not name or #name > HOST_MAX then
    return nil
  end
  if port == "" then
    return name
  end
  port = tonumber(port:match("^:(%d%d?%d?%d?%d?)$"))
  if not port or port < 1 or port > PORT_MAX then
    return nil
  end
  return name, port
end


--- Reads a URL.
-- @return table: scheme, host, port, target (path and query), authority (as a
--   Host header has it); nil and what is wrong
function _M.read_url(url)
  if url:find("[%z\1-\32\127]") then
    return nil, "a URL without spaces and control bytes expected"
  end
  local scheme, authority, target = url:match("^(%a+)://([^/?#]*)([^#]*)")
  scheme = scheme and scheme:lower()
  if not PORTS[scheme] then
    return nil, "a URL that begins with http:// or https:// expected"
  end
  local name, port = read_authority(authority)
  if not name then
    return nil, ("'%s' is not a host, or not a port"):format(authority)
  end
  if target:sub(1, 1) ~= "/" then
    target = "/" .. target
  end
  name = name:lower()
  return {
    scheme = scheme, host = name, port = port or PORTS[scheme],
    target = target,
    authority = port and port ~= PORTS[scheme] and name .. ":" .. port or name,
  }
end


local function check_headers(headers, position, name, level)
  local has_host = false
  for header, values in pairs(headers) do
    local is_list = type(values) == "table"
    local is_host = type(header) == "string" and header:lower() == "host"
    if is_host and (is_list or has_host) then
      refuse(position, name, "there is one Host", level + 1)
    end
    has_host = has_host or is_host
    if not is_list or #values == 0 then
      values = { is_list and "" or values }
    end
    for _, value in ipairs(values) do
      local ok, reason = host.check_header(header, value)
      if not ok then
        refuse(position, name, reason, level + 1)
      end
    end
  end
end


local function check_number(value, least, most, what, position, name, level)
  if not (value >= least and value <= most) then
    refuse(position, name, ("%s from %s to %d expected"):format(what,
      least == 0 and "0" or "above 0", most), level + 1)
  end
end


-- Raises unless OPTIONS are what get() and post() take.
local function check_options(options, position, name, level)
  level = level + 1
  if options == nil then
    return NONE
  end
  if type(options) ~= "table" then
    refuse(position, name, "table expected, got " .. type(options), level)
  end
  for key, value in pairs(options) do
    if not OPTIONS[key] then
      refuse(position, name, ("unknown option '%s'"):format(tostring(key)),
        level)
    end
    if type(value) ~= OPTIONS[key] then
      refuse(position, name, ("%s must be a %s"):format(key, OPTIONS[key]),
        level)
    end
  end
  if options.headers then
    check_headers(options.headers, position, name, level)
  end
  check_number(options.timeout or TIMEOUT, 0.001, TIMEOUT_MAX,
    "timeout: seconds", position, name, level)
  check_number(options.max_body or BODY_MAX, 0, BODY_LIMIT,
    "max_body: bytes", position, name, level)
  return options
end


local function has_header(headers, wanted)
  for name in pairs(headers) do
    if name:lower() == wanted then
      return true
    end
  end
  return false
end


local function add_headers(lines, headers)
  for name, values in pairs(headers) do
    for _, value in ipairs(type(values) == "table" and values or { values }) do
      lines[#lines + 1] = ("%s: %s"):format(name, value)
    end
  end
end


-- The head of a request.
local function write_head(method, url, headers, body)
  local lines = { ("%s %s HTTP/1.1"):format(method, url.target) }
  if not has_header(headers, "host") then
    lines[2] = "Host: " .. url.authority
  end
  for _, usual in ipairs(USUAL) do
    if not has_header(headers, usual.name) then
      lines[#lines + 1] = usual.line
    end
  end
  add_headers(lines, headers)
  if body then
    lines[#lines + 1] = ("Content-Length: %d"):format(#body)
  end
  lines[#lines + 1] = "\r\n"
  return table.concat(lines, "\r\n")
end


-- --- the exchange ------------------------------------------------------------

local function receive(exchange, head, body)
  local answer, pieces = nil, {}
  while true do
    local what, first, second = fetch.step(exchange, head, body)
    if what == "head" then
      answer = { status = first, headers = second }
    elseif what == "data" then
      pieces[#pieces + 1] = first
    elseif what == "end" then
      answer.body = table.concat(pieces)
      return answer
    elseif what == nil then
      return nil, first
    end
  end
end


-- Asks a server; what may be called instead, offline, gets the same.
local function ask(request, options)
  local url, body = request.url, request.body
  local exchange, why = fetch.new {
    host = url.host, port = url.port, secured = url.scheme == "https",
    verify = options.verify, ca = options.ca,
    timeout_ms = math.ceil((options.timeout or TIMEOUT) * 1000),
    max_body = options.max_body or BODY_MAX,
    repeats = request.method == "GET",
  }
  if not exchange then
    return nil, why
  end
  local head = write_head(request.method, url, options.headers or NONE, body)
  return receive(exchange, head, body or "")
end


local function begin_wait(name)
  local why = waits.begin()
  if why then
    error(("http.%s waits, and %s"):format(name, why), 3)
  end
end


-- The URL of the first argument.
local function to_url(url, name)
  if type(url) ~= "string" then
    refuse(1, name, "string expected, got " .. type(url), 3)
  end
  local parsed, why = _M.read_url(url)
  if not parsed then
    refuse(1, name, why, 3)
  end
  return parsed
end


--- Makes the functions.
-- @param answer  function(request, options), optional: where there is no
--   network. The request has method, url (as read_url gives it), body
-- @return table: get, post
function _M.new(answer)
  local module = {}

  --- Asks for what a URL names.
  -- @param url      string: http:// or https://
  -- @param options  table, optional: headers, timeout, max_body, verify, ca
  -- @return table: status, headers, body; or nil and a reason
  function module.get(url, options)
    local request = { method = "GET", url = to_url(url, "get") }
    options = check_options(options, 2, "get", 2)
    if answer then
      return answer(request, options)
    end
    begin_wait("get")
    return ask(request, options)
  end

  --- Sends a text to what a URL names.
  -- @param url      as above
  -- @param body     string
  -- @param options  as above
  -- @return as above
  function module.post(url, body, options)
    local request = { method = "POST", url = to_url(url, "post"), body = body }
    check(body, "string", 2, "post")
    options = check_options(options, 3, "post", 2)
    if answer then
      return answer(request, options)
    end
    begin_wait("post")
    return ask(request, options)
  end

  return module
end


_M.BODY_MAX = BODY_MAX


return _M
