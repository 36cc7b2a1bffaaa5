--- The configurations of bench/scale: for each program the same thing N times.
-- Where there is an order, what the load asks for is the last of them.
local NAMES_PER_LINE = 6

local _M = {}
local moongate, nginx, haproxy = {}, {}, {}


-- A list of lines, filled with add(lines, format, ...).
local function add(lines, format, ...)
  lines[#lines + 1] = select("#", ...) > 0 and format:format(...) or format
end


local function fill_in(text, values)
  return (text:gsub("${(%w+)}", function(name)
    return tostring(values[name] or error("no value for " .. name))
  end))
end


--- The name of one of the hosts.
function _M.host(i)
  return ("host%d.example.com"):format(i)
end


-- The hosts of one of `sections` sections: each has every so manieth.
local function hosts_of(section, sections, n)
  local names = {}
  for i = section, n, sections do
    names[#names + 1] = _M.host(i)
  end
  return names
end


-- Calls f with groups of names that fit on a line.
local function each_line(names, f)
  for i = 1, #names, NAMES_PER_LINE do
    local last = math.min(#names, i + NAMES_PER_LINE - 1)
    f(table.concat(names, " ", i, last), i == 1)
  end
end


-- --- moongate ----------------------------------------------------------------

local MOONGATE_HEAD = [[
[global]
workers     = ${workers}
log         = stderr level=warn
temp_dir    = ${temp}
script_path = ${checkout}/lua

[defaults]
keepalive_timeout = 1h
client_timeout    = 1h
]]

local MOONGATE_HTTP = [[
[http %s]
listen     = 127.0.0.1:${port}
root       = ${www}
access_log = off]]

local MOONGATE_TCP = [[
[tcp t]
listen     = 127.0.0.1:${port}
upstream   = u
access_log = off]]

local MOONGATE_ROUTES = {
  prefix = { "route = /r%d/ static", "route = /pages/ static" },
  exact = { "route = = /r%d/page static", "route = = /pages/1k.bin static" },
  regex = { "route = ~ ^/r%d/.+\\.bin$ static",
    "route = ~ ^/pages/.+\\.bin$ static" },
  ["regex-open"] = { "route = ~ /r%d/.+\\.bin$ static",
    "route = ~ /pages/.+\\.bin$ static" },
}


function moongate.static(lines)
  add(lines, MOONGATE_HTTP, "h")
end


function moongate.servers(lines, n, values, policy)
  add(lines, "[upstream u]\nprotocol = tcp\npolicy = " .. policy)
  for i = 1, n do
    add(lines, "server s%d = 127.0.0.1:%d", i, values.echo[(i - 1) % 3 + 1])
  end
  add(lines, MOONGATE_TCP)
end


function moongate.fastcgi(lines, n, values)
  add(lines, "[upstream u]\nprotocol = fastcgi\nkeepalive = 64")
  for i = 1, n do
    add(lines, "server s%d = 127.0.0.1:%d", i, values.fcgi[(i - 1) % 3 + 1])
  end
  add(lines, MOONGATE_HTTP, "h")
  add(lines, "route = ~ ^(.+\\.php)(/.*)?$ u")
end


function moongate.routes(lines, n, _, kind)
  local routes = MOONGATE_ROUTES[kind]
  add(lines, MOONGATE_HTTP, "h")
  for i = 1, n - 1 do
    add(lines, routes[1], i)
  end
  add(lines, routes[2])
end


local function add_moongate_hosts(lines, name, names)
  add(lines, MOONGATE_HTTP, name)
  each_line(names, function(words, first)
    add(lines, (first and "server_name = " or "    ") .. words)
  end)
end


function moongate.hosts(lines, n, _, sections)
  for i = 1, math.min(n, sections) do
    add_moongate_hosts(lines, "h" .. i, hosts_of(i, sections, n))
  end
end


-- --- nginx -------------------------------------------------------------------

local NGINX_HEAD = [[
load_module ${modules}/ngx_stream_module.so;
daemon off;
${user}
worker_processes ${workers};
pid ${dir}/${id}.pid;
error_log stderr error;
events {
    worker_connections 20000;
    multi_accept on;
}]]

local NGINX_HTTP = [[
http {
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_timeout 1h;
    keepalive_requests 1000000000;
    open_file_cache max=1000 inactive=60s;
    open_file_cache_valid 1s;
    client_body_temp_path ${temp}/body;
    fastcgi_temp_path ${temp}/fastcgi;
    proxy_temp_path ${temp}/proxy;
    scgi_temp_path ${temp}/scgi;
    uwsgi_temp_path ${temp}/uwsgi;
    server_names_hash_max_size 131072;
    default_type application/octet-stream;
    root ${www};]]

local NGINX_LISTEN = "listen 127.0.0.1:${port} backlog=4096%s;"

local NGINX_BALANCE = {
  roundrobin = "", leastconn = "least_conn;", source = "hash $remote_addr;",
}

local NGINX_ROUTES = {
  prefix = { "location /r%d/ { }", "location /pages/ { }" },
  exact = { "location = /r%d/page { }", "location = /pages/1k.bin { }" },
  regex = { "location ~ ^/r%d/.+\\.bin$ { }",
    "location ~ ^/pages/.+\\.bin$ { }" },
  ["regex-open"] = { "location ~ /r%d/.+\\.bin$ { }",
    "location ~ /pages/.+\\.bin$ { }" },
}


-- With several workers each has a socket of its own, as Moongate's have.
local function nginx_listen(values)
  return NGINX_LISTEN:format(values.workers > 1 and " reuseport" or "")
end


function nginx.static(lines, _, values)
  add(lines, NGINX_HTTP)
  add(lines, "server { " .. nginx_listen(values) .. " } }")
end


function nginx.servers(lines, n, values, policy)
  add(lines, "stream { tcp_nodelay on; upstream u { "
    .. NGINX_BALANCE[policy])
  for i = 1, n do
    add(lines, "server 127.0.0.1:%d;", values.echo[(i - 1) % 3 + 1])
  end
  add(lines, "} server { " .. nginx_listen(values) .. " proxy_pass u; } }")
end


function nginx.routes(lines, n, values, kind)
  local routes = NGINX_ROUTES[kind]
  add(lines, NGINX_HTTP)
  add(lines, "server { " .. nginx_listen(values))
  for i = 1, n - 1 do
    add(lines, routes[1], i)
  end
  add(lines, routes[2] .. " } }")
end


function nginx.hosts(lines, n, _, sections)
  add(lines, NGINX_HTTP)
  for i = 1, math.min(n, sections) do
    add(lines, "server { listen 127.0.0.1:${port}; server_name")
    each_line(hosts_of(i, sections, n), function(words)
      add(lines, words)
    end)
    add(lines, "; }")
  end
  add(lines, "}")
end


-- --- haproxy -----------------------------------------------------------------

local HAPROXY_HEAD = [[
global
    nbthread ${workers}
    maxconn 4096

defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    backlog 4096

listen t
    bind 127.0.0.1:${port}]]


function haproxy.servers(lines, n, values, policy)
  add(lines, "    balance " .. policy)
  for i = 1, n do
    add(lines, "    server s%d 127.0.0.1:%d", i, values.echo[(i - 1) % 3 + 1])
  end
end


-- --- all ---------------------------------------------------------------------

local HEADS = { moongate = MOONGATE_HEAD, nginx = NGINX_HEAD,
  haproxy = HAPROXY_HEAD }
local PROGRAMS = { moongate = moongate, nginx = nginx, haproxy = haproxy }

-- What makes a kind, and what it is told besides the size.
local KINDS = {
  static = { "static" },
  roundrobin = { "servers", "roundrobin" },
  leastconn = { "servers", "leastconn" },
  source = { "servers", "source" },
  prefix = { "routes", "prefix" },
  exact = { "routes", "exact" },
  regex = { "routes", "regex" },
  ["regex-open"] = { "routes", "regex-open" },
  hosts = { "hosts", math.huge },
  names = { "hosts", 1 },
  tcp = { "servers", "roundrobin" },
  fastcgi = { "fastcgi" },
}


--- The configuration of a program, as text.
-- @param program  string: moongate, nginx or haproxy
-- @param kind     string: as in scale_tables
-- @param n        integer: the size
-- @param values   table: id (unique to the process), port, workers, echo and
--   fcgi (three ports each), user, and the folders dir, www, temp, checkout,
--   modules
function _M.text(program, kind, n, values)
  local lines = { HEADS[program] }
  local words = KINDS[kind]
  PROGRAMS[program][words[1]](lines, n, values, words[2])
  return fill_in(table.concat(lines, "\n"), values) .. "\n"
end


return _M
