--- MySQL 8, which no package of Debian 12 serves, as far as logins go: a server
-- written from MySQL's documentation, that real clients can use.
--
--     local server = mysql8.serve { users = { app = { password = "app" } } }
--     server.port, server.sessions[1].user, .switches, .way, ...
--
-- What it says and when is as MySQL's manual (Source Code Documentation) has
-- it: "Connection Phase" (its "Determining Authentication Method" says when a
-- switch is asked for), "Protocol::HandshakeV10", "Caching_sha2_password
-- information", "Native Authentication", "COM_CHANGE_USER", "COM_QUERY", "Text
-- Resultset", "OK_Packet"; the words of errors are those of its "Server Error
-- Message Reference".  Packets out of order are a fault of the spec.
--
-- A login whose account has the server's default plugin is asked to switch only
-- if the client named another one, and then with the challenge of the greeting.
-- An account with another plugin is always asked to, as is a change of user;
-- caching_sha2_password makes a new challenge for that.  Who does not exist is
-- an account of the default plugin whose password nobody knows.
local ffi = require "ffi"
local codec = require "support.mysql_codec"
local mysql = require "support.mysql"
local peer = require "support.peer"
local rsa = require "support.rsa"
local support = require "support.ffi"

local core = support.load("net/crypto.h")

local _M = {
  NATIVE = "mysql_native_password", SHA2 = "caching_sha2_password",
}
local Session = {}
Session.__index = Session

local NATIVE, SHA2 = _M.NATIVE, _M.SHA2

-- All that a server without TLS can do, as its greeting has it on the wire.
local DIALECTS = {
  ["5.7"] = { version = "5.7.44", capabilities = 0x81fff7ff, plugin = NATIVE },
  ["8.0"] = { version = "8.0.36", capabilities = 0x9ffff7ff, plugin = SHA2 },
  ["8.4"] = { version = "8.4.3", capabilities = 0x9ffff7ff, plugin = SHA2 },
}

local CAN_PLUGINS, CAN_TRACK = 0x80000, 0x800000
local CAN_END_BY_OK, CAN_NO_METADATA = 0x1000000, 0x2000000
local CAN_QUERY_ATTRIBUTES = 0x8000000

local SEND_KEY, FAST, FULL = "\2", "\3", "\4"
local SHA2_ANSWER_LEN = 32
local CHALLENGE_LEN = 20

local AUTOCOMMIT, STATE_CHANGED = 0x2, 0x4000
local TRACKED_SCHEMA = "\1"

local COM_QUIT, COM_INIT_DB, COM_QUERY, COM_PING = 0x1, 0x2, 0x3, 0xe
local COM_CHANGE_USER, COM_RESET = 0x11, 0x1f

local ERRORS = {
  ACCESS_DENIED = { 1045, "28000",
    "Access denied for user '%s'@'127.0.0.1' (using password: %s)" },
  UNKNOWN_COMMAND = { 1047, "08S01", "Unknown command" },
  UNKNOWN_SCHEMA = { 1049, "42000", "Unknown database '%s'" },
  SYNTAX = { 1064, "42000", "You have an error in your SQL syntax; check the "
    .. "manual that corresponds to your MySQL server version for the right "
    .. "syntax to use near '%s' at line 1" },
  OLD_CLIENT = { 1251, "08004", "Client does not support authentication "
    .. "protocol requested by server; consider upgrading MySQL client" },
}


-- bytes --------------------------------------------------------------------


local function u16(n)
  return string.char(n % 256, math.floor(n / 256) % 256)
end


local function u32(n)
  return u16(n % 65536) .. u16(math.floor(n / 65536))
end


local function has(set, flag)
  return bit.band(set, flag) ~= 0
end


