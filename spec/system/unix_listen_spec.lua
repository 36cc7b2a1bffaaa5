--- Unix sockets, on both sides.
local fastcgi = require "support.fastcgi"
local folder = require "support.folder"
local http = require "support.http"
local lfs = require "lfs"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"

local CONFIG = [[
  [upstream php]
  server one = unix:%s/php.sock
  [upstream db]
  protocol = tcp
  server one = unix:%s/db.sock
  [http web]
  listen = unix:${dir}/web.sock
  trust = unix:
  root = ${dir}/www
  route = ~ \.php$ php
  access_log = off
  [tcp db]
  listen = unix:${dir}/in.sock
  upstream = db
  access_log = off
]]


describe("unix sockets", function()
  local m, place

  before_each(function()
    place = folder.make()
    fastcgi.serve(fastcgi.shows_params, { unix = place .. "/php.sock" })
    peer.serve(peer.greet("db"), { unix = place .. "/db.sock" })
    m = moongate.start {
      config = CONFIG:format(place, place),
      workers = 2,
      files = { ["www/a.php"] = "<?php", ["www/hello.txt"] = "hello" },
    }
  end)

  after_each(function()
    moongate.finish()
    folder.remove(place)
  end)

  it("serve HTTP, from files and by FastCGI", function()
    for _ = 1, 10 do
      assert.are.equal("hello",
        http.fetch(m.dir .. "/web.sock", "/hello.txt").body)
      local body = http.fetch(m.dir .. "/web.sock", "/a.php").body
      assert.is_truthy(body:find("SCRIPT_NAME=/a.php", 1, true))
    end
  end)

  it("are trusted by unix:", function()
    local body = http.fetch(m.dir .. "/web.sock", "/a.php",
      { "X-Forwarded-For: 203.0.113.5" }).body
    assert.is_truthy(body:find("REMOTE_ADDR=203.0.113.5\n", 1, true), body)
  end)

  it("relay TCP", function()
    local client = assert(net.connect(m.dir .. "/in.sock"))
    client:send("x")
    assert.are.equal("dbx", client:receive(3))
    client:shutdown()
    assert.are.equal("", (client:receive_all()))
  end)

  it("are removed at the end", function()
    m:stop()
    assert.is_nil(lfs.attributes(m.dir .. "/web.sock"))
    assert.is_nil(lfs.attributes(m.dir .. "/in.sock"))
  end)
end)
