--- What the processes of one instance hold, and what another may not take.
local folder = require "support.folder"
local http = require "support.http"
local lfs = require "lfs"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"

local CONFIG = [[
  [upstream db]
  protocol = tcp
  server one = 127.0.0.1:${port_one}
  [http web]
  listen = 127.0.0.1:${port_web}
  listen = unix:${dir}/web.sock
  root = ${dir}/www
  access_log = off
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = off
]]

local PIDFILE = "pidfile = ${dir}/moongate.pid"


local function options(more)
  local all = {
    config = CONFIG,
    workers = 2,
    global = PIDFILE,
    ports = { one = peer.serve(peer.echo).port },
    files = { ["www/hello.txt"] = "hello" },
  }
  for name, value in pairs(more or {}) do
    all[name] = value
  end
  return all
end


--- Starts a second program with the configuration of the first.
local function run_again(m)
  return process.run({ moongate.build() .. "/moongate", "-c", m.file })
end


--- The numbers of the sockets among a process's descriptors.
local function sockets(pid)
  local set = {}
  for _, fd in ipairs(process.fds(pid)) do
    local inode = (fd.target or ""):match("^socket:%[(%d+)%]$")
    if inode then
      set[inode] = true
    end
  end
  return set
end


--- The numbers of the sockets that listen on a port, from /proc.
local function listening(port)
  local list = {}
  local pattern = (":%04X %%x+:%%x+ 0A %%S+ %%S+ %%S+ +%%d+ +%%d+ (%%d+)")
    :format(port)
  for inode in folder.read("/proc/net/tcp"):gmatch(pattern) do
    list[#list + 1] = inode
  end
  return list
end


describe("processes", function()
  after_each(moongate.finish)

  it("hold one socket of each port a worker, and control none", function()
    local m = moongate.start(options())
    local inodes = listening(m.port.web)
    assert.are.equal(2, #inodes)

    local owners = {}
    for _, worker in ipairs(m:workers()) do
      local held = sockets(worker)
      for i, inode in ipairs(inodes) do
        if held[inode] then
          owners[i] = (owners[i] or 0) + 1
        end
      end
    end
    assert.are.same({ 1, 1 }, owners)

    local held = sockets(m:pids("mg-control")[1])
    for _, inode in ipairs(inodes) do
      assert.is_nil(held[inode])
    end
  end)

  it("keep no log file, pidfile or board of another open", function()
    local m = moongate.start(options { log = "log = file:${dir}/lines" })
    for _, worker in ipairs(m:workers()) do
      for _, fd in ipairs(process.fds(worker)) do
        assert.is_nil((fd.target or ""):match("/lines$"))
        assert.is_nil((fd.target or ""):match("%.pid$"))
      end
    end
  end)

  it("refuse connections while they drain", function()
    local m = moongate.start(options())
    local busy = net.connect(m.port.db)
    busy:send("hello")
    assert.are.equal("hello", busy:receive(5))

    m.master:kill("QUIT")
    loop.wait_until("the port refuses", function()
      local client = net.connect(m.port.web)
      if client then
        client:close()
      end
      return not client
    end)
    assert.is_nil(net.connect(m.dir .. "/web.sock"))

    busy:send("still here")
    assert.are.equal("still here", busy:receive(10))
    busy:close()
    assert.are.equal(0, m.master:wait())
    m.stopped = true
  end)

  it("replace a worker that was ended by TERM", function()
    local m = moongate.start(options { workers = 1 })
    m.workers_change = true
    local first = m:workers()[1]
    process.kill(first, "TERM")
    m:wait_log("worker%[0%] %(pid " .. first .. "%) exited with status 0; "
      .. "restarted as pid %d+")
    assert.are.equal(200, http.fetch(m.port.web, "GET /hello.txt").status)
  end)

  it("keep a client that comes while the only worker is dead", function()
    local m = moongate.start(options { workers = 1 })
    m.workers_change = true
    process.kill(m:workers()[1], "STOP")
    local client = http.connect(m.port.web)
    process.kill(m:workers()[1], "KILL")
    assert.are.equal(200, client:exchange("GET /hello.txt").status)
  end)

  it("survive a HUP", function()
    local m = moongate.start(options())
    m.master:kill("HUP")
    m:wait_log("no script has changed")
    assert.are.equal(200, http.fetch(m.port.web, "GET /hello.txt").status)
  end)
end)


describe("a second instance", function()
  after_each(moongate.finish)

  it("is refused by the pidfile", function()
    local m = moongate.start(options())
    local status, text = run_again(m)
    assert.are.equal(1, status)
    assert.is_truthy(text:find("another one is running", 1, true), text)
    assert.are.equal(200, http.fetch(m.port.web, "GET /hello.txt").status)
  end)

  it("is refused by the addresses, although they may be shared", function()
    local m = moongate.start(options { global = "" })
    local status, text = run_again(m)
    assert.are.equal(1, status)
    assert.is_truthy(text:find(
      "moongate.ini:%d+: cannot listen on 127%.0%.0%.1:" .. m.port.web
      .. ": the address is in use"), text)
    assert.is_truthy(lfs.attributes(m.control))
    assert.is_truthy(net.connect(m.dir .. "/web.sock"))
  end)

  it("takes the place of one that was killed", function()
    local first = moongate.start(options())
    local pids = process.children(first.master.pid)
    first.master:kill("KILL")
    first.master:wait()
    first.stopped = true
    for _, pid in ipairs(pids) do
      assert.is_true(process.ends(pid))
    end
    assert.are.equal("socket", lfs.attributes(first.control, "mode"))

    first.stopped = false
    first.master = process.spawn({
      moongate.build() .. "/moongate", "-c", first.file,
    }, { stdout = first.log_file, stderr = first.log_file })
    first:wait_log("serving on.-\n.*serving on")
    first.workers_change = true
    assert.are.equal(200, http.fetch(first.port.web, "GET /hello.txt").status)
    assert.is_truthy(first:ctl("show info"):find("uptime", 1, true))
  end)

  it("does not remove a file that is no socket", function()
    local m = moongate.prepare(options())
    folder.write(m.control, "precious")
    local status, text = run_again(m)
    assert.are.equal(1, status)
    assert.is_truthy(text:find("cannot open the control socket", 1, true),
      text)
    assert.are.equal("precious", folder.read(m.control))
  end)
end)
