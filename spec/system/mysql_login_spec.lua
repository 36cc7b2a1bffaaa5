--- What scripts decide of MySQL logins, with the program between a client and
-- servers; the codec writes the logins.
local codec = require "support.mysql_codec"
local moongate = require "support.moongate"
local mysql = require "support.mysql"
local net = require "support.net"
local peer = require "support.peer"

local CONFIG = [[
  [upstream db]
  protocol = mysql
  server one = 127.0.0.1:${port_one}
  [upstream other]
  protocol = mysql
  policy = by_user.lua
  server two = 127.0.0.1:${port_two}
  server three = 127.0.0.1:${port_three}
  [mysql db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  script = login.lua
  access_log = json
  log_to = file:${dir}/access.log
]]


-- A server that lets everybody in, and says its name.
local function named(name)
  return function(connection)
    connection:send(mysql.greeting8())
    if mysql.receive(connection) then
      connection:send(mysql.ok(2) .. mysql.packet(1, name))
      peer.sink(connection)
    end
  end
end


describe("a login hook", function()
  local m, servers

  after_each(moongate.finish)

  local function start(body, section)
    servers = {}
    local ports = {}
    for _, name in ipairs { "one", "two", "three" } do
      servers[name] = peer.serve(named(name))
      ports[name] = servers[name].port
    end
    local files = { ["lua/login.lua"] = body,
      ["lua/by_user.lua"] = "return { pick = function(flow) return"
        .. " flow.user == 'ann' and flow.schema == 'shop' and 2 or 1 end }" }
    m = moongate.start {
      config = CONFIG .. (section or ""), ports = ports, files = files,
    }
  end

  local function connect(user, schema)
    local client = assert(net.connect(m.port.db))
    assert(mysql.receive(client))
    client:send(codec.login_packet { user = user, schema = schema,
      answer = "x", plugin = "p",
      attributes = mysql.attributes { { "_name", "spec" } } })
    return client
  end

  -- Which server it came to.
  local function server_of(client)
    assert.are.same({ mysql.payload(mysql.ok(2)), 2 },
      { mysql.receive(client) })
    return (mysql.receive(client))
  end

  it("routes by user, schema and attributes", function()
    start [[return { login = function(login, conn)
      if login.user == "ann" and login.schema == "shop"
        and login.attributes._name == "spec"
        and conn.client == "127.0.0.1" then
        return { upstream = "other" }
      elseif login.user == "bob" then
        return { upstream = "other", server = "two" }
      end
    end }]]
    assert.are.equal("three", server_of(connect("ann", "shop")))
    assert.are.equal("two", server_of(connect("bob", "shop")))
    assert.are.equal("one", server_of(connect("ann", "blog")))
  end)

  it("refuses in its own words, and no server is asked", function()
    start [[return { login = function() return false, "not now" end }]]
    local client = connect("ann", "shop")
    local wanted = mysql.err(2, 1045, "28000", "not now")
    assert.are.same({ mysql.payload(wanted), 2 }, { mysql.receive(client) })
    assert.is_nil((client:receive(1)))
    assert.are.equal(0, servers.one.accepted)
  end)

  it("that raises refuses", function()
    start [[return { login = function() error("oh") end }]]
    local payload = mysql.receive(connect("ann", "shop"))
    assert.are.equal(1045, payload:byte(2) + 256 * payload:byte(3))
    assert.are.equal(0, servers.one.accepted)
  end)

  it("may wait", function()
    start [[local moongate = require "moongate"
    return { login = function(login)
      moongate.sleep(0.02)
      return { upstream = "other", server = "two" }
    end }]]
    assert.are.equal("two", server_of(connect("ann", "shop")))
  end)

  it("is left alone where the client leaves while it waits", function()
    start [[local moongate = require "moongate"
    return { login = function(login)
      if login.user == "ann" then
        print("asked")
        moongate.sleep(5)
      end
    end }]]
    local client = connect("ann", "shop")
    m:wait_log("asked")
    client:close()
    m:records("access.log", 1)
    assert.are.equal("one", server_of(connect("bob", "shop")))
    assert.are.equal(1, servers.one.accepted)
  end)

  it("that waits too long refuses", function()
    start([[local moongate = require "moongate"
    return { login = function() moongate.sleep(60) end }]],
      "  header_timeout = 100ms\n")
    local payload = mysql.receive(connect("ann", "shop"))
    assert.are.equal(1045, payload:byte(2) + 256 * payload:byte(3))
  end)

  it("shares conn.ctx with the other hooks of its session", function()
    start [[return {
      accept = function(conn) conn.ctx.seen = "accepted" end,
      login = function(login, conn)
        conn.ctx.seen = conn.ctx.seen .. ", " .. login.user
      end,
      close = function(conn) print("seen " .. conn.ctx.seen) end,
    }]]
    local client = connect("ann", "shop")
    assert.are.equal("one", server_of(client))
    client:close()
    m:wait_log("seen accepted, ann")
  end)

  it("counts the sessions of a user, as the example does", function()
    local file = assert(io.open("examples/user_limit.lua"))
    start(file:read("*a"))
    file:close()
    local clients = {}
    for i = 1, 10 do
      clients[i] = connect("report", "shop")
      assert.are.equal("one", server_of(clients[i]))
    end
    assert.is_truthy(mysql.receive(connect("report", "shop"))
      :find("'report' has 10 sessions already", 1, true))
    m:records("access.log", 1)
    clients[1]:close()
    m:records("access.log", 2)
    assert.are.equal("one", server_of(connect("report", "shop")))
  end)

  it("that waits while its script is replaced decides as it began", function()
    start [[local moongate = require "moongate"
    return { login = function(login)
      if login.user == "ann" then
        print("asked")
        local until_then = moongate.now() + 20
        while not moongate.shared("spec"):get("go")
          and moongate.now() < until_then do
          moongate.sleep(0.01)
        end
        return { upstream = "other", server = "two" }
      end
    end }]]
    local waiting = connect("ann", "shop")
    m:wait_log("asked")
    local file = assert(io.open(m.dir .. "/lua/login.lua", "w"))
    file:write([[local moongate = require "moongate"
    return { login = function(login)
      moongate.shared("spec"):set("go", true)
      return { upstream = "other", server = "three" }
    end }]])
    file:close()
    assert.is_truthy(m:ctl("script reload login.lua")
      :find("is now version", 1, true))
    assert.are.equal("three", server_of(connect("bob", "shop")))
    assert.are.equal("two", server_of(waiting))
  end)
end)
