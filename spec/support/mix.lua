--- A mixture of all that clients and servers do to a proxy, good and bad, for
-- specs that look at what is left afterwards.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"

local _M = {}

local CONFIG = [[
  [upstream php]
  server good = 127.0.0.1:${port_good}
  server bad = 127.0.0.1:${port_bad}
  server down = 127.0.0.1:${port_down}
  connect_timeout = 500ms
  keepalive = 2
  [upstream db]
  protocol = tcp
  server one = 127.0.0.1:${port_one}
  server down = 127.0.0.1:${port_down}
  connect_timeout = 500ms
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  body_buffer = 4k
  response_buffer = 16k
  script = rewrite/tp5.lua
  route = ~ ^(.+\.php)(/.*)?$ php
  error_page = 502 503 504 /50x.html
  access_log = combined
  log_to = file:${dir}/access.log
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = tcplog
  log_to = file:${dir}/access.log
]]

local BIG = ("0123456789abcdef"):rep(20000)


-- Each takes the ports, and leaves its connections closed.
_M.DEEDS = 0
local DEEDS = {
  function(port)  -- several requests of one connection
    local client = http.connect(port.web)
    for _, line in ipairs { "GET /a.txt", "GET /index.php/x", "HEAD /a.txt",
                            "GET /none.png", "GET /some/page" } do
      client:exchange(line)
    end
    client:close()
  end,
  function(port)  -- a body that goes through a file
    http.fetch(port.web, "POST /index.php", { "Content-Length: " .. #BIG },
      BIG)
  end,
  function(port)  -- half a body
    local client = http.connect(port.web)
    client:request("POST /index.php", { "Content-Length: " .. #BIG },
      BIG:sub(1, 100000))
    client:reset()
  end,
  function(port)  -- half an answer taken
    local client = http.connect(port.web, { rcvbuf = 4096 })
    client:request("GET /index.php/big")
    client.socket:receive_some()
    client:reset()
  end,
  function(port)  -- half a file taken
    local client = http.connect(port.web, { rcvbuf = 4096 })
    client:request("GET /big.bin")
    client.socket:receive_some()
    client:reset()
  end,
  function(port)  -- nonsense
    http.raw(port.web, "nonsense\r\n\r\n")
    local client = http.connect(port.web)
    client:send("GET / HT")
    client:close()
  end,
  function(port)  -- relays with every kind of end
    local client = assert(net.connect(port.db))
    client:send("hello")
    client:receive_some()
    client:close()
    client = assert(net.connect(port.db))
    client:send("bye")
    client:receive_some()
    client:reset()
    client = assert(net.connect(port.db))
    client:send(BIG:sub(1, 50000))
    client:shutdown()
    client:receive_all()
    client:close()
  end,
}


--- Starts the program before good and bad servers.
-- @param workers  integer
-- @return the instance (see support.moongate)
function _M.start(workers)
  local broken = 0
  local good = fastcgi.serve(function(request, reply)
    if request.params.PATH_INFO == "/big" then
      reply:answer("Content-Type: text/plain", BIG)
    else
      reply:err("a word on the error output")
      reply:answer("Content-Type: text/plain", tostring(#request.body))
    end
  end)
  local bad = fastcgi.serve(function(_, reply)
    broken = broken + 1
    if broken % 3 == 0 then
      reply:out("Content-Type: text/plain\r\n\r\nhalf")
    elseif broken % 3 == 1 then
      reply.socket:send("nonsense")
    end
    reply:reset()
  end)
  return moongate.start {
    config = CONFIG,
    workers = workers,
    ports = {
      good = good.port, bad = bad.port, down = net.reserve().port,
      one = peer.serve(peer.echo).port,
    },
    files = {
      ["www/index.php"] = "<?php", ["www/a.txt"] = "text",
      ["www/big.bin"] = BIG:rep(4), ["www/50x.html"] = "sorry",
    },
  }
end


--- Does everything once.
-- @param m  the instance
function _M.round(m)
  for _, deed in ipairs(DEEDS) do
    -- What the bad server cut off is malformed for the strict client.
    local ok, reason = pcall(deed, m.port)
    if not ok and not tostring(reason):find("cut off", 1, true) then
      error(reason, 0)
    end
  end
end


return _M
