--- Reloads and upgrades that follow on each other, come at the same moment, or
-- lose a worker meanwhile; and ctl while two generations are there.
local ffi = require "ffi"
local folder = require "support.folder"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local process = require "support.process"
local upgrades = require "support.upgrades"

local C = ffi.C

local EXTRA = [[
[http extra]
listen = 127.0.0.1:${port_extra}
root = ${dir}/www
access_log = off
]]

-- Becomes the program once a file is there.
local LATE = [[
#!/bin/sh
while [ ! -e %s/go ]; do sleep 0.02; done
exec %s/moongate "$@"
]]

-- Takes its time to load.
local SLOW = [[
local moongate = require "moongate"


local function load()
  local till = os.clock() + 0.3
  repeat
  until os.clock() > till
end


local function request()
  return moongate.reply(200, nil, "slow")
end


return { load = load, request = request }
]]

local COMMANDS = {
  "show info", "show servers", "show sessions", "show scripts", "show pools",
  "show errors", "show events",
}


describe("a reload and an upgrade", function()
  local m

  before_each(function()
    m = upgrades.start_pair()
  end)

  after_each(moongate.finish)

  local function reload()
    return m:ctl("reload")
  end

  local function add_extra()
    m:rewrite(function(text)
      return text .. EXTRA
    end)
  end

  local function drop(pattern)
    m:rewrite(function(text)
      return text:gsub(pattern, "")
    end)
  end

  local function say(word)
    folder.write(m.dir .. "/lua/counter.lua",
      (upgrades.COUNTER:gsub("tostring%(.*%)%)", ('"%s")'):format(word))))
  end

  local function said()
    return http.fetch(m.port.web, "/").body
  end

  local function rows()
    local found = {}
    for i, row in ipairs(m:ctl("show servers --json")) do
      found[i] = row.server .. " " .. row.state
    end
    return table.concat(found, ", ")
  end

  local function wait_rows(wanted)
    loop.wait_until(wanted, function()
      return rows() == wanted
    end)
  end

  -- The next program starts when go() is called.
  local function be_late()
    folder.write(m.dir .. "/late", LATE:format(m.dir, moongate.build()))
    C.chmod(m.dir .. "/late", 493)
    m:turn_to(m.dir .. "/late")
  end

  local function go()
    folder.write(m.dir .. "/go", "")
  end

  local function follow()
    m:follow(tonumber(m:wait_log("handing over to pid (%d+)")))
  end

  -- A session on server one.
  local function on_one()
    m:ctl("server db/two drain")
    local client, server = m:session()
    assert.are.equal("1", server)
    m:ctl("server db/two ready")
    return client
  end

  -- Rows that are gone are looked at once a second.
  local function look_again()
    local due = loop.now() + 1.3
    loop.wait_until("rows were looked at", function()
      return loop.now() > due
    end)
  end

  it("after it adds, removes and changes as before", function()
    m:upgrade()
    m:wait_generations(1)
    local client = on_one()
    add_extra()
    drop("server one[^\n]*\n")
    say("changed")
    reload()
    assert.are.equal("hello", http.fetch(m.port.extra, "/").body)
    assert.are.equal("changed", said())
    for _ = 1, 4 do
      local other, server = m:session()
      assert.are.equal("2", server)
      other:close()
    end
    -- The symptom: the row was freed while a session had it.
    look_again()
    assert.are.equal("one drain, two no check", rows())
    assert.are.equal(1, m:server("one").active)
    assert.is_true(upgrades.echoes(client, "x"))
    client:close()
    wait_rows("two no check")
  end)

  it("before it leave nothing that the file has not", function()
    local client = on_one()
    add_extra()
    drop("server one[^\n]*\n")
    say("changed")
    reload()
    m:upgrade()
    assert.are.equal("hello", http.fetch(m.port.extra, "/").body)
    assert.are.equal("changed", said())
    look_again()
    assert.are.equal("one drain, two no check", rows())
    assert.is_true(upgrades.echoes(client, "x"))
    drop("%[http extra%].*$")
    reload()
    assert.are.equal("refused", select(2, net.connect(m.port.extra)))
    client:close()
    wait_rows("two no check")
  end)

  it("that drops a server lets it go when its sessions have", function()
    local client = on_one()
    drop("server one[^\n]*\n")
    m:upgrade()
    look_again()
    assert.are.equal("one drain, two no check", rows())
    assert.are.equal(1, m:server("one").active)
    local other, server = m:session()
    assert.are.equal("2", server)
    other:close()
    assert.is_true(upgrades.echoes(client, "x"))
    client:close()
    wait_rows("two no check")
  end)

  it("that drops an upstream still serves who asked it before", function()
    local client = on_one()
    drop("%[upstream db%].-%[http web%]")
    m:rewrite(function(text)
      return text:gsub("(\n *listen = 127.0.0.1:" .. m.port.web .. ")",
        "\n[http web]%1")
    end)
    m:upgrade()
    assert.is_true(upgrades.echoes(client, "x"))
    assert.are.equal("1", said())
    client:close()
    wait_rows("")
    assert.are.equal(1, #m:ctl("show info --json").sections)
  end)

  it("that bring a server back have it ready", function()
    local client = on_one()
    local whole = folder.read(m.file)
    drop("server one[^\n]*\n")
    reload()
    assert.are.equal("one drain, two no check", rows())
    folder.write(m.file, whole)
    m:upgrade()
    assert.are.equal("one no check, two no check", rows())
    client:close()
    m:wait_generations(1)
    look_again()
    assert.are.equal("one no check, two no check", rows())
    on_one():close()
  end)

  it("that has failed is followed by one at once", function()
    add_extra()
    m:turn_to("/bin/false")
    assert.are.equal(1, (m:ctl_status("upgrade")))
    assert.is_truthy(reload():find("http extra: added", 1, true))
    assert.are.equal("hello", http.fetch(m.port.extra, "/").body)
    m:turn_to("moongate")
    look_again()
    m:upgrade()
    assert.are.equal(2, #m:ctl("show info --json").sections - 1)
    assert.are.equal("hello", http.fetch(m.port.extra, "/").body)
  end)

  it("by HUP and USR2 at one moment are both done", function()
    add_extra()
    m.master:kill("STOP")
    m.master:kill("USR2")
    m.master:kill("HUP")
    m.master:kill("CONT")
    follow()
    assert.is_truthy(m:log():find("the new configuration is in use"))
    assert.are.equal("hello", http.fetch(m.port.extra, "/").body)
    assert.are.equal(1, m:hit())
    m:wait_generations(1)
  end)

  it("by HUP during one that succeeds is the newer program's", function()
    be_late()
    m.master:kill("USR2")
    m:wait_log("upgrading: started")
    m.master:kill("HUP")
    m:wait_log("again after the upgrade")
    local status, text = m:ctl_status("reload")
    assert.are.equal(1, status)
    assert.is_truthy(text:find("an upgrade is under way", 1, true))
    go()
    follow()
    m:wait_log("the configuration is the same, and no script has changed")
  end)

  it("by HUP during one that fails is done then", function()
    be_late()
    m.master:kill("USR2")
    local pid = tonumber(m:wait_log("upgrading: started %S+ as pid (%d+)"))
    add_extra()
    m.master:kill("HUP")
    m:wait_log("again after the upgrade")
    process.kill(pid, "KILL")
    m:wait_log("the new configuration is in use")
    assert.are.equal("hello", http.fetch(m.port.extra, "/").body)
    assert.are.equal(1, m:hit())
  end)

  it("by USR2 twice is one upgrade", function()
    be_late()
    m.master:kill("USR2")
    m:wait_log("upgrading: started")
    m.master:kill("USR2")
    m:wait_log("the upgrade is refused: another upgrade is under way")
    go()
    follow()
    m:wait_generations(1)
    assert.are.equal(1, m:hit())
  end)

  it("survive a worker that is killed while it starts", function()
    m.workers_change = true
    be_late()
    m.master:kill("USR2")
    m:wait_log("upgrading: started")
    local dead = m:workers()[1]
    process.kill(dead, "KILL")
    m:wait_log("killed by signal 9")
    go()
    follow()
    m:wait_generations(1)
    assert.are.equal(1, m:hit())
    on_one():close()
  end)

  it("survive a worker that is killed while it loads", function()
    m.workers_change = true
    m:upgrade()
    folder.write(m.dir .. "/lua/counter.lua", SLOW)
    add_extra()
    local dead = m:workers()[1]
    local text
    loop.spawn("reload", function()
      text = reload()
    end)
    process.kill(dead, "KILL")
    loop.wait_until("it is answered", function()
      return text
    end)
    assert.is_truthy(text:find("http extra: added", 1, true), text)
    for _ = 1, 4 do
      assert.are.equal("slow", said())
      assert.are.equal("hello", http.fetch(m.port.extra, "/").body)
    end
  end)

  it("are told as events, with versions", function()
    drop("server one[^\n]*\n")
    reload()
    m:rewrite(function(all)
      return all .. "[http x]\nlisen = 1\n"
    end)
    assert.are.equal(1, (m:ctl_status("reload")))
    assert.are.equal(1, (m:ctl_status("upgrade")))
    drop("%[http x%].*$")
    m:upgrade()
    local text = {}
    for i, event in ipairs(m:ctl("show events --json")) do
      text[i] = event.kind .. ": " .. event.words
    end
    table.sort(text)
    text = table.concat(text, "\n")
    local version = "%d+%.%d+%S*"
    for _, pattern in ipairs {
      "reload: the configuration was exchanged, generation 2, by ",
      "reload: the configuration stays as it is: .*has no listen.*%(by ",
      "upgrade: an upgrade of version " .. version .. " has begun, with pid",
      "upgrade: the upgrade failed, version " .. version
        .. " goes on: .*has no listen",
      "upgrade: upgraded from version " .. version .. " to " .. version,
    } do
      assert.is_truthy(text:find(pattern), pattern .. "\n" .. text)
    end
  end)

  it("leave no question of ctl unanswered", function()
    local asked, unanswered, ending = 0, {}, false
    for i = 1, 4 do
      loop.spawn("asks", function()
        while not ending do
          local client = assert(net.connect(m.control))
          client:send("show info\n")
          local text = client:receive_all()
          client:close()
          asked = asked + 1
          if text:sub(1, 3) ~= "ok\n" then
            unanswered[#unanswered + 1] = i .. ": " .. text
          end
        end
      end)
    end
    for _ = 1, 3 do
      m:upgrade()
      local before = asked
      loop.wait_until("it is asked", function()
        return asked > before + 20
      end)
    end
    ending = true
    assert.are.same({}, unanswered)
  end)

  it("leave all of ctl to ask beside two generations", function()
    local client = on_one()
    local old = m.master.pid
    m:upgrade()
    local other = m:session()
    for _, command in ipairs(COMMANDS) do
      assert.is_truthy(m:ctl(command))
      assert.are.equal("table", type(m:ctl(command .. " --json")))
    end
    local info = m:ctl("show info --json")
    assert.are.equal(2, info.now)
    assert.are.same({ { old, "draining", 1 }, { m.master.pid, "serving", 1 } },
      { { info.generations[1].pid, info.generations[1].state,
        info.generations[1].sessions }, { info.generations[2].pid,
        info.generations[2].state, info.generations[2].sessions } })
    client:close()
    other:close()
    m:wait_generations(1)
  end)
end)
