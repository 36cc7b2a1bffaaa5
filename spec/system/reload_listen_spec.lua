--- Listeners over a reload: an address may be written in another way, or a name
-- mean another one; and there may be many.
local etc = require "support.etc"
local http = require "support.http"
local moongate = require "support.moongate"
local net = require "support.net"
local process = require "support.process"

local WEB = [[
  [http web]
  listen = %s:${port_web}
  root = ${dir}/www
  access_log = off
]]
local MANY = 600


describe("a reload", function()
  local m, files

  after_each(function()
    moongate.finish()
    if files then
      files:remove()
      files = nil
    end
  end)

  local function start(host, hosts)
    files = etc.make { hosts = hosts }
    m = moongate.start {
      config = WEB:format(host),
      files = { ["www/a.txt"] = "hello" },
      workers = 2,
      wrap = files.wrap,
    }
  end

  local function reload(config)
    m:write_config(config)
    m:ctl("reload")
  end

  -- By all workers.
  local function answers(host)
    for _ = 1, 8 do
      local client = http.connect(m.port.web, { host = host })
      assert.are.equal("hello", client:exchange("GET /a.txt HTTP/1.1").body)
      client:close()
    end
  end

  local function nobody_listens(host)
    assert.is_nil((net.connect(m.port.web, { host = host })))
  end

  it("goes on at an address that is written in another way", function()
    start("127.0.0.1")
    for _, host in ipairs { "localhost", "127.0.0.1" } do
      reload(WEB:format(host))
      answers()
    end
  end)

  it("listens where a name leads now", function()
    start("app.test", "127.0.0.2 app.test\n")
    answers("127.0.0.2")
    files:write("hosts", "127.0.0.3 app.test\n")
    reload(WEB:format("app.test"))
    answers("127.0.0.3")
    nobody_listens("127.0.0.2")
  end)

  it("says which listener of its own is in the way of another", function()
    for _, hosts in ipairs { { "0.0.0.0", "127.0.0.1" },
        { "127.0.0.1", "0.0.0.0" } } do
      start(hosts[1])
      m:write_config(WEB:format(hosts[2]))
      local status, text = process.run {
        moongate.build() .. "/moongate", "ctl", "-s", m.control, "reload" }
      assert.are.equal(1, status)
      assert.is_truthy(text:find(("cannot listen on %s:%d beside %s:%d, which "
        .. "is open until then: take that away with one reload, and add this "
        .. "with the next"):format(hosts[2], m.port.web, hosts[1], m.port.web),
        1, true), text)
      answers()
      m:stop()
      files:remove()
    end
    files = nil
  end)

  it("opens many listeners at once", function()
    start("127.0.0.1")
    local lines = {}
    for i = 1, MANY do
      lines[i] = ("listen = 127.1.%d.%d:${port_web}\n"):format(
        i / 200, 1 + i % 200)
    end
    reload(WEB:format("127.0.0.1") .. table.concat(lines))
    answers("127.1.3.1")
    reload(WEB:format("127.0.0.1"))
    nobody_listens("127.1.3.1")
    answers()
  end)
end)
