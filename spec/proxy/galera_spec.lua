--- What a Galera node says of itself, and beside what others say.
local ffi = require "ffi"
local config = require "support.config"
local support = require "support.ffi"

local core = support.load("proxy/galera_node.h", "proxy/galera_group.h")

local FIT, UNFIT, REFUSING = 0, 1, 2
local UUID_A = "5e407fbd-ea0b-11f1-ae7d-bffb54d94535"
local UUID_B = "9b1c0000-ea0b-11f1-ae7d-bffb54d94535"


local function str(s)
  return ffi.new("struct str", s, #s)
end


local HEALTHY = {
  wsrep_ready = "ON", wsrep_cluster_status = "Primary",
  wsrep_local_state = "4", wsrep_local_state_comment = "Synced",
  wsrep_cluster_state_uuid = UUID_A, wsrep_cluster_conf_id = "3",
  wsrep_cluster_size = "3", wsrep_local_recv_queue = "0", wsrep_on = "ON",
  wsrep_reject_queries = "NONE", read_only = "OFF",
}


-- A node that says this; `false` for what it does not say.
local function node_of(changes)
  local node = ffi.new("struct galera_node")
  core.galera_node_clear(node)
  for _, values in ipairs({ HEALTHY, changes or {} }) do
    for name, value in pairs(values) do
      core.galera_node_set(node, str(name), str(value or ""))
    end
  end
  return node
end


local function judge(changes, donor)
  local words = ffi.new("char[128]")
  local fitness = core.galera_node_judge(node_of(changes), donor or false,
    words, 128)
  return tonumber(fitness), fitness ~= FIT and ffi.string(words) or nil
end


describe("a Galera node", function()
  it("is fit when it is in sync", function()
    assert.are.equal(FIT, (judge()))
    assert.are.equal(FIT, (judge({ wsrep_reject_queries = false })))
    assert.are.equal(FIT, (judge({ pxc_maint_mode = "DISABLED" })))
    assert.are.equal(FIT, (judge({ wsrep_ready = "on" })))
  end)

  local CASES = {
    { { wsrep_cluster_status = "non-Primary", wsrep_ready = "OFF",
      wsrep_local_state = "0" }, REFUSING, "wsrep_cluster_status non-Primary" },
    { { wsrep_cluster_status = "Disconnected" }, REFUSING,
      "wsrep_cluster_status Disconnected" },
    { { wsrep_ready = "OFF", wsrep_local_state = "1" }, REFUSING,
      "wsrep_ready OFF" },
    { { wsrep_local_state = "1", wsrep_local_state_comment = "Joining" },
      UNFIT, "wsrep_local_state 1 (Joining)" },
    { { wsrep_local_state = "3", wsrep_local_state_comment = "Joined" },
      UNFIT, "wsrep_local_state 3 (Joined)" },
    { { wsrep_local_state = "2", wsrep_local_state_comment =
      "Donor/Desynced" }, UNFIT, "wsrep_local_state 2 (Donor/Desynced)" },
    { { wsrep_reject_queries = "ALL" }, UNFIT, "wsrep_reject_queries ALL" },
    { { read_only = "ON" }, UNFIT, "read_only ON" },
    { { pxc_maint_mode = "SHUTDOWN" }, UNFIT, "pxc_maint_mode SHUTDOWN" },
    { { wsrep_on = "OFF" }, UNFIT, "not a Galera node: wsrep_on OFF" },
    { { wsrep_cluster_status = false }, UNFIT, "not a Galera node" },
  }

  for _, case in ipairs(CASES) do
    it("is not fit: " .. case[3], function()
      local fitness, words = judge(case[1])
      assert.are.same({ case[2], case[3] }, { fitness, words })
    end)
  end

  it("may be a donor where that is allowed, and nothing else", function()
    assert.are.equal(FIT, (judge({ wsrep_local_state = "2" }, true)))
    for _, state in ipairs({ "0", "1", "3", "5", "x", "" }) do
      assert.are.equal(UNFIT, (judge({ wsrep_local_state = state }, true)))
    end
  end)

  it("keeps what it is told, cut, and ignores the rest", function()
    local node = node_of({ wsrep_local_state_comment = ("x"):rep(500),
      wsrep_provider_options = "base_host = 127.0.0.1" })
    assert.are.equal(("x"):rep(63), ffi.string(node.values[3]))
    assert.are.equal(3, tonumber(core.galera_node_number(node, 5)))
    assert.are.equal(0, tonumber(core.galera_node_number(node, 3)))
  end)

  it("asks for all that it is judged by", function()
    local status = support.text(core.galera_status_query())
    local variables = support.text(core.galera_variables_query())
    for name in pairs(HEALTHY) do
      local found = (status .. variables):find("'" .. name .. "'", 1, true)
      assert.truthy(found, name)
    end
    assert.truthy(status:find("^SHOW GLOBAL STATUS WHERE Variable_name IN %("))
    assert.truthy(variables:find("^SHOW GLOBAL VARIABLES WHERE "))
  end)
end)


describe("a group of Galera nodes", function()
  local conf, group, now

  local function join(count)
    local text = { "[upstream u]\npolicy = roundrobin\nprotocol = mysql\n",
      "check = galera user=u interval=1s timeout=500ms downinter=2s\n" }
    for i = 1, count do
      text[#text + 1] = ("server s%d = 127.0.0.1:%d\n"):format(i, i)
    end
    text[#text + 1] = "[tcp t]\nlisten = 127.0.0.1:1\nupstream = u\n"
    local faults
    conf, faults = config.read(table.concat(text))
    assert(conf, table.concat(faults, "\n"))
    group = core.galera_group_join(conf.upstreams + 0)
    now = 100000
    return group
  end

  after_each(function()
    core.galera_group_leave(group)
  end)

  -- Server I answers: configuration id, size of the cluster, UUID.
  local function say(i, conf_id, size, uuid)
    now = now + 10
    core.galera_group_note(group, i - 1, node_of({
      wsrep_cluster_conf_id = tostring(conf_id),
      wsrep_cluster_size = tostring(size),
      wsrep_cluster_state_uuid = uuid }), now)
  end

  -- Why server I is split off; nil if it is not.
  local function split(i)
    local words = ffi.new("char[128]")
    return core.galera_group_is_split(group, i - 1, now, words, 128)
      and ffi.string(words) or nil
  end

  local function splits(count)
    local list = {}
    for i = 1, count do
      list[i] = split(i) or false
    end
    return list
  end

  -- All answer the same twice, as they do while nothing changes.
  local function settle(answers)
    for _ = 1, 2 do
      for i, answer in ipairs(answers) do
        say(i, unpack(answer))
      end
    end
    return splits(#answers)
  end

  it("is one while all agree", function()
    join(3)
    assert.are.same({ false, false, false },
      settle({ { 3, 3 }, { 3, 3 }, { 3, 3 } }))
  end)

  it("is one of a single node", function()
    join(1)
    assert.are.same({ false }, settle({ { 3, 3 } }))
  end)

  local CASES = {
    { "the one that has another configuration",
      { { 14, 2 }, { 14, 2 }, { 12, 1 } },
      { false, false, "wsrep_cluster_conf_id 12, others have 14" } },
    { "the fewer, although their number is higher",
      { { 20, 1 }, { 14, 2 }, { 14, 2 } },
      { "wsrep_cluster_conf_id 20, others have 14", false, false } },
    { "one of another cluster", { { 14, 2 }, { 14, 2 }, { 14, 2, UUID_B } },
      { false, false, "of cluster 9b1c0000, others of 5e407fbd" } },
    { "one that counts other members", { { 14, 2 }, { 14, 2 }, { 14, 1 } },
      { false, false, "wsrep_cluster_size 1, others have 2" } },
    { "the smaller cluster of two nodes", { { 14, 1 }, { 12, 3 } },
      { "wsrep_cluster_conf_id 14, others have 12", false } },
    { "the older of two clusters of a size", { { 14, 1 }, { 12, 1 } },
      { false, "wsrep_cluster_conf_id 12, others have 14" } },
    { "one of two that differ in nothing but the name",
      { { 14, 1 }, { 14, 1, UUID_B } },
      { "of cluster 5e407fbd, others of 9b1c0000", false } },
  }

  for _, case in ipairs(CASES) do
    it("splits off " .. case[1], function()
      join(#case[2])
      assert.are.same(case[3], settle(case[2]))
    end)
  end

  it("does not hold what was said before a change against the first to see it",
     function()
    join(3)
    settle({ { 3, 3 }, { 3, 3 }, { 3, 3 } })
    for _ = 1, 5 do
      say(1, 4, 2)
      assert.is_nil(split(1))
    end
    say(2, 4, 2)
    assert.is_nil(split(2))
    assert.is_nil(split(1))
    -- The third still says the old after the others said the new.
    say(3, 3, 3)
    assert.truthy(split(3))
  end)

  it("believes those that answer after the change", function()
    join(3)
    settle({ { 3, 3 }, { 3, 3 }, { 3, 3 } })
    say(3, 4, 1)
    assert.is_nil(split(3))
    say(1, 3, 3)
    say(2, 3, 3)
    assert.are.equal("wsrep_cluster_conf_id 4, others have 3", split(3))
    assert.is_nil(split(1))
  end)

  it("forgets who does not answer", function()
    join(2)
    settle({ { 3, 2 }, { 4, 1 } })
    assert.truthy(split(2))
    core.galera_group_forget(group, 0)
    assert.is_nil(split(2))
  end)

  it("forgets answers older than three checks and a timeout", function()
    join(2)
    settle({ { 3, 2 }, { 4, 1 } })
    now = now + 3 * 2000 + 500 - 20
    say(2, 4, 1)
    assert.truthy(split(2))
    say(2, 4, 1)
    assert.is_nil(split(2))
  end)

  it("is shared by the checkers of an upstream, and goes with the last",
     function()
    join(2)
    local again = core.galera_group_join(conf.upstreams + 0)
    assert.are.equal(group, again)
    settle({ { 3, 2 }, { 4, 1 } })
    core.galera_group_leave(again)
    assert.truthy(split(2))
    core.galera_group_leave(group)
    group = core.galera_group_join(conf.upstreams + 0)
    say(2, 4, 1)
    assert.is_nil(split(2))
  end)
end)
