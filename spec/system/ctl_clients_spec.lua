--- Clients of the control socket: many at once, ones that say nothing or half a
-- line, and answers that are long.
local json = require "dkjson"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local process = require "support.process"

local SERVERS = 1000
local SECONDS = 1  -- an answer takes a small part of that


describe("the control socket", function()
  local m

  local function start(count)
    local lines = {}
    for i = 1, count do
      lines[i] = ("  server node-%04d = 127.0.0.1:${port_none}"):format(i)
    end
    m = moongate.start {
      config = "[upstream many]\n  protocol = tcp\n"
        .. table.concat(lines, "\n") .. [[

        [tcp db]
        listen = 127.0.0.1:${port_db}
        upstream = many
        access_log = off
      ]],
      ports = { none = net.reserve().port },
    }
  end

  after_each(moongate.finish)

  local function ask(line, seconds)
    local client = assert(net.connect(m.control))
    client:send(line .. "\n")
    local text = client:receive_all(seconds)
    client:close()
    return text
  end

  it("answers many clients at once", function()
    start(2)
    local clients = {}
    for i = 1, 64 do
      clients[i] = assert(net.connect(m.control))
    end
    for _, client in ipairs(clients) do
      client:send("show info")
    end
    for i = #clients, 1, -1 do
      clients[i]:send(" --json\n")
    end
    for _, client in ipairs(clients) do
      local text = client:receive_all()
      assert.are.equal(m.master.pid, json.decode(text:match("^ok\n(.*)$")).pid)
    end
  end)

  it("is not taken by those who say nothing, or half a line", function()
    start(2)
    local idle = {}
    for i = 1, 200 do
      idle[i] = assert(net.connect(m.control))
      if i % 2 == 0 then
        idle[i]:send("show in")
      end
      if i % 50 == 0 then -- all have been accepted by then
        assert.truthy(ask("show info", 5):find("^ok\nversion"))
      end
    end
    for _ = 1, 5 do
      assert.truthy(ask("show info", 5):find("^ok\nversion"))
    end
    -- Those that came last are served still.
    idle[200]:send("fo\n")
    assert.truthy(idle[200]:receive_all():find("^ok\nversion"))
  end)

  it("refuses what is too long, and goes on", function()
    start(2)
    assert.truthy(ask(("x"):rep(5000)):find("^error unknown command"))
    assert.truthy(ask("show\0info"):find("^error unknown command"))
    local client = assert(net.connect(m.control))
    client:send("show servers --json\n")
    client:reset()
    assert.truthy(ask("show info"):find("^ok\n"))
  end)

  it("answers clients that begin to read late", function()
    start(SERVERS)
    local slow = {}
    for i = 1, 20 do
      slow[i] = assert(net.connect(m.control))
      slow[i]:send("show servers --json\n")
    end
    assert.truthy(ask("show info"):find("^ok\n"))
    for _, client in ipairs(slow) do
      local text = client:receive_all()
      assert.are.equal(SERVERS, #json.decode(text:match("^ok\n(.*)$")))
    end
  end)

  it("shows " .. SERVERS .. " servers in bounded time", function()
    start(SERVERS)
    for _, command in ipairs {
      "show servers", "show servers --json", "show info", "show pools",
      "show pools --json", "server many/node-0999 drain",
      "server many/node-099 drain",
    } do
      local from = loop.now()
      local text = ask(command)
      assert.is_true(loop.now() - from < SECONDS, command)
      assert.is_true(#text > 20)
    end
    local status, text = process.run({
      moongate.build() .. "/moongate", "ctl", "-s", m.control, "top",
    })
    assert.are.equal(0, status)
    assert.are.equal(SERVERS, select(2, text:gsub("many/node", "")))
  end)
end)
