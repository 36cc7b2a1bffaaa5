--- Debian's rsyslogd with a configuration of its own: it listens on UDP, TCP
-- and a local socket, and writes a line for each message to a file:
-- INPUT|PRIORITY|HOST|NAME|PID|TEXT; and another one as in Debian's
-- /var/log/syslog.
local folder = require "support.folder"
local loop = require "support.loop"
local ports = require "support.ports"
local process = require "support.process"

local CONFIG = [[
global(workDirectory="${dir}" maxMessageSize="64k")
module(load="imudp")
module(load="imtcp")
module(load="imuxsock" SysSock.Use="off" SysSock.Name="")
input(type="imudp" address="${udp_address}" port="${udp}")
input(type="imtcp" address="127.0.0.1" port="${tcp}"
      maxFrameSize="65536" supportOctetCountedFraming="on")
input(type="imuxsock" socket="${dir}/log" ruleset="messages"
      rateLimit.interval="0" useSpecialParser="off" parseHostname="off")
template(name="line" type="string"
  string="%inputname%|%pri%|%hostname%|%app-name%|%procid%|%msg%\n")
ruleset(name="messages") {
  action(type="omfile" file="${dir}/messages" template="line")
  action(type="omfile" file="${dir}/traditional"
         template="RSYSLOG_TraditionalFileFormat")
}
call messages
]]

local _M = {}
local Rsyslog = {}
Rsyslog.__index = Rsyslog


--- Starts it.
-- @param options  table or nil: udp_address ("127.0.0.1" unless given), dir
-- @return the receiver: dir, udp, tcp (ports), socket (a path)
function _M.start(options)
  local self = setmetatable({ dir = folder.make() }, Rsyslog)
  local free = ports.free(2)
  self.udp, self.tcp = free[1], free[2]
  self.socket = self.dir .. "/log"
  local values = {
    dir = self.dir, udp = self.udp, tcp = self.tcp,
    udp_address = (options or {}).udp_address or "127.0.0.1",
  }
  folder.write(self.dir .. "/rsyslog.conf", (CONFIG:gsub("%${([%w_]+)}",
    values)))
  self:restart()
  return self
end


--- Starts it, again, in the same place.
function Rsyslog:restart()
  local out = self.dir .. "/out"
  self.process = process.spawn({
    "rsyslogd", "-n", "-i", self.dir .. "/pid", "-f",
    self.dir .. "/rsyslog.conf",
  }, { stdout = out, stderr = out })
  local listening = (":%04X 00000000:0000 0A"):format(self.tcp)
  loop.wait_until("rsyslogd listens", function()
    assert(self.process:alive(), folder.read(out))
    return folder.read("/proc/net/tcp"):find(listening, 1, true)
  end)
end


--- Ends it.
-- @param signal  string or nil: "TERM"
function Rsyslog:stop(signal)
  self.process:kill(signal or "TERM")
  assert(self.process:wait(10), "rsyslogd does not end")
end


--- Ends it, and removes what it wrote.
function Rsyslog:finish()
  if self.process:alive() then
    self:stop()
  end
  folder.remove(self.dir)
end


--- The messages so far.
-- @param pattern  string: a Lua pattern
-- @return array of those that have it
function Rsyslog:messages(pattern)
  local found = {}
  local text = folder.read(self.dir .. "/messages") or ""
  for line in text:gmatch("([^\n]*)\n") do
    if line:find(pattern) then
      found[#found + 1] = line
    end
  end
  return found
end


--- Waits until so many messages have come.
-- @return array of them
function Rsyslog:wait(pattern, n)
  local found
  local ok = pcall(loop.wait_until, "", function()
    found = self:messages(pattern)
    return #found >= n
  end, 20)
  if not ok then
    error(("%d messages with %q, not %d; the last:\n%s\n%s"):format(#found,
      pattern, n, tostring(found[#found]), folder.read(self.dir .. "/out")
      or ""), 2)
  end
  return found
end


return _M
