--- The seats of MySQL sessions on the board.
local ffi = require "ffi"
local core = require("support.ffi").load("board/board.h", "board/seats.h",
  "board/render_sessions.h", "base/clock.h")
local json = require "dkjson"

local WORKERS, SEATS = 2, 8


local function str(text)
  return ffi.new("struct str", text, #text)
end


describe("seats", function()
  local board, server

  before_each(function()
    core.clock_update()
    board = core.board_open(ffi.new("struct board_limits", {
      workers = WORKERS, upstreams = 1, servers = 2, sections = 1, scripts = 1,
      entries = 16, ring_bytes = 4096, seats = SEATS,
    }), "spec")
    assert(board ~= nil)
    server = core.board_add_server(board, core.board_add_upstream(board,
      str "db"), str "one")
    core.board_add_section(board, str "mysql db")
  end)

  after_each(function()
    core.board_close(board)
  end)

  local function facts(id, user)
    local f = ffi.new("struct seat_facts", { id = id, thread_id = id % 1000,
      server = server, client = "127.0.0.1:4711" })
    core.seat_set_names(f, str(user or "app"), str "shop")
    return f
  end

  local function take(worker, id, key, user)
    return core.seat_take(board, worker, facts(id, user), key or 0)
  end

  local function find(id)
    local out = ffi.new("struct seat_facts")
    return core.seat_find_id(board, id, out) and out or nil
  end

  local function find_busy(key)
    local out = ffi.new("struct seat_facts")
    return core.seat_find_busy(board, key, out) and tonumber(out.id) or nil
  end

  it("are found by the client's number, whoever's they are", function()
    local seat = take(0, 2147483650)
    take(1, 4294967295)
    assert.are.equal(650, find(2147483650).thread_id)
    assert.are.equal("127.0.0.1:4711", ffi.string(find(4294967295).client))
    assert.is_nil(find(5))
    core.seat_give(board, 0, seat)
    assert.is_nil(find(2147483650))
    assert.is_truthy(find(4294967295))
  end)

  it("are taken until there is no room, and again", function()
    local seats = {}
    for i = 1, SEATS do
      seats[i] = take(1, i)
      assert(seats[i] >= 0)
    end
    assert.are.equal(core.SEAT_NONE, take(1, 99))
    assert(take(0, 99) >= 0)
    core.seat_give(board, 1, seats[3])
    assert.are.equal(seats[3], take(1, 100))
    assert.are.equal(core.SEAT_NONE, take(1, 101))
    assert.are.equal(SEATS, core.seat_count(board, 1))
  end)

  it("say where a client's one session is, while it is busy", function()
    local seat = take(0, 11, 77)
    assert.is_nil(find_busy(77))
    core.seat_set_state(board, 0, seat, core.SEAT_BUSY)
    assert.are.equal(11, find_busy(77))
    assert.is_nil(find_busy(78))
    local other = take(1, 12, 77)
    assert.is_nil(find_busy(77))
    core.seat_give(board, 1, other)
    assert.are.equal(11, find_busy(77))
    core.seat_set_state(board, 0, seat, core.SEAT_IN_TRANSACTION)
    assert.is_nil(find_busy(77))
  end)

  it("tell no sessions together that do not say who they are", function()
    local seat = take(0, 11)
    core.seat_set_state(board, 0, seat, core.SEAT_BUSY)
    for key = 2, 4 do
      assert.is_nil(find_busy(key))
    end
  end)

  it("have keys that depend on each word, and on the board", function()
    local function key(a, b, c)
      return core.seat_key(board, str(a), str(b), str(c))
    end
    local one = key("127.0.0.1", "app", "12")
    assert.are.equal(one, key("127.0.0.1", "app", "12"))
    assert.are_not.equal(one, key("127.0.0.2", "app", "12"))
    assert.are_not.equal(one, key("127.0.0.1", "ap", "p12"))
    assert.are_not.equal(one, key("127.0.0.1", "app", "13"))
    board.header.secret = board.header.secret + 1
    assert.are_not.equal(one, key("127.0.0.1", "app", "12"))
  end)

  it("are not read while they are written", function()
    local seat = take(0, 11)
    board.seats[seat].version = board.seats[seat].version + 1
    assert.is_nil(find(11))
    core.seat_change(board, 0, seat, facts(11, "other"))
    assert.are.equal("other", ffi.string(find(11).user))
  end)

  it("of a worker that has died are free", function()
    take(0, 11)
    take(1, 12)
    -- It died between taking one and counting it.
    board.seat_heads[1].top = 0
    core.board_worker_died(board, 1)
    board.seat_heads[1].top = SEATS
    assert.is_nil(find(12))
    assert.is_truthy(find(11))
    assert.are.equal(0, take(1, 13))
  end)

  it("are shown, whatever a client calls itself", function()
    local seat = take(1, 2147483650, 0, 'a"\27[2J\nx')
    core.seat_set_state(board, 1, seat, core.SEAT_BUSY)
    take(0, 2147483651, 0, "")
    local out = ffi.new("struct buf")
    core.buf_init_growing(out, 65536)
    core.render_sessions(out, board, core.RENDER_JSON)
    local list = json.decode(ffi.string(out.p, out.len))
    assert.are.equal(2, #list)
    assert.are.same({ 'a"\27[2J\nx', "shop", "busy", "db/one", "mysql db", 1 },
      { list[2].user, list[2].schema, list[2].state, list[2].server,
        list[2].section, list[2].worker })
    core.buf_reset(out)
    core.render_sessions(out, board, core.RENDER_TEXT)
    local text = ffi.string(out.p, out.len)
    core.buf_fini(out)
    assert.is_truthy(text:find('a"\\x1b[2J\\x0ax', 1, true), text)
    assert.is_truthy(text:find("  %-    +  shop "), text)
    local _, lines = text:gsub("\n", "")
    assert.are.equal(3, lines)
  end)

  it("cut names that are too long", function()
    take(0, 11, 0, ("u"):rep(100))
    local f = find(11)
    assert.are.equal(("u"):rep(63), ffi.string(f.user, f.user_len))
  end)

  it("are shown in parts as they are at once", function()
    for i = 1, 7 do
      take(i % 2, 100 + i)
    end
    for _, format in ipairs { core.RENDER_TEXT, core.RENDER_JSON } do
      local whole = ffi.new("struct buf")
      core.buf_init_growing(whole, 65536)
      core.render_sessions(whole, board, format)
      for rows = 1, 9 do
        local parts = ffi.new("struct buf")
        local at = ffi.new("struct render_place")
        local count = 1
        core.buf_init_growing(parts, 65536)
        while core.render_sessions_part(parts, board, format, at, rows) do
          count = count + 1
        end
        assert.are.equal(ffi.string(whole.p, whole.len),
          ffi.string(parts.p, parts.len))
        assert.is_true(count >= math.floor(7 / rows))
        core.buf_fini(parts)
      end
      core.buf_fini(whole)
    end
  end)
end)
