--- MariaDB's own tests (the package mariadb-test) against a server of ours.
--
--   local suite = mariadb_test.start({ folder = place })
--   local verdict, said = suite:run("change_user", port)
--   suite:stop()
--
-- The server is set up as the suite's own driver would, and by the suite's own
-- files; root logs in over TCP from here without a password.  PORT is the
-- server's, or that of what stands before it: clients never see its socket.
local lfs = require "lfs"
local account = require "support.account"
local folder = require "support.folder"
local loop = require "support.loop"
local ports = require "support.ports"
local process = require "support.process"
local ways = require "support.mysql_ways"

local SUITE = "/usr/share/mysql/mysql-test"
local SHARE = "/usr/share/mysql"
local LIST = "spec/real/mariadb_tests.txt"
local START_SECONDS = 60
local STOP_SECONDS = 20
local TEST_SECONDS = 60
local SKIPPED = 62  -- the exit status of a test that says it cannot run here
local CLEAN = { LD_PRELOAD = false, ASAN_OPTIONS = false }

-- Below what the suite itself says: made to start and end fast.
local SERVER_CONF = [[
!include %s/include/default_group_order.cnf
%s
[mysqld]
datadir = %s
socket = %s/sock
pid-file = %s/pid
log-error = %s/log/mysqld.err
port = %d
bind-address = 127.0.0.1
tmpdir = %s/tmp
server-id = %d
log-bin = master-bin
general-log = 1
slow-query-log = 1
innodb-flush-log-at-trx-commit = 0
innodb-use-native-aio = off
%s
]]

local CLIENT_CONF = [[
[client]
host = localhost
port = %d
user = root
password =
protocol = tcp
socket = %s/no-sock
[mysql]
default-character-set = latin1
[mysqlshow]
default-character-set = latin1
[mysqlimport]
default-character-set = latin1
[mysqlcheck]
default-character-set = latin1
[mysqlslap]
loose-skip-ssl
[mysqlbinlog]
disable-force-if-open
local-load = %s/tmp
[mysqltest]
loose-skip-ssl
]]

local SCHEMA_SQL = [[
CREATE DATABASE test CHARACTER SET latin1 COLLATE latin1_swedish_ci;
]]

-- While InnoDB is still there.
local BOOTSTRAP_SQL =
  "ALTER TABLE mysql.gtid_slave_pos ENGINE=Aria transactional=0;\n"

-- The programs that tests call, by the variable that names them.
local CLIENTS = {
  MYSQL = "mariadb", MYSQL_DUMP = "mariadb-dump", MYSQL_SLAP = "mariadb-slap",
  MYSQL_CHECK = "mariadb-check", MYSQL_IMPORT = "mariadb-import",
  MYSQL_SHOW = "mariadb-show", MYSQL_BINLOG = "mariadb-binlog",
  MYSQLADMIN = "mariadb-admin", MYSQL_UPGRADE = "mariadb-upgrade",
}

-- The schemas that stay from one test to the next.
local LASTING = {
  mysql = true, mtr = true, sys = true, performance_schema = true,
}

-- What may stand before a test's name, as the driver has it.
local OPTIONS = {
  ps = "--ps-protocol", cursor = "--cursor-protocol",
  compress = "--compress", async = "--non-blocking-api",
}

local _M = {}
local Suite = {}
Suite.__index = Suite


local function run(argv, options)
  options = options or {}
  options.env, options.seconds = CLEAN, 120
  local status, text = process.run(argv, options)
  if status ~= 0 then
    error(("%s failed:\n%s"):format(table.concat(argv, " "), text), 0)
  end
  return text
end


-- Runs SQL as root by the socket.
local function run_sql(self, schema, text, delimiter)
  local path = self.folder .. "/initial.sql"
  folder.write(path, text)
  run({ "mariadb", "--no-defaults", "--socket=" .. self.folder .. "/sock",
        "--user=root", "--delimiter=" .. (delimiter or ";"), schema },
      { stdin = path })
end


