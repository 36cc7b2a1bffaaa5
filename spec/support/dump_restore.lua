--- A database is dumped and restored through the program: mariadb-dump reads it
-- from a real Galera cluster, the mariadb client writes it back under another
-- name, and every node has the same afterwards.
--
--   local pair = dump_restore.start({ rows = 40000, blobs = { 1, 2 ^ 24 } })
--   local result = pair:round("switch")
--   pair:stop()
local folder = require "support.folder"
local galera = require "support.galera"
local loop = require "support.loop"
local moongate = require "support.moongate"
local process = require "support.process"

local CHUNK = 20000  -- rows a transaction
local PACKET = 64 * 1024 * 1024
local SECONDS = 1800
local CLEAN = { LD_PRELOAD = false, ASAN_OPTIONS = false }
local ASAN = (os.getenv("MOONGATE_BUILD") or ""):find("asan", 1, true) ~= nil

local CONFIG = [[
  [upstream pxc]
  protocol = mysql
  check = galera user=check interval=200ms
  server db1 = 127.0.0.1:${port_db1}
  server db2 = 127.0.0.1:${port_db2}
  server db3 = 127.0.0.1:${port_db3}
  [mysql switch]
  listen = 127.0.0.1:${port_switch}
  upstream = pxc
  access_log = off
  [mysql passthrough]
  listen = 127.0.0.1:${port_passthrough}
  upstream = pxc
  handshake = passthrough
  access_log = off
]]

-- Everything that a dump has to spell: numbers, texts, NULL, dates, bytes of
-- every value, a view, a trigger and a routine.
local SCHEMA = [[
CREATE DATABASE source CHARACTER SET utf8mb4;
CREATE USER owner@'%' IDENTIFIED BY 'secret';
GRANT ALL ON *.* TO owner@'%';
USE source;
CREATE TABLE items (
  id INT PRIMARY KEY, k INT NOT NULL, c CHAR(120) NOT NULL,
  t VARCHAR(80), d DATETIME(6), n DECIMAL(20, 6), f DOUBLE, b VARBINARY(64),
  j JSON, KEY (k)) ENGINE=InnoDB;
CREATE TABLE blobs (id INT PRIMARY KEY, b LONGBLOB) ENGINE=InnoDB;
CREATE VIEW evens AS SELECT * FROM items WHERE id % 2 = 0;
CREATE TRIGGER upper BEFORE INSERT ON items FOR EACH ROW
  SET NEW.t = CONCAT(NEW.t, '');
CREATE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC RETURN 2 * n;
]]

local EMPTY_TARGET = [[
DROP DATABASE IF EXISTS target;
CREATE DATABASE target CHARACTER SET utf8mb4;
]]

local ROWS = [[
USE source;
INSERT INTO items SELECT seq, seq DIV 7,
  RPAD(MD5(seq), 120, SHA1(seq)),
  IF(MOD(seq, 11) = 0, NULL, CONCAT('\'"\\\n\t月门 ', seq)),
  TIMESTAMPADD(MICROSECOND, seq * 1234567, '2020-01-01'),
  seq / 7, SQRT(seq), CONCAT(UNHEX(SHA2(seq, 256)), CHAR(0), CHAR(26)),
  JSON_OBJECT('n', seq) FROM seq_%d_to_%d;
]]

local BLOB = [[
INSERT INTO source.blobs VALUES (%d,
  LEFT(REPEAT(CONCAT(UNHEX(SHA2(%d, 512)), CHAR(0 USING binary)), %d), %d));
]]

local _M = {
  SECTIONS = { "switch", "passthrough" },
  MORE_RSS = 4 * 1024 * 1024,  -- bytes that the workers may grow by
}
local Pair = {}
Pair.__index = Pair


-- What goes to stdout is no word of a message: it is the dump.
local function run(self, argv, options)
  local errors = self.place .. "/errors"
  os.remove(errors)
  options.env, options.stderr = CLEAN, errors
  options.stdout = options.stdout or "/dev/null"
  local child = process.spawn(argv, options)
  local status = child:wait(SECONDS)
  if status ~= 0 then
    error(("%s ended with status %s: %s"):format(argv[1], tostring(status),
      folder.read(errors) or ""), 0)
  end
end


-- Runs SQL on a node as root; it may take its time.
local function query(self, node, text)
  local input, output = self.place .. "/input", self.place .. "/output"
  folder.write(input, text)
  os.remove(output)
  run(self, { "mariadb", "--no-defaults", "--user=root", "--batch",
    "--skip-column-names", "--socket=" .. node.folder .. "/data/sock" },
    { stdin = input, stdout = output })
  return folder.read(output)
