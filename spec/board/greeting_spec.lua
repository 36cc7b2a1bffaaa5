--- What servers say of themselves, on the board.
local ffi = require "ffi"
local core = require("support.ffi").load("board/board.h", "board/greeting.h")


local function str(text)
  return ffi.new("struct str", text, #text)
end


describe("a server's greeting on the board", function()
  local board, row

  before_each(function()
    board = core.board_open(ffi.new("struct board_limits", {
      workers = 1, upstreams = 1, servers = 2, sections = 1, scripts = 1,
      entries = 16, ring_bytes = 4096,
    }), "spec")
    assert(board ~= nil)
    row = core.board_add_server(board, core.board_add_upstream(board,
      str "db"), str "one")
  end)

  after_each(function()
    core.board_close(board)
  end)

  local function note(version, capabilities)
    local facts = ffi.new("struct greeting_facts",
      { capabilities = capabilities, mariadb = 29, charset = 45 })
    core.greeting_set_version(facts, str(version))
    core.greeting_note(board, row, facts)
  end

  local function read()
    local facts = ffi.new("struct greeting_facts")
    if not core.greeting_read(board, row, facts) then
      return nil
    end
    return { ffi.string(facts.version), facts.capabilities, facts.mariadb,
      facts.charset }
  end

  it("is not known before it is noted", function()
    assert.is_nil(read())
    note("8.0.36", 7)
    assert.are.same({ "8.0.36", 7, 29, 45 }, read())
    note("8.4.0", 8)
    assert.are.same({ "8.4.0", 8, 29, 45 }, read())
  end)

  it("cuts a version that is too long", function()
    note(("9"):rep(100), 1)
    assert.are.equal(("9"):rep(core.GREETING_VERSION_MAX), read()[1])
  end)

  it("that two have written at once is not known, but noted again", function()
    note("8.0.36", 7)
    local words = board.servers[row].greeting.words
    words[0] = words[0] + 1
    assert.is_nil(read())
    note("8.0.36", 7)
    assert.are.same({ "8.0.36", 7, 29, 45 }, read())
  end)

  it("goes with its row", function()
    note("8.0.36", 7)
    core.board_remove_server(board, row)
    row = core.board_add_server(board, 0, str "two")
    assert.is_nil(read())
  end)
end)
