--- What a FastCGI server is told of a request.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local moongate = require "support.moongate"

local CONFIG = [[
  [upstream php]
  server one = 127.0.0.1:${port_php}
  [upstream nodes]
  server one = 127.0.0.1:${port_one} root=/node1/site
  server two = 127.0.0.1:${port_two} root=/node2/site
  [http web]
  listen = 127.0.0.1:${port_web}
  server_name = example.com
  root = ${dir}/www
  param = APP_ENV test-${host}
  param = SERVER_SOFTWARE hidden
  route = ~ ^(/nodes/.+\.php)(/.*)?$ nodes
  route = ~ ^(.+\.php)(/.*)?$ php
  access_log = off
  [http trusting]
  listen = 127.0.0.1:${port_trusting}
  root = ${dir}/www
  trust = 127.0.0.0/8 10.0.0.0/8
  underscores = on
  encoded_slash = refuse
  route = ~ ^(.+\.php)(/.*)?$ php
  access_log = off
]]

-- Path, SCRIPT_NAME, PATH_INFO; nothing for 404.
local SPLITS = {
  { "/index.php", "/index.php", "" },
  { "/index.php/", "/index.php", "/" },
  { "/index.php/a/b", "/index.php", "/a/b" },
  { "/index.php/a.php/b", "/index.php", "/a.php/b" },
  { "/index.php/a.php", "/index.php", "/a.php" },
  { "/index.php/a/b?x=/c.php/d", "/index.php", "/a/b" },
  { "/sub/x.php/y", "/sub/x.php", "/y" },
  { "/dir.php/in.php/z", "/dir.php/in.php", "/z" },
  { "/index.php//a///b", "/index.php", "/a/b" },
  { "/index.php/a/../b", "/index.php", "/b" },
  { "/index.php/%E6%9C%88/a%20b", "/index.php", "/\230\156\136/a b" },
  { "/index.php/a%2Fb", "/index.php", "/a/b" },
  { "/index.php/a%3Fb", "/index.php", "/a?b" },
  { "/in%64ex.php", "/index.php", "" },
  { "/none.php" },
  { "/none.php/index.php" },
  { "/photo.jpg/x.php" },
  { "/dir.php" },
  { "/dir.php/none.php" },
}


