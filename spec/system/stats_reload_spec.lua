--- [stats] in a reload and in an upgrade: its sections and addresses are
-- exchanged with the rest, and nobody is refused meanwhile.
local http = require "support.http"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"
local upgrades = require "support.upgrades"

local WEB = [[
  [upstream db]
  protocol = tcp
  server a = 127.0.0.1:${port_a}
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = off
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}
  route = /path stats dbs
  access_log = off
]]

local DBS = [[
  [stats dbs]
  listen = 127.0.0.1:${port_stats}
  uri = /dbs
]]

local ADMIN = "Authorization: Basic YWRtaW46c2VjcmV0"  -- admin:secret


describe("[stats]", function()
  local m

  after_each(moongate.finish)

  local function start(config, begin)
    local a = peer.serve(peer.greet("a"))
    m = (begin or moongate.start) {
      config = WEB .. (config or DBS), ports = { a = a.port }, workers = 2,
    }
  end

  local function reload(config)
    m:write_config(WEB .. config)
    return m:ctl("reload")
  end

  local function refused(config)
    m:write_config(WEB .. config)
    local status, text = process.run({
      moongate.build() .. "/moongate", "ctl", "-s", m.control, "reload" })
    assert.are.equal(1, status, text)
    return text
  end

  local function status(where, path, fields)
    return http.fetch(where, "GET " .. path, fields).status
  end

  local function has(text, what)
    assert.is_truthy(text:find(what, 1, true), text)
  end

  describe("in a reload", function()
    it("changes, and connections that are kept follow", function()
      start()
      local client = http.connect(m.port.stats)
      assert.are.equal(200, client:exchange("GET /dbs").status)
      local text = reload((DBS:gsub("/dbs", "/new"))
        .. "auth = admin:secret\nrealm = another\n")
      has(text, "stats dbs: changed")
      local answer = client:exchange("GET /new")
      assert.are.equal(401, answer.status)
      has(answer.headers["www-authenticate"], 'realm="another"')
      assert.are.equal(200, client:exchange("GET /new", { ADMIN }).status)
      assert.are.equal(404, client:exchange("GET /dbs", { ADMIN }).status)
      assert.are.equal(401, status(m.port.web, "/path"))
      assert.are.equal(200, status(m.port.web, "/path", { ADMIN }))
      -- Who was known has another password now.
      reload((DBS:gsub("/dbs", "/new")) .. "auth = admin:other\n")
      assert.are.equal(401, client:exchange("GET /new", { ADMIN }).status)
    end)

    it("opens addresses and closes those that are gone", function()
      start()
      local idle = http.connect(m.port.stats)
      assert.are.equal(200, idle:exchange("GET /dbs").status)
      local half = net.connect(m.port.stats)
      half:send("GET /dbs HT")
      local last = http.connect(m.port.stats)
      assert.are.equal(200, last:exchange("GET /dbs").status)
      local text = reload((DBS:gsub("port_stats", "port_moved"))
        .. "listen = localhost:${port_third}\n"
        .. "[stats more]\nlisten = 127.0.0.1:${port_more}\n")
      has(text, ("stats dbs: listen 127.0.0.1:%d removed"):format(
        m.port.stats))
      has(text, ("stats dbs: listen 127.0.0.1:%d added"):format(m.port.moved))
      has(text, "stats more: added")
      assert.are.equal("closed", idle:closed())
      assert.are.equal("closed", last:closed())
      half:send("TP/1.1\r\nHost: a\r\n\r\n")
      text = half:receive_all()
      has(text, "HTTP/1.1 200")
      has(text, "Connection: close")
      assert.is_nil((net.connect(m.port.stats)))
      for _, name in ipairs { "moved", "third" } do
        assert.are.equal(200, status(m.port[name], "/dbs"))
      end
      assert.are.equal(200, status(m.port.more, "/"))
      m:write_config((WEB:gsub("route[^\n]+", "")))
      has(m:ctl("reload"), "stats dbs: removed")
      assert.is_nil((net.connect(m.port.moved)))
      assert.are.equal(404, status(m.port.web, "/path"))
    end)

    it("adds forty addresses at once", function()
      start()
      local lines = {}
      for i = 1, 40 do
        lines[i] = "listen = 127.0.0.1:${port_n" .. i .. "}\n"
      end
      reload(DBS .. table.concat(lines))
      for i = 1, 40 do
        assert.are.equal(200, status(m.port["n" .. i], "/dbs"))
      end
    end)

    it("is refused as a whole", function()
      start()
      local taken = net.listen()
      has(refused(DBS .. "listen = 127.0.0.1:" .. taken.port
          .. "\nlisten = 127.0.0.1:${port_more}\n"),
        "the address is in use by another program")
      assert.is_nil((net.connect(m.port.more)))
      has(refused(DBS .. "listen = localhost:${port_stats}\n"),
        "is the same address as another one of [stats]")
      has(refused("[stats dbs]\nlisten = 127.0.0.1:${port_more}\n[http b]\n"
          .. "root = ${dir}\nlisten = 127.0.0.1:${port_stats}\n"),
        "take it away with one reload, and add it with the next")
      assert.are.equal(200, status(m.port.stats, "/dbs"))
      assert.are.equal(200, status(m.port.web, "/path"))
    end)

    it("is served by a control process that is replaced after it", function()
      start()
      reload(DBS .. "listen = 127.0.0.1:${port_more}\n")
      m.control_changes = true
      process.kill(m:pids("mg-control")[1], "KILL")
      assert.are.equal(200, status(m.port.more, "/dbs"))
      assert.are.equal(200, status(m.port.stats, "/dbs"))
      assert.are.equal(200, status(m.port.web, "/path"))
    end)

    it("refuses nobody while it is reloaded", function()
      start()
      for i = 1, 5 do
        local waiting = {}
        for k = 1, 10 do
          waiting[k] = net.connect(m.port.stats)
          waiting[k]:send("GET /dbs HTTP/1.1\r\nHost: a\r\n"
            .. "Connection: close\r\n\r\n")
        end
        reload(DBS .. "realm = number " .. i .. "\n")
        for k = 1, 10 do
          has(waiting[k]:receive_all(), "</html>")
        end
      end
    end)
  end)

  describe("in an upgrade", function()
    it("has the same sockets in the new program", function()
      start(nil, upgrades.start)
      local session = net.connect(m.port.db)
      assert.are.equal("a", session:receive(1))
      local kept = http.connect(m.port.web)
      assert.are.equal(200, kept:exchange("GET /path").status)
      local before = m.master.pid
      m:upgrade()
      -- The older program drains; what it had is served by the newer one.
      for _ = 1, 20 do
        assert.are.equal(200, status(m.port.stats, "/dbs"))
        assert.are.equal(200, status(m.port.web, "/path"))
      end
      local answer = kept:exchange("GET /path")
      assert.are.equal(200, answer.status)
      assert.are.equal("close", answer.headers.connection)
      session:close()
      assert.is_true(process.ends(before))
      assert.are.equal(200, status(m.port.stats, "/dbs"))
    end)

    it("leaves the old control its own, where the board is new", function()
      start(nil, upgrades.start)
      local session = net.connect(m.port.db)
      assert.are.equal("a", session:receive(1))
      local kept = http.connect(m.port.web)
      assert.are.equal(200, kept:exchange("GET /path").status)
      m:turn_to("moongate-layout")
      assert.are.equal("new", m:upgrade().board)
      assert.are.equal(200, status(m.port.stats, "/dbs"))
      for _, pid in ipairs(process.children(m.older[1].pid)) do
        if process.title(pid) == "mg-control" then
          process.kill(pid, "KILL")
        end
      end
      local answer = kept:exchange("GET /path")
      assert.are.equal(200, answer.status)
      assert.are.equal("close", answer.headers.connection)
      for _ = 1, 5 do
        assert.are.equal(200, status(m.port.stats, "/dbs"))
      end
      session:close()
      assert.is_true(process.ends(m.older[1].pid))
    end)

    it("loses nobody who waits in the backlog", function()
      start(nil, upgrades.start)
      local control = m:pids("mg-control")[1]
      process.kill(control, "STOP")
      local waiting = {}
      for k = 1, 10 do
        waiting[k] = net.connect(m.port.stats)
        waiting[k]:send("GET /dbs HTTP/1.1\r\nHost: a\r\n"
          .. "Connection: close\r\n\r\n")
      end
      m.master:kill("USR2")
      m:follow(tonumber(m:wait_log("handing over to pid (%d+)", 30)))
      process.kill(control, "CONT")
      for k = 1, 10 do
        has(waiting[k]:receive_all(30), "</html>")
      end
      m:wait_log("handed over; what this program has")
      m:ctl("show info")
    end)
  end)
end)
