--- What bench/scale varies, on which programs, and with which load.
--
-- A table has a row for each of its `sizes`, and for each of its `kinds` a
-- column a program.  The configuration of a kind is made by scale_configs; its
-- `load` is a function of scale_programs.  `limit(program)` is the greatest
-- size that a program can do here, and the reason.  Where a kind has a `share`,
-- the size is found up to which it is no more than that of each of `requests`.
local folder = require "support.folder"

local ACTIVE = 64
local DESCRIPTORS_RESERVED = 512
local PAGE = "/pages/1k.bin"


-- Moongate sets a second descriptor aside for each connection's server.
local function idle_limit(program)
  local limits = assert(folder.read("/proc/self/limits"))
  local n = tonumber(limits:match("Max open files%s+%d+%s+(%d+)")) or math.huge
  local each = program == "moongate" and 2 or 1
  return math.floor((n - DESCRIPTORS_RESERVED) / each) - ACTIVE,
    ("a process may have %d descriptors, and needs %d for a connection")
      :format(n, each)
end


return {
  {
    name = "connections", rows = "idle", unit = "us a request",
    title = "idle connections beside 64 active ones; static file, 1 KB",
    sizes = { 10, 100, 1000, 9000, 19000 },
    kinds = { { name = "static", load = "http", path = PAGE } },
    programs = { "moongate", "nginx" },
    idle = true, limit = idle_limit,
  },
  {
    name = "servers", rows = "servers", unit = "us a connection",
    title = "servers of an upstream; TCP, a connection for each message",
    sizes = { 3, 10, 30, 100, 300, 1000 },
    kinds = {
      { name = "roundrobin", load = "churn" },
      { name = "leastconn", load = "churn" },
      { name = "source", load = "churn" },
    },
    programs = { "moongate", "nginx", "haproxy" },
  },
  {
    name = "takes", rows = "servers", unit = "ns",
    title = "taking a server and giving it back (bench-hooks)",
    sizes = { 3, 10, 30, 100, 300, 1000 },
    kinds = {
      { name = "roundrobin" },
      { name = "leastconn", share = 0.05 },
      { name = "source" },
      { name = "source hash=consistent" },
    },
    programs = { "moongate" },
    requests = {
      { name = "tcp", title = "a TCP connection", load = "churn" },
      { name = "fastcgi", title = "a FastCGI request, connection kept",
        load = "http", path = "/index.php" },
    },
    takes = true,
  },
  {
    name = "routes", rows = "routes", unit = "us a request",
    title = "routes of a section, the last one wanted; static file, 1 KB",
    sizes = { 1, 10, 100, 500, 2000 },
    kinds = {
      { name = "prefix", load = "http", path = PAGE },
      { name = "exact", load = "http", path = PAGE },
      { name = "regex", load = "http", path = PAGE },
      { name = "regex-open", load = "http", path = PAGE },
    },
    programs = { "moongate", "nginx" },
  },
  {
    name = "hosts", rows = "hosts", unit = "us a request",
    title = "virtual hosts, asked for in turn; static file, 1 KB",
    sizes = { 1, 100, 1000, 10000 },
    kinds = {
      { name = "hosts", load = "hosts", path = PAGE },
      { name = "names", load = "hosts", path = PAGE },
    },
    programs = { "moongate", "nginx" },
  },
  {
    name = "workers", rows = "workers", unit = "us each",
    title = "workers on two cores, the load on the same two",
    sizes = { 1, 2 },
    kinds = {
      { name = "static", load = "http", path = PAGE },
      { name = "tcp", load = "churn", size = 3 },
    },
    programs = { "moongate", "nginx" },
    workers = true,
  },
  {
    name = "start-servers", rows = "servers", unit = "ms",
    title = "checking a configuration with so many servers",
    sizes = { 125, 250, 500, 1000 },
    kinds = { { name = "leastconn" } },
    programs = { "moongate", "nginx", "haproxy" },
    check = true,
  },
  {
    name = "start-routes", rows = "routes", unit = "ms",
    title = "checking a configuration with so many routes",
    sizes = { 500, 1000, 2000, 4000, 8000 },
    kinds = { { name = "prefix" }, { name = "exact" }, { name = "regex" } },
    programs = { "moongate", "nginx" },
    check = true,
  },
  {
    name = "start-hosts", rows = "hosts", unit = "ms",
    title = "checking a configuration with so many hosts",
    sizes = { 1250, 2500, 5000, 10000 },
    kinds = { { name = "hosts" }, { name = "names" } },
    programs = { "moongate", "nginx" },
    check = true,
  },
}
