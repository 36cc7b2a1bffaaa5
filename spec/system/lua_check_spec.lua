--- `check = lua`: scripts that ask servers in the control process, whatever the
-- servers do to them.
local folder = require "support.folder"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local ports = require "support.ports"
local process = require "support.process"

local CONFIG = [[
  [upstream db]
  protocol = tcp
  check = lua script=%s interval=100ms timeout=300ms fall=2 rise=1
  server one = 127.0.0.1:${port_one}
  server two = 127.0.0.1:${port_two}
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = off
]]

local PING = folder.read("examples/check/redis.lua")
local PAGE = folder.read("examples/check/page.lua")


-- A server of the one line that the script asks for.
local function pong(connection)
  while connection:receive_until("\r\n", math.huge) do
    connection:send("+PONG\r\n")
  end
end


local function hang(connection)
  peer.sink(connection)
end


describe("check = lua", function()
  local m

  after_each(moongate.finish)

  local function start(one, options)
    options = options or {}
    local ours = {
      one = one.port,
      two = options.two or peer.serve(pong).port,
    }
    m = moongate.start {
      config = CONFIG:format("ping.lua"),
      files = { ["lua/ping.lua"] = options.script or PING },
      ports = ours,
    }
  end

  local function wait_state(name, state, words)
    local row
    local ok = pcall(loop.wait_until, "", function()
      row = m:server(name)
      return row.state == state and row.check:find(words, 1, true)
    end)
    assert(ok, ("%s is %s: %s\n%s"):format(name, row.state, row.check, m:log()))
  end

  -- The sockets of control: two of its own, one of ctl's while it asks, one of
  -- each check that is under way.
  local function sockets()
    local count = 0
    for _, file in ipairs(process.fds(m:pids("mg-control")[1])) do
      if file.target:find("^socket") then
        count = count + 1
      end
    end
    return count
  end

  it("finds a server that answers, and follows it down and up", function()
    local answers = true
    local one = peer.serve(function(connection)
      connection:receive_until("\r\n")
      connection:send(answers and "+PONG\r\n" or "-LOADING dataset\r\n")
    end)
    start(one)
    wait_state("one", "up", "Layer7 check passed")
    answers = false
    wait_state("one", "down", "Layer7 wrong status: -LOADING dataset")
    wait_state("two", "up", "Layer7 check passed")
    local client = net.connect(m.port.db)
    client:send("PING\r\n")
    assert.are.equal("+PONG\r\n", client:receive_until("\n"))
    answers = true
    wait_state("one", "up", "Layer7 check passed")
    m:wait_log("server db/one is down: Layer7 wrong status: %-LOADING")
  end)

  local BAD = {
    { "refuses", refuse = true, words = "connection refused" },
    { "resets", words = "connection reset by peer", function(connection)
      connection:receive(1)
      connection:reset()
    end },
    { "closes", words = "closed", function(connection)
      connection:receive_until("\n")
    end },
    { "hangs", words = "Layer7 timeout", hang },
    { "drips", words = "Layer7 timeout", function(connection)
      while connection:send("+") do
        loop.watch(0.05)
      end
    end },
    { "sends garbage for ever", words = "more than fits has come",
      function(connection)
        local block = ("\0\255"):rep(32768)
        while connection:send(block) do
        end
      end },
  }
  for _, case in ipairs(BAD) do
    it("takes one down that " .. case[1] .. ", keeps nothing, and has the "
      .. "other on time", function()
      local one = peer.serve(case[2] or hang)
      if case.refuse then
        one:refuse()
      end
      local asked = 0
      local two = peer.serve(function(connection)
        asked = asked + 1
        return pong(connection)
      end)
      start(one, { two = two.port })
      wait_state("one", "down", case.words)
      wait_state("two", "up", "Layer7 check passed")
      local before = asked
      loop.wait_until("ten more checks of both", function()
        return asked >= before + 10 and one.accepted >= (case.refuse and 0 or 4)
      end)
      assert.is_true(one.most <= 2 and two.most <= 2)
      loop.wait_until("no descriptor is kept", function()
        return sockets() <= 6
      end)
    end)
  end

  it("says on the board and in the log what is wrong with a script", function()
    start(peer.serve(hang), {
      script = "return { check = function(server)\n"
        .. "return server.name == 'two' or server.nmae end }",
    })
    wait_state("one", "down",
      "Layer7 invalid response: ping.lua:2: server has no field 'nmae'")
    wait_state("two", "up", "Layer7 check passed")
    m:wait_log("script ping.lua: check of server one of upstream db failed: "
      .. "ping.lua:2: server has no field 'nmae' | stack traceback:")
  end)

  it("goes on in a control process that takes the place of one", function()
    local one = peer.serve(pong)
    start(one)
    wait_state("one", "up", "Layer7 check passed")
    local old = m:pids("mg-control")[1]
    process.kill(old, "KILL")
    loop.wait_until("there is another control", function()
      local pid = m:pids("mg-control")[1]
      return pid and pid ~= old
    end)
    one:refuse()
    wait_state("one", "down", "connection refused")
  end)

  it("asks for a page that has a word", function()
    local word = "database: up"
    local page = peer.serve(function(connection)
      local head = connection:receive_until("\r\n\r\n")
      assert(head:find("^GET /health HTTP/1.0\r\nHost: 127.0.0.1:%d+\r\n"))
      connection:send("HTTP/1.0 200 OK\r\n\r\nall well, " .. word .. "\n")
    end)
    local broken = peer.serve(function(connection)
      connection:receive_until("\r\n\r\n")
      connection:send("HTTP/1.0 503 No\r\n\r\ndatabase: up\n")
    end)
    start(page, { script = PAGE, two = broken.port })
    wait_state("one", "up", "Layer7 check passed")
    wait_state("two", "down", "Layer7 wrong status: status 503")
    word = "database: down"
    wait_state("one", "down", "the page lacks 'database: up'")
  end)

  it("asks a real Redis, which is then stopped and killed", function()
    local port = ports.free(1)[1]
    local dir = folder.make()
    local redis = process.spawn({
      "redis-server", "--port", tostring(port), "--bind", "127.0.0.1",
      "--save", "", "--dir", dir,
    }, { stdout = dir .. "/out", stderr = dir .. "/out" })
    start({ port = port })
    wait_state("one", "up", "Layer7 check passed")
    redis:kill("STOP")
    wait_state("one", "down", "Layer7 timeout")
    redis:kill("CONT")
    wait_state("one", "up", "Layer7 check passed")
    redis:kill("KILL")
    redis:wait()
    wait_state("one", "down", "connection refused")
    folder.remove(dir)
  end)

  it("is refused without a script that has the hook", function()
    local function check(script)
      m = moongate.prepare {
        config = CONFIG:format("ping.lua"),
        files = { ["lua/ping.lua"] = script },
        ports = { one = 1, two = 2 },
      }
      return process.run({ moongate.build() .. "/moongate", "check", "-c",
        m.file })
    end

    local status, text = check("return { load = print }")
    assert.are.equal(1, status)
    assert(text:find("moongate.ini:%d+: check: ping.lua has no check hook"),
      text)
    status, text = check("return {\n check = = 1 }")
    assert.are.equal(1, status)
    assert(text:find("ini:%d+: script 'ping.lua': ping.lua:2: unexpected"),
      text)
    status, text = check(PING)
    assert.are.equal(0, status, text)
  end)
end)
