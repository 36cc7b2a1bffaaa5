--- HUP and `ctl reload`: another configuration takes the place of the one that
-- is served, in the processes that go on; as a whole or not at all.
local folder = require "support.folder"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"

local WEB = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/one
  access_log = off
]]

local TCP = [[
  [upstream db]
  protocol = tcp
  %s
  server a = 127.0.0.1:${port_a}
  %s
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = json
  log_to = file:${dir}/%s
]]


describe("a reload", function()
  local m

  after_each(moongate.finish)

  local function start(options)
    options.files = options.files or {}
    options.files["one/index.html"] = "one\n"
    options.files["two/index.html"] = "two\n"
    m = moongate.start(options)
  end

  local function start_tcp(lines, servers, options)
    options = options or {}
    local a = peer.serve(peer.greet("a"))
    local b = peer.serve(peer.greet("b"))
    options.config = WEB .. TCP:format(lines, servers, "access.log")
    options.ports = { a = a.port, b = b.port }
    start(options)
    return a, b
  end

  local function reload(config)
    m:write_config(config)
    local text = m:ctl("reload")
    assert.is_truthy(text:find("the new configuration is in use", 1, true))
    return text
  end

  local function refused(config)
    if config then
      m:write_config(config)
    end
    local status, text = process.run({
      moongate.build() .. "/moongate", "ctl", "-s", m.control, "reload" })
    assert.are.equal(1, status, text)
    return text
  end

  local function has(text, what)
    assert.is_truthy(text:find(what, 1, true), text)
  end

  local function pids()
    return table.concat(m:workers(), " ") .. " " .. m:pids("mg-control")[1]
  end

  local function names()
    local found = {}
    for i, row in ipairs(m:ctl("show servers --json")) do
      found[i] = row.server
    end
    return table.concat(found, " ")
  end

  it("changes what is served, in the same processes", function()
    start { config = WEB, workers = 2 }
    local before = pids()
    assert.are.equal("one\n", http.fetch(m.port.web, "/").body)
    reload((WEB:gsub("one", "two")))
    for _ = 1, 4 do
      assert.are.equal("two\n", http.fetch(m.port.web, "/").body)
    end
    assert.are.equal(before, pids())
  end)

  it("by HUP is told in the log, and so is that nothing has changed", function()
    start { config = WEB }
    m.master:kill("HUP")
    m:wait_log("the configuration is the same, and no script has changed")
    m:write_config((WEB:gsub("one", "two")))
    m.master:kill("HUP")
    m:wait_log("the new configuration is in use generation=2 by SIGHUP")
    assert.are.equal("two\n", http.fetch(m.port.web, "/").body)
    has(m:ctl("reload"), "the configuration is the same")
    assert.is_false(m:ctl("reload --json").changed)
  end)

  it("has all processes log at another level", function()
    start { config = WEB, log = "log = stderr level=info" }
    http.fetch(m.port.web, "/")
    assert.is_nil(m:log():find(" debug ", 1, true))
    local text = folder.read(m.file):gsub("level=info", "level=debug")
    folder.write(m.file, text)
    m:ctl("reload")
    http.fetch(m.port.web, "/")
    m:wait_log(" debug worker%[0%]: connection closed")
  end)

  it("opens new listeners and closes those that are gone", function()
    start { config = WEB, workers = 2 }
    local moved = WEB:gsub("port_web", "port_other")
      .. "listen = 127.0.0.1:${port_third}\nlisten = unix:${dir}/web.sock\n"
    local text = reload(moved)
    has(text, ("listen 127.0.0.1:%d removed"):format(m.port.web))
    has(text, ("listen 127.0.0.1:%d added"):format(m.port.third))
    for _ = 1, 4 do
      assert.are.equal("one\n", http.fetch(m.port.other, "/").body)
      assert.are.equal("one\n", http.fetch(m.port.third, "/").body)
    end
    assert.are.equal("one\n",
      http.fetch(m.dir .. "/web.sock", "/").body)
    assert.is_nil((net.connect(m.port.web)))
    reload(WEB)
    assert.are.equal("one\n", http.fetch(m.port.web, "/").body)
    assert.is_nil((net.connect(m.port.other)))
    assert.is_nil(folder.read(m.dir .. "/web.sock"))
  end)

  it("is refused as a whole, with every reason", function()
    start { config = WEB }
    local text = refused((WEB:gsub("one", "two"):gsub("access_log = off",
      "acess_log = off\nmax_body = much\nscript = none.lua")))
    has(text, "moongate.ini:")
    has(text, "did you mean 'access_log'?")
    has(text, "max_body: ")
    has(text, "none.lua")
    assert.are.equal("one\n", http.fetch(m.port.web, "/").body)
    assert.are.equal(1, #m:ctl("show info --json").workers)
  end)

  it("is refused where an address is another's", function()
    start { config = WEB }
    local other = peer.serve(peer.greet("x"))
    local text = refused(WEB:gsub("one", "two")
      .. "listen = 127.0.0.1:${port_third}\nlisten = 127.0.0.1:" .. other.port
      .. "\n")
    has(text, "the address is in use by another program")
    assert.are.equal("one\n", http.fetch(m.port.web, "/").body)
    assert.is_nil((net.connect(m.port.third)))
  end)

  it("is refused for what needs new processes", function()
    start { config = WEB }
    local text = folder.read(m.file):gsub("workers = 1", "workers = 2")
    folder.write(m.file, text)
    has(refused(), "workers has changed")
    assert.are.equal(1, #m:workers())
  end)

  it("gives a kept connection the new answers", function()
    start { config = WEB }
    local client = http.connect(m.port.web)
    assert.are.equal("one\n", client:exchange("GET / HTTP/1.1").body)
    reload((WEB:gsub("one", "two")))
    local answer = client:exchange("GET / HTTP/1.1")
    assert.are.equal("two\n", answer.body)
    assert.is_nil(answer.headers.connection)
    reload((WEB:gsub("port_web", "port_other")))
    answer = client:exchange("GET / HTTP/1.1")
    assert.are.equal("two\n", answer.body)
    assert.are.equal("close", answer.headers.connection)
    client:closed()
    m:wait_log("reload: http web: listen %S+ added")
  end)

  it("leaves sessions alone, whose server is gone once they have ended",
      function()
    start_tcp("policy = first", "server b = 127.0.0.1:${port_b}")
    local client = net.connect(m.port.db)
    assert.are.equal("a", client:receive(1))
    local text = reload(WEB .. (TCP:format("policy = first",
      "server b = 127.0.0.1:${port_b}", "second.log")
      :gsub("\n *server a[^\n]*", "")))
    has(text, "server db/a: removed")
    assert.are.equal("a b", names())
    assert.are.equal("drain", m:server("a").state)
    assert.are.equal(1, m:server("a").active)
    local second = net.connect(m.port.db)
    assert.are.equal("b", second:receive(1))
    second:close()
    m:records("second.log", 1)
    client:close()
    m:records("second.log", 2)
    loop.wait_until("the row is gone", function()
      return names() == "b"
    end)
    -- The place is free for another.
    reload(WEB .. TCP:format("policy = first", "", "second.log"))
    assert.are.equal("a", net.connect(m.port.db):receive(1))
  end)

  it("keeps what is known of servers that stay", function()
    local _, b = start_tcp("check = tcp interval=200ms fall=1",
      "server b = 127.0.0.1:${port_b}\nserver c = 127.0.0.1:${port_a}")
    b:refuse()
    loop.wait_until("b is down", function()
      return not m:server("b").up
    end)
    m:ctl("server db/c drain")
    m:ctl("server db/a weight 7")
    net.connect(m.port.db):receive(1)
    local requests = m:server("a").requests
    reload(WEB .. TCP:format("check = tcp interval=20s fall=1",
      "server b = 127.0.0.1:${port_b}\nserver c = 127.0.0.1:${port_a}\n"
      .. "server d = 127.0.0.1:${port_a} weight=3", "access.log"))
    assert.is_false(m:server("b").up)
    assert.are.equal("drain", m:server("c").state)
    assert.are.equal(7, m:server("a").weight)
    assert.are.equal(3, m:server("d").weight)
    assert.are.equal(requests, m:server("a").requests)
  end)

  it("ends the queue of an upstream that is gone", function()
    start_tcp("", "")
    m:write_config(WEB .. TCP:format("queue_timeout = 1m", "", "access.log")
      :gsub("port_a}", "port_a} maxconn=1"))
    has(m:ctl("reload"), "server db/a: changed")
    local first = net.connect(m.port.db)
    assert.are.equal("a", first:receive(1))
    local waits = net.connect(m.port.db)
    loop.wait_until("it waits", function()
      return m:ctl("show info"):find("db +1 ")
    end)
    reload(WEB)
    assert.is_nil((waits:receive(1)))
    assert.is_true(first:quiet(0))
    first:close()
    loop.wait_until("nothing is left of it", function()
      return names() == ""
    end)
  end)

  it("hands what scripts have saved on, and loads others", function()
    local counter = [[
      local _M, count = {}, 0
      function _M.save() return count end
      function _M.load(saved) count = saved or 0 end
      function _M.request(req)
        count = count + 1
        return require("moongate").reply(200, {}, req.path .. count)
      end
      return _M
    ]]
    start {
      config = WEB .. "script = counter.lua\n",
      files = { ["lua/counter.lua"] = counter },
    }
    assert.are.equal("/1", http.fetch(m.port.web, "/").body)
    folder.write(m.dir .. "/lua/second.lua", counter)
    reload(WEB .. "script = counter.lua\nheader = X-New yes\n")
    assert.are.equal("/2", http.fetch(m.port.web, "/").body)
    reload(WEB .. "script = second.lua\n")
    assert.are.equal("/1", http.fetch(m.port.web, "/").body)
    folder.write(m.dir .. "/lua/second.lua",
      (counter:gsub("req.path", '"v2:"')))
    m:ctl("script reload second.lua")
    assert.are.equal("v2:2", http.fetch(m.port.web, "/").body)
    m:ctl("script rollback second.lua")
    assert.are.equal("/3", http.fetch(m.port.web, "/").body)
    loop.wait_until("the row of the first script is gone", function()
      return #m:ctl("show scripts --json") == 1
    end)
  end)

  it("holds for whoever takes a dead worker's or control's place", function()
    start { config = WEB, workers = 2 }
    reload(WEB:gsub("one", "two") .. "listen = 127.0.0.1:${port_third}\n")
    m.workers_change = true
    for _, title in ipairs { "mg-worker", "mg-control" } do
      local pid = m:pids(title)[1]
      process.kill(pid, "KILL")
      loop.wait_until("another one has its place", function()
        local now = m:pids(title)
        return #now == (title == "mg-worker" and 2 or 1) and now[1] ~= pid
          and now[2] ~= pid
      end)
    end
    for _ = 1, 8 do
      assert.are.equal("two\n", http.fetch(m.port.web, "/").body)
      assert.are.equal("two\n", http.fetch(m.port.third, "/").body)
    end
    reload(WEB)
    assert.are.equal("one\n", http.fetch(m.port.web, "/").body)
  end)

  it("happens thirty times under load, and nobody notices", function()
    start { config = WEB, workers = 2 }
    local function figures()
      local counts = {}
      for i, pid in ipairs { m.master.pid, m:pids("mg-control")[1],
          unpack(m:workers()) } do
        counts[i] = #process.fds(pid)
      end
      return counts
    end
    reload((WEB:gsub("one", "two")))
    reload(WEB)
    local before = figures()
    local done = false
    local answers, failed = 0, {}
    for _ = 1, 8 do
      loop.spawn("a client", function()
        while not done do
          local ok, answer = pcall(http.fetch, m.port.web, "/")
          answers = answers + 1
          if not ok or answer.status ~= 200 then
            failed[#failed + 1] = ok and answer.status or tostring(answer)
          end
        end
      end)
    end
    for i = 1, 30 do
      reload((WEB:gsub("one", i % 2 == 0 and "one" or "two")))
    end
    done = true
    assert.are.same({}, failed)
    assert.is_true(answers > 30)
    -- A file that is kept open is no leak.
    loop.wait_until("descriptors are as before", function()
      for i, count in ipairs(figures()) do
        if count > before[i] + 1 then
          return false
        end
      end
      return true
    end)
  end)
end)
