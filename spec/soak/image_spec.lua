--- The image: what the Dockerfile says is carried out in bare Debians, without
-- Docker and without a registry; then it is started, asked and ended.
local folder = require "support.folder"
local image = require "support.image"
local json = require "dkjson"
local lfs = require "lfs"
local loop = require "support.loop"
local process = require "support.process"

local BASE = "debian:bookworm-slim"
local SIZE_MAX = 200  -- MB, with Debian's own
local PAGE_LOGIN = "admin:abc123456"  -- of the examples


local function run(...)
  local status, text = process.run({ ... }, { seconds = 1800 })
  assert(status == 0, text)
  return text
end


-- What the service `moongate` of an example's compose.yaml says.
-- @return array: its command; array of { from, to }: its volumes
local function service_of(name)
  local home = lfs.currentdir() .. "/examples/" .. name
  local text = folder.read(home .. "/compose.yaml")
  local service = assert(text:match("\n  moongate:\n(.-\n)\n*%f[^ \n]%w")
    or text:match("\n  moongate:\n(.-\n)\n"))
  assert(service:find("\n? *build: %.%./%.%.\n"), "it is built elsewhere")
  local volumes = {}
  for from, to in service:gmatch('["%s]([^%s"]+):(/[%w/]+):ro') do
    from = from:gsub("^%${PROJECT:%-(.-)}$", "%1")
    volumes[#volumes + 1] = { from = home .. "/" .. from, to = to }
  end
  assert(#volumes > 0, "it has no volumes")
  return assert(json.decode(service:match("command: (%b[])"))), volumes
end


describe("the image", function()
  local place, built, box

  setup(function()
    place = folder.make()
    local base = place .. "/base"
    run("debootstrap", "--variant=minbase", "bookworm", base)
    built = image.build(".", place, { [BASE] = base })
  end)

  teardown(function()
    process.end_all()
    run("rm", "-rf", "--one-file-system", place)
  end)

  after_each(function()
    if box then
      box.process:kill("KILL")  -- and so its child, process 1 of the rest
      box.process:wait()
      box = nil
    end
  end)

  local function start(options)
    options.log = place .. "/log"
    os.remove(options.log)
    box = built:start(options)
    loop.wait_until("it is healthy", function()
      return box:is_healthy()
    end, 30)
    return box
  end

  local function stop()
    assert.are.equal(0, box:stop(), box:log())
    assert.are.same({}, built:processes())
    assert.are.same({}, folder.list(built.root .. "/run/moongate"))
  end

  it("has what runs, and nothing of what has built it", function()
    for _, path in ipairs { "/usr/bin/gcc", "/usr/include/event2", "/source",
                            "/tmp/deps", "/installed" } do
      assert.is_nil(lfs.attributes(built.root .. path), path)
    end
    assert.are.same({}, folder.list(built.root .. "/var/lib/apt/lists"))
    local size = tonumber(run("du", "-smx", built.root):match("^%d+"))
    assert.is_true(size <= SIZE_MAX, size .. " MB")
  end)

  it("serves a site as who is not root, and ends by its signal", function()
    local site = place .. "/site"
    folder.write(site .. "/index.html", "hello")
    start { volumes = { { from = site, to = "/var/www/html" } } }
    local status, body = box:fetch("http://127.0.0.1/")
    assert.are.equal(200, status)
    assert.are.equal("hello", body)
    assert.is_true(process.uid(box.pid) > 0)
    loop.wait_until("the record is among what it prints", function()
      return box:log():find('"GET / HTTP/1.1" 200', 1, true)
    end)
    stop()
  end)

  it("reads its configuration again, but is no program to upgrade", function()
    start {}
    local status, text = box:exec { "moongate", "ctl", "reload" }
    assert.are.equal(0, status, text)
    status, text = box:exec { "moongate", "ctl", "upgrade" }
    assert.are.equal(1, status, text)
    assert.is_truthy(text:find("start a container of the new image", 1, true),
      text)
    process.kill(box.pid, "USR2")
    loop.wait_until("the log says so", function()
      return select(2, box:log():gsub("the upgrade is refused", "")) == 2
    end)
    assert.is_true(box:is_healthy())
    stop()
  end)

  it("is not healthy when nobody answers", function()
    start {}
    for _, pid in ipairs(built:processes()) do
      if process.title(pid) == "mg-control" then
        process.kill(pid, "STOP")
      end
    end
    assert.is_false(box:is_healthy())
  end)

  for name, uri in pairs { lnmp = "/status", pxc = "/dbs" } do
    it("runs examples/" .. name .. " as its compose.yaml says", function()
      local command, volumes = service_of(name)
      start { command = command, volumes = volumes }
      local page = "http://127.0.0.1:8888" .. uri
      assert.are.equal(401, (box:fetch(page)))
      local status, body = box:fetch(page .. ";csv", PAGE_LOGIN)
      assert.are.equal(200, status)
      assert.is_truthy(body:find("FRONTEND", 1, true), body)
      local done, text = box:exec { "moongate", "ctl", "show", "servers" }
      assert.are.equal(0, done, text)
      stop()
    end)
  end
end)
