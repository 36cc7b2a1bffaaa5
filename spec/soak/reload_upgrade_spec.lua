--- Fifty reloads and twenty upgrades in turn, while wrk asks without pause,
-- sysbench runs transactions on connections that stay, and 200 idle database
-- sessions speak once a minute: no refused connection, no failed request, no
-- broken session; reloads start no process; descriptors and memory are flat.
local folder = require "support.folder"
local galera = require "support.galera"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local process = require "support.process"
local tls = require "support.tls"
local upgrades = require "support.upgrades"

local ROUNDS = tonumber(os.getenv("MOONGATE_ROUNDS")) or 10
local SESSIONS, PERIOD = 200, 60
local UPGRADE_AFTER = { [2] = true, [5] = true }  -- of a round's reloads
local CLEAN = { LD_PRELOAD = false, ASAN_OPTIONS = false }

local CONFIG = [[
  [upstream db]
  protocol = mysql
  check = mysql user=check interval=500ms
  server a = 127.0.0.1:${port_db1} weight=1
  server b = 127.0.0.1:${port_db1} weight=1
  [mysql db]
  listen = 127.0.0.1:${port_mysql} tls certificate=db.crt key=db.key
  upstream = db
  access_log = off
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  script = version.lua
  access_log = off
]]

local EXTRA = [[
[http extra]
listen = 127.0.0.1:${port_extra}
root = ${dir}/www
access_log = off
]]

local SCRIPT = [[
local _M = {}


function _M.response(res)
  res:set_header("X-Version", "%d")
end


return _M
]]

-- So many sessions that stay; each asks in its turn, and has to be the one that
-- it was. A tenth of them are opened at a time, a file NAME.open says when.
local PHP = [==[
mysqli_report(MYSQLI_REPORT_OFF);
[, $port, $wanted, $period, $place] = $argv;
$all = [];
function ask($c, $id) {
  $row = @$c->query("SELECT CONNECTION_ID(), 'x'");
  if (!$row || $row->fetch_row()[0] != $id) {
    echo "session $id is broken: ", $c->error, "\n"; exit(1);
  }
}
function more($port, $n) {
  global $all;
  for ($i = 0; $i < $n; $i++) {
    $c = mysqli_init();
    if (!@$c->real_connect("127.0.0.1", "app", "app", "app", (int)$port)) {
      echo "no session: ", $c->connect_error, "\n"; exit(1);
    }
    $all[] = [$c, $c->query("SELECT CONNECTION_ID()")->fetch_row()[0]];
  }
}
$said = 0;
for ($i = 0; !file_exists("$place/end"); $i++) {
  if (count($all) < $wanted && file_exists("$place/more")) {
    more($port, $wanted / 10);
    unlink("$place/more");
  }
  if ($all) {
    [$c, $id] = $all[$i % count($all)];
    ask($c, $id);
    $said++;
  }
  usleep((int)(1000000 * $period / $wanted));
}
foreach ($all as [$c, $id]) { ask($c, $id); }
echo "sessions=", count($all), " asked=", $said + count($all), "\n";
]==]


