--- Real clients log in to a real MariaDB through handshake = switch.
local lfs = require "lfs"
local folder = require "support.folder"
local galera = require "support.galera"
local loop = require "support.loop"
local moongate = require "support.moongate"
local mysql = require "support.mysql"
local net = require "support.net"
local process = require "support.process"

local CLEAN = { LD_PRELOAD = false, ASAN_OPTIONS = false }

local USERS = [[
  INSTALL SONAME 'auth_ed25519';
  CREATE USER ed@'%' IDENTIFIED VIA ed25519 USING PASSWORD('secret');
  GRANT ALL ON app.* TO ed@'%';
]]

local CONFIG = [[
  [upstream db]
  protocol = mysql
  check = %s
  server db1 = 127.0.0.1:${port_db1}
  [mysql db]
  listen = 127.0.0.1:${port_mysql}
  upstream = db
  access_log = json
]]


local function run(argv)
  return process.run(argv, { env = CLEAN, seconds = 120 })
end


local function php(code, port)
  return run({ "php", "-r", (code:gsub("%${port}", port)) })
end


-- Errors, then prepared statements over several connections at once.
local GO = [[
package main

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/go-sql-driver/mysql"
)

func open(login string) *sql.DB {
	db, err := sql.Open("mysql", login+"@tcp(127.0.0.1:"+os.Args[1]+")/app")
	if err != nil {
		panic(err)
	}
	return db
}

func main() {
	var refused *mysql.MySQLError
	if errors.As(open("app:wrong").Ping(), &refused) {
		fmt.Print(refused.Number, " ")
	}
	db := open("app:app")
	var all sync.WaitGroup
	results := make(chan string, 8)
	for i := 0; i < cap(results); i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			var user, schema, bound string
			err := db.QueryRow("SELECT CURRENT_USER(), DATABASE(), ?",
				"bound").Scan(&user, &schema, &bound)
			results <- fmt.Sprint(user, " ", schema, " ", bound, " ", err)
		}()
	}
	all.Wait()
	close(results)
	seen := map[string]int{}
	for result := range results {
		seen[result]++
	}
	fmt.Print(seen)
}
]]


local function sysbench(port, command)
  return run({ "sysbench", "oltp_read_write", "--db-driver=mysql",
    "--mysql-host=127.0.0.1", "--mysql-port=" .. port, "--mysql-user=app",
    "--mysql-password=app", "--mysql-db=app", "--tables=1", "--table-size=10",
    "--events=50", "--threads=4", "--time=0", command })
end


