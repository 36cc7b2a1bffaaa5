--- What the readme shows works as it stands there, in both languages.
local folder = require "support.folder"
local http = require "support.http"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"


-- The indented blocks of a text that begin with a word.
local function blocks(name, first_word)
  local found, current = {}, nil
  for line in (assert(folder.read(name)) .. "\n"):gmatch("(.-)\n") do
    if line:find("^    ") then
      current = current or {}
      current[#current + 1] = line:sub(5)
    elseif line ~= "" or not current then
      if current and current[1]:find(first_word, 1, true) == 1 then
        found[#found + 1] = table.concat(current, "\n") .. "\n"
      end
      current = nil
    else
      current[#current + 1] = ""
    end
  end
  return found
end


describe("the readme", function()
  after_each(moongate.finish)

  it("shows the same in both languages", function()
    for _, word in ipairs({ "[", "local", "make" }) do
      local english = blocks("README.md", word)
      assert.is_true(#english >= 2)
      if word ~= "make" then
        assert.are.same(english, blocks("README.zh-CN.md", word))
      end
    end
  end)

  it("shows configurations without a fault", function()
    for _, text in ipairs(blocks("README.md", "[")) do
      local m = moongate.prepare({ config = text })
      local status, said = process.run({
        moongate.build() .. "/moongate", "check", "-c", m.file,
      })
      assert.are.equal(0, status, said)
    end
  end)

  it("shows a policy that takes the last usable server", function()
    local a, b = peer.serve(peer.greet("a")), peer.serve(peer.greet("b"))
    local m = moongate.start({
      config = [[
        [upstream two]
        protocol = tcp
        policy = night
        server a = 127.0.0.1:${port_a}
        server b = 127.0.0.1:${port_b} maxconn=1
        [tcp two]
        listen = 127.0.0.1:${port_two}
        upstream = two
      ]],
      files = { ["lua/policy/night.lua"] = blocks("README.md", "local")[1] },
      ports = { a = a.port, b = b.port },
    })
    local first = net.connect(m.port.two)
    assert.are.equal("b", first:receive(1))
    assert.are.equal("a", net.connect(m.port.two):receive(1))
  end)

  it("shows a hook that redirects what is below /old/", function()
    local m = moongate.start({
      config = [[
        [http web]
        listen = 127.0.0.1:${port_web}
        root = ${dir}/www
        script = api.lua
      ]],
      files = {
        ["lua/api.lua"] = blocks("README.md", "local")[2],
        ["www/a.txt"] = "a",
      },
    })
    local moved = http.fetch(m.port.web, "/old/a.txt")
    assert.are.equal(301, moved.status)
    assert.truthy(moved.headers.location:find("/new/$"))
    assert.are.equal("a", http.fetch(m.port.web, "/a.txt").body)
  end)

  it("shows a spec that passes", function()
    local m = moongate.prepare({
      config = "[http web]\nlisten = 127.0.0.1:80\n",
      files = {
        ["lua/policy/night.lua"] = blocks("README.md", "local")[1],
        ["lua/policy/night_spec.lua"] = blocks("README.md", "local")[3],
      },
    })
    local status, said = process.run({
      moongate.build() .. "/moongate", "test", "-c", m.file,
      "policy/night.lua",
    })
    assert.are.equal(0, status, said)
    assert.truthy(said:find("1 success", 1, true), said)
  end)
end)
