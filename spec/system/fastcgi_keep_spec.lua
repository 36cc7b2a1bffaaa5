--- Kept connections to FastCGI servers: used again when there is one, never in
-- the way of a request, and never the reason of an error.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"

local CONFIG = [[
  [upstream php]
  server one = 127.0.0.1:${port_php}
  keepalive = %d
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  route = ~ \.php$ php
  access_log = off
]]


describe("a connection to a FastCGI server", function()
  local listener, client, web

  local function start(keepalive)
    listener = fastcgi.listen()
    local m = moongate.start {
      config = CONFIG:format(keepalive),
      ports = { php = listener.port },
      files = { ["www/a.php"] = "<?php" },
    }
    web = m.port.web
    client = http.connect(web)
  end

  after_each(moongate.finish)

  -- One request over a connection that the server has already, or a new one.
  local function serve(reply, line)
    client:request(line or "GET /a.php")
    reply = reply or listener:accept()
    local request = assert(reply:request())
    reply:answer("Content-Type: text/plain", "fine")
    assert.are.equal("fine", client:answer().body)
    return reply, request
  end

  it("is closed after each request unless keepalive says otherwise",
    function()
      start(0)
      for _ = 1, 3 do
        local _, request = serve()
        assert.is_false(request.keep)
      end
    end)

  it("is used again", function()
    start(2)
    local reply, request = serve()
    assert.is_true(request.keep)
    for _ = 1, 5 do
      serve(reply)
    end
    assert.is_true(listener:nobody_connects(0.05))
  end)

  it("is replaced when the server has closed it", function()
    start(2)
    local reply = serve()
    reply:close()
    reply = serve()
    reply:reset()
    serve()
  end)

  it("is replaced when the server closes it at the next request", function()
    start(2)
    local reply = serve()
    client:request("GET /a.php")
    assert(reply:request())
    reply:close()
    reply = listener:accept()
    assert(reply:request())
    reply:answer("Content-Type: text/plain", "again")
    assert.are.equal("again", client:answer().body)
  end)

  it("is not used again when more came than the answer", function()
    start(2)
    client:request("GET /a.php")
    local reply = listener:accept()
    assert(reply:request())
    local function answer(text)
      return fastcgi.stream(6, reply.id, "X-A: b\r\n\r\n" .. text)
        .. fastcgi.ending(reply.id)
    end
    reply.socket:send(answer("mine") .. answer("stale"))
    assert.are.equal("mine", client:answer().body)
    serve()
  end)

  it("is replaced for a POST that it could not take", function()
    start(2)
    local reply = serve()
    reply:close()
    serve(nil, "POST /a.php")
  end)

  it("is not used again after an answer that was cut off", function()
    start(2)
    client:request("GET /a.php")
    local reply = listener:accept()
    assert(reply:request())
    reply:out("Content-Type: text/plain\r\n\r\nhalf")
    client:answer_head()
    client:reset()
    loop.wait_until("it is closed", function()
      return not reply:out("more")
    end)
    client = http.connect(web)
    serve()
  end)

  it("is kept in the given number and no more", function()
    start(2)
    local replies, clients = {}, {}
    for i = 1, 5 do
      clients[i] = http.connect(web)
      clients[i]:request("GET /a.php")
      replies[i] = listener:accept()
      assert(replies[i]:request())
    end
    local open = 5
    for i = 1, 5 do
      replies[i]:answer("Content-Type: text/plain", "fine")
      assert.are.equal("fine", clients[i]:answer().body)
      local reply = replies[i]
      loop.spawn("end of " .. i, function()
        if not reply.socket:receive_some(math.huge) then
          open = open - 1
        end
      end)
    end
    loop.wait_until("two are left", function()
      return open == 2
    end)
  end)
end)