describe("FastCGI parameters", function()
  local m, php

  setup(function()
    php = fastcgi.serve(fastcgi.shows_params)
    local one, two = fastcgi.serve(fastcgi.shows_params),
      fastcgi.serve(fastcgi.shows_params)
    m = moongate.start {
      config = CONFIG,
      ports = { php = php.port, one = one.port, two = two.port },
      files = {
        ["www/index.php"] = "<?php", ["www/sub/x.php"] = "<?php",
        ["www/dir.php/in.php"] = "<?php", ["www/photo.jpg"] = "<?php",
        ["www/nodes/n.php"] = "<?php",
      },
    }
  end)

  teardown(moongate.finish)

  local function params_of(line, fields, body, port)
    local answer = http.fetch(port or m.port.web, line, fields, body)
    assert.are.equal(200, answer.status)
    return php.requests[#php.requests].params
  end

  it("are the whole set", function()
    local params = params_of("POST /index.php/a/b?x=1&y=%20", {
      "Host: Example.com:8080", "Content-Length: 3",
      "Content-Type: text/x-moon", "User-Agent: spec", "Accept: */*",
      "Cookie: a=1", "Authorization: Basic eA==",
    }, "abc")
    local root = m.dir .. "/www"
    for name, value in pairs {
      GATEWAY_INTERFACE = "CGI/1.1",
      REQUEST_METHOD = "POST",
      REQUEST_URI = "/index.php/a/b?x=1&y=%20",
      QUERY_STRING = "x=1&y=%20",
      SCRIPT_NAME = "/index.php",
      SCRIPT_FILENAME = root .. "/index.php",
      PATH_INFO = "/a/b",
      PATH_TRANSLATED = root .. "/a/b",
      DOCUMENT_URI = "/index.php/a/b",
      DOCUMENT_ROOT = root,
      CONTENT_TYPE = "text/x-moon",
      CONTENT_LENGTH = "3",
      SERVER_PROTOCOL = "HTTP/1.1",
      SERVER_NAME = "example.com",
      SERVER_ADDR = "127.0.0.1",
      SERVER_PORT = tostring(m.port.web),
      REMOTE_ADDR = "127.0.0.1",
      REQUEST_SCHEME = "http",
      REDIRECT_STATUS = "200",
      HTTP_HOST = "Example.com:8080",
      HTTP_USER_AGENT = "spec",
      HTTP_ACCEPT = "*/*",
      HTTP_COOKIE = "a=1",
      HTTP_AUTHORIZATION = "Basic eA==",
    } do
      assert.are.equal(value, params[name], name)
    end
    assert.is_truthy(params.REMOTE_PORT:match("^%d+$"))
    assert.is_truthy(params.HTTPS == nil or params.HTTPS == "")
  end)

  it("tell a GET from a POST without a body", function()
    local params = params_of("/index.php")
    assert.are.equal("", params.CONTENT_LENGTH or "")
    assert.are.equal("", params.CONTENT_TYPE or "")
    assert.are.equal("", params.QUERY_STRING)
    params = params_of("POST /index.php", { "Content-Length: 0" })
    assert.are.equal("0", params.CONTENT_LENGTH)
  end)

  it("hold those of the configuration, instead of standard ones", function()
    local params = params_of("/index.php", { "Host: example.com" })
    assert.are.equal("test-example.com", params.APP_ENV)
    assert.are.equal("hidden", params.SERVER_SOFTWARE)
  end)

  for _, case in ipairs(SPLITS) do
    it("split " .. case[1], function()
      local before = #php.requests
      local answer = http.fetch(m.port.web, case[1])
      if not case[2] then
        assert.are.equal(404, answer.status)
        assert.are.equal(before, #php.requests)
        return
      end
      assert.are.equal(200, answer.status)
      local params = php.requests[#php.requests].params
      assert.are.equal(case[2], params.SCRIPT_NAME)
      assert.are.equal(case[3], params.PATH_INFO or "")
      assert.are.equal(m.dir .. "/www" .. case[2], params.SCRIPT_FILENAME)
      assert.are.equal(case[1], params.REQUEST_URI)
    end)
  end

  it("hold no header that would forge another", function()
    local params = params_of("/index.php", {
      "Proxy: http://evil", "X_Forwarded_For: 1.2.3.4",
      "X-Forwarded-For: 5.6.7.8", "Content_Length: 5", "HTTPS: on",
    })
    assert.is_nil(params.HTTP_PROXY)
    assert.are.equal("5.6.7.8", params.HTTP_X_FORWARDED_FOR)
    assert.are.equal("", params.CONTENT_LENGTH or "")
    assert.is_nil(params.HTTP_CONTENT_LENGTH)
    assert.is_truthy(params.HTTPS == nil or params.HTTPS == "")
    assert.are.equal("127.0.0.1", params.REMOTE_ADDR)
  end)

  it("hold a header once that came twice", function()
    local params = params_of("/index.php", {
      "X-List: a", "Cookie: a=1", "X-List: b", "Cookie: b=2",
    })
    assert.are.equal("a, b", params.HTTP_X_LIST)
    assert.are.equal("a=1; b=2", params.HTTP_COOKIE)
    local twice = php.requests[#php.requests].twice
    twice.SERVER_SOFTWARE = nil  -- by the configuration
    assert.are.same({}, twice)
  end)

  it("hold a value of 7000 bytes", function()
    local value = ("v"):rep(7000)
    assert.are.equal(value,
      params_of("/index.php", { "X-Long: " .. value }).HTTP_X_LONG)
  end)

  it("are those of the node's own root", function()
    local seen = {}
    for _ = 1, 2 do
      local body = http.fetch(m.port.web, "/nodes/n.php/i").body
      local root = body:match("\nDOCUMENT_ROOT=(%S+)")
      seen[root] = true
      assert.are.equal(root .. "/nodes/n.php",
        body:match("\nSCRIPT_FILENAME=(%S+)"))
      assert.are.equal(root .. "/i", body:match("\nPATH_TRANSLATED=(%S+)"))
    end
    assert.are.same({ ["/node1/site"] = true, ["/node2/site"] = true }, seen)
  end)

  describe("with trust", function()
    for _, case in ipairs {
      { "203.0.113.9", "203.0.113.9" },
      { "1.1.1.1, 203.0.113.9", "203.0.113.9" },
      { "203.0.113.9, 10.1.2.3", "203.0.113.9" },
      { "10.1.1.1, 10.1.2.3", "10.1.1.1" },
      { "not an address", "127.0.0.1" },
      { "2001:db8::9", "2001:db8::9" },
    } do
      it("name the client of X-Forwarded-For: " .. case[1], function()
        local params = params_of("/index.php",
          { "X-Forwarded-For: " .. case[1] }, nil, m.port.trusting)
        assert.are.equal(case[2], params.REMOTE_ADDR)
      end)
    end
  end)

  it("keep names with _ where underscores = on", function()
    local params = params_of("/index.php", { "My_Header: x" }, nil,
      m.port.trusting)
    assert.are.equal("x", params.HTTP_MY_HEADER)
  end)

  it("refuse an encoded slash where encoded_slash = refuse", function()
    assert.are.equal(400,
      http.fetch(m.port.trusting, "/index.php/a%2Fb").status)
  end)
end)
