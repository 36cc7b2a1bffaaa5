--- KILL among the commands of a visible MySQL session, by the number of a
-- session on another server. Scripted clients and servers.
local codec = require "support.mysql_codec"
local loop = require "support.loop"
local moongate = require "support.moongate"
local mysql = require "support.mysql"
local net = require "support.net"
local peer = require "support.peer"

local NATIVE = "mysql_native_password"
local ANSWER = "01234567890123456789"

local CONFIG = [[
  [upstream db]
  protocol = mysql
  server s1 = 127.0.0.1:${port_s1}
  server s2 = 127.0.0.1:${port_s2}
  [mysql db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  visible = on
  access_log = off
]]


describe("a KILL", function()
  local m, seen

  -- Keeps all commands, and says OK to each.
  local function serve(connection)
    connection:send(mysql.greeting8())
    mysql.receive(connection)
    connection:send(mysql.switch(2, NATIVE, "server's challenge!!\0"))
    mysql.receive(connection)
    connection:send(mysql.ok(4))
    local payload = mysql.receive(connection)
    while payload and payload ~= "\1" do
      seen[#seen + 1] = payload
      connection:send(mysql.ok(1))
      payload = mysql.receive(connection)
    end
  end

  before_each(function()
    seen = {}
    m = moongate.start {
      config = CONFIG, workers = 1,
      ports = { s1 = peer.serve(serve).port, s2 = peer.serve(serve).port },
    }
  end)

  after_each(moongate.finish)

  -- A client that has logged in, and its number.
  local function connect()
    local client = assert(net.connect(m.port.db))
    local greeting = assert(mysql.receive(client))
    local a, b, c, d = greeting:match("^\10[^%z]*%z(.)(.)(.)(.)")
    client:send(codec.login_packet {
      user = "app", schema = "shop", capabilities = codec.CLIENT - 0x1000020,
      answer = ANSWER, plugin = NATIVE,
    })
    assert(mysql.receive(client))
    client:send(mysql.packet(3, ANSWER))
    assert.are.equal("\0", assert(mysql.receive(client)):sub(1, 1))
    return client, a:byte() + 256 * (b:byte() + 256 * (c:byte()
      + 256 * d:byte()))
  end

  it("ends nobody's session though many come at once", function()
    local _, id = connect()
    local other = connect()
    local kill = ("\3KILL %.0f"):format(id)
    local count = 3000
    loop.spawn("sending", function()
      other:send(mysql.packet(0, kill):rep(count))
    end)
    for _ = 1, count do
      assert.are.equal("\0", assert(mysql.receive(other)):sub(1, 1))
    end
    assert.are.equal(count, #seen)
    local refused = 0
    for _, payload in ipairs(seen) do
      if payload ~= kill then
        assert(payload:find("^\3SIGNAL SQLSTATE 'HY000' "), payload)
        refused = refused + 1
      end
    end
    assert(refused > 0)
  end)
end)
