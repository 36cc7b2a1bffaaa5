--- Every kind of check against peers that do all they should not: a verdict
-- within the timeout, in words, and nothing kept.
local fastcgi = require "support.fastcgi"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"

local INTERVAL, TIMEOUT = 0.05, 1
local CHECKS = 100
local OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

-- How a server that says nothing more is left: the check ends it.
local function hang(connection)
  peer.sink(connection)
end


local function drip(text)
  return function(connection)
    for i = 1, #text do
      if not connection:send(text:sub(i, i)) then
        return
      end
      -- Until the check has gone, or for a second.
      if loop.wait(connection.fd, loop.READ, loop.now() + 1)
          and not connection:receive_some() then
        return
      end
    end
    hang(connection)
  end
end


local function flood(text)
  return function(connection)
    connection:receive_some()
    while connection:send(text, math.huge) do
      connection.buffer = ""
    end
  end
end


local function says(text)
  return function(connection)
    connection:receive_some()
    connection:send(text)
    hang(connection)
  end
end


local function head_of(text, ...)
  return fastcgi.stream(6, 1, text) .. fastcgi.ending(1, ...)
end


local function reset(connection)
  connection:receive_some()
  connection:reset()
end


local function close(connection)
  connection:receive_some()
end


-- What a peer does, and what the check of each kind says of it.
local PEERS = {
  { name = "well", tcp = hang, http = says(OK),
    fastcgi = says(head_of("Content-Type: text/plain\r\n\r\npong")),
    words = {
      tcp = "Layer4 check passed", http = "Layer7 check passed: 200",
      fastcgi = "Layer7 check passed: 200",
    } },
  { name = "refuses", refuses = true, words = {
      tcp = "Layer4 connection problem: Connection refused",
      http = "Layer4 connection problem: Connection refused",
      fastcgi = "Layer4 connection problem: Connection refused",
    } },
  { name = "hangs", http = hang, fastcgi = hang, words = {
      http = "Layer7 timeout after 1000ms",
      fastcgi = "Layer7 timeout after 1000ms",
    } },
  { name = "resets", http = reset, fastcgi = reset, words = {
      http = "Layer7 invalid response: Connection reset by peer",
      fastcgi = "Layer7 invalid response: Connection reset by peer",
    } },
  { name = "closes", http = close, fastcgi = close, words = {
      http = "Layer7 invalid response: the connection was closed",
      fastcgi = "Layer7 invalid response: the connection was closed",
    } },
  { name = "drips", http = drip(OK),
    fastcgi = drip(head_of("Status: 200 OK\r\n\r\n")), words = {
      http = "Layer7 timeout after 1000ms",
      fastcgi = "Layer7 timeout after 1000ms",
    } },
  { name = "garbage", http = says("\0\1\2\3garbage"),
    fastcgi = says("HTTP/1.1 200 OK\r\n\r\n"), words = {
      http = "Layer7 invalid response: no HTTP/1 response",
      fastcgi = "Layer7 invalid response: the server does not speak FastCGI",
    } },
  { name = "floods", http = flood("HTTP/1.1 200 " .. ("x"):rep(65536)),
    fastcgi = flood(fastcgi.record(6, 1, ("x: y\r\n"):rep(1000))), words = {
      http = "Layer7 invalid response: the status line has no end",
    } },
  { name = "error", http = says("HTTP/1.1 503 Busy\r\n\r\n"),
    fastcgi = says(head_of("Status: 503 Busy\r\n\r\n")), words = {
      http = "Layer7 wrong status: 503", fastcgi = "Layer7 wrong status: 503",
    } },
  { name = "overloaded", fastcgi = says(head_of("", 0, 2)), words = {
      fastcgi = "Layer7 invalid response: ",
    } },
  { name = "headless", fastcgi = says(head_of("")), words = {
      fastcgi = "Layer7 invalid response: an answer without a head",
    } },
  { name = "cut", words = {
      fastcgi = "Layer7 invalid response: the connection was closed",
    }, fastcgi = function(connection)
      connection:receive_some()
      connection:send(fastcgi.stream(6, 1, "Status: 200 OK\r\n\r\nhalf"))
    end },
  { name = "endless", words = {
      fastcgi = "Layer7 invalid response: the answer is too long",
    }, fastcgi = flood(
      fastcgi.stream(6, 1, "Status: 200 OK\r\n\r\n" .. ("x"):rep(60000))) },
}

local CONFIG = [[
  [upstream u]
  protocol = %s
  check = %s interval=50ms timeout=1s fastinter=50ms fall=1 rise=1
  %s
  [%s x]
  listen = 127.0.0.1:${port_x}
  %s
  access_log = off
]]


-- Of a process; without those by which it wakes others, of which there are as
-- many as there may ever be workers.
local function count_fds(pid)
  local count = 0
  for _, fd in ipairs(process.fds(pid)) do
    count = count + (fd.target:find("[eventfd]", 1, true) and 0 or 1)
  end
  return count
end


