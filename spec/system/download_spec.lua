--- Files on their way: over kept connections, to slow clients, large ones, and
-- ones that change meanwhile.
local ffi = require "ffi"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local process = require "support.process"

ffi.cdef "int truncate(const char *path, long length);"

local MEGABYTE = 2 ^ 20
local LARGE = 50 * MEGABYTE
local RSS_MAX = 8 * MEGABYTE  -- what a download may cost

local CONFIG = [[
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  index = index.html
  access_log = combined
]]


-- N bytes that differ from place to place.
local function bytes(n)
  local block = {}
  for i = 0, 65535 do
    block[#block + 1] = ("%08x"):format(i * 2654435761 % 2 ^ 32)
  end
  block = table.concat(block)
  return block:rep(math.ceil(n / #block)):sub(1, n)
end


describe("files", function()
  local m

  local function start(files, options)
    options = options or {}
    options.config, options.files = CONFIG, files
    m = moongate.start(options)
  end

  after_each(moongate.finish)

  it("are served one after the other on one connection", function()
    start({ ["www/index.html"] = "index", ["www/a.css"] = "a {}",
            ["www/empty"] = "" })
    local client = http.connect(m.port.web)
    for _ = 1, 3 do
      assert.are.equal("index", client:exchange("GET /").body)
      assert.are.equal("", client:exchange("HEAD /a.css").body)
      assert.are.equal("a {}", client:exchange("GET /a.css").body)
      assert.are.equal("", client:exchange("GET /empty").body)
      assert.are.equal(404, client:exchange("GET /none").status)
    end
    client:close()
  end)

  it("are served in the order of pipelined requests", function()
    local files = {}
    for i = 1, 20 do
      files["www/" .. i] = bytes(i * i * 1000):sub(-i * 500)
    end
    start(files)
    local client = http.connect(m.port.web)
    local requests = {}
    for i = 1, 20 do
      requests[i] = http.head("GET /" .. i)
    end
    client:send(table.concat(requests))
    for i = 1, 20 do
      assert.are.equal(files["www/" .. i], client:answer("GET").body)
    end
    client:close()
  end)

  it("arrive whole at a client with little room, at no cost", function()
    local text = bytes(LARGE)
    start({ ["www/large"] = text })
    local worker = m:workers()[1]
    http.fetch(m.port.web, "/large", nil)
    local before = process.rss(worker)
    local client = http.connect(m.port.web, { rcvbuf = 65536 })
    client:request("GET /large")
    assert.are.equal(tostring(LARGE),
      client:answer_head().headers["content-length"])
    local at = 1
    while at <= LARGE do
      local piece = client.socket:receive_some()
      if piece ~= text:sub(at, at + #piece - 1) then
        error("wrong bytes from " .. at)
      end
      at = at + #piece
    end
    assert.is_true(process.rss(worker) - before < RSS_MAX)
    client:close()
  end)

  it("do not keep others waiting while a large one is sent", function()
    start({ ["www/large"] = bytes(LARGE), ["www/small"] = "small" })
    local reader = loop.spawn("a fast reader", function()
      for _ = 1, 20 do
        http.fetch(m.port.web, "/large")
      end
    end)
    for _ = 1, 20 do
      assert.are.equal("small", http.fetch(m.port.web, "/small").body)
    end
    loop.cancel(reader)
  end)

  it("end the connection when they become shorter meanwhile", function()
    local path = "www/large"
    start({ [path] = bytes(LARGE) })
    local client = http.connect(m.port.web, { rcvbuf = 65536 })
    client:request("GET /large")
    client:answer_head()
    client.socket:receive(1000)
    ffi.C.truncate(m.dir .. "/" .. path, MEGABYTE)
    local rest = client.socket:receive_all()
    assert.is_true(#rest < LARGE - 1000)
    client:close()
    loop.wait_until("the file has its new length", function()
      local answer = http.fetch(m.port.web, "HEAD /large")
      return answer.headers["content-length"] == tostring(MEGABYTE)
    end)
    assert.are.equal(MEGABYTE, #http.fetch(m.port.web, "/large").body)
  end)

  it("survive a client that leaves in the middle", function()
    start({ ["www/large"] = bytes(LARGE) })
    for _, leave in ipairs({ "reset", "close" }) do
      local client = http.connect(m.port.web, { rcvbuf = 65536 })
      client:request("GET /large")
      client:answer_head()
      client[leave](client)
    end
    assert.are.equal(LARGE, #http.fetch(m.port.web, "/large").body)
    assert.are.same(m.first_workers, m:workers())
  end)

  it("come in parts over the ends of buffers", function()
    local text = bytes(4 * MEGABYTE)
    start({ ["www/large.txt"] = text })
    local answer = http.fetch(m.port.web, "/large.txt",
      { "Range: bytes=0-1999999,3000000-" })
    assert.are.equal(206, answer.status)
    local parts = {}
    for part in answer.body:gmatch("Content%-Range: [^\r]+\r\n\r\n([^\r]*)") do
      parts[#parts + 1] = part
    end
    assert.are.equal(2, #parts)
    assert.is_true(parts[1] == text:sub(1, 2000000))
    assert.is_true(parts[2] == text:sub(3000001))
  end)

  it("are gone or changed a second after they were", function()
    start({ ["www/a"] = "old", ["www/b"] = "here" })
    assert.are.equal("old", http.fetch(m.port.web, "/a").body)
    assert.are.equal(404, http.fetch(m.port.web, "/new").status)
    local folder = require("support.folder")
    folder.write(m.dir .. "/www/a", "younger")
    folder.write(m.dir .. "/www/new", "new")
    assert(os.remove(m.dir .. "/www/b"))
    loop.wait_until("the cache has looked again", function()
      return http.fetch(m.port.web, "/a").body == "younger"
        and http.fetch(m.port.web, "/new").status == 200
        and http.fetch(m.port.web, "/b").status == 404
    end)
  end)

  it("are served while descriptors are scarce", function()
    local files = {}
    for i = 1, 200 do
      files["www/" .. i] = "file " .. i
    end
    start(files, { wrap = { "prlimit", "--nofile=128:128" } })
    for i = 1, 200 do
      local answer = http.fetch(m.port.web, "/" .. i)
      assert.are.same({ 200, "file " .. i }, { answer.status, answer.body })
    end
  end)
end)
