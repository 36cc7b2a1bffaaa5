--- Certificates as OpenSSL makes them, and its own server with one of them.
--
--     local pki = tls.make()
--     pki.ca                      -- the text of the authority's certificate
--     pki:sign("good", "DNS:app.test,IP:127.0.0.1")
--     pki:file("good.crt"), pki:file("good.key")
--     local server = pki:serve("good", { "-www" })
--     server.port, server:stop()
--     pki:remove()
local folder = require "support.folder"
local loop = require "support.loop"
local net = require "support.net"
local ports = require "support.ports"
local process = require "support.process"

local _M = {}
local Pki = {}
Pki.__index = Pki
local Server = {}
Server.__index = Server


local function openssl(self, ...)
  local status, text = process.run({ "openssl", ... }, {
    cwd = self.dir, env = { LD_PRELOAD = false },
  })
  assert(status == 0, text)
end


-- A key, and a request for a certificate of a name.
local function request(self, name)
  openssl(self, "req", "-new", "-newkey", "ec", "-pkeyopt",
    "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" .. name, "-keyout",
    name .. ".key", "-out", name .. ".csr")
end


--- Makes an authority.
function _M.make()
  local self = setmetatable({ dir = folder.make() }, Pki)
  self:self_sign("ca", "DNS:ca.test")
  self.ca = folder.read(self:file("ca.crt"))
  return self
end


--- The path of a file that was made: NAME.crt, NAME.key.
function Pki:file(name)
  return self.dir .. "/" .. name
end


--- A certificate that nobody but itself has signed.
-- @param names  string: subjectAltName
function Pki:self_sign(name, names)
  openssl(self, "req", "-x509", "-newkey", "ec", "-pkeyopt",
    "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" .. name, "-days", "2",
    "-addext", "subjectAltName=" .. names, "-keyout", name .. ".key", "-out",
    name .. ".crt")
end


--- A certificate of the authority.
-- @param names  string: subjectAltName
-- @param days   number, optional: that it is good for; 0: it has expired
function Pki:sign(name, names, days)
  request(self, name)
  folder.write(self:file(name .. ".ext"), "subjectAltName=" .. names .. "\n")
  openssl(self, "x509", "-req", "-in", name .. ".csr", "-CA", "ca.crt",
    "-CAkey", "ca.key", "-CAcreateserial", "-days", tostring(days or 2),
    "-extfile", name .. ".ext", "-out", name .. ".crt")
end


local function wait_port(server)
  loop.wait_until("openssl s_server listens", function()
    assert(server.process:alive(), folder.read(server.out))
    local socket = net.connect(server.port)
    if socket then
      socket:close()
    end
    return socket
  end)
end


--- Starts `openssl s_server`.
-- @param name     string: of the certificate
-- @param more     array of strings: further arguments
-- @return the server: port, process
function Pki:serve(name, more)
  local port = ports.free(1)[1]
  local argv = { "openssl", "s_server", "-accept", "127.0.0.1:" .. port,
    "-cert", self:file(name .. ".crt"), "-key", self:file(name .. ".key") }
  for _, word in ipairs(more or {}) do
    argv[#argv + 1] = word
  end
  local out = self:file(("out-%d"):format(port))
  local server = setmetatable({ port = port, out = out }, Server)
  server.process = process.spawn(argv, {
    stdout = out, stderr = out, cwd = self.dir, env = { LD_PRELOAD = false },
  })
  wait_port(server)
  return server
end


function Pki:remove()
  folder.remove(self.dir)
end


function Server:stop()
  self.process:kill("KILL")
  self.process:wait()
end


return _M
