--- The policies that rest on requests, on chance and on answers, with two
-- workers; and policies made of policies.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"

local WEB = [[
  [upstream php]
  policy = ${policy}
  retries = 0
  ${more}
  server a = 127.0.0.1:${port_a}
  server b = 127.0.0.1:${port_b}
  server c = 127.0.0.1:${port_c}
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  route = / php
  access_log = off
]]

local TCP = [[
  [upstream db]
  protocol = tcp
  policy = latency
  connect_timeout = 30s
  retries = 1
  server a = 127.0.0.1:${port_a}
  server b = 127.0.0.1:${port_b}
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = off
]]

local LASTS = [[
local moongate = require "moongate"
local policy = moongate.policy
assert(policy == require "moongate.policy")
return policy.first_of(policy.hash("cookie:session"), policy.hash("arg:id",
  { hash = "consistent" }), "random")
]]


describe("a policy", function()
  local m, servers

  after_each(moongate.finish)

  local function start(policy, handlers, more)
    servers = {}
    local ports = {}
    for _, name in ipairs { "a", "b", "c" } do
      servers[name] = fastcgi.serve(handlers and handlers[name]
        or fastcgi.names(name))
      ports[name] = servers[name].port
    end
    m = moongate.start {
      config = WEB:gsub("%${(%l+)}", { policy = policy, more = more or "" }),
      files = { ["lua/lasts.lua"] = LASTS, ["www/index.php"] = "<?php" },
      ports = ports, workers = 2,
    }
  end

  local function get(path, fields)
    local answer = http.fetch(m.port.web, path or "/index.php", fields)
    assert.are.equal(200, answer.status)
    return answer.body
  end

  -- Asks twice for each of many, and says who has answered.
  local function check_same(ask)
    local seen = {}
    for i = 1, 30 do
      local name = ask(i)
      seen[name] = true
      assert.are.equal(name, ask(i))
    end
    assert.are.same({ a = true, b = true, c = true }, seen)
  end

  for _, hash in ipairs { "", " hash=consistent" } do
    it("uri gives an address one server" .. hash, function()
      start("uri" .. hash)
      check_same(function(i)
        return get(("/index.php/%d?%d"):format(i, math.random(1e9)))
      end)
    end)

    it("header gives a value one server" .. hash, function()
      start("header name=x-user" .. hash)
      check_same(function(i)
        return get(nil, { "X-User: u" .. i })
      end)
    end)
  end

  it("header takes turns without the header", function()
    start("header name=X-User")
    for _ = 1, 30 do
      get()
    end
    for name, server in pairs(servers) do
      assert.are.equal(10, #server.requests, name)
    end
  end)

  it("random reaches all", function()
    start("random")
    for _ = 1, 60 do
      get()
    end
    for name, server in pairs(servers) do
      assert.is_true(#server.requests >= 5, name)
    end
  end)

  it("made of policies asks them in order", function()
    start("${dir}/lua/lasts.lua")
    check_same(function(i)
      return get(nil, { "Cookie: session=s" .. i })
    end)
    check_same(function(i)
      return get("/index.php?id=" .. i)
    end)
    get()
    assert.is_nil(m:log():find("lasts.lua", 1, true), m:log())
  end)

  it("latency leaves a slow server alone, in all workers", function()
    start("latency", {
      c = function(_, reply)
        loop.watch(0.3)
        reply:answer("Content-Type: text/plain", "c")
      end,
    }, "keepalive = 4")
    -- Until it has been asked once; who knows nothing asks.
    loop.wait_until("c was asked", function()
      get()
      return #servers.c.requests > 0
    end)
    local before = #servers.c.requests
    for _ = 1, 60 do
      get()
    end
    assert.is_true(#servers.c.requests - before <= 2,
      #servers.c.requests - before .. " of 60")
  end)

  it("latency leaves a server alone that fails", function()
    start("latency")
    loop.wait_until("all have answered", function()
      get()
      return #servers.a.requests > 0 and #servers.b.requests > 0
        and #servers.c.requests > 0
    end)
    servers.b:refuse()
    local failed = 0
    for _ = 1, 60 do
      local status = http.fetch(m.port.web, "/index.php").status
      failed = failed + (status == 200 and 0 or 1)
    end
    assert.is_true(failed <= 3, failed .. " of 60")
  end)
end)


describe("policy latency on tcp", function()
  after_each(moongate.finish)

  it("goes by how long a connection takes", function()
    local a = peer.serve(peer.greet("a"), { name = "a" })
    local b = peer.serve(peer.greet("b"), { name = "b" })
    local m = moongate.start {
      config = TCP, ports = { a = a.port, b = b.port }, workers = 2,
    }
    local function ask()
      local client = assert(net.connect(m.port.db))
      local name = client:receive(1)
      client:close()
      return name
    end
    loop.wait_until("both were asked", function()
      ask()
      return a.accepted > 0 and b.accepted > 0
    end)
    -- A refused connection costs a second.
    a:refuse()
    local before = m:server("a").connect_errors
    for _ = 1, 40 do
      assert.are.equal("b", ask())
    end
    assert.is_true(m:server("a").connect_errors - before <= 3)
  end)
end)
