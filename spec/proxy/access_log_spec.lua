--- Access records, field by field, and the values of variables.
local exchange = require "support.exchange"
local ffi = require "ffi"

local SECTION = [[
  [upstream php]
  server one = 127.0.0.1:9000
  server two = 127.0.0.1:9001
  [http web]
  listen = 127.0.0.1:8080
  root = ${dir}/www
  access_log = %s
]]
local FILES = { ["www/a.txt"] = "hello" }
local REQUEST = "GET /a.txt?x=%22 HTTP/1.1\r\nHost: Example.com:80\r\n"
  .. 'Referer: http://r/"q"\r\nUser-Agent: spec/1\r\nX-Real-Thing: yes\r\n\r\n'
local DAY = "%d%d/%a%a%a/%d%d%d%d:%d%d:%d%d:%d%d"

--- Variables of REQUEST and what they are.
local VARIABLES = {
  host = "example.com",
  uri = "/a.txt",
  path = "/a.txt",
  args = "x=%22",
  request_uri = "/a.txt?x=%22",
  request = "GET /a.txt?x=%22 HTTP/1.1",
  method = "GET",
  scheme = "http",
  protocol = "HTTP/1.1",
  status = "200",
  body_bytes = "5",
  remote_addr = "192.0.2.7",
  remote_port = "4711",
  server_addr = "127.0.0.1",
  server_port = "8080",
  listener = "web",
  upstream = "php",
  server = "two",
  time_ms = "70",
  connect_ms = "5",
  upstream_ms = "35",
  retries = "1",
  referer = "http://r/\\x22q\\x22",
  user_agent = "spec/1",
  http_x_real_thing = "yes",
  http_absent = "-",
  worker = "0",
}


