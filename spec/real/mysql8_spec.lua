--- Real clients log in to MySQL 8, scripted from its documentation
-- (support/mysql8.lua), since no package serves it: caching_sha2_password by
-- both of its ways, accounts of the older plugin, and refusals.
local drivers = require "support.drivers"
local folder = require "support.folder"
local galera = require "support.galera"
local moongate = require "support.moongate"
local mysql8 = require "support.mysql8"
local process = require "support.process"

local CLEAN = { LD_PRELOAD = false, ASAN_OPTIONS = false }

local CONFIG = [[
  [upstream db]
  protocol = mysql
  %s
  [mysql db]
  listen = 127.0.0.1:${port_mysql}
  upstream = db
  handshake = %s
]]

local USERS = {
  app = { password = "app" },
  other = { password = "another, longer password" },
  old = { password = "old", plugin = mysql8.NATIVE },
  empty = { password = "" },
}


describe("MySQL 8", function()
  local place, server, m

  setup(function()
    place = folder.make()
    drivers.prepare(place)
  end)

  teardown(function()
    folder.remove(place)
  end)

  after_each(moongate.finish)

  local function start(handshake, dialect)
    server = mysql8.serve { users = USERS, dialect = dialect }
    m = moongate.start {
      config = CONFIG:format("server s1 = 127.0.0.1:${port_s1}", handshake),
      ports = { s1 = server.port },
    }
    return m.port.mysql
  end

  local function last()
    return server.sessions[#server.sessions]
  end

  -- In both ways through, as directly.
  local function as_directly(name, login)
    local directly = drivers.log_in(name, server.port, login)
    server.cache = {}
    assert.are.equal(directly, drivers.log_in(name, m.port.mysql, login))
    return directly
  end

  for _, handshake in ipairs { "switch", "passthrough" } do
    for _, name in ipairs(drivers.names) do
      local with = (" by %s with %s"):format(name, handshake)

      it("takes the full way, then the fast one," .. with, function()
        local port = start(handshake)
        for _, way in ipairs { "full", "fast", "fast" } do
          assert.are.equal("app@% app", drivers.log_in(name, port, {}))
          assert.are.same({ way }, last().ways)
          assert.are.equal(way == "full" and 1 or 0, last().keys)
          if handshake == "switch" then
            assert.are.equal("moongate_switch", last().plugin)
            assert.are.same({ mysql8.SHA2 }, last().switches)
          end
        end
        assert.are.equal(3, #server.sessions)
      end)

      it("refuses as directly" .. with, function()
        start(handshake)
        for _, login in ipairs { { password = "wrong" }, { user = "nobody" },
            { user = "old", password = "wrong" }, { password = "" } } do
          assert.is_truthy(as_directly(name, login):find("^1045"))
        end
        assert.is_truthy(as_directly(name, { schema = "no" }):find("^1049"))
      end)

      it("lets in who has no password, or the older plugin," .. with,
        function()
          start(handshake)
          assert.are.equal("empty@% app",
            as_directly(name, { user = "empty", password = "" }))
          assert.are.equal("old@% app",
            as_directly(name, { user = "old", password = "old" }))
          assert.are.same({ mysql8.NATIVE }, last().switches)
        end)
    end
  end
end)
