--- rebalance on a real cluster: a node is killed and comes back, and a pool of
-- PHP's sessions is spread again, while who has something keeps it.
local folder = require "support.folder"
local galera = require "support.galera"
local json = require "dkjson"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local ports = require "support.ports"
local process = require "support.process"

local IDLE, BUSY = 60, 2
local PATIENCE = 60

local CONFIG = [[
  [upstream pxc]
  protocol = mysql
  policy = leastconn
  check = galera user=check interval=300ms timeout=2s rise=1 fall=2
  rebalance = 20/s
  server db1 = 127.0.0.1:${port_db1}
  server db2 = 127.0.0.1:${port_db2}
  server db3 = 127.0.0.1:${port_db3}
  [mysql db]
  listen = 127.0.0.1:${port_mysql}
  upstream = pxc
  visible = on
  access_log = json
  log_to = file:${dir}/records
]]

-- A pool and some who hold something, told what to do by a line each.
local POOL = [=[
mysqli_report(MYSQLI_REPORT_OFF);
function open() {
    global $argv;
    $db = mysqli_init();
    $db->real_connect("127.0.0.1", "app", "app", "app", (int)$argv[1]);
    return $db;
}
function ask($db, $sql) {
    $rows = @$db->query($sql);
    return $rows ? $rows->fetch_row()[0] : null;
}
$holders = [
    "transaction" => [["BEGIN", "INSERT INTO held VALUES (1)"],
        "SELECT @@in_transaction"],
    "table" => [["CREATE TEMPORARY TABLE t (a INT)",
        "INSERT INTO t VALUES (1)"], "SELECT a FROM t"],
    "lock" => [["SELECT GET_LOCK('l', 0)"],
        "SELECT IS_USED_LOCK('l') = CONNECTION_ID()"],
    "variable" => [["SET @a = 1"], "SELECT @a"],
    "setting" => [["SET SESSION wait_timeout = 12345"],
        "SELECT @@wait_timeout = 12345"],
    "statement" => [["PREPARE s FROM 'SELECT 1'"], "EXECUTE s"],
];
$idle = $held = $ids = [];
$server = stream_socket_server("tcp://127.0.0.1:" . $argv[2]);
$caller = stream_socket_accept($server, 60);
while (($line = fgets($caller)) !== false) {
    $said = [];
    [$word, $n] = explode(" ", trim($line)) + [1 => 0];
    if ($word == "open")
        for ($i = 0; $i < $n; $i++)
            $idle[] = open();
    if ($word == "hold")
        foreach ($holders as $what => [$statements, $proof]) {
            $held[$what] = open();
            foreach ($statements as $sql)
                @$held[$what]->query($sql);
            $ids[$what] = ask($held[$what], "SELECT CONNECTION_ID()");
        }
    if ($word == "held")
        foreach ($held as $what => $db)
            $said[$what] = ask($db, $holders[$what][1]) . " " .
                (ask($db, "SELECT CONNECTION_ID()") == $ids[$what] ? "same"
                    : "another");
    if ($word == "round") {
        $said = ["nodes" => [], "gone" => 0, "errors" => []];
        foreach ($idle as &$db) {
            $node = ask($db, "SELECT @@wsrep_node_name");
            if ($node === null && $db->errno == 2006)
                $said["gone"]++;
            else if ($node === null)
                $said["errors"][] = $db->errno;
            if ($node === null) {
                $db = open();
                $node = ask($db, "SELECT @@wsrep_node_name");
            }
            $said["nodes"][$node] = ($said["nodes"][$node] ?? 0) + 1;
        }
        unset($db);
    }
    fwrite($caller, json_encode((object)$said) . "\n");
}
]=]

-- Who is always in a statement, or has been until just now.
local BUSY_CLIENT = [[
mysqli_report(MYSQLI_REPORT_OFF);
$db = mysqli_init();
$db->real_connect("127.0.0.1", "app", "app", "app", (int)$argv[1]);
while (@$db->query("SELECT SLEEP(0.2)"))
    echo ".";
echo "\n", $db->errno, " ", $db->error, "\n";
]]


