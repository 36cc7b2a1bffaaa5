--- The policies, on literal tables, choose as HAProxy with one thread does: not
-- only as often, but in the same order and for the same clients.
local folder = require "support.folder"
local literal = require "lua.literal"
local loop = require "support.loop"
local net = require "support.net"
local ports = require "support.ports"
local process = require "support.process"

local CASES = {
  { policy = "roundrobin", weights = { 1, 1, 1 } },
  { policy = "roundrobin", weights = { 1, 2, 3 } },
  { policy = "roundrobin", weights = { 5, 1, 1 } },
  { policy = "static-rr", weights = { 1, 1, 1 } },
  { policy = "static-rr", weights = { 1, 2, 3 } },
  { policy = "static-rr", weights = { 4, 8, 10 } },
  { policy = "source", weights = { 1, 1, 1 } },
  { policy = "source", weights = { 1, 2, 3 } },
  { policy = "source", weights = { 1, 1, 1 }, hash = "consistent" },
  { policy = "source", weights = { 1, 2, 3 }, hash = "consistent" },
  { policy = "uri", weights = { 1, 2, 3 } },
  { policy = "uri", weights = { 1, 2, 3 }, hash = "consistent" },
  { policy = "uri", weights = { 1, 1, 1 }, options = { whole = "on" },
    words = "whole" },
  { policy = "uri", weights = { 2, 1, 1 }, options = { len = "9" },
    words = "len 9" },
  { policy = "uri", weights = { 1, 1, 1 }, options = { depth = "2" },
    words = "depth 2" },
  { policy = "header", weights = { 1, 2, 3 }, options = { name = "X-User" },
    words = "hdr(X-User)" },
  { policy = "header", weights = { 1, 2, 3 }, options = { name = "X-User" },
    words = "hdr(X-User)", hash = "consistent" },
}
local ORDERED = 24  -- picks that are compared one by one
local CLIENTS = 60

-- By which the policies choose, besides the client.
local URIS = {
  "/", "/index.html", "/a/b/c/d.php?x=1", "/a/b/c/d.php?x=2", "/a/b/other",
  "/a/c", "/a//b", "/%7Euser/", "/?q", "/%C3%A4/x", "/folder/sub/file.css",
}
local USERS = {
  "anna", "bert", "bert, carl", " dora ", "\"e,f\", g", "\195\164",
  ("long"):rep(50), "0", "h\t,i",
}

local HEAD = [[
global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
]]

-- A server says its number; its own HAProxy section is the server.
local SERVER = [[
frontend server%d
  bind 127.0.0.1:%d
  http-request return status 200 content-type text/plain string %d
]]

local place, haproxy


-- HAProxy's word for a policy, and its options'.
local function balance_of(case)
  if case.policy == "header" then
    return case.words
  end
  return case.policy .. (case.words and " " .. case.words or "")
end


local function configure(numbers)
  local lines = { HEAD }
  for i = 1, 3 do
    lines[#lines + 1] = SERVER:format(i, numbers[i], i)
  end
  for k, case in ipairs(CASES) do
    case.port = numbers[3 + k]
    lines[#lines + 1] = ("listen case%d\n  bind 127.0.0.1:%d\n  balance %s")
      :format(k, case.port, balance_of(case))
    if case.hash then
      lines[#lines + 1] = "  hash-type " .. case.hash
    end
    for i, weight in ipairs(case.weights) do
      lines[#lines + 1] = ("  server s%d 127.0.0.1:%d weight %d")
        :format(i, numbers[i], weight)
    end
  end
  return table.concat(lines, "\n") .. "\n"
end


local function ask(port, from, uri, user)
  local client = assert(net.connect(port, { from = from }))
  client:send(("GET %s HTTP/1.0\r\n%s\r\n"):format(uri or "/",
    user and "X-User: " .. user .. "\r\n" or ""))
  local answer = client:receive_all()
  client:close()
  return tonumber(answer:sub(-1))
end


local function servers_of(case)
  return literal.servers(unpack(case.weights))
end


-- Our policy of a case.
local function picker_of(case)
  local options = { hash = case.hash }
  for name, value in pairs(case.options or {}) do
    options[name] = value
  end
  return literal.picker(case.policy, options)
end


local function address(number)
  return ("127.%d.%d.%d"):format(number % 7, number * 13 % 256,
    number * 71 % 250 + 1)
end


-- Our cycle may begin elsewhere: where HAProxy's first picks stand in it.
local function turned(ours, theirs, length)
  for shift = 0, length - 1 do
    local same = true
    for at = 1, ORDERED do
      same = same and theirs[at] == ours[(at - 1 + shift) % length + 1]
    end
    if same then
      return true
    end
  end
  return false
end


describe("a policy beside HAProxy's", function()
  setup(function()
    place = folder.make()
    folder.write(place .. "/haproxy.cfg", configure(ports.free(3 + #CASES)))
    local out = place .. "/out"
    haproxy = process.spawn({
      "haproxy", "-db", "-f", place .. "/haproxy.cfg",
    }, { stdout = out, stderr = out, lasting = true })
    loop.wait_until("haproxy listens", function()
      assert(haproxy:alive(), folder.read(out))
      local probe = net.connect(CASES[#CASES].port)
      if probe then
        probe:close()
      end
      return probe
    end)
  end)

  teardown(function()
    haproxy:kill("TERM")
    haproxy:wait()
    net.close_all()
    folder.remove(place)
  end)

  for _, case in ipairs(CASES) do
    local name = balance_of(case) .. (case.hash and " hash=" .. case.hash or "")
      .. ", weights " .. table.concat(case.weights, " ")

    if case.policy == "source" then
      it("sends every client to the same server: " .. name, function()
        local pick = picker_of(case)
        for number = 1, CLIENTS do
          local from = address(number)
          assert.are.equal(ask(case.port, from),
            pick(literal.flow { client = from }, servers_of(case)), from)
        end
      end)

    elseif case.policy == "uri" then
      it("sends every address to the same server: " .. name, function()
        local pick = picker_of(case)
        for _, uri in ipairs(URIS) do
          assert.are.equal(ask(case.port, nil, uri),
            pick(literal.flow { uri = uri }, servers_of(case)), uri)
        end
      end)

    elseif case.policy == "header" then
      it("sends every value to the same server: " .. name, function()
        local pick = picker_of(case)
        for _, user in ipairs(USERS) do
          -- As http1 has read it.
          local flow = literal.flow {
            headers = { ["X-User"] = user:match("^%s*(.-)%s*$") },
          }
          assert.are.equal(ask(case.port, nil, nil, user),
            pick(flow, servers_of(case)), user)
        end
      end)

    else
      it("takes servers in the same order: " .. name, function()
        local theirs = {}
        for at = 1, ORDERED do
          theirs[at] = ask(case.port)
        end
        local total = 0
        for _, weight in ipairs(case.weights) do
          total = total + weight
        end
        local ours = literal.picks(literal.picker(case.policy),
          servers_of(case), 0, total)
        assert.is_true(turned(ours, theirs, total),
          table.concat(theirs, " ") .. ", ours " .. table.concat(ours, " "))
      end)
    end
  end
end)
