--- Scripts in the running program: rotation over workers, retries, decisions,
-- and what becomes of scripts that fail.
local http = require "support.http"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"

local NAMES = { "a", "b", "c" }

local TCP = [[
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
  %s
]]

local WEB = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  access_log = off
  script = hook.lua
  %s
]]


describe("scripts", function()
  local m, ports

  before_each(function()
    ports = {}
    for _, name in ipairs(NAMES) do
      ports[name] = peer.serve(peer.greet(name), { name = name }).port
    end
  end)

  after_each(moongate.finish)

  local function start_tcp(options)
    local weights = options.weights or { 1, 1, 1 }
    m = moongate.start {
      global = "script_path = lua",
      config = TCP:format(options.policy or "roundrobin", weights[1],
        weights[2], weights[3], options.more or ""),
      ports = ports, workers = options.workers, files = options.files,
    }
  end

  local function start_web(body, more)
    m = moongate.start {
      global = "script_path = lua",
      config = WEB:format(more or ""),
      files = {
        ["www/file.txt"] = "the file",
        ["lua/hook.lua"] = "local moongate = require 'moongate'\n"
          .. "return { request = function(req)\n" .. body .. "\nend }\n",
      },
    }
  end

  -- Connects N times in turn; each server says its name.
  local function names(n)
    local order = {}
    for i = 1, n do
      local client = assert(net.connect(m.port.db))
      order[i] = client:receive(1)
      client:close()
    end
    return order
  end

  local function count(order, first, last)
    local counts = { a = 0, b = 0, c = 0 }
    for i = first or 1, last or #order do
      counts[order[i]] = counts[order[i]] + 1
    end
    return counts
  end

  for _, policy in ipairs { "roundrobin", "static-rr" } do
    it("rotate exactly over workers: " .. policy, function()
      start_tcp { policy = policy, weights = { 1, 2, 3 }, workers = 2 }
      local order = names(60)
      for first = 1, 55 do
        assert.are.same({ a = 1, b = 2, c = 3 },
          count(order, first, first + 5))
      end
    end)
  end

  it("go on with the rotation after a worker was killed", function()
    start_tcp { weights = { 1, 2, 3 }, workers = 2 }
    local before = names(9)
    process.kill(m:workers()[1], "KILL")
    m.workers_change = true
    m:wait_log("was killed by signal 9")
    local order = before
    while #order < 36 do
      local client = net.connect(m.port.db)
      local name = client and client:receive_some()
      if name and name ~= "" then
        order[#order + 1] = name
      end
      if client then
        client:close()
      end
    end
    -- A connection that the dead worker had accepted may have had a turn.
    local counts = count(order)
    assert.is_true(math.abs(counts.a - 6) <= 1 and math.abs(counts.b - 12) <= 1
      and math.abs(counts.c - 18) <= 1,
      ("%d %d %d"):format(counts.a, counts.b, counts.c))
  end)

  it("deal the turns of a server that refuses among the others", function()
    local closed = net.reserve()
    ports.b = closed.port
    start_tcp {}
    assert.are.same({ a = 30, b = 0, c = 30 }, count(names(60)))
  end)

  it("decide by the user's own policy, which may be four lines", function()
    start_tcp {
      policy = "${dir}/lua/last.lua",
      files = { ["lua/last.lua"] = "return { pick = function(flow, servers)\n"
        .. "  return #servers\nend }" },
    }
    assert.are.same({ a = 0, b = 0, c = 5 }, count(names(5)))
  end)

  it("that raise are logged with a traceback, and replaced", function()
    start_tcp {
      policy = "${dir}/lua/bad.lua",
      files = { ["lua/bad.lua"] = "return { pick = function(flow, servers)\n"
        .. "  return servers.x.y\nend }" },
    }
    assert.are.same({ a = 2, b = 2, c = 2 }, count(names(6)))
    local line = m:wait_log("pick of upstream db failed: [^\n]*")
    assert.is_not_nil(line)
    assert.is_true(m:log():find("bad.lua:2: attempt to index", 1, true) ~= nil)
    assert.is_true(m:log():find("stack traceback: ", 1, true) ~= nil)
  end)

  it("refuse connections", function()
    start_tcp {
      more = "script = no.lua",
      files = { ["lua/no.lua"] = "return { accept = function(conn)\n"
        .. "  return false, 'closed on Mondays'\nend }" },
    }
    local client = assert(net.connect(m.port.db))
    assert.are.equal("", client:receive_all() or "")
  end)

  it("send connections to another upstream and server", function()
    m = moongate.start {
      global = "script_path = lua",
      config = [[
        [upstream one]
        protocol = tcp
        server a = 127.0.0.1:${port_a}
        [upstream two]
        protocol = tcp
        server b = 127.0.0.1:${port_b}
        server c = 127.0.0.1:${port_c}
        [tcp db]
        listen = 127.0.0.1:${port_db}
        upstream = one
        script = go.lua
      ]],
      ports = ports,
      files = { ["lua/go.lua"] = "return { accept = function(conn)\n"
        .. "  return { upstream = 'two', server = 'c' }\nend }" },
    }
    assert.are.same({ a = 0, b = 0, c = 4 }, count(names(4)))
  end)

  it("answer requests", function()
    start_web("return moongate.reply(403, { ['X-Why'] = 'no' }, req.path)")
    local answer = http.fetch(m.port.web, "GET /some/where")
    assert.are.equal(403, answer.status)
    assert.are.equal("/some/where", answer.body)
  end)

  it("redirect and rewrite requests", function()
    start_web("if req:arg('to') then\n"
      .. "  return moongate.redirect(req:arg('to'), 307)\nend\n"
      .. "req:rewrite('/file.txt')")
    assert.are.equal(307, http.fetch(m.port.web, "GET /?to=%2Fx").status)
    assert.are.equal("the file", http.fetch(m.port.web, "GET /y").body)
  end)

  it("that fail let requests pass, or refuse them as told", function()
    start_web("error('oh')")
    assert.are.equal("the file", http.fetch(m.port.web, "GET /file.txt").body)
    moongate.finish()
    start_web("error('oh')", "script_failure = deny")
    assert.is_true(http.fetch(m.port.web, "GET /file.txt").status >= 500)
  end)
end)
