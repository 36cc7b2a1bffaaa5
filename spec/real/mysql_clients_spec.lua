--- What operators have at hand, at the MySQL port: MariaDB's client programs, a
-- replica, and PHP's persistent connections see what they see of the server.
local folder = require "support.folder"
local loop = require "support.loop"
local mariadb_test = require "support.mariadb_test"
local moongate = require "support.moongate"
local ways = require "support.mysql_ways"
local process = require "support.process"

local CLEAN = { LD_PRELOAD = false, ASAN_OPTIONS = false }
local USERS = [[
  CREATE USER repl@'%' IDENTIFIED BY 'secret';
  GRANT REPLICATION SLAVE ON *.* TO repl@'%';
  CREATE TABLE test.t (a INT PRIMARY KEY, b LONGTEXT);
]]

-- Connections that outlive their objects: PHP takes them up again by a change
-- of user (mysqli) or as they are (PDO).
local PERSISTENT = [[
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
$ids = [];
for ($i = 0; $i < 5; $i++) {
  $m = new mysqli("p:127.0.0.1", "root", "", "test", (int)$argv[1]);
  echo $m->query("SELECT IFNULL(@a, 'new')")->fetch_row()[0], " ";
  $m->query("SET @a = 'old'");
  $ids[] = $m->query("SELECT CONNECTION_ID()")->fetch_row()[0];
  $m->close();
}
echo count(array_unique($ids)), " ";
for ($i = 0; $i < 3; $i++) {
  $p = new PDO("mysql:host=127.0.0.1;port=$argv[1];dbname=test", "root", "",
               [PDO::ATTR_PERSISTENT => true]);
  echo $p->query("SELECT IFNULL(@a, 'new')")->fetchColumn(), " ";
  $p->query("SET @a = 'kept'");
  $p = null;
}
]]

-- Sends a statement and the end of what it has to say at once.
local HALF = [[
import pymysql, socket, sys
c = pymysql.connect(host="127.0.0.1", port=int(sys.argv[1]), user="root")
query = b"\3SELECT SLEEP(0.1), 42"
c._sock.sendall(bytes([len(query), 0, 0, 0]) + query)
c._sock.shutdown(socket.SHUT_WR)
got = b""
while True:
    part = c._sock.recv(4096)
    if not part:
        break
    got += part
print(b"\00242" in got)
]]


describe("at the MySQL port", function()
  local place, suite, m

  setup(function()
    place = folder.make()
    suite = mariadb_test.start({ folder = place .. "/one", innodb = true })
    suite:sql(USERS)
    m = moongate.start({
      config = ways.CONFIG, ports = { db1 = suite.port }, workers = 2,
    })
  end)

  teardown(function()
    moongate.finish()
    if suite then
      suite:stop()
    end
    folder.remove(place)
  end)

  local function run(argv)
    return process.run(argv, { env = CLEAN, seconds = 120 })
  end

  -- Runs a client program as root.
  local function client(program, port, ...)
    local status, said = run({
      program, "--no-defaults", "--protocol=tcp", "--host=127.0.0.1",
      "--port=" .. port, "--user=root", ...,
    })
    assert.are.equal(0, status, said)
    return said
  end

  for _, way in ipairs(ways.NAMES) do
    describe("with " .. way, function()
      local port

      before_each(function()
        port = m.port[way]
      end)

      it("mariadb-slap has its load done", function()
        local said = client("mariadb-slap", port, "--auto-generate-sql",
          "--concurrency=20", "--number-of-queries=400")
        assert.is_truthy(said:find("running queries: 20", 1, true), said)
      end)

      it("mariadb-admin does what it is for", function()
        local said = client("mariadb-admin", port, "ping", "status",
          "processlist", "refresh", "flush-logs", "debug")
        assert.is_truthy(said:find("mysqld is alive", 1, true), said)
        assert.is_truthy(said:find("Uptime: ", 1, true), said)
        assert.is_truthy(said:find("SHOW FULL PROCESSLIST", 1, true)
          or said:find("show processlist", 1, true), said)
      end)

      it("mariadb-check, -show and -import say what they say directly",
         function()
        folder.write(place .. "/t.txt", "1\tone\n2\ttwo\n")
        for _, words in ipairs({
            { "mariadb-check", "--databases", "mysql", "test" },
            { "mariadb-show", "--status", "mysql" },
            { "mariadb-import", "--local", "--delete", "test",
              place .. "/t.txt" },
          }) do
          local function words_of(at)
            return client(words[1], at, unpack(words, 2)):gsub(
              "%d+%-%d+%-%d+ %d+:%d+:%d+", "TIME")
          end
          assert.are.equal(words_of(suite.port), words_of(port))
        end
        assert.are.equal("1\tone\n2\ttwo",
          suite:sql("SELECT * FROM test.t ORDER BY a"))
      end)

      it("mariadb-binlog reads what the server has logged", function()
        suite:sql("FLUSH BINARY LOGS")
        local function log(at)
          return client("mariadb-binlog", at, "--read-from-remote-server",
            "master-bin.000001")
        end
        local direct = log(suite.port)
        assert.is_truthy(direct:find("CREATE USER repl", 1, true))
        assert.are.equal(direct, log(port))
      end)

      it("PHP finds its persistent connections again", function()
        local status, said = run({ "php", "-r", PERSISTENT, "--",
          tostring(port) })
        assert.are.same({ 0, ("new "):rep(5) .. "1 new kept kept " },
          { status, said })
      end)

      it("one that has no more to say still has its answer", function()
        for _, at in ipairs({ suite.port, port }) do
          local status, said = run({ "/usr/bin/python3", "-c", HALF,
            tostring(at) })
          assert.are.same({ 0, "True\n" }, { status, said })
        end
      end)
    end)
  end

  describe("a replica", function()
    local replica

    setup(function()
      replica = mariadb_test.start({
        folder = place .. "/two", innodb = true, server_id = 2,
      })
      replica:sql("CREATE TABLE test.t (a INT PRIMARY KEY, b LONGTEXT)")
    end)

    teardown(function()
      if replica then
        replica:stop()
      end
    end)

    for i, way in ipairs(ways.NAMES) do
      it("follows its primary with " .. way, function()
        local file, at = suite:sql("SHOW MASTER STATUS"):match("(%S+)\t(%d+)")
        replica:sql(([[
          STOP SLAVE;
          CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=%d,
            MASTER_USER='repl', MASTER_PASSWORD='secret',
            MASTER_USE_GTID=NO, MASTER_LOG_FILE='%s', MASTER_LOG_POS=%d;
          START SLAVE;
        ]]):format(m.port[way], file, at))
        -- Long ones, so that events need several packets of the relay's.
        suite:sql(("INSERT INTO test.t VALUES (%d, REPEAT('x', 3000000))")
          :format(100 + i))
        loop.wait_until("the replica has it", function()
          return replica:sql("SELECT LENGTH(b) FROM test.t WHERE a = "
            .. 100 + i) == "3000000"
        end, 60)
        assert.is_truthy(replica:sql("SHOW SLAVE STATUS"):find("\tYes\tYes\t"))
        replica:sql("STOP SLAVE")
      end)
    end
  end)
end)