describe("an access record", function()
  local site

  local function open(format)
    site = exchange.site(SECTION:format(format), FILES)
  end

  after_each(function()
    site:close()
  end)

  -- Answers REQUEST as if server two had, after one that failed.
  local function record_of_retry(request)
    local x = site:begin(request or REQUEST)
    local upstream = site.runtime.upstreams[0]
    local now = x.times.first_us
    site:answer(x)
    x.flow.upstream, x.flow.served = upstream, upstream.servers[1]
    x.flow.tried_count, x.retries = 2, 1
    x.flow.tried[0], x.flow.tried[1] = 0, 1
    -- The clock stands still meanwhile, so the times are set back.
    x.times.first_us = now - 70000
    x.times.head_us = now - 60000
    x.times.picked_us = now - 50000
    x.times.connected_us = now - 45000
    x.times.response_us = now - 15000
    return site:finish(x)
  end

  it("is combined as nginx writes it", function()
    open("combined")
    local _, _, _, record = site:ask(REQUEST)
    assert.is_truthy(record:match("^192%.0%.2%.7 %- %- %[" .. DAY
      .. " [+-]%d%d%d%d%] "))
    assert.are.equal('] "GET /a.txt?x=%22 HTTP/1.1" 200 5 '
      .. '"http://r/\\x22q\\x22" "spec/1"', record:match("%].*$"))
  end)

  it("is combined with dashes for what was not sent", function()
    open("combined")
    local _, _, _, record = site:get("/none", nil, "HEAD")
    assert.are.equal('] "HEAD /none HTTP/1.1" 404 0 "-" "-"',
      record:match("%].*$"))
  end)

  it("is httplog with HAProxy's fields in their order", function()
    open("httplog")
    local record = record_of_retry()
    local bytes = record:match(" 200 (%d+) ")
    assert.is_truthy(record:match("^192%.0%.2%.7:4711 %[" .. DAY
      .. "%.%d%d%d%] "))
    assert.are.equal("] web php/two 10/10/5/30/70 200 " .. bytes
      .. ' - - ---- 0/0/0/0/+1 0/0 "GET /a.txt?x=%22 HTTP/1.1"',
      record:match("%].*$"))
    assert.is_true(tonumber(bytes) > 100)
  end)

  it("is httplog without a server", function()
    open("httplog")
    local _, _, _, record = site:get("/a.txt")
    assert.is_truthy(record:match("%] web web/<NOSRV> 0/%-1/%-1/%-1/0 200 %d+ "
      .. '%- %- %-%-%-%- 0/0/0/0/0 0/0 "GET /a%.txt HTTP/1%.1"$'), record)
  end)

  it("is httplog of a request that was not understood", function()
    open("httplog")
    local x = site:begin(REQUEST)
    x.refused, x.term = true, "PR"
    local record = site:finish(x)
    assert.is_truthy(record:match("%] web web/<NOSRV> %-1/%-1/%-1/%-1/0 %-1 0 "
      .. '%- %- PR%-%- 0/0/0/0/0 0/0 "<BADREQ>"$'), record)
  end)

  it("counts what is open now", function()
    open("httplog")
    local core = site.core
    assert.is_true(core.slot_take(site.board, 0, 0, 0))
    for _, slot in ipairs({ 1, 2, 2 }) do
      assert.is_true(core.slot_take(site.board, 0, slot, 0))
    end
    assert.is_truthy(record_of_retry():find(" 1/0/3/2/+1 0/0 ", 1, true))
  end)

  it("is tcplog", function()
    open("tcplog")
    assert.is_truthy(record_of_retry():match(
      "%] web php/two 10/5/70 %d+ %-%- 0/0/0/0/%+1 0/0$"))
  end)

  it("is json", function()
    open("json")
    local record = require("dkjson").decode(record_of_retry())
    assert.is_truthy(record.time:match("^%d%d%d%d%-%d%d%-%d%dT"))
    record.time, record.bytes_sent = nil, nil
    assert.are.same({
      listener = "web", client = "192.0.2.7", port = 4711, method = "GET",
      host = "example.com", uri = "/a.txt?x=%22", protocol = "HTTP/1.1",
      referer = 'http://r/"q"', user_agent = "spec/1", status = 200,
      body_bytes = 5, upstream_ms = 35, upstream = "php", server = "two",
      retries = 1, term = "--", queue_ms = 0, connect_ms = 5, time_ms = 70,
    }, record)
  end)

  it("is json with null for what is not known", function()
    open("json")
    local _, _, _, record = site:get("/a.txt")
    for _, key in ipairs({ "upstream", "server", "referer", "user_agent",
                           "connect_ms", "upstream_ms" }) do
      assert.is_truthy(record:find('"' .. key .. '":null', 1, true), key)
    end
  end)

  for name, value in pairs(VARIABLES) do
    it(("has ${%s} in a format"):format(name), function()
      open("<${" .. name .. "}>")
      assert.are.equal("<" .. value .. ">", record_of_retry())
    end)
  end

  it("has times and places in a format", function()
    open("${time_local}|${time_iso}|${bytes_sent}|${document_root}")
    local record = record_of_retry()
    local locally, iso, bytes, root =
      record:match("^(.-)|(.-)|(.-)|(.-)$")
    assert.is_truthy(locally:match("^" .. DAY .. " [+-]%d%d%d%d$"))
    assert.is_truthy(iso:match("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d"
      .. "[+-]%d%d:%d%d$"))
    assert.is_true(tonumber(bytes) > 100)
    assert.are.equal(site.dir .. "/www", root)
  end)

  it("may be switched off", function()
    open("off")
    local _, _, _, record = site:ask(REQUEST)
    assert.is_nil(record)
  end)

  for format, last in pairs({ combined = '"', httplog = '"', json = "}" }) do
    it("is whole, however long the request is: " .. format, function()
      open(format)
      local _, _, _, record = site:get("/" .. ("%ff"):rep(4000), {
        "User-Agent: " .. ('"'):rep(5000), "Referer: " .. ("\255"):rep(5000),
      })
      assert.is_true(#record < 8192)
      assert.are.equal(last, record:sub(-1))
    end)
  end

  it("cannot be forged", function()
    open("${uri}|${args}")
    local _, _, _, record = site:get("/a%0d%0ab%22|%1b[0m?q")
    assert.are.equal("/a\\x0D\\x0Ab\\x22|\\x1B[0m|q", record)
  end)
end)


describe("a record of a TCP session", function()
  local site, session

  -- A session that lasted 70 ms, 20 of them until it was connected.
  local function open(format)
    site = exchange.site(([[
      [upstream db]
      protocol = tcp
      server one = 127.0.0.1:3306
      [tcp mysql]
      listen = 127.0.0.1:3307
      upstream = db
      access_log = %s
    ]]):format(format))
    local core = site.core
    local now = core.clock_us()
    local client, listener = ffi.new("struct addr"), ffi.new("struct addr")
    assert(core.addr_parse(client, "[2001:db8::1]:4711", nil) == 0)
    assert(core.addr_parse(listener, "127.0.0.1:3307", nil) == 0)
    session = ffi.new("struct tcp_session")
    session.section = site.runtime.sections[0]
    session.dial.engine = site.engine
    session.client_addr = client
    session.flow.client, session.flow.listener = client, listener
    session.flow.section = session.section.conf.name
    session.flow.upstream = site.runtime.upstreams
    session.flow.server = site.runtime.upstreams[0].servers
    session.accepted_us, session.accepted_wall_ms = now - 70000, 1700000000123
    session.picked_us, session.connected_us = now - 60000, now - 50000
    session.down.bytes, session.term = 12345, "--"
    site.addresses = { client, listener }
  end

  local function record()
    site.core.access_log_tcp(session)
    return table.remove(site.records)
  end
  jit.off(record)

  after_each(function()
    site:close()
  end)

  it("is tcplog with HAProxy's fields in their order", function()
    open("tcplog")
    local line = record()
    assert.is_truthy(line:match("^2001:db8::1:4711 %[1%d/Nov/2023:"
      .. "%d%d:%d%d:20%.123%] "), line)
    assert.are.equal("] mysql db/one 10/10/70 12345 -- 0/0/0/0/0 0/0",
      line:match("%].*$"))
  end)

  it("says -1 for what was not reached", function()
    open("tcplog")
    session.flow.server = nil
    session.picked_us, session.connected_us = 0, 0
    session.down.bytes, session.term = 0, "SC"
    assert.are.equal("] mysql db/<NOSRV> -1/-1/70 0 SC 0/0/0/0/0 0/0",
      record():match("%].*$"))
  end)

  it("is json", function()
    open("json")
    local line = require("dkjson").decode(record())
    line.time = nil
    assert.are.same({
      listener = "mysql", client = "2001:db8::1", port = 4711,
      bytes_sent = 12345, upstream = "db", server = "one", retries = 0,
      term = "--", queue_ms = 0, connect_ms = 10, time_ms = 70,
    }, line)
  end)

  it("is what a format makes of it", function()
    open("${remote_addr} ${server_port} ${upstream}/${server} ${bytes_sent} "
      .. "${time_ms} ${connect_ms} ${retries}")
    assert.are.equal("2001:db8::1 3307 db/one 12345 70 10 0", record())
  end)
end)
