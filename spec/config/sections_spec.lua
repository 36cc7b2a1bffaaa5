--- How the parts of a configuration fit together: what is inherited, what holds
-- when nothing is written, what contradicts.
local ffi = require "ffi"
local config = require "support.config"

local core = config.core
local text = config.text

local UPSTREAM = "[upstream php]\nserver a = b:1\n"
local STREAM = "[upstream db]\nprotocol = mysql\nserver a = b:1\n"


local CASES = {
  {
    name = "an upstream without a server",
    text = config.SECTION .. "[upstream u]\n[upstream v]\nserver a = x\n",
    faults = {
      "c:3: [upstream u] has no server: add server NAME = HOST:PORT",
      "c:5: server a: 'x' has no port: write HOST:PORT",
    },
  },
  {
    name = "sections without listen and upstream",
    text = "[http h]\n[tcp t]\n[mysql m]\nlisten = 1\n",
    faults = {
      "c:1: [http h] has no listen: add listen = ADDRESS:PORT",
      "c:2: [tcp t] has no listen: add listen = ADDRESS:PORT",
      "c:2: [tcp t] has no upstream: add upstream = NAME",
      "c:3: [mysql m] has no upstream: add upstream = NAME",
    },
  },
  {
    name = "upstreams that are not there",
    text = UPSTREAM .. config.SECTION .. "route = /a hpp\n"
      .. "[mysql m]\nlisten = 1\nupstream = dd\n" .. STREAM,
    faults = {
      "c:5: route: there is no [upstream hpp]; did you mean 'php'? (the last "
        .. "word is an upstream, static, internal, deny, stats NAME, or "
        .. "redirect CODE URL)",
      "c:8: upstream: there is no [upstream dd]; did you mean 'db'?",
    },
  },
  {
    name = "upstreams of another protocol",
    text = UPSTREAM .. STREAM .. config.SECTION .. "route = /a db\n"
      .. "[tcp t]\nlisten = 1\nupstream = php\n",
    faults = {
      "c:8: route: [upstream db] does not speak fastcgi, and [http] speaks "
        .. "nothing else: set its protocol, or route to another",
      "c:11: upstream: [upstream php] speaks fastcgi, which is for [http]: set "
        .. "its protocol to tcp",
    },
  },
  {
    name = "an upstream with the name of a target",
    text = config.SECTION .. "[upstream static]\nserver a = b:1\n",
    faults = {
      "c:3: [upstream static]: a route's target of this name means something "
        .. "else: choose another",
    },
  },
  {
    name = "what only FastCGI has",
    text = config.SECTION .. STREAM .. "keepalive = 3\n"
      .. "server c = d:1 root=/x\n",
    faults = {
      "c:3: [upstream db]: keepalive is for protocol = fastcgi",
      "c:7: server c: root= is for protocol = fastcgi",
    },
  },
  {
    name = "static files without a root",
    text = config.SECTION .. "route = /a static\nroute = /b root=/b static\n",
    faults = {
      "c:3: route: static files need a root: set root in [http h], or root= or "
        .. "alias= before the target",
    },
  },
  {
    name = "a route that is there twice",
    text = config.SECTION .. "route = /a deny\nroute = = /a deny\n"
      .. "route = /a internal\n",
    faults = { "c:5: route: '/a' is routed on line 3 already" },
  },
  {
    name = "a route that is there three times",
    text = config.SECTION .. "route = ~ a deny\nroute = ~* a deny\n"
      .. "route = ~ a internal\nroute = ~ a internal\n",
    faults = {
      "c:5: route: 'a' is routed on line 3 already",
      "c:6: route: 'a' is routed on line 3 already",
    },
  },
  {
    name = "a parameter that is there twice",
    text = config.SECTION .. "param = A 1\nparam = A 2\n",
    faults = { "c:4: param: 'A' is set on line 3 already" },
  },
  {
    name = "an address that is there twice in a section",
    text = "[http h]\nlisten = 80\nlisten = *:80\n",
    faults = { "c:3: listen: 0.0.0.0:80 is taken by [http h] at c:2" },
  },
  {
    name = "an address that a database section cannot share",
    text = "[http h]\nlisten = [::1]:80\n[tcp t]\nlisten = [0::1]:80\n"
      .. "upstream = db\n" .. STREAM,
    faults = {
      "c:4: listen: [::1]:80 is taken by [http h] at c:2: only [http] sections "
        .. "can share an address",
    },
  },
  {
    name = "default_server outside of http",
    text = "[tcp t]\nlisten = 80 default_server\nupstream = db\n" .. STREAM,
    faults = { "c:2: listen: default_server is for [http]" },
  },
  {
    name = "two defaults, two backlogs and a name twice at one address",
    text = "[http a]\nlisten = 80 default_server backlog=1\nserver_name = x y\n"
      .. "[http b]\nlisten = 80 default_server backlog=2\nserver_name = z Y\n",
    faults = {
      "c:5: listen: [http a] is the default_server of 0.0.0.0:80 already, at "
        .. "c:2",
      "c:5: listen: the backlog of 0.0.0.0:80 is 1 at c:2: one address has one "
        .. "backlog",
      "c:5: listen: [http a] has the server_name y at 0.0.0.0:80 already: no "
        .. "request would come here",
    },
  },
  {
    name = "two sections without names at one address",
    text = "[http a]\nlisten = 80\n[http b]\nlisten = 80\n",
    faults = {
      "c:4: listen: neither [http a] nor [http b] at 0.0.0.0:80 has a "
        .. "server_name: no request would come to the second",
    },
  },
  {
    name = "names of two others at one address",
    text = "[http a]\nlisten = 80\nserver_name = v w x\n"
      .. "[http b]\nlisten = 80\nserver_name = y\n"
      .. "[http c]\nlisten = 81\nlisten = 80\nserver_name = w x y z\n"
      .. "[http d]\nlisten = 82\nserver_name = z\n",
    faults = {
      "c:9: listen: [http a] has the server_name w at 0.0.0.0:80 already: no "
        .. "request would come here",
      "c:9: listen: [http b] has the server_name y at 0.0.0.0:80 already: no "
        .. "request would come here",
    },
  },
  {
    name = "a database section between those that share an address",
    text = "[http a]\nlisten = 80\nserver_name = x\n"
      .. "[tcp t]\nlisten = 80\nupstream = db\n"
      .. "[http b]\nlisten = 80\nserver_name = y\n" .. STREAM,
    faults = {
      "c:5: listen: 0.0.0.0:80 is taken by [http a] at c:2: only [http] "
        .. "sections can share an address",
    },
  },
  {
    name = "a PROXY header that is nobody's",
    text = "[tcp t]\nlisten = 80\nlisten = 81 accept_proxy\nupstream = db\n"
      .. "[http h]\nlisten = 82 accept_proxy\n"
      .. "[mysql m]\nlisten = unix:/m accept_proxy\n"
      .. "listen = 83 accept_proxy\nupstream = db\ntrust = ::/0\n"
      .. "[mysql n]\nlisten = 84 accept_proxy\nupstream = db\n"
      .. "trust = unix:\n" .. STREAM,
    faults = {
      "c:3: listen: accept_proxy needs a trust key in [tcp t]: trust = NETWORK "
        .. "... says whose header is believed, and all others are refused",
      "c:6: listen: accept_proxy needs a trust key in [http h]: trust = "
        .. "NETWORK ... says whose header is believed, and all others are "
        .. "refused",
      "c:8: listen: accept_proxy: trust names nobody who can connect to "
        .. "unix:/m: the clients of Unix sockets are unix:",
      "c:13: listen: accept_proxy: trust names nobody who can connect to "
        .. "0.0.0.0:84: unix: are the clients of Unix sockets",
    },
  },
  {
    name = "trust that is for nothing",
    text = "[http h]\nlisten = 80\ntrust = ::1\n"
      .. "[mysql m]\nlisten = 81\nupstream = db\ntrust = ::1\n" .. STREAM,
    faults = {
      "c:7: trust: in [mysql] it says whose PROXY header is believed: it needs "
        .. "accept_proxy behind a listen key",
    },
  },
  {
    name = "networks that are none, once",
    text = "[tcp t]\nlisten = 80 accept_proxy\nupstream = db\ntrust = x\n"
      .. STREAM,
    faults = { "c:4: trust: 'x': not a numeric address" },
  },
  {
    name = "a PROXY header at an address of other sections",
    text = "[http a]\nlisten = 80\nserver_name = a\n"
      .. "[http b]\nlisten = 80 accept_proxy\nserver_name = b\ntrust = ::1\n"
      .. "[http c]\nlisten = 81 accept_proxy\nserver_name = c\n"
      .. "trust = 127.0.0.1\n"
      .. "[http d]\nlisten = 81\nserver_name = d\n"
      .. "[http e]\nlisten = 81 accept_proxy\nserver_name = e\n"
      .. "trust = 127.0.0.1\n",
    faults = {
      "c:5: listen: 0.0.0.0:80 is without accept_proxy at c:2: at one address "
        .. "all connections begin with a PROXY header, or none",
      "c:13: listen: 0.0.0.0:81 has accept_proxy at c:9: at one address all "
        .. "connections begin with a PROXY header, or none",
    },
  },
  {
    name = "a wrong value in [defaults], once",
    text = "[defaults]\nretries = x\n" .. config.SECTION .. UPSTREAM,
    faults = { "c:2: retries: 'x' is not a whole number" },
  },
}