describe(("%d reloads and %d upgrades in turn"):format(ROUNDS * 5, ROUNDS * 2),
    function()
  local place, cluster, pki, m, version

  setup(function()
    place = folder.make()
    pki = tls.make()
    pki:sign("first", "DNS:first.test")
    pki:sign("second", "DNS:second.test")
    cluster = galera.start({ folder = place, nodes = 1 })
  end)

  teardown(function()
    if cluster then
      cluster:stop()
    end
    pki:remove()
    folder.remove(place)
  end)

  after_each(moongate.finish)

  local function use_certificate(name)
    for _, kind in ipairs { "crt", "key" } do
      folder.write(m.dir .. "/db." .. kind, folder.read(
        pki:file(name .. "." .. kind)))
    end
  end

  local function certificate()
    local _, text = process.run({ "sh", "-c",
      ("openssl s_client -starttls mysql -connect 127.0.0.1:%d </dev/null"
        .. " | openssl x509 -noout -subject"):format(m.port.mysql) },
      { env = CLEAN })
    return text:match("CN = (%w+)"), text
  end

  local function start()
    m = upgrades.start {
      config = CONFIG, workers = 2, global = "drain_timeout = 1h",
      ports = { db1 = cluster.nodes[1].port },
      files = {
        ["www/index.html"] = "hello",
        ["lua/version.lua"] = SCRIPT:format(0),
        ["db.crt"] = folder.read(pki:file("first.crt")),
        ["db.key"] = folder.read(pki:file("first.key")),
      },
    }
    version = 0
  end

  -- --- the load ------------------------------------------------------------

  local function sysbench_words(command, port)
    return {
      "sysbench", "oltp_read_write", "--db-driver=mysql",
      "--mysql-host=127.0.0.1", "--mysql-port=" .. port, "--mysql-user=app",
      "--mysql-password=app", "--mysql-db=app", "--tables=2",
      "--table-size=1000", "--threads=8", "--rate=40", "--time=3000",
      "--report-interval=1", "--mysql-ignore-errors=1213", command,
    }
  end

  local function spawn(name, argv)
    local out = m.dir .. "/" .. name .. ".out"
    local one = process.spawn(argv, { stdout = out, stderr = out, env = CLEAN })
    return { process = one, name = name, text = function()
      return folder.read(out) or ""
    end }
  end

  local function spawn_wrk(name, connections, connection)
    return spawn(name, { "wrk", "--timeout", "30s", "-t", "1", "-c",
      tostring(connections), "-d", "3000s", "-H", "Connection: " .. connection,
      ("http://127.0.0.1:%d/"):format(m.port.web) })
  end

  local function start_load()
    local status, text = process.run(sysbench_words("prepare",
      cluster.nodes[1].port), { seconds = 60, env = CLEAN })
    assert.are.equal(0, status, text)
    return {
      spawn_wrk("wrk", 8, "keep-alive"),
      spawn_wrk("wrk_short", 4, "close"),
      spawn("sysbench", sysbench_words("run", m.port.mysql)),
      spawn("sessions", { "php", "-r", PHP, "--", tostring(m.port.mysql),
        tostring(SESSIONS), tostring(PERIOD), m.dir }),
    }
  end

  local function still_well(load)
    for _, one in ipairs(load) do
      assert.is_true(one.process:alive(), one.name .. ": " .. one.text())
    end
    local text = load[3].text()
    assert.is_nil(text:find("FATAL"), text)
    assert.is_nil(text:find("reconn/s: [1-9]"), text)
  end

  local function more_sessions()
    folder.write(m.dir .. "/more", "")
    loop.wait_until("sessions are open", function()
      return not folder.read(m.dir .. "/more")
    end, 60)
  end

  -- The transactions of all seconds.
  local function transactions(text)
    local sum = 0
    for tps in text:gmatch("tps: ([%d.]+)") do
      sum = sum + tonumber(tps)
    end
    return sum
  end

  -- wrk sums up what it has seen when it is interrupted.
  local function end_wrk(one)
    one.process:kill("INT")
    one.process:wait(60)
    local text = one.text()
    assert.is_nil(text:find("Socket errors", 1, true), text)
    assert.is_nil(text:find("Non-2xx", 1, true), text)
    return tonumber((assert(text:match("(%d+) requests in"), text)))
  end

  -- --- what is reloaded ----------------------------------------------------

  local function servers()
    local found = {}
    for _, row in ipairs(m:ctl("show servers --json")) do
      found[row.server] = row
    end
    return found
  end

  local changes = {
    function(round)
      m:rewrite(function(text)
        return round % 2 == 1 and text .. EXTRA
          or text:gsub("%[http extra%].*$", "")
      end)
      return function()
        if round % 2 == 1 then
          assert.are.equal("hello", http.fetch(m.port.extra, "/").body)
        else
          assert.are.equal("refused", select(2, net.connect(m.port.extra)))
        end
      end
    end,
    function(round)
      m:rewrite(function(text)
        return round % 2 == 1 and text:gsub("server a",
            "server c = 127.0.0.1:${port_db1}\nserver a")
          or text:gsub("server c[^\n]*\n", "")
      end)
      return function()
        assert.is_true(servers().c ~= nil or round % 2 == 0)
      end
    end,
    function(round)
      m:rewrite(function(text)
        return text:gsub("(server a[^\n]*weight=)%d+", "%1" .. round + 1)
      end)
      return function()
        assert.are.equal(round + 1, servers().a.weight)
      end
    end,
    function()
      version = version + 1
      folder.write(m.dir .. "/lua/version.lua", SCRIPT:format(version))
      return function()
        assert.are.equal(tostring(version),
          http.fetch(m.port.web, "/").headers["x-version"])
      end
    end,
    function(round)
      local name = round % 2 == 1 and "second" or "first"
      use_certificate(name)
      return function()
        local now, text = certificate()
        assert.are.equal(name, now, text)
      end
    end,
  }

  local function pids()
    return table.concat(m:workers(), " ") .. " " .. m:pids("mg-control")[1]
  end

  local function reload(round, kind)
    local check = changes[kind](round)
    local before, from = pids(), loop.now()
    m:ctl("reload")
    local took = loop.now() - from
    check()
    assert.are.equal(before, pids())
    return took
  end

  -- --- flat ----------------------------------------------------------------

  local function resident(of)
    local sum = 0
    for _, pid in ipairs(of) do
      sum = sum + process.rss(pid)
    end
    return sum
  end

  -- Descriptors of master and control, and memory of all, of the program that
  -- serves.
  local function measure()
    local control = m:pids("mg-control")[1]
    local all = m:workers()
    all[#all + 1] = m.master.pid
    all[#all + 1] = control
    return #process.fds(m.master.pid), #process.fds(control), resident(all)
  end

  it("break nothing and leave nothing", function()
    start()
    local load = start_load()
    local reloads, upgraded, longest, longest_upgrade = 0, 0, 0, 0
    local master_fds, control_fds, rss
    for round = 1, ROUNDS do
      more_sessions()
      for kind = 1, #changes do
        longest = math.max(longest, reload(round, kind))
        reloads = reloads + 1
        if UPGRADE_AFTER[kind] then
          local from = loop.now()
          m:upgrade()
          longest_upgrade = math.max(longest_upgrade, loop.now() - from)
          upgraded = upgraded + 1
        end
        still_well(load)
      end
      if round == 2 then
        master_fds, control_fds, rss = measure()
      end
    end
    local master_end, control_end, rss_end = measure()
    local generations = #m:ctl("show info --json").generations
    still_well(load)
    local requests = end_wrk(load[1]) + end_wrk(load[2])
    local done = transactions(load[3].text())
    load[3].process:kill("TERM")
    load[3].process:wait(30)
    folder.write(m.dir .. "/end", "")
    assert.are.equal(0, load[4].process:wait(60), load[4].text())
    local sessions = load[4].text():match("sessions=%d+ asked=%d+")

    loop.wait_until("one generation is left", function()
      return #m:ctl("show info --json").generations == 1
    end, 60)
    loop.wait_until("no server is left that is not configured", function()
      local found = servers()
      return found.a and found.b and (found.c ~= nil) == (ROUNDS % 2 == 1)
        and found.a.active + found.b.active == 0
    end, 30)

    print(("note: %d reloads, %.2f s at most; %d upgrades, %.2f s at most; "
      .. "%d generations at the end"):format(reloads, longest, upgraded,
      longest_upgrade, generations))
    print(("note: %d requests, %d transactions, %s"):format(requests, done,
      sessions))
    assert.is_true(requests > 1000 * ROUNDS and done > 50 * ROUNDS)
    print(("note: descriptors %d and %d, then %d and %d; %d KiB, then %d KiB")
      :format(master_fds, control_fds, master_end, control_end, rss / 1024,
      rss_end / 1024))
    assert.are.same({ master_fds, control_fds }, { master_end, control_end })
    assert.is_true(rss_end < rss * 1.3)
  end)
end)
