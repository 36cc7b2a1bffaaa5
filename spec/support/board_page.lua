--- A board with something of everything on it, and its statistics page.
local ffi = require "ffi"
local support = require "support.ffi"
local core = support.load("board/board.h", "board/render_page.h",
  "board/events.h", "board/render_events.h", "board/history.h",
  "board/render_history.h", "board/state.h", "board/slots.h",
  "board/strikes.h", "board/versions.h", "base/clock.h", "base/diff.h")

local LIMIT = 64 * 1024 * 1024
local LAYER7_OK, LAYER7_STATUS = core.CHECK_STATUS_L7OK,
  core.CHECK_STATUS_L7STS
local SECOND_MS = 1000

local _M = { core = core }


local function str(text)
  return ffi.new("struct str", text, #text)
end
_M.str = str


--- A board of 2 workers; board_close ends it.
-- @param servers  integer or nil: how many it has room for
function _M.open(servers)
  core.clock_update()
  local board = core.board_open(ffi.new("struct board_limits", {
    workers = 2, upstreams = 4, servers = servers or 16, sections = 4,
    scripts = 4, entries = 16, ring_bytes = 4096,
  }), "0.1.0")
  assert(board ~= nil)
  return board
end


--- Adds a server that is checked.
-- @return integer: its row
function _M.add_server(board, upstream, name, address)
  local row = core.board_add_server(board, upstream, str(name))
  assert(row >= 0)
  core.board_set_server(board, row, str(address), 1, 100, false)
  core.board_set_check(board, row, 2, 3)
  core.board_note_check(board, row, LAYER7_OK, str("Layer7 check passed"),
    1234)
  return row
end


--- Takes a server down for a reason.
function _M.take_down(board, row, why)
  core.board_note_check(board, row, LAYER7_STATUS, str(why), 2345)
  core.board_set_counts(board, row, 3, 0)
  core.board_set_up(board, row, false, str(why))
end


--- Lets TICKS seconds go by, with work for each row in the first of each kind.
function _M.work(board, ticks, per_tick)
  local section = board.section_counters[0]
  for i = 1, ticks do
    local n = per_tick and per_tick(i) or 10
    section.requests = section.requests + n
    section.connections = section.connections + n
    section.bytes_in = section.bytes_in + n * 300
    section.bytes_out = section.bytes_out + n * 12000
    for k = 0, 2 do
      local counters = board.server_counters[k]
      counters.requests = counters.requests + math.floor(n / 3)
      counters.responses_2xx = counters.responses_2xx + math.floor(n / 3)
      counters.bytes_out = counters.bytes_out + n * 4000
    end
    core.clock_advance(SECOND_MS)
    core.history_step(board)
  end
end


local STATES = { "up", "going_down", "going_up", "down", "drain", "maint",
  "no_check" }


local function set_state(board, row, state)
  if state == "going_down" then
    core.board_set_counts(board, row, 1, 0)
  elseif state == "going_up" then
    _M.take_down(board, row, "Layer4 connection problem: refused")
    core.board_set_counts(board, row, 0, 1)
  elseif state == "down" then
    _M.take_down(board, row, "wsrep_cluster_status non-Primary")
  elseif state == "drain" then
    core.board_set_admin(board, row, core.SERVER_DRAIN)
  elseif state == "maint" then
    core.board_set_admin(board, row, core.SERVER_MAINT)
  elseif state == "no_check" then
    core.board_set_check(board, row, 0, 0)
  end
end


local function add_script(board)
  local row = core.board_add_script(board, str("policy/leastconn.lua"))
  local version = ffi.new("struct script_version", { generation = 2,
    since_ms = tonumber(core.clock_wall_ms()) - 5000 })
  ffi.copy(version.hash, "3f2a90c1d2e4")
  ffi.copy(version.previous, "0011223344ff")
  core.versions_set(board.scripts[row], version)
  local other = core.board_add_script(board, str("rewrite/<b>&\".lua"))
  core.strikes_condemn(board.scripts[other], core.STRIKE_TIME)
end


--- Fills a board: upstreams in which every state stands, sections, scripts,
-- events, and four minutes of work.
function _M.fill(board)
  local web = core.board_add_section(board, str("http web"))
  ffi.copy(board.sections[web].listens, "0.0.0.0:80 [::]:80")
  core.board_add_section(board, str("mysql pxc"))
  local php = core.board_add_upstream(board, str("php"))
  local pxc = core.board_add_upstream(board, str("pxc"))
  for i = 1, 3 do
    _M.add_server(board, php, "php_" .. i, "10.0.0.1" .. i .. ":9000")
  end
  for i, state in ipairs(STATES) do
    local row = _M.add_server(board, pxc, "MySQL_" .. i,
      "10.0.0.2" .. i .. ":3306")
    set_state(board, row, state)
  end
  add_script(board)
  board.workers[0].pid = 4711
  board.workers[0].started_ms = core.clock_wall_ms() - 86400000
  board.workers[0].heap_bytes = 1234567
  core.event_note(board, core.EVENT_DOWN, "%s",
    "pxc/MySQL_4 down: wsrep_cluster_status non-Primary")
  core.event_note(board, core.EVENT_ADMIN, "%s",
    "pxc/MySQL_5 is set to drain, weight 1, by admin")
  core.event_note(board, core.EVENT_WORKER, "%s",
    "worker[1] (pid 4712) was killed by SIGKILL; another takes its place")
  core.event_note(board, core.EVENT_UP, "%s", "php/php_2 up: Layer7 check "
    .. "passed")
  for i = 1, 6 do
    core.event_note(board, core.EVENT_SCRIPT, "%s",
      "script a.lua exchanged for version 00000000000" .. i .. ", by ctl")
  end
  _M.work(board, 240, function(i)
    return math.floor(60 + 50 * math.sin(i / 20) + i % 7)
  end)
end


local function render(write)
  local out = ffi.new("struct buf")
  core.buf_init_growing(out, LIMIT)
  write(out)
  assert(not out.failed)
  local text = ffi.string(out.p, out.len)
  core.buf_fini(out)
  return text
end
_M.render = render


--- A view; its texts live as long as it is held.
-- @param fields  table: chinese, admin (boolean), notice, uri, user, token
function _M.view(fields)
  local view = ffi.new("struct page_view")
  local held = {}
  local function set(name, text)
    held[#held + 1] = text
    view[name] = str(text)
  end
  view.language = fields.chinese and core.PAGE_CHINESE or core.PAGE_ENGLISH
  view.admin = fields.admin or false
  set("uri", fields.uri or "/dbs")
  set("nonce", "n0nce")
  set("token", fields.token or "t0ken")
  set("user", fields.user or "")
  set("notice", fields.notice or "")
  view.notice_is_error = fields.error or false
  return { view = view, held = held }
end


--- The page.
function _M.page(board, fields)
  local view = _M.view(fields or {})
  return render(function(out)
    core.render_page(out, board, view.view)
  end)
end


return _M
