--- httplog and tcplog beside HAProxy's own: the same clients, the same servers,
-- and the same records, field by field.  What differs is in the manual.
local fastcgi = require "support.fastcgi"
local folder = require "support.folder"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local ports = require "support.ports"
local process = require "support.process"

local SLACK_MS = 400  -- two runs on a busy machine

local HAPROXY = [[
global
  nbthread 1
  log 127.0.0.1:${log} local5
defaults
  log global
  timeout connect 5s
  timeout client 450ms
  timeout server 300ms
  timeout http-request 300ms
  timeout queue 200ms
  retries 1
  option redispatch
frontend web
  mode http
  option httplog
  bind 127.0.0.1:${web}
  http-request deny if { path_beg /deny }
  use_backend dead if { path_beg /dead }
  use_backend down if { path_beg /down }
  use_backend full if { path_beg /full }
  use_backend body if { path_beg /body }
  default_backend app
backend app
  mode http
  server one 127.0.0.1:${http}
backend dead
  mode http
  server one 127.0.0.1:${none}
backend down
  mode http
  server one 127.0.0.1:${none} disabled
backend full
  mode http
  server one 127.0.0.1:${http} maxconn 1
backend body
  mode http
  option http-buffer-request
  server one 127.0.0.1:${http}
frontend db
  mode tcp
  option tcplog
  bind 127.0.0.1:${db}
  default_backend sql
backend sql
  mode tcp
  server one 127.0.0.1:${sql}
frontend dbdead
  mode tcp
  option tcplog
  bind 127.0.0.1:${dbdead}
  default_backend sqldead
backend sqldead
  mode tcp
  server one 127.0.0.1:${none}
frontend dbdown
  mode tcp
  option tcplog
  bind 127.0.0.1:${dbdown}
  default_backend sqldown
backend sqldown
  mode tcp
  server one 127.0.0.1:${none} disabled
frontend dbfull
  mode tcp
  option tcplog
  bind 127.0.0.1:${dbfull}
  default_backend sqlfull
backend sqlfull
  mode tcp
  server one 127.0.0.1:${sql} maxconn 1
]]

local MOONGATE = [[
  [defaults]
  connect_timeout = 5s
  client_timeout = 450ms
  server_timeout = 300ms
  header_timeout = 300ms
  queue_timeout = 200ms
  retries = 1
  retry_on = connect
  [upstream app]
  server one = 127.0.0.1:${port_fcgi}
  [upstream dead]
  server one = 127.0.0.1:${port_none}
  [upstream down]
  server one = 127.0.0.1:${port_none} disabled
  [upstream full]
  server one = 127.0.0.1:${port_fcgi} maxconn=1
  [upstream body]
  server one = 127.0.0.1:${port_fcgi}
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}
  root_is_remote = on
  access_log = httplog
  log_to = syslog:127.0.0.1:${port_log} facility=local5
  route = /deny deny
  route = /dead dead
  route = /down down
  route = /full full
  route = /body body
  route = / app
]]

local SQL = [[
  [upstream sql%s]
  protocol = tcp
  server one = 127.0.0.1:%s
  [tcp db%s]
  listen = 127.0.0.1:${port_db%s}
  upstream = sql%s
  log_to = syslog:127.0.0.1:${port_log} facility=local5
]]

for _, case in ipairs {
  { "", "${port_sql}" }, { "dead", "${port_none}" },
  { "down", "${port_none} disabled" }, { "full", "${port_sql} maxconn=1" },
} do
  local name, server = case[1], case[2]
  MOONGATE = MOONGATE .. SQL:format(name, server, name, name, name)
end


-- What each path has the servers do, after the head of a request: `say` and
-- `over` speak the protocol.
local function act(path, say, over, connection)
  if path:find("slow", 1, true) then
    connection:receive_some(1)
  elseif path:find("half", 1, true) then
    say("Content-Length: 100", "abc")
  elseif path:find("stall", 1, true) then
    say("Content-Length: 100", "abc")
    connection:receive_some(1)
  elseif path:find("bad", 1, true) then
    over("nonsense\r\n\r\n")
  elseif not path:find("close", 1, true) then
    say("Content-Length: 2", "ok")
    return true
  end
  connection:close()
end

local function serve_http(connection)
  while true do
    local head = connection:receive_until("\r\n\r\n", math.huge)
    if not head then
      return
    end
    local length = tonumber(head:match("[Ll]ength: (%d+)")) or 0
    if length > 0 and not connection:receive(length, math.huge) then
      return
    end
    local function over(bytes)
      connection:send(bytes)
    end
    local function say(field, body)
      local is_head = head:find("^HEAD")
      over("HTTP/1.1 200 OK\r\n" .. field .. "\r\n\r\n"
        .. (is_head and "" or body))
    end
    if not act(head:match("^%S+ (%S+)"), say, over, connection) then
      return
    end
  end
