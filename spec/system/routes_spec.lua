--- Which route serves a path, in nginx's order of precedence, what its options
-- change, and what is routed again: index files, error pages, rewrites.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local moongate = require "support.moongate"
local net = require "support.net"

local CONFIG = [[
  [upstream php]
  server one = 127.0.0.1:${port_php}
  [upstream down]
  server one = 127.0.0.1:${port_down}
  connect_timeout = 500ms
  retries = 0
  [upstream broken]
  server one = 127.0.0.1:${port_broken}
  retries = 0
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  index = index.php index.html
  route = /a redirect 302 /short
  route = /a/b/ redirect 302 /long
  route = = /a/b/exact redirect 301 /exact?${args}
  route = ^~ /strong/ redirect 302 /strong
  route = ~ \.one$ redirect 302 /one
  route = ~* \.(ONE|two)$ redirect 303 /two
  route = ~ ^/strong/x redirect 302 /never
  route = /closed/ deny
  route = /inside/ internal
  route = /img/ alias=${dir}/pictures/ static
  route = /other/ root=${dir}/elsewhere static
  route = ~ ^/down/.*\.php$ down
  route = ~ ^/broken/.*\.php$ broken
  route = ~ ^(.+\.php)(/.*)?$ php
  error_page = 404 /errors/404.html
  error_page = 502 503 504 /errors/50x.php
  error_page = 403 /closed/403.html
  access_log = off
]]

-- Path, and where it is sent.
local PRECEDENCE = {
  { "/ax", 302, "/short" },
  { "/a/b", 302, "/short" },
  { "/a/b/c", 302, "/long" },
  { "/a/b/exact", 301, "/exact?" },
  { "/a/b/exact?x=1", 301, "/exact?x=1" },
  { "/a/b/exact/more", 302, "/long" },
  { "/a/b/c.one", 302, "/one" },
  { "/a/b/c.ONE", 303, "/two" },
  { "/x.two", 303, "/two" },
  { "/strong/y", 302, "/strong" },
  { "/strong/x.one", 302, "/strong" },
  { "/%61/b/c", 302, "/long" },
  { "/x/../a/b/c", 302, "/long" },
  { "//a//b//c", 302, "/long" },
}


describe("routes", function()
  local php, web

  setup(function()
    php = fastcgi.serve(function(request, reply)
      reply:answer("Content-Type: text/plain\nX-Redirect: "
        .. request.params.REDIRECT_STATUS, request.params.SCRIPT_NAME)
    end)
    local broken = fastcgi.serve(function(_, reply)
      reply.socket:send(fastcgi.stream(6, reply.id, "X-Broken: yes\r\n\r\nhalf")
        .. "no record at all")
      reply:close()
    end)
    local down = net.reserve()
    web = moongate.start {
      config = CONFIG,
      ports = { php = php.port, down = down.port, broken = broken.port },
      files = {
        ["www/index.php"] = "<?php",
        ["www/hello.html"] = "hello",
        ["www/plain/index.html"] = "plain index",
        ["www/none/readme"] = "no index here",
        ["www/closed/secret"] = "secret",
        ["www/inside/file"] = "inside",
        ["www/down/x.php"] = "<?php",
        ["www/broken/x.php"] = "<?php",
        ["www/errors/404.html"] = "not there",
        ["www/errors/50x.php"] = "<?php",
        ["pictures/moon.png"] = "moon",
        ["elsewhere/other/file"] = "elsewhere",
      },
    }.port.web
  end)

  teardown(moongate.finish)

  for _, case in ipairs(PRECEDENCE) do
    it(("send %s to %s"):format(case[1], case[3]), function()
      local answer = http.fetch(web, case[1])
      assert.are.equal(case[2], answer.status)
      local location = answer.headers.location
        :gsub("^http://[^/]*", "")
      assert.are.equal(case[3], location)
    end)
  end

  it("serve what no route matches as a file", function()
    assert.are.equal("hello", http.fetch(web, "/hello.html").body)
  end)

  it("deny with 403", function()
    assert.are.equal(403, http.fetch(web, "/closed/secret").status)
  end)

  it("hide what is internal", function()
    assert.are.equal(404, http.fetch(web, "/inside/file").status)
  end)

  it("put an alias in the place of the prefix", function()
    assert.are.equal("moon", http.fetch(web, "/img/moon.png").body)
    assert.are.equal(404, http.fetch(web, "/img/../pictures/moon.png").status)
    assert.are_not.equal(200,
      http.fetch(web, "/img/..%2fwww/hello.html").status)
  end)

  it("may have a root of their own", function()
    assert.are.equal("elsewhere", http.fetch(web, "/other/file").body)
  end)

  it("are asked again for an index file", function()
    assert.are.equal("/index.php", http.fetch(web, "/").body)
    assert.are.equal("plain index", http.fetch(web, "/plain/").body)
  end)

  it("refuse a folder without an index file", function()
    assert.are.equal(403, http.fetch(web, "/none/").status)
  end)

  it("are asked again for an error page, which keeps the status", function()
    local answer = http.fetch(web, "/nothing/here")
    assert.are.equal(404, answer.status)
    assert.are.equal("not there", answer.body)
  end)

  it("may serve an error page by another upstream", function()
    local answer = http.fetch(web, "/down/x.php")
    assert.is_true(answer.status == 502 or answer.status == 503)
    assert.are.equal("/errors/50x.php", answer.body)
  end)

  it("leave nothing of a broken answer in the error page", function()
    local answer = http.fetch(web, "/broken/x.php")
    assert.are.equal(502, answer.status)
    assert.are.equal("/errors/50x.php", answer.body)
    assert.is_nil(answer.headers["x-broken"])
  end)

  it("send a POST that failed to its error page as a GET", function()
    local answer = http.fetch(web, "POST /nothing", { "Content-Length: 3" },
      "abc")
    assert.are.equal(404, answer.status)
    assert.are.equal("not there", answer.body)
  end)

  it("do not loop for an error page that is an error", function()
    local answer = http.fetch(web, "/closed/")
    assert.are.equal(403, answer.status)
  end)
end)
