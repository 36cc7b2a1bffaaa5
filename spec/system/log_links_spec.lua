--- Local receivers of the log, scripted: journald, and a syslog whose socket is
-- a stream; one that control cannot reach by itself.
local ffi = require "ffi"
local folder = require "support.folder"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"

local C = ffi.C

local CONFIG = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  access_log = ${args}
  log_to = %s
]]


describe("the log", function()
  local place, m

  before_each(function()
    place = folder.make()
  end)

  after_each(function()
    moongate.finish()
    folder.remove(place)
  end)

  local function start(target, options)
    options = options or {}
    options.config = CONFIG:format(target)
    options.files = { ["www/a"] = "hello" }
    m = moongate.start(options)
  end

  local function ask(text)
    http.fetch(m.port.web, "/a?" .. text)
  end

  it("goes to journald in its own protocol", function()
    local journal = net.listen_unix_datagrams(place .. "/journal")
    start("journald:" .. place .. "/journal facility=local5")
    ask("one")
    assert.are.equal(("PRIORITY=6\nSYSLOG_FACILITY=21\n"
      .. "SYSLOG_IDENTIFIER=moongate\nSYSLOG_PID=%d\nMESSAGE=one\n")
      :format(m:workers()[1]), journal:receive_some())
  end)

  it("goes to a stream, a NUL behind each message", function()
    local listener = net.listen_unix(place .. "/log")
    start("syslog:" .. place .. "/log facility=local5")
    ask("one")
    ask("two")
    local stream = listener:accept()
    local got = ""
    for _ = 1, 2 do
      got = got .. stream:receive_until("\0")
    end
    assert.is_truthy(got:match(
      "^<174>%u[^%z]+moongate%[%d+%]: one%z<174>%u[^%z]+: two%z$"), got)
    stream:close()
    ask("three")
    assert.is_truthy(listener:accept():receive_until("\0"):find(": three%z$"))
  end)

  it("waits for a receiver that comes late, whatever its kind", function()
    start("syslog:" .. place .. "/log")
    ask("one")
    ask("two")
    loop.watch(0.05)
    local listener = net.listen_unix(place .. "/log")
    local stream = listener:accept()
    assert.is_truthy(stream:receive_until("\0"):find(": one%z$"))
    assert.is_truthy(stream:receive_until("\0"):find(": two%z$"))
    stream:close()
    listener:close()
    os.remove(place .. "/log")
    ask("three")
    local socket = net.listen_unix_datagrams(place .. "/log")
    assert.is_truthy(socket:receive_some():find(": three$"))
  end)

  it("keeps what waits, over a reload", function()
    start("syslog:" .. place .. "/log")
    ask("one")
    loop.watch(0.05)
    folder.write(m.file, folder.read(m.file) .. "log_sample = 1/1\n")
    m:ctl("reload")
    ask("two")
    local socket = net.listen_unix_datagrams(place .. "/log")
    assert.is_truthy(socket:receive_some():find(": one$"))
    assert.is_truthy(socket:receive_some():find(": two$"))
    assert.are.equal(0, m:ctl("show info --json").log_lost)
  end)

  it("is handed a socket that control may not open", function()
    local socket = net.listen_unix_datagrams(place .. "/log")
    C.chmod(place, 448)  -- 0700
    start("syslog:" .. place .. "/log", { global = "user = nobody" })
    ask("one")
    assert.is_truthy(socket:receive_some():find(": one$"))
    socket:close()
    os.remove(place .. "/log")
    ask("two")
    socket = net.listen_unix_datagrams(place .. "/log")
    assert.is_truthy(socket:receive_some():find(": two$"))
    assert.are.equal(0, m:ctl("show info --json").log_lost)
  end)
end)