end

local function serve_fcgi(request, reply)
  local function over(text)
    reply:out(text)
  end
  local function say(field, body)
    over(field .. "\r\n\r\n" .. body)
  end
  if act(request.params.REQUEST_URI, say, over, reply.socket) then
    reply:finish()
  end
end

local function serve_sql(connection)
  connection:send("hi")
  local text = connection:receive_some(math.huge)
  if text == "reset" then
    -- HAProxy has to see the bytes and the reset one after the other.
    loop.wait(-1, 0, loop.now() + 0.05)
    connection:reset()
  elseif text == "wait" then
    connection:receive_some(math.huge)
  elseif text then
    connection:send(text)
  end
end


-- What clients do; `go(port)` is the connection.
local function asks(bytes)
  return function(go)
    local client = go()
    client:send(bytes)
    client:receive_all(5)
    client:close()
  end
end

local function get(target, rest)
  return asks(("GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s\r\n")
    :format(target, rest or ""))
end

-- Sends, waits until it has arrived, and leaves.
local function leaves(bytes, how, seen)
  return function(go)
    local client = go()
    client:send(bytes)
    if seen then
      assert(client:receive(seen))
    else
      loop.watch(0.15)
    end
    client[how](client)
  end
end

-- While another one has the only slot.
local function waits(first, second)
  return function(go)
    local busy = go()
    busy:send(first)
    loop.watch(0.05)
    local client = go()
    client:send(second)
    client:receive_all(5)
    busy:receive_all(5)
    client:close()
    busy:close()
  end
end

local CLOSE = " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
local POST = "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"

-- `ours` has what differs on purpose, by the field's name.
local HTTP_CASES = {
  { "a request", get("/x?q=1") },
  { "a HEAD of HTTP/1.0", asks("HEAD /x HTTP/1.0\r\n\r\n") },
  { "two requests of a connection", asks("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
    .. "GET /2" .. CLOSE) },
  { "an absolute target", get("http://a/x?y") },
  { "escapes", get("/%22%0a%20") },
  { "odd bytes", get("/{a|b}\\'`~$") },
  { "a denied request", get("/deny") },
  { "a dead server", get("/dead"), ours = { status = "502" } },
  { "no server", get("/down") },
  { "a slow server", get("/slow") },
  { "half an answer", get("/half") },
  { "an answer that stalls", get("/stall") },
  { "an answer that is none", get("/bad") },
  { "a server that closes", get("/close") },
  { "a queue that takes too long", waits("GET /full/slow" .. CLOSE,
    "GET /full/2" .. CLOSE) },
  { "a body that does not come", asks(POST),
    ours = { TR = "0" } },
  { "a body that breaks off", leaves(POST, "close"),
    ours = { TR = "0" } },
  { "nonsense", asks("nonsense\r\n\r\n") },
  { "a field that is none", asks("GET / HTTP/1.1\r\nHo st: a\r\n\r\n") },
  { "half a head in time", asks("GET / HT") },
  { "half a head, closed", leaves("GET / HT", "close") },
  { "half a head, reset", leaves("GET / HT", "reset") },
}

local TCP_CASES = {
  { "a session", "db", asks("hello") },
  { "a client that leaves", "db", leaves("wait", "close", 2) },
  { "a client that resets", "db", leaves("wait", "reset", 2) },
  { "a client that is silent", "db", asks("wait") },
  { "a server that resets", "db", asks("reset") },
  { "a dead server", "dbdead", asks("x") },
  { "no server", "dbdown", asks("x") },
  { "a queue that takes too long", "dbfull", waits("wait", "x") },
}

local DATE = "(%d%d/%a%a%a/%d%d%d%d:%d%d:%d%d:%d%d%.%d%d%d)"
local START = "^(%S+):(%d+) %[" .. DATE .. "%] (%S+) (%S+) (%S+) "
local COUNTS = "(%S+) (%d+/%d+)"

local function parse_http(line)
  local f = {}
  f.client, f.port, f.date, f.frontend, f.server, f.times, f.status, f.bytes,
    f.cookies, f.term, f.counts, f.queues, f.request = line:match(START
    .. "(%-?%d+) (%d+) (%- %-) (%S+) " .. COUNTS .. " (\".*\")$")
  return f, { "TR", "Tw", "Tc", "Tr", "Ta" }
end

