--- Ten thousand MySQL logins by each path, of a real client to a real server:
-- each ends as it should, and no memory, descriptor or connection is left.
local folder = require "support.folder"
local galera = require "support.galera"
local loop = require "support.loop"
local moongate = require "support.moongate"
local process = require "support.process"
local tls = require "support.tls"

local LOGINS = 10000
local FIRST = 1000  -- after which memory is not to grow
local MORE_RSS = 1024 * 1024
local CLEAN = { LD_PRELOAD = false, ASAN_OPTIONS = false }
local ASAN = (os.getenv("MOONGATE_BUILD") or ""):find("asan", 1, true) ~= nil

local CONFIG = [[
  [upstream db]
  protocol = mysql
  server one = 127.0.0.1:${port_one}
  [upstream secure]
  protocol = mysql
  server one = 127.0.0.1:${port_one} tls verify=ca.crt
  [mysql switch]
  listen = 127.0.0.1:${port_switch}
  upstream = db
  access_log = off
  [mysql secure]
  listen = 127.0.0.1:${port_secure} tls certificate=good.crt key=good.key
  upstream = secure
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
[, $port, $password, $times, $change, $ca] = $argv;
$seen = [];
$c = false;
for ($i = 0; $i < $times; $i++) {
  if ($change && $i % 100 && $c && !$c->connect_errno) {
    $e = $c->change_user("app", $password, "app") ? 0 : $c->errno;
  } else {
    $c = mysqli_init();
    if ($ca) $c->ssl_set(null, null, $ca, null, null);
    @$c->real_connect("127.0.0.1", "app", $password, "app", (int)$port, null,
      $ca ? MYSQLI_CLIENT_SSL : 0);
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
  { "by TLS on both sides", section = "secure", password = "app", tls = true,
    result = 0 },
  { "in passthrough", section = "passthrough", password = "app", result = 0 },
}


describe(LOGINS .. " logins", function()
  local place, pki, cluster, m

  -- The node's files; it reads them as another user.
  local function lay_out()
    local files = { ["ca.crt"] = pki.ca }
    for _, name in ipairs { "good.crt", "good.key" } do
      files[name] = folder.read(pki:file(name))
      process.run { "install", "-m", "644", pki:file(name),
        place .. "/" .. name }
    end
    process.run { "chmod", "755", place }
    return files
  end

  setup(function()
    place = folder.make()
    pki = tls.make()
    pki:sign("good", "IP:127.0.0.1")
    local files = lay_out()
    cluster = galera.start({ folder = place, nodes = 1, args = {
      "--ssl-cert=" .. place .. "/good.crt",
      "--ssl-key=" .. place .. "/good.key",
    } })
    cluster.nodes[1]:sql("SET GLOBAL max_connect_errors = 1000000")
    m = moongate.start({
      config = CONFIG, ports = { one = cluster.nodes[1].port }, workers = 2,
      files = files,
    })
  end)

  teardown(function()
    moongate.finish()
    if cluster then
      cluster:stop()
    end
    pki:remove()
    folder.remove(place)
  end)

  local function log_in(path, times)
    local status, out = process.run({ "php", "-r", PHP, "--",
      tostring(m.port[path.section]), path.password, tostring(times),
      path.change and "1" or "", path.tls and pki:file("ca.crt") or "" },
      { env = CLEAN, seconds = 900 })
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
