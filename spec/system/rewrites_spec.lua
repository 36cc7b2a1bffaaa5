--- The rewrites for frameworks and to https, and what a trusted proxy says of
-- the client's scheme.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local moongate = require "support.moongate"

local CONFIG = [[
  [upstream php]
  server one = 127.0.0.1:${port_php}
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  script = rewrite/%s.lua
  route = ~ ^(.+\.php)(/.*)?$ php
  %s
  access_log = off
]]

local FILES = {
  ["www/index.php"] = "<?php secret",
  ["www/wp-login.php"] = "<?php secret",
  ["www/wp-admin/index.php"] = "<?php secret",
  ["www/docs/index.html"] = "docs",
  ["www/site.css"] = "body {}",
  ["www/.well-known/acme-challenge/token"] = "proof",
}


describe("the rewrite", function()
  local php, web

  local function start(name, more)
    php = fastcgi.serve(fastcgi.names("php"))
    web = moongate.start({
      config = CONFIG:format(name, more or ""), files = FILES,
      ports = { php = php.port }, workers = 2,
    }).port.web
  end

  after_each(moongate.finish)

  -- Request, SCRIPT_NAME, PATH_INFO, QUERY_STRING.
  local function check(cases)
    for _, case in ipairs(cases) do
      assert.are.equal("php", http.fetch(web, case[1]).body, case[1])
      local params = php.requests[#php.requests].params
      assert.are.same({ case[1], case[2], case[3], case[4] }, {
        params.REQUEST_URI, params.SCRIPT_NAME, params.PATH_INFO or "",
        params.QUERY_STRING,
      })
    end
  end

  it("front_controller sends what is not there to index.php", function()
    start("front_controller")
    check {
      { "/", "/index.php", "", "" },
      { "/users/7?tab=a&x", "/index.php", "", "tab=a&x" },
      { "/2026/11/a%20post/", "/index.php", "", "" },
      { "/wp-login.php?action=x", "/wp-login.php", "", "action=x" },
      { "/wp-admin/", "/wp-admin/index.php", "", "" },
      { "/wp-admin/none.css", "/index.php", "", "" },
      { "/none.php", "/index.php", "", "" },
    }
    assert.are.equal("body {}", http.fetch(web, "/site.css?v=1").body)
    assert.are.equal("docs", http.fetch(web, "/docs/").body)
    assert.are.equal(301, http.fetch(web, "/docs").status)
    assert.are.equal(404, http.fetch(web, "/site.css/x.php").status)
  end)

  it("pathinfo sends titles to index.php", function()
    start("pathinfo")
    check {
      { "/wiki/Main_Page", "/index.php", "/Main_Page", "" },
      { "/wiki/A%3Fb/c?action=edit", "/index.php", "/A?b/c", "action=edit" },
      { "/wiki/%E6%9C%88", "/index.php", "/\230\156\136", "" },
      { "/wiki/", "/index.php", "", "" },
      { "/wiki", "/index.php", "", "" },
      { "/index.php?title=X", "/index.php", "", "title=X" },
    }
    assert.are.equal("body {}", http.fetch(web, "/site.css").body)
    assert.are.equal(404, http.fetch(web, "/wikipedia").status)
  end)

  it("https_redirect goes to the same address", function()
    start("https_redirect")
    local function where(line, fields)
      local answer = http.fetch(web, line, fields)
      return { answer.status, answer.headers.location }
    end
    assert.are.same({ 301, "https://shop.example.com/a%20b?x=1" },
      where("/a%20b?x=1", { "Host: Shop.example.com:8080" }))
    assert.are.same({ 301, "https://shop.example.com/" },
      where("HEAD /", { "Host: shop.example.com" }))
    assert.are.same({ 308, "https://shop.example.com/x" },
      where("POST /x", { "Host: shop.example.com", "Content-Length: 0" }))
    assert.are.same({ 301, "https://[::1]/" }, where("/", { "Host: [::1]:80" }))
    assert.are.same({ 301, "https://b.example.com/c" },
      where("GET http://b.example.com/c", { "Host: a.example.com" }))
    local old = http.raw(web, "GET / HTTP/1.0\r\n\r\n")
    assert.are.equal(400, old.status)
    assert.are.equal("proof",
      http.fetch(web, "/.well-known/acme-challenge/token").body)
    assert.are.equal(0, #php.requests)
  end)

  it("https_redirect believes no client's X-Forwarded-Proto", function()
    start("https_redirect", "trust = 192.0.2.0/24")
    assert.are.equal(301, http.fetch(web, "/index.php",
      { "X-Forwarded-Proto: https" }).status)
  end)

  it("https_redirect believes a trusted proxy", function()
    start("https_redirect", "trust = 127.0.0.1")
    for _, case in ipairs {
      { 200, "X-Forwarded-Proto: https" },
      { 200, "x-forwarded-proto:  HTTPS " },
      { 200, "X-Forwarded-Proto: http, https" },
      { 301, "X-Forwarded-Proto: http" },
      { 301, "X-Forwarded-Proto: https, http" },
      { 301, "X-Forwarded-Proto: https, " },
      { 301, "X-Forwarded-Proto: httpsx" },
      { 301, "X-Other: https" },
    } do
      assert.are.equal(case[1], http.fetch(web, "/index.php",
        { case[2] }).status, case[2])
    end
  end)

  it("tells the application what the client used", function()
    start("front_controller", "trust = 127.0.0.1")
    http.fetch(web, "/", { "X-Forwarded-Proto: https" })
    local params = php.requests[1].params
    assert.are.equal("https", params.REQUEST_SCHEME)
    assert.are.equal("on", params.HTTPS)
    http.fetch(web, "/")
    params = php.requests[2].params
    assert.are.equal("http", params.REQUEST_SCHEME)
    assert.is_nil(params.HTTPS)
  end)
end)
