--- What must not be read by whoever reads logs: passwords of clients, of checks
-- and of the configuration, cookies and keys, wherever they come in.
local fastcgi = require "support.fastcgi"
local folder = require "support.folder"
local http = require "support.http"
local json = require "dkjson"
local loop = require "support.loop"
local moongate = require "support.moongate"
local mysql = require "support.mysql"
local net = require "support.net"
local process = require "support.process"
local proxyproto = require "support.proxyproto"

local SECRET = "hunter2-in-the-clear"

local CONFIG = [[
  [upstream php]
  server one = 127.0.0.1:${port_php}
  [upstream gone]
  server two = 127.0.0.1:${port_none}
  retries = 0
  [http combined]
  listen = 127.0.0.1:${port_combined}
  trust = 127.0.0.1
  root = ${dir}
  root_is_remote = on
  route = /gone gone
  route = / php
  access_log = combined
  log_null = on
  script = chatty.lua
  [http httplog]
  listen = 127.0.0.1:${port_httplog}
  root = ${dir}
  root_is_remote = on
  route = /gone gone
  route = / php
  access_log = httplog
  log_to = file:${dir}/httplog.log
  [http json]
  listen = 127.0.0.1:${port_json} accept_proxy
  trust = 127.0.0.1
  root = ${dir}
  root_is_remote = on
  route = /gone gone
  route = / php
  access_log = json
  log_to = file:${dir}/json.log
  [upstream sql]
  protocol = mysql
  server three = 127.0.0.1:${port_none}
  retries = 0
  [mysql db]
  listen = 127.0.0.1:${port_db}
  upstream = sql
  access_log = json
  visible = on
]]

local SCRIPT = [[
  local log = require("moongate").log
  local _M = {}
  function _M.request(req)
    log.info("a request of " .. req.client)
    if req.path == "/raise" then
      error("raised on purpose")
    end
  end
  return _M
]]


-- "hunter2..." in base64, as Basic authentication sends it.
local function base64(text)
  local out = folder.make() .. "/in"
  folder.write(out, text)
  local _, encoded = process.run { "base64", "-w0", out }
  folder.remove(out:match("^(.*)/"))
  return (encoded:gsub("%s", ""))
end


describe("a secret", function()
  local m, encoded

  setup(function()
    encoded = base64("user:" .. SECRET)
    m = moongate.start {
      config = CONFIG,
      files = { ["lua/chatty.lua"] = SCRIPT },
      log = "log = stderr level=debug",
      ports = {
        php = fastcgi.serve(function(request, reply)
          if request.params.REQUEST_URI:find("error", 1, true) then
            reply:err("php says that something is wrong")
          end
          reply:answer("Set-Cookie: session=" .. SECRET
            .. "\nContent-Type: text/plain", "ok")
        end).port,
        none = net.reserve().port,
      },
    }
  end)

  teardown(moongate.finish)

  local function headers()
    return {
      "Authorization: Basic " .. encoded, "Cookie: session=" .. SECRET,
      "Proxy-Authorization: Bearer " .. SECRET, "X-Api-Key: " .. SECRET,
    }
  end

  -- Everything that can be read afterwards.
  local function words()
    local all = { m:log() }
    for _, name in ipairs { "httplog.log", "json.log" } do
      all[#all + 1] = folder.read(m.dir .. "/" .. name) or ""
    end
    for _, command in ipairs { "info", "servers", "sessions", "scripts",
                            "pools", "errors" } do
      all[#all + 1] = m:ctl("show " .. command)
      all[#all + 1] = json.encode(m:ctl("show " .. command .. " --json"))
    end
    all[#all + 1] = m:ctl("show metrics")
    return table.concat(all, "\n")
  end

  local function is_nowhere(text)
    local at = words():find(text, 1, true)
    assert.is_nil(at, at and words():sub(math.max(1, at - 200), at + 100))
  end

  it("of a request's fields is in no record and no line", function()
    for _, path in ipairs { "/a.php", "/gone", "/raise", "/error" } do
      http.fetch(m.port.combined, path, headers())
      http.fetch(m.port.httplog, path, headers())
    end
    local v2 = proxyproto.v2("192.0.2.1:1024 192.0.2.2:80",
      proxyproto.tlv(0xe0, SECRET))
    local client = assert(net.connect(m.port.json))
    client:send(v2 .. "GET /a.php HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
      .. table.concat(headers(), "\r\n") .. "\r\n\r\n")
    client:receive_all()
    m:wait_log("raised on purpose")
    m:wait_log("php says that something is wrong")
    m:records("httplog.log", 4)
    m:records("json.log", 1)
    is_nowhere(SECRET)
    is_nowhere(encoded)
  end)

  it("of a head that is refused, cut off or late is not, either", function()
    for _, bytes in ipairs {
      "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic " .. encoded
        .. "\r\nno field\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nCookie : s=" .. SECRET .. "\r\n\r\n",
    } do
      http.raw(m.port.combined, bytes)
    end
    local client = assert(net.connect(m.port.combined))
    client:send("GET /cut HTTP/1.1\r\nCookie: s=" .. SECRET)
    loop.watch(0.05)
    client:close()
    m:wait_log("GET /cut")
    is_nowhere(SECRET)
    is_nowhere(encoded)
  end)

  it("of a target's user is not", function()
    local bytes = ("GET http://user:%s@a/userinfo HTTP/1.1\r\nHost: a\r\n"
      .. "Connection: close\r\n\r\n"):format(SECRET)
    for _, port in ipairs { m.port.combined, m.port.httplog } do
      http.raw(port, bytes)
    end
    local client = assert(net.connect(m.port.json))
    client:send("PROXY TCP4 192.0.2.1 192.0.2.2 1024 80\r\n" .. bytes)
    client:receive_all()
    m:wait_log('"GET http://" 400')
    m:records("json.log", 2)
    is_nowhere(SECRET)
  end)

  it("of a login that fails is not", function()
    local client = assert(net.connect(m.port.db))
    mysql.receive(client)
    client:send(mysql.packet(1, "\15\162\10\0" .. ("\0"):rep(3) .. "\1\45"
      .. ("\0"):rep(23) .. "root\0" .. string.char(#SECRET) .. SECRET
      .. "shop\0mysql_native_password\0"))
    client:receive_some(5)
    client:close()
    m:wait_log('"user":"root"')
    is_nowhere(SECRET)
  end)

  it("of a configuration that is refused is not", function()
    local file = m.dir .. "/bad.ini"
    folder.write(file, ("[global]\n[stats s]\nlisten = 127.0.0.1:1\n"
      .. "auth = admin:%s\nauht = admin:%s\n[upstream a]\n"
      .. "server a = 127.0.0.1:1\ncheck = mysql user=u pasword=%s\n")
      :format(SECRET, SECRET, SECRET))
    local status, text = process.run {
      moongate.build() .. "/moongate", "check", "-c", file,
    }
    assert.are.equal(1, status)
    assert.is_nil(text:find(SECRET, 1, true), text)
  end)
end)
