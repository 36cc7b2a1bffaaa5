--- The examples for [http] sections and upstreams, with two workers.
local fastcgi = require "support.fastcgi"
local folder = require "support.folder"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"

local CONFIG = [[
  [upstream php]
  policy = ${policy}
  server a = 127.0.0.1:${port_a}
  server b = 127.0.0.1:${port_b}
  ${upstream}
  [upstream ${other}]
  server other = 127.0.0.1:${port_other}
  [upstream ${third}]
  server third = 127.0.0.1:${port_third}
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  trust = 127.0.0.0/8
  ${script}
  route = ~ \.php$ php
  access_log = off
]]


describe("the example", function()
  local m, servers, web

  -- @param options  table: example (its path), and what CONFIG asks for; files
  local function start(options)
    local ports = {}
    servers = {}
    for _, name in ipairs { "a", "b", "other", "third" } do
      servers[name] = fastcgi.serve(fastcgi.names(name))
      ports[name] = servers[name].port
    end
    local files = { ["www/index.php"] = "<?php" }
    for path, text in pairs(options.files or {}) do
      files[path] = text
    end
    files["lua/example.lua"] = folder.read(options.example)
    local defaults = {
      policy = "roundrobin", other = "spare", third = "spare-too",
      upstream = "", script = "script = example.lua",
    }
    m = moongate.start {
      config = CONFIG:gsub("%${(%l+)}", function(name)
        return options[name] or defaults[name]
      end),
      files = files, ports = ports, workers = 2,
    }
    web = m.port.web
  end

  after_each(function()
    local log = m:log()
    moongate.finish()
    assert.is_nil(log:find("script [^ ]*example%.lua"), log)
  end)

  local function get(line, fields)
    return http.fetch(web, line or "/index.php", fields)
  end

  local function body_for(client)
    return get(nil, { "X-Forwarded-For: " .. client }).body
  end

  -- The parameters that the last request came with.
  local function params_of(name)
    local requests = servers[name].requests
    return requests[#requests].params
  end

  it("canary keeps clients where they are, one in twenty apart", function()
    start { example = "examples/canary.lua", other = "canary" }
    local apart = 0
    for i = 1, 200 do
      local client = ("192.0.2.%d"):format(i)
      local is_apart = body_for(client) == "other"
      assert.are.equal(is_apart, body_for(client) == "other", client)
      apart = apart + (is_apart and 1 or 0)
    end
    assert.is_true(apart >= 2 and apart <= 25, apart .. " of 200")
  end)

  it("sticky_sessions keeps a session at its server", function()
    start {
      example = "examples/sticky_sessions.lua", script = "",
      policy = "${dir}/lua/example.lua",
    }
    local seen = {}
    for i = 1, 30 do
      local field = { "Cookie: PHPSESSID=s" .. i }
      local home = get(nil, field).body
      seen[home] = true
      assert.are.equal(home, get(nil, field).body)
    end
    assert.are.same({ a = true, b = true }, seen)
    assert.are.equal(200, get().status)
  end)

  it("sticky_sessions gives who has no session to the idle one", function()
    start {
      example = "examples/sticky_sessions.lua", script = "",
      policy = "${dir}/lua/example.lua",
    }
    local seen = {}
    for _ = 1, 10 do
      seen[get().body] = true
    end
    assert.are.same({ a = true, b = true }, seen)
  end)

  it("health_weights gives less to a server whose checks fail", function()
    start {
      example = "examples/health_weights.lua", script = "",
      policy = "${dir}/lua/example.lua",
      upstream = "check = tcp interval=200ms fall=100",
    }
    loop.wait_until("a check of b passes", function()
      return m:server("b").check_status == "L4OK"
    end)
    servers.b:refuse()
    loop.wait_until("checks of b fail", function()
      return m:server("b").fails >= 2
    end)
    assert.is_true(m:server("b").up)
    for _ = 1, 40 do
      assert.are.equal(200, get().status)
    end
    -- A fourth of the turns at most; each is a failed attempt.
    local errors = m:server("b").connect_errors
    assert.is_true(errors <= 9, errors .. " attempts of 40")
  end)

  it("ab_by_cookie goes by the cookie", function()
    start { example = "examples/ab_by_cookie.lua", other = "variant-b" }
    assert.are.equal("other", get(nil, { "Cookie: x=1; variant=b" }).body)
    assert.are.equal("b", params_of("other").HTTP_X_VARIANT)
    assert.are_not.equal("other", get(nil, { "Cookie: variant=c" }).body)
    assert.are_not.equal("other", get().body)
  end)

  it("maintenance answers while its file is there", function()
    start { example = "examples/maintenance.lua" }
    assert.are.equal(200, get().status)
    folder.write(m.dir .. "/www/maintenance.html", "")
    local answer
    loop.wait_until("the page is there", function()
      answer = get()
      return answer.status == 503
    end)
    assert.are.equal("300", answer.headers["retry-after"])
    assert.is_truthy(answer.body:find("back soon", 1, true))
    assert.are.equal(200,
      get(nil, { "X-Forwarded-For: 203.0.113.9" }).status)
  end)

  it("geography takes the narrowest network", function()
    start {
      example = "examples/geography.lua", other = "east", third = "west",
    }
    assert.are.equal("other", body_for("198.51.100.7"))
    assert.are.equal("east", params_of("other").HTTP_X_REGION)
    assert.are.equal("third", body_for("203.0.113.127"))
    assert.are.equal("other", body_for("203.0.113.128"))
    local name = body_for("10.9.9.9")
    assert.are.equal("home", params_of(name).HTTP_X_REGION)
    name = get(nil, { "X-Forwarded-For: 2001:db8::1", "X-Region: home" }).body
    assert.is_truthy(name == "a" or name == "b")
    assert.is_nil(params_of(name).HTTP_X_REGION)
  end)

  it("coalescing sends the same thing to the same server", function()
    start {
      example = "examples/coalescing.lua",
      policy = "header name=X-Coalesce hash=consistent",
    }
    local seen = {}
    for i = 1, 20 do
      local home = get(("/index.php?id=%d&x=%%0A"):format(i)).body
      seen[home] = true
      assert.are.equal(home,
        get(("/index.php?utm_source=z&x=%%0A&gclid=%d&id=%d"):format(i, i))
        .body)
    end
    assert.are.same({ a = true, b = true }, seen)
  end)

  it("headers takes out what only a proxy may say", function()
    start { example = "examples/headers.lua" }
    local name = get(nil, { "X-User: root", "X-Api-Key: 123" }).body
    local params = params_of(name)
    assert.is_nil(params.HTTP_X_USER)
    assert.is_nil(params.HTTP_X_API_KEY)
    assert.are.equal("Bearer 123", params.HTTP_AUTHORIZATION)
    local id = params.HTTP_X_REQUEST_ID
    assert.is_truthy(id:find("^%x+$") and #id == 16)
    name = get(nil, { "X-Request-Id: mine", "Authorization: Basic eDp5",
      "X-Api-Key: 123" }).body
    assert.is_true(params_of(name).HTTP_X_REQUEST_ID ~= id)
    assert.are.equal("Basic eDp5", params_of(name).HTTP_AUTHORIZATION)
  end)

  it("redirect_map reads its file", function()
    start {
      example = "examples/redirect_map.lua",
      files = { ["lua/redirects.txt"] = "# old  new\n\n/shop /store/\n"
        .. "/blog/feed.xml\thttps://blog.example.com/feed\r\n" },
    }
    local answer = get("/shop?id=1")
    assert.are.equal(301, answer.status)
    assert.are.equal("/store/?id=1", answer.headers.location)
    assert.are.equal("https://blog.example.com/feed",
      get("/blog/feed.xml").headers.location)
    assert.are.equal(404, get("/shop/x").status)
  end)

  it("rate_limit lets through as many as it says, over all workers", function()
    start { example = "examples/rate_limit.lua" }
    local let_through = 0
    for _ = 1, 110 do
      local answer = get(nil, { "X-Forwarded-For: 192.0.2.1" })
      if answer.status == 200 then
        let_through = let_through + 1
      else
        assert.are.equal(429, answer.status)
        assert.are.equal("10", answer.headers["retry-after"])
      end
    end
    assert.are.equal(100, let_through)
    assert.are.equal(200, get(nil, { "X-Forwarded-For: 192.0.2.2" }).status)
  end)
end)
