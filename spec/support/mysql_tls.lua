--- A scripted MySQL server that is spoken to by TLS alone, for whom everybody's
-- password is "app": in Python, which can begin TLS on a connection that is
-- there already.
--
--     local server = mysql_tls.serve(pki, "good", { plugin = "dialog" })
--     server.port, server:heard()   --> "ready\nasked\nlogin app\n..."
--     server:stop()
local loop = require "support.loop"
local mysql = require "support.mysql"
local ports = require "support.ports"
local process = require "support.process"

local _M = {}
local Server = {}
Server.__index = Server

local SCRIPT = [[
import socket, ssl, sys

port, certificate, key, greeting, plugin, proxied = sys.argv[1:]
SHA2 = "caching_sha2_password"
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)

def note(*words):
    print(*words, flush=True)

def take(s, n):
    got = b""
    while len(got) < n:
        piece = s.recv(n - len(got))
        if not piece:
            raise EOFError
        got += piece
    return got

def receive(s, wanted):
    head = take(s, 4)
    if head[3] != wanted:
        note("packet", head[3], "came where", wanted, "was due")
    return take(s, int.from_bytes(head[:3], "little"))

def say(s, number, payload):
    s.sendall(len(payload).to_bytes(3, "little") + bytes([number]) + payload)

def serve(s):
    line = b""
    while proxied == "yes" and not line.endswith(b"\n"):
        line += take(s, 1)
    if line:
        note("header", line.decode().strip())
    s.sendall(bytes.fromhex(greeting))
    if len(receive(s, 1)) != 32:
        note("that asks for no TLS")
        return
    note("asked")
    s = context.wrap_socket(s, server_side=True)
    note("login", receive(s, 2)[32:].split(b"\0")[0].decode())
    say(s, 3, b"\xfe" + plugin.encode() + b"\0" + b"0123456789abcdefghij\0")
    answer, number = receive(s, 4), 5
    note("answer", answer.hex())
    if plugin == SHA2:
        say(s, 5, b"\1\4")
        answer, number = receive(s, 6), 7
        note("whole", answer.hex())
    if answer != b"app\0":
        say(s, number, b"\xff\x15\x04#28000no")
        return
    say(s, number, b"\0\0\0\2\0\0\0")
    while receive(s, 0)[0] != 1:
        say(s, 1, b"\0\0\0\2\0\0\0")
    note("quit")

with socket.create_server(("127.0.0.1", int(port))) as listener:
    note("ready")
    while True:
        s, _ = listener.accept()
        try:
            serve(s)
        except (EOFError, OSError) as e:
            note("lost", type(e).__name__)
        s.close()
]]


--- A greeting that offers TLS.
function _M.greeting()
  local greeting, n = mysql.greeting8():gsub("\255\247\255\2", "\255\255\255\2")
  assert(n == 1)
  return greeting
end


local function hex(text)
  return (text:gsub(".", function(c)
    return ("%02x"):format(c:byte())
  end))
end


--- Serves one client at a time until it is stopped.
-- @param pki      as support.tls makes it
-- @param name     string: of the certificate
-- @param options  table or nil: plugin, proxied (boolean: a PROXY header of
--                 version 1 comes first)
function _M.serve(pki, name, options)
  options = options or {}
  local port = ports.free(1)[1]
  local self = setmetatable({
    port = port, out = pki:file("mysql-" .. port),
  }, Server)
  self.process = process.spawn({
    "/usr/bin/python3", "-c", SCRIPT, tostring(port), pki:file(name .. ".crt"),
    pki:file(name .. ".key"), hex(_M.greeting()),
    options.plugin or "caching_sha2_password", options.proxied and "yes" or "",
  }, { stdout = self.out, stderr = self.out,
    env = { LD_PRELOAD = false, ASAN_OPTIONS = false } })
  loop.wait_until("the server is ready", function()
    assert(self.process:alive(), self:heard())
    return self:heard():find("^ready")
  end)
  return self
end


--- What it has been told so far.
function Server:heard()
  local file = io.open(self.out)
  local text = file and file:read("*a") or ""
  if file then
    file:close()
  end
  return text
end


--- Waits until it has been told something.
function Server:wait(text)
  loop.wait_until("the server hears " .. text, function()
    return self:heard():find(text, 1, true)
  end)
end


function Server:stop()
  self.process:kill("KILL")
  self.process:wait()
end


return _M
