--- Instances that are upgraded: the program is started by a symbolic link in
-- the instance's folder, which a spec turns to another one.
--
--     local m = upgrades.start { config = ... }
--     m:turn_to("moongate-layout")
--     m:upgrade()
local folder = require "support.folder"
local moongate = require "support.moongate"
local process = require "support.process"

local _M = {}


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


return _M
