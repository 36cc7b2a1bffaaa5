--- Requests and FastCGI answers with bytes changed, cut, doubled and moved:
-- whatever comes of them, the worker lives, and what is right is served.
--
-- MOONGATE_MUTATIONS says how many (a soak takes millions), MOONGATE_SEED
-- which.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"

local COUNT = tonumber(os.getenv("MOONGATE_MUTATIONS")) or 3000
local SEED = tonumber(os.getenv("MOONGATE_SEED")) or 20261124
local CLIENTS = 20

local CONFIG = [[
  [upstream php]
  server one = 127.0.0.1:${port_php}
  server two = 127.0.0.1:${port_php}
  keepalive = 2
  server_timeout = 100ms
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  header_timeout = 100ms
  client_timeout = 100ms
  keepalive_timeout = 100ms
  body_buffer = 4k
  response_buffer = 16k
  trust = 127.0.0.0/8
  index = index.html
  script = rewrite/tp5.lua
  error_page = 404 /404.html
  error_page = 502 503 504 /error.php
  route = /old redirect 301 /new/${args}${http_cookie}
  route = ~ ^(.+\.php)(/.*)?$ php
  access_log = combined
  log_to = file:${dir}/access.log
]]

local REQUESTS = {
  "GET /hello.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1,3-5,-2\r\n"
    .. "If-Range: \"x\"\r\n\r\n",
  "POST /index.php/x/y?z=1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked"
    .. "\r\n\r\n5;a=b\r\nhello\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n",
  "POST /index.php HTTP/1.1\r\nHost: a.b:80\r\nContent-Length: 10\r\n"
    .. "Expect: 100-continue\r\nCookie: a=b; c=d\r\n\r\n0123456789"
    .. "GET / HTTP/1.1\r\nHost: b\r\n\r\n",
  "GET http://h/%7euser/../x//y%2fz?q HTTP/1.0\r\nConnection: keep-alive\r\n"
    .. "X-Forwarded-For: 1.1.1.1, ::1\r\nIf-None-Match: W/\"a\", *\r\n"
    .. "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n",
  "HEAD /folder?x HTTP/1.1\r\nHost: [::1]:8\r\nAccept: */*\r\n\r\n"
    .. "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
}

local ANSWERS = {
  "Status: 200 OK\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\nhello",
  "Location: /x\nSet-Cookie: a\n\nbody",
  "X-Accel-Redirect: /hello.txt?x\r\n\r\n",
}

local WORDS = {
  "\r\n", "\n", "\0", "%", "..", "/", ":", "chunked", "99999999999", "bytes=",
  "\r\n\r\n", ";", "0\r\n",
}

-- What may be done to a text at place I, up to place J.
local CHANGES = {
  function(text, i)
    return text:sub(1, i - 1) .. string.char(math.random(0, 255))
      .. text:sub(i + 1)
  end,
  function(text, i, j)
    return text:sub(1, i) .. text:sub(j)
  end,
  function(text, i, j)
    return text:sub(1, j) .. text:sub(i)
  end,
  function(text, i)
    return text:sub(1, i) .. WORDS[math.random(#WORDS)] .. text:sub(i + 1)
  end,
  function(text, i)
    return text:sub(1, i)
  end,
}


local function mutate(text)
  for _ = 1, math.random(0, 4) do
    local i = math.random(1, #text)
    local j = math.min(#text, i + math.random(0, 20))
    text = CHANGES[math.random(#CHANGES)](text, i, j)
  end
  return text
end


local function answer(_, reply)
  local bytes = fastcgi.stream(6, 1, mutate(ANSWERS[math.random(#ANSWERS)]))
    .. fastcgi.stream(7, 1, "noise") .. fastcgi.ending(1)
  reply.socket:send(math.random(2) == 1 and mutate(bytes) or bytes)
  local how = math.random(10)
  if how <= 3 then
    reply:reset()
  elseif how <= 8 then
    reply:close()
  end
end


local function ask(port)
  local socket = assert(net.connect(port))
  local text = mutate(REQUESTS[math.random(#REQUESTS)])
  local at = math.random(#text)
  socket:send(text:sub(1, at))
  if math.random(3) == 1 then
    loop.watch(0.001)
  end
  socket:send(text:sub(at + 1))
  if math.random(10) == 1 then
    socket:reset()
    return
  end
  if math.random(2) == 1 then
    socket:shutdown()
  end
  socket:receive_all(30)
  socket:close()
end


describe("changed bytes", function()
  after_each(moongate.finish)

  it("end no worker", function()
    math.randomseed(SEED)
    local m = moongate.start {
      config = CONFIG,
      ports = { php = fastcgi.serve(answer).port },
      files = {
        ["www/index.php"] = "<?php", ["www/error.php"] = "<?php",
        ["www/hello.txt"] = ("hello"):rep(1000), ["www/404.html"] = "404",
        ["www/folder/index.html"] = "index",
      },
    }
    local asked, running = 0, CLIENTS
    for _ = 1, CLIENTS do
      loop.spawn("client", function()
        while asked < COUNT do
          asked = asked + 1
          ask(m.port.web)
        end
        running = running - 1
      end)
    end
    loop.wait_until("all have asked", function()
      return running == 0
    end, COUNT)
    assert.are.equal(5000, #http.fetch(m.port.web, "/hello.txt").body)
    assert.are.same(m.first_workers, m:workers())
  end)
end)
