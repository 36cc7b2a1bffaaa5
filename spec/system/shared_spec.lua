--- Shared dictionaries and metrics in the running program: exact over workers,
-- and as they were after a worker has died.
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local process = require "support.process"

local LIMIT, REQUESTS = 25, 60

--- A rate limit as a user would write it; each worker says that it is there.
local SCRIPT = [[
local moongate = require "moongate"

local hits = moongate.shared("hits")
local answers = moongate.metric.counter("app_answers_total", "Answers.",
  { "status" })
local LIMIT = ]] .. LIMIT .. [[


local function request(req)
  local status = 200
  if hits:incr(req:arg("user"), 1, 0, 3600) > LIMIT then
    status = 429
  end
  answers:inc(1, { status = status })
  return moongate.reply(status, nil, tostring(moongate.worker))
end


return { request = request }
]]


describe("a rate limit over two workers", function()
  local m

  before_each(function()
    m = moongate.start {
      workers = 2,
      global = "shared_memory = 1m",
      config = [[
        [http web]
        listen = 127.0.0.1:${port_web}
        root = ${dir}
        access_log = off
        script = limit.lua
      ]],
      files = { ["lua/limit.lua"] = SCRIPT },
    }
  end)

  after_each(moongate.finish)

  -- How often it answered what, and which workers did.
  local function ask(user, n)
    local counts, workers = { [200] = 0, [429] = 0 }, {}
    for _ = 1, n do
      local answer = http.fetch(m.port.web, "GET /?user=" .. user)
      counts[answer.status] = counts[answer.status] + 1
      workers[answer.body] = true
    end
    return counts, workers
  end

  local function shown(status)
    for _, metric in ipairs(m:ctl("show metrics --json").metrics) do
      if metric.labels.status == tostring(status) then
        return metric.value
      end
    end
    return 0
  end

  it("is exact, and counted", function()
    local counts, workers = ask("one", REQUESTS)
    assert.are.same({ ["0"] = true, ["1"] = true }, workers)
    assert.are.same({ [200] = LIMIT, [429] = REQUESTS - LIMIT }, counts)
    assert.are.equal(LIMIT, (ask("two", REQUESTS))[200])
    assert.are.equal(2 * LIMIT, shown(200))
    assert.are.equal(2 * (REQUESTS - LIMIT), shown(429))
    local text = m:ctl("show metrics")
    assert.is_truthy(text:find('\napp_answers_total{status="200"} '
      .. 2 * LIMIT .. "\n", 1, true), text)
    assert.is_truthy(text:find('\nmoongate_shared_entries{dictionary="hits"} '
      .. "2\n", 1, true), text)
  end)

  it("goes on where it was when a worker is killed", function()
    assert.are.equal(LIMIT - 5, (ask("one", LIMIT - 5))[200])
    m.workers_change = true
    local killed = m:workers()[1]
    process.kill(killed, "KILL")
    m:wait_log("was killed by signal 9")
    loop.wait_until("both workers serve", function()
      local pids = m:workers()
      return #pids == 2 and pids[1] ~= killed and pids[2] ~= killed
    end)
    -- A connection that the dead worker had accepted is not answered; a user
    -- for each attempt, so that it takes nothing of what is counted here.
    loop.wait_until("it answers", function()
      local client = net.connect(m.port.web)
      if not client then
        return false
      end
      client:send("GET /?user=probe HTTP/1.0\r\nHost: a\r\n\r\n")
      local text = client:receive_all()
      client:close()
      return text ~= nil and text:find(" 200 ", 1, true) ~= nil
    end)
    local counts = ask("one", 20)
    assert.are.same({ [200] = 5, [429] = 15 }, counts)
    assert.is_true(shown(200) >= LIMIT)
  end)
end)