describe("a check", function()
  local m, servers

  after_each(moongate.finish)

  -- The peers that do something to checks of this kind, behind one upstream.
  local function start(kind, check)
    local lines, ports = {}, {}
    servers = {}
    for _, what in ipairs(PEERS) do
      if what[kind] or what.refuses then
        ports[what.name] = what.refuses and net.reserve().port
          or peer.serve(what[kind], { name = what.name }).port
        lines[#lines + 1] = ("server %s = 127.0.0.1:${port_%s}"):format(
          what.name, what.name)
        servers[#servers + 1] = what
      end
    end
    local fpm = kind == "fastcgi"
    m = moongate.start {
      config = CONFIG:format(fpm and "fastcgi" or "tcp", check,
        table.concat(lines, "\n"), fpm and "http" or "tcp",
        fpm and "route = / u" or "upstream = u"),
      ports = ports,
      log = "log = stderr level=debug",
    }
  end

  -- How many checks of a server have ended, and the last one's words and time.
  local function checks_of(name)
    local count, words, us = 0, nil, nil
    for text, time in m:log():gmatch(
        "server u/" .. name .. ": ([^\n]-) us=(%d+)\n") do
      count, words, us = count + 1, text, tonumber(time)
    end
    return count, words, us
  end

  local KINDS = {
    { kind = "tcp", check = "tcp" },
    { kind = "http", check = "http uri=/health" },
    { kind = "fastcgi", check = "fastcgi uri=/ping" },
  }

  for _, case in ipairs(KINDS) do
    it("of kind " .. case.kind .. " has a verdict on every peer, in time",
      function()
        start(case.kind, case.check)
        for _, what in ipairs(servers) do
          local wanted = what.words[case.kind] or ""
          local up = what.name == "well"
          loop.wait_until(what.name .. " is checked", function()
            local count, words, us = checks_of(what.name)
            local row = m:server(what.name)
            return count >= 2 and words:sub(1, #wanted) == wanted
              and us < (TIMEOUT + 0.2) * 1e6 and row.up == up
              and row.state == (up and "up" or "down")
          end)
        end
        -- Not one of them took longer.
        for us in m:log():gmatch(" us=(%d+)\n") do
          assert.is_true(tonumber(us) < (TIMEOUT + 1) * 1e6, us)
        end
      end)

    it("of kind " .. case.kind .. " keeps no descriptor, and waits for nobody",
      function()
        start(case.kind, case.check)
        local control = m:pids("mg-control")[1]
        loop.wait_until("all are checked", function()
          return checks_of("well") >= 10
        end)
        local began, from = loop.now(), checks_of("well")
        loop.wait_until("a hundred checks are over", function()
          return checks_of("well") - from >= CHECKS
        end, 40)
        -- As many as fit, for all the peers that hang.
        assert.is_true(loop.now() - began < 2.5 * CHECKS * INTERVAL)
        -- One connection to each at most, and what the process has itself.
        local fds = count_fds(control)
        local of_peers = 0
        for _, what in ipairs(servers) do
          of_peers = of_peers + (what.refuses and 0 or 1)
        end
        loop.wait_until("no more are open", function()
          return count_fds(control) <= fds
        end)
        assert.is_true(fds <= of_peers + 24, fds)
      end)
  end

  it("asks php-fpm as its ping page wants it", function()
    local asked
    local server = fastcgi.serve(function(request, reply)
      asked = asked or request
      reply:answer("Content-Type: text/plain", "pong")
    end)
    m = moongate.start {
      config = CONFIG:format("fastcgi",
        "fastcgi uri=/a/ping.php?x=1", "server one = 127.0.0.1:${port_one} "
          .. "root=/srv/www", "http", "route = / u"),
      ports = { one = server.port },
    }
    loop.wait_until("it is asked", function()
      return asked
    end)
    for name, value in pairs {
      SCRIPT_NAME = "/a/ping.php", SCRIPT_FILENAME = "/srv/www/a/ping.php",
      REQUEST_URI = "/a/ping.php?x=1", QUERY_STRING = "x=1",
      REQUEST_METHOD = "GET", DOCUMENT_ROOT = "/srv/www",
    } do
      assert.are.equal(value, asked.params[name])
    end
    assert.is_false(asked.keep)
    assert.are.equal("", asked.body)
  end)

  it("of http asks for the page by name", function()
    local asked
    local server = peer.serve(function(connection)
      asked = connection:receive_until("\r\n\r\n")
      connection:send("HTTP/1.0 204 x\r\n\r\n")
    end)
    m = moongate.start {
      config = CONFIG:format("tcp",
        "http uri=/health?a=b host=example.org expect=204",
        "server one = 127.0.0.1:${port_one}", "tcp", "upstream = u"),
      ports = { one = server.port },
    }
    loop.wait_until("it passes", function()
      return m:server("one").check == "Layer7 check passed: 204"
    end)
    assert.is_truthy(asked:find("^GET /health%?a=b HTTP/1%.1\r\n"), asked)
    assert.is_truthy(asked:find("\r\nHost: example.org\r\n", 1, true))
    assert.is_truthy(asked:find("\r\nConnection: close\r\n", 1, true))
  end)

  it("of tcp ends with a reset, and goes to unix sockets, too", function()
    local ends = {}
    local path = os.tmpname()
    os.remove(path)
    local one = peer.serve(function(connection)
      local _, why = connection:receive_some()
      ends[#ends + 1] = why
    end)
    local two = peer.serve(peer.sink, { unix = path })
    m = moongate.start {
      config = CONFIG:format("tcp", "tcp",
        "server one = 127.0.0.1:${port_one}\nserver two = unix:" .. path,
        "tcp", "upstream = u"),
      ports = { one = one.port },
    }
    two:wait_accepted(2)
    loop.wait_until("two checks have ended", function()
      return #ends >= 2
    end)
    assert.are.equal("reset", ends[1])
    assert.are.equal("Layer4 check passed", m:server("two").check)
    os.remove(path)
  end)
end)
