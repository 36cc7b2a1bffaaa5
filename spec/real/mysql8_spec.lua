--- Real clients log in to MySQL 8, scripted from its documentation
-- (support/mysql8.lua), since no package serves it: caching_sha2_password by
-- both of its ways, accounts of the older plugin, and refusals.
local codec = require "support.mysql_codec"
local drivers = require "support.drivers"
local folder = require "support.folder"
local galera = require "support.galera"
local loop = require "support.loop"
local moongate = require "support.moongate"
local mysql = require "support.mysql"
local mysql8 = require "support.mysql8"
local net = require "support.net"
local process = require "support.process"
local support = require "support.ffi"

local CLEAN = { LD_PRELOAD = false, ASAN_OPTIONS = false }
local LONG = "a password that is longer than a challenge"

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
  long = { password = LONG },
  old = { password = "old", plugin = mysql8.NATIVE },
  new = { password = "new", plugin = mysql8.SHA2 },
  empty = { password = "" },
  check = { password = "" },
}

-- Every change of user that there can be, and one with a wrong password.
local CHANGES = [[
  mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
  $m = new mysqli("127.0.0.1", "app", "app", "app", %d);
  foreach (["old", "empty", "new", "new", "old", "app"] as $user) {
    $m->change_user($user, $user == "empty" ? "" : $user, "app");
    echo $m->query("SELECT CURRENT_USER()")->fetch_row()[0], " ";
  }
  try { $m->change_user("new", "wrong", "app"); }
  catch (mysqli_sql_exception $e) { echo $e->getCode(); }
]]


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
      ports = { s1 = server.port }, workers = 2,
    }
    return m.port.mysql
  end

  local function last()
    return server.sessions[#server.sessions]
  end

  -- What a driver is told, through Moongate as directly.
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
          assert.are.equal("long@% app", drivers.log_in(name, port, {
            user = "long", password = LONG }))
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

    it("changes the user with " .. handshake, function()
      local port = start(handshake)
      assert.are.same({ 0, "old@% empty@% new@% new@% old@% app@% 1045" },
        { process.run({ "php", "-r", CHANGES:format(port) },
          { env = CLEAN, seconds = 120 }) })
      assert.are.equal(7, last().changes)
      assert.are.same({ "full", "full", "fast", "fast", "full" }, last().ways)
      local switches = { mysql8.NATIVE, mysql8.SHA2, mysql8.SHA2, mysql8.SHA2,
        mysql8.NATIVE, mysql8.SHA2, mysql8.SHA2 }
      if handshake == "switch" then
        table.insert(switches, 1, mysql8.SHA2)
      end
      assert.are.same(switches, last().switches)
    end)

    it("serves many at once with " .. handshake, function()
      local port = start(handshake)
      local said, logins = {}, 0
      for _ = 1, 2 do
        for _, name in ipairs(drivers.names) do
          logins = logins + 1
          loop.spawn(name, function()
            local words = drivers.log_in(name, port, {})
            said[#said + 1] = words
          end)
        end
      end
      loop.wait_until("all have logged in", function()
        return #said == logins
      end, 120)
      for _, words in ipairs(said) do
        assert.are.equal("app@% app", words)
      end
      assert.are.equal(logins, #server.sessions)
    end)
  end

  for _, dialect in ipairs { "5.7", "8.4" } do
    it("has others of its kind: " .. dialect, function()
      local port = start("switch", dialect)
      for _, name in ipairs(drivers.names) do
        for _, user in ipairs { "old", "new" } do
          assert.are.equal(user .. "@% app", drivers.log_in(name, port, {
            user = user, password = user }))
        end
        assert.are.equal("1045", drivers.log_in(name, port, {
          password = "wrong" }):match("^%d+"))
      end
    end)
  end

  describe("beside a MariaDB", function()
    local cluster

    setup(function()
      cluster = galera.start({ folder = place, nodes = 1 })
    end)

    teardown(function()
      if cluster then
        cluster:stop()
      end
    end)

    -- The version and the plugin that clients are greeted with.
    local function greeted(port)
      local client = assert(net.connect(port))
      local _, greeting, map = codec.read("greeting",
        (assert(mysql.receive(client))))
      client:close()
      return map and support.text(greeting.version) .. " "
        .. support.text(greeting.plugin)
    end

    it("shares the drivers with it", function()
      server = mysql8.serve { users = USERS }
      m = moongate.start {
        config = CONFIG:format("check = mysql user=check interval=200ms\n"
          .. "server s1 = 127.0.0.1:${port_s1}\n"
          .. "server s2 = 127.0.0.1:${port_s2}", "switch"),
        ports = { s1 = server.port, s2 = cluster.nodes[1].port },
      }
      loop.wait_until("both are known", function()
        return greeted(m.port.mysql) == "8.0.36 mysql_native_password"
      end)
      for _, name in ipairs(drivers.names) do
        for _ = 1, 2 do
          assert.are.equal("app@% app",
            drivers.log_in(name, m.port.mysql, {}), name)
        end
      end
      local here = 0
      for _, session in ipairs(server.sessions) do
        here = here + (session.user == "app" and 1 or 0)
      end
      assert.are.equal(#drivers.names, here)
    end)
  end)
end)
