--- examples/pxc before five real nodes: confined, in the background, its log in
-- a syslog, its page behind a password, four policies in turn.
local example = require "support.example"
local folder = require "support.folder"
local galera = require "support.galera"
local http = require "support.http"
local lfs = require "lfs"
local loop = require "support.loop"
local net = require "support.net"
local ports = require "support.ports"

local NODES = 5
local PATIENCE = 30
local LOGIN = "Authorization: Basic YWRtaW46YWJjMTIzNDU2"  -- of the example


describe("examples/pxc", function()
  local place, cluster, pxc, syslog, port, page

  setup(function()
    place = folder.make()
    cluster = galera.start { folder = place .. "/nodes", nodes = NODES }
  end)

  teardown(function()
    cluster:stop()
    folder.remove(place)
  end)

  before_each(function()
    local home = place .. "/home"
    if lfs.attributes(home) then
      folder.remove(home)
    end
    lfs.mkdir(home)
    lfs.mkdir(home .. "/jail")
    syslog = net.listen_udp()
    port, page = unpack(ports.free(2))
    local changes = {
      { "0.0.0.0:3306", "127.0.0.1:" .. port },
      { "0.0.0.0:8888", "127.0.0.1:" .. page },
      { "127.0.0.1:514", "127.0.0.1:" .. syslog.port },
      { "galera user=moongate", "galera user=check" },
      { "user     = moongate", "user     = www-data" },
      { "/var/lib/moongate", home .. "/jail" },
      { "/run/moongate", home },
    }
    for i, node in ipairs(cluster.nodes) do
      changes[#changes + 1] =
        { ("node%d:3306"):format(i), "127.0.0.1:" .. node.port }
    end
    pxc = example.copy("pxc", home, changes)
    pxc:start()
  end)

  after_each(function()
    pxc:stop()
    syslog:close()
  end)

  -- A session that is not quite over counts with leastconn.
  local function wait_idle()
    loop.wait_until("no session is left", function()
      for _, row in ipairs(pxc:ctl("show servers --json")) do
        if row.active > 0 then
          return false
        end
      end
      return true
    end, PATIENCE)
  end

  local function log_in()
    wait_idle()
    return (galera.query(port, "SELECT @@wsrep_node_name",
      { user = "app", password = "app" }):gsub("%s+$", ""))
  end

  -- How often each node was logged in to.
  local function spread(n)
    local counts, names = {}, 0
    for _ = 1, n do
      local name = log_in()
      names = names + (counts[name] and 0 or 1)
      counts[name] = (counts[name] or 0) + 1
    end
    return counts, names
  end

  it("shows five nodes up, behind its password, and balances", function()
    pxc:wait_states("up up up up up", PATIENCE)
    assert.are.equal(401, http.fetch(page, "GET /dbs").status)
    local answer = http.fetch(page, "GET /dbs", { LOGIN })
    assert.are.equal(200, answer.status)
    for i = 1, NODES do
      assert.is_truthy(answer.body:find("MySQL_" .. i, 1, true))
    end
    local csv = http.fetch(page, "GET /dbs;csv", { LOGIN }).body
    local _, up = csv:gsub("\npxc,MySQL_%d,[^\n]-,UP,", "")
    assert.are.equal(NODES, up, csv)

    for _, policy in ipairs { "roundrobin", "static-rr", "leastconn",
        "source" } do
      if policy ~= "roundrobin" then
        pxc:edit("cluster.ini", "\npolicy   = " .. pxc.policy,
          "\npolicy   = " .. policy)
        assert.is_truthy(pxc:ctl("reload"):find("generation", 1, true))
      end
      pxc.policy = policy
      local counts, names = spread(2 * NODES)
      assert.are.equal(policy == "source" and 1 or NODES, names, policy)
      if policy ~= "source" then
        for _, count in pairs(counts) do
          assert.are.equal(2, count, policy)
        end
      end
    end
    local seen = {}
    loop.wait_until("records come to the syslog", function()
      seen[#seen + 1] = syslog:receive_some(PATIENCE)
      return seen[#seen]:find("proxy%-mysql pxc/MySQL_%d ")
    end, PATIENCE)
    assert.is_truthy(seen[#seen]:find("^<%d+>"), seen[#seen])
  end)

  -- The last one: the node stays dead.
  it("shows a killed one down with its reason, and goes on", function()
    pxc:wait_states("up up up up up", PATIENCE)
    cluster.nodes[NODES]:kill()
    pxc:wait_states("up up up up down", PATIENCE)
    local body = http.fetch(page, "GET /dbs", { LOGIN }).body
    assert.is_truthy(body:find("pxc/MySQL_5 down: ", 1, true), body)
    local _, names = spread(8)
    assert.are.equal(4, names)
  end)
end)