-- The suite's statements as the client reads them.
local function suite_sql(name)
  local text = assert(folder.read(SUITE .. "/include/" .. name))
  return (text:gsub("delimiter [^\n]*\n", ""):gsub("use mtr||\n", "")
    :gsub("\n%s*%-%-[^\n]*", ""))
end


local function make_data(self, options)
  local data = self.folder .. "/mysqld.1/data"
  run({ "mkdir", "-p", data, self.folder .. "/tmp", self.folder .. "/log",
        self.folder .. "/run" })
  run({ "mariadb-install-db", "--no-defaults", "--datadir=" .. data,
        "--skip-test-db", "--force", "--tmpdir=" .. self.folder .. "/tmp",
        "--auth-root-authentication-method=normal" })
  local sql = self.folder .. "/bootstrap.sql"
  folder.write(sql, BOOTSTRAP_SQL)
  run({ "mariadbd", "--no-defaults", "--bootstrap", "--datadir=" .. data,
        "--user=root", "--tmpdir=" .. self.folder .. "/tmp" },
      { stdin = sql })
  run({ "cp", "-r", SUITE .. "/std_data", self.folder })

  local defaults = assert(folder.read(SUITE .. "/include/default_mysqld.cnf"))
    :gsub("@ENV.MYSQLTEST_VARDIR", self.folder)
    :gsub("@ENV.MYSQL_TEST_DIR", SUITE)
  local place = self.folder
  folder.write(place .. "/server.cnf", SERVER_CONF:format(SUITE, defaults,
    data, place, place, place, self.port, place, options.server_id or 1,
    options.innodb and "" or "skip-innodb"))
end


local function await(self)
  local log = self.folder .. "/log/mysqld.err"
  local deadline = loop.deadline(START_SECONDS)
  while true do
    local text = folder.read(log) or ""
    if text:find("ready for connections", 1, true) then
      return
    end
    if not self.process:alive() or loop.now() > deadline then
      self:stop()
      error("mariadbd did not start; its log ends:\n" .. text:sub(-5000), 0)
    end
    loop.wait(-1, 0, loop.now() + 0.02)
  end
end


