--- How single values are spelled, key by key: what is taken, and what is said
-- of the rest.
local config = require "support.config"

local text = config.text

local GLOBAL = { head = "[global]\n", tail = config.SECTION }
local TRUST = { head = "[global]\n", tail = config.SECTION
                .. "script = hook.lua\n[upstream u]\nprotocol = tcp\n"
                .. "policy = roundrobin\ncheck = lua script=./c.lua\n"
                .. "server z = zz:1\n" }
local HTTP = { head = config.SECTION,
               tail = "[upstream php]\nserver a = b:1\n" }
local UPSTREAM = { head = config.SECTION .. "[upstream u]\n",
                   tail = "server z = zz:1\n" }
local TCP = { head = "[tcp t]\nlisten = 8080\nupstream = u\n",
              tail = "[upstream u]\nprotocol = tcp\nserver a = b:1\n" }


local function global(field)
  return function(c)
    return tonumber(c.global[field])
  end
end


local function section(field)
  return function(c)
    return tonumber(c.sections[0][field])
  end
end


local function http(field)
  return function(c)
    return tonumber(c.sections[0].http[field])
  end
end


local function underscores(c)
  return c.sections[0].http.underscores
end


local function limit(field)
  return function(c)
    return tonumber(c.sections[0].limits[field])
  end
end


