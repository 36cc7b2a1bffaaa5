--- A script that runs away costs one decision: the others' connections go on,
-- and a worker that cannot be saved is replaced.  (Many of them are tried in
-- hostile_scripts_spec.)
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"

local SCRIPT = [[
return {
  request = function(req)
    while req.path == "/loop" do end
  end,
}
]]

-- What another connection may wait for its answer: the budget and 50 ms, and
-- as much again for the machine.
local WAIT_MAX = 0.5

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
  script = %s
  access_log = off
]]


describe("a script that runs away", function()
  local m, server

  local function start(options)
    server = peer.serve(peer.echo)
    local lines, files = {}, { ["www/hello.txt"] = "hello" }
    for i = 1, options.copies or 1 do
      lines[i] = "own" .. i .. ".lua"
      files["lua/own" .. i .. ".lua"] = options.script or SCRIPT
    end
    m = moongate.start {
      config = CONFIG:format(table.concat(lines, "\n  script = ")),
      files = files, ports = { one = server.port }, wrap = options.wrap,
    }
  end

  after_each(moongate.finish)

  -- Another connection's small messages go back and forth while WORK runs: the
  -- longest that one took.
  local function longest_wait(work)
    local client = assert(net.connect(m.port.db))
    local longest, finished = 0, false
    client:send("x")
    assert.are.equal("x", client:receive(1))
    loop.spawn("work", function()
      work()
      finished = true
    end)
    repeat
      local before = loop.now()
      client:send("y")
      assert.are.equal("y", client:receive(1))
      longest = math.max(longest, loop.now() - before)
    until finished
    client:close()
    return longest
  end

  -- Four seconds of work, of which no single call is too long.
  it("in timers that are all due at once leaves the others their turns",
    function()
      start { script = [[
        local moongate = require "moongate"
        local left = 200
        local function work()
          local until_s = os.clock() + 0.02
          repeat until os.clock() >= until_s
          left = left - 1
        end
        return {
          request = function(req)
            if req.path == "/go" then
              for _ = 1, left do
                moongate.after(0, work)
              end
            end
            return moongate.reply(200, nil, tostring(left))
          end,
        }
      ]] }
      local pids = m:workers()
      local longest = longest_wait(function()
        assert.are.equal("200", http.fetch(m.port.web, "/go").body)
        loop.wait_until("all timers have been called", function()
          return http.fetch(m.port.web, "/").body == "0"
        end, 30)
      end)
      assert.is_true(longest < WAIT_MAX, "it took " .. longest)
      assert.are.same(pids, m:workers())
    end)

  -- Three seconds of work that nobody does wrong.
  local SLOW = [[
    return { request = function()
      local until_s = os.clock() + 0.01
      repeat until os.clock() >= until_s
    end }
  ]]

  it("in requests that are sent ahead leaves the others their turns",
    function()
      start { script = SLOW }
      local client = http.connect(m.port.web)
      local longest = longest_wait(function()
        client:send(http.head("GET /hello.txt"):rep(300))
        for _ = 1, 300 do
          assert.are.equal("hello", client:answer("GET", 30).body)
        end
      end)
      assert.is_true(longest < WAIT_MAX, "it took " .. longest)
    end)

  it("in requests that come all at once is not taken for stuck", function()
    start { script = SLOW }
    local clients = {}
    for i = 1, 300 do
      clients[i] = http.connect(m.port.web)
    end
    for _, client in ipairs(clients) do
      client:request("GET /hello.txt")
    end
    for _, client in ipairs(clients) do
      assert.are.equal("hello", client:answer("GET", 30).body)
    end
    assert.are.same(m.first_workers, m:workers())
  end)

  it("is quarantined, and ctl and the log say why", function()
    start {}
    for _ = 1, 3 do
      http.fetch(m.port.web, "/loop")
    end
    m:wait_log("script own1.lua: quarantined: 3 times within a minute", 2)
    local before = loop.now()
    for _ = 1, 20 do
      assert.are.equal(404, http.fetch(m.port.web, "/loop").status)
    end
    assert.is_true(loop.now() - before < 1)
    local text = m:ctl("show scripts")
    assert.is_truthy(text:find("own1%.lua +3 +3 +23 .*  quarantined for"), text)
    local found
    for _, script in ipairs(m:ctl("show scripts --json")) do
      found = script.name == "own1.lua" and script or found
    end
    assert.is_true(found.quarantined)
    assert.is_truthy(found.reason:find("CPU time", 1, true))
    assert.are.equal(23, found.fallbacks)
  end)

  it("is quarantined after its worker was stuck and has been replaced",
    function()
      -- Without timers nothing interrupts it.
      start { wrap = { "prlimit", "--sigpending=0" } }
      m.workers_change = true
      m:wait_log("scripts run without a limit of CPU time", 1)
      local stuck = m:workers()[1]
      local client = assert(net.connect(m.port.web))
      client:send("GET /loop HTTP/1.1\r\nHost: a\r\n\r\n")
      m:wait_log("worker%[0%] %(pid " .. stuck
        .. "%) is stuck in script own1.lua; killing it", 20)
      m:wait_log("script own1.lua: quarantined: a worker was stuck in it", 1)
      client:close()
      loop.wait_until("there is another worker", function()
        local pid = m:workers()[1]
        return pid and pid ~= stuck
      end, 2)
      assert.are.equal(404, http.fetch(m.port.web, "/loop").status)
    end)
end)
