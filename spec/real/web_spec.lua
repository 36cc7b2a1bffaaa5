--- Real php-fpm behind the rewrite for ThinkPHP 5: what the demo shows.
local folder = require "support.folder"
local http = require "support.http"
local json = require "dkjson"
local lfs = require "lfs"
local loop = require "support.loop"
local moongate = require "support.moongate"
local php = require "support.php"
local process = require "support.process"

local SITE = lfs.currentdir() .. "/examples/demo/public"
local MEGABYTE = 1048576
local BIG = 50 * MEGABYTE

local CONFIG = [[
  [upstream php]
  protocol = fastcgi
  policy = roundrobin
  server php1 = 127.0.0.1:${port_php1} root=%s
  server php2 = 127.0.0.1:${port_php2} root=%s
  server php3 = 127.0.0.1:${port_php3} root=%s
  [http web]
  listen = 127.0.0.1:${port_web}
  root = %s
  index = index.php
  route = ~ ^(.+\.php)(/.*)?$ php
  script = rewrite/tp5.lua
  max_body = 1g
  access_log = combined
]]


-- Bytes that differ from one block to the next.
local function make_body(size)
  local blocks = {}
  for i = 1, math.ceil(size / 65536) do
    blocks[i] = ("%08x"):format(i * 2654435761 % 4294967296):rep(8192)
  end
  return table.concat(blocks):sub(1, size)
end


local function md5(bytes)
  local place = folder.make()
  folder.write(place .. "/bytes", bytes)
  local _, text = process.run({ "md5sum", place .. "/bytes" })
  folder.remove(place)
  return text:match("^%x+")
end


-- The answers of the front controller: names and values in columns.
local function facts(answer)
  local map = {}
  for name, value in answer.body:gmatch("([%w_]+) +([^\n]*)\n") do
    map[name] = value
  end
  return map
end


