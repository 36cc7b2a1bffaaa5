--- HTTP connections that have been idle for a second are folded up: their
-- sockets wait in a second epoll of the worker, and for clients nothing has
-- changed.
local folder = require "support.folder"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local process = require "support.process"
local proxyproto = require "support.proxyproto"

local CONFIG = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  listen = 127.0.0.1:${port_proxied} accept_proxy
  trust = 127.0.0.1
  root = ${dir}/www
  keepalive_timeout = %s
  header = X-Ends "${remote_addr}:${remote_port} ${server_addr}:${server_port}"
  access_log = ${remote_addr}:${remote_port} ${path}
  log_to = file:${dir}/access
]]


describe("an idle HTTP connection", function()
  local m

  local function start(timeout)
    m = moongate.start {
      config = CONFIG:format(timeout or "60s"),
      files = { ["www/hello.txt"] = "hello" },
    }
  end

  after_each(moongate.finish)

  local function connect()
    local client = http.connect(m.port.web)
    assert.are.equal("hello", client:exchange("GET /hello.txt").body)
    return client
  end

  -- The descriptors in each epoll of the worker, that of its loop first.
  local function watched()
    local pid, counts = m:workers()[1], {}
    local fds = process.fds(pid)
    table.sort(fds, function(a, b) return a.fd < b.fd end)
    for _, fd in ipairs(fds) do
      if fd.target:find("eventpoll", 1, true) then
        local info = folder.read(("/proc/%d/fdinfo/%d"):format(pid, fd.fd))
        local _, n = (info or ""):gsub("tfd:", "")
        counts[#counts + 1] = n
      end
    end
    return counts
  end

  -- How many wait in the second epoll, the lot.
  local function folded()
    local counts = watched()
    return #counts < 2 and 0 or counts[2]
  end

  local function wait_folded(n)
    loop.wait_until(n .. " connections are folded", function()
      return folded() == n
    end)
  end

  it("is folded, and answers the next request", function()
    start()
    local client = connect()
    for _ = 1, 2 do
      wait_folded(1)
      assert.are.equal("hello", client:exchange("GET /hello.txt").body)
      assert.are.equal(0, folded())
    end
  end)

  it("is known by its client's address afterwards", function()
    start()
    local client = connect()
    wait_folded(1)
    client:exchange("GET /hello.txt")
    local records = m:records("access", 2)
    assert.are.equal(records[1], records[2])
    assert.is_truthy(records[1]:find("^127%.0%.0%.1:%d+ /hello%.txt$"))
  end)

  it("is known by what its PROXY header said", function()
    start()
    local ends = "192.0.2.7:40000 198.51.100.1:443"
    local client = http.connect(m.port.proxied)
    client:send(proxyproto.v2(ends))
    for _ = 1, 3 do
      assert.are.equal(ends, client:exchange("GET /hello.txt")
        .headers["x-ends"])
      wait_folded(1)
    end
    client:close()
    wait_folded(0)
    -- One that is folded when the program ends leaves nothing behind.
    client = http.connect(m.port.proxied)
    client:send(proxyproto.v1(ends))
    client:exchange("GET /hello.txt")
    wait_folded(1)
  end)

  it("answers requests that came together", function()
    start()
    local client = connect()
    wait_folded(1)
    client:request("GET /hello.txt")
    client:request("GET /hello.txt")
    assert.are.equal("hello", client:answer("GET").body)
    assert.are.equal("hello", client:answer("GET").body)
  end)

  it("takes a request in pieces", function()
    start()
    local client = connect()
    wait_folded(1)
    client:send("GET /hello.txt HTTP/1.1\r\nHo")
    loop.watch(0.05)
    client:send("st: localhost\r\n\r\n")
    assert.are.equal("hello", client:answer("GET").body)
  end)

  it("is gone when its client is", function()
    start()
    local clients = {}
    for i = 1, 5 do
      clients[i] = connect()
    end
    wait_folded(5)
    for i = 1, 2 do
      clients[i]:close()
    end
    clients[3]:reset()
    wait_folded(2)
    loop.wait_until("their places are free", function()
      return m:section("http web").now == 2
    end)
    assert.are.equal("hello", clients[4]:exchange("GET /hello.txt").body)
  end)

  it("answers a client that has ended its side", function()
    start()
    local client = connect()
    wait_folded(1)
    client:request("GET /hello.txt")
    client:shutdown()
    assert.are.equal("hello", client:answer("GET").body)
    assert.are.equal("closed", client:closed())
  end)

  it("is closed when keepalive_timeout is over", function()
    start("2s")
    local begun = loop.now()
    local client = connect()
    wait_folded(1)
    assert.are.equal("closed", client:closed(10))
    assert.is_true(loop.now() - begun > 1.9)
    assert.are.equal(0, folded())
  end)

  it("is not folded where it is closed sooner", function()
    start("500ms")
    local client = connect()
    assert.are.equal("closed", client:closed(10))
    assert.are.equal(1, #watched())
  end)

  it("does not hold up a graceful stop", function()
    start()
    local client = connect()
    wait_folded(1)
    m:stop_graceful()
    assert.are.equal("closed", client:closed())
  end)

  it("takes little memory among two thousand", function()
    start()
    connect()
    wait_folded(1)
    local worker = m:workers()[1]
    for _ = 1, 2000 do
      connect()
    end
    wait_folded(2001)
    if moongate.build():find("asan", 1, true) then
      return
    end
    loop.wait_until("memory has been given back", function()
      local text = folder.read(("/proc/%d/smaps_rollup"):format(worker))
      local anonymous = tonumber(text:match("\nAnonymous:%s*(%d+) kB"))
      return anonymous and anonymous * 1024 / 2001 < 2000
    end)
  end)
end)
