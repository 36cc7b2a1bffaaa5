--- The statistics page in a browser, in all the states that a running program
-- does not come to by itself.  A scripted server hands out what the core
-- renders from a board that the spec changes, under the policy that the header
-- asks for.
local browser = require "support.stats_page"
local folder = require "support.folder"
local loop = require "support.loop"
local net = require "support.net"
local page = require "support.board_page"
local peer = require "support.peer"
local process = require "support.process"

local core = page.core

local POLICY = "default-src 'none'; style-src 'nonce-n0nce'; "
  .. "script-src 'nonce-n0nce'; connect-src 'self'; form-action 'self'; "
  .. "base-uri 'none'; frame-ancestors 'none'"
local GROUNDS = { light = "rgb(246, 247, 249)", dark = "rgb(18, 22, 27)" }
local STATES = { "up", "up", "up", "up", "going down 1/3", "going up 1/2",
  "down", "drain", "maint", "no check", "down", "in use", "quarantined",
  "not running" }


describe("the statistics page in Chromium, in any state", function()
  local board, place, server

  setup(browser.prepare)

  local function answer(connection, status, body)
    connection:send(("HTTP/1.1 %s\r\nContent-Type: text/html\r\n"
      .. "Content-Security-Policy: %s\r\nCache-Control: no-store\r\n"
      .. "Content-Length: %d\r\nConnection: close\r\n\r\n%s"):format(status,
      POLICY, #body, body))
  end

  local function serve(connection)
    local head = connection:receive_until("\r\n\r\n", math.huge)
    if not head then
      return
    end
    if head:match("^GET /dbs ") then
      answer(connection, "200 OK", page.page(board, { admin = true }))
    else
      answer(connection, "204 No Content", "")
    end
  end

  local function url()
    return "http://127.0.0.1:" .. server.port .. "/dbs"
  end

  before_each(function()
    place = browser.place()
    board = page.open()
    page.fill(board)
    server = peer.serve(serve)
  end)

  after_each(function()
    process.end_all()
    net.close_all()
    loop.clear()
    core.board_close(board)
    folder.remove(place)
  end)

  it("has no violation of level A or AA in any state", function()
    local long = core.board_add_upstream(board, page.str(("long-"):rep(6)))
    page.take_down(board, page.add_server(board, long, ("s"):rep(32),
      ("f"):rep(200) .. ":3306"), ("why "):rep(60))
    local found = browser.run("look", "forms", place, { url = url() })
    assert.are.equal(4, #found)
    for _, form in ipairs(found) do
      local name = ("%d %s"):format(form.width, form.colorScheme)
      assert.are.same({}, form.violations, name)
      assert.are.same({}, form.complaints, name)
      assert.are.same({}, form.asked, name)
      assert.are.same(STATES, form.states, name)
      assert.is_true(form.overflow <= 0, name)
      assert.are.equal(GROUNDS[form.colorScheme], form.ground, name)
      assert.are.equal("Refreshes itself every 5 seconds", form.live, name)
      assert.are.equal("H1 H2 H3", table.concat(form.headings, " ", 1, 3), name)
    end
  end)

  it("keeps the reader's place when a server dies", function()
    local words = "Connection refused by php_1"
    local found = browser.run("look", "live", place, { url = url(),
      words = words }, function()
        page.work(board, 1)
        page.take_down(board, 0, words)
        core.event_note(board, core.EVENT_DOWN, "%s",
          "php/php_1 down: " .. words)
      end)
    assert.are.same({}, found.complaints)
    assert.is_true(found.same)
    assert.are.equal(120, found.left)
    assert.is_true(found.open)
    assert.are.equal("u1", found.focus)
    assert.are.equal(found.y_before, found.y)
    assert.are.equal(0, found.asked_hidden)
    assert.are.equal(1, found.asked_shown)
  end)
end)
