--- Real clients in visible sessions to a real MariaDB: what is told of them is
-- what the server counts.
local json = require "dkjson"
local folder = require "support.folder"
local galera = require "support.galera"
local moongate = require "support.moongate"
local process = require "support.process"
local tls = require "support.tls"

local CLEAN = { LD_PRELOAD = false, ASAN_OPTIONS = false }

local CONFIG = [[
  [upstream db]
  protocol = mysql
  check = galera user=check interval=200ms timeout=500ms
  server db1 = 127.0.0.1:${port_db1}
  [mysql db]
  listen = 127.0.0.1:${port_mysql}
  upstream = db
  handshake = %s
  visible = on
  access_log = json
  log_to = file:${dir}/access.log
]]

-- What comes before each PHP text: a connection $m, and said(), which prints
-- what the server has counted for it.
local PHP = [=[
  mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
  $m = mysqli_init();
  $m->options(MYSQLI_OPT_LOCAL_INFILE, 1);
  $m->real_connect("127.0.0.1", "app", "app", "app", ${port});
  function said($m) {
    $rows = $m->query("SHOW SESSION STATUS WHERE Variable_name IN
      ('Questions', 'Com_commit', 'Com_rollback')")->fetch_all();
    foreach ($rows as $row) $n[$row[0]] = (int)$row[1];
    echo $n["Questions"], " ", $n["Com_commit"] + $n["Com_rollback"];
  }
]=]


local function run(argv)
  return process.run(argv, { env = CLEAN, seconds = 120 })
end


describe("a visible session", function()
  local place, cluster, node, pki, m

  setup(function()
    place = folder.make()
    pki = tls.make()
    pki:sign("db", "IP:127.0.0.1")
    -- The server may be another user's.
    run({ "chmod", "755", pki.dir })
    run({ "chmod", "644", pki:file("db.key") })
    cluster = galera.start({ folder = place, nodes = 1, args = {
      "--ssl-cert=" .. pki:file("db.crt"), "--ssl-key=" .. pki:file("db.key"),
    } })
    node = cluster.nodes[1]
    node:sql("SET GLOBAL local_infile = 1; CREATE DATABASE other;"
      .. " GRANT ALL ON other.* TO app@'%'; CREATE USER boss@'%';"
      .. " GRANT ALL ON other.* TO boss@'%';"
      .. " CREATE TABLE app.t (n INT PRIMARY KEY, t LONGTEXT) ENGINE=InnoDB")
  end)

  teardown(function()
    if cluster then
      cluster:stop()
    end
    folder.remove(place)
    pki:remove()
  end)

  after_each(moongate.finish)

  local function start(handshake, workers)
    m = moongate.start {
      config = CONFIG:format(handshake or "switch"),
      ports = { db1 = node.port }, workers = workers,
      log = "log = stderr level=debug",
    }
  end

  -- Runs PHP, which has to succeed: what it prints.
  local function php(code)
    local status, said = run({ "php", "-d", "memory_limit=256M", "-d",
      "mysqli.allow_local_infile=1", "-r",
      ((PHP .. code):gsub("%${port}", m.port.mysql)
        :gsub("%${place}", place)) })
    assert.are.equal(0, status, said)
    return said
  end

  -- Runs statements by the mariadb client: its status and what it prints.
  local function mariadb(sql, ...)
    return { run({ "mariadb", "--no-defaults", "--protocol=tcp",
      "--host=127.0.0.1", "--port=" .. m.port.mysql, "--user=app",
      "--password=app", "--batch", "--skip-column-names",
      "--execute=" .. sql, "--database=app", ... }) }
  end

  local function records(n)
    local out = {}
    for i, line in ipairs(m:records("access.log", n)) do
      out[i] = assert(json.decode(line), line)
    end
    return out
  end

  -- The sum of a metric over all series whose labels contain PART.
  local function metric(name, part)
    local sum = 0
    for line in m:ctl("show metrics"):gmatch("[^\n]+") do
      if line:find("^moongate_mysql_" .. name .. "[{ ]")
          and line:find(part, 1, true) then
        sum = sum + tonumber(line:match(" (%S+)$"))
      end
    end
    return sum
  end

  local function not_blind()
    assert.is_nil(m:log():find("a session is blind", 1, true))
  end

  -- What PHP's text does must have been counted as by the server.
  local function expect_counts(code)
    local questions, ended = php(code .. " said($m);"):match("(%d+) (%d+)$")
    local record = records(1)[1]
    assert.are.equal(tonumber(questions), record.queries)
    assert.are.equal(tonumber(ended), record.transactions)
    not_blind()
    return record
  end

  for _, handshake in ipairs { "switch", "passthrough" } do
    describe("with handshake = " .. handshake, function()
      it("counts queries, prepared statements and transactions", function()
        start(handshake)
        local record = expect_counts([[
          for ($i = 0; $i < 5; $i++) {
            $m->begin_transaction();
            $m->query("REPLACE INTO t VALUES ($i, 'x')");
            $i % 2 ? $m->rollback() : $m->commit();
          }
          $m->autocommit(false);
          $m->query("REPLACE INTO t VALUES (100, 'x')");
          $m->commit();
          $m->autocommit(true);
          $s = $m->prepare("SELECT * FROM t WHERE n < ?");
          $s->bind_param("i", $n);
          foreach ([1, 2, 3] as $n) { $s->execute(); $s->get_result(); }
          $s->reset();
          $s->close();
          $m->ping();
          $m->query("CREATE OR REPLACE TABLE u (n INT)");
          foreach (["SELEC", "SELECT * FROM nowhere"] as $bad)
            try { $m->query($bad); } catch (mysqli_sql_exception $e) { }
        ]])
        assert.are.equal(2, record.errors)
        assert.are.equal(1146, record.error)
        assert.are.equal(1, metric("errors_total", 'number="1146"'))
        assert.are.equal(record.queries, metric("queries_total",
          'user="app",schema="app"'))
      end)

      it("knows multi_query, procedures, cursors and big rows", function()
        start(handshake)
        local said = php [[
          $m->query("CREATE OR REPLACE PROCEDURE p()
            BEGIN SELECT 1; SELECT 2; END");
          $m->multi_query("SELECT 1; SELECT 2");
          do { $r = $m->store_result(); } while ($m->next_result());
          $m->multi_query("CALL p()");
          do { $r = $m->store_result(); } while ($m->next_result());
          $s = $m->prepare("SELECT seq FROM seq_1_to_50");
          $s->attr_set(MYSQLI_STMT_ATTR_CURSOR_TYPE,
            MYSQLI_CURSOR_TYPE_READ_ONLY);
          $s->execute();
          $s->bind_result($n);
          while ($s->fetch()) ;
          $s->close();
          echo strlen($m->query("SELECT REPEAT('x', 3000000)")
            ->fetch_row()[0]), " ";
          $s = $m->prepare("SELECT LENGTH(?)");
          $null = null;
          $s->bind_param("b", $null);
          for ($i = 0; $i < 20; $i++)
            $s->send_long_data(0, str_repeat("y", 50000));
          $s->execute();
          echo $s->get_result()->fetch_row()[0];
        ]]
        assert.are.equal("3000000 1000000", said)
        assert.are.equal(6, records(1)[1].queries)
        not_blind()
      end)

      it("knows LOAD DATA LOCAL, and what follows", function()
        start(handshake)
        local lines = {}
        for i = 1, 20000 do
          lines[i] = i .. "\t" .. ("\3x"):rep(100)
        end
        folder.write(place .. "/lines", table.concat(lines, "\n") .. "\n")
        expect_counts [[
          $m->query("LOAD DATA LOCAL INFILE '${place}/lines'
            REPLACE INTO TABLE t");
          $m->query("SELECT COUNT(*) FROM t");
        ]]
      end)

      it("is in the schema and the user's that it changed to", function()
        start(handshake)
        php [[
          $m->query("SELECT 1");
          $m->select_db("other");
          $m->query("SELECT 1");
          $m->query("USE `app`");
          $m->query("SELECT 1");
          $m->change_user("boss", "", "other");
          $m->query("SELECT 1");
          try { $m->change_user("boss", "wrong", "other"); }
          catch (mysqli_sql_exception $e) { echo $e->getCode(); }
        ]]
        local record = records(1)[1]
        assert.are.same({ "boss", "other", 5, 1, 1045 }, { record.user,
          record.schema, record.queries, record.errors, record.error })
        assert.are.equal(2, metric("queries_total", 'user="app",schema="app"'))
        assert.are.equal(2, metric("queries_total",
          'user="app",schema="other"'))
        assert.are.equal(1, metric("queries_total",
          'user="boss",schema="other"'))
        not_blind()
      end)

      it("counts what PDO does", function()
        start(handshake)
        local said = php [[
          $p = new PDO("mysql:host=127.0.0.1;port=${port};dbname=app", "app",
            "app", [PDO::ATTR_EMULATE_PREPARES => false]);
          $p->beginTransaction();
          $s = $p->prepare("REPLACE INTO t VALUES (?, ?)");
          for ($i = 0; $i < 10; $i++) $s->execute([$i, "pdo"]);
          $p->commit();
          foreach ($p->query("SELECT * FROM t LIMIT 5") as $row) ;
          $n = $p->query("SHOW SESSION STATUS LIKE 'Questions'")->fetch();
          echo $n[1];
          $p = null;
        ]]
        local last = records(2)
        local record = last[1].queries > 0 and last[1] or last[2]
        assert.are.equal(1, record.transactions)
        -- PDO prepares what query() gets: that is no question.
        assert.are.equal(tonumber(said), record.queries)
        not_blind()
      end)

      it("counts what the mariadb client does", function()
        start(handshake)
        local said = mariadb("SELECT 1; BEGIN;"
          .. " INSERT INTO t VALUES (-1, 'x'); ROLLBACK; SELECT SLEEP(0);"
          .. " SHOW SESSION STATUS LIKE 'Questions'", "--skip-ssl")
        local record = records(1)[1]
        assert.are.equal(tonumber(said[2]:match("Questions%s+(%d+)")),
          record.queries)
        assert.are.equal(1, record.transactions)
        assert.are.equal("mysql", record.program)
        not_blind()
      end)

      it("counts what sysbench does, over two workers", function()
        start(handshake, 2)
        local function sysbench(command)
          local status, said = run({ "sysbench", "oltp_read_write",
            "--db-driver=mysql", "--mysql-host=127.0.0.1",
            "--mysql-port=" .. m.port.mysql, "--mysql-user=app",
            "--mysql-password=app", "--mysql-db=app", "--tables=1",
            "--table-size=1000", "--threads=4", "--events=0", "--time=10",
            command })
          assert.are.equal(0, status, said)
          return said
        end
        sysbench "prepare"
        -- It prepares all that it does.
        local function counts()
          return {
            queries = metric("queries_total", 'user="app"'),
            transactions = metric("transactions_total", 'user="app"'),
            executed = node:status("Com_stmt_execute"),
            ended = node:status("Com_commit") + node:status("Com_rollback"),
          }
        end
        local before = counts()
        local said = sysbench "run"
        local after = counts()
        local wanted = tonumber(said:match("transactions:%s+(%d+)"))
        assert.is_true(wanted > 10)
        assert.are.equal(wanted, after.transactions - before.transactions)
        assert.are.equal(after.ended - before.ended,
          after.transactions - before.transactions)
        assert.are.equal(after.executed - before.executed,
          after.queries - before.queries)
        assert.are.equal(0, metric("sessions", 'user="app"'))
        sysbench "cleanup"
        not_blind()
      end)
    end)
  end

  it("is blind, and nothing else, behind compression in passthrough",
     function()
    start "passthrough"
    assert.are.same({ 0, "100000\nCompression\tON\n" },
      mariadb("SELECT LENGTH(REPEAT('x', 100000));"
        .. " SHOW SESSION STATUS LIKE 'Compression'", "--compress",
        "--skip-ssl"))
    local record = records(1)[1]
    assert.are.same({ "app", "app", "mysql" },
      { record.user, record.schema, record.program })
    assert.is_nil(record.queries)
    assert.are.equal(1, metric("blind_total", 'listener="db"'))
    assert.are.equal(1, metric("sessions_total", 'user="app",schema="app"'))
  end)

  it("is blind behind TLS in passthrough, which passes", function()
    start "passthrough"
    local sql = "SELECT LENGTH(REPEAT('x', 100000)),"
      .. " (SELECT VARIABLE_VALUE <> '' FROM information_schema.SESSION_STATUS"
      .. " WHERE VARIABLE_NAME = 'Ssl_cipher')"
    assert.are.same({ 0, "100000\t1\n" }, mariadb(sql, "--ssl"))
    local record = records(1)[1]
    assert.is_nil(record.user)
    assert.is_nil(record.queries)
    assert.are.equal(1, metric("blind_total", 'listener="db"'))
    assert.are.same({ 0, "100000\t0\n" }, mariadb(sql, "--skip-ssl"))
    assert.are.equal(1, metric("blind_total", 'listener="db"'))
    assert.are.equal(1, metric("queries_total", 'user="app"'))
  end)

  it("is counted where the client asks for compression, and is not given it",
     function()
    start "switch"
    assert.are.same({ 0, "Compression\tOFF\n" },
      mariadb("SHOW SESSION STATUS LIKE 'Compression'", "--compress"))
    assert.are.equal(1, records(1)[1].queries)
    not_blind()
  end)

  it("counts 100 sessions over two workers", function()
    start("switch", 2)
    php [[
      for ($i = 0; $i < 100; $i++) {
        $c[$i] = new mysqli("127.0.0.1", "app", "app", "app", ${port});
        $c[$i]->query("SELECT $i");
      }
    ]]
    assert.are.equal(100, metric("queries_total", 'user="app",schema="app"'))
    assert.are.equal(101, metric("sessions_total", 'user="app"'))
    assert.are.equal(0, metric("sessions", 'user="app"'))
    assert.are.equal(0, metric("errors_total", 'user="app"'))
  end)
end)
