--- What is on disk while the program runs: processes that take the place of
-- dead ones load the scripts that the program began with.
local folder = require "support.folder"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local peer = require "support.peer"
local process = require "support.process"

local CONFIG = [[
  [upstream db]
  protocol = tcp
  policy = ${dir}/lua/last.lua
  check = lua script=check.lua interval=100ms
  server one = 127.0.0.1:${port_one}
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = off
  [http web]
  listen = 127.0.0.1:${port_web}
  access_log = off
  script = hook.lua
]]

local M = "local moongate = require 'moongate'\n"

local FILES = {
  ["lua/hook.lua"] = M .. "local word = require 'lib.word'\n"
    .. "local text = moongate.read_file('text.txt')\n"
    .. "return { request = function() return moongate.reply(200, nil, "
    .. "moongate.worker .. ' ' .. word .. text) end }",
  ["lua/lib/word.lua"] = "return 'word '",
  ["lua/text.txt"] = "text",
  ["lua/last.lua"] = "return { pick = function(flow, servers) "
    .. "return #servers end }",
  ["lua/check.lua"] = M .. "moongate.after(0, function() print('old check') "
    .. "end)\nreturn { check = function() return true end }",
}


describe("scripts that are overwritten", function()
  local m

  after_each(moongate.finish)

  it("are what they were for a new worker, and a new control", function()
    local server = peer.serve(peer.echo)
    m = moongate.start {
      global = "script_path = lua", config = CONFIG, workers = 1,
      ports = { one = server.port }, files = FILES,
    }
    m.workers_change = true
    local before = http.fetch(m.port.web, "GET / HTTP/1.1", { Host = "h" })
    assert.are.equal("0 word text", before.body)
    for name in pairs(FILES) do
      folder.write(m.dir .. "/" .. name, "(garbage")
    end
    folder.write(m.dir .. "/lua/lib/word/init.lua", "(garbage")

    local dead = m:workers()[1]
    process.kill(dead, "KILL")
    loop.wait_until("there is another worker", function()
      local pids = m:workers()
      return #pids == 1 and pids[1] ~= dead
    end)
    local after = http.fetch(m.port.web, "GET / HTTP/1.1", { Host = "h" })
    assert.are.equal("0 word text", after.body)

    process.kill(m:pids("mg-control")[1], "KILL")
    m:wait_log("old check.-old check")
    assert.is_nil(m:log():find("garbage", 1, true))
  end)
end)
