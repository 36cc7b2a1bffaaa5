--- Galera nodes that die, lag, split off or go read-only while sysbench works:
-- how long new connections still go there, beside HAProxy on the same cluster.
--
-- Both balancers log each connection with its server and the moment at which
-- it came, and a client of each makes a new one every few milliseconds.  So the
-- last record of a node after an event says when the balancer had noticed.
local folder = require "support.folder"
local galera = require "support.galera"
local loop = require "support.loop"
local moongate = require "support.moongate"
local ports = require "support.ports"
local process = require "support.process"

local INTERVAL, FALL, TIMEOUT = 0.5, 2, 0.5
local LIMIT = INTERVAL * FALL + TIMEOUT
local WATCH = 4  -- seconds after an event that are looked at
local TOLERANCE = 0.05  -- between the moment that is noted and the event

local MOONGATE = [[
  [upstream db]
  protocol = mysql
  check = galera user=check interval=500ms timeout=500ms fall=2
  server db1 = 127.0.0.1:${port_db1}
  server db2 = 127.0.0.1:${port_db2}
  server db3 = 127.0.0.1:${port_db3}
  [mysql db]
  listen = 127.0.0.1:${port_mysql}
  upstream = db
  access_log = tcplog
  log_to = file:${dir}/records
]]

local HAPROXY = [[
global
  log stdout format raw local0
defaults
  mode tcp
  log global
  option tcplog
  option redispatch 1
  retries 3
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout check 500ms
listen db
  bind 127.0.0.1:%d
  balance roundrobin
  option mysql-check user check
  default-server check inter 500ms fall 2 rise 2
  server db1 127.0.0.1:%d
  server db2 127.0.0.1:%d
  server db3 127.0.0.1:%d
]]

-- Connects, asks, leaves, again and again.
local CLIENT = [[
mysqli_report(MYSQLI_REPORT_OFF);
while (true) {
    $db = mysqli_init();
    $db->options(MYSQLI_OPT_CONNECT_TIMEOUT, 2);
    if (@$db->real_connect("127.0.0.1", "app", "app", "", (int)$argv[1])) {
        @$db->query("SELECT 1");
        $db->close();
    }
    usleep(4000);
}
]]


-- "27/Nov/2026:02:47:35.123" as seconds.
local function to_seconds(text)
  local day, month, year, hour, min, sec, ms = text:match(
    "(%d+)/(%a+)/(%d+):(%d+):(%d+):(%d+)%.(%d+)")
  local months = { Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6,
                   Jul = 7, Aug = 8, Sep = 9, Oct = 10, Nov = 11, Dec = 12 }
  return os.time({ day = day, month = months[month], year = year, hour = hour,
                   min = min, sec = sec }) + ms / 1000
end


-- The wall clock, as the records have it.
local function wall()
  local _, out = process.run({ "date", "+%s.%N" })
  return tonumber(out)
end


