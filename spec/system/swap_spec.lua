--- Scripts are exchanged while the program serves: all processes at once, or
-- nothing changes and the reason is shown.
local http = require "support.http"
local folder = require "support.folder"
local json = require "dkjson"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local process = require "support.process"

local CONFIG = [[
  [http one]
  listen = 127.0.0.1:${port_one}
  root = ${dir}/www
  script = one.lua
  access_log = off
  [http two]
  listen = 127.0.0.1:${port_two}
  root = ${dir}/www
  script = two.lua
  access_log = off
]]

-- Answers with its text.
local function answers(text, more)
  return ([[
    local moongate = require "moongate"
    %s
    return {
      request = function() return moongate.reply(200, nil, %q) end,
    }
  ]]):format(more or "", text)
end


describe("a swap of scripts", function()
  local m

  local function write(name, text)
    folder.write(m.dir .. "/lua/" .. name, text)
  end

  local function start(options)
    options = options or {}
    local files = {
      ["lua/one.lua"] = answers("v1"),
      ["lua/two.lua"] = answers("v1"),
    }
    for name, text in pairs(options.files or {}) do
      files[name] = text
    end
    m = moongate.start {
      config = (options.config or CONFIG) .. (options.more or ""),
      workers = 2, files = files, global = options.global,
      env = options.env,
    }
  end

  after_each(moongate.finish)

  local function fetch(port)
    return http.fetch(m.port[port or "one"], "/").body
  end

  local function argv(command)
    local words = { moongate.build() .. "/moongate", "ctl", "-s", m.control }
    for word in command:gmatch("%S+") do
      words[#words + 1] = word
    end
    return words
  end

  -- What ctl prints when it must fail; 2 is for wrong words.
  local function refused(command)
    local status, text = process.run(argv(command), { seconds = 40 })
    assert.is_true(status == 1 or status == 2, text)
    return text
  end

  -- What `script list` says of a script.
  local function listed(name)
    for _, row in ipairs(m:ctl("script list --json")) do
      if row.name == name then
        return row
      end
    end
    error("no script " .. name .. " is listed")
  end

  local function generations()
    local seen = {}
    for _, worker in ipairs(m:ctl("show info --json").workers) do
      seen[#seen + 1] = worker.script_generation
    end
    return seen
  end

  local function has(text, words)
    assert.is_truthy(text:find(words, 1, true), text)
  end

  describe("by ctl", function()
    it("has every later answer come from the new version", function()
      start()
      local kept = {}
      for i = 1, 8 do
        kept[i] = http.connect(m.port.one)
        assert.are.equal("v1", kept[i]:exchange("GET /").body)
      end
      for version = 2, 6 do
        write("one.lua", answers("v" .. version))
        has(m:ctl("script reload one.lua"), "one.lua is now version ")
        for i = 1, 8 do
          assert.are.equal("v" .. version, kept[i]:exchange("GET /").body)
          assert.are.equal("v" .. version, fetch())
        end
        assert.are.same({ version, version }, generations())
      end
      assert.are.equal("v1", fetch("two"))
    end)

    it("answers in JSON, and lists what is in use", function()
      start()
      local before = listed("one.lua")
      assert.are.equal(1, before.generation)
      assert.are.equal(12, #before.version)
      assert.is_nil(before.previous)
      write("one.lua", answers("v2"))
      local answer = m:ctl("script reload one.lua --json")
      assert.is_true(answer.changed)
      assert.are.equal(before.version, answer.previous)
      assert.are_not.equal(before.version, answer.version)
      assert.are.equal(2, answer.generation)
      local after = listed("one.lua")
      assert.are.equal(answer.version, after.version)
      assert.are.equal(before.version, after.previous)
      assert.are.equal(2, after.generation)
      assert.is_false(after.unconfirmed)
      assert.are.equal(1, listed("two.lua").generation)
      has(m:ctl("script list"), answer.version)
      has(m:ctl("show scripts"), answer.version)
    end)

    it("swaps nothing when nothing has changed", function()
      start()
      local before = listed("one.lua")
      local text = m:ctl("script reload one.lua")
      assert.are.equal(("one.lua is unchanged: version %s (generation 1)\n")
        :format(before.version), text)
      assert.is_false(m:ctl("script reload one.lua --json").changed)
      assert.are.same({ 1, 1 }, generations())
    end)

    it("tells what it does not understand", function()
      start()
      for command, words in pairs {
        ["script"] = "write script list",
        ["script reload"] = "write script reload NAME",
        ["script relod one.lua"] = "did you mean 'script reload'?",
        ["script reload on.lua"] = "did you mean 'one.lua'?",
        ["script reload one.lua --confirm"] = "means nothing here",
        ["script reload one.lua --confirm 5"] = "--confirm: ",
        ["script reload one.lua --confirm 2d"] = "from 1s to 1d",
        ["script rollback one.lua --confirm 5s"] = "means nothing here",
        ["script reload one.lua two.lua"] = "means nothing here",
        ["script rollback one.lua"] = "there is no version before it",
        ["script confirm one.lua"] = "does not wait to be confirmed",
      } do
        has(refused(command), words)
      end
    end)

    it("takes the modules that it requires with it", function()
      start { files = {
        ["lua/one.lua"] = [[
          local moongate = require "moongate"
          local words = require "words"
          return {
            request = function() return moongate.reply(200, nil, words) end,
          }
        ]],
        ["lua/words.lua"] = "return 'first'",
      } }
      assert.are.equal("first", fetch())
      write("words.lua", "return 'second'")
      has(m:ctl("script reload one.lua"), "is now version")
      assert.are.equal("second", fetch())
    end)
  end)

  describe("that is refused", function()
    local BROKEN = {
      { "for its syntax", "return {", "one.lua:1: unexpected symbol" },
      { "since it raises", "error('no luck')", "no luck" },
      { "since load raises", "return { load = function() error('bad') end }",
        "load failed: " },
      { "for an unknown hook", "return { requset = function() end }",
        "did you mean 'request'?" },
      { "since it never ends", "while true do end", "CPU time" },
      { "for its memory",
        "local t = {} for i = 1, 1e9 do t[i] = { i } end return {}",
        "memory" },
      { "for a module that is not there",
        "local _ = require 'nowhere' return {}", "nowhere" },
      { "since its file is not there", false, "no file 'one.lua'" },
    }

    for _, case in ipairs(BROKEN) do
      local name, text, words = unpack(case)
      it(name .. " leaves the old one in use", function()
        start()
        local before = listed("one.lua")
        if text then
          write("one.lua", text)
        else
          assert(os.remove(m.dir .. "/lua/one.lua"))
        end
        local answer = refused("script reload one.lua")
        has(answer, ("one.lua stays at version %s (generation 1)")
          :format(before.version))
        has(answer, m.file .. ":")
        has(answer, words)
        m:wait_log("script one.lua: version " .. before.version .. " stays: ")
        assert.are.equal("v1", fetch())
        assert.are.same({ 1, 1 }, generations())
        write("one.lua", answers("v2"))
        m:ctl("script reload one.lua")
        assert.are.equal("v2", fetch())
      end)
    end

    local SPEC = [[
      local test = require("moongate").test
      describe("one", function()
        it("answers", function()
          local answer = test.load():request(test.request())
          assert.are.equal("%s", answer.body)
        end)
      end)
    ]]

    it("by the spec beside it, where script_selftest is on", function()
      start {
        global = "script_selftest = on",
        files = { ["lua/one_spec.lua"] = SPEC:format("v2") },
      }
      write("one.lua", answers("v3"))
      local answer = refused("script reload one.lua")
      has(answer, "its specs do not pass")
      has(answer, "Expected objects to be equal")
      has(answer, "v3")
      assert.are.equal("v1", fetch())
      write("one.lua", answers("v2"))
      has(m:ctl("script reload one.lua"), "is now version")
      assert.are.equal("v2", fetch())
      -- The other one has no spec.
      write("two.lua", answers("v2"))
      has(m:ctl("script reload two.lua"), "is now version")
    end)

    it("by a spec that never ends, and nothing of it is left", function()
      start {
        global = "script_selftest = on",
        files = { ["lua/one_spec.lua"] = "while true do end" },
        env = { TMPDIR = "${dir}/temp" },
      }
      write("one.lua", answers("v2"))
      -- On a busy machine its time is over before its CPU time is.
      local answer = refused("script reload one.lua")
      assert.is_truthy(answer:find("too much CPU time", 1, true)
        or answer:find("they took too long", 1, true), answer)
      assert.are.equal("v1", fetch())
      assert.are.same({}, folder.list(m.dir .. "/temp"))
    end)

    it("by a spec that waits for ever, and nothing of it is left", function()
      start {
        global = "script_selftest = on",
        files = { ["lua/one_spec.lua"] = "os.execute('exec sleep 100')" },
        env = { TMPDIR = "${dir}/temp" },
      }
      write("one.lua", answers("v2"))
      has(refused("script reload one.lua"), "they took too long")
      assert.are.equal("v1", fetch())
      assert.are.same({}, folder.list(m.dir .. "/temp"))
    end)

    it("by a worker that does not answer", function()
      start()
      local stopped = m:workers()[1]
      write("one.lua", answers("v2"))
      process.kill(stopped, "STOP")
      local before = loop.now()
      local answer = refused("script reload one.lua")
      local took = loop.now() - before
      process.kill(stopped, "CONT")
      has(answer, "has not answered for 2000 ms")
      assert.is_true(took >= 2 and took < 8, "it took " .. took)
      has(m:ctl("script reload one.lua"), "is now version")
      for _ = 1, 20 do
        assert.are.equal("v2", fetch())
      end
      assert.are.same({ 2, 2 }, generations())
    end)

    -- The trial cannot know what only a process that serves has.
    it("by the workers alone", function()
      start()
      write("one.lua", answers("v2", [[
        if moongate.worker then error("not in worker " .. moongate.worker) end
      ]]))
      local answer = refused("script reload one.lua")
      has(answer, "not in worker")
      assert.are.equal("v1", fetch())
      assert.are.same({ 1, 1 }, generations())
    end)
  end)

  describe("and a worker that dies", function()
    it("has its successor serve what is committed, not what is on disk",
      function()
        start()
        m.workers_change = true
        write("one.lua", answers("v2"))
        m:ctl("script reload one.lua")
        write("one.lua", "return {{{")
        for _, pid in ipairs(m:workers()) do
          process.kill(pid, "KILL")
        end
        loop.wait_until("two others serve", function()
          local info = m:ctl("show info --json")
          local ready = 0
          for _, worker in ipairs(info.workers) do
            ready = ready + (worker.restarts > 0 and worker.pid > 0
              and worker.script_generation == 2 and 1 or 0)
          end
          return ready == 2
        end)
        for _ = 1, 10 do
          assert.are.equal("v2", fetch())
        end
      end)

    -- Its `load` dwells, so that there is a middle.
    it("in the middle has it begin again", function()
      start()
      m.workers_change = true
      local dwell = [[
        local until_s = os.clock() + 0.3
        repeat until os.clock() >= until_s
      ]]
      write("one.lua", answers("v2", dwell))
      local old = m:workers()
      local ctl = process.spawn(argv("script reload one.lua"),
        { stdout = m.dir .. "/out", stderr = m.dir .. "/out" })
      loop.wait_until("a worker is loading", function()
        -- The trial has gone.
        local status = folder.read("/proc/" .. old[1] .. "/stat")
        return #m:pids("mg-trial") == 0
          and status:match("%) (%a)") == "R"
      end)
      process.kill(old[1], "KILL")
      assert.are.equal(0, ctl:wait(30), folder.read(m.dir .. "/out"))
      for _ = 1, 20 do
        assert.are.equal("v2", fetch())
      end
      assert.are.same({ 2, 2 }, generations())
    end)
  end)

  -- One has said that it can, and stands still when it should.
  it("ends a worker that does not exchange", function()
    start { global = "script_load_budget = 20s" }
    m.workers_change = true
    write("one.lua", answers("v2", [[
      local until_s = os.clock() + (moongate.worker == 1 and 2 or 0)
      repeat until os.clock() >= until_s
    ]]))
    local workers = m:ctl("show info --json").workers
    local quick, slow = workers[1].pid, workers[2].pid
    local function cpu(pid)
      local stat = folder.read("/proc/" .. pid .. "/stat")
      local user, system = stat:match("%) %a" .. (" %S+"):rep(10)
        .. " (%d+) (%d+)")
      return user + system
    end
    local before = cpu(slow)
    local ctl = process.spawn(argv("script reload one.lua"),
      { stdout = m.dir .. "/out", stderr = m.dir .. "/out" })
    loop.wait_until("the other one has worked for half a second", function()
      return cpu(slow) - before > 50
    end)
    process.kill(quick, "STOP")
    assert.are.equal(0, ctl:wait(30), folder.read(m.dir .. "/out"))
    m:wait_log("worker%[0%] %(pid " .. quick
      .. "%) has not exchanged the new scripts; killing it")
    for _ = 1, 20 do
      assert.are.equal("v2", fetch())
    end
    loop.wait_until("all serve the second generation", function()
      local seen = generations()
      return seen[1] == 2 and seen[2] == 2
    end)
  end)

  it("is done in control too, with what checks servers", function()
    local check = "return { check = function() return %s end }"
    start {
      files = { ["lua/check.lua"] = check:format("true") },
      more = [[
        [upstream db]
        protocol = tcp
        check = lua script=check.lua interval=100ms fall=1 rise=1
        server one = 127.0.0.1:${port_db}
      ]],
    }
    local function wait_state(state)
      loop.wait_until("the server is " .. state, function()
        return m:server("one").state == state
      end)
    end
    wait_state("up")
    write("check.lua", check:format("false, 'the new one says no'"))
    has(m:ctl("script reload check.lua"), "is now version")
    wait_state("down")
    write("check.lua", "return {}")
    has(refused("script reload check.lua"), "has no check hook")
    m:ctl("script rollback check.lua")
    wait_state("up")
  end)

  describe("that is taken back", function()
    it("goes back version by version", function()
      start()
      for version = 2, 5 do
        write("one.lua", answers("v" .. version))
        m:ctl("script reload one.lua")
      end
      write("one.lua", "nonsense")
      for version = 4, 1, -1 do
        has(m:ctl("script rollback one.lua"), "is now version")
        assert.are.equal("v" .. version, fetch())
      end
      has(refused("script rollback one.lua"), "there is no version before it")
      assert.are.equal("v1", fetch())
      assert.are.same({ 9, 9 }, generations())
    end)

    it("keeps eight versions", function()
      start()
      for version = 2, 12 do
        write("one.lua", answers("v" .. version))
        m:ctl("script reload one.lua")
      end
      for version = 11, 5, -1 do
        m:ctl("script rollback one.lua")
        assert.are.equal("v" .. version, fetch())
      end
      refused("script rollback one.lua")
    end)

    it("comes back unless it is confirmed", function()
      start()
      local first = listed("one.lua").version
      write("one.lua", answers("v2"))
      has(m:ctl("script reload one.lua --confirm 1s"),
        "unless it is confirmed within 1s, version " .. first .. " comes back")
      assert.are.equal("v2", fetch())
      m:wait_log("script one.lua: version %x+ was not confirmed in time")
      loop.wait_until("the first one is back", function()
        return listed("one.lua").version == first
      end)
      assert.are.equal("v1", fetch())
      assert.is_false(listed("one.lua").unconfirmed)
    end)

    it("stays when it is confirmed", function()
      start()
      write("one.lua", answers("v2"))
      local answer = m:ctl("script reload one.lua --confirm 1s --json")
      assert.are.equal(1, answer.confirm_seconds)
      assert.is_true(listed("one.lua").unconfirmed)
      has(m:ctl("script list"), "to be confirmed within 1s")
      has(m:ctl("script confirm one.lua"), "is confirmed")
      assert.is_false(listed("one.lua").unconfirmed)
      -- A later one waits for longer than the first would have.
      write("one.lua", answers("v3"))
      m:ctl("script reload one.lua --confirm 2s")
      m:wait_log("was not confirmed in time")
      loop.wait_until("the confirmed one is back", function()
        return listed("one.lua").version == answer.version
      end)
      assert.are.equal("v2", fetch())
    end)

    it("is confirmed by a further one", function()
      start()
      write("one.lua", answers("v2"))
      m:ctl("script reload one.lua --confirm 60s")
      write("one.lua", answers("v3"))
      m:ctl("script reload one.lua")
      assert.is_false(listed("one.lua").unconfirmed)
      has(refused("script confirm one.lua"), "does not wait to be confirmed")
    end)

    it("is not confirmed by a HUP", function()
      start()
      local first = listed("one.lua").version
      write("one.lua", answers("v2"))
      m:ctl("script reload one.lua --confirm 3s")
      write("one.lua", answers("v3"))
      m.master:kill("HUP")
      loop.wait_until("the third one serves", function()
        return fetch() == "v3"
      end)
      assert.is_true(listed("one.lua").unconfirmed)
      m:wait_log("script one.lua: version %x+ was not confirmed in time")
      loop.wait_until("the first one is back", function()
        return listed("one.lua").version == first
      end)
      assert.are.equal("v1", fetch())
    end)

    it("says also after a HUP how long there is to confirm it", function()
      start()
      local first = listed("one.lua").version
      write("one.lua", answers("v2"))
      m:ctl("script reload one.lua --confirm 60s")
      write("one.lua", answers("v3"))
      m.master:kill("HUP")
      local seconds = m:wait_log("is in use generation=3 [^\n]* by SIGHUP\n"
        .. "[^\n]*version " .. first .. " comes back in (%d+) s unless")
      assert.is_true(tonumber(seconds) > 30, seconds)
      -- One that is the same is told likewise.
      local answer = m:ctl("script reload one.lua --json")
      assert.is_false(answer.changed)
      assert.is_true(answer.confirm_seconds > 30)
    end)

    it("comes back to the last confirmed one over several", function()
      start()
      local first = listed("one.lua").version
      for version = 2, 3 do
        write("one.lua", answers("v" .. version))
        m:ctl("script reload one.lua --confirm 1s")
      end
      loop.wait_until("the first one is back", function()
        return listed("one.lua").version == first
      end)
      assert.are.equal("v1", fetch())
      refused("script rollback one.lua")
    end)
  end)

  describe("by HUP", function()
    it("takes all that has changed", function()
      start()
      write("one.lua", answers("v2"))
      write("two.lua", answers("v2"))
      m.master:kill("HUP")
      m:wait_log("script two.lua: version %x+ is in use generation=2")
      m:wait_log("script one.lua: version %x+ is in use generation=2")
      assert.are.equal("v2", fetch("one"))
      assert.are.equal("v2", fetch("two"))
      m.master:kill("HUP")
      m:wait_log("no script has changed")
      assert.are.same({ 2, 2 }, generations())
    end)

    it("takes nothing where one is broken", function()
      start()
      write("one.lua", answers("v2"))
      write("two.lua", "return {{{")
      m.master:kill("HUP")
      m:wait_log("the configuration stays as it is: .*script 'two.lua': "
        .. "two.lua:1: ")
      assert.are.equal("v1", fetch("one"))
      assert.are.equal("v1", fetch("two"))
      assert.are.same({ 1, 1 }, generations())
    end)
  end)

  describe("of several who ask", function()
    it("is done one after the other", function()
      start()
      local asked = {}
      for i = 1, 6 do
        local name = i % 2 == 0 and "one.lua" or "two.lua"
        write(name, answers("v" .. i + 1))
        asked[i] = process.spawn(argv("script reload " .. name .. " --json"),
          { stdout = m.dir .. "/out" .. i, stderr = m.dir .. "/out" .. i })
      end
      for i = 1, 6 do
        assert.are.equal(0, asked[i]:wait(30), m:log())
        assert.is_truthy(json.decode(folder.read(m.dir .. "/out" .. i)))
      end
      assert.are.equal("v7", fetch("one"))
      assert.are.equal("v6", fetch("two"))
    end)

    it("does not mind one who leaves", function()
      start()
      write("one.lua", answers("v2"))
      local client = assert(net.connect(m.control))
      client:send("script reload one.lua\n")
      client:close()
      m:wait_log("script one.lua: version %x+ is in use generation=2")
      assert.are.equal("v2", fetch())
      assert.are.same({ 2, 2 }, generations())
    end)
  end)

  local DWELL = [[
    local until_s = os.clock() + 0.5
    repeat until os.clock() >= until_s
  ]]

  it("ends well when control dies in the middle", function()
    start()
    write("one.lua", answers("v2", DWELL))
    local ctl = process.spawn(argv("script reload one.lua"),
      { stdout = m.dir .. "/out", stderr = m.dir .. "/out" })
    loop.wait_until("it is tried", function()
      return #m:pids("mg-trial") > 0
    end)
    process.kill(m:pids("mg-control")[1], "KILL")
    assert.are.equal(3, ctl:wait(30))
    m:wait_log("script one.lua: version %x+ is in use generation=2")
    assert.are.equal("v2", fetch())
    loop.wait_until("control is back", function()
      return #m:pids("mg-control") == 1
        and process.run(argv("show info")) == 0
    end)
    assert.are.same({ 2, 2 }, generations())
  end)

  for _, signal in ipairs { "QUIT", "TERM" } do
    it("is refused when the program ends by " .. signal, function()
      start()
      write("one.lua", answers("v2", DWELL))
      local ctl = process.spawn(argv("script reload one.lua"),
        { stdout = m.dir .. "/out", stderr = m.dir .. "/out" })
      loop.wait_until("it is tried", function()
        return #m:pids("mg-trial") > 0
      end)
      m:stop(signal)
      assert.are.equal(1, ctl:wait(10))
      has(folder.read(m.dir .. "/out"), "the program is stopping")
      assert.is_truthy(m:log():find("the program is stopping", 1, true))
    end)
  end

  it("lifts a quarantine, also with the same bytes", function()
    start { files = { ["lua/one.lua"] = [[
      return { request = function(req)
        if req.path == "/loop" then while true do end end
      end }
    ]], ["www/hello.txt"] = "hello" } }
    for _ = 1, 3 do
      http.fetch(m.port.one, "/loop")
    end
    loop.wait_until("it is quarantined", function()
      return listed("one.lua").quarantined
    end)
    has(m:ctl("script reload one.lua"), "is now version")
    assert.is_false(listed("one.lua").quarantined)
    has(m:ctl("script reload one.lua"), "is unchanged")
  end)

  it("leaves nothing behind, two hundred times", function()
    start()
    local pids = m:workers()
    pids[#pids + 1] = m:pids("mg-control")[1]
    pids[#pids + 1] = m.master.pid
    local function measure()
      local all = { rss = {}, fds = {} }
      for i, pid in ipairs(pids) do
        all.rss[i] = process.rss(pid)
        all.fds[i] = #process.fds(pid)
      end
      return all
    end
    local before
    for i = 1, 200 do
      local broken = i % 10 == 0
      write("one.lua", broken and "return {{{" or answers("v" .. i))
      if broken then
        refused("script reload one.lua")
      else
        m:ctl("script reload one.lua")
        assert.are.equal("v" .. i, fetch())
      end
      before = i == 40 and measure() or before
    end
    local after = measure()
    assert.are.same(before.fds, after.fds)
    for i in ipairs(pids) do
      local grown = after.rss[i] - before.rss[i]
      assert.is_true(grown < 2 * 1024 * 1024, pids[i] .. " grew by " .. grown)
    end
  end)
end)
