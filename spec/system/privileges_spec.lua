--- What is left to each process of what root may do.
local bit = require "bit"
local ffi = require "ffi"
local folder = require "support.folder"
local http = require "support.http"
local lfs = require "lfs"
local moongate = require "support.moongate"
local process = require "support.process"
local support = require "support.ffi"
local core = support.load("app/message.h")

ffi.cdef [[
long syscall(long number, ...);
int chmod(const char *, unsigned);
int getsockopt(int, int, int, void *, unsigned *);
]]

local C = ffi.C
local PIDFD_OPEN, PIDFD_GETFD = 434, 438
local SOL_SOCKET, SO_TYPE, SOCK_SEQPACKET = 1, 3, 5

local CONFIG = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
]]

local MASTER = 0x010405eb  -- man/moongate.8, PRIVILEGES


-- A descriptor of another process, for the spec; nil: it is no such socket.
local function steal_socket(pid, fd, kind)
  local pidfd = C.syscall(PIDFD_OPEN, ffi.cast("long", pid),
    ffi.cast("long", 0))
  local stolen = tonumber(C.syscall(PIDFD_GETFD, pidfd, ffi.cast("long", fd),
    ffi.cast("long", 0)))
  C.close(tonumber(pidfd))
  local found, len = ffi.new("int[1]"), ffi.new("unsigned[1]", 4)
  if C.getsockopt(stolen, SOL_SOCKET, SO_TYPE, found, len) == 0
    and found[0] == kind then
    return stolen
  end
  C.close(stolen)
  return nil
end


-- Says something to the master in the name of one of its children: on all the
-- sockets that may be the one, since others make nothing of it.
local function say_as(pid, kind, text)
  local said = 0
  for name in lfs.dir("/proc/" .. pid .. "/fd") do
    local fd = tonumber(name)
    local socket = fd and steal_socket(pid, fd, SOCK_SEQPACKET)
    if socket then
      said = said + 1
      assert(core.message_send(socket, ffi.new("struct message", {
        kind = kind, fd = -1, text = ffi.new("struct str", text, #text),
      })) == 0)
      C.close(socket)
    end
  end
  assert(said > 0, "it has no socket to the master")
end


local function capabilities(pid)
  local sets = {}
  local status = folder.read("/proc/" .. pid .. "/status")
  for name, hex in status:gmatch("Cap(%a+):%s*(%x+)") do
    sets[name] = tonumber(hex, 16)
  end
  return sets, status
end


describe("privileges", function()
  before_each(function()
    assert.are.equal(0, ffi.C.getuid(),
      "only root can give privileges up: run this spec as root")
  end)

  after_each(moongate.finish)

  it("are none in workers and control", function()
    local m = moongate.start { config = CONFIG, global = "user = nobody" }
    local pids = process.children(m.master.pid)
    assert.are.equal(2, #pids)
    for _, pid in ipairs(pids) do
      local sets, status = capabilities(pid)
      for _, name in ipairs { "Inh", "Prm", "Eff", "Bnd", "Amb" } do
        assert.are.equal(0, sets[name], name)
      end
      assert.is_truthy(status:find("NoNewPrivs:%s*1"))
    end
  end)

  it("are few in the master", function()
    local m = moongate.start { config = CONFIG, global = "user = nobody" }
    local sets = capabilities(m.master.pid)
    for _, name in ipairs { "Prm", "Eff", "Bnd" } do
      assert.are.equal(0, bit.band(sets[name], bit.bnot(MASTER)), name)
    end
    assert.are_not.equal(0, sets.Eff)
  end)

  it("let a group use the control socket", function()
    local m = moongate.start {
      config = CONFIG, global = "control_group = adm",
    }
    local _, text = process.run { "stat", "-c", "%G %a", m.control }
    assert.are.equal("adm 660\n", text)
  end)

  it("know which groups there are", function()
    local m = moongate.prepare {
      config = CONFIG, global = "control_group = no-such-group",
    }
    local status, text = process.run {
      moongate.build() .. "/moongate", "check", "-c", m.file,
    }
    assert.are.equal(1, status)
    assert.is_truthy(text:find("ini:7: control_group: there is no group "
      .. '"no-such-group"', 1, true), text)
  end)

  it("are none in the body of a script that is trusted", function()
    local m = moongate.prepare {
      config = CONFIG:gsub("root = ", "script = who.lua\n  root = "),
      global = "user = nobody\nscript_trust = who.lua",
      files = { names = "" },
    }
    local names = m.dir .. "/names"
    folder.write(m.dir .. "/lua/who.lua",
      ('os.execute("id -un >> %s")\nreturn {}\n'):format(names))
    assert.are.equal(0, C.chmod(names, 438))  -- 0666
    local status, text = process.run {
      moongate.build() .. "/moongate", "check", "-c", m.file,
    }
    assert.are.equal(0, status, text)
    assert.are.equal("nobody\n", folder.read(names))
  end)

  it("are none where a script is read", function()
    local m = moongate.prepare {
      config = CONFIG:gsub("root = ", "script = own.lua\n  root = "),
      global = "user = nobody", files = { ["lua/own.lua"] = "return {}" },
    }
    assert.are.equal(0, C.chmod(m.dir .. "/lua/own.lua", 384))  -- 0600
    local status, text = process.run {
      moongate.build() .. "/moongate", "check", "-c", m.file,
    }
    assert.are.equal(1, status)
    assert.is_truthy(text:find("own.lua: Permission denied; scripts are tried "
      .. "as the user", 1, true), text)
    assert.is_truthy(text:match("ini:(%d+):"), text)
  end)

  it("are not lent to a worker that asks in control's name", function()
    local m = moongate.start {
      config = CONFIG, files = { ["www/a.txt"] = "hello" },
    }
    say_as(m:workers()[1], core.MESSAGE_COMMAND, "stop text\n\nuid=0 pid=1")
    m:wait_log("worker%[0%] asks for what only control may ask for")
    assert.are.equal("hello", http.fetch(m.port.web, "/a.txt").body)
    assert.is_nil(m:log():find("stopping now", 1, true))
  end)

  it("do not give away what a link in the control socket's place leads to",
      function()
    local m = moongate.start {
      config = CONFIG, global = "control_group = adm",
      files = { secret = "x" },
    }
    local secret = m.dir .. "/secret"
    assert(os.rename(m.control, m.control .. ".away"))
    folder.link(secret, m.control)
    m.master:kill("USR2")
    m:wait_log("the upgrade has failed")
    local _, text = process.run { "stat", "-c", "%G", secret }
    assert.are.equal("root\n", text)
    os.remove(m.control)
    assert(os.rename(m.control .. ".away", m.control))
    m:upgrade()
    _, text = process.run { "stat", "-c", "%G %a", m.control }
    assert.are.equal("adm 660\n", text)
  end)
end)
