--- Names of servers that mean other addresses while the program runs, that
-- vanish, and that come later than it.
local dns = require "support.dns"
local etc = require "support.etc"
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"

local CONFIG = [[
  [upstream db]
  protocol = tcp
  resolve = 1s
  retries = 0
  server a = app.test:${port_a}
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = off
]]
local SERVER_LINE = 13  -- of CONFIG's server, below what moongate.start writes


describe("the name of a server", function()
  local files, port

  -- Servers at these addresses, all on one port; each says its own address.
  local function serve(...)
    local first = net.reserve()
    port = first.port
    first:close()
    for _, host in ipairs { ... } do
      peer.serve(peer.greet(host .. "\n"), { host = host, port = port })
    end
  end

  local function start(options)
    options.ports = options.ports or { a = port }
    options.wrap = files.wrap
    options.config = options.config or CONFIG
    return moongate.start(options)
  end

  -- A client, and the address of the server that it is connected to; nil where
  -- the connection ends without one.
  local function connect(m)
    local client = assert(net.connect(m.port.db))
    local line = client:receive_until("\n")
    return line and line:sub(1, -2), client
  end

  local function wait_addresses(m, ...)
    local wanted = table.concat({ ... }, " ")
    local shown
    local ok = pcall(loop.wait_until, "", function()
      shown = table.concat(m:server("a").addresses, " ")
      return shown == wanted
    end)
    assert(ok, ("the addresses are %q, not %q:\n%s"):format(tostring(shown),
      wanted, m:log()))
  end

  local function at(host)
    return host .. ":" .. port
  end

  local function count(text, pattern)
    local _, n = text:gsub(pattern, "")
    return n
  end

  before_each(function()
    files = etc.make { hosts = "127.0.0.2 app.test\n" }
  end)

  after_each(function()
    files:remove()
    moongate.finish()
  end)

  it("leads new connections elsewhere, and old ones live on", function()
    serve("127.0.0.2", "127.0.0.3")
    local m = start { workers = 2 }
    local before, old = connect(m)
    assert.are.equal("127.0.0.2", before)

    files:write("hosts", "127.0.0.3 app.test\n")
    m:wait_log("control: server db/a: app%.test is 127%.0%.0%.3 now, "
      .. "was 127%.0%.0%.2\n")
    wait_addresses(m, at "127.0.0.3")
    for _ = 1, 6 do
      assert.are.equal("127.0.0.3", (connect(m)))
    end
    old:send("still there")
    assert.are.equal("still there", old:receive(11))
  end)

  it("may have several addresses of both kinds", function()
    serve("127.0.0.2", "127.0.0.3")
    local server = dns.serve {
      ["app.test"] = { "127.0.0.3", "127.0.0.2", "::7" },
    }
    files:write("resolv.conf", etc.name_server(server.port))
    files:write("hosts", "127.0.0.1 localhost\n")
    local m = start {}
    wait_addresses(m, at "127.0.0.3", at "127.0.0.2", at "[::7]")

    -- Another order is not another answer.
    server.names["app.test"] = { "127.0.0.2", "::7", "127.0.0.3" }
    local asked = server.asked["app.test"]
    loop.wait_until("it is asked for again", function()
      return server.asked["app.test"] >= asked + 2
    end)
    wait_addresses(m, at "127.0.0.3", at "127.0.0.2", at "[::7]")
    assert.are.equal(1, count(m:log(), "app%.test is"))
  end)

  it("keeps its address when it vanishes, and that is said once", function()
    serve("127.0.0.2", "127.0.0.3")
    local server = dns.serve { ["app.test"] = { "127.0.0.2" } }
    local function rounds(n)
      local asked = server.asked["app.test"] or 0
      loop.wait_until("it is asked for again", function()
        return (server.asked["app.test"] or 0) >= asked + n
      end)
    end
    files:write("resolv.conf", etc.name_server(server.port))
    local m = start {}
    files:write("hosts", "127.0.0.1 localhost\n")
    rounds(1)
    server.names["app.test"] = nil
    m:wait_log("server db/a: app%.test does not resolve: there is no such "
      .. "name; keeping 127%.0%.0%.2\n")
    rounds(3)
    assert.are.equal("127.0.0.2", (connect(m)))
    assert.are_not.equal("down", m:server("a").state)
    assert.are.equal(1, count(m:log(), "does not resolve"))

    server.names["app.test"] = { "127.0.0.2" }
    m:wait_log("server db/a: app%.test resolves again\n")
    server.names["app.test"] = false
    m:wait_log("server db/a: app%.test does not resolve: no name server gave "
      .. "an address; keeping 127%.0%.0%.2\n")
    server.names["app.test"] = { "127.0.0.3" }
    m:wait_log("app%.test is 127%.0%.0%.3 now, was 127%.0%.0%.2\n")
    assert.are.equal("127.0.0.3", (connect(m)))
  end)

  it("need not be there at the start: the server is down until then",
    function()
      serve("127.0.0.2")
      files:write("hosts", "127.0.0.1 localhost\n")
      local m = start {}
      m:wait_log(("moongate%%.ini:%d: warning: cannot resolve \"app%%.test:%d\""
        .. ": [^\n]+; the server is down until its name resolves\n"):format(
        SERVER_LINE, port))
      local shown = m:server("a")
      assert.are.equal("down", shown.state)
      assert.are.equal("the name does not resolve", shown.reason)
      assert.are.same({}, shown.addresses)
      assert.is_nil((connect(m)))

      files:write("hosts", "127.0.0.2 app.test\n")
      m:wait_log("server db/a: app%.test is 127%.0%.0%.2 now\n")
      loop.wait_until("it is up", function()
        return m:server("a").state ~= "down"
      end)
      assert.are.equal("127.0.0.2", (connect(m)))
    end)

  it("is needed by a check as well", function()
    serve("127.0.0.2", "127.0.0.3")
    files:write("hosts", "127.0.0.1 localhost\n")
    local m = start {
      config = CONFIG:gsub("retries = 0",
        "retries = 0\ncheck = tcp interval=100ms rise=2 fall=2"),
    }
    m:wait_log("the server is down until its name resolves\n")
    local function wait_check(pattern)
      loop.wait_until("a check says " .. pattern, function()
        return m:server("a").check:find(pattern)
      end)
    end
    wait_check "the name has no address"
    assert.are.equal("down", m:server("a").state)
    assert.is_nil((connect(m)))

    files:write("hosts", "127.0.0.2 app.test\n")
    wait_check "passed"
    loop.wait_until("it is up", function()
      return m:server("a").state == "up"
    end)
    assert.are.equal("127.0.0.2", (connect(m)))

    -- The check goes where the connections go.
    files:write("hosts", "127.0.0.4 app.test\n")
    wait_check "refused"
    loop.wait_until("it is down", function()
      return m:server("a").state == "down"
    end)
    files:write("hosts", "127.0.0.3 app.test\n")
    loop.wait_until("it is up", function()
      return m:server("a").state == "up"
    end)
    assert.are.equal("127.0.0.3", (connect(m)))
  end)

  it("must be there at the start where it is not looked up again", function()
    serve("127.0.0.2")
    files:write("hosts", "127.0.0.1 localhost\n")
    local m = moongate.prepare {
      config = CONFIG:gsub("resolve = 1s", "resolve = off"),
      ports = { a = port },
    }
    local argv = { unpack(files.wrap) }
    for _, word in ipairs { moongate.build() .. "/moongate", "-c", m.file } do
      argv[#argv + 1] = word
    end
    local status, text = process.run(argv)
    assert.are.equal(1, status)
    assert.matches(('moongate%%.ini:%d: cannot resolve "app%%.test:%d": ')
      :format(SERVER_LINE, port), text)
  end)

  it("is a fault to `check` if it does not resolve", function()
    serve("127.0.0.2")
    files:write("hosts", "127.0.0.1 localhost\n")
    local m = moongate.prepare { config = CONFIG, ports = { a = port } }
    local argv = { unpack(files.wrap) }
    for _, word in ipairs {
      moongate.build() .. "/moongate", "check", "-c", m.file,
    } do
      argv[#argv + 1] = word
    end
    local status, text = process.run(argv)
    assert.are.equal(1, status)
    assert.matches(('moongate%%.ini:%d: cannot resolve "app%%.test:%d": ')
      :format(SERVER_LINE, port), text)
  end)

  it("means to a new worker what it means now", function()
    serve("127.0.0.2", "127.0.0.3")
    local m = start {}
    m.workers_change = true
    files:write("hosts", "127.0.0.3 app.test\n")
    wait_addresses(m, at "127.0.0.3")
    local dead = m:workers()[1]
    process.kill(dead, "KILL")
    loop.wait_until("there is another worker", function()
      local pid = m:workers()[1]
      return pid and pid ~= dead
    end)
    assert.are.equal("127.0.0.3", (connect(m)))
  end)

  it("is looked up by a new control process, too", function()
    serve("127.0.0.2", "127.0.0.3")
    local m = start {}
    local dead = m:pids("mg-control")[1]
    process.kill(dead, "KILL")
    loop.wait_until("there is another control process", function()
      local pid = m:pids("mg-control")[1]
      return pid and pid ~= dead
    end)
    files:write("hosts", "127.0.0.3 app.test\n")
    m:wait_log("app%.test is 127%.0%.0%.3 now, was 127%.0%.0%.2\n")
    assert.are.equal("127.0.0.3", (connect(m)))
  end)

  it("is asked for once, however many servers have it", function()
    serve("127.0.0.2")
    local server = dns.serve { ["app.test"] = { "127.0.0.2" } }
    files:write("resolv.conf", etc.name_server(server.port))
    files:write("hosts", "127.0.0.1 localhost\n")
    local m = start {
      config = CONFIG:gsub("retries = 0",
        "retries = 0\nserver b = app.test:1\nserver c = 127.0.0.1:1"),
    }
    m:wait_log("server db/a: app%.test is 127%.0%.0%.2 now\n")
    m:wait_log("server db/b: app%.test is 127%.0%.0%.2 now\n")
    assert.are.same({ "127.0.0.2:1" }, m:server("b").addresses)
    -- No more than one a second, one of which may be under way.
    local asked, began = server.asked["app.test"], loop.now()
    loop.wait_until("it is asked for again", function()
      return server.asked["app.test"] >= asked + 2
    end)
    assert.is_true(loop.now() - began > 0.9)
  end)

  it("is asked of whom resolv.conf names by then", function()
    serve("127.0.0.2", "127.0.0.3")
    local silent = dns.serve { ["app.test"] = false }
    files:write("resolv.conf", etc.name_server(silent.port))
    files:write("hosts", "127.0.0.1 localhost\n")
    local m = start {}
    loop.wait_until("it is asked for", function()
      return silent.asked["app.test"]
    end)
    local server = dns.serve { ["app.test"] = { "127.0.0.3" } }
    files:write("resolv.conf", etc.name_server(server.port))
    m:wait_log("app%.test is 127%.0%.0%.3 now\n")
    assert.are.equal("127.0.0.3", (connect(m)))
  end)

  it("has its address of one kind when the other is not answered", function()
    serve("127.0.0.2", "127.0.0.3")
    local server = dns.serve { ["app.test"] = { "127.0.0.3" } }
    server.drops_ipv6 = true
    files:write("resolv.conf", etc.name_server(server.port))
    files:write("hosts", "127.0.0.1 localhost\n")
    local m = start {}
    m:wait_log("app%.test is 127%.0%.0%.3 now\n")
    assert.are.equal("127.0.0.3", (connect(m)))
  end)

  it("leaves nothing behind that is being looked up at the end", function()
    serve("127.0.0.2")
    local silent = dns.serve { ["app.test"] = false }
    files:write("resolv.conf", ("nameserver 127.0.0.1:%d\n"):format(
      silent.port))
    files:write("hosts", "127.0.0.1 localhost\n")
    local m = start {}
    loop.wait_until("it is asked for", function()
      return silent.asked["app.test"]
    end)
    m:stop()
  end)

  it("leads no kept connection to where it was", function()
    local first = net.reserve()
    port = first.port
    first:close()
    local function says(host)
      return fastcgi.serve(function(_, reply)
        reply:answer("Content-Type: text/plain", host)
      end, { host = host, port = port })
    end
    local old, new = says("127.0.0.2"), says("127.0.0.3")
    local m = start {
      config = [[
        [upstream php]
        resolve = 1s
        keepalive = 4
        server a = app.test:${port_a} maxconn=2
        [http web]
        listen = 127.0.0.1:${port_web}
        root = ${dir}/www
        route = ~ \.php$ php
        access_log = off
      ]],
      files = { ["www/a.php"] = "<?php" },
    }
    local function fetch()
      return http.fetch(m.port.web, "/a.php").body
    end
    for _ = 1, 3 do
      assert.are.equal("127.0.0.2", fetch())
    end
    assert.are.equal(1, old.open)
    assert.are.equal(1, m:server("a").active)

    files:write("hosts", "127.0.0.3 app.test\n")
    old:wait_open(0)
    m:wait_active("a", 0)
    for _ = 1, 3 do
      assert.are.equal("127.0.0.3", fetch())
    end
    assert.are.equal(1, new.open)
    m:wait_active("a", 1)
  end)
end)
