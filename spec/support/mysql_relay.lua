--- A small relay made of the codec, between real clients and a real server: it
-- greets clients itself, asks the server in their names for a plugin that
-- nobody has, and lets them answer the server's own switch.
--
--     client                 relay                    server
--       |                      | <------------ greeting |
--       | <------ its greeting |                        |
--       | login -------------> | login, unknown plugin  |
--       | [ <- switch, answer ]| ---------------------> |
--       | <------------------- | <-------------- switch |
--       | answer ------------> | ---------------------> |
--       | <------------------- | <----------- OK or ERR |
--
-- What stands in brackets, with `twice`, makes the numbers of the two sides
-- differ by two.
local ffi = require "ffi"
local codec = require "support.mysql_codec"
local loop = require "support.loop"
local mysql = require "support.mysql"
local net = require "support.net"
local peer = require "support.peer"
local support = require "support.ffi"

local core, text = codec.core, support.text

local CHALLENGE = "0123456789abcdefghij"
local UNKNOWN_PLUGIN = "nobody_has_this_plugin"
local TLS, COMPRESS, ZSTD = 0x800, 0x20, 0x4000000
local NOT_HERE = bit.bnot(TLS + COMPRESS + ZSTD)
local COM_CHANGE_USER = 0x11

local _M = {}
local Session = {}
Session.__index = Session


