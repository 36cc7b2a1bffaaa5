--- Sockets that are left of an older program which had more workers.
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local upgrades = require "support.upgrades"

local WEB = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  listen = 127.0.0.1:${port_two}
  root = ${dir}/www
]]


describe("after an upgrade to fewer workers", function()
  local m

  before_each(function()
    m = upgrades.start {
      config = WEB, workers = 4, files = { ["www/a.txt"] = "hello" },
    }
    m:rewrite(function(text)
      return (text:gsub("workers = 4", "workers = 2"))
    end)
    m:upgrade(nil, 2)
  end)

  after_each(moongate.finish)

  local function all_answer()
    for _ = 1, 16 do
      assert.are.equal("hello", http.fetch(m.port.two, "/a.txt").body)
    end
  end

  -- The kernel chooses one of the sockets for each client.
  local function nobody_listens()
    loop.wait_until("nobody listens there", function()
      for _ = 1, 16 do
        local client = net.connect(m.port.two)
        if client then
          client:close()
          return false
        end
      end
      return true
    end)
  end

  it("a reload refuses who comes to an address that is gone", function()
    all_answer()
    m:write_config((WEB:gsub("\n[^\n]*port_two}", "")))
    m:ctl("reload")
    nobody_listens()
    m:write_config(WEB)
    m:ctl("reload")
    all_answer()
  end)

  it("a graceful end refuses who comes while others are served", function()
    local client = net.connect(m.port.two)
    client:send("GET /a.txt HTTP/1.1\r\nHost: a\r\n")  -- and no more
    loop.wait_until("there is a session", function()
      return m:section("http web").now == 1
    end)
    m.master:kill("QUIT")
    nobody_listens()
    m.workers_change = true  -- one of them had nothing to do
  end)
end)
