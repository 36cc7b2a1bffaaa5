--- Debian's package in a bare Debian without a network: installed, run,
-- upgraded, removed and purged.
local folder = require "support.folder"
local lfs = require "lfs"
local loop = require "support.loop"
local process = require "support.process"

local NEEDS = "systemd-standalone-sysusers,libevent-core-2.1-7,"
  .. "libevent-extra-2.1-7,libinih1,libluajit2-5.1-2,libpcre2-8-0,libssl3"

local INI = [[
[global]
user = moongate
pidfile = /run/moongate/moongate.pid
control = /run/moongate/moongate.sock
log = file:/var/log/moongate/moongate.log
[http web]
listen = 127.0.0.1:%d
root = /srv
]]


local function run(...)
  local status, text = process.run({ ... }, { seconds = 900 })
  assert.are.equal(0, status, table.concat({ ... }, " ") .. "\n" .. text)
  return text
end


-- Builds a version of the package; returns its path.
local function build(version, place)
  run("make", "deb", "DEB=-DMOONGATE_DEB_VERSION=" .. version)
  local path = ("%s/moongate_%s.deb"):format(place, version)
  for _, name in ipairs(folder.list("build/deb")) do
    if name:find("^moongate_" .. version:gsub("%p", "%%%0") .. "_.*%.deb$") then
      run("cp", "build/deb/" .. name, path)
      return path
    end
  end
  error("no package of version " .. version)
end


describe("the package", function()
  local place, root, old, new

  setup(function()
    place = folder.make()
    root = place .. "/root"
    old, new = build("0.1.0", place), build("0.1.1", place)
    run("debootstrap", "--variant=minbase", "--include=" .. NEEDS, "bookworm",
      root)
  end)

  teardown(function()
    process.end_all()
    run("rm", "-rf", place)
  end)

  -- In a network of its own, in which there is nobody.
  local function inside(...)
    return run("unshare", "-n", "chroot", root, ...)
  end

  local function install(path)
    run("cp", path, root .. "/moongate.deb")
    inside("dpkg", "-i", "/moongate.deb")
  end

  it("is without an error to lintian", function()
    -- It leaves files of its own behind.
    local status, text = process.run({ "lintian", "--fail-on", "error", old },
      { seconds = 900, env = { TMPDIR = place } })
    assert.are.equal(0, status, text)
    assert.is_nil(("\n" .. text):find("\nE: "), text)
  end)

  it("installs, with a configuration that has no fault", function()
    install(old)
    inside("moongate", "check")
    assert.is_truthy(inside("id", "moongate"):find("moongate", 1, true))
    assert.are.equal("directory",
      lfs.attributes(root .. "/var/log/moongate", "mode"))
    assert.is_truthy(lfs.attributes(root
      .. "/usr/lib/systemd/system/moongate.service"))
  end)

  it("runs as its user, and goes on over an upgrade", function()
    folder.write(root .. "/etc/moongate/moongate.ini", INI:format(18080))
    local master = process.spawn({
      "unshare", "-n", "chroot", root, "moongate",
    }, { stdout = place .. "/out", stderr = place .. "/out" })
    loop.wait_until("it serves", function()
      assert(master:alive(), folder.read(place .. "/out"))
      return (folder.read(root .. "/var/log/moongate/moongate.log") or "")
        :find("serving on", 1, true)
    end, 20)
    install(new)
    assert.is_true(master:alive())
    assert.is_truthy(inside("moongate", "ctl", "-s",
      "/run/moongate/moongate.sock", "show", "info"):find("version", 1, true))
    assert.is_truthy(folder.read(root .. "/etc/moongate/moongate.ini")
      :find("127.0.0.1:18080", 1, true))
    master:kill("TERM")
    assert.are.equal(0, master:wait(10))
  end)

  it("leaves its configuration when removed, and nothing when purged",
     function()
    inside("dpkg", "--remove", "moongate")
    assert.is_nil(lfs.attributes(root .. "/usr/bin/moongate"))
    assert.is_truthy(lfs.attributes(root .. "/etc/moongate/moongate.ini"))
    inside("dpkg", "--purge", "moongate")
    for _, path in ipairs { "/etc/moongate", "/var/log/moongate",
                            "/var/lib/moongate", "/usr/share/moongate",
                            "/etc/logrotate.d/moongate" } do
      assert.is_nil(lfs.attributes(root .. path), path)
    end
  end)
end)
