--- Twenty upgrades in turn under load, with 200 sessions that stay on the
-- oldest programs: no failed request, no refused connection, no broken session,
-- and descriptors and memory as they were.
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"

local UPGRADES, SESSIONS = 20, 200

local CONFIG = [[
  [upstream db]
  protocol = tcp
  server one = 127.0.0.1:${port_one}
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = off
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  access_log = off
]]


describe("upgrades in turn", function()
  local m

  before_each(function()
    m = moongate.start {
      config = CONFIG, workers = 2,
      ports = { one = peer.serve(peer.echo).port },
      files = { ["www/index.html"] = "hello" },
    }
  end)

  after_each(moongate.finish)

  local function sessions(count)
    local list = {}
    for i = 1, count do
      list[i] = assert(net.connect(m.port.db))
    end
    return list
  end

  local function all_speak(list, text)
    for _, client in ipairs(list) do
      client:send(text)
      assert.are.equal(text, client:receive(#text, 30))
    end
  end

  it("break nothing and leave nothing", function()
    local done, failed, ending = 0, {}, false
    for i = 1, 16 do
      loop.spawn("client", function()
        while not ending do
          local client = http.connect(m.port.web)
          repeat
            local answer, why = client:exchange("GET /")
            if not answer or answer.status ~= 200 then
              failed[#failed + 1] = tostring(why)
              break
            end
            done = done + 1
          until i % 2 == 0 or ending or answer.headers.connection == "close"
          client:close()
        end
      end)
    end

    local clients = sessions(SESSIONS / 2)
    all_speak(clients, "first")
    local fds, rss
    for round = 1, UPGRADES do
      local before = done
      m:upgrade()
      if round == 3 then
        for _, client in ipairs(sessions(SESSIONS / 2)) do
          clients[#clients + 1] = client
        end
        fds = #process.fds(m.master.pid)
        rss = process.rss(m.master.pid)
      end
      loop.wait_until("work is done", function()
        return done > before + 200
      end, 30)
      all_speak(clients, "round " .. round)
    end
    ending = true
    assert.are.same({}, failed)
    assert.are.equal(fds, #process.fds(m.master.pid))
    assert.is_true(process.rss(m.master.pid) < rss * 1.5)
    print(("%d requests over %d upgrades, %d sessions, master %d KiB")
      :format(done, UPGRADES, #clients, process.rss(m.master.pid) / 1024))

    for _, client in ipairs(clients) do
      client:close()
    end
    loop.wait_until("one generation is left", function()
      return #m:ctl("show info --json").generations == 1
    end, 60)
    m:wait_active("one", 0)
  end)
end)