--- Each: the section, the line, and either the value or the fault.
local CASES = {
  -- Numbers.
  { GLOBAL, "workers = auto", value = global("workers"), is = 0 },
  { GLOBAL, "workers = 64", value = global("workers"), is = 64 },
  { GLOBAL, "workers = 0",
    fault = "workers: '0' is out of range: from 1 to 64" },
  { GLOBAL, "workers = 65",
    fault = "workers: '65' is out of range: from 1 to 64" },
  { GLOBAL, "workers = -1",
    fault = "workers: '-1' is not a whole number, nor auto" },
  { GLOBAL, "max_connections = 99999999999999999999",
    fault = "max_connections: '99999999999999999999' is not a whole number" },
  { HTTP, "retries = 15", value = limit("retries"), is = 15 },
  { HTTP, "retries = 16",
    fault = "retries: '16' is out of range: from 0 to 15" },

  -- Sizes.
  { GLOBAL, "shared_memory = 1g", value = global("shared_memory"),
    is = 1073741824 },
  { GLOBAL, "shared_memory = 255k",
    fault = "shared_memory: '255k' is out of range: from 256k to 64g" },

  -- Durations.
  { GLOBAL, "drain_timeout = 500ms", value = global("drain_timeout_ms"),
    is = 500 },
  { GLOBAL, "drain_timeout = 2d", value = global("drain_timeout_ms"),
    is = 172800000 },
  { HTTP, "client_timeout = 5s", value = limit("client_timeout_ms"),
    is = 5000 },
  { HTTP, "client_timeout = 2m", value = limit("client_timeout_ms"),
    is = 120000 },
  { HTTP, "client_timeout = 8h", value = limit("client_timeout_ms"),
    is = 28800000 },
  { HTTP, "client_timeout = 5",
    fault = "client_timeout: '5' has no unit: write 5s for seconds or 5ms for "
      .. "milliseconds" },
  { HTTP, "client_timeout = 5 s",
    fault = "client_timeout: '5 s' is not a duration: write a whole number and "
      .. "its unit, such as 500ms, 5s, 2m, 8h or 1d" },
  { HTTP, "client_timeout = 1.5s",
    fault = "client_timeout: '1.5s' is not a duration: write a whole number "
      .. "and its unit, such as 500ms, 5s, 2m, 8h or 1d" },
  { HTTP, "client_timeout = s",
    fault = "client_timeout: 's' is not a duration: write a whole number and "
      .. "its unit, such as 500ms, 5s, 2m, 8h or 1d" },
  { HTTP, "client_timeout = 0s",
    fault = "client_timeout: '0s' is out of range: from 1ms to 20d" },
  { HTTP, "client_timeout = 21d",
    fault = "client_timeout: '21d' is out of range: from 1ms to 20d" },
  { HTTP, "client_timeout = 99999999999999999d",
    fault = "client_timeout: '99999999999999999d' is not a duration: write a "
      .. "whole number and its unit, such as 500ms, 5s, 2m, 8h or 1d" },

  -- Sizes.
  { HTTP, "max_body = 16k", value = http("max_body_bytes"), is = 16384 },
  { HTTP, "max_body = 8M", value = http("max_body_bytes"), is = 8388608 },
  { HTTP, "max_body = 1g", value = http("max_body_bytes"), is = 1073741824 },
  { HTTP, "max_body = 1000", value = http("max_body_bytes"), is = 1000 },
  { HTTP, "max_body = 0", value = http("max_body_bytes"), is = 2 ^ 64 },
  { HTTP, "max_body = 16kb",
    fault = "max_body: '16kb' is not a size: write a whole number of bytes, or "
      .. "with its unit, such as 16k, 8m or 1g" },
  { HTTP, "body_buffer = 1k",
    fault = "body_buffer: '1k' is out of range: from 4k to 1g" },

  -- Switches.
  { HTTP, "underscores = on", value = underscores, is = true },
  { HTTP, "underscores = yes", value = underscores, is = true },
  { HTTP, "underscores = true", value = underscores, is = true },
  { HTTP, "underscores = off", value = underscores, is = false },
  { HTTP, "underscores = no", value = underscores, is = false },
  { HTTP, "underscores = false", value = underscores, is = false },
  { HTTP, "underscores = 1",
    fault = "underscores: '1' is neither on nor off (yes and no, true and "
      .. "false are the same)" },
  { HTTP, "underscores = ON",
    fault = "underscores: 'ON' is neither on nor off (yes and no, true and "
      .. "false are the same)" },

  -- Choices.
  { HTTP, "encoded_slash = refuse", value = http("encoded_slash"), is = 1 },
  { HTTP, "encoded_slash = refus",
    fault = "encoded_slash: unknown value 'refus'; did you mean 'refuse'? (it "
      .. "can be: decode refuse)" },
  { UPSTREAM, "protocol = http",
    fault = "protocol: 'http' is not supported in this version; it can be: "
      .. "fastcgi tcp mysql" },
  { HTTP, "retry_on = connect 502 timeout", value = limit("retry_on"),
    is = 1 + 16 + 8 },
  { HTTP, "retry_on = connect 500",
    fault = "retry_on: unknown value '500'; did you mean '502'? (it can be: "
      .. "connect reset down timeout 502 503 504)" },

  -- Names and paths.
  { GLOBAL, "user = www-data",
    value = function(c)
      return text(c.global.user) .. c.global.user_at.line
    end,
    is = "www-data2" },
  { GLOBAL, "user = a b", fault = "user: 'a b' is not a name" },
  { GLOBAL, "pidfile = /run/m.pid",
    value = function(c)
      return text(c.global.pidfile)
    end,
    is = "/run/m.pid" },
  { GLOBAL, "pidfile = ./run/m.pid",
    value = function(c, dir)
      return text(c.global.pidfile):sub(#dir + 1)
    end,
    is = "/run/m.pid" },

  -- Log targets.
  { GLOBAL, "log = stdout level=debug",
    value = function(c)
      local log = c.global.logs[0]
      return ("%d %d"):format(tonumber(log.kind), tonumber(log.level))
    end,
    is = "1 0" },
  { GLOBAL, "log = file:log/m.log level=notice",
    value = function(c, dir)
      local log = c.global.logs[0]
      return ("%s %d"):format(text(log.path):sub(#dir + 1),
                              tonumber(log.level))
    end,
    is = "/log/m.log 1" },
  { GLOBAL, "log = syslog:127.0.0.1:1514 facility=local5 format=rfc5424",
    value = function(c)
      local log = c.global.logs[0]
      return ("%d %s %d %d"):format(tonumber(log.kind), text(log.address.text),
                                    log.facility, tonumber(log.format))
    end,
    is = "3 127.0.0.1:1514 21 1" },
  { GLOBAL, "log = syslog:[::1]",
    value = function(c)
      return text(c.global.logs[0].address.text)
    end,
    is = "[::1]:514" },
  { GLOBAL, "log = syslog:/dev/log",
    value = function(c)
      local log = c.global.logs[0]
      return ("%d %s %d"):format(tonumber(log.kind), text(log.path),
                                 log.facility)
    end,
    is = "5 /dev/log 3" },
  { GLOBAL, "log = syslog:tcp:log.example.com:601 facility=local0",
    value = function(c)
      local log = c.global.logs[0]
      return ("%d %s %d"):format(tonumber(log.kind), text(log.address.text),
                                 log.facility)
    end,
    is = "4 log.example.com:601 16" },
  { GLOBAL, "log = syslog:tcp:[::1]",
    value = function(c)
      return text(c.global.logs[0].address.text)
    end,
    is = "[::1]:514" },
  { GLOBAL, "log = journald facility=local1 level=warn",
    value = function(c)
      local log = c.global.logs[0]
      return ("%d %s %d"):format(tonumber(log.kind), text(log.path),
                                 log.facility)
    end,
    is = "6 /run/systemd/journal/socket 17" },
  { HTTP, "log_to = journald:/run/j",
    value = function(c)
      return text(c.sections[0].log_to.path)
    end,
    is = "/run/j" },
  { GLOBAL, "log = journald format=rfc5424",
    fault = "log: 'format' is for syslog: targets only" },
  { GLOBAL, "log = jurnald",
    fault = "log: unknown target 'jurnald'; did you mean 'journald'? (it can "
      .. "be: stderr, stdout, file:PATH, syslog:HOST:PORT, "
      .. "syslog:tcp:HOST:PORT, syslog:/dev/log, journald)" },
  { HTTP, "log_sample = 1/100",
    value = function(c)
      return tostring(c.sections[0].log_sample)
    end,
    is = "100" },
  { HTTP, "log_sample = 10%",
    fault = "log_sample: '10%' is no share of the records: write 1/N, for "
      .. "instance 1/100, with N from 1 to 1000000" },
  { HTTP, "log_sample = 1/0",
    fault = "log_sample: '1/0' is no share of the records: write 1/N, for "
      .. "instance 1/100, with N from 1 to 1000000" },
  { GLOBAL, "log = /var/log/m.log",
    fault = "log: unknown target '/var/log/m.log' (it can be: stderr, stdout, "
      .. "file:PATH, syslog:HOST:PORT, syslog:tcp:HOST:PORT, "
      .. "syslog:/dev/log, journald)" },
  { GLOBAL, "log = stderr facility=local5",
    fault = "log: 'facility' is for syslog: targets only" },
  { GLOBAL, "log = syslog:/dev/log facility=local9",
    fault = "log: unknown value 'local9'; did you mean 'local0'? (it can be: "
      .. "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp "
      .. "ntp audit alert clock local0 local1 local2 local3 local4 local5 "
      .. "local6 local7)" },
  { GLOBAL, "log = stderr level=loud",
    fault = "log: unknown value 'loud' (it can be: debug info warn error "
      .. "notice warning err crit alert emerg)" },
  { HTTP, "log_to = stderr level=info",
    fault = "log_to: unknown value 'level' (it can be: facility format)" },
  { HTTP, "log_to = syslog:log.example.com:514",
    value = function(c)
      local address = c.sections[0].log_to.address
      return text(address.host) .. " " .. address.port
    end,
    is = "log.example.com 514" },

  -- Addresses.
  { TCP, "listen = 127.0.0.1:65535",
    value = function(c)
      return text(c.sections[0].listens[1].address.text)
    end,
    is = "127.0.0.1:65535" },
  { TCP, "listen = *:81",
    value = function(c)
      return text(c.sections[0].listens[1].address.text)
    end,
    is = "0.0.0.0:81" },
  { TCP, "listen = :81",
    value = function(c)
      return text(c.sections[0].listens[1].address.text)
    end,
    is = "0.0.0.0:81" },
  { TCP, "listen = [0:0::1]:81 backlog=77",
    value = function(c)
      local listen = c.sections[0].listens[1]
      return text(listen.address.text) .. " " .. listen.backlog
    end,
    is = "[::1]:81 77" },
  { TCP, "listen = unix:run/t.sock",
    value = function(c, dir)
      local address = c.sections[0].listens[1].address
      return text(address.path):sub(#dir + 1) .. tostring(address.is_unix)
    end,
    is = "/run/t.sock" .. "true" },
  { TCP, "listen = ::1:80",
    fault = "listen: '::1:80' has several colons: write an IPv6 address as "
      .. "[::1]:80" },
  { TCP, "listen = [::1:80", fault = "listen: '[::1:80' lacks its ']'" },
  { TCP, "listen = 127.0.0.1:0",
    fault = "listen: '0' is not a port: a number from 1 to 65535" },
  { TCP, "listen = 127.0.0.1:65536",
    fault = "listen: '65536' is not a port: a number from 1 to 65535" },
  { TCP, "listen = 127.0.0.1",
    fault = "listen: '127.0.0.1' has no port: write HOST:PORT" },
  { TCP, "listen = 127.0.0.256:80",
    fault = "listen: '127.0.0.256' is neither an address nor a host name" },
  { TCP, "listen = a/b:80",
    fault = "listen: 'a/b' is neither an address nor a host name" },
  { TCP, "listen = unix:", fault = "listen: a Unix socket needs a path: "
      .. "unix:/PATH" },
  { TCP, "listen = unix:/" .. ("a"):rep(107),
    fault = "listen: '/" .. ("a"):rep(107) .. "' is too long: the path of a "
      .. "Unix socket has at most 107 bytes" },
  { TCP, "listen = 81 tls",
    fault = "listen: tls needs certificate=FILE and key=FILE" },
  { TCP, "listen = 81 tls=on",
    fault = "listen: 'tls' takes no value: write tls" },
  { TCP, "listen = 81 tls certificate=/none",
    fault = "listen: cannot read certificate=/none: No such file or "
      .. "directory" },
  { TCP, "listen = 81 key=/dev/null",
    fault = "listen: certificate= and key= are for tls: write tls "
      .. "certificate=FILE key=FILE" },
  { TCP, "listen = 81 tls key",
    fault = "listen: 'key' needs a value: write key=VALUE" },
  { TCP, "listen = 81 tls key=/dev/zero",
    fault = "listen: cannot read key=/dev/zero: File too large" },
  { TCP, "listen = 81 tls certificate=/dev/null key=/dev/null",
    fault = "listen: tls is not supported in this version but in [mysql]" },
  { TCP, "listen = 81 accept_proxy backlog=5\ntrust = ::1",
    value = function(c)
      local listens = c.sections[0].listens
      return ("%s %s %d"):format(tostring(listens[0].accept_proxy),
        tostring(listens[1].accept_proxy), listens[1].backlog)
    end,
    is = "false true 5" },
  { TCP, "listen = 81 accept_proxy=on",
    fault = "listen: 'accept_proxy' takes no value: write accept_proxy" },
  { TCP, "listen = 81 accept-proxy",
    fault = "listen: unknown option 'accept-proxy'; did you mean "
      .. "'accept_proxy'? (options are: default_server accept_proxy backlog "
      .. "tls certificate key)" },
  { TCP, "listen = 81 backlogs=3",
    fault = "listen: unknown option 'backlogs'; did you mean 'backlog'? "
      .. "(options are: default_server accept_proxy backlog "
      .. "tls certificate key)" },
  { TCP, "listen = 81 backlog",
    fault = "listen: 'backlog' needs a value: write backlog=VALUE" },
  { TCP, "listen = 81 backlog=0",
    fault = "listen: '0' is out of range: from 1 to 65535" },
  { HTTP, "listen = 81 default_server=on",
    fault = "listen: 'default_server' takes no value: write default_server" },

  -- Servers.
  { UPSTREAM, "server a = db1.example.com:9000 weight=256 maxconn=7 backup "
      .. "disabled root=/srv check=off",
    value = function(c)
      local s = c.upstreams[0].servers[0]
      return ("%s %s %d %d %d %s %s %s"):format(
        text(s.name), text(s.address.host), s.address.port, s.weight,
        s.maxconn, tostring(s.backup), tostring(s.disabled), text(s.root))
    end,
    is = "a db1.example.com 9000 256 7 true true /srv" },
  { UPSTREAM, "server a = unix:/run/a.sock",
    value = function(c)
      local s = c.upstreams[0].servers[0]
      return ("%s %d %d %s"):format(text(s.address.path), s.weight, s.maxconn,
                                    tostring(s.root.p == nil))
    end,
    is = "/run/a.sock 1 0 true" },
  { UPSTREAM, "server a = db1",
    fault = "server a: 'db1' has no port: write HOST:PORT" },
  { UPSTREAM, "server a = b:1 weight=257",
    fault = "server a: '257' is out of range: from 0 to 256" },
  { UPSTREAM, "server a = b:1 wieght=2",
    fault = "server a: unknown option 'wieght'; did you mean 'weight'? "
      .. "(options are: weight maxconn backup disabled root "
      .. "check tls verify tls_name)" },
  { UPSTREAM, "server a = b:1 tls",
    fault = "server a: tls is not supported in this version but for "
      .. "protocol = mysql" },
  { UPSTREAM, "server a = b:1 tls=on",
    fault = "server a: 'tls' takes no value: write tls" },
  { UPSTREAM, "server a = b:1 verify=off",
    fault = "server a: verify= and tls_name= are for tls: write tls "
      .. "verify=CA" },
  { UPSTREAM, "server a = b:1 tls_name=c",
    fault = "server a: verify= and tls_name= are for tls: write tls "
      .. "verify=CA" },
  { UPSTREAM, "server a = b:1 tls verify=/none",
    fault = "server a: cannot read verify=/none: No such file or directory" },
  { UPSTREAM, "server a = unix:/a tls\nprotocol = mysql",
    fault = "server a: a Unix socket has no name that tls could verify: add "
      .. "tls_name=NAME or verify=off" },
  { UPSTREAM, "protocol = mysql\nserver a = b:1 tls verify=off tls_name=c",
    value = function(c)
      local tls = c.upstreams[0].servers[0].tls
      return ("%s %d %s"):format(tostring(tls.on), tonumber(tls.verify),
        text(tls.name))
    end,
    is = "true 2 c" },

  -- Policies.
  { UPSTREAM, "policy = source hash=consistent fast",
    value = function(c)
      local u = c.upstreams[0]
      return ("%s %s=%s %s=%s %s"):format(
        text(u.policy), text(u.policy_options[0].name),
        text(u.policy_options[0].value), text(u.policy_options[1].name),
        text(u.policy_options[1].value), tostring(u.policy_is_path))
    end,
    is = "source hash=consistent fast=on false" },
  { UPSTREAM, "policy = my/own.lua",
    value = function(c)
      return text(c.upstreams[0].policy)
        .. tostring(c.upstreams[0].policy_is_path)
    end,
    is = "my/own.luatrue" },
  { UPSTREAM, "policy = source a=1 a=2",
    fault = "policy: the option 'a' is there twice" },
  { UPSTREAM, "policy = sour(e",
    fault = "policy: 'sour(e' is neither a policy's name nor a path ending in "
      .. ".lua" },

  -- Host names, index files, networks.
  { HTTP, "server_name = A.example.com *.B.org",
    value = function(c)
      local h = c.sections[0].http
      return text(h.server_names[0]) .. " " .. text(h.server_names[1])
    end,
    is = "a.example.com *.b.org" },
  { HTTP, "server_name = *",
    fault = "server_name: '*' is not a host: write a name, or *.NAME for all "
      .. "below it (default_server behind listen takes the rest)" },
  { HTTP, "server_name = a.*.b",
    fault = "server_name: 'a.*.b' is not a host: write a name, or *.NAME for "
      .. "all below it (default_server behind listen takes the rest)" },
  { HTTP, "server_name = a A", fault = "server_name: 'a' is there twice" },
  { HTTP, "index = a/b", fault = "index: 'a/b' is not the name of a file in a "
      .. "folder" },
  { HTTP, "trust = 10.0.0.0/8 ::1", value = section("trust_count"), is = 2 },
  { TCP, "listen = 81 accept_proxy\ntrust = 10.0.0.0/8 ::1 unix:",
    value = section("trust_count"), is = 3 },

  -- Texts with variables.
  { HTTP, "root = /srv/${host}/www",
    value = function(c)
      return tonumber(c.sections[0].http.root.piece_count)
    end,
    is = 3 },
  { HTTP, "root = www/",
    value = function(c, dir)
      return text(c.sections[0].http.root.source):sub(#dir + 1)
    end,
    is = "/www" },
  { HTTP, "root = /srv/${hots}",
    fault = "root: unknown variable ${hots}; did you mean 'host'?" },
  { HTTP, "root = /srv/${status}",
    fault = "root: ${status} has no value here, but only when the response "
      .. "has begun" },
  { HTTP, "root = /srv/${document_root}",
    fault = "root: ${document_root} cannot define itself" },
  { HTTP, "root = /srv/${host", fault = "root: '${' without its '}'" },
  { HTTP, "param = NODE ${server}",
    value = function(c)
      local param = c.sections[0].http.params[0]
      assert.are.equal("NODE", text(param.name))
      return tonumber(param.value.pieces[0].variable)
    end,
    is = tonumber(config.core.TEMPLATE_VAR_SERVER) },
  { HTTP, "param = A-B x",
    fault = "param: 'A-B' is not the name of a parameter" },
  { HTTP, "param = A", fault = "param: write a name and a value, parted by a "
      .. "blank" },
  { HTTP, 'header = X-A "a ; b"',
    value = function(c)
      return text(c.sections[0].http.headers[0].value.source)
    end,
    is = "a ; b" },
  { HTTP, "header = X-A ${bytes_sent}",
    fault = "header: ${bytes_sent} has no value here, but only in access_log, "
      .. "when all is over" },
  { HTTP, "header = X: a", fault = "header: 'X:' is not the name of a header" },
  { HTTP, "header = Content-Length 3",
    fault = "header: 'Content-Length' is set by the program itself" },

  -- Access logs.
  { HTTP, "access_log = httplog",
    value = function(c)
      return tonumber(c.sections[0].access_log)
    end,
    is = 2 },
  { HTTP, "access_log = ${http_X_Request_Id} x",
    value = function(c)
      local template = c.sections[0].access_log_template
      return text(template.pieces[0].text) .. text(template.pieces[1].text)
    end,
    is = "x-request-id x" },
  { HTTP, "access_log = combind",
    fault = "access_log: unknown format 'combind'; did you mean 'combined'? (a "
      .. "format is one of off, combined, httplog, tcplog and json, or a text "
      .. "with variables such as ${remote_addr})" },
  { HTTP, "access_log = $host",
    fault = "access_log: no variable in '$host': a format is one of off, "
      .. "combined, httplog, tcplog and json, or a text with variables such as "
      .. "${remote_addr}" },
  { TCP, "access_log = combined",
    fault = "access_log: 'combined' is for [http]: write tcplog" },
  { TCP, "access_log = ${uri}",
    fault = "access_log: ${uri} has a value in [http] only" },

  -- Routes.
  { HTTP, "route = ~* \\.PHP$ php",
    value = function(c)
      local route = c.sections[0].http.routes[0]
      return ("%d %s %s"):format(tonumber(route.kind), text(route.pattern),
                                 text(route.upstream.name))
    end,
    is = "4 \\.PHP$ php" },
  { HTTP, "route = = /a root=/srv max_body=1m server_timeout=3s static",
    value = function(c)
      local route = c.sections[0].http.routes[0]
      return ("%d %s %d %d %d"):format(
        tonumber(route.kind), text(route.root.source), tonumber(route.target),
        tonumber(route.max_body_bytes), tonumber(route.server_timeout_ms))
    end,
    is = "0 /srv 1 1048576 3000" },
  { HTTP, "route = ^~ /a/ alias=files static",
    value = function(c, dir)
      local route = c.sections[0].http.routes[0]
      return text(route.alias.source):sub(#dir + 1)
    end,
    is = "/files" },
  { HTTP, "route = /a internal",
    value = function(c)
      return tonumber(c.sections[0].http.routes[0].target)
    end,
    is = 2 },
  { HTTP, "route = /a redirect 301 https://${host}/b?c=d",
    value = function(c)
      local route = c.sections[0].http.routes[0]
      return route.redirect_code .. text(route.redirect_url.source)
    end,
    is = "301https://${host}/b?c=d" },
  { HTTP, 'route = /a "redirect 308 /b"',
    value = function(c)
      local route = c.sections[0].http.routes[0]
      return route.redirect_code .. text(route.redirect_url.source)
    end,
    is = "308/b" },
  { HTTP, "route = /a redirect 200 /b",
    fault = "route: write redirect CODE URL, with one of the codes 301 302 303 "
      .. "307 308" },
  { HTTP, "route = /a",
    fault = "route: the target is missing: the last word is an upstream, "
      .. "static, internal, deny, stats NAME, or redirect CODE URL" },
  { HTTP, "route = ~", fault = "route: nothing follows the '~'" },
  { HTTP, "route = a deny",
    fault = "route: 'a' does not begin with '/': write a path, or '~' and a "
      .. "blank before a regular expression" },
  { HTTP, "route = /a pph",
    fault = "route: there is no [upstream pph]; did you mean 'php'? (the last "
      .. "word is an upstream, static, internal, deny, stats NAME, or redirect "
      .. "CODE URL)" },
  { HTTP, "route = /a deny now",
    fault = "route: 'now' follows the target 'deny': options stand before it, "
      .. "and a pattern with blanks stands in double quotes" },
  { HTTP, "route = /a rot=/srv deny",
    fault = "route: unknown option 'rot'; did you mean 'root'? (options are: "
      .. "root alias max_body server_timeout)" },
  { HTTP, "route = /a root=/a root=/b deny",
    fault = "route: 'root=' is there twice" },
  { HTTP, "route = /a root=/a alias=/b deny",
    fault = "route: root= and alias= exclude each other" },
  { HTTP, "route = ~ ^/a alias=/b deny",
    fault = "route: alias= stands for a path, not for a regular expression: "
      .. "write root=" },
  { HTTP, "route = /a server_timeout=5 deny",
    fault = "route: '5' has no unit: write 5s for seconds or 5ms for "
      .. "milliseconds" },

  -- Error pages.
  { HTTP, "error_page = 502 503 /50x.html",
    value = function(c)
      local page = c.sections[0].http.error_pages[0]
      return ("%d %d %s"):format(page.statuses[0], page.statuses[1],
                                 text(page.uri))
    end,
    is = "502 503 /50x.html" },
  { HTTP, "error_page = 200 /a",
    fault = "error_page: '200' is not the status of an error: a number from "
      .. "400 to 599" },
  { HTTP, "error_page = 502",
    fault = "error_page: write the statuses and then a path, such as 502 503 "
      .. "/50x.html" },

  { TRUST, "script_trust = hook.lua policy/roundrobin.lua ./c.lua",
    value = function(c)
      local names = {}
      for i = 0, tonumber(c.global.script_trust_count) - 1 do
        names[i + 1] = text(c.global.script_trust[i]):gsub("^/.*/", "/.../")
      end
      return table.concat(names, " ")
    end,
    is = "hook.lua policy/roundrobin.lua /.../c.lua" },
  { TRUST, "script_trust = hok.lua",
    fault = "script_trust: no policy, check or section has the script "
      .. "'hok.lua'; did you mean 'hook.lua'?" },
  { TRUST, "script_trust = roundrobin",
    fault = "script_trust: no policy, check or section has the script "
      .. "'roundrobin'" },

  { GLOBAL, "daemon = no",
    value = function(c)
      return c.global.daemon
    end,
    is = false },
  { GLOBAL, "chroot = off", value = global("workers"), is = 0 },
}


describe("the value", function()
  for _, case in ipairs(CASES) do
    local place, line = case[1], case[2]
    local name = (case.fault and "is refused: " or "is taken: ") .. line

    it(name:sub(1, 100), function()
      local c, faults, dir = config.read(place.head .. line .. "\n"
                                         .. place.tail)
      local _, at = place.head:gsub("\n", "\n")
      if case.fault then
        assert.are.same({ ("c:%d: %s"):format(at + 1, case.fault) }, faults)
        return
      end
      assert.are.same({}, faults)
      assert.are.equal(case.is, case.value(c, dir))
    end)
  end

  it("is refused with the words of the regular expression's compiler",
     function()
    local _, faults = config.read(HTTP.head .. "route = ~ ^(/a php\n"
                                  .. HTTP.tail)
    assert.are.equal(1, #faults)
    assert.matches("^c:3: route: '%^%(/a' is no regular expression: .*"
                   .. "parenthesis", faults[1])
  end)

  it("is refused with the words of the network's reader", function()
    local _, faults = config.read(HTTP.head .. "trust = 10.0.0.1/8\n"
                                  .. HTTP.tail)
    assert.are.equal(1, #faults)
    assert.matches("^c:3: trust: '10.0.0.1/8': .+", faults[1])
  end)
end)
