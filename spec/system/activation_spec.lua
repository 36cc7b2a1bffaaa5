--- Sockets that a service manager has opened.
local folder = require "support.folder"
local http = require "support.http"
local lfs = require "lfs"
local moongate = require "support.moongate"
local net = require "support.net"
local process = require "support.process"

local STARTER = lfs.currentdir() .. "/spec/support/listen_fds.lua"

local CONFIG = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  listen = 127.0.0.1:${port_own}
  listen = unix:DIR/web.sock
  trust = unix:
  root = ${dir}/www
]]


local function free_port()
  local socket = net.reserve(0)
  local port = socket.port
  socket:close()
  return port
end


describe("sockets of the service manager", function()
  local dir, port

  before_each(function()
    dir = folder.make()
    port = free_port()
  end)

  after_each(function()
    moongate.finish()
    folder.remove(dir)
  end)

  local function start(names, sockets, options)
    local wrap = { "luajit", STARTER, names }
    for _, socket in ipairs(sockets) do
      wrap[#wrap + 1] = tostring(socket)
    end
    if not tostring(table.concat(wrap, " ")):find(" -- ", 1, true) then
      wrap[#wrap + 1] = "--"
    end
    local all = {
      config = CONFIG:gsub("DIR", dir),
      files = { ["www/a.txt"] = "hello" },
      workers = 2,
      ports = { web = port },
      wrap = wrap,
    }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    return moongate.start(all)
  end

  it("are adopted where they are bound to what is listened on", function()
    local path = dir .. "/web.sock"
    local m = start("web:local", { port, "unix:" .. path })
    for _ = 1, 20 do
      assert.are.equal("hello", http.fetch(m.port.web, "/a.txt").body)
      assert.are.equal("hello", http.fetch(m.port.own, "/a.txt").body)
      assert.are.equal("hello", http.fetch(path, "/a.txt").body)
    end
    assert.is_nil(m:log():find("closing it", 1, true))
    m:stop()
    assert.are.equal("socket", lfs.attributes(path, "mode"),
      "the file is the service manager's")
  end)

  it("are adopted by statistics, too, and kept by a reload", function()
    local page = free_port()
    local config = CONFIG:gsub("DIR", dir) .. "[stats s]\n"
      .. "listen = 127.0.0.1:" .. page .. "\nrealm = %s\n"
    local m = start("web:page", { port, page }, { config = config:format("a") })
    assert.are.equal(200, http.fetch(page, "GET /").status)
    assert.is_nil(m:log():find("closing it", 1, true))
    m:write_config(config:format("b"))
    m:ctl("reload")
    assert.are.equal(200, http.fetch(page, "GET /").status)
  end)

  it("are served by a worker that is replaced, and after a reload", function()
    local m = start("web", { port })
    m.workers_change = true
    local before = table.concat(m:workers(), " ")
    for _, pid in ipairs(m:workers()) do
      process.kill(pid, "KILL")
    end
    require("support.loop").wait_until("there are new workers", function()
      local now = m:workers()
      return #now == 2 and table.concat(now, " ") ~= before
    end)
    assert.are.equal("hello", http.fetch(m.port.web, "/a.txt").body)
    folder.write(m.dir .. "/www/b.txt", "b")
    folder.write(m.file, folder.read(m.file) .. "index = b.txt\n")
    m:ctl("reload")
    assert.are.equal("b", http.fetch(m.port.web, "/").body)
  end)

  -- As long as the manager has them, too, which a process stands for here.
  for _, upgraded in ipairs { false, true } do
    it("go on after a graceful end" .. (upgraded and " of an upgraded program"
        or ""), function()
      local pid = dir .. "/pid"
      local m = start("web", { port, "--", "sh", "-c",
        '(sleep 99 & echo $! > "$0"); exec "$@"', pid })
      if upgraded then
        m:upgrade()
      end
      assert.are.equal("hello", http.fetch(m.port.web, "/a.txt").body)
      m:stop("QUIT")
      local client, why = net.connect(port)
      process.kill(tonumber(folder.read(pid)), "KILL")
      assert.is_truthy(client, why)
      client:close()
    end)
  end

  it("are closed, with a warning, where nothing listens on them", function()
    local other = free_port()
    local m = start("web:stray:odd", { port, other, "datagrams" })
    m:wait_log("closing it name=stray address=127.0.0.1:" .. other)
    m:wait_log("no listening socket; closing it name=odd")
    assert.is_nil((net.connect(other)))
    assert.are.equal("hello", http.fetch(m.port.web, "/a.txt").body)
  end)

  it("may be the control socket", function()
    local control = dir .. "/ctl.sock"
    local m = start("ctl", { "unix:" .. control }, {
      global = "control = " .. control,
    })
    m.control = control
    assert.are.equal(2, #m:ctl("show info --json").workers)
    m.control = m.dir .. "/control.sock"
    m:stop()
    assert.are.equal("socket", lfs.attributes(control, "mode"))
  end)
end)