local function read(what, payload, how, ...)
  local got, out, map = codec.read(what, payload, how, ...)
  assert(got == #payload, what .. " not read: " .. got)
  return out, map
end


local function framer_new(offset)
  local framer = ffi.new("struct mysql_framer")
  core.mysql_framer_init(framer)
  framer.offset = offset % 256
  return framer
end


-- The server's greeting, and ours to the client.
function Session:greet()
  local payload = assert(mysql.receive(self.server))
  local greeting, map = read("greeting", payload)
  self.greeting = { came = mysql.packet(0, payload),
    written = codec.written(function(buf)
      core.mysql_write_greeting(buf, greeting)
    end) }
  self.capabilities = bit.band(greeting.capabilities, NOT_HERE) % 2 ^ 32
  self.mariadb = greeting.mariadb
  greeting.capabilities = self.capabilities
  greeting.thread_id = 2 ^ 31 + 1
  ffi.copy(greeting.challenge, CHALLENGE, #CHALLENGE)
  assert(self.client:send(codec.written(function(buf)
    core.mysql_write_greeting(buf, greeting)
  end)))
  assert(map)
end


-- What a login tells, for specs to look at.
local function described(login)
  local attributes, rest = {}, ffi.new("struct str", login.attributes)
  local attribute = ffi.new("struct mysql_attribute")
  while core.mysql_next_attribute(attribute, rest) do
    attributes[text(attribute.name)] = text(attribute.value)
  end
  return { user = text(login.user), schema = text(login.schema),
    plugin = text(login.plugin), answer = text(login.answer),
    attributes = attributes }
end


local function ask_for_a_switch(login)
  login.plugin = codec.str(UNKNOWN_PLUGIN)
  login.answer = codec.str("")
end


-- The client's login, and the one in its name.
function Session:log_in()
  local payload, sequence = assert(mysql.receive(self.client))
  local login, map = read("login", payload)
  self.login = described(login)
  self.login.came = mysql.packet(sequence, payload)
  local function write()
    return codec.written(function(buf)
      core.mysql_write_login(buf, 1, login)
    end)
  end
  self.login.written = write()
  login.capabilities = bit.band(login.capabilities, self.capabilities)
    % 2 ^ 32
  login.mariadb = bit.band(login.mariadb, self.mariadb) % 2 ^ 32
  ask_for_a_switch(login)
  self.settled = login.capabilities
  assert(self.server:send(write()))
  assert(map)
  return sequence
end


-- Has the client switch once before the server asks it to.
function Session:switch_first(sequence)
  local plugin = "mysql_native_password"
  local data = CHALLENGE .. "\0"
  local request = ffi.new("struct mysql_switch", codec.str(plugin),
    codec.str(data), false)
  assert(self.client:send(codec.written(function(buf)
    core.mysql_write_switch(buf, sequence + 1, request)
  end)))
  local _, answered = assert(mysql.receive(self.client))
  return answered
end


-- The plugin that a switch names.
function Session:note_switch(framer)
  local head = ffi.string(framer.head, framer.head_len)
  self.switches[#self.switches + 1] = head:match("^\254(%Z+)%z")
end


function Session:on_answer(framer)
  local lead = framer.head_len > 0 and framer.head[0] or -1
  if self.logging_in then
    self.ended = (lead == 0 or lead == 255) and lead or nil
    if lead == 0xfe then
      self:note_switch(framer)
    end
  end
  self.answers = self.answers + 1
  self.longest = math.max(self.longest, framer.len)
end


function Session:on_command(framer)
  if not self.logging_in then
    assert(framer.sequence == 0, "a command has another number")
    self.commands[#self.commands + 1] = framer.head[0]
  end
end


-- After the OK of a login both sides number alike.
function Session:on_end()
  if self.ended then
    self.logging_in, self.ended = false, nil
    self.up.offset, self.down.offset = 0, 0
  end
end


-- Lets bytes of one direction pass its framer.
function Session:pass(framer, on_head, bytes)
  local start = ffi.new("uint8_t[?]", #bytes)
  ffi.copy(start, bytes, #bytes)
  local used, at = ffi.new("size_t[1]"), 0
  while true do
    local frame =
      core.mysql_framer_next(framer, start + at, #bytes - at, used)
    at = at + tonumber(used[0])
    if frame == core.MYSQL_FRAME_MORE then
      return ffi.string(start, #bytes)
    end
    if frame == core.MYSQL_FRAME_HEAD then
      on_head(self, framer)
    elseif framer == self.down then
      self:on_end()
    end
  end
end


-- Another login, in the same way as the first.
function Session:change_user(bytes)
  local login, map =
    read("login", mysql.payload(bytes), "change", self.settled)
  self.change = described(login)
  ask_for_a_switch(login)
  self.logging_in = true
  local out = codec.written(function(buf)
    core.mysql_write_change(buf, login)
  end)
  assert(map)
  return out
end


function Session:from_client()
  while true do
    local bytes = self.client:receive_some(math.huge)
    if not bytes then
      return self.server:close()
    end
    bytes = self:pass(self.up, self.on_command, bytes)
    if bytes:byte(5) == COM_CHANGE_USER and not self.logging_in then
      bytes = self:change_user(bytes)
    end
    if not self.server:send(bytes) then
      return
    end
  end
end


function Session:from_server()
  while true do
    local bytes = self.server:receive_some(math.huge)
    if not bytes or not self.client:send(
        self:pass(self.down, self.on_answer, bytes)) then
      return
    end
  end
end


local function serve_client(relay, client)
  local session = setmetatable({
    client = client,
    server = assert(net.connect(relay.server_port)),
    logging_in = true,
    switches = {}, commands = {}, answers = 0, longest = 0,
  }, Session)
  relay.sessions[#relay.sessions + 1] = session
  session:greet()
  local sequence = session:log_in()
  if relay.twice then
    sequence = session:switch_first(sequence)
  end
  session.down = framer_new(sequence - 1)
  session.up = framer_new(1 - sequence)
  loop.spawn("a client's bytes", function()
    session:from_client()
  end)
  session:from_server()
  session.server:close()
end


--- Relays until the spec ends.
-- @param server_port  integer
-- @param options      table or nil: twice (boolean)
-- @return table: port; sessions, each with greeting and login (what came, and
--   what was written of it; user, schema, plugin, attributes), change,
--   switches (plugins), commands (bytes), answers, longest
function _M.serve(server_port, options)
  local relay = {
    sessions = {}, server_port = server_port,
    twice = options and options.twice,
  }
  relay.peer = peer.serve(function(client)
    serve_client(relay, client)
  end, { name = "relay" })
  relay.port = relay.peer.port
  return relay
end


return _M
