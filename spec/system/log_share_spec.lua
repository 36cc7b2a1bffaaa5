--- Which records are written: a sample of them, and those of connections on
-- which nothing came.
local fastcgi = require "support.fastcgi"
local folder = require "support.folder"
local http = require "support.http"
local json = require "dkjson"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"

local CONFIG = [[
  [upstream php]
  server one = 127.0.0.1:${port_php}
  retries = 0
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}
  root_is_remote = on
  route = / php
  access_log = %s
  log_sample = 1/10
  log_to = file:${dir}/web.log
  [upstream one]
  protocol = tcp
  retries = 1
  server one = 127.0.0.1:${port_one}
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = one
  access_log = %s
  %s
  log_to = file:${dir}/db.log
]]


describe("of the records", function()
  local m, server

  local function start(web, db, more)
    server = peer.serve(peer.greet("welcome"))
    m = moongate.start {
      config = CONFIG:format(web, db, more or ""),
      ports = {
        one = server.port,
        php = fastcgi.serve(function(request, reply)
          local status = request.params.QUERY_STRING
          if status == "broken" then
            return reply:close()
          end
          reply:answer("Status: " .. status .. " x")
        end).port,
      },
    }
  end

  after_each(moongate.finish)

  local function ask(status, n)
    for _ = 1, n do
      http.fetch(m.port.web, "/?" .. status)
    end
  end

  local function session(bytes, read)
    local client = assert(net.connect(m.port.db))
    client:send(bytes)
    client:receive(read)
    client:close()
    server:wait_open(0)
  end

  it("one of ten is written, and each that tells of an error", function()
    start("${args} ${sample}", "tcplog", "log_sample = 1/4")
    ask("200", 30)
    ask("404", 20)
    ask("500", 3)
    ask("broken", 2)
    local counts = {}
    for _, line in ipairs(m:records("web.log", 3 + 2 + 3 + 2)) do
      counts[line] = (counts[line] or 0) + 1
    end
    assert.are.same({ ["200 10"] = 3, ["404 10"] = 2, ["500 1"] = 3,
                      ["broken 1"] = 2 }, counts)
    for _ = 1, 9 do
      session("12345", 12)
    end
    for _, line in ipairs(m:records("db.log", 3)) do
      assert.is_truthy(line:find(" 12 -- ", 1, true), line)
    end
  end)

  it("json says how many each stands for", function()
    start("json", "json")
    ask("200", 11)
    ask("503", 1)
    local samples = {}
    for i, line in ipairs(m:records("web.log", 3)) do
      samples[i] = json.decode(line).sample
    end
    assert.are.same({ 10, 10, 1 }, samples)
    session("1", 8)
    assert.is_nil(json.decode(m:records("db.log", 1)[1]).sample)
  end)

  it("there is one of a session whose client was silent", function()
    start("off", "${bytes_sent}")
    session("", 7)
    m:records("db.log", 1)
  end)

  it("there is none of it with log_null = off", function()
    start("off", "${bytes_sent}", "log_null = off")
    session("", 7)
    session("1", 8)
    assert.are.same({ "8" }, m:records("db.log", 1))
    server:refuse()
    local client = assert(net.connect(m.port.db))
    client:send("said before there was a server")
    client:receive_all()
    assert.are.equal("0", m:records("db.log", 2)[2])
    assert(net.connect(m.port.db)):receive_all()
    loop.watch(0.1)
    assert.are.equal("8\n0\n", folder.read(m.dir .. "/db.log"))
  end)
end)