describe("rebalance of a Galera cluster", function()
  local place, cluster, m, caller, helpers

  setup(function()
    place = folder.make()
    cluster = galera.start({ folder = place, nodes = 3 })
    assert(galera.query(cluster.nodes[1].port, "CREATE TABLE held (a INT)"))
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
      helper:kill("KILL")
      helper:wait()
    end
    moongate.finish()
  end)

  local function start_php(code, out, ...)
    local helper = process.spawn({ "php", "-d", "memory_limit=256M", "-r",
      code, tostring(m.port.mysql), ... }, { stdout = out, stderr = out })
    helpers[#helpers + 1] = helper
    return helper
  end

  local function tell(line)
    caller:send(line .. "\n")
    return json.decode(assert(caller:receive_until("\n", PATIENCE)))
  end

  local function start()
    local given, port = {}, ports.free(1)[1]
    for _, node in ipairs(cluster.nodes) do
      given[node.name] = node.port
    end
    m = moongate.start { config = CONFIG, ports = given, workers = 2 }
    start_php(POOL, m.dir .. "/pool", tostring(port))
    loop.wait_until("the pool listens", function()
      caller = net.connect(port)
      return caller
    end)
  end

  local function wait_state(name, state)
    loop.wait_until(name .. " is " .. state, function()
      return m:server(name).state == state
    end, PATIENCE)
  end

  local function busy_output(i)
    return folder.read(("%s/busy%d"):format(m.dir, i)) or ""
  end

  local function start_busy()
    for i = 1, BUSY do
      start_php(BUSY_CLIENT, ("%s/busy%d"):format(m.dir, i))
      loop.wait_until("it is busy", function()
        return busy_output(i):find(".", 1, true)
      end)
    end
  end

  local function retired()
    local sum = 0
    for _, row in ipairs(m:ctl("show servers --json")) do
      sum = sum + row.retired
    end
    return sum
  end

  -- Uses the pool whenever some of it are retired, until it is over.
  local function use_pool()
    local gone, seen = 0, 0
    local function is_over()
      return m:log():find("rebalance of pxc: db1 came back; ", 1, true)
    end
    while not is_over() do
      loop.wait_until("somebody is retired, or it is over", function()
        return retired() > seen or is_over()
      end, PATIENCE)
      seen = retired()
      local said = tell "round"
      assert.are.same({}, said.errors)
      gone = gone + said.gone
    end
    return gone
  end

  it("spreads idle sessions when a node is back, and takes none that has "
     .. "something", function()
    start()
    tell("open " .. IDLE)
    assert.are.same({ db1 = 20, db2 = 20, db3 = 20 }, tell("round").nodes)
    cluster.nodes[1]:kill()
    wait_state("db1", "down")
    tell "round"
    assert.are.same({ db2 = 30, db3 = 30 }, tell("round").nodes)
    tell "hold"
    start_busy()
    loop.wait_until("the others are a cluster without it", function()
      return cluster.nodes[2]:status("wsrep_cluster_size") == "2"
        and cluster.nodes[2]:status("wsrep_cluster_status") == "Primary"
    end, PATIENCE)
    cluster.nodes[1]:start()
    local gone = use_pool()
    local n = tonumber(m:wait_log("db1 came back; (%d+) sessions retired in "
      .. "%d+ s: it has its share"))
    gone = gone + tell("round").gone

    assert.are.equal(n, gone)
    local said = tell "round"
    assert.are.same({ 0, 0 }, { said.gone, #said.errors })
    -- A third of all is 22: those who hold something are elsewhere.
    assert.is_true(said.nodes.db1 >= 22, json.encode(said.nodes))
    assert.is_true(said.nodes.db2 >= 16, json.encode(said.nodes))
    assert.is_true(said.nodes.db3 >= 16, json.encode(said.nodes))
    local held = tell "held"
    assert.are.same({ transaction = "1 same", table = "1 same",
      lock = "1 same", variable = "1 same", setting = "1 same",
      statement = "1 same" }, held)
    for i = 1, BUSY do
      assert.is_truthy(busy_output(i):find("^%.+$"), busy_output(i))
    end
  end)
end)
