--- maxconn: never more connections to a server than it says, over all workers;
-- what is beyond waits, for queue_timeout at most.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"


-- How many of the clients hear the greeting, and how many are closed.
local function count(clients)
  local served, refused = {}, 0
  for _, client in ipairs(clients) do
    if client:receive_some() then
      served[#served + 1] = client
    else
      refused = refused + 1
    end
  end
  return served, refused
end


describe("maxconn", function()
  after_each(moongate.finish)

  local function connect_all(port, n)
    local clients = {}
    for i = 1, n do
      clients[i] = assert(net.connect(port))
    end
    return clients
  end

  it("is exact over two workers", function()
    local one = peer.serve(peer.greet("one"))
    local two = peer.serve(peer.greet("two"))
    local m = moongate.start {
      workers = 2,
      config = [[
        [upstream db]
        protocol = tcp
        server one = 127.0.0.1:${port_one} maxconn=7
        server two = 127.0.0.1:${port_two} maxconn=3
        queue_timeout = 300ms
        [tcp db]
        listen = 127.0.0.1:${port_db}
        upstream = db
        access_log = off
      ]],
      ports = { one = one.port, two = two.port },
    }

    for _ = 1, 3 do
      local served, refused = count(connect_all(m.port.db, 40))
      assert.are.equal(10, #served)
      assert.are.equal(30, refused)
      assert.are.equal(7, one.open)
      assert.are.equal(3, two.open)
      for _, client in ipairs(served) do
        client:close()
      end
      one:wait_open(0)
      two:wait_open(0)
    end
    assert.are.equal(7, one.most)
    assert.are.equal(3, two.most)
  end)

  it("gives back what a failed connection held", function()
    local refusing = net.reserve()
    local m = moongate.start {
      workers = 2,
      config = [[
        [upstream db]
        protocol = tcp
        server one = 127.0.0.1:${port_one} maxconn=2
        connect_timeout = 500ms
        queue_timeout = 300ms
        retries = 0
        [tcp db]
        listen = 127.0.0.1:${port_db}
        upstream = db
        access_log = off
      ]],
      ports = { one = refusing.port },
    }
    for _ = 1, 5 do
      local served, refused = count(connect_all(m.port.db, 4))
      assert.are.equal(0, #served)
      assert.are.equal(4, refused)
    end
    refusing:close()
    local one = peer.serve(peer.greet("one"), { port = refusing.port })
    local served = count(connect_all(m.port.db, 6))
    assert.are.equal(2, #served)
    assert.are.equal(2, one.most)
  end)

  it("answers 503 to a request that finds no slot", function()
    local listener = fastcgi.listen()
    local m = moongate.start {
      workers = 2,
      config = [[
        [upstream php]
        server one = 127.0.0.1:${port_php} maxconn=2
        queue_timeout = 100ms
        [http web]
        listen = 127.0.0.1:${port_web}
        root = ${dir}/www
        route = ~ \.php$ php
        access_log = off
      ]],
      ports = { php = listener.port },
      files = { ["www/a.php"] = "<?php" },
    }
    local first, second = http.connect(m.port.web), http.connect(m.port.web)
    first:request("GET /a.php")
    local reply = listener:accept()
    second:request("GET /a.php")
    local other = listener:accept()
    for _ = 1, 4 do
      local answer = http.fetch(m.port.web, "/a.php")
      assert.are.equal(503, answer.status)
      assert.is_truthy(answer.headers["retry-after"])
    end
    for _, r in ipairs { reply, other } do
      assert(r:request())
      r:answer("Content-Type: text/plain", "fine")
    end
    assert.are.equal("fine", first:answer().body)
    assert.are.equal("fine", second:answer().body)
    loop.spawn("server", function()
      local r = listener:accept()
      assert(r:request())
      r:answer("Content-Type: text/plain", "again")
    end)
    assert.are.equal("again", first:exchange("GET /a.php").body)
  end)
end)
