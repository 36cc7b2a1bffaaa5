--- Statements and sessions that other sessions end: Ctrl-C in the mariadb
-- client, KILL by the numbers that clients see, and their servers' own.
local json = require "dkjson"
local folder = require "support.folder"
local galera = require "support.galera"
local loop = require "support.loop"
local moongate = require "support.moongate"
local process = require "support.process"

local CLEAN = { LD_PRELOAD = false, ASAN_OPTIONS = false }
local FIRST_ID = 2 ^ 31
local PATIENCE = tonumber(os.getenv("MOONGATE_PATIENCE")) or 1

local CONFIG = [[
  [upstream db]
  protocol = mysql
  policy = roundrobin
  check = galera user=check interval=200ms timeout=500ms
  server db1 = 127.0.0.1:${port_db1}
  server db2 = 127.0.0.1:${port_db2}
  server db3 = 127.0.0.1:${port_db3}
  [mysql db]
  listen = 127.0.0.1:${port_mysql}
  upstream = db
  visible = on
  script = by_user.lua
]]

-- Who logs in as on1, on2 or on3 has chosen.
local SCRIPT = [[
  return { login = function(login)
    local n = login.user:match("^on(%d)$")
    return n and { upstream = "db", server = "db" .. n }
  end }
]]


describe("a session that another one ends", function()
  local place, cluster, m
  local clients = 0

  setup(function()
    place = folder.make()
    cluster = galera.start({ folder = place, nodes = 3 })
    for i = 1, 3 do
      cluster.nodes[1]:sql(("CREATE USER on%d@'%%' IDENTIFIED BY 'app';"
        .. "GRANT ALL ON app.* TO on%d@'%%'"):format(i, i))
    end
    cluster.nodes[1]:sql("CREATE TABLE app.big (n INT PRIMARY KEY);"
      .. "INSERT INTO app.big SELECT seq FROM app.seq_1_to_20000")
  end)

  teardown(function()
    if cluster then
      cluster:stop()
    end
    folder.remove(place)
  end)

  before_each(function()
    m = moongate.start {
      config = CONFIG, workers = 2, files = { ["lua/by_user.lua"] = SCRIPT },
      ports = { db1 = cluster.nodes[1].port, db2 = cluster.nodes[2].port,
        db3 = cluster.nodes[3].port },
    }
    loop.wait_until("all servers are up", function()
      local up = 0
      for i = 1, 3 do
        up = up + (m:server("db" .. i).state == "up" and 1 or 0)
      end
      return up == 3
    end)
  end)

  after_each(moongate.finish)

  -- A mariadb client that runs SQL; its output goes to a file.
  local function client(sql, user)
    clients = clients + 1
    local out = ("%s/client-%d"):format(m.dir, clients)
    local p = process.spawn({
      "mariadb", "--no-defaults", "--protocol=tcp", "--host=127.0.0.1",
      "--port=" .. m.port.mysql, "--user=" .. (user or "app"),
      "--password=app", "--batch", "--skip-column-names",
      "--execute=" .. sql, "app",
    }, { stdout = out, stderr = out, env = CLEAN })
    return p, function()
      return folder.read(out)
    end
  end

  local function query(sql, user)
    return galera.query(m.port.mysql, sql, { user = user })
  end

  local function sessions()
    return m:ctl("show sessions --json")
  end

  -- The one session in this state, which has to come.
  local function wait_session(state)
    local found
    loop.wait_until("there is a session that is " .. state, function()
      for _, session in ipairs(sessions()) do
        found = session.state == state and session or found
      end
      return found
    end)
    return found
  end

  local function wait_none()
    loop.wait_until("no session is left", function()
      return #sessions() == 0
    end)
  end

  -- Interrupts a client in a statement: seconds until it has ended.
  local function interrupt(sql)
    local p, said = client(sql)
    wait_session("busy")
    local before = loop.now()
    p:kill("INT")
    p:wait(60)
    return loop.now() - before, said()
  end

  it("is interrupted by Ctrl-C, 20 times of 20", function()
    local servers = {}
    for _ = 1, 20 do
      local p, said = client("SELECT SLEEP(60)")
      servers[wait_session("busy").server] = true
      local before = loop.now()
      p:kill("INT")
      p:wait(60)
      assert(loop.now() - before < PATIENCE, said())
      wait_none()
    end
    assert.are.same({ ["db/db1"] = true, ["db/db2"] = true,
      ["db/db3"] = true }, servers)
  end)

  it("is interrupted in a statement that works", function()
    local seconds, said = interrupt(
      "SELECT COUNT(*) FROM big a, big b, big c WHERE a.n + b.n + c.n = 1")
    assert(seconds < 5 * PATIENCE, said)
  end)

  it("shows the number that its client was told", function()
    local p = client("SELECT CONNECTION_ID(), SLEEP(60)", "on2")
    local session = wait_session("busy")
    assert(session.id >= FIRST_ID)
    assert.are.same({ "on2", "app", "db/db2", "mysql db" },
      { session.user, session.schema, session.server, session.section })
    assert.is_truthy(session.client:find("^127%.0%.0%.1:%d+$"))
    assert.are.equal("1", cluster.nodes[2]:sql("SELECT COUNT(*) FROM "
      .. "information_schema.processlist WHERE id = " .. session.thread_id
      .. " AND user = 'on2'"))
    local text = m:ctl("show sessions")
    assert.is_truthy(text:find(("%.0f"):format(session.id), 1, true), text)
    p:kill("KILL")
    p:wait()
    wait_none()
  end)

  for _, kill in ipairs {
    "KILL QUERY %.0f", "KILL %.0f", "/* a */ kill hard connection %.0f;",
    "kill soft query %.0f -- b",
  } do
    it("is ended by " .. kill, function()
      local p, said = client("SELECT SLEEP(60)", "on3")
      local session = wait_session("busy")
      local done, why = query(kill:format(session.id), "on3")
      assert.are.equal("", done, why)
      p:wait(10)
      assert.is_truthy(said():find("ERROR"), said())
      wait_none()
    end)
  end

  -- As the manual says: one of several, and one whose number is a parameter.
  it("is not found by a KILL that is more than a statement", function()
    local p = client("SELECT SLEEP(60)", "on3")
    local session = wait_session("busy")
    local status, text = process.run({ "php", "-r", ([[
      mysqli_report(MYSQLI_REPORT_OFF);
      $m = new mysqli("127.0.0.1", "on3", "app", "app", %d);
      $m->multi_query("SELECT 1; KILL %.0f");
      do {
        if ($rows = $m->store_result()) $rows->free();
      } while ($m->next_result());
      echo $m->errno, " ";
      $s = $m->prepare("KILL ?");
      $id = %.0f;
      echo $s && $s->bind_param("i", $id) && $s->execute() ? "done" : $m->errno;
    ]]):format(m.port.mysql, session.id, session.id) }, { env = CLEAN })
    assert.are.equal(0, status, text)
    assert.is_truthy(text:find("^1094 "), text)
    assert.is_nil(text:find("done", 1, true))
    assert.is_true(p:alive())
    p:kill("KILL")
    p:wait()
    wait_none()
  end)

  it("is named where it is on another server", function()
    local p = client("SELECT SLEEP(60)", "on1")
    local session = wait_session("busy")
    local done, why = query(("KILL %.0f"):format(session.id), "on2")
    assert.is_nil(done)
    assert.is_truthy(why:find("ERROR 1094 (HY000) at line 1: Unknown thread "
      .. ("id: %.0f: that session is on db/db1, this one on db/db2")
        :format(session.id), 1, true), why)
    assert.is_true(p:alive())
    p:kill("KILL")
    p:wait()
    wait_none()
  end)

  it("is not ended by another user", function()
    local p = client("SELECT SLEEP(60)", "app")
    local session = wait_session("busy")
    local n = session.server:match("db(%d)$")
    local done, why = query(("KILL %.0f"):format(session.id), "on" .. n)
    assert.is_nil(done)
    assert.is_truthy(why:find("ERROR 1095 (HY000)", 1, true), why)
    p:kill("KILL")
    p:wait()
    wait_none()
  end)

  it("unknown is unknown to the server", function()
    for _, id in ipairs { "4294967295", "3000000001", "99999" } do
      local done, why = query("KILL " .. id)
      assert.is_nil(done)
      assert.is_truthy(why:find("ERROR 1094 (HY000) at line 1: Unknown thread "
        .. "id: " .. id, 1, true), why)
    end
  end)

  it("is ended by mysqli's kill(), which has a command of its own", function()
    local p, said = client("SELECT SLEEP(60)", "on1")
    local session = wait_session("busy")
    local status, text = process.run({ "php", "-r", ([[
      $m = new mysqli("127.0.0.1", "on1", "app", "app", %d);
      var_dump($m->thread_id >= 2147483648, $m->kill(%.0f));
    ]]):format(m.port.mysql, session.id) }, { env = CLEAN })
    assert.are.equal(0, status, text)
    assert.are.equal("bool(true)\nbool(true)\n", text)
    p:wait(10)
    assert.is_truthy(said():find("ERROR"), said())
    wait_none()
  end)

  it("leaves no seat when its worker is killed", function()
    local p = client("SELECT SLEEP(60)")
    local session = wait_session("busy")
    m.workers_change = true
    process.kill(m:workers()[session.worker + 1], "KILL")
    p:wait(10)
    wait_none()
  end)

  it("of a client with several does not draw the next one to it", function()
    local status, text = process.run({ "sysbench", "oltp_point_select",
      "--mysql-host=127.0.0.1", "--mysql-port=" .. m.port.mysql,
      "--mysql-user=app", "--mysql-password=app", "--mysql-db=app",
      "--tables=1", "--table-size=10", "prepare" }, { env = CLEAN })
    assert.are.equal(0, status, text)
    local load = process.spawn({ "sysbench", "oltp_point_select",
      "--mysql-host=127.0.0.1", "--mysql-port=" .. m.port.mysql,
      "--mysql-user=app", "--mysql-password=app", "--mysql-db=app",
      "--tables=1", "--table-size=10", "--threads=12", "--time=60", "run" },
      { stdout = "/dev/null", stderr = "/dev/null", env = CLEAN })
    local seen
    loop.wait_until("all are there", function()
      seen = sessions()
      return #seen == 12
    end)
    local counts = {}
    for _, one in ipairs(seen) do
      counts[one.server] = (counts[one.server] or 0) + 1
    end
    load:kill("KILL")
    load:wait()
    for i = 1, 3 do
      assert(counts["db/db" .. i] <= 6, json.encode(counts))
    end
    wait_none()
  end)
end)
