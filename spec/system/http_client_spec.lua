--- Scripts of workers as clients of HTTP servers: names, TLS with a real nginx,
-- kept connections, and an end that leaves nothing.
local dns = require "support.dns"
local etc = require "support.etc"
local folder = require "support.folder"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local nginx = require "support.nginx"
local peer = require "support.peer"
local ports = require "support.ports"
local process = require "support.process"
local tls = require "support.tls"

local CONFIG = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  script = ask.lua
]]
local HEAD = [[
local moongate = require "moongate"
local http, tcp = moongate.http, moongate.tcp
local function show(what, answer, why)
  print(what .. ": " .. (answer and answer.status .. " " .. answer.body
    or why) .. ".")
end
]]
local OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


local function answer(connection)
  while connection:receive_until("\r\n\r\n", math.huge) do
    connection:send(OK)
  end
end


-- Starts a worker whose script has this body.  Memory that was given back would
-- be kept by the sanitizer, and TLS takes it its time.
local function start(body, options)
  options = options or {}
  options.config = CONFIG
  options.global = options.global or "script_budget = 1s"
  options.env = options.env or { SSL_CERT_FILE = false }
  options.env.ASAN_OPTIONS = (os.getenv("ASAN_OPTIONS") or "")
    .. ":quarantine_size_mb=1:thread_local_quarantine_size_kb=64"
  options.files = options.files or {}
  options.files["lua/ask.lua"] = HEAD .. body .. "\nreturn {}\n"
  return moongate.start(options)
end


-- How many sockets a process has.
local function sockets(pid)
  local count = 0
  for _, file in ipairs(process.fds(pid)) do
    if file.target:find("^socket") then
      count = count + 1
    end
  end
  return count
end


