--- Picks of two workers on one board, beside what the policies say on literal
-- tables that show every server as it is.
local ffi = require "ffi"
local literal = require "lua.literal"
local program = require "script.program"

local LEASTCONN = "leastconn"
local READY, DRAIN = 0, 1


local function servers_text(count, more)
  local lines = {}
  for i = 1, count do
    lines[i] = ("server s%d = 127.0.0.1:%d %s"):format(i, i, more or "")
  end
  return table.concat(lines, "\n") .. "\n"
end


local function start(policy, servers)
  return assert(program.start {
    config = "[upstream db]\nprotocol = tcp\npolicy = " .. policy .. "\n"
      .. servers,
  })
end


describe("two workers", function()
  local p, workers, flows

  local function begin(policy, servers)
    p = start(policy, servers)
    workers = { p, p:colleague() }
    flows = {}
  end

  after_each(function()
    for _, taken in ipairs(flows) do
      taken.worker:give(taken.flow)
    end
    workers[2]:stop()
    p:stop()
  end)

  local function take(worker, client)
    local flow = workers[worker]:flow("db", client)
    local name, reason = workers[worker]:take(flow)
    if name then
      flows[#flows + 1] = { worker = workers[worker], flow = flow }
    end
    return name, reason
  end

  local function give(number)
    local taken = table.remove(flows, number)
    taken.worker:give(taken.flow)
  end

  local function row_of(i)
    return p:upstream("db").servers[i - 1].row
  end

  it("fill servers in proportion to weights together, by leastconn",
    function()
      begin(LEASTCONN, "server a = 127.0.0.1:1\n"
        .. "server b = 127.0.0.1:2 weight=2\n"
        .. "server c = 127.0.0.1:3 weight=3\n")
      local counts = { a = 0, b = 0, c = 0 }
      for i = 1, 600 do
        local name = assert(take(i * 7 % 3 == 0 and 1 or 2))
        counts[name] = counts[name] + 1
      end
      assert.are.same({ a = 100, b = 200, c = 300 }, counts)
    end)

  it("take equals in one common turn, by leastconn", function()
    begin(LEASTCONN, servers_text(3))
    local names = {}
    for i = 1, 9 do
      names[i] = assert(take(i % 2 + 1))
      give(1)
    end
    assert.are.same({ "s1", "s2", "s3", "s1", "s2", "s3", "s1", "s2", "s3" },
      names)
  end)

  it("see at once that the other took the last slot, and gave it", function()
    begin("roundrobin", servers_text(2, "maxconn=1"))
    assert.are.equal("s1", take(1))
    assert.are.equal("s2", take(2))
    assert.are.same({ nil, "all servers are at their maxconn" }, { take(1) })
    give(2)
    assert.are.equal("s2", take(1))
    assert.are.same({ nil, "all servers are at their maxconn" }, { take(2) })
  end)

  it("find that a server is full which nobody has noted", function()
    begin("roundrobin", servers_text(2, "maxconn=1"))
    local board = p.site.board
    assert.are.equal("s1", take(1))
    give(1)
    assert.is_true(p.core.slot_take(board, 1, 1 + row_of(2), 1))
    assert.are.equal("s1", take(1))
    assert.are.same({ nil, "all servers are at their maxconn" }, { take(1) })
    p.core.slot_give(board, 1, 1 + row_of(2))
  end)

  it("obey the administrator at the next pick", function()
    begin(LEASTCONN, servers_text(2))
    assert(take(1) and take(2))
    p.core.board_set_admin(p.site.board, row_of(1), DRAIN)
    assert.are.equal("s2", take(1))
    assert.are.equal("s2", take(2))
    p.core.board_set_admin(p.site.board, row_of(1), READY)
    assert.are.equal("s1", take(1))
    p.core.board_set_weight(p.site.board, row_of(2), 200)
    assert.are.equal("s2", take(2))
  end)

  it("go on where one of them was killed between a count and its note",
    function()
      begin(LEASTCONN, servers_text(3))
      assert.are.equal("s1", take(1))
      local board = p.site.board
      p.core.board_worker_started(board, 1, 4242, 1)
      assert.is_true(p.core.slot_take(board, 1, 1 + row_of(2), 0))
      assert.is_true(p.core.slot_take(board, 1, 1 + row_of(3), 0))
      p.core.board_worker_died(board, 1)
      local names = {}
      for i = 1, 2 do
        names[i] = take(1)
      end
      table.sort(names)
      assert.are.same({ "s2", "s3" }, names)
    end)

  -- --- beside literal tables -------------------------------------------------

  -- Every server as the board has it, and usable by the rule of the views.
  local function literal_servers(count)
    local given, view = {}, ffi.new("struct server_view")
    for i = 1, count do
      p.core.board_read_view(p.site.board, row_of(i), view)
      local room = view.maxconn == 0 or view.active < view.maxconn
      given[i] = {
        weight = view.weight, active = view.active, up = view.up,
        draining = view.draining, backup = view.backup,
        usable = view.up and not view.draining and view.weight > 0 and room,
      }
    end
    return literal.servers(unpack(given))
  end

  local function change_something(count)
    local board, row = p.site.board, row_of(math.random(count))
    local what = math.random(3)
    if what == 1 then
      p.core.board_set_weight(board, row, math.random(0, 3))
    elseif what == 2 then
      p.core.board_set_admin(board, row, math.random(0, 1))
    else
      p.core.board_set_up(board, row, math.random(2) == 1,
        ffi.new("struct str", "", 0))
    end
  end

  for _, case in ipairs {
    { policy = "roundrobin" }, { policy = "static-rr" },
    { policy = "leastconn" }, { policy = "source" }, { policy = "first" },
    { policy = "source hash=consistent", name = "source",
      options = { hash = "consistent" } },
  } do
    for count, rounds in pairs { [5] = 400, [1000] = 60 } do
      it(("choose among %d servers as on literal tables: %s"):format(count,
        case.policy), function()
          math.randomseed(count)
          begin(case.policy, servers_text(count, "maxconn=3"))
          local pick = literal.picker(case.name or case.policy, case.options)
          for turn = 0, rounds - 1 do
            if math.random(8) == 1 then
              change_something(count)
            end
            while #flows > 0 and math.random(2) == 1 do
              give(math.random(#flows))
            end
            local client = ("10.%d.%d.1:9"):format(math.random(250),
              math.random(250))
            local servers = literal_servers(count)
            servers.now = turn
            local expected = pick(literal.flow {
              client = client:match("^[^:]+"),
            }, servers)
            local name = take(math.random(2), client)
            p.site.board.upstreams[0].turn = turn + 1
            assert.are.equal(expected and "s" .. expected, name)
          end
          assert.are.same({}, p.log)
        end)
    end
  end
end)
