--- Scripts of somebody who means harm, in a program with one worker that serves
-- others meanwhile: those wait no longer for their answers than the time that
-- a hook may use and 50 ms, the worker stays the same one and small, the log
-- names the script and says why, and nobody gets what is not theirs.
--
-- No script of the list costs the worker.
local bystander = require "support.bystander"
local hostile = require "support.hostile"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"

local BUDGET = 0.05   -- script_budget
local MORE = 0.05     -- what the others may wait beyond it
local ATTEMPTS = 4    -- one more than bring a script into quarantine
-- What they may wait besides, since thousands of pcalls catch what ends the
-- script, each of them once; the sanitizers look through the stack each time.
local UNWINDING = {
  ["nested pcalls"] = 0.05 * (tonumber(os.getenv("MOONGATE_PATIENCE")) or 1),
}
local CALM = 0.25     -- how long the others are watched without any harm
local GOES_ON = 0.3   -- how long with what goes on by itself
local TRIES = 3       -- of a measurement, as the machine has others to serve
local GROUP = 12      -- scripts in one program
local ASAN = (os.getenv("MOONGATE_BUILD") or ""):find("asan", 1, true) ~= nil
-- What scripts may use and the program besides; the sanitizers keep what is
-- freed for a while.
local MEMORY_MAX = (ASAN and 1024 or 120) * 1e6

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

local SECTIONS = {
  http = [[
  [http NAME]
  listen = 127.0.0.1:${port_NAME}
  root = ${dir}/www
  script = NAME.lua
  access_log = off
]],
  tcp = [[
  [tcp NAME]
  listen = 127.0.0.1:${port_NAME}
  upstream = db
  script = NAME.lua
  access_log = off
]],
  policy = [[
  [upstream NAME]
  protocol = tcp
  policy = ${dir}/lua/NAME.lua
  server one = 127.0.0.1:${port_one}
  [tcp NAME]
  listen = 127.0.0.1:${port_NAME}
  upstream = NAME
  access_log = off
]],
}


-- The check hook runs in the control process; its failures are a check's.
SECTIONS.check = SECTIONS.policy:gsub("policy = ${dir}/lua/",
  "check = lua interval=100ms script=")


local function as_script(body)
  return "return { request = function(req)\n" .. body .. "\nend }"
end


