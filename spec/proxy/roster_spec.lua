-- The roster: after whatever changes, by whomever, it is what a look at every
-- server would have made it.
local ffi = require "ffi"
local core = require("support.ffi").load("board/board.h", "board/changes.h",
  "board/slots.h", "proxy/roster.h", "proxy/flow.h", "base/clock.h",
  "board/state.h")

local WORKERS = 2
local READY, DRAIN, MAINT = 0, 1, 2
local TRIED_MAX = 5


local function str(text)
  return ffi.new("struct str", text, #text)
end


-- A board with COUNT servers, and the roster of each worker.
local function new_world(count)
  local limits = ffi.new("struct board_limits", {
    workers = WORKERS, upstreams = 1, servers = count + 1, sections = 1,
    scripts = 1, entries = 16, ring_bytes = 4096,
  })
  local world = { count = count, rows = {}, rosters = {}, views = {} }
  core.clock_update()
  world.board = core.board_open(limits, "spec")
  assert(world.board ~= nil)
  world.upstream = core.board_add_upstream(world.board, str "db")
  for i = 0, count - 1 do
    world.rows[i] = core.board_add_server(world.board, world.upstream,
      str("s" .. i))
  end
  for worker = 0, WORKERS - 1 do
    local roster = ffi.new("struct roster")
    local views = ffi.new("struct server_view[?]", count)
    core.roster_init(roster, world.board, world.upstream, views, count)
    for i = 0, count - 1 do
      core.roster_place(roster, i, world.rows[i])
    end
    world.rosters[worker], world.views[worker] = roster, views
  end
  return world
end


local function close_world(world)
  for worker = 0, WORKERS - 1 do
    core.roster_fini(world.rosters[worker])
  end
  core.board_close(world.board)
end


-- What a worker's views should be, from every row and every slot.
local function look_at_all(world, worker, tried)
  local counts = {
    free = 0, free_backups = 0, full = 0, full_backups = 0, tried = 0,
  }
  local servers, others, backups = {}, 0, 0
  local view = ffi.new("struct server_view")
  for i = 0, world.count - 1 do
    core.board_read_view(world.board, world.rows[i], view)
    local idle = world.rosters[worker].members[i].idle
    local serves = view.up and not view.draining and not view.maint
      and view.weight > 0
    local full = view.maxconn > 0 and view.active >= view.maxconn and idle == 0
    local server = {
      active = view.active - idle, weight = view.weight, backup = view.backup,
      usable = serves and not full and not tried[i],
      serves = serves,
    }
    if serves and tried[i] then
      counts.tried = counts.tried + 1
    elseif serves and full then
      counts.full = counts.full + 1
      if view.backup then
        counts.full_backups = counts.full_backups + 1
      end
    elseif serves then
      local kind = view.backup and "free_backups" or "free"
      counts[kind] = counts[kind] + 1
    end
    servers[i] = server
    if serves and not tried[i] then
      others = others + (view.backup and 0 or 1)
      backups = backups + (view.backup and 1 or 0)
    end
  end
  for i = 0, world.count - 1 do
    if others > 0 and servers[i].backup then
      servers[i].usable = false
    end
  end
  return servers, counts, others == 0 and backups > 0
end


local function load_of(server)
  return server.active > 0 and (server.active + 1) / server.weight or 0
end


-- The choice of a scan over all servers.
local function naive_least(servers, count, turn)
  local least, equals = math.huge, {}
  for i = 0, count - 1 do
    local server = servers[i]
    if server.usable then
      local load = load_of(server)
      if load < least then
        least, equals = load, {}
      end
      if load == least then
        equals[#equals + 1] = i
      end
    end
  end
  return #equals == 0 and -1 or equals[turn % #equals + 1]
end


local function new_flow(indices)
  local flow = ffi.new("struct flow")
  local tried = {}
  for _, i in ipairs(indices or {}) do
    core.flow_add_tried(flow, i)
    tried[i] = true
  end
  return flow, tried
end


-- What a generation has to tell apart.
local function states_of(servers, count, on_backups)
  local parts = { tostring(on_backups) }
  for i = 0, count - 1 do
    local server = servers[i]
    parts[#parts + 1] = (server.serves and server.weight or 0)
      .. (server.backup and "b" or "")
  end
  return table.concat(parts, " ")
end


-- Compares a worker's views, for a flow, with what they should be.
local function check(world, worker, indices, turn)
  local roster, views = world.rosters[worker], world.views[worker]
  local flow, tried = new_flow(indices)
  local counts = ffi.new("struct roster_counts")
  local usable = core.roster_enter(roster, flow, counts)
  local servers, expected, on_backups = look_at_all(world, worker, tried)

  local usable_now = 0
  for i = 0, world.count - 1 do
    if views[i].usable ~= servers[i].usable
        or views[i].active ~= servers[i].active
        or views[i].weight ~= servers[i].weight then
      error(("server %d: usable %s, active %d, weight %d; not %s, %d, %d")
        :format(i, tostring(views[i].usable), views[i].active,
          views[i].weight, tostring(servers[i].usable), servers[i].active,
          servers[i].weight))
    end
    usable_now = usable_now + (views[i].usable and 1 or 0)
  end
  for name, value in pairs(expected) do
    assert.are.equal(value, counts[name], name)
  end
  assert.are.equal(usable_now, usable)
  assert.are.equal(naive_least(servers, world.count, turn),
    core.roster_least(roster, turn))

  local generation = tonumber(core.roster_generation(roster))
  local states = states_of(servers, world.count, on_backups)
  local known = world.generations or {}
  world.generations = known
  known[worker] = known[worker] or {}
  assert.are.equal(known[worker][generation] or states, states)
  known[worker][generation] = states
  core.roster_leave(roster, flow)
end


-- --- what may happen ---------------------------------------------------------

-- Of a server, 0-based; WORKER does it, where a worker does.
local HAPPENINGS = {
  function(world, worker, i)
    local row = world.rows[i]
    local maxconn = world.board.servers[row].maxconn
    if core.slot_take(world.board, worker, 1 + row, maxconn) then
      core.changes_note(world.board, row)
    end
  end,
  function(world, worker, i)
    local row = world.rows[i]
    if core.slot_held(world.board, worker, 1 + row)
        > world.rosters[worker].members[i].idle then
      core.slot_give(world.board, worker, 1 + row)
      core.changes_note(world.board, row)
    end
  end,
  function(world, worker, i)
    local held = core.slot_held(world.board, worker, 1 + world.rows[i])
    core.roster_set_idle(world.rosters[worker], i, math.random(0, held))
  end,
  function(world, _, i)
    core.board_set_weight(world.board, world.rows[i], math.random(0, 3))
  end,
  function(world, _, i)
    local states = { READY, READY, DRAIN, MAINT }
    core.board_set_admin(world.board, world.rows[i], states[math.random(4)])
  end,
  function(world, _, i)
    core.board_set_up(world.board, world.rows[i], math.random(3) > 1,
      str "spec")
  end,
  function(world, _, i)
    core.board_set_server(world.board, world.rows[i], str "127.0.0.1:1",
      math.random(0, 3), math.random(0, 2), math.random(4) == 1)
  end,
  function(world)
    core.changes_note_all(world.board, world.upstream)
  end,
  -- Its writer died between the number and the entry.
  function(world, worker, i)
    local row = world.rows[i]
    if core.slot_take(world.board, worker, 1 + row, 0) then
      local upstream = world.board.upstreams[world.upstream]
      upstream.change_count = upstream.change_count + 1
    end
  end,
}


local function choose(count)
  local indices = {}
  for k = 1, math.random(4) == 1 and math.random(TRIED_MAX) or 0 do
    indices[k] = math.random(0, count - 1)
  end
  return indices
end


describe("a roster", function()
  local world

  after_each(function()
    close_world(world)
  end)

  for _, case in ipairs {
    { servers = 1, rounds = 2000 }, { servers = 3, rounds = 4000 },
    { servers = 8, rounds = 3000 }, { servers = 70, rounds = 1000 },
    { servers = 1000, rounds = 150 },
  } do
    it(("of %d servers is what a look at all would make it"):format(
      case.servers), function()
        math.randomseed(case.servers)
        world = new_world(case.servers)
        for turn = 1, case.rounds do
          for _ = 1, math.random(0, 6) do
            local happen = HAPPENINGS[math.random(#HAPPENINGS)]
            happen(world, math.random(0, WORKERS - 1),
              math.random(0, case.servers - 1))
          end
          check(world, math.random(0, WORKERS - 1), choose(case.servers), turn)
        end
      end)
  end

  it("looks at a server that has changed, and at no other", function()
    world = new_world(3)
    check(world, 0, {}, 0)
    world.board.servers[world.rows[1]].weight = 9  -- which nobody notes
    core.board_set_weight(world.board, world.rows[2], 5)
    core.roster_refresh(world.rosters[0])
    assert.are.equal(1, world.views[0][1].weight)
    assert.are.equal(5, world.views[0][2].weight)
    core.changes_note(world.board, world.rows[1])
    check(world, 0, {}, 1)
  end)

  it("looks at all after a worker has died, noted or not", function()
    world = new_world(5)
    check(world, 0, {}, 0)
    local slot = 1 + world.rows[4]
    assert.is_true(core.slot_take(world.board, 1, slot, 0))
    core.changes_note(world.board, world.rows[4])
    assert.is_true(core.slot_take(world.board, 1, slot, 0))
    check(world, 0, {}, 1)
    core.slot_give(world.board, 1, slot)  -- and it was killed
    core.board_worker_died(world.board, 1)
    check(world, 0, {}, 2)
    assert.are.equal(0, world.views[0][4].active)
  end)

  it("lets backups stand in for a flow that has tried all others", function()
    world = new_world(3)
    core.board_set_server(world.board, world.rows[2], str "127.0.0.1:1", 1, 0,
      true)
    check(world, 0, {}, 0)
    check(world, 0, { 0, 1 }, 0)
    assert.is_true(world.views[0][0].usable)
    assert.is_false(world.views[0][2].usable)
    check(world, 0, { 0, 1, 2 }, 0)
    check(world, 0, {}, 0)
  end)

  it("keeps backups out while another server is merely full", function()
    world = new_world(3)
    local board, rows, views = world.board, world.rows, world.views[0]
    core.board_set_server(board, rows[0], str "127.0.0.1:1", 1, 1, false)
    core.board_set_server(board, rows[1], str "127.0.0.1:1", 1, 1, true)
    core.board_set_server(board, rows[2], str "127.0.0.1:1", 1, 1, true)
    assert.is_true(core.slot_take(board, 0, 1 + rows[0], 1))
    core.changes_note(board, rows[0])
    local counts = ffi.new("struct roster_counts")
    local fresh, tried_first = new_flow(), new_flow { 0 }

    assert.are.equal(0, core.roster_enter(world.rosters[0], fresh, counts))
    assert.are.equal(1, counts.full)
    assert.is_false(views[1].usable)
    core.roster_leave(world.rosters[0], fresh)
    assert.are.equal(2,
      core.roster_enter(world.rosters[0], tried_first, counts))
    assert.is_true(views[1].usable and views[2].usable)
    core.roster_leave(world.rosters[0], tried_first)

    core.board_set_up(board, rows[0], false, str "gone")
    assert.are.equal(2, core.roster_enter(world.rosters[0], fresh, counts))
    core.roster_leave(world.rosters[0], fresh)
    for i = 1, 2 do
      assert.is_true(core.slot_take(board, 0, 1 + rows[i], 1))
      core.changes_note(board, rows[i])
    end
    assert.are.equal(0, core.roster_enter(world.rosters[0], fresh, counts))
    assert.are.equal(2, counts.full)
    core.roster_leave(world.rosters[0], fresh)
  end)

  it("keeps its generation while only counts change", function()
    world = new_world(3)
    local roster = world.rosters[0]
    core.board_set_server(world.board, world.rows[0], str "127.0.0.1:1", 1, 1,
      false)
    core.roster_refresh(roster)
    local before = core.roster_generation(roster)
    assert.is_true(core.slot_take(world.board, 1, 1 + world.rows[0], 1))
    core.changes_note(world.board, world.rows[0])
    check(world, 0, { 1 }, 0)
    assert.are.equal(before, core.roster_generation(roster))
    core.board_set_weight(world.board, world.rows[1], 2)
    core.roster_refresh(roster)
    assert.are_not.equal(before, core.roster_generation(roster))
  end)

  it("says how many slots are taken, by whomever", function()
    world = new_world(3)
    for i = 0, 2 do
      assert.is_true(core.slot_take(world.board, i % 2, 1 + world.rows[i], 0))
      core.changes_note(world.board, world.rows[i])
    end
    core.roster_refresh(world.rosters[1])
    core.roster_set_idle(world.rosters[1], 1, 1)
    assert.are.equal(3, tonumber(world.rosters[1].taken))
  end)
end)
