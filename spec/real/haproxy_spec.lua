--- The policies beside HAProxy's, with one thread, on the same servers.
local folder = require "support.folder"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local ports = require "support.ports"
local process = require "support.process"

local NAMES = { "a", "b", "c" }

local HAPROXY = [[
global
  nbthread 1
  stats socket ${folder}/stats
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen db
  bind 127.0.0.1:${port}
  balance ${policy}
]]

local MOONGATE = [[
  [upstream db]
  protocol = tcp
  policy = %s
  server a = 127.0.0.1:${port_a} weight=%d
  server b = 127.0.0.1:${port_b} weight=%d
  server c = 127.0.0.1:${port_c} weight=%d
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = off
]]


describe("a policy and HAProxy's of the same name", function()
  local place, servers, numbers

  before_each(function()
    place = folder.make()
    servers, numbers = {}, {}
    for _, name in ipairs(NAMES) do
      servers[name] = peer.serve(peer.greet(name), { name = name })
      numbers[name] = servers[name].port
    end
  end)

  after_each(function()
    moongate.finish()
    folder.remove(place)
  end)

  local function start_haproxy(policy, weights)
    local port = ports.free(1)[1]
    local text = HAPROXY:gsub("%${(%w+)}", {
      folder = place, port = port, policy = policy,
    })
    for i, name in ipairs(NAMES) do
      text = ("%s  server %s 127.0.0.1:%d weight %d\n"):format(text, name,
        numbers[name], weights[i])
    end
    folder.write(place .. "/haproxy.cfg", text)
    local out = place .. "/out"
    local haproxy = process.spawn({
      "haproxy", "-db", "-f", place .. "/haproxy.cfg",
    }, { stdout = out, stderr = out })
    local listening = (":%04X 00000000:0000 0A"):format(port)
    loop.wait_until("haproxy listens", function()
      assert(haproxy:alive(), folder.read(out))
      return folder.read("/proc/net/tcp"):find(listening, 1, true)
    end)
    return port, haproxy
  end

  local function start_moongate(policy, weights)
    local m = moongate.start({
      config = MOONGATE:format(policy, unpack(weights)), ports = numbers,
    })
    return m.port.db
  end

  -- Opens connections one after the other; each server says its name.
  local function connect(port, n, keep)
    local order = {}
    for i = 1, n do
      local client = assert(net.connect(port))
      order[i] = assert(client:receive(1))
      if not keep then
        client:close()
      end
    end
    return order
  end

  local function counts(order)
    local map = { a = 0, b = 0, c = 0 }
    for _, name in ipairs(order) do
      map[name] = map[name] + 1
    end
    return map
  end

  local function compare(case)
    local port, haproxy = start_haproxy(case.policy, case.weights)
    local theirs = counts(connect(port, case.connections, case.keep))
    haproxy:kill("TERM")
    assert.is_not_nil(haproxy:wait())
    if case.keep then
      loop.wait_until("haproxy's connections are gone", function()
        return servers.a.open + servers.b.open + servers.c.open == 0
      end)
    end
    local ours = counts(connect(start_moongate(case.policy, case.weights),
      case.connections, case.keep))
    assert.are.same(theirs, ours)
  end

  for _, case in ipairs({
    { policy = "roundrobin", weights = { 1, 1, 1 }, connections = 60 },
    { policy = "roundrobin", weights = { 1, 2, 3 }, connections = 60 },
    { policy = "static-rr", weights = { 1, 2, 3 }, connections = 60 },
    { policy = "leastconn", weights = { 1, 1, 1 }, connections = 60,
      keep = true },
    { policy = "leastconn", weights = { 1, 2, 3 }, connections = 60,
      keep = true },
  }) do
    it(("share alike: %s, weights %s%s"):format(case.policy,
       table.concat(case.weights, " "), case.keep and ", kept" or ""),
       function()
      compare(case)
    end)
  end

  it("share alike: source, all from one address", function()
    local weights = { 1, 2, 3 }
    local port, haproxy = start_haproxy("source", weights)
    local theirs = connect(port, 20)
    haproxy:kill("TERM")
    assert.is_not_nil(haproxy:wait())
    local ours = connect(start_moongate("source", weights), 20)
    for i = 2, 20 do
      assert.are.equal(theirs[1], theirs[i])
      assert.are.equal(ours[1], ours[i])
    end
  end)
end)
