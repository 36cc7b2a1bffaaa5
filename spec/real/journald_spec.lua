--- The log in systemd's own journald.
local http = require "support.http"
local journald = require "support.journald"
local moongate = require "support.moongate"

local CONFIG = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  access_log = ${args}
  log_to = %s
]]


describe("journald", function()
  local journal, m

  before_each(function()
    journal = journald.start()
  end)

  after_each(function()
    moongate.finish()
    journal:stop()
  end)

  local function start(target, more)
    local options = {
      config = CONFIG:format(target),
      files = { ["www/a"] = "hello" },
      wrap = journal.wrap,
    }
    for name, value in pairs(more or {}) do
      options[name] = value
    end
    m = moongate.start(options)
  end

  it("has records and lines of the log, by their fields", function()
    start("journald facility=local5", {
      log = "log = stderr level=info\n  log = journald level=info",
    })
    http.fetch(m.port.web, "/a?one")
    local record = journal:wait_entry("moongate", "one")
    assert.are.equal("one", record.MESSAGE)
    assert.are.equal("6", record.PRIORITY)
    assert.are.equal("21", record.SYSLOG_FACILITY)
    assert.are.equal(tostring(m:workers()[1]), record.SYSLOG_PID)
    assert.are.equal("journal", record._TRANSPORT)
    local line = journal:wait_entry("moongate", "serving on")
    assert.are.equal(tostring(m.master.pid), line.SYSLOG_PID)
    assert.are.equal(0, m:ctl("show info --json").log_lost)
  end)

  it("has each of two hundred, long ones too, in their order", function()
    start("journald", { global = "user = nobody" })
    local client = http.connect(m.port.web)
    for i = 1, 200 do
      local text = ("%d-"):format(i) .. ("x"):rep(i % 50 == 0 and 900 or 10)
      client:exchange("GET /a?" .. text)
    end
    client:close()
    journal:wait_entry("moongate", "200-")
    local n = 0
    for _, entry in ipairs(journal:entries("moongate")) do
      local number, rest = entry.MESSAGE:match("^(%d+)%-(x+)$")
      if number then
        n = n + 1
        assert.are.equal(tostring(n), number)
        assert.are.equal(n % 50 == 0 and 900 or 10, #rest)
      end
    end
    assert.are.equal(200, n)
  end)

  it("also takes syslog's words, at the socket that is its /dev/log", function()
    start("syslog:/run/systemd/journal/dev-log facility=local5")
    http.fetch(m.port.web, "/a?one")
    local record = journal:wait_entry("moongate", "one")
    assert.are.equal("one", record.MESSAGE)
    assert.are.equal("6", record.PRIORITY)
    assert.are.equal("21", record.SYSLOG_FACILITY)
    assert.are.equal("syslog", record._TRANSPORT)
  end)
end)
