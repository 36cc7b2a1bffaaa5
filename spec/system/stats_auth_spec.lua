--- Who may see the statistics: the hashes that the tools of the system make,
-- what guessing costs and whom, and that control does its other work meanwhile.
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local peer = require "support.peer"
local process = require "support.process"
local folder = require "support.folder"

local PASSWORD = "correct horse: battery"
local basic = http.basic

local CONFIG = [[
  [upstream db]
  protocol = tcp
  check = tcp interval=50ms timeout=5s fall=2
  server a = 127.0.0.1:${port_a}
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = off
  [stats dbs]
  listen = 127.0.0.1:${port_stats}
  uri = /dbs
  auth_file = users
]]

-- Who makes it, and what it looks like.
local KINDS = {
  bcrypt = { { "htpasswd", "-nbB", "u", PASSWORD }, "^u:%$2y%$05%$" },
  apr1 = { { "htpasswd", "-nbm", "u", PASSWORD }, "^u:%$apr1%$" },
  sha = { { "htpasswd", "-nbs", "u", PASSWORD }, "^u:{SHA}" },
  plain = { { "htpasswd", "-nbp", "u", PASSWORD }, "^u:correct horse" },
  yescrypt = { { "mkpasswd", "-m", "yescrypt", PASSWORD }, "^%$y%$" },
  sha512 = { { "mkpasswd", "-m", "sha512crypt", PASSWORD }, "^%$6%$" },
  rounds = { { "mkpasswd", "-m", "sha512crypt", "-R", "10000", PASSWORD },
    "^%$6%$rounds=10000%$" },
}
local TICKS_PER_SECOND = 100  -- of /proc's times


-- A line of the file of users.
local function line_of(user, argv, pattern)
  local status, text = process.run(argv)
  assert(status == 0, text)
  text = text:match("([^\n]+)\n*$")  -- below warnings
  assert(not pattern or text:find(pattern), text)
  return user .. ":" .. text:gsub("^u:", "") .. "\n"
end


-- One of bcrypt that takes 2^power rounds: of 12 about a fifth of a second.
local function bcrypt(user, power)
  return line_of(user, { "htpasswd", "-nbBC", tostring(power), "u", PASSWORD })
end


describe("who logs in to the statistics", function()
  local m

  after_each(moongate.finish)

  local function start(users)
    local a = peer.serve(peer.greet("a"))
    m = moongate.start { config = CONFIG, ports = { a = a.port },
      files = { users = users } }
    return a
  end

  local function fetch(login)
    return http.fetch(m.port.stats, "GET /dbs", { login }).status
  end

  -- A request whose answer is not waited for.
  local function ask(login, from)
    local client = http.connect(m.port.stats, { from = from })
    client:request("GET /dbs", { login })
    return client
  end

  local function is_answered(client)
    return loop.wait(client.socket.fd, loop.READ, loop.now())
  end

  -- Seconds of CPU that control has used.
  local function used()
    local stat = folder.read(("/proc/%d/stat"):format(m:pids("mg-control")[1]))
    local user, system = stat:match("%) " .. ("%S+ "):rep(11) .. "(%d+) (%d+)")
    return (user + system) / TICKS_PER_SECOND
  end

  it("may have a password of any kind that htpasswd and mkpasswd make",
    function()
      local lines = {}
      for user, kind in pairs(KINDS) do
        lines[#lines + 1] = line_of(user, kind[1], kind[2])
      end
      start(table.concat(lines))
      for user in pairs(KINDS) do
        assert.are.equal(401, fetch(basic(user, PASSWORD .. "x")), user)
        assert.are.equal(200, fetch(basic(user, PASSWORD)), user)
      end
      assert.are.equal(401, fetch(basic("u", PASSWORD)))
      assert.is_nil(m:log():find(PASSWORD, 1, true))
    end)

  it("waits as long with a wrong name or a cheap hash as with the costliest",
    function()
      start(line_of("cheap", KINDS.sha[1]) .. bcrypt("dear", 12)
        .. line_of("other", KINDS.plain[1]))
      local function cost(status, login)
        local before = used()
        assert.are.equal(status, fetch(login))
        return used() - before
      end
      local wrong = PASSWORD .. "x"
      local dear = cost(200, basic("dear", PASSWORD))
      assert.is_true(dear > 0.05, "a bcrypt of 2^12 rounds took " .. dear)
      for _, user in ipairs { "nobody", "cheap", "dear" } do
        local took = cost(401, basic(user, wrong))
        assert.is_true(took > dear / 2 and took < dear * 2, user .. ": " .. took
          .. " s, not " .. dear)
      end
    end)

  it("is answered while another one's hash takes its time, and may leave",
    function()
      -- Two minutes of work and more.
      local a = start((bcrypt("slow", 5):gsub("%$2y%$05%$", "$2y$21$")))
      local slow, gone = ask(basic("slow", PASSWORD)),
        ask(basic("slow", "wrong"), "127.0.0.2")
      loop.wait_until("it has begun", function()
        return used() > 0.2
      end)
      gone:close()
      a:wait_accepted(a.accepted + 3)  -- by checks
      assert.are.equal("up", m:server("a").state)
      assert.is_falsy(is_answered(slow))
      -- It ends with the work undone.
    end)

  it("comes to its turn in a flood of guesses, which takes little from checks "
    .. "and ctl", function()
    local a = start(bcrypt("admin", 8) .. bcrypt("known", 5))
    local known = basic("known", PASSWORD)
    assert.are.equal(200, fetch(known))
    local wrong, flood = basic("admin", "guess"), {}
    for i = 1, 40 do
      flood[i] = ask(wrong, "127.0.1." .. i)
    end
    local right = ask(basic("admin", PASSWORD))
    -- None of these waits for the guesses.
    assert.are.equal(200, fetch(known))
    assert.are.equal("up", m:server("a").state)
    a:refuse()
    m:wait_log("server db/a is down")
    local log = m:log()
    local before = log:sub(1, log:find("server db/a is down", 1, true))
    assert.is_true(select(2, before:gsub("a wrong user", "")) < 40)

    assert.are.equal(200, right:answer(nil, 120).status)
    for _, client in ipairs(flood) do
      assert.are.equal(401, client:answer(nil, 120).status)
    end
  end)

  it("has a place beside more guesses than may wait, if it is known",
    function()
      start((bcrypt("admin", 5):gsub("%$2y%$05%$", "$2y$21$"))
        .. line_of("known", KINDS.sha[1]))
      local known, wrong = basic("known", PASSWORD), basic("admin", "guess")
      assert.are.equal(200, fetch(known))
      local flood = {}
      for i = 1, 60 do
        flood[i] = ask(wrong, "127.0.1." .. i)
      end
      local refused = 0
      loop.wait_until("those beyond 49 have been refused", function()
        for i, client in pairs(flood) do
          if is_answered(client) then
            assert.are.equal(429, client:answer().status)
            flood[i], refused = nil, refused + 1
          end
        end
        return refused == 11
      end)
      assert.are.equal(200, fetch(known))
    end)

  it("has three guesses from an address, however many come at once", function()
    start(bcrypt("admin", 8))
    local wrong, clients, statuses = basic("admin", "guess"), {}, {}
    for i = 1, 12 do
      clients[i] = ask(wrong)
    end
    for _, client in ipairs(clients) do
      local status = client:answer(nil, 120).status
      statuses[status] = (statuses[status] or 0) + 1
    end
    assert.are.same({ [401] = 3, [429] = 9 }, statuses)
  end)
end)
