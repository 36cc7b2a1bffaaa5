--- The real servers that the other specs of this folder and the demo stand on.
local folder = require "support.folder"
local galera = require "support.galera"
local loop = require "support.loop"
local php = require "support.php"
local process = require "support.process"


describe("php-fpm nodes", function()
  local place, nodes

  setup(function()
    place = folder.make()
    nodes = php.start({ folder = place, nodes = 3, children = 2 })
  end)

  teardown(function()
    php.stop(nodes or {})
    folder.remove(place)
  end)

  it("are three, each with a root of its own", function()
    assert.are.equal(3, #nodes)
    for i, node in ipairs(nodes) do
      assert.are.equal("php" .. i, node.name)
      assert.are.equal(("%s/php%d/public"):format(place, i), node.root)
      assert.is_true(process.alive(node.pid))
    end
  end)

  it("say how many of their children are busy", function()
    for _, node in ipairs(nodes) do
      assert.are.equal(0, node:busy())
    end
  end)

  it("leave no process behind when they are killed, and come back", function()
    local node = nodes[2]
    local children = process.children(node.pid)
    assert.is_true(#children >= 2)
    node:kill()
    for _, pid in ipairs(children) do
      assert.is_true(process.ends(pid, 5))
    end
    node:start()
    assert.are.equal(0, node:busy())
  end)

  it("leave no process behind when only their master was killed", function()
    local node = nodes[3]
    local children = process.children(node.pid)
    assert.is_true(#children >= 2)
    node.process:kill("KILL")
    node.process:wait()
    node:stop()
    for _, pid in ipairs(children) do
      assert.is_true(process.ends(pid, 5))
    end
    node:start()
  end)
end)


describe("a Galera cluster", function()
  local place, cluster

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

  it("has three nodes that say their names", function()
    for i, node in ipairs(cluster.nodes) do
      assert.are.equal("db" .. i .. "\t3", (galera.query(node.port,
        "SELECT @@wsrep_node_name, VARIABLE_VALUE "
        .. "FROM information_schema.GLOBAL_STATUS "
        .. "WHERE VARIABLE_NAME = 'wsrep_cluster_size'")))
    end
  end)

  it("replicates what is written at one node to the others", function()
    assert(galera.query(cluster.nodes[1].port,
      "CREATE TABLE t (a INT PRIMARY KEY); INSERT INTO t VALUES (42)"))
    for _, node in ipairs(cluster.nodes) do
      assert.are.equal("42", (galera.query(node.port,
        "SET SESSION wsrep_sync_wait = 1; SELECT a FROM t")))
    end
  end)

  it("lets `check` in without a password, and root not at all", function()
    local port = cluster.nodes[3].port
    assert.are.equal("check@%", (galera.query(port, "SELECT current_user()",
      { user = "check", password = "", schema = "" })))
    local rows, reason = galera.query(port, "SELECT 1",
      { user = "root", password = "", schema = "" })
    assert.is_nil(rows)
    assert.truthy(reason:find("ERROR 1045", 1, true))
  end)

  it("goes on without a node that was killed, and takes it back", function()
    local first, last = cluster.nodes[1], cluster.nodes[3]
    last:kill()
    loop.wait_until("the cluster writes again", function()
      return galera.query(first.port, "CREATE TABLE u (a INT PRIMARY KEY)")
    end, 30)
    last:start()
    assert.are.equal("0", (galera.query(last.port,
      "SET SESSION wsrep_sync_wait = 1; SELECT COUNT(*) FROM u")))
  end)
end)
