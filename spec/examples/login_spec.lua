--- The examples for logins, as the hooks of a [mysql] section.  The specs
-- beside them say more of what each decides (offline_spec).
local folder = require "support.folder"
local program = require "script.program"

local CONFIG = [[
[mysql db]
listen = 127.0.0.1:3306
upstream = pxc
script = example.lua
[upstream pxc]
protocol = mysql
server node1 = 127.0.0.1:1
server node3 = 127.0.0.1:3
[upstream readers]
protocol = mysql
server s = 127.0.0.1:1
[upstream cluster-a]
protocol = mysql
server s = 127.0.0.1:1
[upstream cluster-b]
protocol = mysql
server s = 127.0.0.1:2
]]


describe("the example", function()
  local p

  local function start(example)
    p = assert(program.start {
      config = CONFIG, lua = { ["example.lua"] = folder.read(example) },
    })
  end

  after_each(function()
    p:stop()
  end)

  local function log_without_fault()
    assert.is_nil(table.concat(p.log, "\n"):find("failed", 1, true))
  end

  it("reporting_user sends reports to their node", function()
    start("examples/reporting_user.lua")
    local login = p:new_login { user = "report" }
    assert.are.same({ "route", "pxc" }, { login:ask() })
    assert.are.equal("node3", login.server)
    assert.are.equal("pass", (p:login { user = "shop" }))
    log_without_fault()
  end)

  it("schema_clusters sends each tenant to its cluster", function()
    start("examples/schema_clusters.lua")
    assert.are.same({ "route", "cluster-a" }, { p:login { schema = "acme_x" } })
    assert.are.same({ "route", "cluster-b" }, { p:login { schema = "globex" } })
    assert.are.same({ "deny", "there is no tenant 'umbrella'" },
      { p:login { schema = "umbrella" } })
    assert.are.equal("deny", (p:login {}))
    log_without_fault()
  end)

  it("read_write_users parts readers from writers", function()
    start("examples/read_write_users.lua")
    assert.are.same({ "route", "readers" }, { p:login { user = "shop_ro" } })
    assert.are.equal("pass", (p:login { user = "shop" }))
    log_without_fault()
  end)

  it("login_networks knows who comes from where", function()
    start("examples/login_networks.lua")
    assert.are.equal("pass", (p:login {
      user = "root", client = "10.1.0.1:4000",
    }))
    assert.are.same({ "deny", "this user may not log in from there" },
      { p:login { user = "root", client = "192.0.2.1:4000" } })
    assert.is_truthy(p.log[1]:find("root tried to log in from 192.0.2.1", 1,
      true))
    log_without_fault()
  end)

  it("login_window always lets operators in", function()
    start("examples/login_window.lua")
    assert.are.equal("pass", (p:login { user = "root" }))
    local answer, why = p:login { user = "shop" }
    assert.is_true(answer == "pass"
      or why:find("^the database is maintained") ~= nil)
    log_without_fault()
  end)

  it("user_limit gives back what sessions had that have ended", function()
    start("examples/user_limit.lua")
    local function begin()
      local conn = p:conn()
      return conn, p:login { user = "report", client = conn }
    end
    for _ = 1, 2 do
      local conns = {}
      for i = 1, 10 do
        local answer
        conns[i], answer = begin()
        assert.are.equal("pass", answer)
      end
      local refused, answer, why = begin()
      assert.are.same({ "deny", "user 'report' has 10 sessions already" },
        { answer, why })
      p:close_conn({ error = "refused by a script" }, refused)
      for i = 1, 10 do
        p:close_conn({ ok = true }, conns[i])
      end
    end
    log_without_fault()
  end)
end)
