--- What is measured, on which programs, and the goals.
--
-- `load` is the name of a function of bench.support.load with its arguments;
-- `floor` the floor program with its arguments.  A goal is the highest ratio
-- that Moongate may have to the best of those that it names.  A program is left
-- out where it cannot do the work.
return {
  {
    name = "static-1k", title = "static file, 1 KB",
    load = { "http", "static", "/1k.bin" },
    programs = { "moongate", "nginx", "floor" },
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
    name = "fastcgi-kept", title = "FastCGI, connection kept, 128 B",
    load = { "http", "kept", "/index.php" },
    programs = { "moongate", "nginx", "haproxy", "floor" },
    floor = { "floor-relay", "${kept}", "${http}" },
    goals = { { against = { "nginx", "haproxy" }, ratio = 0.80 } },
  },
  {
    name = "fastcgi-new", title = "FastCGI, new connection, 128 B",
    load = { "http", "new", "/index.php" },
    programs = { "moongate", "nginx", "haproxy" },
    goals = { { against = { "nginx" }, ratio = 0.80 } },
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
    floor = { "floor-relay", "${echo}", "${echo1}" },
    goals = {
      { against = { "nginx" }, ratio = 1.0 },
      { against = { "haproxy" }, ratio = 0.90 },
      { against = { "floor" }, ratio = 1.05 },
    },
  },
  {
    name = "tcp-bulk", title = "TCP, 4 downloads, per MB",
    load = { "tcp", "bulk", "bulk", 4 },
    programs = { "moongate", "nginx", "haproxy", "haproxy-splice", "floor" },
    floor = { "floor-relay", "${bulk}", "${source}" },
    goals = {
      { against = { "nginx", "haproxy" }, ratio = 0.5 },
      { against = { "haproxy-splice" }, ratio = 1.0 },
    },
  },
  {
    name = "tcp-churn", title = "TCP, a connection for each message",
    load = { "tcp", "echo", "churn", 32 },
    programs = { "moongate", "nginx", "haproxy", "floor" },
    floor = { "floor-relay", "${echo}", "${echo1}" },
    goals = { { against = { "nginx", "haproxy" }, ratio = 0.9 } },
  },
  {
    name = "idle", title = "memory of an idle keep-alive connection",
    memory = true,
    load = { "idle", "static", "/1k.bin", 10000 },
    programs = { "moongate", "nginx", "floor" },
    floor = { "floor-serve", "${static}", "1024" },
    goals = { { against = { "nginx" }, ratio = 1 / 3 } },
  },
}