describe("a login that is switched", function()
  local place, cluster, node, m, port

  setup(function()
    place = folder.make()
    cluster = galera.start({ folder = place, nodes = 1 })
    node = cluster.nodes[1]
    node:sql(USERS)
  end)

  teardown(function()
    if cluster then
      cluster:stop()
    end
    folder.remove(place)
  end)

  after_each(moongate.finish)

  local function start(check)
    m = moongate.start({
      config = CONFIG:format(check or "galera user=check interval=200ms"),
      ports = { db1 = node.port }, workers = 2,
    })
    port = m.port.mysql
  end

  for name, check in pairs({
    ["a server that is known"] = "galera user=check interval=200ms",
    ["one of which nothing is known"] = "off",
  }) do
    it("lets mariadb in to " .. name, function()
      start(check)
      for _ = 1, 3 do
        assert.are.equal("app@%\tapp", assert(galera.query(port,
          "SELECT CURRENT_USER(), DATABASE()")))
      end
    end)
  end

  it("greets with the version that the check has seen", function()
    start()
    local version = assert(galera.query(node.port, "SELECT VERSION()"))
    loop.wait_until("a greeting has " .. version, function()
      local client = assert(net.connect(port))
      local greeting = assert(mysql.receive(client))
      client:close()
      return greeting:find(version, 1, true) ~= nil
    end)
  end)

  it("lets a user of ed25519 in", function()
    start()
    assert.are.equal("ed@%", assert(galera.query(port,
      "SELECT CURRENT_USER()", { user = "ed", password = "secret" })))
  end)

  it("lets one without a password in", function()
    start()
    assert.are.equal("check@%", assert(galera.query(port,
      "SELECT CURRENT_USER()", { user = "check", password = "",
        schema = "information_schema" })))
  end)

  it("gives the server's own words", function()
    start()
    for _, case in ipairs({
        { "1045 (28000)", { password = "wrong" } },
        { "1045 (28000)", { user = "nobody" } },
        { "1044 (42000)", { schema = "elsewhere" } } }) do
      local _, direct = galera.query(node.port, "SELECT 1", case[2])
      local _, said = galera.query(port, "SELECT 1", case[2])
      assert.are.equal(direct, said)
      assert.is_truthy(said:find(case[1], 1, true), said)
    end
  end)

  it("lets mysqli in, and change the user", function()
    start()
    local status, said = php([[
      mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
      $m = new mysqli("127.0.0.1", "app", "app", "app", ${port});
      echo $m->query("SELECT CURRENT_USER()")->fetch_row()[0], " ";
      for ($i = 0; $i < 3; $i++) {
        $m->change_user("check", "", "information_schema");
        echo $m->query("SELECT CURRENT_USER()")->fetch_row()[0], " ";
        $m->change_user("app", "app", "app");
        $s = $m->prepare("SELECT DATABASE(), ?");
        $s->bind_param("s", $x); $x = "bound"; $s->execute();
        echo implode(" ", $s->get_result()->fetch_row()), " ";
      }
      try { $m->change_user("app", "wrong", "app"); }
      catch (mysqli_sql_exception $e) { echo $e->getCode(); }
    ]], port)
    assert.are.same({ 0, "app@% " .. ("check@% app bound "):rep(3) .. "1045" },
      { status, said })
  end)

  it("changes the user behind LOAD DATA LOCAL of many packets", function()
    start()
    node:sql("SET GLOBAL local_infile = 1;"
      .. " CREATE OR REPLACE TABLE app.file (n INT, t VARCHAR(200))"
      .. " ENGINE=InnoDB")
    local lines = {}
    for i = 1, 60000 do
      lines[i] = i .. "\t" .. ("\17x"):rep(50)
    end
    folder.write(place .. "/lines", table.concat(lines, "\n") .. "\n")
    local status, said = run({ "php", "-d", "mysqli.allow_local_infile=1",
      "-r", (([[
      mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
      $m = mysqli_init();
      $m->options(MYSQLI_OPT_LOCAL_INFILE, 1);
      $m->real_connect("127.0.0.1", "app", "app", "app", ${port});
      $m->query("LOAD DATA LOCAL INFILE '${file}' INTO TABLE file");
      $m->change_user("app", "app", "app");
      echo $m->query("SELECT COUNT(*) FROM file")->fetch_row()[0];
    ]]):gsub("%${port}", port):gsub("%${file}", place .. "/lines")) })
    assert.are.same({ 0, "60000" }, { status, said })
  end)

  it("lets PDO in", function()
    start()
    local status, said = php([[
      $p = new PDO("mysql:host=127.0.0.1;port=${port};dbname=app",
                   "app", "app");
      echo $p->query("SELECT CURRENT_USER()")->fetchColumn();
    ]], port)
    assert.are.same({ 0, "app@%" }, { status, said })
  end)

  it("lets PyMySQL in", function()
    start()
    local status, said = run({ "/usr/bin/python3", "-c", ([[
import pymysql
for i in range(3):
    c = pymysql.connect(host="127.0.0.1", port=%d, user="app",
                        password="app", database="app")
    with c.cursor() as q:
        q.execute("SELECT CURRENT_USER(), DATABASE()")
        print(*q.fetchone(), end=" ")
try:
    pymysql.connect(host="127.0.0.1", port=%d, user="app", password="no")
except pymysql.err.OperationalError as e:
    print(e.args[0], end="")
    ]]):format(port, port) })
    assert.are.same({ 0, "app@% app app@% app app@% app 1045" },
      { status, said })
  end)

  it("lets Perl's DBD::MariaDB in", function()
    start()
    local status, said = run({ "/usr/bin/perl", "-MDBI", "-e", ([[
      my $d = DBI->connect("DBI:MariaDB:database=app;host=127.0.0.1;port=%d",
                           "app", "app", { RaiseError => 1 });
      print $d->selectrow_array("SELECT CURRENT_USER()"), " ";
      my $s = $d->prepare("SELECT ?, DATABASE()", { mariadb_server_prepare =>
                          1 });
      $s->execute("bound");
      print join(" ", $s->fetchrow_array());
      $s->finish;
    ]]):format(port) })
    assert.are.same({ 0, "app@% bound app" }, { status, said })
  end)

  it("lets Go's driver in, which switches once", function()
    start()
    folder.write(place .. "/login.go", GO)
    local status, said = process.run({ "go", "run", place .. "/login.go",
      tostring(port) }, { seconds = 240, env = {
        LD_PRELOAD = false, ASAN_OPTIONS = false, GO111MODULE = "off",
        GOPATH = "/usr/share/gocode", GOCACHE = place .. "/go-cache",
        CGO_ENABLED = "0",
      } })
    assert.are.same({ 0, "1045 map[app@% app bound <nil>:8]" },
      { status, said })
  end)

  it("lets sysbench in, which prepares statements", function()
    start()
    for _, command in ipairs({ "prepare", "run", "cleanup" }) do
      local status, said = sysbench(port, command)
      assert.are.equal(0, status, said)
    end
  end)

  it("passes rows and queries of more than 16 MiB", function()
    start()
    node:sql("SET GLOBAL max_allowed_packet = 67108864")
    local status, said = run({ "php", "-d", "memory_limit=256M", "-r", ([[
      mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
      $m = new mysqli("127.0.0.1", "app", "app", "app", %d);
      foreach ([16777200, 16777211, 16777212, 33554400] as $n)
        echo strlen($m->query("SELECT REPEAT('x', $n)")->fetch_row()[0]), " ";
      $long = str_repeat("\x11", 17 << 20);
      echo $m->query("SELECT LENGTH('$long')")->fetch_row()[0], " ";
      $m->change_user("app", "app", "app");
      echo $m->query("SELECT CURRENT_USER()")->fetch_row()[0];
    ]]):format(port) })
    assert.are.same({ 0,
      "16777200 16777211 16777212 33554400 17825792 app@%" },
      { status, said })
  end)

  it("leaves no descriptor after 2,000 logins", function()
    start()
    galera.query(port, "SELECT 1")
    local function descriptors()
      local n = 0
      for _, pid in ipairs(m:workers()) do
        for _ in lfs.dir("/proc/" .. pid .. "/fd") do
          n = n + 1
        end
      end
      return n
    end
    m:wait_active("db1", 0)
    local before = descriptors()
    local status, said = php([[
      mysqli_report(MYSQLI_REPORT_OFF);
      for ($i = 0; $i < 2000; $i++) {
        $m = @new mysqli("127.0.0.1", "app", $i % 10 ? "app" : "no", "app",
                         ${port});
        if (($m->connect_errno == 0) != ($i % 10 != 0))
          echo $i, " ", $m->connect_error, "\n";
        if ($m->connect_errno == 0 && $i % 3)
          $m->close();
      }
    ]], port)
    assert.are.same({ 0, "" }, { status, said })
    m:wait_active("db1", 0)
    assert.are.equal(before, descriptors())
    assert.are.equal(0, m:server("db1").connect_errors)
  end)
end)
