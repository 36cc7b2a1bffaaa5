--- In the background: -d and `daemon = yes`.
local background = require "support.background"
local folder = require "support.folder"
local http = require "support.http"
local lfs = require "lfs"
local moongate = require "support.moongate"
local net = require "support.net"
local process = require "support.process"

local CONFIG = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
]]


local function prepare(global, log)
  return moongate.prepare {
    config = CONFIG,
    files = { ["www/a.txt"] = "hello" },
    workers = 2,
    log = log or "log = file:${dir}/log",
    global = "pidfile = ${dir}/pid\n" .. (global or ""),
  }
end


describe("in the background", function()
  after_each(function()
    background.finish()
    moongate.finish()
  end)

  for name, case in pairs {
    ["with -d"] = { words = { "-d" } },
    ["with daemon = yes"] = { global = "daemon = yes" },
    ["with both"] = { words = { "-d" }, global = "daemon = yes" },
  } do
    it("serves when the started process has ended, " .. name, function()
      local m = prepare(case.global)
      local status, text = background.start(m, case.words)
      assert.are.equal(0, status, text)
      assert.are.equal("", text)
      assert.are.equal("hello", http.fetch(m.port.web, "/a.txt").body)
      background.stop(background.pid(m), "QUIT")
      assert.is_nil(lfs.attributes(m.dir .. "/pid"))
      assert.is_nil(lfs.attributes(m.control))
    end)
  end

  it("has a session and no terminal of its own", function()
    local m = prepare()
    background.start(m, { "-d" })
    local pid = background.pid(m)
    local pids = process.children(pid)
    assert.are.equal(3, #pids)
    pids[#pids + 1] = pid
    for _, one in ipairs(pids) do
      local stat = folder.read("/proc/" .. one .. "/stat")
      local session, tty = stat:match("%) %a %d+ %d+ (%d+) (%-?%d+)")
      assert.are.equal(tostring(pid), session)
      assert.are.equal("0", tty)
      for fd = 0, 2 do
        assert.are.equal("/dev/null",
          lfs.symlinkattributes("/proc/" .. one .. "/fd/" .. fd, "target"))
      end
      assert.are.equal("/",
        lfs.symlinkattributes("/proc/" .. one .. "/cwd", "target"))
    end
    background.stop(pid)
  end)

  it("prints what is wrong, and fails, where it cannot serve", function()
    local m = prepare()
    local taken = net.reserve(0)
    m.port.web = taken.port
    folder.write(m.file, (folder.read(m.file):gsub("127.0.0.1:%d+",
      "127.0.0.1:" .. taken.port)))
    taken:listen()
    local status, text = background.start(m, { "-d" })
    assert.are.equal(1, status)
    assert.is_truthy(text:find("cannot listen on", 1, true), text)
    assert.is_nil(background.pid(m))
  end)

  it("says which one runs already", function()
    local m = prepare()
    background.start(m, { "-d" })
    local status, text = background.start(m, { "-d" })
    assert.are.equal(1, status)
    assert.is_truthy(text:find("another one is running", 1, true), text)
    assert.are.equal("hello", http.fetch(m.port.web, "/a.txt").body)
    background.stop(background.pid(m))
  end)

  it("refuses to log to where nothing is", function()
    for _, log in ipairs { "log = stderr", "log = stdout" } do
      local m = prepare("daemon = yes", log)
      local status, text = process.run {
        moongate.build() .. "/moongate", "check", "-c", m.file,
      }
      assert.are.equal(1, status)
      assert.is_truthy(text:find(":6: log: in the background", 1, true), text)
      status, text = background.start(prepare(nil, log), { "-d" })
      assert.are.equal(1, status)
      assert.is_truthy(text:find(":6: log: in the background", 1, true), text)
    end
  end)
end)
