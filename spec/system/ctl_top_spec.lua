--- `moongate ctl top` on a terminal: draws, obeys keys, and leaves the terminal
-- as it was on every way out.
local json = require "dkjson"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"
local terminal = require "support.terminal"

local ENTER, LEAVE = "\27%[%?1049h", "\27%[%?1049l"


describe("ctl top", function()
  local m, t

  before_each(function()
    local servers = {}
    for i = 1, 40 do
      servers[i] = ("  server n%02d = 127.0.0.1:${port_none}"):format(i)
    end
    m = moongate.start {
      config = [[
        [upstream db]
        protocol = tcp
        server busy = 127.0.0.1:${port_busy}
        [upstream many]
        protocol = tcp
]] .. table.concat(servers, "\n") .. [[

        [tcp db]
        listen = 127.0.0.1:${port_db}
        upstream = db
        access_log = off
      ]],
      ports = {
        busy = peer.serve(peer.greet("welcome")).port,
        none = net.reserve().port,
      },
    }
    t = terminal.open(100, 24)
  end)

  after_each(function()
    t:close()
    moongate.finish()
  end)

  local function start(env)
    return process.spawn({
      moongate.build() .. "/moongate", "ctl", "-s", m.control, "top",
    }, {
      session = true, stdin = t.path, stdout = t.path, stderr = t.path,
      env = env or { NO_COLOR = "1", TERM = "xterm" },
    })
  end

  it("shows who has most to do, and leaves at q", function()
    local client = assert(net.connect(m.port.db))
    client:receive(7)
    local before = t:modes()
    local top = start()
    local text = t:wait_for("1%-17 of 41")
    assert.truthy(text:find(ENTER))
    assert.truthy(text:find("\ndb/busy +no check +1 +0"), text)
    assert.is_nil(text:find("\27%[%d+m"))
    assert.is_true(before ~= t:modes())
    t:type("q")
    t:wait_for(LEAVE)
    assert.are.equal(0, top:wait(5))
    assert.are.equal(before, t:modes())
  end)

  it("draws again by itself, with figures by the second", function()
    local top = start()
    t:wait_for("cpu master %d+s")  -- the first figures are the whole ones
    t:wait_for("worker%[0%] %d+%%")
    t:type("q")
    assert.are.equal(0, top:wait(5))
  end)

  it("scrolls and sorts", function()
    local top = start()
    t:wait_for("sort %(load%).-1%-17 of 41")
    t:type("\27[6~")
    t:wait_for("18%-34 of 41")
    t:type("\27[B")
    t:wait_for("19%-35 of 41")
    t:type("\27[F")
    t:wait_for("25%-41 of 41")
    t:type("\27[A")
    t:wait_for("24%-40 of 41")
    t:type("s")
    t:wait_for("sort %(rate%).-1%-17 of 41")
    t:type("s")
    t:type("s")
    t:wait_for("db/busy.-many/n16.-sort %(name%)")
    t:type("q")
    assert.are.equal(0, top:wait(5))
  end)

  it("fits another size at once", function()
    local top = start()
    t:wait_for("1%-17 of 41")
    t:resize(60, 12)
    top:kill("WINCH")
    t:wait_for("1%-5 of 41")
    t:type("q")
    assert.are.equal(0, top:wait(5))
  end)

  it("gives the terminal back when it is told to end", function()
    local before = t:modes()
    for _, signal in ipairs { "INT", "TERM", "HUP", "QUIT" } do
      local top = start()
      t:wait_for("of 41")
      top:kill(signal)
      t:wait_for(LEAVE)
      assert.are.equal(0, top:wait(5))
      assert.are.equal(before, t:modes())
    end
  end)

  it("gives it back when what it watches ends", function()
    local before = t:modes()
    local top = start()
    t:wait_for("of 41")
    m:stop()
    t:wait_for(LEAVE .. ".-cannot reach")
    assert.are.equal(3, top:wait(5))
    assert.are.equal(before, t:modes())
  end)

  it("is coloured unless that is not wanted", function()
    local top = start { NO_COLOR = false, TERM = "xterm" }
    t:wait_for("\27%[7mserver")
    t:type("q")
    assert.are.equal(0, top:wait(5))
  end)

  it("prints one page without a terminal", function()
    local text = m:ctl("top")
    assert.truthy(text:find("^moongate %d"))
    assert.truthy(text:find("\nmany/n40 "), text)
    assert.is_nil(text:find("\27", 1, true))
    local both = m:ctl("top --json")
    assert.are.equal(41, #both.servers)
    assert.are.equal(m.master.pid, both.info.pid)
    assert.is_table(json.decode(json.encode(both)))
  end)
end)
