--- Node.js's drivers log in to a MariaDB, and to MySQL 8 as it is scripted.
local folder = require "support.folder"
local galera = require "support.galera"
local moongate = require "support.moongate"
local mysql8 = require "support.mysql8"
local node = require "support.node"

local QUERY_ATTRIBUTES = 0x8000000

local CONFIG = [[
  [upstream db]
  protocol = mysql
  check = mysql user=check interval=200ms
  server s1 = 127.0.0.1:${port_s1}
  [mysql db]
  listen = 127.0.0.1:${port_mysql}
  upstream = db
  handshake = %s
]]

-- "mysql" knows no caching_sha2_password.
local USERS = {
  app = { password = "app" },
  check = { password = "" },
  old = { password = "old", plugin = mysql8.NATIVE },
  other = { password = "a_password_that_is_longer_than_a_challenge" },
}


describe("Node's drivers", function()
  local m

  setup(node.prepare)

  after_each(moongate.finish)

  local function start(handshake, port)
    m = moongate.start {
      config = CONFIG:format(handshake), ports = { s1 = port }, workers = 2,
    }
  end

  -- What a driver is told, through Moongate as directly.
  local function as_directly(server_port, name, action, login)
    local directly = node.run(name, action, server_port, login)
    assert.are.equal(directly, node.run(name, action, m.port.mysql, login),
      name .. ", " .. action)
    return directly
  end

  describe("with MariaDB", function()
    local place, cluster, port

    setup(function()
      place = folder.make()
      cluster = galera.start({ folder = place, nodes = 1 })
      port = cluster.nodes[1].port
      cluster.nodes[1]:sql("CREATE USER two@'%' IDENTIFIED BY 'second';"
        .. " GRANT ALL ON app.* TO two@'%'")
    end)

    teardown(function()
      if cluster then
        cluster:stop()
      end
      folder.remove(place)
    end)

    for _, handshake in ipairs { "switch", "passthrough" } do
      it("do as directly, handshake = " .. handshake, function()
        start(handshake, port)
        for _, name in ipairs(node.names) do
          local function does(action, login)
            return as_directly(port, name, action, login)
          end
          assert.are.equal("app@% app", does("login"))
          assert.are.equal("app once 7 app twice 7", does("prepared"))
          assert.are.equal("1 two 3", does("statements"))
          assert.are.equal("8 connections", does("pool"))
          assert.are.equal("two@% app app@% app two@% app",
            does("change", { to = "two:second app:app two:second" }))
        end
      end)

      it("are refused as directly, handshake = " .. handshake, function()
        start(handshake, port)
        for _, name in ipairs(node.names) do
          for wanted, login in pairs({
            ["ER_ACCESS_DENIED_ERROR 1045 28000"] = { password = "wrong" },
            ["ER_DBACCESS_DENIED_ERROR 1044 42000"] = { schema = "no" },
          }) do
            local said = as_directly(port, name, "login", login)
            assert.are.equal(wanted, said:sub(1, #wanted))
          end
          -- Of a change of user that fails, "mariadb" hears nothing at all.
          if name ~= "mariadb" then
            local said = as_directly(port, name, "change", { to = "two:no" })
            assert.is_truthy(said:find("ER_ACCESS_DENIED_ERROR 1045", 1, true))
          end
        end
      end)
    end
  end)

  describe("with MySQL 8", function()
    local server

    before_each(function()
      server = mysql8.serve { users = USERS }
    end)

    -- The last session of a user's.
    local function last_of(user)
      for i = #server.sessions, 1, -1 do
        if server.sessions[i].user == user then
          return server.sessions[i]
        end
      end
      return nil
    end

    for _, handshake in ipairs { "switch", "passthrough" } do
      for _, name in ipairs { "mysql2", "mariadb" } do
        it("take both ways, " .. name .. ", handshake = " .. handshake,
          function()
            start(handshake, server.port)
            for _, way in ipairs { "full", "fast" } do
              assert.are.equal("app@% app", node.run(name, "login",
                m.port.mysql))
              assert.are.same({ way }, last_of("app").ways)
              assert.are.equal(way == "full" and 1 or 0, last_of("app").keys)
              if handshake == "switch" then
                assert.are.same({ mysql8.SHA2 }, last_of("app").switches)
                -- What the one sends before a query, the other does not.
                assert.are.equal(name == "mysql2", bit.band(
                  last_of("app").capabilities, QUERY_ATTRIBUTES) ~= 0)
              end
            end
            assert.are.equal("8 connections", node.run(name, "pool",
              m.port.mysql))
          end)
      end

      -- "mariadb" does not try to with MySQL.
      it("change the user, handshake = " .. handshake, function()
        start(handshake, server.port)
        assert.are.equal("old@% app other@% app app@% app", node.run("mysql2",
          "change", m.port.mysql, { to = "old:old other:"
            .. USERS.other.password .. " app:app" }))
        local said = as_directly(server.port, "mysql2", "change", {
          to = "other:wrong" })
        assert.is_truthy(said:find("ER_ACCESS_DENIED_ERROR 1045", 1, true))
      end)

      it("are refused as directly, handshake = " .. handshake, function()
        start(handshake, server.port)
        for _, name in ipairs { "mysql2", "mariadb" } do
          for wanted, login in pairs({
            ["ER_ACCESS_DENIED_ERROR 1045 28000"] = { password = "wrong" },
            ["ER_BAD_DB_ERROR 1049 42000"] = { schema = "no" },
          }) do
            server.cache = {}
            local said = as_directly(server.port, name, "login", login)
            assert.are.equal(wanted, said:sub(1, #wanted))
          end
        end
      end)

      it("may know the older plugin alone, handshake = " .. handshake,
        function()
          start(handshake, server.port)
          assert.are.equal("old@% app", as_directly(server.port, "mysql",
            "login", { user = "old", password = "old" }))
          assert.are.equal("8 connections", as_directly(server.port, "mysql",
            "pool", { user = "old", password = "old" }))
        end)
    end
  end)
end)
