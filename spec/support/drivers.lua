--- What applications log in to MySQL with, as small programs: each is given a
-- port, a user, a password and a schema, and says "USER SCHEMA", as the server
-- has them, or "NUMBER STATE" of the error that came instead (the number alone,
-- where a driver knows no more).
local folder = require "support.folder"
local process = require "support.process"

local _M = {}

local CLEAN = { LD_PRELOAD = false, ASAN_OPTIONS = false }
local SECONDS = 120

local MYSQLI = [[
  mysqli_report(MYSQLI_REPORT_OFF);
  [, $port, $user, $password, $schema] = $argv;
  $m = mysqli_init();
  if (!@$m->real_connect("127.0.0.1", $user, $password, $schema, (int)$port))
    die("$m->connect_errno");
  echo implode(" ", $m->query("SELECT CURRENT_USER(), DATABASE()")
    ->fetch_row());
]]

local PDO = [[
  [, $port, $user, $password, $schema] = $argv;
  try {
    $p = new PDO("mysql:host=127.0.0.1;port=$port;dbname=$schema", $user,
      $password);
    echo implode(" ", $p->query("SELECT CURRENT_USER(), DATABASE()")
      ->fetch(PDO::FETCH_NUM));
  } catch (PDOException $e) {
    echo implode(" ", array_reverse(array_slice($e->errorInfo, 0, 2)));
  }
]]

local PYMYSQL = [[
import pymysql, sys
port, user, password, schema = sys.argv[1:]
try:
    c = pymysql.connect(host="127.0.0.1", port=int(port), user=user,
                        password=password, database=schema)
    with c.cursor() as q:
        q.execute("SELECT CURRENT_USER(), DATABASE()")
        print(*q.fetchone(), end="")
except pymysql.MySQLError as e:
    print(e.args[0], end="")
]]

local GO = [[
package main

import (
	"database/sql"
	"errors"
	"fmt"
	"os"

	"github.com/go-sql-driver/mysql"
)

func main() {
	login := fmt.Sprintf("%s:%s@tcp(127.0.0.1:%s)/%s", os.Args[2], os.Args[3],
		os.Args[1], os.Args[4])
	db, err := sql.Open("mysql", login)
	var user, schema string
	if err == nil {
		err = db.QueryRow("SELECT CURRENT_USER(), DATABASE()").
			Scan(&user, &schema)
	}
	var refused *mysql.MySQLError
	if errors.As(err, &refused) {
		fmt.Print(refused.Number)
	} else if err != nil {
		fmt.Print(err)
	} else {
		fmt.Print(user, " ", schema)
	}
}
]]


-- Each gets the four arguments of a login, and where _M.prepare has put things.
local COMMANDS = {
  ["the mariadb client"] = function(login)
    -- Where TLS is allowed, it sends a password in clear even without.
    return { "mariadb", "--no-defaults", "--skip-ssl", "--protocol=tcp",
      "--host=127.0.0.1", "--port=" .. login[1], "--user=" .. login[2],
      "--password=" .. login[3], "--batch", "--skip-column-names",
      "--execute=SELECT CURRENT_USER(), DATABASE()", login[4] }
  end,
  mysqli = function(login)
    return { "php", "-r", MYSQLI, "--", unpack(login) }
  end,
  PDO = function(login)
    return { "php", "-r", PDO, "--", unpack(login) }
  end,
  PyMySQL = function(login)
    return { "/usr/bin/python3", "-c", PYMYSQL, unpack(login) }
  end,
  ["Go's driver"] = function(login, place)
    return { place .. "/login", unpack(login) }
  end,
}


--- The names of the drivers.
_M.names = { "the mariadb client", "mysqli", "PDO", "PyMySQL", "Go's driver" }


--- Builds what has to be built.
-- @param place  string: a folder, which stays while drivers run
function _M.prepare(place)
  folder.write(place .. "/login.go", GO)
  local status, said = process.run({ "go", "build", "-o", place .. "/login",
    place .. "/login.go" }, { seconds = 240, env = {
      LD_PRELOAD = false, ASAN_OPTIONS = false, GO111MODULE = "off",
      GOPATH = "/usr/share/gocode", GOCACHE = place .. "/go-cache",
      CGO_ENABLED = "0",
    } })
  assert(status == 0, said)
  _M.place = place
end


--- Logs in.
-- @param name   string: one of the names
-- @param port   integer
-- @param login  table: user, password, schema; "app" each unless given
-- @return string: what the driver said
function _M.log_in(name, port, login)
  local _, said = process.run(COMMANDS[name]({ tostring(port),
    login.user or "app", login.password or "app", login.schema or "app" },
    _M.place), { env = CLEAN, seconds = SECONDS })
  said = said:gsub("\n$", ""):gsub("\t", " ")
  local number, state = said:match("^ERROR (%d+) %((%w+)%)")
  return number and number .. " " .. state or said
end


return _M