-- Two texts, the second one repeated to the length of the first.
local function xor(a, b)
  local out = {}
  for i = 1, #a do
    out[i] = string.char(bit.bxor(a:byte(i), b:byte((i - 1) % #b + 1)))
  end
  return table.concat(out)
end


local function digest(name, length, text)
  local out = ffi.new("uint8_t[?]", length)
  assert(core["crypto_" .. name](out, codec.str(text), 1) == 0)
  return ffi.string(out, length)
end


local function sha1(text)
  return digest("sha1", 20, text)
end


local function sha256(text)
  return digest("sha256", 32, text)
end


-- 20 bytes without a NUL, as MySQL makes them.
local function new_challenge()
  local out = {}
  for i = 1, CHALLENGE_LEN do
    out[i] = string.char(math.random(1, 127))
  end
  return table.concat(out)
end


-- packets ------------------------------------------------------------------


-- The next packet of an exchange; nil: the client has left.
function Session:receive()
  local payload, sequence = mysql.receive(self.connection)
  if not payload then
    return nil
  end
  local wanted = self.sequence
  self.sequence = (sequence + 1) % 256
  assert(sequence == wanted,
    ("packet %d came where %d was due"):format(sequence, wanted))
  return payload
end


function Session:say(payload)
  self.connection:send(mysql.packet(self.sequence, payload))
  self.sequence = (self.sequence + 1) % 256
end


function Session:say_error(error, ...)
  local number, state, text = unpack(error)
  self:say("\255" .. u16(number) .. "#" .. state .. text:format(...))
end


-- OK; after a login with a schema it tells that, as session_track_schema has
-- it.
function Session:say_ok(schema)
  if schema and has(self.capabilities, CAN_TRACK) then
    self:say("\0\0\0" .. u16(AUTOCOMMIT + STATE_CHANGED) .. u16(0)
      .. mysql.text("") .. mysql.text(TRACKED_SCHEMA
      .. mysql.text(mysql.text(schema))))
    return
  end
  self:say("\0\0\0" .. u16(AUTOCOMMIT) .. u16(0))
end


function Session:greet()
  local dialect = self.server.dialect
  local low = dialect.capabilities % 65536
  local high = math.floor(dialect.capabilities / 65536)
  self:say("\10" .. dialect.version .. "\0" .. u32(self.thread_id)
    .. self.challenge:sub(1, 8) .. "\0" .. u16(low) .. "\255"
    .. u16(AUTOCOMMIT) .. u16(high) .. string.char(CHALLENGE_LEN + 1)
    .. ("\0"):rep(10) .. self.challenge:sub(9) .. "\0" .. dialect.plugin
    .. "\0")
end


-- the plugins --------------------------------------------------------------


-- Each takes the account and the client's answer, and says whether it is in;
-- nil: the client has left.
local plugins = {}


plugins[NATIVE] = function(session, account, answer)
  if answer == "" or account.password == "" then
    return answer == account.password
  end
  local stored = sha1(sha1(account.password))
  local token = xor(answer, sha1(session.challenge .. stored))
  return #answer == 20 and sha1(token) == stored
end


-- The password itself, by the server's key; no other way is secure here.
local function full_way(session, account)
  session:say("\1" .. FULL)
  local said = session:receive()
  if said == SEND_KEY then
    session.keys = session.keys + 1
    session:say("\1" .. session.server.key.pem)
    said = session:receive()
  end
  if not said then
    return nil
  end
  local hidden = session.server.key:decrypt(said)
  if not hidden then
    return false
  end
  return xor(hidden, session.challenge) == account.password .. "\0"
end


plugins[SHA2] = function(session, account, answer)
  local cache, name = session.server.cache, session.user
  if answer == "" or answer == "\0" then
    return account.password == ""
  end
  if #answer ~= SHA2_ANSWER_LEN then
    return false
  end
  local known = cache[name]
  if known then
    local token = xor(answer, sha256(known .. session.challenge))
    if sha256(token) == known then
      session:say("\1" .. FAST)
      session.ways[#session.ways + 1] = "fast"
      return true
    end
  end
  session.ways[#session.ways + 1] = "full"
  local fits = full_way(session, account)
  if fits then
    cache[name] = sha256(sha256(account.password))
  end
  return fits
end


-- logins -------------------------------------------------------------------


function Session:ask_for_a_switch(plugin)
  self.switches[#self.switches + 1] = plugin
  self:say("\254" .. plugin .. "\0" .. self.challenge .. "\0")
  return self:receive()
end


-- The answer to prove by, by the plugin that the account has; nil: the client
-- has left.
function Session:answer_of(login, plugin, again)
  if not has(self.capabilities, CAN_PLUGINS) then
    return login.answer
  end
  if again or plugin ~= self.server.dialect.plugin then
    if plugin == SHA2 then
      self.challenge = new_challenge()
    end
    return self:ask_for_a_switch(plugin)
  end
  if login.plugin ~= plugin then
    return self:ask_for_a_switch(plugin)
  end
  return login.answer
end


local function fields(login)
  return {
    user = support.text(login.user), schema = support.text(login.schema),
    answer = support.text(login.answer), plugin = support.text(login.plugin),
    capabilities = login.capabilities,
  }
end


function Session:prove(login, again)
  local account = self.server.users[login.user]
    or { password = new_challenge() }
  local plugin = account.plugin or self.server.dialect.plugin
  if plugin == SHA2 and not has(self.capabilities, CAN_PLUGINS) then
    self:say_error(ERRORS.OLD_CLIENT)
    return false
  end
  local answer = self:answer_of(login, plugin, again)
  local fits = answer and plugins[plugin](self, account, answer)
  if fits == false then
    self:say_error(ERRORS.ACCESS_DENIED, login.user,
      (answer == "" or answer == "\0") and "NO" or "YES")
  end
  return fits
end


-- A login, or a change of user; false: that was all.
function Session:log_in(login, again)
  self.user, self.plugin = login.user, login.plugin
  if not self:prove(login, again) then
    return false
  end
  local schema = login.schema ~= "" and login.schema or nil
  if schema and not self.server.schemas[schema] then
    self:say_error(ERRORS.UNKNOWN_SCHEMA, schema)
    return false
  end
  self.schema = schema
  self:say_ok(schema)
  return true
end


function Session:change_user(payload)
  local got, login, map = codec.read("login", payload, "change",
    self.capabilities)
  assert(got == #payload and map, "not a change of user: " .. got)
  self.changes = self.changes + 1
  return self:log_in(fields(login), true)
end


-- statements ---------------------------------------------------------------


-- What an expression of a SELECT is; nil: there is no such thing here.
local function value_of(session, expression)
  local text = expression:match("^'([^']*)'$") or expression:match("^%d+$")
  if text then
    return text
  end
  local values = {
    ["CURRENT_USER()"] = session.user .. "@%",
    ["DATABASE()"] = session.schema or "",
    ["CONNECTION_ID()"] = tostring(session.thread_id),
    ["VERSION()"] = session.server.dialect.version,
    ["@@version_comment"] = "MySQL Community Server - GPL",
    ["@@max_allowed_packet"] = "67108864",
    ["@@system_time_zone"] = "UTC", ["@@time_zone"] = "SYSTEM",
    ["@@auto_increment_increment"] = "1", ["@@wait_timeout"] = "28800",
  }
  return values[expression]
end


-- Columns and rows end by an EOF, where the client does not do without.
function Session:say_end(of_rows)
  local status = u16(AUTOCOMMIT)
  if not has(self.capabilities, CAN_END_BY_OK) then
    self:say("\254" .. u16(0) .. status)
  elseif of_rows then
    self:say("\254\0\0" .. status .. u16(0))
  end
end


function Session:say_row(names, values)
  local head = has(self.capabilities, CAN_NO_METADATA) and "\1" or ""
  self:say(head .. string.char(#names))
  for _, name in ipairs(names) do
    self:say("\3def\0\0\0" .. mysql.text(name) .. mysql.text("") .. "\12"
      .. u16(255) .. u32(1024) .. "\253" .. u16(0) .. "\31" .. u16(0))
  end
  self:say_end(false)
  local row = {}
  for i, value in ipairs(values) do
    row[i] = mysql.text(value)
  end
  self:say(table.concat(row))
  self:say_end(true)
end


function Session:select(list)
  local names, values = {}, {}
  for expression in list:gmatch("[^,]+") do
    expression = expression:match("^%s*(.-)%s*$")
    local name = expression:match("^%S+ [Aa][Ss] (%S+)$")
    expression = expression:gsub(" [Aa][Ss] %S+$", "")
    names[#names + 1] = name or expression
    values[#values + 1] = value_of(self, expression)
    if #values < #names then
      return self:say_error(ERRORS.SYNTAX, expression)
    end
  end
  return self:say_row(names, values)
end


-- The statement behind its attributes, of which no client here sends any.
function Session:statement_of(payload)
  if not has(self.capabilities, CAN_QUERY_ATTRIBUTES) then
    return payload:sub(2)
  end
  assert(payload:sub(2, 3) == "\0\1", "a query has attributes")
  return payload:sub(4)
end


function Session:query(payload)
  local statement = self:statement_of(payload):gsub("[%s;]+$", "")
  self.statements[#self.statements + 1] = statement
  local verb, rest = statement:match("^(%a+)%s+(.*)$")
  verb = verb and verb:upper()
  if verb == "SELECT" then
    self:select(rest:gsub("%s+[Ll][Ii][Mm][Ii][Tt] 1$", ""))
  elseif verb == "SET" then
    self:say_ok()
  else
    self:say_error(ERRORS.SYNTAX, statement)
  end
end


-- false: that was the last one.
function Session:obey(payload)
  local command = payload:byte()
  if command == COM_QUIT then
    return false
  elseif command == COM_CHANGE_USER then
    return self:change_user(payload)
  elseif command == COM_QUERY then
    self:query(payload)
  elseif command == COM_INIT_DB then
    self.schema = payload:sub(2)
    self:say_ok()
  elseif command == COM_PING or command == COM_RESET then
    self:say_ok()
  else
    self:say_error(ERRORS.UNKNOWN_COMMAND)
  end
  return true
end


-- serving ------------------------------------------------------------------


function Session:serve()
  self:greet()
  local payload = self:receive()
  if not payload then
    return
  end
  local got, login, map = codec.read("login", payload)
  assert(got == #payload and map, "not a login: " .. got)
  self.capabilities = login.capabilities
  local going = self:log_in(fields(login), false)
  while going do
    self.sequence = 0
    payload = self:receive()
    going = payload and self:obey(payload)
  end
end


local function serve_client(server, connection)
  local session = setmetatable({
    server = server, connection = connection, sequence = 0,
    thread_id = #server.sessions + 8, challenge = new_challenge(),
    switches = {}, ways = {}, keys = 0, changes = 0, statements = {},
  }, Session)
  server.sessions[#server.sessions + 1] = session
  session:serve()
end


--- Serves until the spec ends.
-- @param options  table: users (by name: password, and plugin where it is not
--                 the server's default), schemas (array; "app" unless given),
--                 dialect ("5.7", "8.0" unless given, "8.4")
-- @return the server: port; cache (digests of passwords that are known, by
--   user); sessions, in the order of their coming: thread_id, capabilities,
--   user, plugin (that the client named), schema, switches (plugins that it was
--   asked to switch to), ways ("fast" and "full" ones), keys (times that the
--   key was asked for), changes (of user), statements
function _M.serve(options)
  local server = {
    dialect = assert(DIALECTS[options.dialect or "8.0"]),
    users = options.users, schemas = {}, cache = {}, sessions = {},
    key = rsa.new(),
  }
  for _, schema in ipairs(options.schemas or { "app" }) do
    server.schemas[schema] = true
  end
  server.peer = peer.serve(function(connection)
    serve_client(server, connection)
  end, { name = "MySQL " .. server.dialect.version })
  server.port = server.peer.port
  return server
end


return _M