describe("three php-fpm nodes", function()
  local place, nodes, m, port

  setup(function()
    place = folder.make()
    nodes = php.start({ folder = place, nodes = 3, children = 2, site = SITE })
  end)

  teardown(function()
    php.stop(nodes or {})
    folder.remove(place)
  end)

  before_each(function()
    local ports = {}
    for _, node in ipairs(nodes) do
      ports[node.name] = node.port
    end
    m = moongate.start({
      config = CONFIG:format(nodes[1].root, nodes[2].root, nodes[3].root, SITE),
      ports = ports,
      workers = 2,
    })
    port = m.port.web
  end)

  after_each(moongate.finish)

  local function busy()
    local n = 0
    for _, node in ipairs(nodes) do
      n = n + node:busy()
    end
    return n
  end

  it("answer in turn", function()
    local names = {}
    for i = 1, 6 do
      names[i] = facts(http.fetch(port, "/")).node
    end
    for i = 1, 3 do
      assert.are.equal(names[i], names[i + 3])
    end
    table.sort(names)
    assert.are.same({ "php1", "php1", "php2", "php2", "php3", "php3" }, names)
  end)

  it("answer 200 of 600 requests each, thirty at a time, by two workers",
     function()
    local counts, done = {}, 0
    for i = 1, 30 do
      loop.spawn("client " .. i, function()
        local client = http.connect(port)
        for _ = 1, 20 do
          local node = facts(client:exchange("GET /")).node
          counts[node] = (counts[node] or 0) + 1
        end
        client:close()
        done = done + 1
      end)
    end
    loop.wait_until("all requests are answered", function()
      return done == 30
    end, 60)
    assert.are.same({ php1 = 200, php2 = 200, php3 = 200 }, counts)

    local workers = m:ctl("show info --json").workers
    assert.are.equal(2, #workers)
    for _, worker in ipairs(workers) do
      assert.is_true(worker.requests > 0)
    end
    assert.are.equal(600, workers[1].requests + workers[2].requests)
  end)

  it("see the path as PATH_INFO, and the query as it was", function()
    local seen = facts(http.fetch(port, "/index/blog/read/id/7?x=1"))
    assert.are.equal("/index/blog/read/id/7", seen.PATH_INFO)
    assert.are.equal("/index.php", seen.SCRIPT_NAME)
    assert.are.equal("x=1", seen.QUERY_STRING)
    assert.are.equal("/index/blog/read/id/7?x=1", seen.REQUEST_URI)
    assert.are.equal("index/blog/read", seen.route)
    assert.are.equal('{"id":"7"}', seen.params)
  end)

  it("have each a document root of its own", function()
    for _ = 1, 3 do
      local seen = facts(http.fetch(port, "/"))
      local root = ("%s/%s/public"):format(place, seen.node)
      assert.are.equal(root, seen.DOCUMENT_ROOT)
      assert.are.equal(root .. "/index.php", seen.SCRIPT_FILENAME)
    end
  end)

  it("are not asked for static files", function()
    local whole = http.fetch(port, "/logo.png")
    assert.are.equal(200, whole.status)
    assert.are.equal("image/png", whole.headers["content-type"])
    assert.are.equal(folder.read(SITE .. "/logo.png"), whole.body)
    assert.is_nil(whole.headers["x-node"])

    local etag = assert(whole.headers.etag)
    local same = http.fetch(port, "/logo.png", { "If-None-Match: " .. etag })
    assert.are.equal(304, same.status)
    local part = http.fetch(port, "/logo.png", { "Range: bytes=0-9" })
    assert.are.equal(206, part.status)
    assert.are.equal(whole.body:sub(1, 10), part.body)
  end)

  for _, path in ipairs({
    "/../etc/passwd", "/%2e%2e/", "/%2e%2e/%2e%2e/etc/passwd", "/.git/config",
    "/logo.png/x.php",
  }) do
    it("run nothing for " .. path, function()
      local answer = http.fetch(port, path)
      assert.is_true(answer.status == 400 or answer.status == 404)
      assert.is_nil(answer.headers["x-node"])
    end)
  end

  it("split at the first script that is there", function()
    local seen = facts(http.fetch(port, "/index.php/a.php/b"))
    assert.are.equal("/index.php", seen.SCRIPT_NAME)
    assert.are.equal("/a.php/b", seen.PATH_INFO)
  end)

  it("do not see headers that would pass for others", function()
    local answer = http.fetch(port, "/index/echo/server", {
      "X_Forwarded_For: 10.1.2.3", "Proxy: http://10.1.2.3/", "X-Real: yes",
    })
    local server = assert(json.decode(answer.body))
    assert.are.equal("yes", server.HTTP_X_REAL)
    assert.is_nil(server.HTTP_X_FORWARDED_FOR)
    assert.is_nil(server.HTTP_PROXY)
  end)

  it("get an upload of 50 MB whole, by its length and in chunks", function()
    local body = make_body(BIG)
    local sum = md5(body)
    local pieces = {}
    for from = 1, BIG, 100000 do
      pieces[#pieces + 1] = body:sub(from, from + 99999)
    end
    for _, case in ipairs({
      { "Content-Length: " .. BIG, body },
      { "Transfer-Encoding: chunked", http.chunked(pieces) },
    }) do
      local client = http.connect(port)
      client:request("PUT /index/upload/md5", { case[1] })
      assert(client:send(case[2], 60))
      local answer = client:answer("PUT", 60)
      client:close()
      assert.are.equal(200, answer.status)
      assert.truthy(answer.body:find("bytes " .. BIG .. "\n", 1, true))
      assert.truthy(answer.body:find("content_length " .. BIG, 1, true))
      assert.truthy(answer.body:find("md5 " .. sum, 1, true))
    end
  end)

  it("are not held by a slow upload", function()
    local body = make_body(4 * MEGABYTE)
    local client = http.connect(port)
    client:request("PUT /index/upload/md5", { "Content-Length: " .. #body })
    for from = 1, #body, MEGABYTE / 4 do
      assert.are.equal(0, busy())
      assert(client:send(body:sub(from, from + MEGABYTE / 4 - 1)))
      loop.watch(0.25)
    end
    local answer = client:answer("PUT", 20)
    client:close()
    assert.truthy(answer.body:find("md5 " .. md5(body), 1, true))
  end)

  it("are free while a slow client takes its 50 MB", function()
    http.fetch(port, "/")
    local workers = m:workers()
    local function resident()
      return process.rss(workers[1]) + process.rss(workers[2])
    end
    local before, most = resident(), 0

    local client = http.connect(port, { rcvbuf = 65536 })
    client:request("GET /index/download/bytes/size/" .. BIG)
    local head = client:answer_head(20)
    assert.are.equal(tostring(BIG), head.headers["content-length"])
    local pieces, began = {}, loop.now()
    for i = 1, 16 do
      pieces[i] = assert(client.socket:receive(MEGABYTE / 4))
      most = math.max(most, resident())
      if loop.now() - began > 2 then
        assert.are.equal(0, busy())
      end
      loop.watch(0.25)
    end
    pieces[17] = assert(client.socket:receive(BIG - 4 * MEGABYTE, 60))
    most = math.max(most, resident())
    client:close()

    assert.are.equal(head.headers["x-md5"], md5(table.concat(pieces)))
    if not (os.getenv("ASAN_OPTIONS")) then
      assert.is_true(most - before <= 8 * MEGABYTE,
        ("%d KiB more"):format((most - before) / 1024))
    end
  end)

  it("lose no request when one of them dies", function()
    nodes[2]:kill()
    for _ = 1, 12 do
      local answer = http.fetch(port, "/")
      assert.are.equal(200, answer.status)
      assert.are_not.equal("php2", answer.headers["x-node"])
    end
    m:wait_log("php2")
    nodes[2]:start()
    local seen = {}
    for _ = 1, 6 do
      seen[http.fetch(port, "/").headers["x-node"]] = true
    end
    assert.are.same({ php1 = true, php2 = true, php3 = true }, seen)
  end)
end)