local function without_folder(faults, dir)
  local out = {}
  for i, fault in ipairs(faults) do
    local at = fault:find(dir .. "/", 1, true)
    out[i] = at and fault:sub(1, at - 1) .. fault:sub(at + #dir + 1) or fault
  end
  return out
end


describe("a configuration is refused for", function()
  for _, case in ipairs(CASES) do
    it(case.name, function()
      local _, faults, dir = config.read(case.text)
      assert.are.same(case.faults, without_folder(faults, dir))
    end)
  end
end)


describe("without being written,", function()
  it("the keys of [global] are as the manual says", function()
    local c = config.read(config.SECTION)
    local g = c.global
    assert.are.equal(0, g.workers)
    assert.are.equal(65536, g.max_connections)
    assert.are.equal(3600000, tonumber(g.drain_timeout_ms))
    assert.are.equal("/var/tmp", text(g.temp_dir))
    assert.is_nil(text(g.user))
    assert.is_nil(text(g.control))
    assert.is_nil(text(g.script_path))
    assert.are.equal(1, tonumber(g.log_count))
    assert.are.equal(tonumber(core.LOG_KIND_STDERR), tonumber(g.logs[0].kind))
    assert.are.equal(tonumber(core.LOG_LEVEL_INFO), tonumber(g.logs[0].level))
  end)

  it("the keys of [http] are as the manual says", function()
    local c = config.read(config.SECTION)
    local s = c.sections[0]
    assert.are.equal(3, tonumber(s.http.index_count))
    assert.are.equal("index.php", text(s.http.index[0]))
    assert.are.equal(64 * 2 ^ 20, tonumber(s.http.max_body_bytes))
    assert.are.equal(64 * 2 ^ 10, tonumber(s.http.body_buffer_bytes))
    assert.are.equal(256 * 2 ^ 10, tonumber(s.http.response_buffer_bytes))
    assert.are.equal(2 ^ 30, tonumber(s.http.response_spool_bytes))
    assert.is_true(s.http.root == nil)
    assert.is_true(s.log_to == nil)
    assert.are.equal(tonumber(core.ACCESS_LOG_COMBINED),
                     tonumber(s.access_log))
    assert.are.equal(60000, s.limits.client_timeout_ms)
    assert.are.equal(60000, s.limits.server_timeout_ms)
    assert.are.equal(10000, s.limits.header_timeout_ms)
    assert.are.equal(3, s.limits.retries)
    assert.are.equal(7, s.limits.retry_on)
    assert.is_true(s.limits.tcp_keepalive)
    assert.are.equal(0, s.limits.given)
  end)

  it("the keys of [tcp] and [mysql] are as the manual says", function()
    local c = config.read("[tcp t]\nlisten = 1\nupstream = db\n"
                          .. "[mysql m]\nlisten = 2\nupstream = db\n" .. STREAM)
    assert.are.equal(tonumber(core.HANDSHAKE_SWITCH),
                     tonumber(c.sections[1].handshake))
    for i = 0, 1 do
      local s = c.sections[i]
      assert.are.equal(10000, s.max_connections)
      assert.are.equal(28800000, s.limits.client_timeout_ms)
      assert.are.equal(28800000, s.limits.server_timeout_ms)
      assert.are.equal(5000, s.limits.connect_timeout_ms)
      assert.are.equal(tonumber(core.ACCESS_LOG_TCPLOG),
                       tonumber(s.access_log))
      assert.is_true(s.http == nil)
    end
  end)

  it("the keys of an upstream are those of its protocol", function()
    local c = config.read(config.SECTION .. UPSTREAM .. STREAM)
    assert.are.equal("roundrobin", text(c.upstreams[0].policy))
    assert.are.equal(0, c.upstreams[0].keepalive)
    assert.are.equal(60000, c.upstreams[0].limits.server_timeout_ms)
    assert.are.equal(28800000, c.upstreams[1].limits.server_timeout_ms)
  end)
end)


describe("what is written in", function()
  it("[defaults] holds in every section, wherever it stands", function()
    local c = config.read("[tcp t]\nlisten = 1\nupstream = db\n"
                          .. config.SECTION .. STREAM
                          .. "[defaults]\nclient_timeout = 7s\nretries = 1\n")
    assert.are.equal(7000, c.sections[0].limits.client_timeout_ms)
    assert.are.equal(7000, c.sections[1].limits.client_timeout_ms)
    assert.are.equal(28800000, c.sections[0].limits.server_timeout_ms)
    assert.are.equal(60000, c.sections[1].limits.server_timeout_ms)
    assert.are.equal(1, c.upstreams[0].limits.retries)
    assert.are.equal(0, c.sections[1].limits.given)
  end)

  it("an upstream goes before its section, and that before [defaults]",
     function()
    local c = config.read("[defaults]\nconnect_timeout = 1s\nretries = 1\n"
                          .. "server_timeout = 1s\n"
                          .. config.SECTION .. "retries = 2\n"
                          .. "server_timeout = 2s\n"
                          .. UPSTREAM .. "server_timeout = 3s\n")
    local merged = ffi.new("struct limits_conf")
    core.limits_merge(merged, c.sections[0], c.upstreams[0])
    assert.are.equal(1000, merged.connect_timeout_ms)
    assert.are.equal(2, merged.retries)
    assert.are.equal(3000, merged.server_timeout_ms)
  end)

  it("a section holds for its routes", function()
    local c = config.read(config.SECTION .. "max_body = 3m\n"
                          .. "route = /a deny\nroute = /b max_body=0 deny\n")
    local routes = c.sections[0].http.routes
    assert.are.equal(3 * 2 ^ 20, tonumber(routes[0].max_body_bytes))
    assert.are.equal(2 ^ 64, tonumber(routes[1].max_body_bytes))
    assert.are.equal(0, routes[0].server_timeout_ms)
  end)
end)


describe("a configuration", function()
  it("finds its upstreams, servers and sections by name", function()
    local c = config.read(config.SECTION .. UPSTREAM .. STREAM)
    local db = core.config_find_upstream(c, config.str("db"))
    assert.are.equal(1, db.index)
    assert.are.equal(5, db.at.line)
    assert.is_true(core.config_find_upstream(c, config.str("x")) == nil)
    local server = core.upstream_conf_find_server(db, config.str("a"))
    assert.are.equal("b:1", text(server.address.text))
    assert.is_true(core.upstream_conf_find_server(db, config.str("b")) == nil)
    local h = config.str("h")
    assert.are.equal(1, core.config_find_section(c, core.SECTION_HTTP, h)
                          .at.line)
    assert.is_true(core.config_find_section(c, core.SECTION_TCP, h) == nil)
  end)

  it("lives until its last user lets go", function()
    local c = config.read(config.SECTION)
    assert.is_true(core.config_ref(c) == c)
    core.config_unref(c)
    assert.are.equal("h", text(c.sections[0].name))
    core.config_unref(nil)
  end)

  it("with five different faults has five lines, each with its remedy",
     function()
    local _, faults = config.read("[global]\nworkers = many\n"
      .. "[http h]\nlisten = 80\nserver-name = x\nmax_body = 1mb\n"
      .. "connect_timeout = 5\nroute = / app\n")
    assert.are.same({
      "c:2: workers: 'many' is not a whole number, nor auto",
      "c:5: unknown key 'server-name' in [http]; did you mean 'server_name'?",
      "c:6: max_body: '1mb' is not a size: write a whole number of bytes, or "
        .. "with its unit, such as 16k, 8m or 1g",
      "c:7: connect_timeout: '5' has no unit: write 5s for seconds or 5ms for "
        .. "milliseconds",
      "c:8: route: there is no [upstream app] (the last word is an upstream, "
        .. "static, internal, deny, stats NAME, or redirect CODE URL)",
    }, faults)
  end)
end)
