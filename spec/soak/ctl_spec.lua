--- ctl while thousands of sessions are open: it answers at once, and those who
-- are served do not notice.
local folder = require "support.folder"
local galera = require "support.galera"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local process = require "support.process"

-- As many as 20,000 descriptors of a process have room for.
local SESSIONS = tonumber(os.getenv("MOONGATE_SESSIONS")) or 9600
local LIMIT = 0.050
local RATE, CLIENTS, LOAD_MS = 1000, 20, 8000
local EVERY = 0.1
local CLEAN = { LD_PRELOAD = false, ASAN_OPTIONS = false }

local CONFIG = [[
  [upstream db]
  protocol = mysql
  server one = 127.0.0.1:${port_one}
  [upstream echo]
  protocol = tcp
  server echo = 127.0.0.1:${port_echo}
  [mysql db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  visible = on
  access_log = off
  [tcp echo]
  listen = 127.0.0.1:${port_relay}
  upstream = echo
  access_log = off
]]

-- Logs in so many times, and keeps all of it until it is ended.
local PHP = [[
mysqli_report(MYSQLI_REPORT_OFF);
[, $port, $times, $file] = $argv;
$all = [];
for ($i = 0; $i < $times; $i++) {
  $c = mysqli_init();
  @$c->real_connect("127.0.0.1", "app", "app", "app", (int)$port);
  if ($c->connect_errno) { echo $c->connect_error, "\n"; exit(1); }
  $all[] = $c;
}
file_put_contents($file, "ready");
sleep(600);
]]

local COMMANDS = {
  "show sessions", "show sessions --json", "show info", "show info --json",
  "show servers", "show servers --json", "show pools", "show errors",
  "show scripts", "show metrics",
}


describe("ctl with " .. SESSIONS .. " sessions", function()
  local place, cluster, m, echo

  setup(function()
    local port = net.reserve()
    place = folder.make()
    cluster = galera.start({ folder = place, nodes = 1, args = {
      "--thread-handling=pool-of-threads",
      "--max-connections=" .. SESSIONS + 100, "--thread-pool-max-threads=500",
    } })
    assert.are.equal(0, (process.run {
      "cmake", "--build", "build", "-t", "tcp-server", "rate-load",
    }))
    port:close()
    echo = process.spawn({ "build/bench/tcp-server", tostring(port.port),
      "echo" }, { lasting = true, env = CLEAN })
    m = moongate.start {
      config = CONFIG, workers = 2,
      ports = { one = cluster.nodes[1].port, echo = port.port },
    }
  end)

  teardown(function()
    moongate.finish()
    echo:kill("TERM")
    echo:wait()
    if cluster then
      cluster:stop()
    end
    folder.remove(place)
  end)

  local function ask(line)
    local from = loop.now()
    local client = assert(net.connect(m.control))
    client:send(line .. "\n")
    local text = client:receive_all()
    client:close()
    assert.are.equal("ok\n", text:sub(1, 3))
    return loop.now() - from, text
  end

  -- The p99 of a relay at a fixed rate, in microseconds; MEANWHILE is called
  -- again and again.
  local function load(meanwhile)
    local out = place .. "/load"
    os.remove(out)
    local load_process = process.spawn({
      "build/bench/rate-load", tostring(m.port.relay), "small",
      tostring(CLIENTS), tostring(RATE), tostring(LOAD_MS),
    }, { stdout = out, stderr = out, env = CLEAN })
    while load_process:alive() do
      local due = loop.now() + EVERY
      meanwhile()
      loop.wait_until("the next time", function()
        return loop.now() >= due
      end)
    end
    assert.are.equal(0, load_process:wait())
    local text = folder.read(out)
    assert.are.equal("0", text:match("errors=(%d+)"), text)
    return tonumber(text:match("p99_us=(%d+)"))
  end

  it("answers within 50 ms, and moves no p99", function()
    local sessions = process.spawn({ "php", "-d", "memory_limit=-1", "-r", PHP,
      "--", tostring(m.port.db), tostring(SESSIONS), place .. "/ready" },
      { env = CLEAN, stdout = place .. "/php", stderr = place .. "/php" })
    loop.wait_until("all have logged in", function()
      assert(sessions:alive(), folder.read(place .. "/php"))
      return folder.read(place .. "/ready") == "ready"
    end, 300)
    local _, text = ask("show sessions")
    assert.are.equal(SESSIONS + 1, select(2, text:gsub("\n", "")) - 1)

    local function quiet()
      return load(function() end)
    end
    local before = quiet()
    local turn, times = 0, {}
    local during = load(function()
      local command = COMMANDS[turn % #COMMANDS + 1]
      turn = turn + 1
      local time = ask(command)
      times[command] = math.max(times[command] or 0, time)
    end)
    before = math.max(before, quiet()) -- others use this machine, too
    local worst = 0
    for _, command in ipairs(COMMANDS) do
      print(("note: %-22s %5.1f ms at most"):format(command,
        times[command] * 1000))
      worst = math.max(worst, times[command])
    end
    print(("note: p99 of the relay %d us, with ctl %d us"):format(before,
      during))
    sessions:kill("KILL")
    sessions:wait()
    assert.is_true(worst < LIMIT, "an answer took " .. worst .. " s")
    assert.is_true(during < before * 1.5 + 1000)
  end)
end)
