--- An upgrade: a new program takes over the listeners and the board, and the
-- old one ends what it has. Each program is started by a symbolic link, which
-- the spec turns to what the new one is to be.
local folder = require "support.folder"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local process = require "support.process"
local upgrades = require "support.upgrades"

local WORKER = [[
local moongate = require "moongate"


local function request()
  return moongate.reply(200, nil, tostring(moongate.worker))
end


return { request = request }
]]


describe("an upgrade", function()
  local m

  local function start(options)
    m = upgrades.start_pair(options)
  end

  after_each(moongate.finish)

  describe("that succeeds", function()
    it("answers who serves now, and the pidfile says it", function()
      start()
      local client = m:session()
      local before = m.master.pid
      assert.are.equal(before .. "\n", folder.read(m.dir .. "/pid"))
      local answer = m:upgrade()
      assert.are.equal(before, answer.old_pid)
      assert.are.equal("kept", answer.board)
      assert.are.equal(1, answer.sessions)
      assert.are.equal(answer.pid .. "\n", folder.read(m.dir .. "/pid"))
      assert.are.equal(before .. "\n", folder.read(m.dir .. "/pid.old"))

      local list = m:generations()
      assert.are.equal(2, #list)
      assert.are.same({ before, "draining", 1 },
        { list[1].pid, list[1].state, list[1].sessions })
      assert.are.same({ answer.pid, "serving" },
        { list[2].pid, list[2].state })
      assert.is_true(m:ctl("show info"):find("draining", 1, true) ~= nil)

      assert.is_true(upgrades.echoes(client, "still there"))
      client:close()
      assert.is_true(process.ends(before))
      assert.is_nil(folder.read(m.dir .. "/pid.old"))
      m:wait_generations(1)
    end)

    it("comes by USR2, too", function()
      start()
      local old = m.master
      old:kill("USR2")
      local pid = tonumber(m:wait_log("handing over to pid (%d+)"))
      m:follow(pid)
      assert.is_true(process.ends(old.pid))
      assert.are.equal(1, m:hit())
    end)

    it("fails no request, and refuses no connection", function()
      start()
      local done, failed, ending = 0, {}, false
      local function client(kept)
        while not ending do
          local c = http.connect(m.port.web)
          repeat
            local answer, why = c:exchange("GET /")
            if not answer or answer.status ~= 200 then
              failed[#failed + 1] = tostring(why)
              break
            end
            done = done + 1
          until not kept or ending or answer.headers.connection == "close"
          c:close()
        end
      end
      for i = 1, 12 do
        loop.spawn("client", function()
          client(i % 2 == 0)
        end)
      end
      for _ = 1, 3 do
        local before = done
        loop.wait_until("work is done", function()
          return done > before + 100
        end)
        m:upgrade()
      end
      local before = done
      loop.wait_until("work is done", function()
        return done > before + 100
      end)
      ending = true
      m:wait_generations(1)
      assert.are.same({}, failed)
      assert.are.equal(done, m:hit() - 1)
    end)

    it("answers the next request of a kept connection, as its last", function()
      start()
      local client = http.connect(m.port.web)
      assert.is_nil(client:exchange("GET /").headers.connection)
      local old = m.master.pid
      m:upgrade()
      assert.is_true(process.alive(old))
      local answer = client:exchange("GET /")
      assert.are.equal("2", answer.body)
      assert.are.equal("close", answer.headers.connection)
      assert.are.equal("closed", client:closed())
      assert.is_true(process.ends(old))
    end)

    it("keeps states, counts and dictionaries", function()
      start()
      m:ctl("server db/two drain")
      local client, server = m:session()
      assert.are.equal("1", server)
      assert.are.equal(1, m:hit())
      m:upgrade()
      assert.are.equal("drain", m:server("two").state)
      assert.are.equal(2, m:hit())
      assert.are.equal(1, m:server("one").active)
      local other, again = m:session()
      assert.are.equal("1", again)
      m:wait_active("one", 2)
      assert.are.equal(2, m:server("one").connections)
      client:close()
      other:close()
      m:wait_active("one", 0)
      m:ctl("server db/two ready")
    end)

    it("does not let a server that is down come up", function()
      start { config = upgrades.CONFIG:gsub("protocol = tcp",
        "protocol = tcp\n  check = tcp interval=100ms fall=1 rise=2") }
      m.two:refuse()
      local function is_down()
        return m:server("two").state == "down"
      end
      loop.wait_until("it is down", is_down)
      m:upgrade()
      assert.is_true(is_down())
      local log = m:log()
      assert.is_nil(log:match("server db/two is up"))
      local client, server = m:session()
      assert.are.equal("1", server)
      client:close()
    end)

    it("reads the configuration again", function()
      start()
      local client = m:session()
      m:rewrite(function(text)
        return text:gsub("workers = 2", "workers = 3")
          .. "[http more]\nlisten = 127.0.0.1:${port_more}\n"
          .. "root = ${dir}/www\naccess_log = off\n"
      end)
      m:upgrade("", 3)
      assert.are.equal("hello", http.fetch(m.port.more, "/").body)
      m:rewrite(function(text)
        return text:gsub("workers = 3", "workers = 1")
          :gsub("%[http more%].*$", "")
      end)
      m:upgrade("", 1)
      loop.wait_until("nobody listens there any more", function()
        local c, why = net.connect(m.port.more)
        if c then
          c:close()
        end
        return why == "refused"
      end)
      -- One worker serves the sockets of three.
      for i = 1, 30 do
        assert.are.equal(i, m:hit())
      end
      assert.is_true(upgrades.echoes(client, "x"))
      client:close()
    end)

    it("takes a Unix socket over with its file", function()
      start { config = upgrades.CONFIG:gsub("127.0.0.1:${port_web}",
        "unix:${dir}/web.sock") }
      local path = m.dir .. "/web.sock"
      assert.are.equal("1", http.fetch(path, "/").body)
      local old = m.master.pid
      m:upgrade()
      assert.is_true(process.ends(old))
      assert.are.equal("2", http.fetch(path, "/").body)
      m:stop()
      assert.is_nil(folder.read(path))
      assert.are.equal("refused", select(2, net.connect(path)))
    end)

    it("gives scripts the worker's number in its own program", function()
      start { workers = 1 }
      folder.write(m.dir .. "/lua/counter.lua", WORKER)
      for _ = 1, 2 do
        m:upgrade()
        assert.are.equal("0", http.fetch(m.port.web, "/").body)
      end
    end)

    it("may follow on another, each with sessions of its own", function()
      start()
      local clients, masters = {}, {}
      for i = 1, 4 do
        clients[i] = m:session()
        masters[i] = m.master.pid
        m:upgrade("20s")
      end
      assert.are.equal(5, #m:generations())
      assert.are.equal(4, m:ctl("show info --json").now)
      for i = 4, 1, -1 do
        assert.is_true(upgrades.echoes(clients[i], "x"))
        clients[i]:close()
        assert.is_true(process.ends(masters[i]))
      end
      m:wait_generations(1)
    end)

    it("counts sessions of both towards a server's maxconn", function()
      start { config = upgrades.CONFIG:gsub("maxconn=40", "maxconn=1")
        :gsub("protocol = tcp", "protocol = tcp\n  queue_timeout = 60s") }
      m:ctl("server db/two maint")
      local first = m:session()
      local second = assert(net.connect(m.port.db))
      local function queued(n)
        loop.wait_until(n .. " wait", function()
          return m:ctl("show info --json").upstreams[1].queued == n
        end)
      end
      queued(1)
      m:upgrade()
      local third = assert(net.connect(m.port.db))
      queued(2)
      first:close()
      assert.are.equal("1", second:receive(1))
      second:close()
      assert.are.equal("1", third:receive(1))
      third:close()
      m:wait_generations(1)
    end)

    it("closes what is left after drain_timeout, and says so", function()
      start { global = "drain_timeout = 1s" }
      local client = m:session()
      local old = m.master.pid
      m:upgrade()
      assert.is_nil((client:receive_some(10)))
      m:wait_log("drain_timeout is over")
      assert.is_true(process.ends(old))
    end)

    it("leaves no descriptor behind", function()
      start()
      m:upgrade()
      m:wait_generations(1)
      local before = #process.fds(m.master.pid)
      for _ = 1, 3 do
        m:upgrade()
      end
      m:wait_generations(1)
      assert.are.equal(before, #process.fds(m.master.pid))
    end)
  end)

  describe("and a process that dies", function()
    it("gives back what a worker of the old program had", function()
      start()
      m.workers_change = true
      local old = m:workers()
      for _ = 1, 20 do
        m:session()
      end
      m:upgrade()
      local active = m:server("one").active
      assert(active > 0)
      for _, pid in ipairs(old) do
        process.kill(pid, "KILL")
      end
      m:wait_active("one", 0)
      m:wait_generations(1)
    end)

    it("gives back what a whole old program had", function()
      start()
      local _ = m:session()
      local old = m.master
      m:upgrade()
      old:kill("KILL")
      assert.are.equal(137, old:wait())
      m.older = {}
      m:wait_active("one", 0)
      m:wait_generations(1)
      os.remove(m.dir .. "/pid.old")
    end)

    it("is replaced in the new program", function()
      start()
      m.workers_change = true
      m:upgrade()
      local dead = m:workers()[1]
      process.kill(dead, "KILL")
      loop.wait_until("there are two workers", function()
        local pids = m:workers()
        return #pids == 2 and pids[1] ~= dead and pids[2] ~= dead
      end)
      for i = 1, 10 do
        assert.are.equal(i, m:hit())
      end
    end)
  end)

  describe("to a program with another layout", function()
    it("begins with a new board, and the sessions go on", function()
      start()
      local client = m:session()
      assert.are.equal(1, m:hit())
      m:turn_to("moongate-layout")
      local answer = m:upgrade()
      assert.are.equal("new", answer.board)
      m:wait_log("a new board is made.*layout")
      assert.are.equal(1, m:hit())
      assert.are.equal(0, m:server("one").active)
      assert.is_true(upgrades.echoes(client, "x"))
      client:close()
      assert.is_true(process.ends(m.older[1].pid))
      m:turn_to("moongate")
      assert.are.equal("new", m:upgrade().board)
      assert.are.equal(1, m:hit())
    end)
  end)
end)
