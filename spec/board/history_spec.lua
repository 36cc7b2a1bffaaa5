--- A quarter of an hour of figures on the board.
local json = require "dkjson"
local page = require "support.board_page"

local core = page.core

local KEPT = tonumber(core.HISTORY_KEPT)
local STEPS = tonumber(core.HISTORY_SAMPLE_STEPS)


describe("history", function()
  local board

  before_each(function()
    board = page.open()
    local upstream = core.board_add_upstream(board, page.str("php"))
    core.board_add_section(board, page.str("http web"))
    for i = 1, 3 do
      page.add_server(board, upstream, "s" .. i, "127.0.0.1:1")
    end
  end)

  after_each(function()
    core.board_close(board)
  end)

  local function read()
    local all = assert(json.decode(page.render(function(out)
      core.render_history_json(out, board)
    end)))
    for _, series in ipairs(all.series) do
      all[series.name] = series
    end
    return all
  end

  it("has rates of each row and of all, every five seconds", function()
    page.work(board, 3 * STEPS, function()
      return 30
    end)
    local all = read()
    assert.are.equal(5, all.interval_s)
    assert.are.equal(3, #all.times_ms)
    assert.are.equal(5000, all.times_ms[3] - all.times_ms[2])
    assert.are.equal(30, all["http web"].requests_per_s[3])
    assert.are.equal(30, all.all.requests_per_s[3])
    assert.are.equal(10, all["php/s2"].requests_per_s[3])
    assert.are.equal(30, all.php.requests_per_s[3])
    assert.are.equal(30, all.php.rate_max)
  end)

  it("keeps the most there was, also between two samples", function()
    local taken = 0
    page.work(board, 2 * STEPS, function(i)
      if i == 2 then
        for _ = 1, 7 do
          assert.is_true(core.slot_take(board, 0, 1, 0))
          taken = taken + 1
        end
      end
      if i == 4 then
        for _ = 1, 5 do
          core.slot_give(board, 0, 1)
        end
      end
      return i == 3 and 90 or 3
    end)
    local server = read()["php/s1"]
    assert.are.same({ 2, 2 }, server.sessions)
    assert.are.equal(7, server.sessions_max)
    assert.are.equal(30, server.rate_max)
    assert.are.equal(7, read().php.sessions_max)
  end)

  it("forgets what is older, and leaves out what is written next", function()
    page.work(board, (KEPT + 20) * STEPS)
    local all = read()
    assert.are.equal(KEPT - 1, #all.times_ms)
    assert.are.equal(KEPT - 1, #all.php.sessions)
    assert.are.equal((KEPT - 2) * 5000,
      all.times_ms[KEPT - 1] - all.times_ms[1])
  end)

  it("of a row begins when it is taken by another name", function()
    page.work(board, 4 * STEPS, function()
      return 30
    end)
    core.board_remove_server(board, 2)
    local row = page.add_server(board, 0, "new", "127.0.0.1:2")
    assert.are.equal(2, row)
    page.work(board, 2 * STEPS, function()
      return 6
    end)
    local all = read()
    assert.are.equal(2, #all["php/new"].requests_per_s)
    assert.are.equal(2, all["php/new"].requests_per_s[2])
    assert.are.equal(2, all["php/new"].rate_max)
    assert.are.equal(6, #all["php/s1"].requests_per_s)
  end)

  it("has no rates of the time that control was away", function()
    page.work(board, STEPS)
    board.section_counters[0].requests = 100000
    core.clock_advance(60000)
    page.work(board, STEPS, function()
      return 10
    end)
    local web = read()["http web"]
    assert.are.equal(10, web.rate_max)
    assert.is_true(web.requests_per_s[2] > 1000)
    assert.is_true(web.requests_per_s[2] < 2000)
  end)
end)
