--- systemd's unit, and what is installed with it, as systemd's own tools and
-- their like read them.
local folder = require "support.folder"
local lfs = require "lfs"
local moongate = require "support.moongate"
local process = require "support.process"

local EXPOSURE_MAX = 3.0


describe("the service", function()
  local dir

  before_each(function()
    dir = folder.make()
    local unit = folder.read("conf/systemd/moongate.service.in")
    folder.write(dir .. "/moongate.service",
      (unit:gsub("@CMAKE_INSTALL_FULL_BINDIR@", moongate.build())))
    folder.write(dir .. "/moongate.socket",
      folder.read("conf/systemd/moongate.socket"))
  end)

  after_each(function()
    process.end_all()
    folder.remove(dir)
  end)

  it("has units that systemd has nothing to say about", function()
    local status, text = process.run {
      "systemd-analyze", "--man=no", "verify", dir .. "/moongate.service",
      dir .. "/moongate.socket",
    }
    assert.are.equal("", text)
    assert.are.equal(0, status)
  end)

  it("is exposed to little", function()
    local _, text = process.run {
      "systemd-analyze", "--no-pager", "security", "--offline=yes",
      dir .. "/moongate.service",
    }
    local exposure = text:match("moongate.service: (%d+%.%d+)")
    assert(exposure, text)
    assert.is_true(tonumber(exposure) <= EXPOSURE_MAX, exposure)
  end)

  it("has a user and folders that are made", function()
    local sysusers = lfs.currentdir() .. "/conf/systemd/moongate.sysusers"
    local root = dir .. "/root"
    lfs.mkdir(root)
    lfs.mkdir(root .. "/etc")
    folder.write(root .. "/etc/group", "root:x:0:\nadm:x:4:\n")
    folder.write(root .. "/etc/passwd", "root:x:0:0:root:/:/bin/sh\n")
    local status, text = process.run {
      "systemd-sysusers", "--root=" .. root, sysusers,
    }
    assert.are.equal(0, status, text)
    assert.is_truthy(folder.read(root .. "/etc/passwd"):find("\nmoongate:"))
    status, text = process.run {
      "systemd-tmpfiles", "--create", "--root=" .. root,
      lfs.currentdir() .. "/conf/systemd/moongate.tmpfiles",
    }
    assert.are.equal(0, status, text)
    for _, place in ipairs { "/run", "/var/lib", "/var/log" } do
      assert.are.equal("directory",
        lfs.attributes(root .. place .. "/moongate", "mode"))
    end
  end)

  it("has rules that logrotate understands", function()
    local path = dir .. "/logrotate"
    folder.write(path, folder.read("conf/logrotate/moongate"))
    local status, text = process.run {
      "logrotate", "--debug", "--state", dir .. "/state", path,
    }
    assert.are.equal(0, status, text)
    assert.is_nil(text:find("error", 1, true), text)
    assert.is_truthy(text:find("/var/log/moongate/*.log", 1, true), text)
  end)

  it("has a profile that AppArmor's parser takes", function()
    local status, text = process.run {
      "apparmor_parser", "--skip-kernel-load", "--skip-cache",
      "conf/apparmor/usr.sbin.moongate",
    }
    assert.are.equal(0, status, text)
  end)
end)
