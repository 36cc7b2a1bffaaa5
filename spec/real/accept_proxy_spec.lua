--- PROXY headers as HAProxy, nginx and curl write them, and the chain HAProxy,
-- Moongate, MariaDB: the database sees the very first client.
local folder = require "support.folder"
local galera = require "support.galera"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local ports = require "support.ports"
local process = require "support.process"

local CLIENT = "127.0.0.9"

local HAPROXY = [[
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen db
  bind 127.0.0.1:${port}
  server moongate 127.0.0.1:${to} ${options}
]]

local NGINX = [[
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log stderr error;
events {
}
stream {
    server {
        listen 127.0.0.1:${port};
        proxy_pass 127.0.0.1:${to};
        proxy_protocol on;
    }
}
]]


local fronts = {}


-- Starts a program in front of the port TO.
-- @return the port that it listens on
local function in_front(argv, template, place, to, options)
  local port = ports.free(1)[1]
  local file, out = place .. "/conf", place .. "/out"
  folder.write(file, (template:gsub("%${(%w+)}", {
    folder = place, port = port, to = to, options = options or "",
  })))
  argv[#argv + 1] = file
  local program = process.spawn(argv, { stdout = out, stderr = out })
  fronts[#fronts + 1] = program
  local listening = (":%04X 00000000:0000 0A"):format(port)
  loop.wait_until(argv[1] .. " listens", function()
    assert(program:alive(), folder.read(out))
    return folder.read("/proc/net/tcp"):find(listening, 1, true)
  end)
  return port
end


local function end_fronts()
  for i, front in ipairs(fronts) do
    front:kill("TERM")
    front:wait()
    fronts[i] = nil
  end
end


local function haproxy(place, to, options)
  return in_front({ "haproxy", "-db", "-f" }, HAPROXY, place, to, options)
end


local function nginx(place, to)
  return in_front({ "nginx", "-e", "stderr", "-c" }, NGINX, place, to)
end


describe("Moongate behind a proxy", function()
  local place, m

  before_each(function()
    place = folder.make()
    m = moongate.start {
      config = [[
        [upstream db]
        protocol = tcp
        server one = 127.0.0.1:${port_one}
        [tcp db]
        listen = 127.0.0.1:${port_db} accept_proxy
        trust = 127.0.0.1
        upstream = db
        access_log = ${remote_addr}:${remote_port} ${server_addr}:${server_port}
        log_to = file:${dir}/records
        [http web]
        listen = 127.0.0.1:${port_web} accept_proxy
        trust = 127.0.0.0/8
        root = ${dir}/www
        header = X-Client ${remote_addr}:${remote_port}
        access_log = off
      ]],
      ports = { one = peer.serve(peer.echo).port },
      files = { ["www/hello.txt"] = "hello" },
    }
  end)

  after_each(function()
    end_fronts()
    moongate.finish()
    folder.remove(place)
  end)

  local function errors()
    return m:section("tcp db").errors
  end

  for name, front in pairs {
    ["HAProxy's send-proxy"] = { haproxy, "send-proxy" },
    ["HAProxy's send-proxy-v2"] = { haproxy, "send-proxy-v2" },
    ["HAProxy's send-proxy-v2 with all that it can add"] = {
      haproxy, "send-proxy-v2 proxy-v2-options ssl,authority,crc32c,unique-id",
    },
    ["nginx's proxy_protocol"] = { nginx },
  } do
    it("takes " .. name, function()
      local port = front[1](place, m.port.db, front[2])
      local client = assert(net.connect(port, { from = CLIENT }))
      client:send("hello")
      assert.are.equal("hello", client:receive(5))
      client:close()
      assert.are.equal(("%s:%d 127.0.0.1:%d"):format(CLIENT, client.port, port),
        m:records("records", 1)[1])
      assert.are.equal(0, errors())
    end)
  end

  it("is up for HAProxy's checks, which have a header of their own", function()
    local port = haproxy(place, m.port.db,
      "send-proxy-v2 check inter 50 fall 1 rise 1")
    loop.wait_until("some checks have come", function()
      return m:section("tcp db").requests >= 5
    end)
    local client = assert(net.connect(port, { from = CLIENT }))
    client:send("hello")
    assert.are.equal("hello", client:receive(5))
    assert.is_nil(m:log():find("refused", 1, true))
  end)

  it("takes curl's --haproxy-protocol, and serves what follows", function()
    local url = ("http://127.0.0.1:%d/hello.txt"):format(m.port.web)
    local status, text = process.run({
      "curl", "-s", "-S", "--noproxy", "*", "--haproxy-protocol", "-D", "-",
      "--interface", CLIENT, "-w", "%{local_port}", url, url,
    })
    assert.are.equal(0, status, text)
    local n = 0
    for client, port in text:gmatch("X%-Client: ([%d.]+):(%d+)") do
      assert.are.equal(CLIENT, client)
      assert.is_truthy(text:find("hello" .. port, 1, true), text)
      n = n + 1
    end
    assert.are.equal(2, n, text)
  end)
end)


describe("HAProxy, Moongate, MariaDB", function()
  local place, cluster

  setup(function()
    place = folder.make()
    cluster = galera.start({ folder = place, nodes = 1 })
    cluster.nodes[1]:sql("SET GLOBAL proxy_protocol_networks = '127.0.0.1'")
  end)

  teardown(function()
    if cluster then
      cluster:stop()
    end
    folder.remove(place)
  end)

  after_each(function()
    end_fronts()
    moongate.finish()
  end)

  local function pump(from, to)
    while true do
      local bytes = from:receive_some()
      if not bytes or not to:send(bytes) then
        to:shutdown()
        return
      end
    end
  end

  -- The mariadb client has no say in where it comes from: this comes from
  -- CLIENT for it.
  local function come_from_client(port)
    return peer.serve(function(connection)
      local onward = assert(net.connect(port, { from = CLIENT }))
      loop.spawn("answers", function()
        pump(onward, connection)
      end)
      pump(connection, onward)
    end).port
  end

  for _, case in ipairs {
    { "send-proxy", "v2" }, { "send-proxy-v2", "v1" },
    { "send-proxy-v2 proxy-v2-options crc32c", "v2" },
  } do
    it(("by %s and %s: the database sees the first client"):format(
       case[1], case[2]), function()
      local m = moongate.start {
        config = ([[
          [upstream db]
          protocol = mysql
          send_proxy = %s
          server one = 127.0.0.1:${port_one}
          [mysql db]
          listen = 127.0.0.1:${port_db} accept_proxy
          trust = 127.0.0.1
          upstream = db
          access_log = tcplog
          log_to = file:${dir}/records
        ]]):format(case[2]),
        ports = { one = cluster.nodes[1].port },
      }
      local port = come_from_client(haproxy(m.dir, m.port.db, case[1]))
      local row = assert(galera.query(port, "SELECT USER(), HOST FROM"
        .. " information_schema.processlist WHERE ID = CONNECTION_ID()"))
      local user, host = row:match("^(%S+)\t(%S+)$")
      assert.are.equal("app@" .. CLIENT, user)
      -- The record names the same client, with its own port.
      local record = m:records("records", 1)[1]
      assert.is_truthy(record:find(host .. " [", 1, true), record)
      assert.are.equal(CLIENT, host:match("^[^:]+"))
    end)
  end
end)
