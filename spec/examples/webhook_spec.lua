--- examples/webhook.lua: bodies that were signed, and that were not.
local fastcgi = require "support.fastcgi"
local folder = require "support.folder"
local http = require "support.http"
local moongate = require "support.moongate"
local process = require "support.process"

local SECRET = ("s"):rep(20)

local CONFIG = [[
  [upstream php]
  server a = 127.0.0.1:${port_php}
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  script = webhook.lua
  script_failure = deny
  route = ~ ^(.+\.php)(/.*)?$ php
  access_log = off
]]


describe("examples/webhook.lua", function()
  local m, php

  before_each(function()
    php = fastcgi.serve(function(request, reply)
      reply:answer("Content-Type: text/plain", request.body)
    end)
    m = moongate.start {
      config = CONFIG, ports = { php = php.port },
      files = {
        ["lua/webhook.lua"] = folder.read("examples/webhook.lua"),
        ["lua/webhook.key"] = SECRET .. "\n",
        ["www/webhook.php"] = "<?php", ["www/index.php"] = "<?php",
      },
    }
  end)

  after_each(function()
    local log = m:log()
    moongate.finish()
    assert.is_nil(log:find("script webhook", 1, true), log)
  end)

  -- By the tools of the system: not by the code that is examined.
  local function sign(body)
    folder.write(m.dir .. "/body", body)
    local status, out = process.run { "openssl", "dgst", "-sha256", "-hmac",
      SECRET, "-r", m.dir .. "/body" }
    assert.are.equal(0, status, out)
    return "sha256=" .. out:match("^%x+")
  end

  local function post(body, signature)
    return http.fetch(m.port.web, "POST /webhook.php", {
      "Content-Length: " .. #body,
      signature and "X-Hub-Signature-256: " .. signature,
    }, body)
  end

  it("lets what is signed through, unchanged", function()
    for _, body in ipairs { '{"zen":"moon"}', ("\0\255x"):rep(40000) } do
      local answer = post(body, sign(body))
      assert.are.equal(200, answer.status)
      assert.is_true(answer.body == body)
    end
  end)

  it("refuses the rest, which PHP never sees", function()
    local body = '{"zen":"moon"}'
    assert.are.equal(401, post(body).status)
    assert.are.equal(403, post(body, sign(body .. " ")).status)
    assert.are.equal(403, post(body, "sha256=").status)
    body = ("x"):rep(262145)
    assert.are.equal(413, post(body, sign(body)).status)
    assert.are.equal(0, #php.requests)
    assert.are.equal(200, http.fetch(m.port.web, "/index.php").status)
  end)

  it("refuses them by each name that runs the file", function()
    for _, path in ipairs {
      "/webhook.php/", "/webhook.php/x", "/webhook.php/x.php?y",
      "//webhook%2ephp", "/x/../webhook.php",
    } do
      local answer = http.fetch(m.port.web, "POST " .. path)
      assert.are.equal(401, answer.status, path)
    end
    assert.are.equal(0, #php.requests)
    assert.are.equal(404, http.fetch(m.port.web, "/webhook.phpx").status)
  end)
end)
