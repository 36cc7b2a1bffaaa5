--- Instances that are upgraded: the program is started by a symbolic link in
-- the instance's folder, which a spec turns to another one.
--
--     local m = upgrades.start { config = ... }
--     m:turn_to("moongate-layout")
--     m:upgrade()
--
-- Or one with what most of these specs look at: two TCP servers that greet, and
-- a script that counts requests in a dictionary of all processes.
--
--     local m = upgrades.start_pair()
--     local client, server = m:session()
--     assert.are.equal(1, m:hit())
local folder = require "support.folder"
local http = require "support.http"
local loop = require "support.loop"
local moongate = require "support.moongate"
local net = require "support.net"
local peer = require "support.peer"
local process = require "support.process"

local _M = {}

--- The script of a pair, counter.lua, answers with its count.
_M.COUNTER = [[
local moongate = require "moongate"

local hits = moongate.shared("hits")


local function request()
  return moongate.reply(200, nil, tostring(hits:incr("all", 1, 0)))
end


return { request = request }
]]

--- The configuration of a pair.
_M.CONFIG = [[
  [upstream db]
  protocol = tcp
  server one = 127.0.0.1:${port_one} maxconn=40
  server two = 127.0.0.1:${port_two}
  [tcp db]
  listen = 127.0.0.1:${port_db}
  upstream = db
  access_log = off
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  script = counter.lua
  access_log = off
]]


-- Below the build, unless it is a whole path.
local function program(path)
  return path:sub(1, 1) == "/" and path or moongate.build() .. "/" .. path
end


--- Turns the link to another program.
local function turn_to(self, path)
  local place = self.dir .. "/moongate"
  os.remove(place)
  folder.link(program(path), place)
end


--- Writes the configuration anew.
-- @param change  function: from its text to another, where ${...} is filled in
local function rewrite(self, change)
  folder.write(self.file, self:expand((change(folder.read(self.file)))))
end


--- Runs `moongate ctl`, whatever comes of it.
-- @return its exit status, and what it printed
local function ctl_status(self, command)
  local argv = { program("moongate"), "ctl", "-s", self.control }
  for word in command:gmatch("%S+") do
    argv[#argv + 1] = word
  end
  return process.run(argv)
end


--- Starts one.
-- @param options  as for moongate.start
function _M.start(options)
  local self = moongate.prepare(options)
  self.turn_to, self.rewrite, self.ctl_status = turn_to, rewrite, ctl_status
  self:turn_to("moongate")
  local argv = { self.dir .. "/moongate", "-c", self.file }
  for i, word in ipairs(options.wrap or {}) do
    table.insert(argv, i, word)
  end
  self:run(argv)
  self:wait_log("serving on")  -- a program that starts refuses to be upgraded
  return self
end


-- A TCP session, and which server it is on.
local function session(self)
  local client = assert(net.connect(self.port.db))
  return client, client:receive(1)
end


-- What counter.lua answers.
local function hit(self)
  return tonumber(http.fetch(self.port.web, "/").body)
end


local function generations(self)
  return self:ctl("show info --json").generations
end


-- Waits until there are so many.
local function wait_generations(self, n)
  loop.wait_until(n .. " generations", function()
    return #generations(self) == n
  end)
end


--- Whether a session lives.
function _M.echoes(client, text)
  client:send(text)
  return client:receive(#text) == text
end


--- Starts one with two servers, `one` and `two`, and the counter.
-- @param options  table or nil: config, global, workers, wrap, as for start
function _M.start_pair(options)
  options = options or {}
  local one, two = peer.serve(peer.greet("1")), peer.serve(peer.greet("2"))
  local self = _M.start {
    config = options.config or _M.CONFIG,
    workers = options.workers or 2,
    wrap = options.wrap,
    global = "pidfile = ${dir}/pid\nshared_memory = 1m\n"
      .. (options.global or ""),
    ports = { one = one.port, two = two.port },
    files = {
      ["www/index.html"] = "hello",
      ["lua/counter.lua"] = _M.COUNTER,
    },
  }
  self.one, self.two = one, two
  self.session, self.hit = session, hit
  self.generations, self.wait_generations = generations, wait_generations
  return self
end


return _M
