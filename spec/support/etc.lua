--- An /etc/hosts and an /etc/resolv.conf of a spec's own, for one program: they
-- are bound over the machine's in a mount namespace.
--
--     local etc = etc.make { hosts = "127.0.0.2 app.test\n" }
--     moongate.start { wrap = etc.wrap, ... }
--     etc:write("hosts", "127.0.0.3 app.test\n")
--
-- Where no resolv.conf is given the name server is a port that nobody has: it
-- refuses.  evdns takes one with a port; libc does not, and asks 127.0.0.1.
local ffi = require "ffi"
local folder = require "support.folder"
local net = require "support.net"

-- What is bound must have been there before.
local BIND = 'mount --bind "$0/hosts" /etc/hosts'
  .. ' && mount --bind "$0/resolv.conf" /etc/resolv.conf && exec "$@"'

local _M = {}
local Etc = {}
Etc.__index = Etc


--- Makes the files.
-- @param files  table: hosts, resolv (texts; either may be absent)
-- @return the files: dir, and wrap, the words before a program's that see them
function _M.make(files)
  local dir = folder.make()
  local self = setmetatable({ dir = dir }, Etc)
  self:write("hosts", files.hosts or "127.0.0.1 localhost\n")
  self:write("resolv.conf", files.resolv
    or _M.name_server(net.reserve().port))
  -- Who is not root is it in a user namespace.
  local how = ffi.C.getuid() == 0 and "-m" or "-rm"
  self.wrap = { "unshare", how, "sh", "-c", BIND, dir }
  return self
end


--- The text of a resolv.conf that names one server, which is not waited for
-- long.
-- @param port  integer: of 127.0.0.1
function _M.name_server(port)
  return ("nameserver 127.0.0.1:%d\noptions timeout:1 attempts:1\n"):format(
    port)
end


--- Gives a file another text, in place: it is what is bound.
function Etc:write(name, text)
  folder.write(self.dir .. "/" .. name, text)
end


function Etc:remove()
  folder.remove(self.dir)
end


return _M