--- Makes the data and starts the server.
-- @param options  table: folder (absolute; made if need be), innodb (boolean:
--                 most tests were recorded without it), server_id (integer:
--                 1, unless it is another's replica)
-- @return the suite; `port` is its server's
function _M.start(options)
  local self = setmetatable({
    folder = options.folder, port = ports.free(1)[1],
  }, Suite)
  make_data(self, options)
  self.prefix = account.hand_over("mysql", self.folder)
  self.process = process.spawn(account.command(self.prefix, {
    "mariadbd", "--defaults-file=" .. self.folder .. "/server.cnf",
  }), { stdout = self.folder .. "/log/out", stderr = self.folder .. "/log/out",
        env = { LD_PRELOAD = false, ASAN_OPTIONS = false, TZ = "GMT-3" },
        lasting = true })
  await(self)

  run_sql(self, "mysql", SCHEMA_SQL)
  run_sql(self, "mysql", "CREATE DATABASE mtr CHARACTER SET latin1")
  run_sql(self, "mysql",
    assert(folder.read(SHARE .. "/mysql_test_data_timezone.sql")))
  run_sql(self, "mtr", suite_sql("mtr_warnings.sql"), "||")
  run_sql(self, "mtr", suite_sql("mtr_check.sql"), "||")
  return self
end


-- The lines that begin with a word: NAME, by which WAYS, and WHY.
local function read_reasons(word)
  local reasons = {}
  for line in io.lines(LIST) do
    local name, by, why = line:match("^" .. word .. " (%S+) ([%l ]+): (.+)$")
    for way in (by or ""):gmatch("%l+") do
      reasons[name] = reasons[name] or {}
      reasons[name][way] = why
    end
  end
  return reasons
end


-- The ways that a test is run by, with what is expected of each.
local function list_ways(differs, open)
  local found = {}
  for _, way in ipairs(ways.NAMES) do
    if not open[way] then
      found[#found + 1] = { name = way, passes = not differs[way] }
    end
  end
  return found
end


--- The tests that are named in spec/real/mariadb_tests.txt, which says what its
-- lines mean.  Those of the C client that do not differ are one.
-- @param set  string: the first words of their lines, for instance "test"
-- @return array of { name, title, ways = array of { name, passes } }: by which
--   of mysql_ways it is to be run, and whether it says there what it says
--   directly
function _M.list(set)
  local tests, clients, seen = {}, {}, {}
  local differs, open = read_reasons("differs"), read_reasons("open")
  local function add(name, title)
    tests[#tests + 1] = {
      name = name, title = title or name,
      ways = list_ways(differs[name] or {}, open[name] or {}),
    }
  end
  for line in io.lines(LIST) do
    for name in (line:match("^" .. set .. " (.+)$") or ""):gmatch("%S+") do
      assert(not seen[name], name .. " is there twice")
      seen[name] = true
      local of_client = name:match("^client:(.*)$")
      if of_client and not differs[name] and not open[name] then
        clients[#clients + 1] = of_client
      else
        add(name)
      end
    end
  end
  if #clients > 0 then
    add("client:" .. table.concat(clients, " "),
        #clients .. " of the C client's")
  end
  return tests
end


-- What tests find in their environment.
local function environment(self, port, defaults)
  local env = {
    LC_ALL = "C", TZ = "GMT-3",
    UMASK = "0660", UMASK_DIR = "0770",
    USE_RUNNING_SERVER = "1",
    MYSQL_TEST_DIR = SUITE, MYSQL_BINDIR = "/usr", MYSQL_SHAREDIR = SHARE,
    MYSQL_CHARSETSDIR = SHARE .. "/charsets",
    SECURE_LOAD_PATH = SUITE .. "/std_data",
    MYSQLTEST_VARDIR = self.folder, MYSQLTEST_REAL_VARDIR = self.folder,
    MYSQL_TMP_DIR = self.folder .. "/tmp",
    MASTER_MYPORT = tostring(port), MASTER_MYSOCK = self.folder .. "/no-sock",
    DEFAULT_MASTER_PORT = "3306",
    MYSQLD = "/usr/sbin/mariadbd", EXE_MYSQL = "/usr/bin/mariadb",
    REPLACE = "/usr/bin/replace", MY_PERROR = "/usr/bin/perror",
    MYSQL_MY_PRINT_DEFAULTS = "/usr/bin/my_print_defaults",
    MYSQL_CLIENT_TEST = ("/usr/bin/mariadb-client-test --defaults-file=%s"
      .. " --testcase --vardir=%s"):format(defaults, self.folder),
    TMPDIR = self.folder .. "/tmp",
    LD_PRELOAD = false, ASAN_OPTIONS = false,
  }
  for name, program in pairs(CLIENTS) do
    env[name] = ("/usr/bin/%s --defaults-file=%s"):format(program, defaults)
  end
  return env
end


-- The schemas that tests have left, with the one that they begin in.
local function schemas(self)
  local data, found = self.folder .. "/mysqld.1/data/", {}
  for _, name in ipairs(folder.list(data)) do
    if lfs.attributes(data .. name, "mode") == "directory"
        and name:sub(1, 1) ~= "." and not LASTING[name] then
      found[#found + 1] = name
    end
  end
  return found
end


-- Drops a schema.  A file in its folder that the server does not know is in its
-- way.
local function drop(self, name)
  local ok, reason = pcall(run_sql, self, "mysql",
    "SET foreign_key_checks = 0;\nDROP DATABASE `" .. name .. "`")
  if not ok then
    assert(tostring(reason):find("Directory not empty", 1, true), reason)
    folder.remove(self.folder .. "/mysqld.1/data/" .. name)
  end
end


-- What a test left that it was to clear away would be another's fault.  The
-- server's own temporary files have names that begin with "#".
local function reset(self)
  local temporary = self.folder .. "/tmp/"
  for _, name in ipairs(folder.list(temporary)) do
    if name:sub(1, 1) ~= "#" then
      run({ "rm", "-rf", temporary .. name })
    end
  end
  local left = schemas(self)
  local files = #folder.list(self.folder .. "/mysqld.1/data/test")
  if #left == 1 and files == 1 then
    return
  end
  for _, name in ipairs(left) do
    drop(self, name)
  end
  run_sql(self, "mysql", SCHEMA_SQL)
end


-- Runs one program of the suite to its verdict.
local function judge(self, argv, options)
  local out = self.folder .. "/log/test.out"
  os.remove(out)
  options.stdout, options.stderr = out, out
  local driver = process.spawn(account.command(self.prefix, argv), options)
  local status = driver:wait(TEST_SECONDS)
  if not status then
    process.kill(-driver.pid, "KILL")
    driver:wait()
  end
  local verdict = status == 0 and "pass" or status == SKIPPED and "skip"
    or status and "fail" or "late"
  return verdict, folder.read(out) or ""
end


--- Runs SQL on the server itself, as root by its socket.
-- @param sql  string
-- @return string: the rows as lines, columns parted by tabs; raises for a
--   failure
function Suite:sql(sql)
  local text = run({ "mariadb", "--no-defaults", "--user=root", "--batch",
    "--socket=" .. self.folder .. "/sock", "--skip-column-names",
    "--execute=" .. sql })
  return (text:gsub("\n$", ""))
end


-- Tests of the C client's own, by the names that they have there.
local function run_client(self, names, port)
  local argv = {
    "mariadb-client-test", "--no-defaults", "--host=127.0.0.1",
    "--port=" .. port, "--user=root", "--testcase",
    "--vardir=" .. self.folder,
  }
  for name in names:gmatch("%S+") do
    argv[#argv + 1] = name
  end
  self:sql("SET GLOBAL max_allowed_packet = 32000000")
  local verdict, said = judge(self, argv, { cwd = self.folder, env = CLEAN })
  self:sql("SET GLOBAL max_allowed_packet = DEFAULT")
  return verdict, said
end


-- A script of the suite's own language, and what it is to print.
local function run_script(self, name, port, option)
  local defaults = ("%s/client-%d.cnf"):format(self.folder, port)
  folder.write(defaults, CLIENT_CONF:format(port, self.folder, self.folder))
  local test = SUITE .. "/main/" .. name
  local argv = {
    "/usr/bin/mariadb-test", "--defaults-file=" .. defaults, "--silent",
    "--tmpdir=" .. self.folder .. "/tmp",
    "--character-sets-dir=" .. SHARE .. "/charsets",
    "--logdir=" .. self.folder .. "/log", "--database=test",
    "--timer-file=" .. self.folder .. "/log/timer",
    "--suite-dir=" .. SUITE .. "/main/", "--test-file=" .. test .. ".test",
    "--tail-lines=20", option,
  }
  local env = environment(self, port, defaults)
  env.MYSQL_TEST = table.concat(argv, " ", 1, 7)
  if lfs.attributes(test .. ".result", "mode") == "file" then
    argv[#argv + 1] = "--result-file=" .. test .. ".result"
  end
  return judge(self, argv, { cwd = SUITE, env = env })
end


--- Runs a test.
-- @param name  string: a script of the suite `main` ("change_user"), one with
--              an option of the driver ("compress:type_blob"), or tests of
--              the C client ("client:test_bug1500 test_bug1946")
-- @param port  integer: where clients connect
-- @return "pass", "skip", "fail" or "late"; string: what was said
function Suite:run(name, port)
  reset(self)
  local option, bare = name:match("^(%w+):(.*)$")
  if option == "client" then
    return run_client(self, bare, port)
  end
  return run_script(self, bare or name, port, option and OPTIONS[option])
end


--- Ends the server.
function Suite:stop()
  self.process:kill("TERM")
  if not self.process:wait(STOP_SECONDS) then
    process.kill(-self.process.pid, "KILL")
    self.process:wait()
  end
end


return _M
