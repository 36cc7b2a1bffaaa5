--- The policy primary over two workers on one board: what each of them does is
-- what both do, whoever has seen a change first.
local ffi = require "ffi"
local program = require "script.program"

local READY, DRAIN, MAINT = 0, 1, 2

local SERVERS = [[
server a = 127.0.0.1:1
server b = 127.0.0.1:2
server c = 127.0.0.1:3 backup
]]


describe("the primary of two workers", function()
  local p, workers

  local function begin(options)
    p = assert(program.start {
      config = "[upstream pxc]\nprotocol = tcp\npolicy = primary "
        .. (options or "") .. "\n" .. SERVERS,
    })
    workers = { p, p:colleague() }
  end

  after_each(function()
    workers[2]:stop()
    p:stop()
  end)

  local function row_of(name)
    for i = 0, 2 do
      local server = p:upstream("pxc").servers[i]
      if ffi.string(server.conf.name.p, server.conf.name.len) == name then
        return server.row
      end
    end
  end

  local function set_up(name, up)
    p.core.board_set_up(p.site.board, row_of(name), up,
      ffi.new("struct str", "", 0))
  end

  local function set_admin(name, admin)
    p.core.board_set_admin(p.site.board, row_of(name), admin)
  end

  -- What both choose, the second worker first.
  local function pick()
    local second, first = workers[2]:pick("pxc"), workers[1]:pick("pxc")
    assert.are.equal(second, first)
    return first
  end

  -- The lines of the log since the last call.
  local function logged()
    local lines = {}
    while #p.log > 0 do
      local line = table.remove(p.log, 1)
      lines[#lines + 1] = line:match("upstream pxc: (.*)$") or line
    end
    return lines
  end

  it("is the first server, and the next while that is out", function()
    begin()
    assert.are.equal("a", pick())
    assert.are.same({ "the primary is a" }, logged())
    set_up("a", false)
    assert.are.equal("b", pick())
    assert.are.same({ "the primary is b now, was a, which is down" }, logged())
    set_up("a", true)
    assert.are.equal("a", pick())
    assert.are.same({ "the primary is a now, was b, which is up" }, logged())
    assert.are.equal("a", pick())
    assert.are.same({}, logged())
  end)

  it("stays where it is without failback", function()
    begin("failback=off")
    assert.are.equal("a", pick())
    set_admin("a", MAINT)
    assert.are.equal("b", pick())
    assert.are.same({
      "the primary is a",
      "the primary is b now, was a, which is in maintenance",
    }, logged())
    set_admin("a", READY)
    assert.are.equal("b", pick())
    set_admin("b", DRAIN)
    assert.are.equal("a", pick())
    assert.are.same({ "the primary is a now, was b, which is draining" },
      logged())
  end)

  it("is a backup when nothing else is in service", function()
    begin()
    set_up("a", false)
    p.core.board_set_weight(p.site.board, row_of("b"), 0)
    assert.are.equal("c", pick())
    p.core.board_set_weight(p.site.board, row_of("b"), 1)
    assert.are.equal("b", pick())
  end)

  it("outlives the worker that has chosen it", function()
    begin("failback=off")
    set_up("a", false)
    p.core.board_worker_started(p.site.board, 1, 4242, 1)
    assert.are.equal("b", workers[2]:pick("pxc"))
    set_up("a", true)
    p.core.board_worker_died(p.site.board, 1)
    assert.are.equal("b", workers[1]:pick("pxc"))
  end)

  -- Nobody has noted the change: the worker has seen the server as it was.
  local function set_up_unnoted(name, up)
    p.site.board.servers[row_of(name)].up = up
  end

  it("is not overruled by who has not seen yet that a server went", function()
    begin()
    assert.are.equal("a", pick())
    set_up("a", false)
    assert.are.equal("b", pick())
    set_up("a", true)
    p.core.roster_refresh(p:upstream("pxc").roster)
    set_up_unnoted("a", false)
    logged()
    assert.are.equal("b", workers[1]:pick("pxc"))
    assert.are.same({}, logged())
  end)

  it("is not overruled by who has not seen yet that it came back", function()
    begin()
    set_up("a", false)
    assert.are.equal("b", pick())
    set_up("a", true)
    assert.are.equal("a", pick())
    set_up("a", false)
    p.core.roster_refresh(p:upstream("pxc").roster)
    set_up_unnoted("a", true)
    logged()
    assert.are.equal("b", workers[1]:pick("pxc"))
    assert.are.same({}, logged())
    local chosen = p.core.board_chosen(p.site.board, p:upstream("pxc").row)
    assert.are.equal(row_of("a"), chosen)
  end)

  it("says so when no server is in service", function()
    begin()
    for _, name in ipairs { "a", "b", "c" } do
      set_up(name, false)
    end
    assert.are.same({ nil, "no server is available" },
      { workers[1]:pick("pxc") })
  end)
end)
