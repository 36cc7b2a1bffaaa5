--- nginx, as a server that others ask.
--
--     local nginx = nginx.start([[
--       server { listen 127.0.0.1:${port} ssl; ... }
--     ]], { port = 4711 })
--     nginx:stop()
local folder = require "support.folder"
local loop = require "support.loop"
local net = require "support.net"
local process = require "support.process"

local HEAD = [[
daemon off;
master_process off;
pid ${dir}/pid;
error_log ${dir}/error.log;
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path ${dir}/body;
  proxy_temp_path ${dir}/proxy;
  fastcgi_temp_path ${dir}/fastcgi;
  uwsgi_temp_path ${dir}/uwsgi;
  scgi_temp_path ${dir}/scgi;
  keepalive_requests 100000;
]]

local _M = {}
local Nginx = {}
Nginx.__index = Nginx


--- Starts it.
-- @param servers  string: what stands in its http block, ${NAME} for values
-- @param values   table: port, and others by name
-- @return the server: dir, pid
function _M.start(servers, values)
  local self = setmetatable({ dir = folder.make() }, Nginx)
  local text = (HEAD .. servers .. "}\n"):gsub("${(%w+)}", function(name)
    return name == "dir" and self.dir or tostring(values[name])
  end)
  folder.write(self.dir .. "/nginx.conf", text)
  self.process = process.spawn({ "/usr/sbin/nginx", "-p", self.dir, "-c",
    self.dir .. "/nginx.conf", "-e", self.dir .. "/error.log" }, {
    lasting = true, stdout = self.dir .. "/out", stderr = self.dir .. "/out",
    env = { LD_PRELOAD = false },
  })
  loop.wait_until("nginx listens", function()
    if not self.process:alive() then
      error(folder.read(self.dir .. "/out"), 0)
    end
    local socket = net.connect(values.port)
    if socket then
      socket:close()
    end
    return socket
  end)
  return self
end


function Nginx:stop()
  self.process:kill("KILL")
  self.process:wait()
  folder.remove(self.dir)
end


return _M
