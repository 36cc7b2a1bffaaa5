--- The examples that see what came of the work: of requests and of sessions.
local fastcgi = require "support.fastcgi"
local folder = require "support.folder"
local http = require "support.http"
local json = require "dkjson"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local program = require "script.program"

local CONFIG = [[
  [upstream php]
  server a = 127.0.0.1:${port_php}
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  trust = 127.0.0.0/8
  script = example.lua
  route = ~ \.php$ php
  access_log = json
  log_to = file:${dir}/access.log
]]


describe("the example", function()
  local m, web

  local function start(example, handler)
    local php = fastcgi.serve(handler)
    m = moongate.start {
      config = CONFIG, ports = { php = php.port }, workers = 2,
      files = {
        ["www/index.php"] = "<?php", ["www/static/a.css"] = "a { }",
        ["lua/example.lua"] = folder.read(example),
      },
    }
    web = m.port.web
  end

  after_each(function()
    local log = m:log()
    moongate.finish()
    assert.is_nil(log:find("script example%.lua[^\n]*failed"), log)
  end)

  it("security_headers adds to what servers and files answer", function()
    start("examples/security_headers.lua", function(_, reply)
      reply:answer("Content-Type: text/html\r\nX-Powered-By: PHP/8.2\r\n"
        .. "Referrer-Policy: no-referrer", "page")
    end)
    local page = http.fetch(web, "/index.php", { "X-Forwarded-Proto: https" })
    assert.are.equal("page", page.body)
    assert.are.equal("no-referrer", page.headers["referrer-policy"])
    assert.are.equal("nosniff", page.headers["x-content-type-options"])
    assert.is_nil(page.headers["x-powered-by"])
    assert.is_truthy(page.headers["content-security-policy"])
    assert.are.equal("max-age=31536000",
      page.headers["strict-transport-security"])
    for path, status in pairs { ["/static/a.css"] = 200, ["/none"] = 404 } do
      local answer = http.fetch(web, path)
      assert.are.equal(status, answer.status)
      assert.are.equal("nosniff", answer.headers["x-content-type-options"])
      assert.is_nil(answer.headers["strict-transport-security"])
    end
  end)

  it("slow_log tells of what was slow, and of that alone", function()
    start("examples/slow_log.lua", function(request, reply)
      local ready = loop.now() + 0.7
      loop.wait_until("the page is made", function()
        return request.params.QUERY_STRING ~= "slow" or loop.now() > ready
      end)
      reply:answer("Content-Type: text/plain", "page")
    end)
    http.fetch(web, "/static/a.css", { "Cookie: PHPSESSID=fast" })
    http.fetch(web, "/index.php?slow", { "Cookie: PHPSESSID=abc" })
    local records = m:records("access.log", 2)
    local fast, slow = json.decode(records[1]), json.decode(records[2])
    assert.is_nil(fast.slow_ms or fast.session)
    assert.is_true(slow.slow_ms >= 600, records[2])
    assert.are.equal("abc", slow.session)
    assert.is_truthy(m:wait_log("slow: GET /index.php took %d+ ms at a"))
    assert.is_nil(m:log():find("a.css", 1, true))
  end)

  it("metrics counts and times by route, over all workers", function()
    start("examples/metrics.lua", fastcgi.names("page"))
    for _ = 1, 20 do
      http.fetch(web, "/static/a.css")
      http.fetch(web, "/index.php")
    end
    http.fetch(web, "/api/none")
    local text
    loop.wait_until("all are counted", function()
      text = m:ctl("show metrics")
      return text:find('shop_requests_total{route="api",code="404"} 1\n', 1,
        true)
    end)
    for _, line in ipairs {
      'shop_requests_total{route="static",code="200"} 20',
      'shop_requests_total{route="page",code="200"} 20',
      'shop_request_seconds_count{route="static"} 20',
      'shop_request_seconds_bucket{route="page",le="+Inf"} 20',
    } do
      assert.is_truthy(text:find(line .. "\n", 1, true), text)
    end
  end)
end)


describe("examples/session_log.lua", function()
  local EXAMPLE = folder.read("examples/session_log.lua")

  after_each(moongate.finish)

  it("says how a session went wrong", function()
    local p = assert(program.start {
      config = "[upstream db]\nprotocol = mysql\nserver s = 127.0.0.1:1\n"
        .. "[mysql db]\nlisten = 127.0.0.1:3306\nupstream = db\n"
        .. "handshake = passthrough\nscript = session_log.lua\n",
      lua = { ["session_log.lua"] = EXAMPLE },
    })
    p:close_conn { ok = true, bytes_in = 10, bytes_out = 100 }
    p:close_conn { ok = true, bytes_out = 2 ^ 30, total_ms = 1500 }
    p:close_conn { error = "the server reset the connection", bytes_in = 7 }
    local log = table.concat(p.log, "\n")
    p:stop()
    assert.is_truthy(log:find("session of 192.0.2.7:4711: ended, "
      .. "1073741824 bytes in 1.5 s", 1, true), log)
    assert.is_truthy(log:find("session of 192.0.2.7:4711: the server reset "
      .. "the connection, 7 bytes in 0.0 s", 1, true), log)
    assert.are.equal(2, select(2, log:gsub("session of", "")))
  end)

  it("sees sessions of the running program", function()
    local server = peer.serve(peer.echo)
    local m = moongate.start {
      config = [[
        [upstream up]
        protocol = tcp
        server a = 127.0.0.1:${port_up}
        [upstream down]
        protocol = tcp
        retries = 0
        server b = 127.0.0.1:${port_down}
        [tcp up]
        listen = 127.0.0.1:${port_good}
        upstream = up
        script = session_log.lua
        [tcp down]
        listen = 127.0.0.1:${port_bad}
        upstream = down
        script = session_log.lua
      ]],
      ports = { up = server.port },
      files = { ["lua/session_log.lua"] = EXAMPLE },
    }
    local good = net.connect(m.port.good)
    good:send("hello")
    assert.are.equal("hello", good:receive(5))
    good:close()
    net.connect(m.port.bad):receive_all()
    m:wait_log("session of 127%.0%.0%.1:%d+: [^\n]+, 0 bytes in ")
    assert.are.equal(1, select(2, m:log():gsub("session of", "")))
  end)
end)
