--- What `ctl reload` and the log say of a configuration in which much is new.
local moongate = require "support.moongate"
local process = require "support.process"

local WEB = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
]]
local SERVERS = 600


describe("a reload that changes much", function()
  local m

  after_each(moongate.finish)

  before_each(function()
    m = moongate.start { config = WEB }
    local lines = { WEB, "[upstream db]", "protocol = tcp" }
    for i = 1, SERVERS do
      lines[#lines + 1] = ("server the_server_of_number_%d = 127.0.0.1:%d")
        :format(i, 10000 + i)
    end
    m:write_config(table.concat(lines, "\n") .. [[

      [tcp db]
      listen = 127.0.0.1:${port_db}
      upstream = db
    ]])
  end)

  local function all_are_logged()
    m:wait_log("reload: server db/the_server_of_number_600: added")
    local _, count = m:log():gsub(" reload: server db/", "")
    assert.are.equal(SERVERS, count)
  end

  it("tells how many lines there was no room for", function()
    local status, text = process.run {
      moongate.build() .. "/moongate", "ctl", "-s", m.control, "reload" }
    assert.are.equal(0, status, text)
    local _, count = text:gsub("added\n", "")
    local more = tonumber(text:match("\nand (%d+) more changes, which the log"))
    assert.are.equal(SERVERS + 3, count + more)
    all_are_logged()
  end)

  it("tells it in JSON, too", function()
    local answer = m:ctl("reload --json")
    assert.is_true(answer.changed)
    assert.is_true(answer.left_out > 0)
    assert.are.equal(SERVERS + 3, #answer.changes + answer.left_out)
    all_are_logged()
  end)
end)
