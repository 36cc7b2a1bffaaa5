--- [stats]: the page and what programs read, who may see it, and what it may
-- change.
local folder = require "support.folder"
local http = require "support.http"
local json = require "dkjson"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"

local basic = http.basic

local CONFIG = [[
  [upstream db]
  protocol = tcp
  server a = 127.0.0.1:${port_a}
  server b = 127.0.0.1:${port_a} weight=3
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = off
  [stats dbs]
  listen = 127.0.0.1:${port_stats}
  uri = /dbs
  realm = Global statistics
  %s
]]


describe("the statistics", function()
  local m

  after_each(moongate.finish)

  local function start(lines, files)
    local a = peer.serve(peer.greet("a"))
    m = moongate.start {
      config = CONFIG:format(lines or ""), ports = { a = a.port },
      files = files,
    }
  end

  local function fetch(line, fields, body)
    return http.fetch(m.port.stats, line, fields, body)
  end

  it("are a page, CSV, JSON and metrics", function()
    start()
    local page = fetch("GET /dbs")
    assert.are.equal(200, page.status)
    assert.is_truthy(page.body:find("<html lang=en>", 1, true))
    assert.is_truthy(page.headers["content-security-policy"])
    assert.are.equal("no-store", page.headers["cache-control"])
    page = fetch("GET /dbs", { "Accept-Language: zh-CN,en;q=0.5" })
    assert.is_truthy(page.body:find("<html lang=zh", 1, true))
    local csv = fetch("GET /dbs;csv").body
    assert.is_truthy(csv:find("^# pxname,svname,qcur,"))
    assert.is_truthy(csv:find("\ndb,FRONTEND,", 1, true))
    assert.is_truthy(csv:find("\ndb,a,", 1, true))
    assert.is_truthy(csv:find("\ndb,BACKEND,", 1, true))
    local all = assert(json.decode(fetch("GET /dbs.json").body))
    assert.are.equal("a", all.servers[1].server)
    assert.is_truthy(all.history and all.events and all.info)
    local metrics = fetch("GET /metrics").body
    assert.is_truthy(metrics:find(
      'moongate_server_weight{upstream="db",server="b"} 3\n', 1, true))
    assert.are.equal(404, fetch("GET /else").status)
    assert.are.equal(404, fetch("GET /dbs2").status)
    assert.are.equal(405, fetch("PUT /dbs").status)
  end)

  it("have the columns that HAProxy has, and count the same", function()
    start()
    for _ = 1, 4 do
      assert.are.equal("a", net.connect(m.port.db):receive(1))
    end
    local names, rows = nil, {}
    for line in fetch("GET /dbs;csv").body:gmatch("[^\n]+") do
      local cells = {}
      for cell in line:gsub("^# ", ""):gmatch("([^,]*),") do
        cells[#cells + 1] = cell
      end
      if not names then
        names = cells
      else
        local row = {}
        for i, name in ipairs(names) do
          row[name] = cells[i]
        end
        assert.are.equal(#names, #cells)
        rows[row.pxname .. "/" .. row.svname] = row
      end
    end
    assert.are.equal("4", rows["db/BACKEND"].stot)
    assert.are.equal("4", rows["db/FRONTEND"].stot)
    assert.are.equal("3", rows["db/b"].weight)
    assert.are.equal("no check", rows["db/a"].status)
    assert.are.equal(4, rows["db/a"].stot + rows["db/b"].stot)
  end)

  it("ask for a password, and for time from who guesses", function()
    start("auth = admin:abc123456\nauth = two:words here")
    local answer = fetch("GET /dbs")
    assert.are.equal(401, answer.status)
    assert.is_truthy(answer.headers["www-authenticate"]:find(
      'Basic realm="Global statistics"', 1, true))
    for _, path in ipairs { "/dbs;csv", "/dbs.json", "/metrics", "/else" } do
      assert.are.equal(401, fetch("GET " .. path).status)
    end
    local right = basic("admin", "abc123456")
    assert.are.equal(200, fetch("GET /dbs", { right }).status)
    assert.are.equal(200,
      fetch("GET /dbs", { basic("two", "words here") }).status)
    for _, wrong in ipairs { basic("admin", "abc12345"),
        basic("nobody", "abc123456"), basic("admin", "words here") } do
      assert.are.equal(401, fetch("GET /dbs", { wrong }).status)
    end
    assert.are.equal(429, fetch("GET /dbs", { basic("admin", "x") }).status)
    -- Who was right before is known.
    assert.are.equal(200, fetch("GET /dbs", { right }).status)
    m:wait_log("stats dbs: a wrong user or password client=127.0.0.1:%d+ "
      .. "failures=3")
    assert.is_nil(m:log():find("abc12345", 1, true))
    assert.is_nil(m:log():find("words here", 1, true))
  end)

  it("change servers for an administrator, once it is confirmed", function()
    start("auth = admin:secret\nadmin = on")
    local client = http.connect(m.port.stats)
    local login = basic("admin", "secret")
    local form = "Content-Type: application/x-www-form-urlencoded"
    local page = client:exchange("GET /dbs", { login }).body
    local token = page:match('name=token value="?(%x+)')
    assert.is_truthy(token, page)
    local function post(body, fields)
      return client:exchange("POST /dbs", { login, form,
        "Content-Length: " .. #body, unpack(fields or {}) }, body)
    end
    local body = "action=drain&target=db%2Fa&token="
    assert.are.equal(403, post(body .. ("0"):rep(32)).status)
    assert.are.equal(403, post(body .. token,
      { "Origin: http://evil.example" }).status)
    assert.are.equal(403, post(body .. token, { "Origin: null" }).status)
    assert.are.equal(200, post(body .. token,
      { "Origin: https://localhost" }).status)
    assert.are.equal(403, post(body .. token, { "Origin: null" }).status)
    local answer = post(body .. token, { "Origin: http://localhost" })
    assert.are.equal(200, answer.status)
    -- "no-referrer" would have browsers send "Origin: null".
    assert.are.equal("same-origin", answer.headers["referrer-policy"])
    assert.is_truthy(answer.body:find("confirm", 1, true))
    assert.are.equal("no check", m:server("a").state)
    -- A browser sends the row's weight with each of its buttons.
    answer = post(body .. token .. "&confirm=yes&value=1")
    assert.are.equal(303, answer.status)
    assert.are.equal("/dbs", answer.headers.location)
    assert.are.equal("drain", m:server("a").state)
    assert.is_truthy(client:exchange("GET /dbs", { login }).body:find(
      "db/a is set to drain", 1, true))
    m:wait_log("server db/a is set to drain weight=1 by admin by stats dbs "
      .. "client=127.0.0.1:%d+")
    answer = post("action=weight&target=db%2Fb&value=7&confirm=yes&token="
      .. token)
    assert.are.equal(303, answer.status)
    assert.are.equal(7, m:server("b").weight)
    assert.are.equal(400, post("action=burn&token=" .. token).status)
    answer = post("action=ready&target=db%2Fx&confirm=yes&token=" .. token)
    assert.is_truthy(answer.body:find("there is no server", 1, true))
    answer = post("action=rollback&target=x.lua&confirm=yes&token=" .. token)
    assert.is_truthy(answer.body:find("there is no such script", 1, true))
    -- An administrator of another login has another token.
    local b = "action=ready&target=db%2Fa&confirm=yes&token=" .. token
    assert.are.equal(401, fetch("POST /dbs", { form,
      "Content-Length: " .. #b }, b).status)
  end)

  it("notice a client that leaves while the master works", function()
    start("auth = admin:secret\nadmin = on")
    local login = basic("admin", "secret")
    local token = fetch("GET /dbs", { login }).body:match(
      'name=token value="?(%x+)')
    local pid = m:pids("mg-control")[1]
    local function sockets()
      local status, text = process.run { "sh", "-c",
        ("ls -l /proc/%d/fd | grep -c socket:"):format(pid) }
      assert(status == 0, text)
      return tonumber(text)
    end
    local before = sockets()
    m.master:kill("STOP")
    local body = "action=rollback&target=x.lua&confirm=yes&token=" .. token
    local client = http.connect(m.port.stats)
    client:request("POST /dbs", { login, "Content-Length: " .. #body }, body)
    assert.are.equal(200, fetch("GET /dbs", { login }).status)
    loop.wait_until("it waits", function()
      return sockets() == before + 1
    end)
    client:close()
    loop.wait_until("it is forgotten", function()
      return sockets() == before
    end)
    m.master:kill("CONT")
  end)

  it("change nothing without admin", function()
    start()
    local body = "action=drain&target=db%2Fa&confirm=yes&token="
    assert.are.equal(403, fetch("POST /dbs",
      { "Content-Length: " .. #body }, body).status)
    assert.is_nil(fetch("GET /dbs").body:find("<form", 1, true))
    assert.are.equal("no check", m:server("a").state)
  end)

  it("bear with clients that speak badly, slowly or not at all", function()
    start()
    local silent = net.connect(m.port.stats)
    local slow = net.connect(m.port.stats)
    slow:send("GET /dbs HT")
    assert.are.equal(400,
      http.raw(m.port.stats, "nonsense\r\n\r\n").status)
    assert.are.equal(431, http.raw(m.port.stats,
      "GET /dbs HTTP/1.1\r\nHost: a\r\nX: " .. ("x"):rep(20480)).status)
    assert.are.equal(413, fetch("POST /dbs",
      { "Content-Length: 100000" }).status)
    local client = http.connect(m.port.stats)
    for _ = 1, 3 do
      assert.are.equal(200, client:exchange("GET /metrics").status)
    end
    client:close()
    -- What is sent behind the refusal does not reset the answer.
    client = net.connect(m.port.stats)
    client:send("POST /dbs HTTP/1.1\r\nHost: a\r\nContent-Length: 99999"
      .. "\r\n\r\n" .. ("x"):rep(90000))
    assert.are.equal("HTTP/1.1 413", client:receive(12))
    client:send(("x"):rep(9999))
    assert.is_truthy(client:receive_all():find("too large", 1, true))
    client:close()
    slow:send("TP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    loop.wait_until("the slow one has its answer", function()
      return slow:receive(12) == "HTTP/1.1 200"
    end)
    silent:close()
    slow:close()
    assert.is_truthy(folder.read(m.file))
  end)
end)
