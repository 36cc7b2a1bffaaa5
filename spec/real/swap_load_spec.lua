--- Hundreds of swaps of scripts while wrk and sysbench work through them; a
-- thousand in spec/soak/swap_load_spec.lua, which gives this file the rounds.
--
-- In each a hundred versions, every tenth of them broken in one of six
-- ways; at its end a worker is killed under the load.  What fails is on the
-- killed worker's connections, nothing else.
local folder = require "support.folder"
local galera = require "support.galera"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local process = require "support.process"

local ASAN = moongate.build():find("asan", 1, true)
local ROUNDS = tonumber((...)) or (ASAN and 2 or 4)  -- busted gives a table
local SWAPS = 100
local BROKEN_EVERY = 10
local ASKED = 4  -- connections after each swap: some to either worker
local CONNECTIONS, THREADS = 64, 16
local GROWTH_KB = 4096  -- of a process over the rounds

local CONFIG = [[
  [upstream db]
  protocol = mysql
  policy = choose.lua
  server db1 = 127.0.0.1:${port_db1}
  [http web]
  listen = 127.0.0.1:${port_web}
  script = tested.lua
  script = route.lua
  access_log = off
  [mysql db]
  listen = 127.0.0.1:${port_mysql}
  upstream = db
  access_log = off
]]

local ROUTE = [[
local moongate = require "moongate"
local _M = {}
local served = 0
function _M.save()
  return { served = served, version = %d }
end
function _M.load(saved)
  served = saved and saved.served or 0
end
function _M.request()
  served = served + 1
  return moongate.reply(200, { ["X-Served"] = tostring(served) }, "%d")
end
return _M
]]

local CHOOSE = [[
local _M = {}
local picks = 0
function _M.save()
  return picks
end
function _M.load(saved)
  picks = saved or 0
end
function _M.pick(flow, servers)
  picks = picks + 1
  return servers[1].usable and 1 or nil, "refused by version %d"
end
return _M
]]

local TESTED = [[
local _M = {}
function _M.request(req)
  if req.path == "/number" then
    req:set_header("X-Number", "%d")
  end
end
return _M
]]

-- `moongate test` runs this beside each new version of tested.lua.
local TESTED_SPEC = [[
local test = require "moongate.test"
describe("tested.lua", function()
  it("does not know 13", function()
    local script = test.load()
    local req = test.request { path = "/number" }
    script:request(req)
    assert.are_not.equal("13", req:header("X-Number"))
  end)
end)
]]

-- What is broken, and what has to be said of it.
local BROKEN = {
  { "route.lua", "local x = = 1\n", "unexpected symbol" },
  { "route.lua", "return { load = function() error('boom') end }\n", "boom" },
  { "route.lua", "return { reqest = function() end }\n",
    "unknown hook 'reqest'" },
  { "route.lua", "return { load = function() while true do end end }\n",
    "CPU time" },
  { "route.lua", "local t = {}\nfor i = 1, 2^27 do t[i] = i end\nreturn {}\n",
    "memory" },
  { "tested.lua", TESTED:format(13), "does not know 13" },
}