describe("a Galera cluster in trouble", function()
  local place, cluster, m, haproxy_log, helpers

  setup(function()
    place = folder.make()
    cluster = galera.start({ folder = place, nodes = 3 })
  end)

  teardown(function()
    if cluster then
      cluster:stop()
    end
    folder.remove(place)
  end)

  before_each(function()
    helpers = {}
  end)

  after_each(function()
    for _, helper in ipairs(helpers) do
      process.kill(-helper.pid, "KILL")
      helper:wait()
    end
    moongate.finish()
  end)

  local function start_haproxy()
    local port = ports.free(1)[1]
    local nodes = cluster.nodes
    haproxy_log = m.dir .. "/haproxy.log"
    folder.write(m.dir .. "/haproxy.cfg", HAPROXY:format(port, nodes[1].port,
      nodes[2].port, nodes[3].port))
    helpers[#helpers + 1] = process.spawn(
      { "haproxy", "-db", "-f", m.dir .. "/haproxy.cfg" },
      { stdout = haproxy_log, stderr = m.dir .. "/haproxy.err" })
    return port
  end

  local function sysbench(command)
    return ("sysbench oltp_read_write --db-driver=mysql "
      .. "--mysql-host=127.0.0.1 --mysql-port=%d --mysql-user=app "
      .. "--mysql-password=app --mysql-db=app --tables=2 --table-size=500 "
      .. "--threads=2 --rate=40 --time=2 --mysql-ignore-errors=all %s"):format(
      m.port.mysql, command)
  end

  -- This version of sysbench cannot connect again by itself: it starts anew.
  local function start_sysbench()
    local status, text = process.run({ "sh", "-c", sysbench("prepare") })
    assert(status == 0, text)
    helpers[#helpers + 1] = process.spawn({
      "sh", "-c", "while :; do " .. sysbench("run") .. "; done",
    }, { stdout = m.dir .. "/sysbench", stderr = m.dir .. "/sysbench" })
  end

  local function start_client(port)
    helpers[#helpers + 1] = process.spawn({ "php", "-r", CLIENT,
                                            tostring(port) })
  end

  local function start()
    local numbers = {}
    for _, node in ipairs(cluster.nodes) do
      numbers[node.name] = node.port
    end
    m = moongate.start({ config = MOONGATE, ports = numbers, workers = 2 })
    local port = start_haproxy()
    start_sysbench()
    start_client(m.port.mysql)
    start_client(port)
  end

  -- The moments at which connections came that went to a node, after one.
  local function arrivals(path, node, after)
    local times = {}
    local pattern = "%[([^]]+)%] db db/" .. node.name .. " "
    for line in (folder.read(path) or ""):gmatch("[^\n]+") do
      local text = line:match(pattern)
      local time = text and to_seconds(text)
      if time and time > after then
        times[#times + 1] = time
      end
    end
    table.sort(times)
    return times
  end

  local function wait_arrival(path, node, after, seconds)
    loop.wait_until("a connection comes to " .. node.name, function()
      return #arrivals(path, node, after) > 0
    end, seconds)
  end

  -- Both balancers send new connections to the node.
  local function wait_used(node)
    local now = wall()
    wait_arrival(m.dir .. "/records", node, now, 60)
    wait_arrival(haproxy_log, node, now, 60)
  end

  -- Seconds from the event to the last new connection to the node; nil when
  -- they went on to the end of the watch.
  local function last_arrival(path, node, event)
    local times = arrivals(path, node, event)
    local last = times[#times]
    if last and last > event + WATCH - 0.5 then
      return nil
    end
    return last and last - event or 0
  end

  local function tell(what, ours, theirs)
    local function words(seconds)
      return seconds and ("%.2f s"):format(seconds) or "still sent there"
    end
    print(("note: %-28s moongate %s, haproxy %s"):format(what, words(ours),
      words(theirs)))
  end

  local function watch(what, node, event)
    loop.wait(-1, 0, loop.now() + math.max(0, event + WATCH - wall()))
    local ours = last_arrival(m.dir .. "/records", node, event)
    local theirs = last_arrival(haproxy_log, node, event)
    tell(what, ours, theirs)
    assert.is_not_nil(ours, what .. ": connections still go to the node")
    assert.is_true(ours <= LIMIT + TOLERANCE)
    return theirs
  end

  it("gets no new connections to nodes that must not have them", function()
    local first, second, third = unpack(cluster.nodes)
    start()
    for _, node in ipairs(cluster.nodes) do
      wait_used(node)
    end

    second:sql("SET GLOBAL wsrep_desync = ON")
    local theirs = watch("desynced", second, wall())
    assert.is_nil(theirs)
    m:wait_log("server db/db2 is down: [^\n]*wsrep_local_state 2")
    second:sql("SET GLOBAL wsrep_desync = OFF")
    wait_used(second)

    third:sql("SET GLOBAL read_only = ON")
    theirs = watch("read-only", third, wall())
    assert.is_nil(theirs)
    m:wait_log("server db/db3 is down: [^\n]*read_only")
    third:sql("SET GLOBAL read_only = OFF")
    wait_used(third)

    second:sql("SET GLOBAL wsrep_provider_options = 'gmcast.isolate=1'")
    loop.wait_until("db2 has lost its quorum", function()
      return second:status("wsrep_cluster_status") ~= "Primary"
    end, 60)
    theirs = watch("split off, without quorum", second, wall())
    assert.is_nil(theirs)
    m:wait_log("server db/db2 is down: [^\n]*wsrep_")
    second:sql("SET GLOBAL wsrep_provider_options = 'gmcast.isolate=0'")
    wait_used(second)

    -- Without all three, what is left of the cluster would be no majority.
    loop.wait_until("the cluster is whole", function()
      return first:status("wsrep_cluster_size") == "3"
    end, 60)
    third:kill()
    watch("killed", third, wall())
    third:forget()
    local begun = wall()
    third:start()
    local synced = wall()
    wait_used(third)
    local early = arrivals(m.dir .. "/records", third, begun)[1]
    print(("note: %-28s in sync after %.2f s, first used %.2f s later"):format(
      "rejoining by SST", synced - begun, early - synced))
    assert.is_true(early > begun)
    assert.are.equal("Synced", third:status("wsrep_local_state_comment"))
    assert.is_true(first:status("wsrep_cluster_size") == "3")
  end)
end)
