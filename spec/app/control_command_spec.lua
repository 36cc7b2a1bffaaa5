--- The commands of the control socket, on a board of their own.
local ffi = require "ffi"
local json = require "dkjson"
local support = require "support.ffi"
local core = support.load("app/control_command.h", "board/board.h",
                          "base/clock.h")

local LIMIT = 65536


describe("control commands", function()
  local board

  before_each(function()
    core.clock_update()
    local limits = ffi.new("struct board_limits", {
      workers = 2, upstreams = 2, servers = 4, sections = 2, scripts = 1,
      ring_bytes = 4096,
    })
    board = core.board_open(limits, "1.2.3")
    local name = "db"
    local upstream = core.board_add_upstream(board,
      ffi.new("struct str", name, #name))
    core.board_add_server(board, upstream, ffi.new("struct str", name, #name))
  end)

  after_each(function()
    core.board_close(board)
  end)

  -- The text, and whether it is for the master.
  local function run_whole(line)
    local out = ffi.new("struct buf")
    core.buf_init_growing(out, LIMIT)
    local later = core.control_command_run(out, nil, board,
      ffi.new("struct str", line, #line), "uid=1 pid=2")
    local text = ffi.string(out.p, out.len)
    core.buf_fini(out)
    return text, later
  end

  local function run(line)
    return run_whole(line):match("^(%S+)[ \n](.*)$")
  end

  it("answer ok and the text", function()
    local word, text = run("show info")
    assert.are.equal("ok", word)
    assert.is_truthy(text:find("1.2.3", 1, true), text)
  end)

  it("answer JSON where asked, wherever the word stands", function()
    for _, line in ipairs {
      "show servers --json", "show --json servers", "--json show servers",
      "  show\tservers  --json \r",
    } do
      local word, text = run(line)
      assert.are.equal("ok", word)
      assert.are.equal("db", json.decode(text)[1].upstream)
    end
  end)

  it("hand what only the master can do on to it", function()
    for line, request in pairs {
      ["log level debug"] = "log text\nlevel debug\nuid=1 pid=2",
      ["stop graceful --json"] = "stop json\ngraceful\nuid=1 pid=2",
      ["reload"] = "reload text\n\nuid=1 pid=2",
    } do
      local text, later = run_whole(line)
      assert.is_true(later)
      assert.are.equal(request, text)
    end
  end)

  it("leave what a client draws to the client", function()
    local word, text = run("top")
    assert.are.equal("error", word)
    assert.is_truthy(text:find('"moongate ctl top"', 1, true), text)
  end)

  it("list themselves, all or those that begin so", function()
    local word, text = run("help --json")
    assert.are.equal("ok", word)
    assert.are.equal("show info", json.decode(text)[1].command)
    word, text = run("help server")
    assert.are.equal("ok", word)
    assert.are.equal(4, select(2, text:gsub("server UPSTREAM", "")))
    assert.are.equal("error", (run("help nonsense")))
  end)

  it("know scripts by their names", function()
    local name = "shop.lua"
    core.board_add_script(board, ffi.new("struct str", name, #name))
    local word, text = run("script list --json")
    assert.are.equal("ok", word)
    assert.are.equal(name, json.decode(text)[1].name)
    word, text = run("script reload shp.lua")
    assert.are.equal("error", word)
    assert.is_truthy(text:find("did you mean 'shop.lua'?", 1, true), text)
  end)

  it("hand requests for other versions on to the master", function()
    local name = "shop.lua"
    core.board_add_script(board, ffi.new("struct str", name, #name))
    for line, request in pairs {
      ["script reload shop.lua"] = "script reload text 0 shop.lua uid=1 pid=2",
      ["script reload shop.lua --confirm 2m --json"] =
        "script reload json 120000 shop.lua uid=1 pid=2",
      ["script reload --confirm 2m shop.lua"] =
        "script reload text 120000 shop.lua uid=1 pid=2",
      ["script rollback shop.lua"] =
        "script rollback text 0 shop.lua uid=1 pid=2",
      ["script confirm shop.lua --json"] =
        "script confirm json 0 shop.lua uid=1 pid=2",
    } do
      local text, later = run_whole(line)
      assert.is_true(later)
      assert.are.equal(request, text)
    end
  end)

  it("show what they do not know", function()
    for _, line in ipairs { "nonsense", "show nonsense", "show", "" } do
      local word, text = run(line)
      assert.are.equal("error", word)
      assert.is_truthy(text:find('unknown command "' .. line .. '"', 1, true),
        text)
    end
  end)

  it("refuse arguments that mean nothing", function()
    for _, line in ipairs {
      "show info now", "show info a b c d e f g h i j k l",
    } do
      assert.are.equal("error", (run(line)))
    end
  end)
end)
