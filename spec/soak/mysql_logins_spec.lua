--- Ten thousand MySQL logins by each path, of a real client to a real server:
-- each ends as it should, and no memory, descriptor or connection is left.
local folder = require "support.folder"
local galera = require "support.galera"
local loop = require "support.loop"
local moongate = require "support.moongate"
local process = require "support.process"

local LOGINS = 10000
local FIRST = 1000  -- after which memory is not to grow
local MORE_RSS = 1024 * 1024
local CLEAN = { LD_PRELOAD = false, ASAN_OPTIONS = false }
local ASAN = (os.getenv("MOONGATE_BUILD") or ""):find("asan", 1, true) ~= nil

local CONFIG = [[
  [upstream db]
  protocol = mysql
  server one = 127.0.0.1:${port_one}
  [mysql switch]
  listen = 127.0.0.1:${port_switch}
  upstream = db
  access_log = off
  [mysql visible]
  listen = 127.0.0.1:${port_visible}
  upstream = db
  visible = on
  access_log = off
  [mysql passthrough]
  listen = 127.0.0.1:${port_passthrough}
  upstream = db
  handshake = passthrough
  access_log = off
]]

-- Prints how often each error number came; 0 is a login that is fit for use.
local PHP = [[
mysqli_report(MYSQLI_REPORT_OFF);
[, $port, $password, $times, $change] = $argv;
$seen = [];
$c = false;
for ($i = 0; $i < $times; $i++) {
  if ($change && $i % 100 && $c && !$c->connect_errno) {
    $e = $c->change_user("app", $password, "app") ? 0 : $c->errno;
  } else {
    $c = @new mysqli("127.0.0.1", "app", $password, "app", (int)$port);
    $e = $c->connect_errno;
  }
  if ($e == 0 && $c->query("SELECT 1")->fetch_row()[0] != 1) $e = -1;
  $seen[$e] = ($seen[$e] ?? 0) + 1;
}
foreach ($seen as $e => $n) echo "$e:$n ";
]]

local PATHS = {
  { "that is switched", section = "switch", password = "app", result = 0 },
  { "with a wrong password", section = "switch", password = "no",
    result = 1045 },
  { "by a change of user", section = "switch", password = "app", change = true,
    result = 0 },
  { "whose commands are followed", section = "visible", password = "app",
    result = 0 },
  { "in passthrough", section = "passthrough", password = "app", result = 0 },
}


describe(LOGINS .. " logins", function()
  local place, cluster, m

  setup(function()
    place = folder.make()
    cluster = galera.start({ folder = place, nodes = 1 })
    cluster.nodes[1]:sql("SET GLOBAL max_connect_errors = 1000000")
    m = moongate.start({
      config = CONFIG, ports = { one = cluster.nodes[1].port }, workers = 2,
    })
  end)

  teardown(function()
    moongate.finish()
    if cluster then
      cluster:stop()
    end
    folder.remove(place)
  end)

  local function log_in(path, times)
    local status, out = process.run({ "php", "-r", PHP, "--",
      tostring(m.port[path.section]), path.password, tostring(times),
      path.change and "1" or "" }, { env = CLEAN, seconds = 900 })
    assert.are.equal(0, status, out)
    assert.are.equal(("%d:%d "):format(path.result, times), out)
  end

  -- What the workers hold between sessions.
  local function held()
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

  for _, path in ipairs(PATHS) do
    it(path[1] .. ", leave nothing behind", function()
      log_in(path, FIRST)
      local fds, rss = held()
      log_in(path, LOGINS - FIRST)
      local fds_now, rss_now = held()
      print(("note: %s: workers %d KB, then %d KB"):format(path[1],
        rss / 1024, rss_now / 1024))
      assert.are.same(fds, fds_now)
      assert.is_true(ASAN or rss_now - rss < MORE_RSS,
        "they have grown by " .. rss_now - rss .. " bytes")
    end)
  end
end)