describe("a worker's script asks", function()
  local files, server

  before_each(function()
    server = peer.serve(answer)
  end)

  after_each(function()
    moongate.finish()
    if files then
      files:remove()
      files = nil
    end
  end)

  it("by a name, of whose addresses one refuses", function()
    local names = dns.serve {
      ["one.test"] = { "127.0.0.5", "127.0.0.1" },
      ["two.test"] = { "127.0.0.1", "127.0.0.5" },
      ["dead.test"] = { "127.0.0.5", "127.0.0.6" },
      ["silent.test"] = false,
    }
    files = etc.make {
      hosts = "127.0.0.1 host.test\n", resolv = etc.name_server(names.port),
    }
    local m = start(([[
      local PORT = %d
      moongate.after(0, function()
        for _, name in ipairs { "host", "one", "two", "dead", "none" } do
          show(name, http.get(("http://%%s.test:%%d/"):format(name, PORT)))
        end
        show("silent", http.get("http://silent.test/", { timeout = 0.2 }))
        local connection = assert(tcp.connect("one.test", PORT))
        assert(connection:send("GET / HTTP/1.0\r\n\r\n"))
        print("tcp: " .. connection:receive())
      end)
    ]]):format(server.port), { wrap = files.wrap })
    m:wait_log("host: 200 ok%.")
    m:wait_log("one: 200 ok%.")
    m:wait_log("two: 200 ok%.")
    m:wait_log("dead: connection refused%.")
    m:wait_log("none: there is no such name%.")
    m:wait_log("silent: timeout%.")
    m:wait_log("tcp: HTTP/1.1 200 OK")
  end)

  it("with lookups, exchanges and kept connections open, and ends", function()
    local names = dns.serve { ["silent.test"] = false }
    files = etc.make { resolv = etc.name_server(names.port) }
    local silent = peer.serve(peer.sink)
    local m = start(([[
      moongate.after(0, function()
        show("kept", http.get("http://127.0.0.1:%d/"))
      end)
      moongate.after(0, function()
        http.get("http://127.0.0.1:%d/", { timeout = 3600 })
      end)
      moongate.after(0, function()
        http.get("http://silent.test/", { timeout = 3600 })
      end)
    ]]):format(server.port, silent.port), { wrap = files.wrap })
    m:wait_log("kept: 200 ok%.")
    silent:wait_open(1)
    loop.wait_until("the name is asked for", function()
      return (names.asked["silent.test"] or 0) > 0
    end)
    assert.are.equal(1, server.open)
    m:stop()
    server:wait_open(0)
    silent:wait_open(0)
  end)

  it("for more than its memory, which ends the hook and nothing else",
    function()
      local sent = 0
      local flood = peer.serve(function(connection)
        connection:receive_until("\r\n\r\n")
        connection:send("HTTP/1.1 200 OK\r\n\r\n")
        -- No two pieces are alike: Lua would keep such only once.
        while connection:send(("%08d"):format(sent):rep(8192)) do
          sent = sent + 65536
        end
      end)
      local m = start(([[
        moongate.after(0, function()
          http.get("http://127.0.0.1:%d/", { max_body = 2 ^ 30, timeout = 60 })
          print("survived.")
        end)
        moongate.every(0.05, function()
          show("other", http.get("http://127.0.0.1:%d/"))
        end)
      ]]):format(flood.port, server.port), {
        global = "script_budget = 1s\nscript_memory = 16m",
      })
      m:wait_log("not enough memory: scripts have used their 16m", 60)
      m:wait_log("other: 200 ok%.")
      flood:wait_open(0)
      -- Of a gibibyte, what two workers took and their sockets hold.
      assert(sent < 128 * 2 ^ 20, ("%d bytes were sent"):format(sent))
      assert.is_nil(m:log():find("survived.", 1, true))
    end)

  it("as control's checks do, by the same functions", function()
    local requests = 0
    server = peer.serve(function(connection)
      while connection:receive_until("\r\n\r\n", math.huge) do
        requests = requests + 1
        connection:send(OK)
      end
    end)
    local m = moongate.start {
      config = CONFIG:gsub("script = ask.lua", "") .. [[
        [upstream app]
        protocol = tcp
        check = lua script=page.lua interval=100ms
        server one = 127.0.0.1:${port_app}
      ]],
      ports = { app = server.port },
      files = { ["lua/page.lua"] = HEAD .. [[
        return { check = function(server)
          local page, why = http.get("http://" .. server.address .. "/")
          return page ~= nil and page.body == "ok", why
        end }
      ]] },
    }
    loop.wait_until("it is checked again on the same connection", function()
      local row = m:server("one")
      return row.state == "up" and row.check:find("check passed", 1, true)
        and requests >= server.accepted + 2
    end)
    server:refuse()
    for _, connection in ipairs(server.connections) do
      connection:close()
    end
    loop.wait_until("it is down", function()
      return m:server("one").check:find("connection refused", 1, true)
    end)
  end)
end)


