--- The statistics page in a browser: in all its forms, while it changes, and
-- what its buttons send.  A scripted server hands out what the core renders
-- from a board that the spec changes, under the policy that the header asks
-- for.
local browser = require "support.stats_page"
local folder = require "support.folder"
local loop = require "support.loop"
local net = require "support.net"
local page = require "support.board_page"
local peer = require "support.peer"
local process = require "support.process"

local core, str = page.core, page.str

local POLICY = "default-src 'none'; style-src 'nonce-n0nce'; "
  .. "script-src 'nonce-n0nce'; connect-src 'self'; form-action 'self'; "
  .. "base-uri 'none'; frame-ancestors 'none'"
local GROUNDS = { light = "rgb(246, 247, 249)", dark = "rgb(18, 22, 27)" }
local STATES = { "up", "up", "up", "up", "going down 1/3", "going up 1/2",
  "down", "drain", "maint", "no check", "in use", "quarantined",
  "not running" }
local ROW = 3  -- of pxc/MySQL_1
local ADMINS = { ready = core.SERVER_READY, drain = core.SERVER_DRAIN,
  maint = core.SERVER_MAINT }


-- "a=b&c=d" as a table.
local function decode(body)
  local fields = {}
  for name, value in body:gmatch("([^&=]+)=([^&]*)") do
    fields[name] = value:gsub("+", " "):gsub("%%(%x%x)", function(hex)
      return string.char(tonumber(hex, 16))
    end)
  end
  return fields
end


describe("the statistics page in Chromium", function()
  local board, place, server, posted

  setup(browser.prepare)

  local function answer(connection, status, body, more)
    connection:send(("HTTP/1.1 %s\r\nContent-Type: text/html\r\n"
      .. "Content-Security-Policy: %s\r\nCache-Control: no-store\r\n"
      .. "Content-Length: %d\r\nConnection: close\r\n%s\r\n%s"):format(status,
      POLICY, #body, more or "", body))
  end

  -- The first POST is asked about, the second is done.
  local function take_post(connection, fields)
    posted[#posted + 1] = fields
    if fields.confirm == "yes" then
      if ADMINS[fields.action] then
        core.board_set_admin(board, ROW, ADMINS[fields.action])
      end
      answer(connection, "303 See Other", "", "Location: /dbs\r\n")
      return
    end
    local view = page.view { admin = true }
    answer(connection, "200 OK", page.render(function(out)
      core.render_confirm(out, board, view.view, str(fields.action),
        str(fields.target), str(fields.value or ""))
    end))
  end

  local function serve(connection)
    local head = connection:receive_until("\r\n\r\n", math.huge)
    if not head then
      return
    end
    local length = tonumber(head:lower():match("content%-length: (%d+)") or 0)
    if head:match("^POST /dbs ") then
      take_post(connection, decode(connection:receive(length)))
    elseif head:match("^GET /dbs ") then
      answer(connection, "200 OK", page.page(board, { admin = true,
        notice = #posted > 0 and "done" or "" }))
    else
      answer(connection, "204 No Content", "")
    end
  end

  local function url()
    return "http://127.0.0.1:" .. server.port .. "/dbs"
  end

  before_each(function()
    posted = {}
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

  it("has no violation of level A or AA in any form, and is complete without "
    .. "JavaScript", function()
    local forms = browser.look("forms", url(), nil, place)
    assert.are.equal(8, #forms)
    for _, form in ipairs(forms) do
      local name = ("%d %s %s"):format(form.width, form.colorScheme,
        tostring(form.javaScriptEnabled))
      assert.are.same(form.javaScriptEnabled and {} or nil, form.violations,
        name)
      assert.are.same({}, form.complaints, name)
      assert.are.same({}, form.asked, name)
      assert.are.same(STATES, form.states, name)
      assert.is_true(form.overflow <= 0, name)
      assert.are.equal(GROUNDS[form.colorScheme], form.ground, name)
      assert.are.equal(form.javaScriptEnabled
        and "Refreshes itself every 5 seconds" or "Reload for newer figures",
        form.live, name)
      assert.are.equal("H1 H2 H3", table.concat(form.headings, " ", 1, 3), name)
    end
  end)

  it("shows a server that dies, with its reason, and keeps the reader's place",
    function()
      loop.spawn("load, then a death", function()
        local dead = false
        while true do
          loop.wait(-1, 0, loop.now() + 0.2)
          page.work(board, 1)
          if not dead and folder.read(place .. "/ready") then
            page.take_down(board, 0, "Connection refused by php_1")
            core.event_note(board, core.EVENT_DOWN, "%s",
              "php/php_1 down: Connection refused by php_1")
            dead = true
          end
        end
      end)
      local found = browser.look("live", url(), "Connection refused by php_1",
        place)
      assert.are.same({}, found.complaints)
      assert.is_true(found.same)
      assert.are.equal(120, found.left)
      assert.is_true(found.open)
      assert.are.equal("u1", found.focus)
      assert.are.equal(found.y_before, found.y)
      assert.are.equal(0, found.asked_hidden)
      assert.are.equal(1, found.asked_shown)
    end)

  it("sends each action with its token, first to be asked about it", function()
    local found = browser.look("admin", url(), tostring(ROW), place)
    assert.are.same({}, found.complaints)
    assert.are.equal("done", found.notice)
    assert.are.equal(8, #posted)
    for i, action in ipairs { "drain", "maint", "ready", "weight" } do
      for k = i * 2 - 1, i * 2 do
        assert.are.equal(action, posted[k].action)
        assert.are.equal("pxc/MySQL_1", posted[k].target)
        assert.are.equal("t0ken", posted[k].token)
        assert.are.equal(k % 2 == 0 and "yes" or nil, posted[k].confirm)
      end
      assert.is_truthy(found.asked[i]:find("pxc/MySQL_1", 1, true))
    end
    assert.are.equal("7", posted[7].value)
    assert.are.equal("7", posted[8].value)
  end)
end)
