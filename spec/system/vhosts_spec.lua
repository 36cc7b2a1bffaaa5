--- Which section serves a request: by address, then by the Host's name.
local http = require "support.http"
local moongate = require "support.moongate"

local CONFIG = [[
  [http first]
  listen = 127.0.0.1:${port_a}
  server_name = first.example.com
  root = ${dir}/first
  access_log = off
  [http exact]
  listen = 127.0.0.1:${port_a}
  server_name = www.example.com Other.Example.com
  root = ${dir}/exact
  access_log = off
  [http wild]
  listen = 127.0.0.1:${port_a}
  listen = 127.0.0.1:${port_b}
  server_name = *.example.com
  root = ${dir}/wild
  access_log = off
  [http deeper]
  listen = 127.0.0.1:${port_a}
  server_name = *.deep.example.com
  root = ${dir}/deeper
  access_log = off
  [http fallback]
  listen = 127.0.0.1:${port_b} default_server
  server_name = fallback.example.com
  root = ${dir}/fallback
  access_log = off
  [http byhost]
  listen = 127.0.0.1:${port_c}
  root = ${dir}/hosts/${host}
  access_log = off
]]

local CASES = {
  { "a", "first.example.com", "first" },
  { "a", "www.example.com", "exact" },
  { "a", "WWW.Example.COM", "exact" },
  { "a", "other.example.com", "exact" },
  { "a", "www.example.com:8080", "exact" },
  { "a", "www.example.com.", "exact" },
  { "a", "x.example.com", "wild" },
  { "a", "x.y.example.com", "wild" },
  { "a", "x.deep.example.com", "deeper" },
  { "a", "deep.example.com", "wild" },
  { "a", "example.com", "first" },
  { "a", "unknown.org", "first" },
  { "a", "127.0.0.1", "first" },
  { "b", "x.example.com", "wild" },
  { "b", "www.example.com", "wild" },
  { "b", "unknown.org", "fallback" },
}


describe("virtual hosts", function()
  local port

  setup(function()
    local files = { ["hosts/a.test/name.txt"] = "a.test" }
    for _, name in ipairs { "first", "exact", "wild", "deeper", "fallback" } do
      files[name .. "/name.txt"] = name
    end
    port = moongate.start({ config = CONFIG, files = files }).port
  end)

  teardown(moongate.finish)

  for _, case in ipairs(CASES) do
    it(("serve %s on %s by [http %s]"):format(case[2], case[1], case[3]),
      function()
        local answer = http.fetch(port[case[1]], "/name.txt",
          { "Host: " .. case[2] })
        assert.are.equal(case[3], answer.body)
      end)
  end

  it("decide anew for each request of a connection", function()
    local client = http.connect(port.a)
    for _, name in ipairs { "first", "www", "x" } do
      local answer = client:exchange("GET /name.txt",
        { "Host: " .. name .. ".example.com" })
      assert.are.equal(({ first = "first", www = "exact", x = "wild" })[name],
        answer.body)
    end
  end)

  it("go by the target's authority where it has one", function()
    local answer = http.fetch(port.a, "GET http://www.example.com/name.txt",
      { "Host: www.example.com" })
    assert.are.equal("exact", answer.body)
  end)

  it("serve a 1.0 client without a Host by the default", function()
    local answer = http.raw(port.b, "GET /name.txt HTTP/1.0\r\n\r\n")
    assert.are.equal("fallback", answer.body)
  end)

  it("may name the host in root", function()
    assert.are.equal("a.test",
      http.fetch(port.c, "/name.txt", { "Host: a.test:1" }).body)
    assert.are.equal(404,
      http.fetch(port.c, "/name.txt", { "Host: b.test" }).status)
    assert.are.equal(400, http.raw(port.c,
      "GET /name.txt HTTP/1.1\r\nHost: ../first\r\n\r\n").status)
    assert.are_not.equal(200, http.raw(port.c,
      "GET /first/name.txt HTTP/1.1\r\nHost: ..\r\n\r\n").status)
  end)
end)


describe("thousands of virtual hosts", function()
  local SECTIONS = 2000

  teardown(moongate.finish)

  it("have a section each", function()
    local lines = {}
    for i = 1, SECTIONS do
      lines[i] = ("[http h%d]\nlisten = 127.0.0.1:${port_a}\n"
        .. "server_name = host%d.test\nroot = ${dir}/${host}\n"
        .. "access_log = off\n"):format(i, i)
    end
    local last = ("host%d.test"):format(SECTIONS)
    local port = moongate.start({
      config = table.concat(lines),
      files = { [last .. "/a"] = "last", ["host1.test/a"] = "first" },
    }).port
    assert.are.equal("last",
      http.fetch(port.a, "/a", { "Host: " .. last }).body)
    assert.are.equal("first",
      http.fetch(port.a, "/a", { "Host: host1.test" }).body)
  end)
end)
