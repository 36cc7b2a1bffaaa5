--- Bulk on [tcp]: it passes through kernel pipes, which is for nobody to see
-- but for those who count descriptors.
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local process = require "support.process"
local sample = require "support.sample"

local CONFIG = [[
  [upstream db]
  protocol = tcp
  server one = 127.0.0.1:${port_one}
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = off
]]
local SESSIONS_MAX = 64  -- CONDUITS_MAX of net/conduit.h


describe("bulk on [tcp]", function()
  local m, one

  before_each(function()
    one = net.listen({ rcvbuf = 1e5 })
    m = moongate.start { config = CONFIG, ports = { one = one.port } }
  end)

  after_each(moongate.finish)

  local function join()
    local client = assert(net.connect(m.port.db, { rcvbuf = 1e5 }))
    return client, one:accept()
  end

  local function pipes()
    return process.pipe_ends(m:workers()[1])
  end

  -- Sends all of a text, and has it received a part at a time.
  local function transfer(from, to, text)
    loop.spawn("sender", function()
      from:send(text, 60)
    end)
    for at = 1, #text, 100000 do
      local part = text:sub(at, at + 99999)
      assert.is_true(to:receive(#part) == part)
    end
  end

  it("passes through pipes, and they are closed afterwards", function()
    local before = pipes()
    local client, server = join()
    local text = sample.text(8e6)
    loop.spawn("sender", function()
      server:send(text, 60)
    end)
    loop.wait_until("a pipe is used", function()
      return pipes() > before
    end)
    assert.is_true(client:receive(#text, 60) == text)
    loop.wait_until("no pipe is left", function()
      return pipes() == before
    end)
    client:send("still here")
    assert.are.equal("still here", server:receive(10))
  end)

  it("uses none for small messages", function()
    local before = pipes()
    local client, server = join()
    local text = sample.text(4000)
    for _ = 1, 200 do
      client:send(text)
      assert.are.equal(text, server:receive(#text))
    end
    assert.are.equal(before, pipes())
  end)

  it("may change to small messages and back, in both directions", function()
    local client, server = join()
    local text = sample.text(3e6)
    for _ = 1, 3 do
      transfer(client, server, text)
      transfer(server, client, text)
      for i = 1, 20 do
        client:send("question " .. i)
        assert.are.equal("question " .. i, server:receive(9 + #tostring(i)))
        server:send("answer " .. i)
        assert.are.equal("answer " .. i, client:receive(7 + #tostring(i)))
      end
    end
  end)

  it("passes the end on behind the last byte", function()
    local client, server = join()
    local text = sample.text(5e6)
    loop.spawn("sender", function()
      server:send(text, 60)
      server:shutdown()
    end)
    local got, why = client:receive_all(60)
    assert.is_true(got == text)
    assert.are.equal("closed", why)
    client:send("thanks")
    assert.are.equal("thanks", server:receive(6))
  end)

  for _, side in ipairs { "client", "server" } do
    it("ends when the " .. side .. " breaks off in the middle", function()
      local before = pipes()
      local client, server = join()
      loop.spawn("sender", function()
        pcall(server.send, server, sample.text(2e7), 60)
      end)
      loop.wait_until("a pipe is used", function()
        return pipes() > before
      end)
      local other = side == "client" and server or client
      if side == "client" then
        client:reset()
        loop.wait_until("the session is over", function()
          return m:server("one").active == 0
        end)
      else
        server:reset()
        assert.are.equal("reset", select(2, other:receive_all(60)))
      end
      loop.wait_until("no pipe is left", function()
        return pipes() == before
      end)
    end)
  end

  it("is copied where there are no more pipes", function()
    local text = sample.text(6e6)
    local sessions = {}
    for i = 1, SESSIONS_MAX + 6 do
      local client, server = join()
      sessions[i] = { client = client, server = server }
      loop.spawn("sender " .. i, function()
        pcall(server.send, server, text, 120)
      end)
    end
    loop.wait_until("all pipes are used", function()
      return pipes() >= 2 * SESSIONS_MAX
    end, 60)
    for i = SESSIONS_MAX - 2, SESSIONS_MAX + 6 do
      assert.is_true(sessions[i].client:receive(#text, 120) == text)
    end
  end)
end)
