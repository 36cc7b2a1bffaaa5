--- Real drivers that log in, all by one table of cases: what each of them says
-- of a login can be compared with what it says of another.
--
--   drivers.log_in("mysqli", { { port = 3306, user = "app", password = "app",
--                                schema = "app" } })   --> { "db2 app" }
--
-- An answer is "NODE SCHEMA" of the server that was reached, or "error" and
-- what the driver gives: the number, and the SQLSTATE where it has one.
local lfs = require "lfs"
local folder = require "support.folder"
local process = require "support.process"

local SECONDS = 240
-- What Go has compiled; it takes a minute without.
local GO_CACHE = lfs.currentdir() .. "/build/cache/go"
local QUERY = "SELECT CONCAT(@@wsrep_node_name, ' ', IFNULL(DATABASE(), '-'))"

-- Each reads lines of "PORT USER PASSWORD SCHEMA" ("-": none) from a file.
local MYSQLI = [[
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
foreach (file($argv[1], FILE_IGNORE_NEW_LINES) as $line) {
  [$port, $user, $password, $schema] = explode(" ", $line);
  try {
    $c = new mysqli("127.0.0.1", $user, $password,
                    $schema == "-" ? "" : $schema, (int)$port);
    echo $c->query("QUERY")->fetch_row()[0], "\n";
  } catch (mysqli_sql_exception $e) {
    echo "error ", $e->getCode(), " ", $e->getSqlState(), "\n";
  }
}
]]

local PDO = [[
foreach (file($argv[1], FILE_IGNORE_NEW_LINES) as $line) {
  [$port, $user, $password, $schema] = explode(" ", $line);
  $dsn = "mysql:host=127.0.0.1;port=$port";
  try {
    $c = new PDO($schema == "-" ? $dsn : "$dsn;dbname=$schema", $user,
                 $password);
    echo $c->query("QUERY")->fetchColumn(), "\n";
  } catch (PDOException $e) {
    preg_match('/SQLSTATE\[(\w+)\]/', $e->getMessage(), $m);
    echo "error ", $e->getCode(), " ", $m[1] ?? "-", "\n";
  }
}
]]

local PYMYSQL = [[
import sys, pymysql
for line in open(sys.argv[1]):
    port, user, password, schema = line.split()
    try:
        c = pymysql.connect(host="127.0.0.1", port=int(port), user=user,
            password=password, database=None if schema == "-" else schema)
        with c.cursor() as q:
            q.execute("QUERY")
            print(q.fetchone()[0])
        c.close()
    except pymysql.err.MySQLError as e:
        print("error", e.args[0])
]]

local DBD = [[
use DBI;
open my $file, "<", $ARGV[0] or die;
while (<$file>) {
  my ($port, $user, $password, $schema) = split;
  my $dsn = "DBI:MariaDB:host=127.0.0.1;port=$port";
  $dsn .= ";database=$schema" if $schema ne "-";
  my $c = DBI->connect($dsn, $user, $password, { PrintError => 0 });
  if ($c) {
    print $c->selectrow_array(q(QUERY)), "\n";
    $c->disconnect;
  } else {
    print "error $DBI::err $DBI::state\n";
  }
}
]]

local GO = [[
package main

import (
	"database/sql"
	"errors"
	"fmt"
	"io/ioutil"
	"os"
	"strings"

	"github.com/go-sql-driver/mysql"
)

func logIn(line string) string {
	f := strings.Fields(line)
	schema := strings.Replace(f[3], "-", "", 1)
	db, err := sql.Open("mysql", fmt.Sprintf("%s:%s@tcp(127.0.0.1:%s)/%s",
		f[1], f[2], f[0], schema))
	if err != nil {
		panic(err)
	}
	defer db.Close()
	var result string
	err = db.QueryRow("QUERY").Scan(&result)
	var refused *mysql.MySQLError
	if errors.As(err, &refused) {
		return fmt.Sprint("error ", refused.Number)
	}
	if err != nil {
		return "error " + err.Error()
	}
	return result
}

func main() {
	text, err := ioutil.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		fmt.Println(logIn(line))
	}
}
]]

local MARIADB = [[
while read -r port user password schema; do
  [ "$schema" = - ] && schema=
  mariadb --no-defaults --protocol=tcp --host=127.0.0.1 --port="$port" \
    --user="$user" --password="$password" --batch --skip-column-names \
    --execute="QUERY" $schema 2>&1 |
    sed 's/^ERROR \([0-9]*\) (\(.....\)).*/error \1 \2/'
done <"$1"
]]

local _M = {
  NAMES = { "mariadb", "mysqli", "PDO", "PyMySQL", "DBD::MariaDB", "Go" },
}


-- The command line of a driver whose program may lie in PLACE.
local function command(name, place, file)
  local function program(text)
    return (text:gsub("QUERY", function() return QUERY end))
  end
  if name == "Go" then
    local path = place .. "/login.go"
    folder.write(path, program(GO))
    return { "go", "run", path, file }
  end
  return ({
    mariadb = { "sh", "-c", program(MARIADB), "sh", file },
    mysqli = { "php", "-r", program(MYSQLI), "--", file },
    PDO = { "php", "-r", program(PDO), "--", file },
    PyMySQL = { "/usr/bin/python3", "-c", program(PYMYSQL), file },
    ["DBD::MariaDB"] = { "/usr/bin/perl", "-e", program(DBD), file },
  })[name]
end


--- Logs in, once for each case, in a process of the driver's.
-- @param name   string: one of NAMES
-- @param cases  array of tables: port, user, password, schema (nil: none)
-- @return array of strings, an answer for each case
function _M.log_in(name, cases)
  local place = folder.make()
  local lines, answers = {}, {}
  for i, case in ipairs(cases) do
    lines[i] = ("%d %s %s %s\n"):format(case.port, case.user, case.password,
      case.schema or "-")
  end
  folder.write(place .. "/cases", table.concat(lines))
  local status, said = process.run(command(name, place, place .. "/cases"), {
    seconds = SECONDS, env = {
      LD_PRELOAD = false, ASAN_OPTIONS = false, GO111MODULE = "off",
      GOPATH = "/usr/share/gocode", GOCACHE = GO_CACHE,
      CGO_ENABLED = "0",
    },
  })
  folder.remove(place)
  if status ~= 0 then
    error(("%s ended with status %s: %s"):format(name, tostring(status),
      said or ""), 2)
  end
  for line in said:gmatch("[^\n]+") do
    answers[#answers + 1] = line
  end
  return answers
end


return _M
