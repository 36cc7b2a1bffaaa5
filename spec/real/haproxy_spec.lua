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
  option allbackups
]]

local MOONGATE = [[
  [upstream db]
  protocol = tcp
  policy = %s
  server a = 127.0.0.1:${port_a} %s
  server b = 127.0.0.1:${port_b} %s
  server c = 127.0.0.1:${port_c} %s
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

  -- Where numbers stand for servers, they are weights.
  local function options_of(server)
    return type(server) == "number" and "weight=" .. server or server
  end

  local function start_haproxy(policy, given)
    local port = ports.free(1)[1]
    local text = HAPROXY:gsub("%${(%w+)}", {
      folder = place, port = port, policy = policy,
    })
    for i, name in ipairs(NAMES) do
      text = ("%s  server %s 127.0.0.1:%d %s\n"):format(text, name,
        numbers[name], (options_of(given[i]):gsub("=", " ")))
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

  local function start_moongate(policy, given)
    local m = moongate.start({
      config = MOONGATE:format(policy, options_of(given[1]),
        options_of(given[2]), options_of(given[3])),
      ports = numbers,
    })
    return m.port.db, m
  end

  -- The connections to a server, as HAProxy counts them.
  local function active_of_haproxy(name)
    local socket = assert(net.connect(place .. "/stats"))
    socket:send("show stat\n")
    local text = socket:receive_all()
    socket:close()
    return tonumber(text:match("\ndb," .. name .. ",%d*,%d*,(%d+),"))
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

  -- Runs a scenario on a port of each, one after the other.
  local function run_both(policy, given, scenario)
    local port, haproxy = start_haproxy(policy, given)
    local theirs = scenario(port, active_of_haproxy)
    haproxy:kill("TERM")
    assert.is_not_nil(haproxy:wait())
    for _, server in pairs(servers) do
      server:wait_open(0)
    end
    local m
    port, m = start_moongate(policy, given)
    return theirs, scenario(port, function(name)
      return m:server(name).active
    end)
  end

  it("fill alike: first, with a hole", function()
    local given = { "maxconn=2", "maxconn=3 weight=9", "maxconn=4" }
    local theirs, ours = run_both("first", given, function(port, active)
      local clients, order = {}, {}
      for i = 1, 8 do
        clients[i] = assert(net.connect(port))
        order[i] = assert(clients[i]:receive(1))
        if i == 6 then
          clients[1]:close()
          loop.wait_until("there is a hole", function()
            return active("a") == 1
          end)
        end
      end
      return table.concat(order)
    end)
    assert.are.equal("aabbbcac", theirs)
    assert.are.equal(theirs, ours)
  end)

  it("wait alike for a full server rather than take a backup", function()
    local given = { "maxconn=1", "backup", "backup" }
    local theirs, ours = run_both("roundrobin", given, function(port)
      local first = assert(net.connect(port))
      local answers = { first:receive(1) }
      local second = assert(net.connect(port))
      answers[2] = second:quiet(0.5) and "waits"
      first:close()
      answers[3] = second:receive(1)
      return answers
    end)
    assert.are.same({ "a", "waits", "a" }, theirs)
    assert.are.same(theirs, ours)
  end)

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
