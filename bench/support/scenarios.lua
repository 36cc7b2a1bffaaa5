--- What is measured, on which programs, and the goals.
--
-- `load` is the name of a function of bench.support.load with its arguments;
-- `floor` the floor program with its arguments; `set` says which parts of the
-- configurations are used, "plain" when it is absent; `servers` how many the
-- set `leastconn` has; `rounds` and `seconds` differ from the usual where they
-- are given; `latency` is false where nobody waits for an answer.  A goal is
-- the highest ratio that Moongate may have to the best of those that it names.
-- A program is left out where it cannot do the work.
return {
  {
    name = "static-1k", title = "static file, 1 KB",
    load = { "http", "static", "/1k.bin" },
    programs = { "moongate", "nginx", "nginx-read", "floor" },
    floor = { "floor-serve", "${static}", "1024" },
    goals = {
      { against = { "nginx" }, ratio = 0.75 },
      { against = { "floor" }, ratio = 1.25 },
    },
  },
  {
    name = "static-100k", title = "static file, 100 KB",
    load = { "http", "static", "/100k.bin" },
    programs = { "moongate", "nginx", "floor" },
    floor = { "floor-serve", "${static}", "102400" },
    goals = {},
  },
  {
    name = "static-1m", title = "static file, 1 MB",
    load = { "http", "static", "/1m.bin" },
    programs = { "moongate", "nginx", "floor" },
    floor = { "floor-serve", "${static}", "1048576" },
    rounds = 7,
    goals = {},
  },
  {
    name = "fastcgi-kept", title = "FastCGI, connection kept, 128 B",
    load = { "http", "kept", "/index.php" },
    programs = { "moongate", "nginx", "haproxy", "floor" },
    floor = { "floor-relay", "${kept}", "${http}" },
    goals = { { against = { "nginx", "haproxy" }, ratio = 0.80 } },
  },
  {
    name = "fastcgi-kept-64k", title = "FastCGI, connection kept, 64 KB",
    load = { "http", "kept", "/index.php?bytes=65536" },
    programs = { "moongate", "nginx", "haproxy", "floor" },
    floor = { "floor-relay", "${kept}", "${http64k}" },
    rounds = 7,
    goals = {},
  },
  {
    name = "fastcgi-new", title = "FastCGI, new connection, 128 B",
    load = { "http", "new", "/index.php" },
    programs = { "moongate", "nginx", "haproxy" },
    goals = { { against = { "nginx" }, ratio = 0.80 } },
  },
  {
    name = "fastcgi-new-64k", title = "FastCGI, new connection, 64 KB",
    load = { "http", "new", "/index.php?bytes=65536" },
    programs = { "moongate", "nginx", "haproxy" },
    rounds = 7,
    goals = {},
  },
  {
    name = "hook", title = "a small Lua hook and FastCGI kept, 128 B",
    set = "hook",
    load = { "http", "hook", "/index/blog/read/id/7", "X-Tenant: one" },
    programs = { "moongate", "nginx", "haproxy" },
    goals = { { against = { "nginx", "haproxy" }, ratio = 0.75 } },
  },
  {
    name = "tp5", title = "tp5 rewrite and FastCGI kept",
    load = { "http", "tp5", "/index/blog/read/id/7" },
    programs = { "moongate", "nginx" },
    goals = { { against = { "nginx" }, ratio = 0.65 } },
  },
  {
    name = "tcp-small", title = "TCP, 64 connections, 64 B messages",
    load = { "tcp", "echo", "small", 64 },
    programs = { "moongate", "nginx", "haproxy", "floor" },
    floor = { "floor-relay", "${echo}", "${echo1}", "${echo2}",
      "${echo3}" },
    rounds = 21,
    goals = {
      { against = { "nginx" }, ratio = 1.0 },
      { against = { "haproxy" }, ratio = 0.90 },
      { against = { "floor" }, ratio = 1.05 },
    },
  },
  {
    name = "tcp-small-1000", title = "TCP, 1000 connections, 64 B messages",
    load = { "tcp", "echo", "small", 1000 },
    programs = { "moongate", "nginx", "haproxy", "floor" },
    floor = { "floor-relay", "${echo}", "${echo1}", "${echo2}",
      "${echo3}" },
    rounds = 7, seconds = 2,
    goals = {},
  },
  {
    name = "tcp-bulk", title = "TCP, 4 downloads, per MB",
    load = { "tcp", "bulk", "bulk", 4 },
    programs = { "moongate", "nginx", "haproxy", "haproxy-splice", "floor" },
    floor = { "floor-relay", "${bulk}", "${source}" },
    latency = false,
    goals = {
      { against = { "nginx", "haproxy" }, ratio = 0.5 },
      { against = { "haproxy-splice" }, ratio = 1.0 },
    },
  },
  {
    name = "tcp-churn", title = "TCP, a connection for each message",
    load = { "tcp", "echo", "churn", 32 },
    programs = { "moongate", "nginx", "haproxy", "floor" },
    floor = { "floor-relay", "${echo}", "${echo1}", "${echo2}",
      "${echo3}" },
    rounds = 21,
    goals = { { against = { "nginx", "haproxy" }, ratio = 0.9 } },
  },
  {
    name = "leastconn-5", title = "TCP, new connections, leastconn over 5",
    set = "leastconn", servers = 5,
    load = { "tcp", "echo", "churn", 32 },
    programs = { "moongate", "nginx", "haproxy" },
    rounds = 7,
    goals = {},
  },
  {
    name = "leastconn-500", title = "TCP, new connections, leastconn over 500",
    set = "leastconn", servers = 500,
    load = { "tcp", "echo", "churn", 32 },
    programs = { "moongate", "nginx", "haproxy" },
    rounds = 7,
    goals = {},
  },
  {
    name = "log-file", title = "static file, 1 KB, logged to a file",
    set = "log",
    load = { "http", "static", "/1k.bin" },
    programs = { "moongate", "nginx" },
    rounds = 7,
    goals = {},
  },
  {
    name = "log-syslog", title = "FastCGI kept, 128 B, logged by UDP",
    set = "log",
    load = { "http", "kept", "/index.php" },
    programs = { "moongate", "nginx", "haproxy" },
    rounds = 7,
    goals = {},
  },
  {
    name = "policy", title = "round robin in Lua beside the built-in one",
    load = { "http", "kept", "/index.php" },
    programs = { "moongate", "moongate-builtin" },
    rounds = 61, latency = false,
    goals = { { against = { "moongate-builtin" }, ratio = 1.02 } },
  },
  {
    name = "mysql", title = "MySQL, point selects by 8 clients",
    set = "mysql",
    load = { "mysql", "mysql" },
    programs = { "moongate", "nginx", "haproxy", "floor" },
    floor = { "floor-relay", "${mysql}", "${db}" },
    goals = {},
  },
  {
    name = "idle", title = "memory of an idle keep-alive connection",
    memory = true, rounds = 3,
    load = { "idle", "static", "/1k.bin", 10000 },
    programs = { "moongate", "nginx", "floor" },
    floor = { "floor-serve", "${static}", "1024" },
    goals = { { against = { "nginx" }, ratio = 1 / 3 } },
  },
}
