--- The statistics on a path of [http]: route = /PATH stats NAME. A worker hands
-- the request to control, and passes the answer on.
local http = require "support.http"
local json = require "dkjson"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local process = require "support.process"

local basic = http.basic

local CONFIG = [[
  [upstream db]
  protocol = tcp
  server a = 127.0.0.1:9
  [http web]
  listen = 127.0.0.1:${port_web}
  listen = unix:${dir}/web.sock
  root = ${dir}/www
  route = /dbs stats dbs
  route = /short server_timeout=100ms stats dbs
  trust = 127.0.0.0/8
  access_log = httplog
  log_to = file:${dir}/access.log
  [stats dbs]
  %s
]]

local AUTH = "auth = admin:secret\nadmin = on"


describe("statistics on a path of [http]", function()
  local m, login

  after_each(moongate.finish)

  local function start(options)
    options = options or {}
    options.config = CONFIG:format(options.lines or AUTH)
      .. (options.more or "")
    options.files = options.files or {}
    options.files["www/index.html"] = "hello"
    m = moongate.start(options)
    login = basic("admin", "secret")
  end

  local function fetch(line, fields, body)
    return http.fetch(m.port.web, line, fields or { login }, body)
  end

  it("are a page, CSV, JSON and metrics, and a record each", function()
    start { workers = 2 }
    local page = fetch("GET /dbs")
    assert.are.equal(200, page.status)
    assert.is_truthy(page.body:find("<html lang=en>", 1, true))
    assert.is_truthy(page.headers["content-security-policy"])
    assert.is_truthy(page.body:find("</html>", 1, true))
    assert.is_truthy(fetch("GET /dbs;csv").body:find("^# pxname,svname,"))
    local all = assert(json.decode(fetch("GET /dbs.json").body))
    assert.are.equal("a", all.servers[1].server)
    local metrics = fetch("GET /dbs/metrics").body
    assert.is_truthy(metrics:find(
      'moongate_server_weight{upstream="db",server="a"} 1\n', 1, true))
    assert.are.equal(404, fetch("GET /dbs/else").status)
    assert.are.equal(405, fetch("PUT /dbs").status)
    local head = fetch("HEAD /dbs")
    assert.are.equal(200, head.status)
    assert.is_truthy(tonumber(head.headers["content-length"]) > 1000)
    -- Of two workers, either may be the first.
    local records = table.concat(m:records("access.log", 7), "\n")
    assert.is_truthy(records:find(" web web/<STATS> %d+/%-1/%-1/%-1/%d+ 200 "
      .. '%d+ %- %- %-%-%-%- [%d/]+ 0/0 "GET /dbs HTTP/1.1"'), records)
  end)

  it("come between other requests of a connection", function()
    start()
    local client = http.connect(m.port.web)
    for _ = 1, 3 do
      assert.are.equal("hello", client:exchange("GET /").body)
      local page = client:exchange("GET /dbs", { login })
      assert.are.equal(200, page.status)
      assert.is_nil(page.headers.connection)
      assert.are.equal(404, client:exchange("GET /none").status)
    end
    client:close()
    local path = m.dir .. "/web.sock"
    assert.are.equal(200, http.fetch(path, "GET /dbs", { login }).status)
    assert.are.equal(200,
      http.raw(m.port.web, "GET /dbs HTTP/1.0\r\n" .. login
        .. "\r\n\r\n").status)
  end)

  it("ask for a password, and for time from the address that guesses",
    function()
      start()
      local function guess(address, password)
        return fetch("GET /dbs", { basic("admin", password),
          "X-Forwarded-For: " .. address })
      end
      local answer = fetch("GET /dbs", {})
      assert.are.equal(401, answer.status)
      assert.is_truthy(answer.headers["www-authenticate"]:find("^Basic realm="))
      for _ = 1, 3 do
        assert.are.equal(401, guess("192.0.2.1", "wrong").status)
      end
      answer = guess("192.0.2.1", "wrong")
      assert.are.equal(429, answer.status)
      assert.are.equal("10", answer.headers["retry-after"])
      assert.are.equal(401, guess("192.0.2.2", "wrong").status)
      assert.are.equal(200, guess("192.0.2.3", "secret").status)
      m:wait_log("stats dbs: a wrong user or password client=192.0.2.1:%d+ "
        .. "failures=3")
      assert.is_nil(m:log():find("secret", 1, true))
    end)

  it("change servers for an administrator, once it is confirmed", function()
    start { workers = 2 }
    local form = "Content-Type: application/x-www-form-urlencoded"
    local token = fetch("GET /dbs").body:match('name=token value="?(%x+)')
    local body = "action=drain&target=db%2Fa&token="
    local function post(text, fields)
      return fetch("POST /dbs", { login, form, "Content-Length: " .. #text,
        unpack(fields or {}) }, text)
    end
    assert.are.equal(403, post(body .. ("0"):rep(32)).status)
    assert.are.equal(403, post(body .. token,
      { "Origin: http://evil.example" }).status)
    local answer = post(body .. token, { "Origin: http://localhost" })
    assert.is_truthy(answer.body:find("confirm", 1, true))
    assert.are.equal("no check", m:server("a").state)
    answer = post(body .. token .. "&confirm=yes")
    assert.are.equal(303, answer.status)
    assert.are.equal("/dbs", answer.headers.location)
    assert.are.equal("drain", m:server("a").state)
    assert.is_truthy(fetch("GET /dbs").body:find("db/a is set to drain", 1,
      true))
    assert.is_nil(fetch("GET /dbs").body:find("is set to drain weight", 1,
      true))
    -- The master answers this one.
    answer = post("action=rollback&target=x.lua&confirm=yes&token=" .. token)
    assert.are.equal(303, answer.status)
    assert.is_truthy(answer.body:find("there is no such script", 1, true))
    assert.are.equal(413, fetch("POST /dbs", { login, form,
      "Content-Length: 5000" }, ("x"):rep(5000)).status)
    local pieces = http.chunked { "action=drain&tar", "get=db%2Fa&token=1" }
    assert.are.equal(403, fetch("POST /dbs", { login, form,
      "Transfer-Encoding: chunked" }, pieces).status)
  end)

  it("have routes of several sections, and addresses of their own", function()
    start {
      lines = AUTH .. "\nlisten = 127.0.0.1:${port_stats}\nuri = /own",
      more = "[http other]\nlisten = 127.0.0.1:${port_other}\n"
        .. "route = ^~ / stats dbs\nroute = ~ \\.php$ deny\n",
    }
    assert.are.equal(200, fetch("GET /dbs").status)
    local page = http.fetch(m.port.other, "GET /", { login })
    assert.are.equal(200, page.status)
    assert.is_truthy(page.body:find("</html>", 1, true))
    assert.are.equal(200,
      http.fetch(m.port.other, "GET /metrics", { login }).status)
    assert.are.equal(200,
      http.fetch(m.port.other, "GET /;json", { login }).status)
    assert.are.equal(200,
      http.fetch(m.port.stats, "GET /own", { login }).status)
    assert.are.equal(404,
      http.fetch(m.port.stats, "GET /dbs", { login }).status)
  end)

  it("are answered by the control process that takes a dead one's place",
    function()
      start()
      local client = http.connect(m.port.web)
      m.control_changes = true
      process.kill(m:pids("mg-control")[1], "KILL")
      assert.are.equal(200, client:exchange("GET /dbs", { login }).status)
    end)

  it("are refused while control is too busy, and lose nothing", function()
    start()
    local pid = m:pids("mg-control")[1]
    process.kill(pid, "STOP")
    local answer = fetch("GET /short", { login })
    assert.are.equal(504, answer.status)
    local clients, refused, answered = {}, 0, 0
    for i = 1, 80 do
      clients[i] = http.connect(m.port.web)
      clients[i]:request("GET /dbs",
        { login, "Accept-Language: " .. ("x"):rep(8000) })
    end
    assert.are.equal(503, clients[#clients]:answer("GET").status)
    assert.are.equal("hello", fetch("GET /").body)
    process.kill(pid, "CONT")
    m:wait_log("the statistics do not answer: control says nothing "
      .. "section=web path=/short")
    m:wait_log("do not answer: too many requests wait for them "
      .. "section=web path=/dbs")
    clients[#clients]:close()
    clients[#clients] = nil
    for i = 1, #clients do
      local status = clients[i]:answer("GET").status
      refused = refused + (status == 503 and 1 or 0)
      answered = answered + (status == 200 and 1 or 0)
      clients[i]:close()
    end
    assert.are.equal(#clients, refused + answered)
    assert.is_true(answered > 0)
    assert.are.equal(200, fetch("GET /dbs").status)
    -- Nothing of it is left open.
    loop.wait_until("descriptors are closed", function()
      local left = process.run { "sh", "-c",
        ("ls -l /proc/%d/fd | grep -c socket: | grep -qx '[0-9]'"):format(pid) }
      return left == 0
    end)
  end)

  it("notice a client that leaves, and one that is slow", function()
    start()
    local client = net.connect(m.port.web)
    client:send("GET /dbs HTTP/1.1\r\nHost: a\r\n" .. login .. "\r\n\r\n")
    client:reset()
    local slow = net.connect(m.port.web)
    slow:send(("GET /dbs HTTP/1.1\r\nHost: a\r\n" .. login
      .. "\r\n\r\n"):rep(40))
    assert.are.equal(200, fetch("GET /dbs").status)
    local text = ""
    loop.wait_until("all forty are there", function()
      text = text .. (slow:receive_some() or "")
      return select(2, text:gsub("</html>", "")) == 40
    end)
    slow:close()
  end)
end)
