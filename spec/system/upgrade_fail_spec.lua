--- An upgrade that fails: whatever goes wrong with the new program, the old one
-- goes on as if nothing had happened.
local ffi = require "ffi"
local folder = require "support.folder"
local loop = require "support.loop"
local moongate = require "support.moongate"
local process = require "support.process"
local upgrades = require "support.upgrades"

local C = ffi.C


describe("an upgrade that fails", function()
  local m

  local function start(options)
    m = upgrades.start_pair(options)
  end

  after_each(moongate.finish)

  -- All goes on as before.
  local function goes_on(pid, client, hits)
    assert.are.equal(pid, m.master.pid)
    assert.is_true(upgrades.echoes(client, "x"))
    assert.are.equal(hits or 1, m:hit())
    assert.are.equal(pid .. "\n", folder.read(m.dir .. "/pid"))
    assert.is_nil(folder.read(m.dir .. "/pid.old"))
    m:wait_generations(1)
    client:close()
    m:upgrade()
  end

  local function refusal(arguments)
    local status, text = m:ctl_status("upgrade " .. (arguments or ""))
    assert.are.equal(1, status)
    return text
  end

  it("for a bad file says what is wrong", function()
    start()
    local client = m:session()
    local good = folder.read(m.file)
    folder.write(m.file, good .. "[http x]\nlisen = 1\n")
    local text = refusal()
    assert(text:find("moongate.ini:%d+: .*lisen"), text)
    m:wait_log("upgrade has failed")
    folder.write(m.file, good)
    goes_on(m.master.pid, client)
  end)

  it("in a worker leaves no rows of what it would have had", function()
    start()
    local client = m:session()
    assert.are.equal(1, m:hit())
    local good, script = folder.read(m.file), m.dir .. "/lua/counter.lua"
    m:rewrite(function(text)
      return text .. "[upstream extra]\nserver e = 127.0.0.1:1\n"
    end)
    folder.write(script, upgrades.COUNTER:gsub("\n\n\n",
      "\nif hits:get(\"all\") then error(\"bad luck\") end\n\n\n", 1))
    local text = refusal()
    assert(text:find("worker%[%d%].* before it served"), text)
    folder.write(m.file, good)
    folder.write(script, upgrades.COUNTER)
    loop.wait_until("its rows are gone", function()
      for _, row in ipairs(m:ctl("show servers --json")) do
        if row.upstream == "extra" then
          return false
        end
      end
      return true
    end)
    goes_on(m.master.pid, client, 2)
  end)

  it("for a program that ends", function()
    start()
    local client = m:session()
    m:turn_to("/bin/false")
    local text = refusal()
    assert(text:find("ended with status 1", 1, true), text)
    m:turn_to("moongate")
    goes_on(m.master.pid, client)
  end)

  it("for a program that is not there", function()
    start()
    local client = m:session()
    m:turn_to("/nowhere")
    local text = refusal()
    assert(text:find("cannot start .*No such file"), text)
    m:turn_to("moongate")
    goes_on(m.master.pid, client)
  end)

  it("for a program that hangs", function()
    start()
    local client = m:session()
    folder.write(m.dir .. "/hang", "#!/bin/sh\nexec sleep 600\n")
    C.chmod(m.dir .. "/hang", 493)
    m:turn_to(m.dir .. "/hang")
    local text = refusal("1s")
    assert(text:find("was not ready within 1 s", 1, true), text)
    m:turn_to("moongate")
    goes_on(m.master.pid, client)
  end)

  it("for want of room beside those that drain", function()
    -- So few descriptors that there is room for ten workers.
    start { workers = 5, wrap = { "prlimit", "--nofile=80" } }
    local client = m:session()
    local first = m.master
    m:upgrade()
    local second = m.master.pid
    local text = refusal()
    assert(text:find("no room for 5 more workers: 2 generations", 1, true),
      text)
    assert.are.equal(2, #m:generations())
    assert.is_true(upgrades.echoes(client, "x"))
    client:close()
    assert.is_true(process.ends(first.pid))
    m:wait_generations(1)
    assert.are.equal(second, m:upgrade().old_pid)
  end)

  it("for a time that is none, or another under way", function()
    start()
    local client = m:session()
    assert(refusal("5"):find("5", 1, true))
    assert(refusal("1h"):find("from 1s to 110s", 1, true))
    folder.write(m.dir .. "/hang", "#!/bin/sh\nexec sleep 600\n")
    C.chmod(m.dir .. "/hang", 493)
    m:turn_to(m.dir .. "/hang")
    m.master:kill("USR2")
    local pid = tonumber(m:wait_log("started %S+ as pid (%d+)"))
    assert(refusal():find("another upgrade is under way", 1, true))
    process.kill(pid, "KILL")
    m:wait_log("was killed by signal 9")
    m:turn_to("moongate")
    goes_on(m.master.pid, client)
  end)
end)
