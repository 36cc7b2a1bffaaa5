--- ThinkPHP 5's rewrite: what is no file becomes PATH_INFO of index.php.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local moongate = require "support.moongate"

local CONFIG = [[
  [upstream php]
  server one = 127.0.0.1:${port_php}
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  index = index.php index.html
  script = rewrite/tp5.lua
  route = ~ ^(.+\.php)(/.*)?$ php
  access_log = off
]]

-- Request, SCRIPT_NAME, PATH_INFO, QUERY_STRING.
local DYNAMIC = {
  { "/", "/index.php", "/", "" },
  { "/index/blog/read/id/7?x=1", "/index.php", "/index/blog/read/id/7",
    "x=1" },
  { "/index.php/index/blog?x=1&x=2", "/index.php", "/index/blog", "x=1&x=2" },
  { "/index.php", "/index.php", "", "" },
  { "/index.php/a.php/b", "/index.php", "/a.php/b", "" },
  { "/admin.php/user/list", "/admin.php", "/user/list", "" },
  { "/index/a%20b/%E6%9C%88", "/index.php", "/index/a b/\230\156\136", "" },
  { "/style.css.map", "/index.php", "/style.css.map", "" },
  { "/uploads/none.png", "/index.php", "/uploads/none.png", "" },
}


describe("rewrite/tp5.lua", function()
  local php, web

  setup(function()
    php = fastcgi.serve(fastcgi.names("php"))
    web = moongate.start({
      config = CONFIG,
      ports = { php = php.port },
      files = {
        ["www/index.php"] = "<?php secret",
        ["www/admin.php"] = "<?php secret",
        ["www/style.css"] = "body {}",
        ["www/uploads/photo.jpg"] = "photo",
        ["www/.git/config"] = "secret",
      },
    }).port.web
  end)

  teardown(moongate.finish)

  for _, case in ipairs(DYNAMIC) do
    it("sends " .. case[1] .. " to " .. case[2] .. case[3], function()
      assert.are.equal("php", http.fetch(web, case[1]).body)
      local params = php.requests[#php.requests].params
      assert.are.equal(case[2], params.SCRIPT_NAME)
      assert.are.equal(case[3], params.PATH_INFO or "")
      assert.are.equal(case[4], params.QUERY_STRING)
      assert.are.equal(case[1], params.REQUEST_URI)
    end)
  end

  it("leaves files alone", function()
    local runs = #php.requests
    assert.are.equal("body {}", http.fetch(web, "/style.css?v=2").body)
    assert.are.equal("photo", http.fetch(web, "/uploads/photo.jpg").body)
    assert.are.equal(206, http.fetch(web, "/uploads/photo.jpg",
      { "Range: bytes=0-0" }).status)
    assert.are.equal(runs, #php.requests)
  end)

  it("runs nothing below a file", function()
    local runs = #php.requests
    assert.are.equal(404, http.fetch(web, "/uploads/photo.jpg/x.php").status)
    assert.are.equal(404, http.fetch(web, "/uploads/photo.jpg/x").status)
    assert.are.equal(runs, #php.requests)
  end)

  it("does not see dot-files and paths above the root", function()
    local runs = #php.requests
    assert.are.equal(404, http.fetch(web, "/.git/config").status)
    assert.are.equal(400, http.fetch(web, "/../etc/passwd").status)
    assert.are.equal(400, http.fetch(web, "/%2e%2e/etc/passwd").status)
    assert.are.equal(runs, #php.requests)
  end)

  it("carries a POST with its body", function()
    local answer = http.fetch(web, "POST /index/save",
      { "Content-Length: 5" }, "a=b&c")
    assert.are.equal("php", answer.body)
    local request = php.requests[#php.requests]
    assert.are.equal("POST", request.params.REQUEST_METHOD)
    assert.are.equal("/index/save", request.params.PATH_INFO)
    assert.are.equal("a=b&c", request.body)
  end)
end)
