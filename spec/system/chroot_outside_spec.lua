--- What confined workers need from outside their folder: the master reads it,
-- at the start, at a reload and for a worker that takes another's place.
local background = require "support.background"
local ffi = require "ffi"
local folder = require "support.folder"
local http = require "support.http"
local lfs = require "lfs"
local loop = require "support.loop"
local moongate = require "support.moongate"
local process = require "support.process"
local tls = require "support.tls"

local PRIVATE, PRIVATE_FOLDER = 384, 448  -- 0600, 0700
local NO_LEAKS = ":detect_leaks=0"  -- the search needs /proc

local ASK = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  root = JAIL/www
  script = ask.lua
]]

-- What a server says of itself by TLS, or why it was not asked.
local ASK_SCRIPT = [[
local moongate = require "moongate"
return {
  request = function(req)
    local answer, why = moongate.http.get("https://127.0.0.1:PORT/")
    return moongate.reply(200, {}, answer and "trusted" or why)
  end,
}
]]

local ALL = [[
  [upstream db]
  protocol = mysql
  server one = 127.0.0.1:1
  [mysql db]
  listen = 127.0.0.1:${port_db} tls certificate=db.crt key=db.key
  upstream = db
  [http web]
  listen = 127.0.0.1:${port_web}
  root = JAIL/www
  script = say.lua
  [stats page]
  listen = 127.0.0.1:${port_page}
  uri = /page
  auth_file = users
]]

local SAY_SCRIPT = [[
local moongate = require "moongate"
return {
  request = function()
    return moongate.reply(200, {}, "NAME")
  end,
}
]]


describe("with chroot, from outside", function()
  local jail, pki

  setup(function()
    assert.are.equal(0, ffi.C.getuid(),
      "only root can confine a process: run this spec as root")
    pki = tls.make()
    pki:sign("one", "IP:127.0.0.1")
    pki:sign("two", "IP:127.0.0.1")
    folder.write(pki:file("hashed/ca.crt"), pki.ca)
    assert(process.run({ "openssl", "rehash", pki:file("hashed") },
      { env = { LD_PRELOAD = false } }) == 0)
    folder.write(pki:file("empty/none"), "")
    ffi.C.chmod(pki.dir, PRIVATE_FOLDER)
  end)

  teardown(function()
    pki:remove()
  end)

  before_each(function()
    jail = folder.make()
    lfs.mkdir(jail .. "/www")
    lfs.mkdir(jail .. "/tmp")
    ffi.C.chmod(jail .. "/tmp", 1023)  -- 01777
  end)

  after_each(function()
    background.finish()
    moongate.finish()
    folder.remove(jail)
  end)

  local function options(config, more)
    local all = {
      config = config:gsub("JAIL", jail),
      global = ("user = nobody\nchroot = %s\ntemp_dir = %s/tmp\n%s"):format(
        jail, jail, more or ""),
      env = {
        ASAN_OPTIONS = (os.getenv("ASAN_OPTIONS") or "") .. NO_LEAKS,
      },
    }
    return all
  end

  for name, case in pairs {
    ["a file"] = { file = "ca.crt" },
    ["a folder"] = { folder = "hashed" },
    ["a folder that has none"] = { folder = "empty", why = "verify failed" },
  } do
    it("come those whom the system trusts, by " .. name, function()
      local server = pki:serve("one", { "-www" })
      local all = options(ASK)
      all.files = { ["lua/ask.lua"] = ASK_SCRIPT:gsub("PORT", server.port) }
      all.env.SSL_CERT_FILE = case.file and pki:file(case.file) or false
      all.env.SSL_CERT_DIR = case.folder and pki:file(case.folder) or false
      local m = moongate.start(all)
      local function ask()
        local body = http.fetch(m.port.web, "/").body
        assert.is_truthy(body:find(case.why or "^trusted$"), body)
      end
      ask()
      m:ctl("reload")
      ask()
      m.workers_change = true
      local before = m:workers()[1]
      process.kill(before, "KILL")
      loop.wait_until("there is another worker", function()
        local now = m:workers()[1]
        return now and now ~= before
      end)
      ask()
      server:stop()
    end)
  end

  -- The subject of the certificate that a listener shows.
  local function certificate(port)
    local _, text = process.run({
      "openssl", "s_client", "-starttls", "mysql", "-connect",
      "127.0.0.1:" .. port,
    }, { env = { LD_PRELOAD = false } })
    return text:match("subject=CN = (%w+)") or text
  end

  local function private(path, text)
    folder.write(path, text)
    ffi.C.chmod(path, PRIVATE)
  end

  local function say(m, word)
    folder.write(m.dir .. "/lua/say.lua", (SAY_SCRIPT:gsub("NAME", word)))
    private(m.dir .. "/db.crt", folder.read(pki:file(word .. ".crt")))
    private(m.dir .. "/db.key", folder.read(pki:file(word .. ".key")))
  end

  local function said(m)
    return http.fetch(m.port.web, "/").body .. " " .. certificate(m.port.db)
  end

  local function page(m, login)
    return http.fetch(m.port.page, "/page",
      { "Authorization: Basic " .. login }).status
  end

  local ADMIN_OLD, ADMIN_NEW = "YWRtaW46b2xk", "YWRtaW46bmV3"

  local function is_confined(m)
    for _, pid in ipairs(process.children(background.pid(m))) do
      assert.are.equal(jail,
        lfs.symlinkattributes("/proc/" .. pid .. "/root", "target"))
    end
  end

  it("come certificates, scripts and passwords, in the background, over a "
    .. "reload and an upgrade", function()
    local all = options(ALL, "pidfile = ${dir}/pid")
    all.log = "log = file:${dir}/log"
    all.workers = 2
    local m = moongate.prepare(all)
    say(m, "one")
    private(m.dir .. "/users", "admin:old\n")
    local status, text = background.start(m, { "-d" }, all.env)
    assert.are.equal(0, status, text)
    is_confined(m)
    assert.are.equal("one one", said(m))
    assert.are.equal(200, page(m, ADMIN_OLD))

    say(m, "two")
    m:ctl("reload")
    assert.are.equal("two two", said(m))
    assert.are.equal(200, page(m, ADMIN_OLD))

    say(m, "one")
    private(m.dir .. "/users", "admin:new\n")
    local old = background.pid(m)
    m:ctl("upgrade")
    loop.wait_until("the old program has ended", function()
      return not process.alive(old)
    end)
    is_confined(m)
    assert.are.equal("one one", said(m))
    assert.are.equal(200, page(m, ADMIN_NEW))
    assert.are.equal(401, page(m, ADMIN_OLD))

    ffi.C.chmod(m.dir .. "/lua/say.lua", PRIVATE)
    status, text = process.run {
      moongate.build() .. "/moongate", "ctl", "-s", m.control, "reload",
    }
    assert.are.equal(1, status)
    assert.is_truthy(text:find("say.lua: Permission denied; scripts are tried "
      .. "as the user of the configuration", 1, true), text)
    say(m, "one")

    folder.write(m.dir .. "/db.crt", "broken")
    status, text = process.run {
      moongate.build() .. "/moongate", "ctl", "-s", m.control, "reload",
    }
    assert.are.equal(1, status)
    assert.is_truthy(text:find("moongate.ini:%d+: listen: certificate="), text)
    assert.are.equal("one one", said(m))
    background.stop(background.pid(m))
  end)
end)
