--- Many requests: what a worker has taken in memory, it does not take again.
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local process = require "support.process"

local ROUND = 50000
local CLIENTS = 20
local ALLOWED = 512 * 1024  -- bytes that a worker may have grown

local CONFIG = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  script = count.lua
  access_log = off
]]

local SCRIPT = [[
local count = {}


function count.request(req)
  req.ctx.path = req.path .. "?" .. (req.query or "")
  if req.path == "/moved" then
    return req:rewrite("/index.html")
  end
end


return count
]]


describe("a worker", function()
  after_each(moongate.finish)

  it("does not grow with the requests that it has served", function()
    local m = moongate.start({
      config = CONFIG,
      files = { ["www/index.html"] = ("x"):rep(1000),
                ["lua/count.lua"] = SCRIPT },
    })

    local function round()
      local left, running = ROUND, CLIENTS
      for i = 1, CLIENTS do
        loop.spawn("client " .. i, function()
          while left > 0 do
            local client = http.connect(m.port.web)
            for n = 1, math.min(50, left) do
              left = left - 1
              local path = n % 2 == 0 and "/moved?n=" .. n or "/index.html"
              assert(client:exchange("GET " .. path).status == 200)
            end
            client:close()
          end
          running = running - 1
        end)
      end
      loop.wait_until("the round is over", function()
        return running == 0
      end, 600)
      return process.rss(m:workers()[1])
    end

    round()
    local before = round()
    local after = before
    for _ = 1, 3 do
      after = round()
    end
    print(("# %d requests, then %d more: %d KiB, %d KiB"):format(2 * ROUND,
      3 * ROUND, before / 1024, after / 1024))
    assert.is_true(after - before <= ALLOWED)
  end)
end)
