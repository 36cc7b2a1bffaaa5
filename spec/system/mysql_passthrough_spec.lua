--- handshake = passthrough: the login is read as it passes, and nothing of it
-- is changed.
local codec = require "support.mysql_codec"
local loop = require "support.loop"
local moongate = require "support.moongate"
local mysql = require "support.mysql"
local net = require "support.net"
local peer = require "support.peer"

local CONFIG = [[
  [upstream db]
  protocol = mysql
  server one = 127.0.0.1:${port_one}
  [mysql db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  handshake = passthrough
  visible = %s
  access_log = %s
  log_to = file:${dir}/access.log
]]

local NATIVE = "mysql_native_password"
local TLS = 0x800
local TEMPLATE = "${user} ${schema} ${program} ${queries} ${errors} ${error}"


local function login_packet(options)
  return codec.login_packet {
    user = options.user or "app", answer = "01234567890123456789",
    schema = options.schema or "shop", plugin = NATIVE,
    attributes = options.attributes or mysql.attributes {
      { "_os", "Linux" }, { "program_name", options.program or "spec" } },
    capabilities = options.capabilities,
  }
end


-- SSLRequest: what stands before the names of a login.
local function tls_request()
  local login = codec.login({ user = "app" })
  return codec.written(function(buf)
    codec.core.mysql_write_tls_request(buf, 1, login)
  end)
end


describe("the login of a session in passthrough", function()
  local m, seen

  after_each(moongate.finish)

  -- A server that greets, keeps what comes, and answers the login.
  local function serve(connection)
    connection:send(mysql.greeting8())
    local bytes = connection:receive_some(1000000)
    while bytes do
      seen[#seen + 1] = bytes
      if bytes:find(NATIVE, 1, true) then
        connection:send(mysql.ok(2))
      end
      bytes = connection:receive_some(1000000)
    end
  end

  local function start(options)
    options = options or {}
    seen = {}
    m = moongate.start {
      config = CONFIG:format(options.visible or "off",
        options.format or "json"),
      ports = { one = peer.serve(options.serve or serve).port },
      log = options.log,
    }
  end

  local function connect()
    local client = assert(net.connect(m.port.db))
    assert.are.equal(mysql.greeting8(), client:receive(#mysql.greeting8()))
    return client
  end

  -- Says BYTES piece by piece; the server must get just these.
  local function say(client, pieces)
    local sent = 0
    for _, piece in ipairs(pieces) do
      client:send(piece)
      sent = sent + #piece
      loop.wait_until("the server has all that was sent", function()
        return #table.concat(seen) == sent
      end)
    end
    client:close()
    assert.are.equal(table.concat(pieces), table.concat(seen))
  end

  local function record()
    return m:records("access.log", 1)[1]
  end

  for _, visible in ipairs { "off", "on" } do
    describe("with visible = " .. visible, function()
      it("is told in the record", function()
        start { visible = visible }
        say(connect(), { login_packet {} })
        assert.is_truthy(record():find('"user":"app","schema":"shop",'
          .. '"program":"spec"', 1, true))
        assert.is_nil(record():find("01234567890123456789", 1, true))
      end)

      it("may come in pieces", function()
        start { visible = visible }
        local login = login_packet {}
        say(connect(), { login:sub(1, 2), login:sub(3, 40), login:sub(41, 60),
          login:sub(61) .. mysql.packet(0, "\3SELECT 1") })
        assert.is_truthy(record():find('"user":"app","schema":"shop",'
          .. '"program":"spec"', 1, true))
      end)

      it("is long", function()
        start { visible = visible }
        say(connect(), { login_packet { user = ("u"):rep(400),
          attributes = "\12program_name\252\80\195" .. ("p"):rep(50000) } })
        assert.is_truthy(record():find('"user":"' .. ("u"):rep(400), 1, true))
      end)

      it("is none: bytes pass, and nothing is told", function()
        start { visible = visible }
        local garbage = { "\0", "GET / HTTP/1.1\r\n\r\n" .. ("x"):rep(100000),
          ("\255"):rep(4000) }
        say(connect(), garbage)
        assert.is_truthy(record():find('"user":null,"schema":null,'
          .. '"program":null', 1, true))
      end)

      it("announces more than any login has", function()
        start { visible = visible }
        say(connect(), { "\0\0\8\1" .. ("\0"):rep(300), ("x"):rep(200000) })
        assert.is_truthy(record():find('"user":null', 1, true))
      end)

      it("is inside of TLS", function()
        start { visible = visible }
        say(connect(), { tls_request(), "\22\3\1\0\5hello", login_packet {
          capabilities = codec.CLIENT + TLS } })
        assert.is_truthy(record():find('"user":null', 1, true))
      end)
    end)
  end

  it("is told in HAProxy's captures", function()
    start { format = "tcplog" }
    say(connect(), { login_packet { schema = "sh|op" } })
    assert.is_truthy(record():find(" {app|sh|op}", 1, true))
  end)

  it("is told in a format of one's own", function()
    start { format = TEMPLATE }
    say(connect(), { login_packet { program = 'p"q' } })
    assert.are.equal("app shop p\\x22q - - -", record())
  end)

  it("does not come where the server refuses the client", function()
    local refusal = mysql.err(0, 1040, nil, "Too many connections")
    start { visible = "on", serve = function(connection)
      connection:send(refusal)
    end }
    local client = assert(net.connect(m.port.db))
    assert.are.equal(refusal, client:receive(#refusal))
    client:close()
    assert.is_truthy(record():find('"user":null', 1, true))
    assert.is_nil(m:ctl("show metrics"):find("blind", 1, true))
  end)

  it("does not matter where the server does not speak MySQL", function()
    start { visible = "on", serve = function(connection)
      connection:send("220 mail.example.com\r\n")
      peer.echo(connection)
    end }
    local client = assert(net.connect(m.port.db))
    assert.are.equal("220 mail.example.com\r\n", client:receive(22))
    client:send("EHLO\r\n")
    assert.are.equal("EHLO\r\n", client:receive(6))
    client:close()
    assert.is_truthy(record():find('"user":null', 1, true))
  end)
end)