end


local function fill(self, node, options)
  query(self, node, SCHEMA)
  for first = 1, options.rows, CHUNK do
    local last = math.min(first + CHUNK - 1, options.rows)
    query(self, node, ROWS:format(first, last))
  end
  for i, size in ipairs(options.blobs) do
    query(self, node, BLOB:format(i, i, math.ceil(size / 65), size))
  end
end


-- What a node has of a schema, once it has what the others have.
local function contents(self, node, schema)
  return query(self, node, ([[
    SET SESSION wsrep_sync_wait = 15;
    USE %s;
    CHECKSUM TABLE items, blobs;
    SELECT COUNT(*) FROM evens;
    SELECT twice(21);
    SHOW TRIGGERS;
  ]]):format(schema)):gsub("\n" .. schema .. "%.", "\n")
    :gsub("^" .. schema .. "%.", "")
    :gsub("%d+%-%d+%-%d+ %d+:%d+:%d+%.%d+", "TIME")
end


local function client(program, port, more)
  local argv = {
    program, "--no-defaults", "--protocol=tcp", "--host=127.0.0.1",
    "--port=" .. port, "--user=owner", "--password=secret",
    "--max-allowed-packet=" .. PACKET,
  }
  for _, word in ipairs(more) do
    argv[#argv + 1] = word
  end
  return argv
end


-- What the workers hold between sessions.
local function held(m)
  loop.wait_until("all sessions are over", function()
    for _, section in ipairs(m:ctl("show info --json").sections) do
      if section.now > 0 then
        return false
      end
    end
    return true
  end)
  local fds, rss = {}, 0
  for i, pid in ipairs(m:workers()) do
    fds[i] = #process.fds(pid)
    rss = rss + process.rss(pid)
  end
  return fds, rss
end


local function megabytes(path)
  local file = assert(io.open(path))
  local size = file:seek("end")
  file:close()
  return size / 1e6
end


local function begin(self, options)
  self.cluster = galera.start({ folder = self.place, nodes = 3 })
  local ports = {}
  for _, node in ipairs(self.cluster.nodes) do
    node:sql("SET GLOBAL max_allowed_packet = " .. PACKET)
    ports[node.name] = node.port
  end
  fill(self, self.cluster.nodes[1], options)
  self.m = moongate.start({ config = CONFIG, ports = ports, workers = 2 })
end


--- Makes the cluster, its data, and the program before it.
-- @param options  table: rows (integer: of about 300 bytes in a dump), blobs
--                 (array of sizes)
function _M.start(options)
  local self = setmetatable({ place = folder.make() }, Pair)
  local ok, reason = pcall(begin, self, options)
  if not ok then
    self:stop()
    error(reason, 0)
  end
  return self
end


local function dump_and_restore(self, section)
  local port = self.m.port[section]
  local dump = self.place .. "/dump.sql"
  os.remove(dump)
  local began = loop.now()
  run(self, client("mariadb-dump", port, { "--single-transaction",
    "--skip-comments", "--routines", "--triggers", "source" }),
    { stdout = dump })
  local dumped = loop.now()
  query(self, self.cluster.nodes[1], EMPTY_TARGET)
  run(self, client("mariadb", port, { "target" }), { stdin = dump })
  print(("note: %s: %.0f MB dumped in %.0f s, restored in %.0f s"):format(
    section, megabytes(dump), dumped - began, loop.now() - dumped))
end


--- Dumps and restores through a section.
-- @param section  string: one of SECTIONS
-- @return table: fds, fds_before (of each worker), grown (bytes of memory),
--   source (what was dumped, as text), targets (what each node has of it)
function Pair:round(section)
  -- What is lent to a first session stays with the worker.
  for _ = 1, 8 do
    galera.query(self.m.port[section], "SELECT REPEAT('x', 1000000)")
  end
  local fds_before, rss_before = held(self.m)
  dump_and_restore(self, section)
  local fds, rss = held(self.m)
  local targets = {}
  for i, node in ipairs(self.cluster.nodes) do
    targets[i] = contents(self, node, "target")
  end
  return {
    fds = fds, fds_before = fds_before, grown = ASAN and 0 or rss - rss_before,
    source = contents(self, self.cluster.nodes[1], "source"), targets = targets,
  }
end


--- Ends and removes all of it.
function Pair:stop()
  moongate.finish()
  if self.cluster then
    self.cluster:stop()
  end
  folder.remove(self.place)
end


return _M
