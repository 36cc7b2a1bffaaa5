--- Events: what happens in the program, with its cause, in one place.
local folder = require "support.folder"
local loop = require "support.loop"
local moongate = require "support.moongate"
local peer = require "support.peer"
local process = require "support.process"

local CONFIG = [[
  [upstream db]
  protocol = tcp
  policy = mine.lua
  check = tcp interval=100ms fastinter=50ms downinter=50ms rise=1 fall=2
  server one = 127.0.0.1:${port_one}
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
]]
local SCRIPT = "return { pick = function() return 1 end }\n"
local SECONDS = 10


describe("events", function()
  local m, server

  before_each(function()
    server = peer.serve(peer.echo)
    m = moongate.start {
      config = CONFIG, workers = 2, ports = { one = server.port },
      files = { ["lua/mine.lua"] = SCRIPT },
    }
  end)

  after_each(moongate.finish)

  local function events()
    return m:ctl("show events --json")
  end

  -- The newest event of a kind whose words match.
  local function wait_for(kind, pattern)
    local found
    loop.wait_until("there is " .. kind .. ": " .. pattern, function()
      for _, event in ipairs(events()) do
        if event.kind == kind and event.words:find(pattern) then
          found = event
          return true
        end
      end
      return false
    end, SECONDS)
    return found
  end

  it("tell of a server that dies and comes back, and why", function()
    assert.are.same({}, events())
    server:refuse()
    local down = wait_for("down", "^db/one down: .*[Cc]onnection")
    wait_for("down", "^db has no server in service$")
    peer.serve(peer.echo, { port = server.port })
    local up = wait_for("up", "^db/one up: ")
    wait_for("up", "^db has a server in service again$")
    assert.is_true(up.time_ms >= down.time_ms)
    assert.is_true(up.number > down.number)
    assert.is_truthy(m:ctl("show events"):find("  down  +db/one down: "))
  end)

  it("tell who has set what", function()
    m:ctl("server db/one drain")
    wait_for("admin", "^db/one is set to drain, weight 1, by .")
    m:ctl("server db/one weight 7")
    wait_for("admin", "^db/one is set to drain, weight 7, by .")
  end)

  it("tell of versions of a script, and of one that is refused", function()
    folder.write(m.dir .. "/lua/mine.lua", SCRIPT .. "-- newer\n")
    m:ctl("script reload mine.lua")
    wait_for("script", "^script mine.lua exchanged for version %x+, by .")
    folder.write(m.dir .. "/lua/mine.lua", "return {")
    assert.has_error(function()
      m:ctl("script reload mine.lua")
    end)
    wait_for("script", "^script mine.lua stays at version %x+: .*mine.lua:1")
    m:ctl("script rollback mine.lua")
    wait_for("script", "^script mine.lua rolled back to version %x+, by .")
  end)

  it("tell of a worker that is killed, and outlive control", function()
    m.workers_change = true
    local worker = m:workers()[1]
    process.kill(worker, "KILL")
    wait_for("worker", "pid " .. worker .. ".*another takes its place$")
    local control = m:pids("mg-control")[1]
    process.kill(control, "KILL")
    loop.wait_until("there is another control", function()
      local pids = m:pids("mg-control")
      return #pids == 1 and pids[1] ~= control
    end, SECONDS)
    loop.wait_until("it answers", function()
      local ok, answer = pcall(m.ctl, m, "show events")
      return ok and answer:find("pid " .. worker, 1, true) ~= nil
        and answer:find("pid " .. control, 1, true) ~= nil
    end, SECONDS)
  end)
end)
