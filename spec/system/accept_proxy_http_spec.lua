--- accept_proxy before HTTP: the client of every request on the connection is
-- whom the PROXY header names.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local moongate = require "support.moongate"
local proxyproto = require "support.proxyproto"

local ENDS = "192.0.2.7:40000 198.51.100.1:443"
local TRUSTED = "127.0.0.1:40000 198.51.100.1:443"

local CONFIG = [[
  [upstream php]
  server one = 127.0.0.1:${port_php}
  [http web]
  listen = 127.0.0.1:${port_web} accept_proxy
  trust = 127.0.0.1
  root = ${dir}/www
  route = ~ \.php$ php
  script = deny.lua
  header_timeout = 1s
  header = X-Ends "${remote_addr}:${remote_port} ${server_addr}:${server_port}"
  log_null = on
  access_log = ${remote_addr}:${remote_port} ${path} ${status}
  log_to = file:${dir}/records
  [http other]
  listen = 127.0.0.1:${port_web} accept_proxy
  server_name = other
  trust = 127.0.0.9
  root = ${dir}/www
  header = X-Section other
  access_log = off
]]

local DENY = [[
return {
  accept = function(conn)
    if conn.client == "192.0.2.66" then
      return false, "not this one at " .. conn.listener
    end
  end,
}
]]


describe("accept_proxy before HTTP", function()
  local m

  before_each(function()
    local php = fastcgi.serve(fastcgi.shows_params)
    m = moongate.start {
      config = CONFIG,
      ports = { php = php.port },
      files = {
        ["www/a.php"] = "<?php", ["www/hello.txt"] = "hello",
        ["lua/deny.lua"] = DENY,
      },
    }
  end)

  after_each(moongate.finish)

  local function counts()
    return m:section("http web")
  end

  -- Begins with a header, and what is given goes with it in one segment.
  local function connect(header, bytes, options)
    local client = http.connect(m.port.web, options)
    client:send(header .. (bytes or ""))
    return client
  end

  for name, header in pairs {
    ["a line"] = proxyproto.v1(ENDS), ["binary"] = proxyproto.v2(ENDS),
  } do
    it("takes " .. name .. " and requests in one segment", function()
      local head = http.head "GET /hello.txt"
      local client = connect(header, head .. head)
      for _ = 1, 2 do
        client.method = "GET"
        local answer = client:answer()
        assert.are.equal("hello", answer.body)
        assert.are.equal(ENDS, answer.headers["x-ends"])
      end
      assert.are.equal(ENDS, client:exchange("GET /hello.txt")
        .headers["x-ends"])
      assert.are.same({ "192.0.2.7:40000 /hello.txt 200",
        "192.0.2.7:40000 /hello.txt 200", "192.0.2.7:40000 /hello.txt 200" },
        m:records("records", 3))
    end)

    it("takes " .. name .. " and a request byte by byte", function()
      local client = http.connect(m.port.web)
      for byte in (header .. http.head "GET /hello.txt"):gmatch(".") do
        client:send(byte)
      end
      client.method = "GET"
      assert.are.equal(ENDS, client:answer().headers["x-ends"])
    end)
  end

  it("tells FastCGI servers, for every request", function()
    local client = connect(proxyproto.v2(ENDS))
    for _ = 1, 2 do
      local body = client:exchange("GET /a.php").body
      for _, line in ipairs {
        "REMOTE_ADDR=192.0.2.7", "REMOTE_PORT=40000",
        "SERVER_ADDR=198.51.100.1", "SERVER_PORT=443",
      } do
        assert.is_truthy(("\n" .. body .. "\n"):find("\n" .. line .. "\n", 1,
          true), body)
      end
    end
  end)

  it("takes the real ends with LOCAL", function()
    local client = connect(proxyproto.LOCAL)
    assert.are.equal(
      ("127.0.0.1:%d 127.0.0.1:%d"):format(client.socket.port, m.port.web),
      client:exchange("GET /hello.txt").headers["x-ends"])
  end)

  it("lets the hook `accept` refuse whom the header names", function()
    local client = connect(proxyproto.v1 "192.0.2.66:1 198.51.100.1:443",
      http.head "GET /hello.txt")
    assert.are.equal("", (client.socket:receive_all()))
    m:wait_log("refused by a script: not this one at 198%.51%.100%.1:443")
  end)

  it("believes X-Forwarded-For of none but a client in trust", function()
    local forwarded = { "X-Forwarded-For: 203.0.113.5" }
    local client = connect(proxyproto.v1(ENDS))
    assert.are.equal(ENDS,
      client:exchange("GET /hello.txt", forwarded).headers["x-ends"])
    client = connect(proxyproto.v1(TRUSTED))
    assert.are.equal("203.0.113.5:0 198.51.100.1:443",
      client:exchange("GET /hello.txt", forwarded).headers["x-ends"])
  end)

  it("goes by the default section's trust at a shared address", function()
    local other = { "Host: other" }
    local client = connect(proxyproto.v1(ENDS))
    assert.are.equal("other",
      client:exchange("GET /hello.txt", other).headers["x-section"])
    client = connect(proxyproto.v1(ENDS), http.head("GET /hello.txt", other),
      { from = "127.0.0.9" })
    assert.are.equal("", (client.socket:receive_all()))
  end)

  for name, case in pairs {
    ["a request without a header"] = {
      http.head "GET /hello.txt", "it does not begin with a PROXY header", 1,
    },
    ["half a header"] = {
      "PROXY TCP4 ", "its PROXY header did not come in time", 0,
    },
    ["a broken header"] = {
      "PROXY TCP4 1 2 3 4\r\n" .. http.head "GET /hello.txt",
      "an address or a port of its PROXY header is none", 1,
    },
  } do
    it("answers nothing to " .. name, function()
      local client = connect(case[1])
      assert.are.equal("", (client.socket:receive_all()))
      m:wait_log("connection refused: " .. case[2] .. " client=127%.0%.0%.1:"
        .. client.socket.port .. " section=web")
      local row = counts()
      assert.are.same({ 1, 0, case[3], 1, 0 }, {
        row.connections, row.requests, row.denied, row.errors, row.now })
      m:records("records", 1)
    end)
  end
end)
