--- examples/jwt_check.lua: tokens that others made, good ones and bad ones.
local fastcgi = require "support.fastcgi"
local folder = require "support.folder"
local http = require "support.http"
local moongate = require "support.moongate"
local process = require "support.process"

local KEY = ("k"):rep(32)
local EXAMPLE = folder.read("examples/jwt_check.lua")
local FAR = 4102444800  -- 2100
local HS256 = '{"alg":"HS256","typ":"JWT"}'

local CONFIG = [[
  [upstream php]
  server a = 127.0.0.1:${port_php}
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  script = jwt_check.lua
  script = rewrite/front_controller.lua
  script_failure = deny
  route = ~ ^(.+\.php)(/.*)?$ php
  access_log = off
]]


-- By the tools of the system: not by the code that is examined.
local function pipe(text, command)
  local status, out = process.run { "sh", "-c", ("printf %%s '%s' | %s"):format(
    text, command) }
  assert.are.equal(0, status, out)
  return (out:gsub("%s", ""):gsub("+", "-"):gsub("/", "_"):gsub("=", ""))
end


local function sign(head, claims, key)
  local signed = pipe(head, "base64") .. "." .. pipe(claims, "base64")
  return signed .. "." .. pipe(signed,
    "openssl dgst -sha256 -binary -hmac " .. (key or KEY) .. " | base64")
end


local function claims_for(sub, exp)
  return ('{"sub":"%s","exp":%d}'):format(sub, exp)
end


describe("examples/jwt_check.lua", function()
  local m, php

  before_each(function()
    php = fastcgi.serve(fastcgi.names("php"))
    m = moongate.start {
      config = CONFIG, ports = { php = php.port },
      files = {
        ["lua/jwt_check.lua"] = EXAMPLE, ["lua/jwt.key"] = KEY .. "\n",
        ["www/index.php"] = "<?php",
      },
    }
  end)

  after_each(function()
    local log = m:log()
    moongate.finish()
    assert.is_nil(log:find("script jwt_check", 1, true), log)
  end)

  local function ask(token, path)
    return http.fetch(m.port.web, path or "/api/items", {
      "X-User: root", token and "Authorization: Bearer " .. token,
    })
  end

  local function user()
    return php.requests[#php.requests].params.HTTP_X_USER
  end

  it("lets who has a token in, by his name", function()
    local token = sign(HS256, claims_for("li", FAR))
    assert.are.equal(200, ask(token).status)
    assert.are.equal("li", user())
    assert.are.equal(200, ask(token, "/shop").status)
    assert.are.equal("li", user())
  end)

  it("takes the name from who has none", function()
    assert.are.equal(200, ask(nil, "/shop").status)
    assert.is_nil(user())
    local answer = ask(nil)
    assert.are.equal(401, answer.status)
    assert.are.equal("Bearer", answer.headers["www-authenticate"])
  end)

  it("protects each path that comes to the API", function()
    for _, path in ipairs {
      "/api", "/api/", "/index.php/api", "/index.php/api/items",
      "//index.php//api/items", "/index%2ephp/x/../api/items",
    } do
      assert.are.equal(401, ask(nil, path).status, path)
    end
    assert.are.equal(0, #php.requests)
    for _, path in ipairs { "/apiary", "/index.php/apiary", "/shop/api/" } do
      assert.are.equal(200, ask(nil, path).status, path)
    end
  end)

  it("refuses what does not count", function()
    local good = sign(HS256, claims_for("li", FAR))
    local tokens = {
      expired = sign(HS256, claims_for("li", 1700000000)),
      ["another key"] = sign(HS256, claims_for("li", FAR), ("x"):rep(32)),
      ["another algorithm"] = sign('{"alg":"none"}', claims_for("li", FAR)),
      ["no algorithm"] = sign("null", claims_for("li", FAR)),
      ["no expiry"] = sign(HS256, '{"sub":"li"}'),
      ["no user"] = sign(HS256, ('{"exp":%d}'):format(FAR)),
      ["a user of two lines"] = sign(HS256, claims_for("li\\u000aX: y", FAR)),
      ["claims that are no object"] = sign(HS256, "7"),
      ["claims that are null"] = sign(HS256, "null"),
      ["no signature"] = good:match("^.+%."),
      ["two parts"] = good:match("^[^.]+%.[^.]+"),
      ["four parts"] = good .. ".x",
      ["padded"] = good .. "=",
      ["no base64"] = "!!!.!!!.!!!",
      ["other claims"] = good:gsub("%.[^.]+%.",
        "." .. pipe(claims_for("root", FAR), "base64") .. "."),
    }
    for name, token in pairs(tokens) do
      assert.are.equal(401, ask(token).status, name)
    end
    assert.are.equal(0, #php.requests)
  end)
end)


describe("examples/jwt_check.lua, loaded", function()
  after_each(moongate.finish)

  for name, key in pairs {
    ["no key"] = false,
    ["a key that is too short"] = "secret\n",
  } do
    it("refuses " .. name, function()
      local m = moongate.prepare {
        config = CONFIG, ports = { php = 9 },
        files = {
          ["lua/jwt_check.lua"] = EXAMPLE, ["www/index.php"] = "<?php",
          [key and "lua/jwt.key" or "lua/other.key"] = key or "",
        },
      }
      local status, said = process.run {
        moongate.build() .. "/moongate", "check", "-c", m.file,
      }
      assert.are.equal(1, status)
      assert.is_truthy(said:find("jwt.key", 1, true), said)
    end)
  end
end)
