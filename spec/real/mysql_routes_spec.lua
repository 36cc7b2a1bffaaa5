--- The examples for logins on a real cluster: every driver lands where its user
-- or its schema belongs, and is refused as a server would refuse it.
local drivers = require "support.mysql_drivers"
local folder = require "support.folder"
local galera = require "support.galera"
local moongate = require "support.moongate"
local process = require "support.process"

local CLEAN = { LD_PRELOAD = false, ASAN_OPTIONS = false }

local USERS = [[
  CREATE DATABASE acme; CREATE DATABASE globex_web; CREATE DATABASE other;
  CREATE USER report@'%' IDENTIFIED BY 'secret';
  CREATE USER shop@'%' IDENTIFIED BY 'secret';
  CREATE USER shop_ro@'%' IDENTIFIED BY 'secret';
  CREATE USER backup@'%' IDENTIFIED BY 'secret';
  GRANT ALL ON acme.* TO shop@'%';
  GRANT ALL ON globex_web.* TO shop@'%';
]]

-- The names are those that the examples have.
local CONFIG = [[
  [defaults]
  connect_timeout = 1s
  [upstream pxc]
  protocol = mysql
  server node1 = 127.0.0.1:${port_db1}
  server node2 = 127.0.0.1:${port_db2}
  server node3 = 127.0.0.1:${port_db3}
  [upstream writers]
  protocol = mysql
  policy = primary
  server node1 = 127.0.0.1:${port_db1}
  server node2 = 127.0.0.1:${port_db2}
  [upstream readers]
  protocol = mysql
  policy = leastconn
  server node2 = 127.0.0.1:${port_db2}
  [upstream cluster-a]
  protocol = mysql
  server node1 = 127.0.0.1:${port_db1}
  [upstream cluster-b]
  protocol = mysql
  server node2 = 127.0.0.1:${port_db2}
  [upstream nowhere]
  protocol = mysql
  retries = 0
  server gone = 127.0.0.1:${port_gone}
  [mysql reports]
  listen = 127.0.0.1:${port_reports}
  upstream = pxc
  script = reporting_user.lua
  [mysql tenants]
  listen = 127.0.0.1:${port_tenants}
  upstream = cluster-a
  script = schema_clusters.lua
  [mysql split]
  listen = 127.0.0.1:${port_split}
  upstream = writers
  script = read_write_users.lua
  [mysql networks]
  listen = 127.0.0.1:${port_networks}
  upstream = pxc
  script = login_networks.lua
  [mysql limit]
  listen = 127.0.0.1:${port_limit}
  upstream = pxc
  script = user_limit.lua
  [mysql window]
  listen = 127.0.0.1:${port_window}
  upstream = pxc
  script = login_window.lua
  [mysql nowhere]
  listen = 127.0.0.1:${port_nowhere}
  upstream = nowhere
]]

-- Ten sessions, one too many, and one more once another is over, of which the
-- workers hear a little later.
local SESSIONS = [[
mysqli_report(MYSQLI_REPORT_OFF);
function log_in() {
  global $argv;
  return @new mysqli("127.0.0.1", "report", "secret", "", (int)$argv[1]);
}
for ($i = 0; $i < 10; $i++) {
  $all[$i] = log_in();
  echo $all[$i]->connect_errno, " ";
}
$refused = log_in();
echo $refused->connect_errno, " ", $refused->connect_error, ", ";
$all[3]->close();
$end = time() + 60;
do {
  $c = log_in();
} while ($c->connect_errno && time() < $end);
echo $c->connect_errno ? "never" : "again";
]]

local EXAMPLES = {
  "reporting_user", "schema_clusters", "read_write_users", "login_networks",
  "user_limit", "login_window",
}