describe(ROUNDS * SWAPS .. " swaps under load", function()
  local place, cluster, m, wrk, sysbench, wrk_out, sysbench_out
  local version = 0  -- of route.lua, that serves

  setup(function()
    place = folder.make()
    cluster = galera.start({ folder = place, nodes = 1 })
  end)

  teardown(function()
    if cluster then
      cluster:stop()
    end
    folder.remove(place)
  end)

  after_each(moongate.finish)

  local function sysbench_words(port, command)
    return {
      "sysbench", "oltp_read_write", "--db-driver=mysql",
      "--mysql-host=127.0.0.1", "--mysql-port=" .. port, "--mysql-user=app",
      "--mysql-password=app", "--mysql-db=app", "--tables=2",
      "--table-size=1000", "--threads=" .. THREADS, "--rate=200",
      "--time=600", "--mysql-ignore-errors=1213", command,
    }
  end

  local function write(name, text)
    folder.write(m.dir .. "/lua/" .. name .. ".new", text)
    assert(os.rename(m.dir .. "/lua/" .. name .. ".new",
      m.dir .. "/lua/" .. name))
  end

  local function start()
    m = moongate.start {
      workers = 2,
      config = CONFIG,
      global = "script_selftest = on",
      ports = { db1 = cluster.nodes[1].port },
      files = {
        ["lua/route.lua"] = ROUTE:format(0, 0),
        ["lua/choose.lua"] = CHOOSE:format(0),
        ["lua/tested.lua"] = TESTED:format(0),
        ["lua/tested_spec.lua"] = TESTED_SPEC,
      },
    }
    m.workers_change = true
    local status, text = process.run(sysbench_words(cluster.nodes[1].port,
      "prepare"), { seconds = 60 })
    assert.are.equal(0, status, text)
  end

  local function start_load(round)
    wrk_out = ("%s/wrk.%d"):format(m.dir, round)
    sysbench_out = ("%s/sysbench.%d"):format(m.dir, round)
    wrk = process.spawn({
      "wrk", "--timeout", "20s", "-t", "1", "-c", tostring(CONNECTIONS), "-d",
      "600s", ("http://127.0.0.1:%d/"):format(m.port.web),
    }, { stdout = wrk_out, stderr = wrk_out })
    sysbench = process.spawn(sysbench_words(m.port.mysql, "run"),
      { stdout = sysbench_out, stderr = sysbench_out })
  end

  local function reload(name)
    return process.run({
      moongate.build() .. "/moongate", "ctl", "-s", m.control, "script",
      "reload", name,
    }, { seconds = 60 })
  end

  -- The new version of a good script serves everywhere once ctl has answered.
  local function swap_good(i)
    local name = i % 3 == 0 and "choose.lua" or "route.lua"
    if name == "choose.lua" then
      write(name, CHOOSE:format(i))
    else
      write(name, ROUTE:format(i, i))
      version = i
    end
    local status, text = reload(name)
    assert.are.equal(0, status, text)
    for _ = 1, ASKED do
      local answer = http.fetch(m.port.web, "GET / HTTP/1.1")
      assert.are.equal(200, answer.status)
      assert.are.equal(tostring(version), answer.body)
    end
  end

  local function swap_broken(i)
    local name, text, words = unpack(BROKEN[i / BROKEN_EVERY % #BROKEN + 1])
    write(name, text)
    local status, said = reload(name)
    assert.are.equal(1, status, said)
    assert.truthy(said:find(words, 1, true), said)
    assert.truthy(said:find("moongate.ini:", 1, true)
      or said:find(name, 1, true), said)
    assert.are.equal(tostring(version),
      http.fetch(m.port.web, "GET / HTTP/1.1").body)
  end

  local function sizes()
    local kb = {}
    for _, title in ipairs({ "mg-worker", "mg-control" }) do
      for n, pid in ipairs(m:pids(title)) do
        kb[title .. n] = process.rss(pid) / 1024
      end
    end
    kb.master = process.rss(m.master.pid) / 1024
    return kb
  end

  -- Nothing has failed so far; then a worker is killed, and what fails is on
  -- its connections.
  local function end_round()
    assert.is_true(sysbench:alive(), folder.read(sysbench_out))
    assert.is_nil(folder.read(sysbench_out):find("FATAL", 1, true))
    local victim = m:workers()[1]
    process.kill(victim, "KILL")
    loop.wait_until("the worker is replaced", function()
      local workers = m:workers()
      return #workers == 2 and workers[1] ~= victim and workers[2] ~= victim
    end)
    wrk:kill("INT")
    wrk:wait(30)
    sysbench:kill("TERM")
    sysbench:wait(30)
    local text = folder.read(wrk_out)
    local connect, read, write_errors, timeout = text:match(
      "Socket errors: connect (%d+), read (%d+), write (%d+), timeout (%d+)")
    assert.is_nil(text:match("Non%-2xx[^\n]*"))
    local failed = tonumber(read or 0) + tonumber(write_errors or 0)
    assert.are.equal(0, tonumber(connect or 0))
    assert.are.equal(0, tonumber(timeout or 0))
    assert.is_true(failed <= CONNECTIONS, text)
    return tonumber(text:match("(%d+) requests in")), failed
  end

  it("fail nothing, mix nothing and keep nothing", function()
    start()
    local began, requests, failed = loop.now(), 0, 0
    local first
    for round = 1, ROUNDS do
      start_load(round)
      for i = (round - 1) * SWAPS + 1, round * SWAPS do
        if i % BROKEN_EVERY == 0 then
          swap_broken(i)
        else
          swap_good(i)
        end
      end
      local now = sizes()
      first = first or now
      local done, lost = end_round()
      requests, failed = requests + done, failed + lost
      print(("note: after %d swaps, %.0f s: master %d KB, workers %d and %d "
        .. "KB, control %d KB; %d requests, %d lost with killed workers"
        ):format(round * SWAPS, loop.now() - began, now.master,
        now["mg-worker1"], now["mg-worker2"], now["mg-control1"], requests,
        failed))
      for name, kb in pairs(now) do
        assert.is_true(kb <= first[name] + GROWTH_KB, name)
      end
    end
    assert.is_true(requests > 1000)
  end)
end)
