--- examples/lnmp before three real php-fpm nodes with a document root each:
-- confined, in the background, its log in a syslog, its page behind a password.
local account = require "support.account"
local example = require "support.example"
local folder = require "support.folder"
local http = require "support.http"
local lfs = require "lfs"
local loop = require "support.loop"
local net = require "support.net"
local php = require "support.php"
local ports = require "support.ports"
local process = require "support.process"

local NODES = 3
local PATIENCE = 30
local LOGIN = "Authorization: Basic YWRtaW46YWJjMTIzNDU2"  -- of the example


describe("examples/lnmp", function()
  local place, nodes, lnmp, syslog, port, page

  setup(function()
    place = folder.make()
    nodes = php.start {
      folder = place .. "/nodes", nodes = NODES, children = 2,
      site = lfs.currentdir() .. "/examples/demo/public",
    }
    local home, www = place .. "/home", place .. "/home/www"
    local status, text = process.run { "sh", "-c", ([[
      mkdir -p %s/html/tp5 %s/temp && cp -r examples/demo/public %s/html/tp5
    ]]):format(www, www, www) }
    assert(status == 0, text)
    account.hand_over("www-data", www .. "/temp")
    syslog = net.listen_udp()
    port, page = unpack(ports.free(2))
    local changes = {
      { "0.0.0.0:80\n", "127.0.0.1:" .. port .. "\n" },
      { "0.0.0.0:8888", "127.0.0.1:" .. page },
      { "127.0.0.1:514", "127.0.0.1:" .. syslog.port },
      { "/run/moongate", home },
      { "chroot   = /var/www", "chroot   = " .. www },
      { "/var/www/temp", www .. "/temp" },
      { "/var/www/html/tp5", www .. "/html/tp5" },
    }
    for i, node in ipairs(nodes) do
      changes[#changes + 1] =
        { ("php%d:9000"):format(i), "127.0.0.1:" .. node.port }
      changes[#changes + 1] =
        { ("/var/www/html/php%d/public"):format(i), node.root }
    end
    lnmp = example.copy("lnmp", home, changes)
    lnmp:start()
  end)

  teardown(function()
    lnmp:stop()
    php.stop(nodes)
    syslog:close()
    folder.remove(place)
  end)

  local function fetch(path)
    return http.fetch(port, "GET " .. path, { "Host: nginx.example.com" })
  end

  it("serves files, and PHP by all nodes in their own roots", function()
    lnmp:wait_states("up up up", PATIENCE)
    assert.are.equal(200, fetch("/logo.png").status)
    local seen = {}
    for _ = 1, 2 * NODES do
      local answer = fetch("/index/blog/read/id/7")
      assert.are.equal(200, answer.status)
      for _, node in ipairs(nodes) do
        if answer.body:find(node.root, 1, true) then
          seen[node.name] = (seen[node.name] or 0) + 1
        end
      end
      assert.is_truthy(answer.body:find("/index/blog/read/id/7", 1, true))
    end
    for _, node in ipairs(nodes) do
      assert.are.equal(2, seen[node.name], node.name)
    end
    assert.are.equal(404, fetch("/logo.png/x.php").status)
    loop.wait_until("records come to the syslog", function()
      return syslog:receive_some(PATIENCE):find("GET /logo.png", 1, true)
    end, PATIENCE)
  end)

  it("shows a killed node down with its reason, and goes on", function()
    lnmp:wait_states("up up up", PATIENCE)
    assert.are.equal(401, http.fetch(page, "GET /status").status)
    nodes[2]:kill()
    for _ = 1, 6 do
      assert.are.equal(200, fetch("/").status)
    end
    lnmp:wait_states("up down up", PATIENCE)
    local body = http.fetch(page, "GET /status", { LOGIN }).body
    assert.is_truthy(body:find("php2", 1, true))
    assert.is_truthy(body:find("Connection refused", 1, true), body)
    nodes[2]:start()
    lnmp:wait_states("up up up", PATIENCE)
  end)
end)
