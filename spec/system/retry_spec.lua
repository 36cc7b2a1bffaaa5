--- When a request goes to another server, and what the client gets when none
-- could serve it.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local moongate = require "support.moongate"
local net = require "support.net"

local CONFIG = [[
  [upstream php]
  server one = 127.0.0.1:${port_one}
  server two = 127.0.0.1:${port_two}
  connect_timeout = 500ms
  server_timeout = 400ms
  %s
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  route = ~ \.php$ php
  access_log = off
]]

local POST = { "POST /a.php", { "Content-Length: 3" }, "abc" }


describe("a request that a server fails", function()
  local client

  -- Handlers by server; false for one that refuses connections.
  local function start(one, two, extra)
    local function port(handler)
      return (handler and fastcgi.serve(handler) or net.reserve()).port
    end
    client = http.connect(moongate.start({
      config = CONFIG:format(extra or ""),
      ports = { one = port(one), two = port(two) },
      files = { ["www/a.php"] = "<?php" },
    }).port.web)
  end

  after_each(moongate.finish)

  local function breaks(count)
    return function(_, reply)
      count.n = (count.n or 0) + 1
      reply:close()
    end
  end

  local function stays_silent(count)
    return function(_, reply)
      count.n = (count.n or 0) + 1
      reply:read_record(math.huge)
      reply:close()
    end
  end

  local function says(status, count)
    return function(_, reply)
      count.n = (count.n or 0) + 1
      reply:answer("Status: " .. status, "from the server")
    end
  end

  it("goes to the other one when it refuses the connection", function()
    start(false, fastcgi.names("two"))
    for _ = 1, 4 do
      assert.are.equal("two", client:exchange("GET /a.php").body)
      assert.are.equal("two", client:exchange(unpack(POST)).body)
    end
  end)

  it("goes to the other one when it broke before any byte", function()
    local count = {}
    start(breaks(count), fastcgi.names("two"))
    for _, method in ipairs { "GET", "HEAD", "OPTIONS" } do
      for _ = 1, 2 do
        local answer = client:exchange(method .. " /a.php")
        assert.are.equal(200, answer.status)
      end
    end
    assert.are.equal(3, count.n)
  end)

  it("is not sent again when it was a POST", function()
    local count = {}
    start(breaks(count), breaks(count))
    assert.are.equal(502, client:exchange(unpack(POST)).status)
    assert.are.equal(1, count.n)
  end)

  it("is not sent again when the answer had begun", function()
    local count = {}
    local function begins(_, reply)
      count.n = (count.n or 0) + 1
      reply:out("Content-Type: te")
      reply:close()
    end
    start(begins, begins)
    assert.are.equal(502, client:exchange("GET /a.php").status)
    assert.are.equal(1, count.n)
  end)

  it("is sent no more often than retries allow", function()
    local count = {}
    start(breaks(count), breaks(count), "retries = 1")
    assert.are.equal(502, client:exchange("GET /a.php").status)
    assert.are.equal(2, count.n)
  end)

  it("is not sent again with retries = 0", function()
    local count = {}
    start(breaks(count), breaks(count), "retries = 0")
    assert.are.equal(502, client:exchange("GET /a.php").status)
    assert.are.equal(1, count.n)
  end)

  it("is not sent again where retry_on does not say so", function()
    local count = {}
    start(breaks(count), breaks(count), "retry_on = connect")
    assert.are.equal(502, client:exchange("GET /a.php").status)
    assert.are.equal(1, count.n)
  end)

  it("keeps the status that no other server could better", function()
    start(says(503, {}), false, "retries = 1\nretry_on = connect 503")
    for _ = 1, 4 do
      assert.are.equal(503, client:exchange("GET /a.php").status)
    end
  end)

  it("becomes a 503 with Retry-After when no server can be reached",
    function()
      start(false, false)
      local answer = client:exchange("GET /a.php")
      assert.is_true(answer.status == 502 or answer.status == 503)
      if answer.status == 503 then
        assert.is_truthy(answer.headers["retry-after"]:match("^%d+$"))
      end
    end)

  it("becomes a 504 when the server is silent, and is not repeated",
    function()
      local count = {}
      start(stays_silent(count), stays_silent(count))
      assert.are.equal(504, client:exchange("GET /a.php").status)
      assert.are.equal(1, count.n)
    end)

  it("is repeated after silence where retry_on = timeout", function()
    local count = {}
    start(stays_silent(count), fastcgi.names("two"), "retry_on = timeout")
    for _ = 1, 2 do
      assert.are.equal("two", client:exchange("GET /a.php").body)
    end
    assert.are.equal(1, count.n)
  end)

  for _, status in ipairs { 502, 503, 504 } do
    it(("passes the server's own %d on"):format(status), function()
      local count = {}
      start(says(status, count), says(status, count))
      local answer = client:exchange("GET /a.php")
      assert.are.equal(status, answer.status)
      assert.are.equal("from the server", answer.body)
      assert.are.equal(1, count.n)
    end)

    it(("is repeated after a %d where retry_on says so"):format(status),
      function()
        local count = {}
        start(says(status, count), fastcgi.names("two"),
          "retry_on = connect " .. status)
        for _ = 1, 2 do
          assert.are.equal("two", client:exchange("GET /a.php").body)
        end
        assert.are.equal(1, count.n)
      end)
  end
end)
