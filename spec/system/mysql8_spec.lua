--- Logins to MySQL 8 (support/mysql8.lua) by a scripted client: what it is
-- greeted with, and each packet of caching_sha2_password with its number.
local ffi = require "ffi"
local codec = require "support.mysql_codec"
local loop = require "support.loop"
local moongate = require "support.moongate"
local mysql = require "support.mysql"
local mysql8 = require "support.mysql8"
local net = require "support.net"
local support = require "support.ffi"

local core = support.load("proxy/mysql_password.h", "net/crypto.h")

local SHA2, NATIVE = mysql8.SHA2, mysql8.NATIVE
local PLUGIN_SHA2 = 2
local PASSWORD = "a password that is longer than a challenge"

local CONFIG = [[
  [upstream db]
  protocol = mysql
  check = mysql user=check interval=50ms
  %s
  [mysql db]
  listen = 127.0.0.1:${port_db}
  upstream = db
]]

local USERS = { app = { password = PASSWORD }, check = { password = "" } }


local function xor(text, key)
  return (text:gsub("()(.)", function(i, c)
    return string.char(bit.bxor(c:byte(), key:byte((i - 1) % #key + 1)))
  end))
end


-- The answer to a challenge of 20 bytes.
local function digest_of(password, challenge)
  local out = ffi.new("uint8_t[64]")
  local n = core.mysql_password_answer(out, PLUGIN_SHA2, codec.str(password),
    codec.str(challenge))
  return ffi.string(out, n)
end


-- The password for the owner of the key.
local function hidden(password, challenge, pem)
  local out = ffi.new("uint8_t[256]")
  local text = xor(password .. "\0", challenge)
  local n = core.crypto_rsa_encrypt(out, 256, codec.str(pem), codec.str(text))
  return ffi.string(out, n)
end


describe("MySQL 8", function()
  local m, servers

  after_each(moongate.finish)

  -- One server of each dialect.
  local function start(dialects)
    local lines, ports = {}, {}
    servers = {}
    for i, dialect in ipairs(dialects) do
      servers[i] = mysql8.serve { users = USERS, dialect = dialect }
      ports["s" .. i] = servers[i].port
      lines[i] = ("server s%d = 127.0.0.1:${port_s%d}"):format(i, i)
    end
    m = moongate.start {
      config = CONFIG:format(table.concat(lines, "\n  ")), ports = ports,
    }
  end

  local function connect()
    local client = assert(net.connect(m.port.db))
    local payload, sequence = assert(mysql.receive(client))
    assert.are.equal(0, sequence)
    local _, greeting, map = codec.read("greeting", payload)
    assert(map)
    return client, { plugin = support.text(greeting.plugin),
      version = support.text(greeting.version),
      capabilities = greeting.capabilities % 2 ^ 32 }
  end

  -- Who is greeted when all servers are known: the version is the lowest.
  local function greeting_of(version)
    return loop.wait_until("a greeting is of " .. version, function()
      local client, greeting = connect()
      client:close()
      return greeting.version == version and greeting
    end)
  end

  -- A login, as far as the server's own challenge.
  local function switched(options)
    local client = connect()
    local fields = { user = "app", schema = "app", plugin = NATIVE,
      answer = ("x"):rep(20), capabilities = 0x3aa205 }
    for name, value in pairs(options or {}) do
      fields[name] = value
    end
    client:send(codec.login_packet(fields))
    local payload, sequence = assert(mysql.receive(client))
    assert.are.equal(2, sequence)
    return client, assert(payload:match("^\254caching_sha2_password%z(.*)$"))
  end

  local function says(client, payload, sequence)
    assert.are.same({ payload, sequence }, { mysql.receive(client) })
  end

  it("has a password sent by its key once, and knows it then", function()
    start { "8.0" }
    local client, challenge = switched()
    challenge = challenge:sub(1, 20)
    client:send(mysql.packet(3, digest_of(PASSWORD, challenge)))
    says(client, "\1\4", 4)
    client:send(mysql.packet(5, "\2"))
    local pem = servers[1].key.pem
    says(client, "\1" .. pem, 6)
    client:send(mysql.packet(7, hidden(PASSWORD, challenge, pem)))
    says(client, mysql.payload(mysql.ok(8)), 8)

    client, challenge = switched()
    client:send(mysql.packet(3, digest_of(PASSWORD, challenge:sub(1, 20))))
    says(client, "\1\3", 4)
    says(client, mysql.payload(mysql.ok(5)), 5)
  end)

  it("has one packet after the other of answers that come too early",
    function()
      start { "8.0" }
      local client, challenge = switched()
      challenge = challenge:sub(1, 20)
      local sent = mysql.packet(3, digest_of(PASSWORD, challenge))
        .. mysql.packet(5, "\2") .. mysql.packet(7, hidden(PASSWORD, challenge,
          servers[1].key.pem))
      for byte in sent:gmatch(".") do
        client:send(byte)
      end
      says(client, "\1\4", 4)
      says(client, "\1" .. servers[1].key.pem, 6)
      says(client, mysql.payload(mysql.ok(8)), 8)
    end)

  it("refuses a wrong password behind its key", function()
    start { "8.0" }
    local client, challenge = switched()
    challenge = challenge:sub(1, 20)
    client:send(mysql.packet(3, digest_of("wrong", challenge)))
    says(client, "\1\4", 4)
    client:send(mysql.packet(5, hidden("wrong", challenge,
      servers[1].key.pem)))
    says(client, mysql.payload(mysql.err(6, 1045, "28000",
      "Access denied for user 'app'@'127.0.0.1' (using password: YES)")), 6)
    assert.is_nil((client:receive(1)))
  end)

  for name, case in pairs({
    ["PyMySQL"] = { bytes = 20, capabilities = 0x3aa205,
      attributes = mysql.attributes { { "_client_name", "pymysql" } } },
    ["Go's driver before 1.8"] = { bytes = 20, capabilities = 0xaa205,
      max_packet = 0 },
    ["MySQL's own client"] = { bytes = 21, capabilities = 0x3aa205,
      attributes = mysql.attributes { { "_client_name", "libmysql" } } },
    ["Go's driver of today"] = { bytes = 21, capabilities = 0x3aa205,
      max_packet = 0, attributes = mysql.attributes {
        { "_client_name", "Go-MySQL-Driver" } } },
    ["a client that says nothing of itself"] = { bytes = 21,
      capabilities = 0xaa205 },
  }) do
    it("gives " .. name .. " a challenge that it can compute with", function()
      start { "8.0" }
      local client, challenge = switched(case)
      assert.are.equal(case.bytes, #challenge)
      client:send(mysql.packet(3, digest_of(PASSWORD, challenge:sub(1, 20))))
      says(client, "\1\4", 4)
    end)
  end

  for _, case in ipairs({
    { { "8.0" }, "8.0.36", SHA2 },
    { { "5.7" }, "5.7.44", NATIVE },
    { { "8.4", "8.0", "5.7" }, "5.7.44", SHA2 },
    { { "5.7", "8.4" }, "5.7.44", NATIVE },
  }) do
    local dialects, version, plugin = unpack(case)
    it("as " .. table.concat(dialects, ", ") .. " greets by " .. plugin,
      function()
        start(dialects)
        for _, server in ipairs(servers) do
          loop.wait_until("it was checked", function()
            return #server.sessions > 1
          end)
        end
        assert.are.equal(plugin, greeting_of(version).plugin)
      end)
  end

  it("tells no more than can be followed", function()
    start { "8.0" }
    -- No TLS, compression, factors, nor what clients keep for themselves.
    assert.are.equal(0x0bfff7df, greeting_of("8.0.36").capabilities)
  end)
end)