local function parse_tcp(line)
  local f = {}
  f.client, f.port, f.date, f.frontend, f.server, f.times, f.bytes, f.term,
    f.counts, f.queues = line:match(START .. "(%d+) (%S+) " .. COUNTS .. "$")
  return f, { "Tw", "Tc", "Tt" }
end

-- The fields that are compared as they are, and the times as numbers.
local function fields_of(line, parse)
  local f, names = parse(line)
  assert.is_truthy(f.date, line)
  local at, times = 0, {}
  for time in f.times:gmatch("[^/]+") do
    at = at + 1
    times[names[at]] = assert(tonumber(time), line)
  end
  assert.are.equal(#names, at)
  f.port, f.date, f.times, f.bytes = nil, nil, nil, nil
  return f, times
end


describe("records", function()
  local place, servers, numbers, log, haproxy, m

  local function listening(port)
    return folder.read("/proc/net/tcp"):find((":%04X 00000000:0000 0A")
      :format(port), 1, true)
  end

  local function start_haproxy()
    local names = { "web", "db", "dbdead", "dbdown", "dbfull" }
    local free = ports.free(#names)
    local values = { log = log.theirs.port }
    for i, name in ipairs(names) do
      values[name] = free[i]
    end
    for name, number in pairs(numbers) do
      values[name] = number
    end
    folder.write(place .. "/haproxy.cfg", (HAPROXY:gsub("%${(%w+)}", values)))
    local out = place .. "/out"
    haproxy = process.spawn({ "haproxy", "-db", "-f", place .. "/haproxy.cfg" },
      { stdout = out, stderr = out })
    haproxy.ports = values
    loop.wait_until("haproxy listens", function()
      assert(haproxy:alive(), folder.read(out))
      return listening(values.dbfull)
    end)
  end

  setup(function()
    place = folder.make()
    servers = {
      http = peer.serve(serve_http), fcgi = fastcgi.serve(serve_fcgi),
      sql = peer.serve(serve_sql), none = net.reserve(),
    }
    numbers = {}
    for name, server in pairs(servers) do
      numbers[name] = server.port
    end
    log = { theirs = net.listen_udp(), ours = net.listen_udp() }
    start_haproxy()
    numbers.log = log.ours.port
    m = moongate.start { config = MOONGATE, ports = numbers }
  end)

  teardown(function()
    haproxy:kill("TERM")
    haproxy:wait()
    moongate.finish()
    folder.remove(place)
  end)

  -- The records of N requests, without what syslog puts before them.
  local function collect(socket, n)
    local lines = {}
    while #lines < n do
      local line = socket:receive_some(10):match("%]: (%d.-)\n?$")
      if line then
        lines[#lines + 1] = line
      end
    end
    table.sort(lines, function(a, b)
      return a:match("%d+ %[(.-)%]") < b:match("%d+ %[(.-)%]")
    end)
    return lines
  end

  local function run(section, script, to, n)
    local at = to == "ours" and m.port or haproxy.ports
    local begun = os.time()
    script(function()
      return assert(net.connect(at[section]))
    end)
    local lines = collect(log[to], n)
    local day = os.date("%d/%b/%Y", begun)
    assert.is_truthy(lines[1]:find("[" .. day, 1, true)
      or lines[1]:find("[" .. os.date("%d/%b/%Y"), 1, true), lines[1])
    return lines
  end

  local function compare(case, section, script, parse, n)
    local theirs = run(section, script, "theirs", n)
    local ours = run(section, script, "ours", n)
    for i = 1, n do
      local both = theirs[i] .. "\n" .. ours[i]
      local want, want_times = fields_of(theirs[i], parse)
      local got, got_times = fields_of(ours[i], parse)
      for name, value in pairs(case.ours or {}) do
        if want[name] then
          want[name] = value
        else
          want_times[name] = tonumber(value)
        end
      end
      assert.are.same(want, got, both)
      for name, ms in pairs(want_times) do
        local bare = ms < 0 or got_times[name] < 0
        assert.is_true(math.abs(ms - got_times[name])
          <= (bare and 0 or SLACK_MS), name .. "\n" .. both)
      end
    end
  end

  for _, case in ipairs(HTTP_CASES) do
    it("are the same in httplog: " .. case[1], function()
      local n = case[1]:find("two") and 2 or case[1]:find("queue") and 2 or 1
      compare(case, "web", case[2], parse_http, n)
    end)
  end

  for _, case in ipairs(TCP_CASES) do
    it("are the same in tcplog: " .. case[1], function()
      compare(case, case[2], case[3], parse_tcp,
        case[1]:find("queue") and 2 or 1)
    end)
  end
end)
