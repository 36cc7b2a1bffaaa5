--- MySQL sessions and an upgrade: those of the old program go on, are shown,
-- and are found by a KILL, whichever program it comes to.
local codec = require "support.mysql_codec"
local moongate = require "support.moongate"
local mysql = require "support.mysql"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"

local NATIVE = "mysql_native_password"
local ANSWER = "01234567890123456789"

local CONFIG = [[
  [upstream db]
  protocol = mysql
  server s1 = 127.0.0.1:${port_s1}
  [mysql db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  visible = on
  access_log = off
]]


describe("an upgrade and MySQL sessions", function()
  local m, seen, threads

  -- Keeps all commands, and says OK to each.
  local function serve(connection)
    threads = threads + 1
    connection:send((mysql.greeting8():gsub("%z\8%z%z%z",
      "\0" .. string.char(threads) .. "\0\0\0", 1)))
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
    seen, threads = {}, 0
    m = moongate.start {
      config = CONFIG, workers = 2, ports = { s1 = peer.serve(serve).port },
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

  local function ask(client, text)
    client:send(mysql.packet(0, "\3" .. text))
    return mysql.receive(client):sub(1, 1) == "\0"
  end

  local function shown()
    local ids = {}
    for _, row in ipairs(m:ctl("show sessions --json")) do
      ids[row.id] = row.thread_id
    end
    return ids
  end

  it("goes on with both, and a KILL finds either", function()
    local old_client, old_id = connect()
    local old = m.master.pid
    m:upgrade()
    local new_client, new_id = connect()
    assert.are_not.equal(old_id, new_id)
    local ids = shown()
    assert.is_truthy(ids[old_id] and ids[new_id])
    assert.are_not.equal(ids[old_id], ids[new_id])

    seen = {}
    assert.is_true(ask(new_client, ("KILL %.0f"):format(old_id)))
    assert.is_true(ask(old_client, ("KILL %.0f"):format(new_id)))
    assert.are.same({
      ("\3KILL %.0f"):format(ids[old_id]),
      ("\3KILL %.0f"):format(ids[new_id]),
    }, seen)

    old_client:close()
    assert.is_true(process.ends(old))
    ids = shown()
    assert.is_nil(ids[old_id])
    assert.is_truthy(ids[new_id])
  end)
end)
