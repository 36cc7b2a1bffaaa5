--- Workers and control confined to a folder.
local ffi = require "ffi"
local folder = require "support.folder"
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local lfs = require "lfs"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"

-- The folder of fastcgi.sock is made before the program's, so it is the jail.
local CONFIG = [[
  [upstream php]
  protocol = fastcgi
  check = tcp interval=100ms timeout=90ms
  server one = unix:JAIL/run/php.sock
  [upstream named]
  protocol = tcp
  resolve = 1s
  server one = localhost:PORT
  [http web]
  listen = 127.0.0.1:${port_web}
  root = JAIL/www
  script = hook.lua
  route = ~ \.php$ php
  route = /big/ alias=JAIL/www/ static
  log_to = LOG
  [tcp named]
  listen = 127.0.0.1:${port_named}
  upstream = named
]]

local HOOK = [[
local moongate = require "moongate"
return {
  request = function(req)
    if req.path == "/hook" then
      local there = req:file_exists("/a.txt") and "there" or "missing"
      return moongate.reply(200, {}, "VERSION " .. there .. " "
        .. os.date("%Z%H"))
    end
  end,
}
]]


describe("with chroot", function()
  local jail

  before_each(function()
    assert.are.equal(0, ffi.C.getuid(),
      "only root can confine a process: run this spec as root")
    jail = folder.make()
    for _, name in ipairs { "www", "run", "tmp" } do
      lfs.mkdir(jail .. "/" .. name)
    end
    ffi.C.chmod(jail, 493)  -- 0755
    ffi.C.chmod(jail .. "/tmp", 1023)  -- 01777
    folder.write(jail .. "/www/a.txt", "hello")
    folder.write(jail .. "/www/x.php", "<?php")
  end)

  after_each(function()
    moongate.finish()
    folder.remove(jail)
  end)

  local function options(text)
    local fill = { JAIL = jail, LOG = "file:" .. jail .. "/access.log" }
    return {
      config = text:gsub("JAIL", fill.JAIL):gsub("= LOG", "= " .. fill.LOG),
      workers = 2,
      files = { ["lua/hook.lua"] = (HOOK:gsub("VERSION", "one")) },
      log = "log = stderr level=info",
      global = ("user = nobody\nchroot = %s\ntemp_dir = %s/tmp"):format(jail,
        jail),
    }
  end

  local function start()
    fastcgi.serve(fastcgi.shows_params, { unix = jail .. "/run/php.sock" })
    ffi.C.chmod(jail .. "/run/php.sock", 511)  -- 0777
    local db = peer.serve(peer.greet("db"))
    return moongate.start(options((CONFIG:gsub("PORT", db.port))))
  end

  it("serves files, PHP, names and checks as without", function()
    local m = start()
    for _, pid in ipairs(process.children(m.master.pid)) do
      assert.are.equal(jail,
        lfs.symlinkattributes("/proc/" .. pid .. "/root", "target"))
    end
    assert.are.equal("/", lfs.symlinkattributes(
      "/proc/" .. m.master.pid .. "/root", "target"))
    assert.are.equal("hello", http.fetch(m.port.web, "/a.txt").body)
    assert.are.equal("hello", http.fetch(m.port.web, "/big/a.txt").body)
    assert.are.equal(404, http.fetch(m.port.web, "/b.txt").status)
    assert.are.equal(404, http.fetch(m.port.web, "/b.php").status)
    loop.wait_until("the check passes", function()
      return m:server("one").up
    end)
    -- The server is outside, and so is the path it is told.
    assert.is_truthy(http.fetch(m.port.web, "/x.php").body:find(
      "SCRIPT_FILENAME=" .. jail .. "/www/x.php", 1, true))
    assert.are.equal("db", net.connect(m.port.named):receive(2))
  end)

  it("keeps large bodies below it", function()
    local m = start()
    local body = ("x"):rep(1000000)
    local answer = http.fetch(m.port.web, "POST /x.php",
      { "Content-Length: " .. #body }, body)
    assert.are.equal(200, answer.status)
    assert.is_truthy(answer.body:find("CONTENT_LENGTH=1000000", 1, true))
  end)

  it("swaps scripts, and has the new one in a worker that is replaced",
    function()
      local m = start()
      local zone = os.date("%Z%H")
      assert.are.equal("one there " .. zone,
        http.fetch(m.port.web, "/hook").body)
      folder.write(m.dir .. "/lua/hook.lua", (HOOK:gsub("VERSION", "two")))
      m:ctl("script reload hook.lua")
      assert.are.equal("two there " .. zone,
        http.fetch(m.port.web, "/hook").body)
      m.workers_change = true
      local before = m:workers()
      process.kill(before[1], "KILL")
      process.kill(before[2], "KILL")
      loop.wait_until("there are new workers", function()
        local now = m:workers()
        return #now == 2 and now[1] ~= before[1] and now[2] ~= before[2]
      end)
      assert.are.equal("two there " .. zone,
        http.fetch(m.port.web, "/hook").body)
    end)

  it("takes another configuration, with paths below it", function()
    local m = start()
    lfs.mkdir(jail .. "/other")
    folder.write(jail .. "/other/a.txt", "other")
    folder.write(m.file, (folder.read(m.file):gsub("\nroot = [^\n]*",
      "\nroot = " .. jail .. "/other")))
    m:ctl("reload")
    assert.are.equal("other", http.fetch(m.port.web, "/a.txt").body)
  end)

  it("writes its records, also to a file that was opened again", function()
    local m = start()
    http.fetch(m.port.web, "/a.txt")
    local function wait_records()
      loop.wait_until("there is a record", function()
        return (folder.read(jail .. "/access.log") or ""):find("/a.txt")
      end)
    end
    wait_records()
    os.rename(jail .. "/access.log", jail .. "/access.1")
    m.master:kill("USR1")
    m:wait_log("opening the log files again")
    loop.wait_until("the file is there again", function()
      return lfs.attributes(jail .. "/access.log")
    end)
    http.fetch(m.port.web, "/a.txt")
    wait_records()
  end)

  it("refuses paths that do not lie below it", function()
    local cases = {
      { "root = JAIL/www", "root = /srv/www", "root: /srv/www does not lie" },
      { "alias=JAIL/www/", "alias=/srv/", "route: alias: /srv does not lie" },
      { "unix:JAIL/run", "unix:/srv/run",
        "server: /srv/run/php.sock does not lie" },
      { "root = JAIL/www", "root = JAILxyz/www", "xyz/www does not lie" },
    }
    for _, case in ipairs(cases) do
      local text = CONFIG:gsub("PORT", "1")
      local from = text:find(case[1], 1, true)
      text = text:sub(1, from - 1) .. case[2] .. text:sub(from + #case[1])
      local m = moongate.prepare(options(text))
      local status, said = process.run {
        moongate.build() .. "/moongate", "check", "-c", m.file,
      }
      assert.are.equal(1, status)
      assert.is_truthy(said:match("moongate.ini:%d+: "), said)
      assert.is_truthy(said:find(case[3], 1, true), said)
    end
  end)

  it("refuses a folder that is not there", function()
    local all = options((CONFIG:gsub("PORT", "1")))
    all.global = "chroot = /nowhere/at/all\ntemp_dir = /nowhere/at/all/t"
    local m = moongate.prepare(all)
    local status, said = process.run {
      moongate.build() .. "/moongate", "check", "-c", m.file,
    }
    assert.are.equal(1, status)
    assert.is_truthy(said:find("chroot: /nowhere/at/all: No such file", 1,
      true), said)
  end)
end)