-- An error as a driver tells it: Go's and PyMySQL give no SQLSTATE, and PHP has
-- one of its own for whatever ends a login.
local function driver_error(driver, number, state)
  if driver == "Go" or driver == "PyMySQL" then
    return "error " .. number
  end
  local of_login = driver == "mysqli" or driver == "PDO"
  return ("error %d %s"):format(number, of_login and "HY000" or state)
end


describe("the examples for logins, on a real cluster,", function()
  local place, cluster, m

  setup(function()
    place = folder.make()
    cluster = galera.start({ folder = place, nodes = 3 })
    cluster.nodes[1]:sql(USERS)
    local ports, files = {}, {}
    for _, node in ipairs(cluster.nodes) do
      ports[node.name] = node.port
    end
    for _, name in ipairs(EXAMPLES) do
      files["lua/" .. name .. ".lua"] =
        folder.read("examples/" .. name .. ".lua")
    end
    m = moongate.start({
      config = CONFIG, ports = ports, files = files, workers = 2,
    })
  end)

  teardown(function()
    moongate.finish()
    if cluster then
      cluster:stop()
    end
    folder.remove(place)
  end)

  local function case(section, user, schema, password)
    return {
      port = m.port[section] or cluster.nodes[1].port, user = user,
      schema = schema, password = password or "secret",
    }
  end

  for _, driver in ipairs(drivers.NAMES) do
    it("send " .. driver .. " by its user and by its schema", function()
      assert.are.same({
        "db3 -", "db3 -",
        "db1 acme", "db2 globex_web", "db1 acme",
        "db2 -", "db1 acme", "db2 -",
      }, drivers.log_in(driver, {
        case("reports", "report"), case("reports", "report"),
        case("tenants", "shop", "acme"),
        case("tenants", "shop", "globex_web"),
        case("tenants", "shop", "acme"),
        case("split", "shop_ro"), case("split", "shop", "acme"),
        case("split", "shop_ro"),
      }))
    end)

    it("refuse " .. driver .. " in the server's words", function()
      local function refused(section)
        return {
          case(section, "shop", nil, "wrong"), case(section, "nobody"),
          case(section, "shop", "missing"), case(section, "shop", "other"),
        }
      end
      local direct = drivers.log_in(driver, refused("node"))
      assert.are.equal("error 1045", direct[1]:match("^error %d+"))
      assert.are.equal("error 1044", direct[3]:match("^error %d+"))
      for _, section in ipairs({ "reports", "split" }) do
        assert.are.same(direct, drivers.log_in(driver, refused(section)))
      end
    end)

    it("refuse " .. driver .. " with numbers of their own", function()
      local said = drivers.log_in(driver, {
        case("tenants", "shop"), case("tenants", "shop", "umbrella"),
        case("networks", "root"), case("nowhere", "shop"),
      })
      -- libmariadb takes no 2003 from a server.
      local c_library = driver == "mariadb" or driver == "DBD::MariaDB"
      assert.are.same({
        driver_error(driver, 1045, "28000"),
        driver_error(driver, 1045, "28000"),
        driver_error(driver, 1045, "28000"),
        driver_error(driver, c_library and 1429 or 2003, "HY000"),
      }, said)
    end)
  end

  it("count a user's sessions over both workers", function()
    local status, said = process.run({ "php", "-r", SESSIONS, "--",
      tostring(m.port.limit) }, { seconds = 120, env = CLEAN })
    assert.are.same({ 0, "0 0 0 0 0 0 0 0 0 0 "
      .. "1045 user 'report' has 10 sessions already, again" },
      { status, said })
  end)

  it("close at night for all but operators", function()
    local function by_clock()
      local open = os.date("!%H") ~= "03"
      return open and "^db%d %-$" or "^error 1045 28000$"
    end
    local before = by_clock()
    local said = drivers.log_in("mysqli", {
      case("window", "shop"), case("window", "backup"),
    })
    assert.is_truthy(said[1]:find(before) or said[1]:find(by_clock()), said[1])
    assert.is_truthy(said[2]:find("^db%d %-$"), said[2])
  end)
end)