describe("a hostile script", function()
  local m, server, others, calm

  -- Starts the program with some scripts, each in a section of its own.
  -- @param cases  array of tables: name, kind, lua
  local function start(cases)
    server = peer.serve(peer.echo)
    local config, files = { CONFIG }, { ["www/hello.txt"] = "hello" }
    for _, case in ipairs(cases) do
      config[#config + 1] = SECTIONS[case.kind]:gsub("NAME", case.name)
      files["lua/" .. case.name .. ".lua"] = case.lua
    end
    m = moongate.start {
      config = table.concat(config), files = files,
      ports = { one = server.port },
    }
    m.first_control = m:pids("mg-control")
    others = bystander.connect {
      web = m.port.web, webs = 8, echo = m.port.db, echoes = 2,
      pid = m.first_workers[1],
    }
    calm = others:measure(function()
      loop.watch(CALM)
    end)
  end

  local function stop()
    if m then
      m = nil
      moongate.finish()
    end
  end

  teardown(stop)

  local function call(case)
    local port = m.port[case.name]
    if case.kind == "http" then
      http.fetch(port, "/hello.txt?a=1")
      return
    end
    local client = assert(net.connect(port))
    client:send("x")
    client:receive(1)
    client:close()
  end

  local function harm(case)
    for _ = 1, case.kind == "check" and 0 or case.calls or ATTEMPTS do
      call(case)
      others:wait_round()
    end
    if case.goes_on or case.kind == "check" then
      loop.watch(GOES_ON)
    end
  end

  -- How much longer than they should the others waited, in seconds (below 0:
  -- not so long); and that in words.
  local function measure(case)
    local seen = others:measure(function()
      harm(case)
    end)
    local allowed = BUDGET + MORE + (UNWINDING[case.what] or 0)
    return seen.p99 - allowed, ("p99 %.0f ms (longest %.0f, of %d; "
      .. "without it %.0f)"):format(seen.p99 * 1e3, seen.longest * 1e3,
      seen.count, calm.p99 * 1e3)
  end

  local function log_says(case)
    local words = case.says
    for line in m:log():gmatch("[^\n]+") do
      if line:find(case.name .. ".lua: ", 1, true)
        and (words == "." or line:find(words, 1, true)) then
        return true
      end
    end
    return false
  end

  local function check(case)
    local over, words
    for try = 1, TRIES do
      if try > 1 or not m.port[case.name] then
        stop()
        start { case }
      end
      over, words = measure(case)
      if over <= 0 then
        break
      end
    end
    assert.is_true(over <= 0, words)
    loop.wait_until("the log says why", function()
      return log_says(case)
    end)
    assert.are.same(m.first_workers, m:workers())
    assert.are.same(m.first_control, m:pids("mg-control"))
    assert.are.equal("hello", http.fetch(m.port.web, "/hello.txt").body)
    local rss = process.rss(m:workers()[1])
    assert.is_true(rss < MEMORY_MAX, "the worker has " .. rss .. " bytes")
  end

  -- A program for each group of them.
  local function add_group(cases)
    describe("", function()
      setup(function()
        start(cases)
      end)

      teardown(stop)

      for _, case in ipairs(cases) do
        it("leaves the others their time: " .. case.what, function()
          check(case)
        end)
      end
    end)
  end

  local function add_groups(cases, size)
    for first = 1, #cases, size do
      local group = {}
      for i = first, math.min(#cases, first + size - 1) do
        group[#group + 1] = cases[i]
        group[#group].name = "s" .. #group
      end
      add_group(group)
    end
  end

  -- What needs a longer time than a hook has in order to fill the memory, is
  -- ended by its time.
  local function words_of(says)
    return says == hostile.MEMORY and "." or says
  end

  local requests, scripts, tasks = {}, {}, {}
  for i, case in ipairs(hostile.requests) do
    requests[i] = {
      what = case[1], kind = "http", lua = as_script(case[2]),
      says = words_of(case[3]),
    }
  end
  for i, case in ipairs(hostile.scripts) do
    scripts[i] = {
      what = case[1], kind = case[2], lua = case[3], says = case[4],
    }
  end
  for i, case in ipairs(hostile.tasks) do
    tasks[i] = {
      what = case[1], kind = "http", lua = case[2], says = case[3],
      goes_on = true, calls = 1,
    }
  end
  add_groups(requests, GROUP)
  add_groups(scripts, GROUP)
  add_groups(tasks, 1)
end)


describe("a script that wants out", function()
  local m, server

  setup(function()
    local lines = {
      "local tries = {}",
    }
    for i, case in ipairs(hostile.escapes) do
      lines[#lines + 1] = ("tries[%d] = function(req) %s end"):format(i,
        case[2])
    end
    lines[#lines + 1] = [[
      return { request = function(req)
        local try = tries[tonumber(req:arg("n"))]
        local ok, got = pcall(try, req)
        return { status = 200, body = (ok and got) and
          "it got " .. tostring(got) or "held: " .. tostring(got) }
      end }
    ]]
    server = peer.serve(peer.echo)
    m = moongate.start {
      config = CONFIG:gsub("root =", "script = theirs.lua\n  script = out.lua"
        .. "\n  root ="),
      files = {
        ["lua/theirs.lua"] = "theirs = 'secret' return {}",
        ["lua/out.lua"] = table.concat(lines, "\n"),
      },
      ports = { one = server.port },
    }
  end)

  teardown(moongate.finish)

  for i, case in ipairs(hostile.escapes) do
    it("does not get " .. case[1], function()
      local answer = http.fetch(m.port.web, "/?n=" .. i)
      assert.is_truthy(answer.body:find("^held: "), answer.body)
      assert.are.same(m.first_workers, m:workers())
    end)
  end
end)
