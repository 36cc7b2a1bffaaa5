--- `moongate check`: every fault with file, line and remedy, and exit status 1;
-- nothing to say and 0 when all is well.
local moongate = require "support.moongate"
local process = require "support.process"

local GOOD = [[
  [upstream php]
  server one = 127.0.0.1:9000
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  script = rewrite/tp5.lua
  route = ~ ^(.+\.php)(/.*)?$ php
]]

-- Lines are counted from the [upstream php] line: what it is, and what the
-- message must name.
local FIVE_FAULTS = [[
  [upstream php]
  server one = 127.0.0.1:9000
  polcy = leastconn
  connect_timeout = 5
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  max_body = lots
  route = ~ ^(.+\.php(/.*)?$ php
  route = /x nowhere
]]
local FIVE_WORDS = {
  [3] = { "polcy", "policy" },
  [4] = { "5s", "5ms" },
  [8] = { "lots" },
  [9] = { "%)" },
  [10] = { "nowhere" },
}

-- Of the file, of names, of scripts: mixed, so that no stage is in order alone.
local EVERY_STAGE = [[
  [upstream php]
  server one = no-such-host.invalid:9000
  server two = 127.0.0.1:port
  policy = no-such-policy
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  script = broken.lua
  max_body = lots
  script = hook.lua
  script = missing.lua
  route = /x nowhere
  route = = /y php
  log_to = syslog:no-such-log.invalid:514
  [upstream other]
  server one = no-such-host.invalid:9001
  policy = leastconn colour=red
  [tcp pipe]
  listen = no-such-address.invalid:81
  upstream = gone
]]
local EVERY_STAGE_WORDS = {
  { 2, 'cannot resolve "no-such-host.invalid:9000"' },
  { 3, "port" },
  { 4, "no-such-policy.lua" },
  { 8, "broken.lua:1:" },
  { 9, "lots" },
  { 10, "requst" },
  { 11, "missing.lua" },
  { 12, "nowhere" },
  { 14, 'cannot resolve "no-such-log.invalid:514"' },
  { 16, 'cannot resolve "no-such-host.invalid:9001"' },
  { 17, "takes no options" },
  { 19, 'cannot resolve "no-such-address.invalid:81"' },
  { 20, "gone" },
}

-- What one stage has refused is no fault of the next.
local ONE_FAULT = {
  { "an upstream's only server is at fault", [[
    [upstream php]
    server one = 127.0.0.1
    [http web]
    listen = 127.0.0.1:${port_web}
    route = / php
  ]], "no port" },
  { "an address is taken", [[
    [upstream any]
    protocol = tcp
    server one = 127.0.0.1:9000
    [tcp a]
    listen = 127.0.0.1:${port_web}
    upstream = any
    [tcp b]
    listen = 127.0.0.1:${port_web}
    upstream = any
  ]], "is taken by" },
  { "an address is taken under another name", [[
    [upstream any]
    protocol = tcp
    server one = 127.0.0.1:9000
    [tcp a]
    listen = 127.0.0.1:${port_web}
    listen = [::1]:${port_web}
    upstream = any
    [tcp b]
    listen = localhost:${port_web}
    upstream = any
  ]], "only http sections can share an address" },
  { "an address begins with a PROXY header under one name alone", [[
    [http a]
    listen = 127.0.0.1:${port_web}
    listen = [::1]:${port_web}
    route = / deny
    server_name = a
    [http b]
    listen = localhost:${port_web} accept_proxy
    trust = 127.0.0.1 ::1
    route = / deny
    server_name = b
  ]], "at one address all connections begin with a PROXY header, or none" },
  { "nobody's PROXY header is believed", [[
    [http a]
    listen = 127.0.0.1:${port_web} accept_proxy
    route = / deny
  ]], "accept_proxy needs a trust key" },
  { "a path is routed twice", [[
    [http web]
    listen = 127.0.0.1:${port_web}
    route = = /x deny
    route = = /x deny
    route = / deny
  ]], "already" },
  { "a policy is at fault", [[
    [upstream php]
    server one = 127.0.0.1:9000
    policy = no,name
    [http web]
    listen = 127.0.0.1:${port_web}
    route = / php
  ]], "no,name" },
  { "a tcp section's upstream is unknown", [[
    [tcp a]
    listen = 127.0.0.1:${port_web}
    upstream = nowhere
  ]], "nowhere" },
}


-- Valid, and yet warned of: in its third line.
local BARE_CHECK = [[
  [upstream php]
  protocol = mysql
  check = tcp
  server one = 127.0.0.1:9000
  [mysql db]
  listen = 127.0.0.1:${port_db}
  upstream = php
]]

-- Likewise, in its seventh line.
local UNASKED_LOGIN = [[
  [upstream php]
  protocol = mysql
  server one = 127.0.0.1:9000
  [mysql db]
  listen = 127.0.0.1:${port_db}
  upstream = php
  script = who.lua
  handshake = passthrough
]]
local WHO = {
  ["lua/who.lua"] = "return { login = function() end }",
}
local UNASKED_WORDS = "warning: script 'who.lua': the hook 'login' is never "
  .. "called for mysql db, which has handshake = passthrough\n"


describe("moongate check", function()
  after_each(moongate.finish)

  local function check(config, files)
    local m = moongate.prepare { config = config, files = files or {
      ["www/index.html"] = "",
    } }
    local status, text = process.run({
      moongate.build() .. "/moongate", "check", "-c", m.file,
    })
    return status, text, m
  end

  -- The number of the line in the whole file on which the spec's part begins.
  local function first_line(m)
    local n = 0
    for line in io.lines(m.file) do
      n = n + 1
      if line:find("[upstream php]", 1, true) then
        return n
      end
    end
  end

  it("names what is missing beside what is wrong", function()
    local status, text = check([[
      [upstream php]
      server one = 127.0.0.1
      policy = roundrobbin
      [http web]
      listen = 127.0.0.1:${port_web}
      root = ${dir}/www
      script = rewrite/tp6.lua
    ]])
    assert.are.equal(1, status)
    for _, words in ipairs({ "no port", "policy/roundrobbin.lua",
                             "rewrite/tp6.lua" }) do
      assert.truthy(text:find(words, 1, true), text)
    end
  end)

  it("names a script that is missing beside an unknown host", function()
    local status, text = check([[
      [upstream php]
      server one = absent.invalid:9000
      [http web]
      listen = 127.0.0.1:${port_web}
      root = ${dir}/www
      script = rewrite/tp6.lua
    ]])
    assert.are.equal(1, status)
    assert.truthy(text:find("absent.invalid:9000", 1, true), text)
    assert.truthy(text:find("rewrite/tp6.lua", 1, true), text)
  end)

  it("is content with a good configuration", function()
    local status, text = check(GOOD)
    assert.are.equal(0, status, text)
  end)

  it("refuses a script that reads more files than the start allows", function()
    local status, text = check([[
      [http web]
      listen = 127.0.0.1:${port_web}
      root = ${dir}/www
      script = many.lua
    ]], {
      ["www/index.html"] = "",
      ["lua/many.lua"] = "local read = require('moongate').read_file\n"
        .. "for i = 1, 999 do read('f' .. i) end\n"
        .. "error(select(2, read('x')), 0)",
    })
    assert.are.equal(1, status, text)
    assert.is_truthy(text:find("a script may read 1000 files", 1, true), text)
  end)

  it("warns of a bare tcp check on MySQL servers, and is content", function()
    local status, text, m = check(BARE_CHECK)
    assert.are.equal(0, status, text)
    assert.is_truthy(text:find(("%s:%d: warning: check: "):format(m.file,
      first_line(m) + 2), 1, true), text)
    assert.is_truthy(text:find("check = mysql user=U", 1, true), text)
    assert.is_truthy(text:find("configuration is valid", 1, true), text)
  end)

  it("has no warning of a check that logs in", function()
    local status, text =
      check((BARE_CHECK:gsub("check = tcp", "check = galera user=moongate")))
    assert.are.equal(0, status, text)
    assert.is_nil(text:find("warning", 1, true), text)
  end)

  it("warns of a login hook that passthrough keeps from being called",
    function()
      local status, text, m = check(UNASKED_LOGIN, WHO)
      assert.are.equal(0, status, text)
      assert.is_truthy(text:find(("%s:%d: %s"):format(m.file,
        first_line(m) + 6, UNASKED_WORDS), 1, true), text)
      assert.is_truthy(text:find("configuration is valid", 1, true), text)
    end)

  for name, change in pairs {
    ["that is called"] = { "passthrough", "switch" },
    ["of a section that has none"] = { "script = [^\n]*", "" },
  } do
    it("has no warning of a login hook " .. name, function()
      local status, text = check((UNASKED_LOGIN:gsub(unpack(change))), WHO)
      assert.are.equal(0, status, text)
      assert.is_nil(text:find("warning", 1, true), text)
    end)
  end

  it("shows warnings among faults, in order", function()
    local status, text = check((BARE_CHECK:gsub("upstream = php", "%0s")))
    assert.are.equal(1, status)
    local warning = text:find(": warning: check: ", 1, true)
    local fault = text:find(": upstream: there is no ", 1, true)
    assert.is_truthy(warning and fault and warning < fault, text)
  end)

  it("names five faults in five lines, each with its place", function()
    local status, text, m = check(FIVE_FAULTS)
    assert.are.equal(1, status)
    local first, seen = first_line(m), {}
    for line in text:gmatch("[^\n]+") do
      local file, number, words = line:match("^(.-):(%d+): (.+)$")
      assert.are.equal(m.file, file, line)
      seen[tonumber(number) - first + 1] = words
    end
    for number, wanted in pairs(FIVE_WORDS) do
      for _, word in ipairs(wanted) do
        assert.is_truthy((seen[number] or ""):find(word), text)
      end
    end
    local _, lines = text:gsub("\n", "")
    assert.are.equal(5, lines, text)
  end)

  it("names the faults of every stage in one run, in order", function()
    local status, text, m = check(EVERY_STAGE, {
      ["www/index.html"] = "",
      ["lua/broken.lua"] = "return { request = function(",
      ["lua/hook.lua"] = "return { requst = function() end }",
    })
    assert.are.equal(1, status)
    local first, seen = first_line(m), {}
    for line in text:gmatch("[^\n]+") do
      local file, number, words = line:match("^(.-):(%d+): (.+)$")
      assert.are.equal(m.file, file, line)
      seen[#seen + 1] = { tonumber(number) - first + 1, words }
    end
    assert.are.equal(#EVERY_STAGE_WORDS, #seen, text)
    for i, wanted in ipairs(EVERY_STAGE_WORDS) do
      assert.are.equal(wanted[1], seen[i][1], text)
      assert.is_truthy(seen[i][2]:find(wanted[2], 1, true), text)
    end
  end)

  for _, case in ipairs(ONE_FAULT) do
    it("says once that " .. case[1], function()
      local status, text = check(case[2])
      assert.are.equal(1, status)
      local _, lines = text:gsub("\n", "")
      assert.are.equal(1, lines, text)
      assert.is_truthy(text:find(case[3], 1, true), text)
    end)
  end

  for _, case in ipairs {
    { "upstream php", "protocol = http" },
    { "http web",
      "listen = 127.0.0.1:1 tls certificate=/dev/null key=/dev/null" },
  } do
    it("says that this version has no " .. case[2], function()
      local status, text = check((GOOD:gsub("%[" .. case[1] .. "%]\n",
        "%0  " .. case[2] .. "\n", 1)))
      assert.are.equal(1, status, text)
      assert.is_truthy(text:find("not supported in this version", 1, true),
        text)
    end)
  end

  it("says that statistics need a password or loopback", function()
    local status, text =
      check(GOOD .. "  [stats all]\n  listen = 0.0.0.0:1\n")
    assert.are.equal(1, status)
    assert.is_truthy(text:find("listens on loopback only", 1, true), text)
    assert.are.equal(0, (check(GOOD
      .. "  [stats all]\n  listen = 127.0.0.1:1\n")))
  end)

  it("loads every script", function()
    local status, text = check((GOOD:gsub("rewrite/tp5.lua", "own.lua")),
      { ["lua/own.lua"] = "return { request = function(" })
    assert.are.equal(1, status)
    assert.is_truthy(text:find("own.lua:1:", 1, true), text)
  end)

  it("refuses a hook that does not exist", function()
    local status, text = check((GOOD:gsub("rewrite/tp5.lua", "own.lua")),
      { ["lua/own.lua"] = "return { requst = function() end }" })
    assert.are.equal(1, status)
    assert.is_truthy(text:find("requst", 1, true), text)
  end)

  it("misses a script that is not there", function()
    local status, text = check((GOOD:gsub("rewrite/tp5.lua", "no/such.lua")))
    assert.are.equal(1, status)
    assert.is_truthy(text:find("no/such.lua", 1, true), text)
  end)

  it("says so when the file cannot be read", function()
    local status, text = process.run({
      moongate.build() .. "/moongate", "check", "-c", "/nowhere/m.ini",
    })
    assert.are.equal(1, status)
    assert.is_truthy(text:find("/nowhere/m.ini", 1, true), text)
  end)

  it("changes nothing, and does not need the addresses", function()
    local taken = require("support.net").listen()
    local status, text = check((GOOD:gsub("${port_web}", taken.port)))
    assert.are.equal(0, status, text)
  end)
end)


describe("the start", function()
  after_each(moongate.finish)

  it("logs warnings once, and serves", function()
    local m = moongate.start { config = BARE_CHECK }
    m:wait_log("%.ini:%d+: warning: check: a MySQL server")
    m:stop()
    local _, count = m:log():gsub("warning: check: ", "")
    assert.are.equal(1, count)
  end)

  it("logs a warning of a script once, and serves", function()
    local m = moongate.start { config = UNASKED_LOGIN, files = WHO }
    m:wait_log(UNASKED_WORDS:sub(1, -2))
    m:stop()
    local _, count = m:log():gsub("warning: script ", "")
    assert.are.equal(1, count)
  end)
end)


describe("the command line", function()
  local function run(...)
    return process.run({ moongate.build() .. "/moongate", ... })
  end

  it("tells the versions of what it uses", function()
    local status, text = run("version")
    assert.are.equal(0, status)
    for _, name in ipairs { "moongate", "LuaJIT", "libevent", "PCRE2" } do
      assert.is_truthy(text:lower():find(name:lower(), 1, true), text)
    end
  end)

  it("refuses unknown options and commands", function()
    for _, word in ipairs { "--nonsense", "nonsense" } do
      local status, text = run(word)
      assert.are_not.equal(0, status)
      assert.is_truthy(text:find("nonsense", 1, true), text)
    end
  end)

  it("says that no configuration is there", function()
    local status, text = run("-c", "/nowhere/m.ini")
    assert.are.equal(1, status)
    assert.is_truthy(text:find("/nowhere/m.ini", 1, true), text)
  end)
end)
