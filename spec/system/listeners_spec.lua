--- Addresses: of either version, several of a section, names of servers.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"

local CONFIG = [[
  [upstream php]
  server one = localhost:${port_php}
  [upstream db]
  protocol = tcp
  server one = localhost:${port_one}
  [http web]
  listen = 127.0.0.1:${port_web}
  listen = 127.0.0.2:${port_web}
  listen = [::1]:${port_six}
  root = ${dir}/www
  route = ~ \.php$ php
  access_log = combined
  log_to = file:${dir}/access.log
  [tcp db]
  listen = 127.0.0.1:${port_db}
  listen = [::1]:${port_db}
  upstream = db
  access_log = off
]]


describe("listeners", function()
  local m

  before_each(function()
    m = moongate.start {
      config = CONFIG,
      ports = {
        php = fastcgi.serve(fastcgi.shows_params).port,
        one = peer.serve(peer.greet("db")).port,
      },
      workers = 2,
      files = { ["www/a.php"] = "<?php" },
    }
  end)

  after_each(moongate.finish)

  -- The parameters that a request over an address comes to.
  local function params(port, host)
    local client = http.connect(port, { host = host })
    local body = client:exchange("GET /a.php").body
    return function(name)
      return body:match("%f[%u]" .. name .. "=(%S+)")
    end
  end

  it("tell the servers which address it was", function()
    for _, case in ipairs {
      { m.port.web, "127.0.0.1", "127.0.0.1" },
      { m.port.web, "127.0.0.2", "127.0.0.1" },
      { m.port.six, "::1", "::1" },
    } do
      local param = params(case[1], case[2])
      assert.are.equal(case[2], param("SERVER_ADDR"))
      assert.are.equal(tostring(case[1]), param("SERVER_PORT"))
      assert.are.equal(case[3], param("REMOTE_ADDR"))
    end
  end)

  it("name a client of version 6 in the record", function()
    params(m.port.six, "::1")
    assert.is_truthy(m:records("access.log", 1)[1]:find("^::1 %- "))
  end)

  it("relay for clients of either version", function()
    for _, host in ipairs { "127.0.0.1", "::1" } do
      local client = assert(net.connect(m.port.db, { host = host }))
      assert.are.equal("db", client:receive(2))
    end
  end)
end)