describe("a worker's script asks a real nginx by TLS", function()
  local pki, server, port, m

  setup(function()
    pki = tls.make()
    pki:sign("web", "DNS:app.test,IP:127.0.0.1")
    port = ports.free(1)[1]
    server = nginx.start([[
      server {
        listen 127.0.0.1:${port} ssl;
        ssl_certificate ${certificate};
        ssl_certificate_key ${key};
        ssl_protocols TLSv1.2 TLSv1.3;
        location / { return 200 "$connection $request_method $ssl_protocol"; }
        location /big { root ${root}; }
      }
    ]], {
      port = port, certificate = pki:file("web.crt"), key = pki:file("web.key"),
      root = pki.dir,
    })
    folder.write(pki:file("hashed/ca.crt"), pki.ca)
    assert(process.run({ "openssl", "rehash", pki:file("hashed") }) == 0)
    folder.write(pki:file("big"), ("0123456789abcdef"):rep(65536))
  end)

  teardown(function()
    server:stop()
    pki:remove()
  end)

  after_each(moongate.finish)

  local function start_with(body, options)
    options = options or {}
    options.files = { ["lua/ca.pem"] = pki.ca }
    m = start(("local URL = 'https://127.0.0.1:%d'\n"):format(port) .. body,
      options)
  end

  local CA = "local ca = moongate.read_file('ca.pem')\n"

  it("and trusts whom it is told to", function()
    start_with(CA .. [[
      moongate.after(0, function()
        show("unknown", http.get(URL))
        show("known", http.get(URL, { ca = ca }))
        show("whoever", http.get(URL, { verify = false }))
        show("nonsense", http.get(URL, { ca = "x" }))
        show("plain", http.get((URL:gsub("https", "http"))))
        local options = { tls = true, ca = ca, name = "app.test" }
        local port = tonumber(URL:match("%d+$"))
        local c = assert(tcp.connect("127.0.0.1", port, options))
        assert(c:send("GET / HTTP/1.0\r\n\r\n"))
        print("tcp: " .. c:receive("*a"):match("TLS.*$"))
        options.name = "x.test"
        print("name: " .. select(2, tcp.connect("127.0.0.1", port, options)))
      end)
    ]])
    m:wait_log("unknown: certificate verify failed: unable to get local "
      .. "issuer certificate%.")
    m:wait_log("known: 200 %d+ GET TLSv1.3%.")
    m:wait_log("whoever: 200 %d+ GET TLSv1.3%.")
    m:wait_log("nonsense: ca: it holds no certificate in PEM%.")
    m:wait_log("plain: 400 .*The plain HTTP request was sent to HTTPS port")
    m:wait_log("tcp: TLSv1.3")
    m:wait_log("name: certificate verify failed: hostname mismatch")
  end)

  for name, env in pairs {
    ["a file"] = { SSL_CERT_FILE = "ca.crt" },
    ["a folder"] = { SSL_CERT_DIR = "hashed", SSL_CERT_FILE = false },
  } do
    it("and trusts whom the system trusts, by " .. name, function()
      local full = {}
      for variable, file in pairs(env) do
        full[variable] = file and pki:file(file)
      end
      start_with([[
        moongate.after(0, function()
          show("system", http.get(URL))
        end)
      ]], { env = full })
      m:wait_log("system: 200 %d+ GET TLSv1.3%.")
    end)
  end

  it("five hundred times on one connection, and leaves nothing", function()
    start_with(CA .. [[
      moongate.every(0.01, function()
        local seen, count = {}, 0
        for i = 1, 100 do
          local a = i % 10 == 0
            and assert(http.post(URL, ("x"):rep(50000), { ca = ca }))
            or assert(http.get(URL .. "/big", { ca = ca }))
          if i % 10 == 0 then
            local number = a.body:match("^%d+")
            count = count + (seen[number] and 0 or 1)
            seen[number] = true
          else
            assert(#a.body == 1048576)
          end
        end
        moongate.log.info("hundred on ", count)
        local done = moongate.shared("spec"):incr("hundreds", 1, 0)
        return done < 6
      end)
    ]])
    local worker = m:workers()[1]
    m:wait_log("hundred on 1", 60)
    local memory, open = process.rss(worker), sockets(worker)
    loop.wait_until("six hundred", function()
      local _, n = m:log():gsub("hundred on 1\n", "")
      assert(not m:log():find("failed", 1, true), m:log())
      return n == 6
    end, 120)
    assert.are.equal(open, sockets(worker))
    local grown = process.rss(worker) - memory
    assert.is_true(grown < 16 * 2 ^ 20, "grown by " .. grown)
  end)

  it("and hears that it was cut off, or says nothing", function()
    local cut = peer.serve(function(connection)
      local other = assert(net.connect(port))
      loop.spawn("to the client", function()
        local got = 0
        while got < 100000 do
          local bytes = other:receive_some(math.huge)
          if not bytes or not connection:send(bytes) then
            break
          end
          got = got + #bytes
        end
        other:close()
        connection:shutdown()
      end)
      while true do
        local bytes = connection:receive_some(math.huge)
        if not bytes or not other:send(bytes) then
          return
        end
      end
    end)
    local silent = peer.serve(peer.sink)
    start_with(CA .. ([[
      moongate.after(0, function()
        show("cut", http.get("https://127.0.0.1:%d/big", { ca = ca }))
        show("silent", http.get("https://127.0.0.1:%d/",
          { ca = ca, timeout = 0.2 }))
      end)
    ]]):format(cut.port, silent.port))
    m:wait_log("cut: the TLS connection was cut off%.")
    m:wait_log("silent: timeout%.")
    silent:wait_open(0)
  end)
end)
