--- max_connections of a [mysql] section: who comes beyond it is told so, as by
-- MySQL itself, and does not wait.
local loop = require "support.loop"
local moongate = require "support.moongate"
local mysql = require "support.mysql"
local net = require "support.net"
local peer = require "support.peer"
local proxyproto = require "support.proxyproto"

local CONFIG = [[
  [upstream db]
  protocol = mysql
  server one = 127.0.0.1:${port_one}
  [mysql db]
  listen = 127.0.0.1:${port_db}%s
  upstream = db
  handshake = %s
  max_connections = %d
  script = tell.lua
  access_log = tcplog
  log_to = file:${dir}/records
]]

local BEHIND_PROXY = [[ accept_proxy
  trust = 127.0.0.1]]

local TELL = [[
local moongate = require "moongate"
return {
  accept = function()
    moongate.log.info("accept was asked")
  end,
  close = function()
    moongate.log.info("close was told")
  end,
}
]]

-- What MySQL says before its greeting has no state.
local WORDS = "\255\16\4Too many connections: section 'db' has its "
  .. "max_connections"
local HEADER = proxyproto.v1("192.0.2.7:40000 198.51.100.1:3306")


local function greet(connection)
  connection:send(mysql.greeting8())
  peer.sink(connection)
end


describe("a full [mysql] section", function()
  local m

  local function start(options)
    m = moongate.start {
      config = CONFIG:format(options.proxy and BEHIND_PROXY or "",
        options.handshake or "switch", options.max_connections or 2),
      workers = options.workers,
      ports = { one = peer.serve(greet).port },
      files = { ["lua/tell.lua"] = TELL },
    }
  end

  after_each(moongate.finish)

  local function counts()
    return m:section("mysql db")
  end

  local function connect(header)
    local client = assert(net.connect(m.port.db))
    client:send(header or "")
    return client
  end

  local function greeted(header)
    local client = connect(header)
    local payload, sequence = assert(mysql.receive(client))
    assert.are.equal("\n", payload:sub(1, 1))
    assert.are.equal(0, sequence)
    return client
  end

  local function told(header)
    local client = connect(header)
    local payload, sequence = assert(mysql.receive(client))
    assert.are.same({ WORDS, 0 }, { payload, sequence })
    assert.is_nil((client:receive(1)))
    client:close()
  end

  local function free(n)
    loop.wait_until("a place is free", function()
      return counts().now == n
    end)
  end

  for _, handshake in ipairs { "switch", "passthrough" } do
    it("says so instead of a greeting: " .. handshake, function()
      start { handshake = handshake, workers = 2 }
      local first, second = greeted(), greeted()
      for _ = 1, 10 do
        told()
        free(2)
      end
      assert.are.equal(10, counts().errors)
      assert.are.equal(0, counts().denied)
      first:close()
      free(1)
      greeted():close()
      second:close()
    end)
  end

  it("says so behind a PROXY header, at once or late", function()
    start { proxy = true, max_connections = 1 }
    local first = greeted(HEADER)
    told(HEADER)
    free(1)
    local late = connect()
    free(2)
    late:send(HEADER)
    assert.are.equal(WORDS, (mysql.receive(late)))
    assert.is_nil((late:receive(1)))
    free(1)
    first:close()
    free(0)
    greeted(HEADER)
  end)

  it("records it, and asks no hook", function()
    start { max_connections = 1 }
    local first = greeted()
    told()
    first:close()
    free(0)
    local record = m:records("records", 2)[1]
    assert(record:find("db db/<NOSRV> %-1/%-1/%d+ %d+ PC "), record)
    local _, asked = m:log():gsub("accept was asked", "")
    local _, closed = m:log():gsub("close was told", "")
    assert.are.same({ 1, 1 }, { asked, closed })
  end)

  it("lets in as many as it says, of more who come at once", function()
    start { max_connections = 20, workers = 2 }
    for _ = 1, 5 do
      local clients, welcome = {}, 0
      for i = 1, 40 do
        clients[i] = connect()
      end
      for _, client in ipairs(clients) do
        local payload = assert(mysql.receive(client))
        welcome = welcome + (payload:sub(1, 1) == "\n" and 1 or 0)
      end
      assert.are.equal(20, welcome)
      free(20)
      for _, client in ipairs(clients) do
        client:close()
      end
      free(0)
    end
  end)
end)
