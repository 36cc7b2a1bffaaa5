--- The keys about the health of servers: what each kind of check takes, what it
-- refuses, what holds when nothing is written, and what is warned of.
local ffi = require "ffi"
local config = require "support.config"

local text = config.text

local KINDS = { [0] = "off", "tcp", "http", "fastcgi", "mysql", "galera",
                "lua" }
local SECTIONS = { fastcgi = config.SECTION }
for _, protocol in ipairs { "tcp", "mysql" } do
  SECTIONS[protocol] = "[" .. protocol .. " s]\nlisten = 127.0.0.1:8080\n"
    .. "upstream = u\n"
end
local LINE = 3 -- of the first key that a case adds


--- The file that has KEYS, an array of lines, in an upstream of PROTOCOL.
local function file_of(protocol, keys)
  return ("[upstream u]\nprotocol = %s\n%s\nserver z = 127.0.0.1:1\n%s")
    :format(protocol, table.concat(keys, "\n"), SECTIONS[protocol])
end


local function read(protocol, keys)
  if type(keys) == "string" then
    keys = { keys }
  end
  return config.read(file_of(protocol, keys))
end


local function upstream_of(c)
  return c.upstreams[0]
end


--- A check as a line: its kind, its times, its counts, then what its kind has.
local function describe_check(c)
  local check = upstream_of(c).check
  local kind = KINDS[tonumber(check.kind)]
  local words = {
    kind, check.interval_ms, check.timeout_ms, check.fastinter_ms,
    check.downinter_ms, check.rise .. "/" .. check.fall,
  }
  if kind == "http" or kind == "fastcgi" then
    words[#words + 1] = text(check.uri)
    words[#words + 1] = check.expect_from .. "-" .. check.expect_to
    words[#words + 1] = check.host.p ~= nil and text(check.host) or nil

  elseif kind == "mysql" or kind == "galera" then
    words[#words + 1] = text(check.user)
    words[#words + 1] = check.password.p ~= nil and text(check.password) or nil
    words[#words + 1] = check.donor and "donor" or nil
    words[#words + 1] = check.lag_weight and "lag" or nil

  elseif kind == "lua" then
    words[#words + 1] = text(check.script)
  end
  return table.concat(words, " ")
end


local NO_UNIT = "check: '2' has no unit: write 2s for seconds or 2ms for "
  .. "milliseconds"
local STATUS = " is no status: write one from 100 to 599, such as expect=200, "
  .. "or several, such as 200-399 or 2xx"
local OPTIONS = " (options are: interval timeout rise fall fastinter downinter "
  .. "uri expect host user password donor lag script)"

--- Each: the upstream's protocol, the value of `check`, and what it is read as
-- or the fault.
local CHECKS = {
  -- Defaults, and what they rest on.
  { "tcp", "off", is = "off 2000 1000 500 2000 2/3" },
  { "tcp", "tcp", is = "tcp 2000 1000 500 2000 2/3" },
  { "tcp", "tcp interval=5s", is = "tcp 5000 1000 500 5000 2/3" },
  { "tcp", "tcp interval=400ms", is = "tcp 400 1000 400 400 2/3" },
  { "tcp", "tcp interval=400ms fastinter=1s",
    is = "tcp 400 1000 1000 400 2/3" },
  { "tcp", "tcp downinter=1m fall=100 rise=1 timeout=10ms",
    is = "tcp 2000 10 500 60000 1/100" },
  { "tcp", '"tcp fall=1"', is = "tcp 2000 1000 500 2000 2/1" },

  -- What every kind has.
  { "tcp", "tcp interval=2", fault = NO_UNIT },
  { "tcp", "tcp timeout=2", fault = NO_UNIT },
  { "tcp", "tcp fastinter=2", fault = NO_UNIT },
  { "tcp", "tcp downinter=2", fault = NO_UNIT },
  { "tcp", "tcp interval=9ms",
    fault = "check: '9ms' is out of range: from 10ms to 1d" },
  { "tcp", "tcp downinter=2d",
    fault = "check: '2d' is out of range: from 10ms to 1d" },
  { "tcp", "tcp rise=0", fault = "check: '0' is out of range: from 1 to 100" },
  { "tcp", "tcp fall=101",
    fault = "check: '101' is out of range: from 1 to 100" },
  { "tcp", "tcp fall=two", fault = "check: 'two' is not a whole number" },
  { "tcp", "tcp fall",
    fault = "check: 'fall' needs a value: write fall=VALUE" },
  { "tcp", "tcp fall=",
    fault = "check: 'fall' needs a value: write fall=VALUE" },
  { "tcp", "tcp fall=3 rise=2 fall=3",
    fault = "check: 'fall=' is there twice" },
  { "tcp", "tcp falls=3",
    fault = "check: unknown option 'falls'; did you mean 'fall'?" .. OPTIONS },
  { "tcp", "tcp 3306", fault = "check: unknown option '3306'" .. OPTIONS },
  { "tcp", "off fall=3",
    fault = "check: 'fall=3' follows off, which has no options" },
  { "tcp", "htpp",
    fault = "check: unknown value 'htpp'; did you mean 'http'? (it can be: off "
      .. "tcp http fastcgi mysql galera lua)" },
  { "tcp", "", fault = "check: the value is missing" },

  -- http and fastcgi.
  { "tcp", "http", is = "http 2000 1000 500 2000 2/3 / 200-399" },
  { "tcp", "http uri=/up?a=b expect=204 host=a.example:81",
    is = "http 2000 1000 500 2000 2/3 /up?a=b 204-204 a.example:81" },
  { "tcp", "http expect=200-299",
    is = "http 2000 1000 500 2000 2/3 / 200-299" },
  { "tcp", "http expect=4xx", is = "http 2000 1000 500 2000 2/3 / 400-499" },
  { "tcp", "http expect=5XX", is = "http 2000 1000 500 2000 2/3 / 500-599" },
  { "fastcgi", "fastcgi",
    is = "fastcgi 2000 1000 500 2000 2/3 /ping 200-399" },
  { "fastcgi", "fastcgi uri=/health.php expect=2xx",
    is = "fastcgi 2000 1000 500 2000 2/3 /health.php 200-299" },
  { "tcp", "http uri=up",
    fault = "check: 'up' is no path: write uri=/PATH" },
  { "tcp", 'http uri="/a b"',
    fault = "check: the value of 'uri=' has a blank in it" },
  { "tcp", 'http host="a b"',
    fault = "check: the value of 'host=' has a blank in it" },
  { "tcp", "http expect=99", fault = "check: '99'" .. STATUS },
  { "tcp", "http expect=600", fault = "check: '600'" .. STATUS },
  { "tcp", "http expect=300-200", fault = "check: '300-200'" .. STATUS },
  { "tcp", "http expect=200-", fault = "check: '200-'" .. STATUS },
  { "tcp", "http expect=200,204", fault = "check: '200,204'" .. STATUS },
  { "tcp", "http expect=6xx", fault = "check: '6xx'" .. STATUS },
  { "tcp", "http expect=ok", fault = "check: 'ok'" .. STATUS },

  -- mysql and galera.
  { "mysql", "mysql user=m", is = "mysql 2000 1000 500 2000 2/3 m" },
  { "tcp", 'mysql user=m password="a b;c"',
    is = "mysql 2000 1000 500 2000 2/3 m a b;c" },
  { "mysql", "galera user=m", is = "galera 2000 1000 500 2000 2/3 m" },
  { "mysql", "galera user=m donor=yes lag=weight",
    is = "galera 2000 1000 500 2000 2/3 m donor lag" },
  { "mysql", "galera user=m donor=no lag=off",
    is = "galera 2000 1000 500 2000 2/3 m" },
  { "mysql", "mysql",
    fault = "check: mysql needs the user to log in as: write check = mysql "
      .. "user=U" },
  { "mysql", "galera donor=yes",
    fault = "check: galera needs the user to log in as: write check = galera "
      .. "user=U" },
  { "mysql", "galera user=m donor=maybe",
    fault = "check: 'maybe' is neither on nor off (yes and no, true and false "
      .. "are the same)" },
  { "mysql", "galera user=m lag=wait",
    fault = "check: unknown value 'wait' (it can be: off weight)" },

  -- lua.
  { "fastcgi", "lua script=mine.lua timeout=3s",
    is = "lua 2000 3000 500 2000 2/3 mine.lua" },
  { "mysql", "lua",
    fault = "check: lua needs the script that has the hook: write check = lua "
      .. "script=FILE" },
}

--- Options, and the kinds that have them.
local USES = {
  { "uri=/", "http and fastcgi", { "tcp", "mysql", "galera", "lua" } },
  { "expect=200", "http and fastcgi", { "tcp", "mysql", "galera", "lua" } },
  { "host=a", "http", { "tcp", "fastcgi", "mysql", "galera", "lua" } },
  { "user=a", "mysql and galera", { "tcp", "http", "fastcgi", "lua" } },
  { "password=a", "mysql and galera", { "tcp", "http", "fastcgi", "lua" } },
  { "donor=yes", "galera", { "tcp", "http", "fastcgi", "mysql", "lua" } },
  { "lag=weight", "galera", { "tcp", "http", "fastcgi", "mysql", "lua" } },
  { "script=a", "lua", { "tcp", "http", "fastcgi", "mysql", "galera" } },
}

--- Kinds by protocol: what its servers do not pass.
local NEEDS = { mysql = " user=m", galera = " user=m", lua = " script=f" }
local PROTOCOLS = {
  { "fastcgi", "fastcgi, tcp or lua",
    passes = { "tcp", "fastcgi", "lua" },
    fails = { "http", "mysql", "galera" } },
  { "tcp", "tcp, http, mysql, galera or lua",
    passes = { "tcp", "http", "mysql", "galera", "lua" },
    fails = { "fastcgi" } },
  { "mysql", "mysql, galera or lua",
    passes = { "mysql", "galera", "lua" },
    fails = { "http", "fastcgi" } },
}


describe("the check", function()
  for _, case in ipairs(CHECKS) do
    local name = (case.fault and "is refused: " or "is taken: ") .. case[2]

    it(name:sub(1, 100), function()
      local c, faults = read(case[1], "check = " .. case[2])
      if case.fault then
        assert.are.same({ ("c:%d: %s"):format(LINE, case.fault) }, faults)
        return
      end
      assert.are.same({}, faults)
      assert.are.equal(case.is, describe_check(c))
      assert.are.equal(LINE, upstream_of(c).check.at.line)
    end)
  end

  for _, use in ipairs(USES) do
    it("has " .. use[1] .. " for " .. use[2] .. " alone", function()
      for _, kind in ipairs(use[3]) do
        local _, faults = read("tcp", ("check = %s %s"):format(kind, use[1]))
        assert.are.same({ ("c:%d: check: '%s' is for %s"):format(LINE,
          use[1]:match("^%l+"), use[2]) }, faults)
      end
    end)
  end

  for _, protocol in ipairs(PROTOCOLS) do
    it("is one that servers of " .. protocol[1] .. " can pass", function()
      for _, kind in ipairs(protocol.passes) do
        local _, faults = read(protocol[1],
                               "check = " .. kind .. (NEEDS[kind] or ""))
        assert.are.same({}, faults)
      end
      for _, kind in ipairs(protocol.fails) do
        local _, faults = read(protocol[1],
                               "check = " .. kind .. (NEEDS[kind] or ""))
        assert.are.same({ ("c:%d: check: servers of protocol = %s do not pass "
          .. "a check of %s: write %s"):format(LINE, protocol[1], kind,
          protocol[2]) }, faults)
      end
    end)
  end

  it("is not held against a protocol that is at fault itself", function()
    local source = file_of("mysql", { "check = galera user=m",
                                      "observe = errors=1 within=1s on=5xx",
                                      "send_proxy = v1" })
    local _, faults = config.read((source:gsub("protocol = mysql",
                                               "protocol = mysq")))
    assert.are.equal(2, #faults, table.concat(faults, "\n"))
    assert.matches("protocol: unknown value 'mysq'", table.concat(faults))
    assert.matches("speaks fastcgi", table.concat(faults))
  end)

  it("takes a text of 128 bytes and no longer one", function()
    local c, faults = read("tcp", "check = http uri=/" .. ("a"):rep(127))
    assert.are.same({}, faults)
    assert.are.equal(128, tonumber(upstream_of(c).check.uri.len))
    for _, case in ipairs {
      { "http uri=/%s", "uri" }, { "http host=a%s", "host" },
      { "mysql user=a%s", "user" }, { "mysql user=m password=a%s", "password" },
    } do
      _, faults = read("tcp", "check = " .. case[1]:format(("a"):rep(128)))
      assert.are.same({ ("c:%d: check: the value of '%s=' is longer than 128 "
        .. "bytes"):format(LINE, case[2]) }, faults)
    end
  end)

  it("is off when it is not written", function()
    local c, faults = read("tcp", {})
    assert.are.same({}, faults)
    assert.are.equal("off 2000 1000 500 2000 2/3", describe_check(c))
  end)

  it("finds its script beside the file, or leaves it to the script path",
     function()
    local c, faults, dir = read("tcp", "check = lua script=./a/b.lua")
    assert.are.same({}, faults)
    assert.are.equal(dir .. "/a/b.lua", text(upstream_of(c).check.script))
  end)
end)


local CHECK = "check = tcp"
local FASTCGI_ONLY = "observe: on=5xx is for protocol = fastcgi"
local BOTH = "observe: write errors=N within=TIME, both of them, or off"


local function observe(u)
  return ("%d %d %s"):format(u.observe.errors, u.observe.within_ms,
                             tostring(u.observe.on_5xx))
end


local function number(field)
  return function(u)
    return tonumber(u[field])
  end
end


--- Each: the protocol, the keys, and the fault of the last one, or a function
-- of the upstream and what it gives.
local KEYS = {
  { "tcp", {}, value = observe, is = "0 0 false" },
  { "tcp", { "observe = off" }, value = observe, is = "0 0 false" },
  { "tcp", { CHECK, "observe = errors=10 within=10s" }, value = observe,
    is = "10 10000 false" },
  { "fastcgi", { CHECK, "observe = within=500ms on=5xx errors=1" },
    value = observe, is = "1 500 true" },
  { "tcp", { CHECK, "observe = errors=10" }, fault = BOTH },
  { "tcp", { CHECK, "observe = within=10s" }, fault = BOTH },
  { "tcp", { CHECK, "observe = on" },
    fault = "observe: 'on' needs a value: write on=VALUE" },
  { "tcp", { CHECK, "observe = errors=0 within=1s" },
    fault = "observe: '0' is out of range: from 1 to 1000000" },
  { "tcp", { CHECK, "observe = errors=1 within=1" },
    fault = "observe: '1' has no unit: write 1s for seconds or 1ms for "
      .. "milliseconds" },
  { "tcp", { CHECK, "observe = errors=1 within=1s errors=1" },
    fault = "observe: 'errors=' is there twice" },
  { "tcp", { CHECK, "observe = errors=1 in=1s" },
    fault = "observe: unknown option 'in'; did you mean 'on'? (options are: "
      .. "errors within on)" },
  { "fastcgi", { CHECK, "observe = errors=1 within=1s on=4xx" },
    fault = "observe: unknown value '4xx'; did you mean '5xx'? (it can be: "
      .. "5xx)" },
  { "tcp", { CHECK, "observe = errors=1 within=1s on=5xx" },
    fault = FASTCGI_ONLY },
  { "tcp", { "observe = errors=1 within=1s" },
    fault = "observe: without a check no server would come back: add check = "
      .. "tcp or another kind" },

  { "tcp", {}, value = number("slowstart_ms"), is = 0 },
  { "tcp", { "slowstart = 30s" }, value = number("slowstart_ms"), is = 30000 },
  { "tcp", { "slowstart = 0s" }, value = number("slowstart_ms"), is = 0 },
  { "tcp", { "slowstart = off" }, value = number("slowstart_ms"), is = 0 },
  { "tcp", { "slowstart = 30" },
    fault = "slowstart: '30' has no unit: write 30s for seconds or 30ms for "
      .. "milliseconds, nor off" },
  { "tcp", { "slowstart = 2d" },
    fault = "slowstart: '2d' is out of range: from 0ms to 1d" },

  { "tcp", {}, value = number("resolve_ms"), is = 10000 },
  { "tcp", { "resolve = 1s" }, value = number("resolve_ms"), is = 1000 },
  { "tcp", { "resolve = off" }, value = number("resolve_ms"), is = 0 },
  { "tcp", { "resolve = 999ms" },
    fault = "resolve: '999ms' is out of range: from 1s to 1d" },
  { "tcp", { "resolve = 0s" },
    fault = "resolve: '0s' is out of range: from 1s to 1d" },
  { "tcp", { "resolve = never" },
    fault = "resolve: 'never' is not a duration: write a whole number and its "
      .. "unit, such as 500ms, 5s, 2m, 8h or 1d, nor off" },

  { "tcp", {}, value = function(u) return u.hold end, is = false },
  { "fastcgi", { "hold = on" }, value = function(u) return u.hold end,
    is = true },
  { "tcp", { "hold = 1s" },
    fault = "hold: '1s' is neither on nor off (yes and no, true and false are "
      .. "the same)" },

  { "fastcgi", { "send_proxy = off" }, value = number("send_proxy"), is = 0 },
  { "tcp", { "send_proxy = v1" }, value = number("send_proxy"), is = 1 },
  { "mysql", { "send_proxy = v2" }, value = number("send_proxy"), is = 2 },
  { "tcp", { "send_proxy = on" },
    fault = "send_proxy: unknown value 'on' (it can be: off v1 v2)" },
  { "fastcgi", { "send_proxy = v2" },
    fault = "send_proxy: it is for protocol = tcp or mysql: php-fpm cannot "
      .. "read a PROXY header" },

  { "tcp", {}, value = number("on_marked_down"), is = 0 },
  { "tcp", { "on_marked_down = keep" }, value = number("on_marked_down"),
    is = 0 },
  { "tcp", { "on_marked_down = shutdown" }, value = number("on_marked_down"),
    is = 1 },
  { "tcp", { "on_marked_down = shutdown-sessions" },
    fault = "on_marked_down: unknown value 'shutdown-sessions' (it can be: "
      .. "keep shutdown)" },

  { "tcp", {}, value = number("rebalance"), is = 0 },
  { "mysql", { "rebalance = off" }, value = number("rebalance"), is = 0 },
  { "fastcgi", { "rebalance = off" }, value = number("rebalance"), is = 0 },
  { "mysql", { "rebalance = 0/s" },
    fault = "rebalance: '0/s' is out of range: from 1/s to 10000/s" },
  { "mysql", { "rebalance = 10001/s" },
    fault = "rebalance: '10001/s' is out of range: from 1/s to 10000/s" },
  { "mysql", { "rebalance = 5" },
    fault = "rebalance: '5' is not a rate: write a whole number a second, "
      .. "such as 5/s, nor off" },
  { "mysql", { "rebalance = 5/m" },
    fault = "rebalance: '5/m' is not a rate: write a whole number a second, "
      .. "such as 5/s, nor off" },
  { "fastcgi", { "rebalance = 5/s" },
    fault = "rebalance: it is for protocol = mysql: requests to php-fpm are "
      .. "no sessions" },

  { "tcp", { "server a = b:1 check=off" },
    value = function(u)
      return tostring(u.servers[0].unchecked)
        .. tostring(u.servers[1].unchecked)
    end,
    is = "truefalse" },
}

for _, option in ipairs { "check", "check=on", "check=" } do
  KEYS[#KEYS + 1] = { "tcp", { "server a = b:1 " .. option },
    fault = "server a: all that can be written here is check=off: the key "
      .. "check of the upstream says how its servers are checked" }
end


describe("the key", function()
  for _, case in ipairs(KEYS) do
    local name = (case.fault and "is refused: " or "is taken: ")
      .. (case[2][#case[2]] or "none")

    it(name, function()
      local c, faults = read(case[1], case[2])
      if case.fault then
        assert.are.same({ ("c:%d: %s"):format(LINE + #case[2] - 1,
                                              case.fault) }, faults)
        return
      end
      assert.are.same({}, faults)
      assert.are.equal(case.is, case.value(upstream_of(c)))
    end)
  end

  it("observe is not held against a check that is at fault itself", function()
    local _, faults = read("tcp", { "check = tpc",
                                    "observe = errors=1 within=1s" })
    assert.are.equal(1, #faults, table.concat(faults, "\n"))
    assert.matches("c:3: check: unknown value 'tpc'", faults[1])
  end)
end)


describe("queue_timeout", function()
  local function queue_timeout(defaults, section, upstream)
    local c, faults = config.read(([[
[defaults]
%s
[tcp s]
listen = 127.0.0.1:8080
upstream = u
%s
[upstream u]
protocol = tcp
server a = 127.0.0.1:1
%s
]]):format(defaults, section, upstream))
    assert.are.same({}, faults)
    local out = ffi.new("struct limits_conf")
    config.core.limits_merge(out, c.sections[0], c.upstreams[0])
    return tonumber(out.queue_timeout_ms)
  end

  it("is 5s", function()
    assert.are.equal(5000, queue_timeout("", "", ""))
  end)

  it("of the upstream goes before that of the section, and that before "
     .. "[defaults]", function()
    assert.are.equal(1000, queue_timeout("queue_timeout = 1s", "", ""))
    assert.are.equal(2000, queue_timeout("queue_timeout = 1s",
                                         "queue_timeout = 2s", ""))
    assert.are.equal(3000, queue_timeout("queue_timeout = 1s",
                                         "queue_timeout = 2s",
                                         "queue_timeout = 3s"))
    assert.are.equal(3000, queue_timeout("", "", "queue_timeout = 3s"))
  end)

  it("of nothing is refused", function()
    local _, faults = read("tcp", "queue_timeout = 0s")
    assert.are.same({ "c:3: queue_timeout: '0s' is out of range: from 1ms to "
      .. "20d" }, faults)
  end)
end)


describe("a warning", function()
  local TCP = "warning: check: a MySQL server counts a tcp check as a "
    .. "connection that failed, and at last blocks this host "
    .. "(max_connect_errors): write check = mysql user=U or check = galera "
    .. "user=U"

  --- Reads what is valid.
  local function warnings(protocol, keys, section)
    local source = file_of(protocol, keys)
    if section then
      source = source:gsub("%[tcp s%]", "[" .. section .. " s]")
    end
    local c, list = config.read(source)
    assert.is_not_nil(c, table.concat(list, "\n"))
    return list
  end

  it("is given of a bare tcp check on servers of protocol = mysql", function()
    assert.are.same({ "c:3: " .. TCP }, warnings("mysql", { CHECK }))
  end)

  it("is given of a bare tcp check on servers of a [mysql] section", function()
    assert.are.same({ "c:3: " .. TCP }, warnings("tcp", { CHECK }, "mysql"))
  end)

  it("is not given of other checks, or other servers", function()
    assert.are.same({}, warnings("tcp", { CHECK }))
    assert.are.same({}, warnings("fastcgi", { CHECK }))
    assert.are.same({}, warnings("mysql", { "check = mysql user=m" }))
    assert.are.same({}, warnings("mysql", { "check = galera user=m" }))
    assert.are.same({}, warnings("mysql", {}))
  end)

  it("is given of a timeout that outlasts all checks of a fall", function()
    assert.are.same({
      "c:3: warning: check: timeout=7s is longer than interval x fall, which "
        .. "is 6s: a server that hangs is taken down after 21s: a timeout "
        .. "below the interval is usual",
    }, warnings("fastcgi", { "check = fastcgi timeout=7s" }))
    assert.are.same({}, warnings("fastcgi", { "check = fastcgi timeout=6s" }))
  end)

  describe("about rebalance", function()
    local NO_EFFECT = "c:3: warning: rebalance: it has no effect without a "
      .. "[mysql] section that has visible = on and this upstream: only there "
      .. "is known which sessions are idle"

    -- How many sessions a second, and what is warned of.
    local function rebalance(keys, section, more)
      local c, list = config.read(file_of("mysql", keys)
        :gsub("upstream = u\n", "%0" .. (section or "")) .. (more or ""))
      assert.is_not_nil(c, table.concat(list, "\n"))
      return tonumber(upstream_of(c).rebalance), list
    end

    it("is not given where a section shows what its sessions do", function()
      for _, rate in ipairs { 1, 5, 10000 } do
        local n, list = rebalance({ ("rebalance = %d/s"):format(rate) },
          "visible = on\n")
        assert.are.equal(rate, n)
        assert.are.same({}, list)
      end
    end)

    it("is given where none does", function()
      local n, list = rebalance { "rebalance = 5/s" }
      assert.are.equal(5, n)
      assert.are.same({ NO_EFFECT }, list)
      assert.are.same({ NO_EFFECT }, warnings("tcp", { "rebalance = 5/s" }))
      assert.are.same({}, warnings("tcp", { "rebalance = off" }))
    end)

    it("is given where the one that does has another upstream, unless its "
       .. "script may choose this one", function()
      local other = "[upstream o]\nprotocol = mysql\nserver z = h:1\n"
        .. "[mysql o]\nlisten = 127.0.0.1:8081\nupstream = o\nvisible = on\n"
      local _, list = rebalance({ "rebalance = 5/s" }, "", other)
      assert.are.same({ NO_EFFECT }, list)
      _, list = rebalance({ "rebalance = 5/s" }, "",
        other .. "script = route.lua\n")
      assert.are.same({}, list)
    end)

    it("is given of policies that fill one server", function()
      for _, policy in ipairs { "primary", "first" } do
        local _, list = rebalance({ "rebalance = 5/s", "policy = " .. policy },
          "visible = on\n")
        assert.are.same({ "c:3: warning: rebalance: policy = " .. policy
          .. " fills one server, so sessions that are retired come back to "
          .. "the same one" }, list)
      end
      local _, list = rebalance({ "rebalance = 5/s", "policy = leastconn" },
        "visible = on\n")
      assert.are.same({}, list)
    end)
  end)

  it("stands in its place among faults, and does not count as one", function()
    local c, list = read("mysql", { "policy = sour(e", CHECK, "hold = x" })
    assert.is_nil(c)
    assert.are.equal(3, #list)
    assert.matches("^c:3: policy: ", list[1])
    assert.are.equal("c:4: " .. TCP, list[2])
    assert.matches("^c:5: hold: ", list[3])
  end)
end)
