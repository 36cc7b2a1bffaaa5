--- lua/meta/moongate.lua describes what there is, and all of what a server is.
local checks = require "script.checks"
local folder = require "support.folder"
local peer = require "support.peer"
local program = require "script.program"

local META = folder.read("lua/meta/moongate.lua")


-- The names of a class: its fields, and the methods of its variable.
local function names_of(class, variable)
  local names = {}
  local head = "%-%-%-@class " .. class:gsub("%.", "%%.")
    .. "%f[^%w_.][^\n]*\n"
  local fields = META:match(head .. "(.-)\n[^%-]")
    or META:match(head .. "(.-)\n\n")
  for name in fields:gmatch("%-%-%-@field ([%w_]+)") do
    names[#names + 1] = name
  end
  if variable then
    for name in META:gmatch("\nfunction " .. variable .. "[:.]([%w_.]+)") do
      names[#names + 1] = name
    end
  end
  assert(#names > 0, "nothing is said of " .. class)
  return names
end


-- A chunk that reads every name of a variable.
local function reading(variable, names)
  local lines = {}
  for i, name in ipairs(names) do
    lines[i] = ("local _ = %s.%s"):format(variable, name)
  end
  return table.concat(lines, "\n")
end


describe("lua/meta/moongate.lua", function()
  it("names what the module has", function()
    assert.are.same({}, program.faults_of("local m = require 'moongate'\n"
      .. reading("m", names_of("moongate", "moongate")) .. "\nreturn {}"))
  end)

  it("names what dictionaries and metrics have", function()
    local lines = { "local m = require 'moongate'" }
    for name, made in pairs {
      dictionary = "m.shared('d')", counter = "m.metric.counter('c', 'C.')",
      gauge = "m.metric.gauge('g', 'G.')",
      histogram = "m.metric.histogram('h', 'H.')",
    } do
      lines[#lines + 1] = ("do local %s = assert(%s)"):format(name, made)
      lines[#lines + 1] = reading(name, names_of("moongate." .. name, name))
      lines[#lines + 1] = "end"
    end
    lines[#lines + 1] = "return {}"
    assert.are.same({}, program.faults_of(table.concat(lines, "\n")))
  end)

  it("names what a policy gets", function()
    local p = assert(program.start {
      config = "[upstream db]\nprotocol = tcp\npolicy = ${dir}/lua/p.lua\n"
        .. "server one = 127.0.0.1:1\n",
      lua = { ["p.lua"] = "return { pick = function(flow, servers)\n"
        .. reading("flow", names_of("moongate.flow", "flow"))
        .. "\nlocal server = servers[1]\n"
        .. reading("server", names_of("moongate.server"))
        .. "\n" .. reading("servers", names_of("moongate.servers", "servers"))
        .. "\nassert(servers.turn and servers.choose)\nreturn 1\nend,\n"
        .. "done = function(flow, server, result)\n"
        .. reading("result", names_of("moongate.result")) .. "\nend }" },
    })
    assert.are.equal("one", p:pick("db"))
    assert.are.same({}, p.log)
    p:stop()
  end)

  it("names what hooks get of an answer, and of a session's end", function()
    local names = names_of("moongate.res", "res")
    local p = assert(program.start {
      config = "[http web]\nlisten = 127.0.0.1:8080\nscript = a.lua",
      lua = { ["a.lua"] = "return { response = function(res, req)\n"
        .. reading("res", names) .. "\nend, log = function(req, res)\n"
        .. reading("res", names) .. "\nend }" },
    })
    p:get("/")
    assert.are.same({}, p.log)
    p:stop()
    p = assert(program.start {
      config = "[tcp db]\nlisten = 127.0.0.1:8080\nupstream = u\n"
        .. "script = a.lua\n[upstream u]\nprotocol = tcp\n"
        .. "server one = 127.0.0.1:1\n",
      lua = { ["a.lua"] = "return { close = function(conn, result)\n"
        .. reading("conn", names_of("moongate.conn")) .. "\n"
        .. reading("result", names_of("moongate.result")) .. "\nend }" },
    })
    p:close_conn { ok = true }
    assert.are.same({}, p.log)
    p:stop()
  end)

  it("names what a login's hooks get", function()
    local p = assert(program.start {
      config = "[mysql db]\nlisten = 127.0.0.1:8080\nupstream = u\n"
        .. "script = a.lua\n[upstream u]\nprotocol = mysql\n"
        .. "server one = 127.0.0.1:1\n",
      lua = { ["a.lua"] = "return { login = function(login, conn)\n"
        .. reading("login", names_of("moongate.login")) .. "\n"
        .. reading("conn", names_of("moongate.conn")) .. "\nend }" },
    })
    assert.are.equal("pass", (p:login { user = "app" }))
    assert.are.same({}, p.log)
    p:stop()
  end)

  it("names what a section's hooks get", function()
    local p = assert(program.start {
      config = "[http web]\nlisten = 127.0.0.1:8080\nscript = a.lua",
      lua = { ["a.lua"] = "return { request = function(req)\n"
        .. reading("req", names_of("moongate.req", "req"))
        .. "\nend, accept = function(conn)\n"
        .. reading("conn", names_of("moongate.conn")) .. "\nend }" },
    })
    p:get("/")
    assert.are.equal("pass", (p:accept()))
    assert.are.same({}, p.log)
    p:stop()
  end)

  it("names what a check gets, and what its connections have", function()
    local server = peer.serve(peer.sink)
    local c = checks.start {
      script = "local moongate = require 'moongate'\n"
        .. "return { check = function(server)\n"
        .. reading("server", names_of("moongate.server")) .. "\n"
        .. reading("server", names_of("moongate.checked"))
        .. "\nlocal c = assert(moongate.tcp.connect(server.host, "
        .. "server.port))\n"
        .. reading("c", names_of("moongate.connection", "connection"))
        .. "\nreturn true\nend }",
      servers = { "127.0.0.1:" .. server.port },
    }
    assert.are.equal("L7OK", (c:run()))
    assert.are.same({}, c.log)
    c:stop()
  end)

  it("names what an answer of http has", function()
    local server = peer.serve(function(connection)
      connection:receive_until("\r\n\r\n")
      connection:send("HTTP/1.1 204 No Content\r\n\r\n")
    end)
    local wanted = names_of("moongate.http_answer")
    local c = checks.start {
      script = "local moongate = require 'moongate'\n"
        .. "return { check = function(server)\n"
        .. "local answer = assert(moongate.http.get('http://' .. "
        .. "server.address))\nlocal count = 0\n"
        .. "for _ in pairs(answer) do count = count + 1 end\n"
        .. "assert(count == " .. #wanted .. ")\n"
        .. "return answer." .. table.concat(wanted, " ~= nil and answer.")
        .. " ~= nil\nend }",
      servers = { "127.0.0.1:" .. server.port },
    }
    assert.are.equal("L7OK", (c:run()))
    assert.are.same({}, c.log)
    c:stop()
  end)

  it("names every field of a server's view", function()
    local described = { name_len = true }
    for _, name in ipairs(names_of("moongate.server")) do
      described[name] = true
    end
    local text = folder.read("src/board/view_struct.h")
    for name in text:match("struct server_view (%b{})")
      :gmatch("\n    [%w_]+ ([%w_]+)[%[;]") do
      assert.is_true(described[name], name)
    end
  end)
end)
