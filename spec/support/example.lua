--- The configurations of examples/, as they stand there but for what belongs to
-- a machine: addresses, folders, users.
--
--   local example = example.copy("pxc", place, { { "node1:3306", "..." } })
--   example:start()                  in the background, as it says
--   example:ctl("show servers --json")
--   example:stop()
local json = require "dkjson"
local lfs = require "lfs"
local folder = require "support.folder"
local loop = require "support.loop"
local moongate = require "support.moongate"
local process = require "support.process"

local STOP_SECONDS = 30

local _M = {}
local Example = {}
Example.__index = Example


local function replace(text, changes, used)
  for i, change in ipairs(changes) do
    local from, to = change[1]:gsub("%p", "%%%0"), change[2]:gsub("%%", "%%%%")
    local count
    text, count = text:gsub(from, to)
    used[i] = used[i] or count > 0
  end
  return text
end


--- Copies examples/NAME/*.ini into a folder.
-- @param name     string
-- @param place    string: an existing folder
-- @param changes  array of { text, other text }; each must be there
-- @return the example; `file` is its moongate.ini
function _M.copy(name, place, changes)
  local used = {}
  for _, file in ipairs(folder.list("examples/" .. name)) do
    if file:find("%.ini$") then
      folder.write(place .. "/" .. file, replace(
        folder.read("examples/" .. name .. "/" .. file), changes, used))
    end
  end
  for i, change in ipairs(changes) do
    assert(used[i], "not in the example: " .. change[1])
  end
  return setmetatable({
    place = place,
    file = place .. "/moongate.ini",
    pidfile = place .. "/moongate.pid",
    control = place .. "/moongate.sock",
  }, Example)
end


--- Changes a file of it.
function Example:edit(file, from, to)
  local path = self.place .. "/" .. file
  local used = {}
  folder.write(path, replace(folder.read(path), { { from, to } }, used))
  assert(used[1], "not in " .. file .. ": " .. from)
end


--- Starts it, and returns when it serves.
function Example:start()
  local status, text = process.run { moongate.build() .. "/moongate", "-c",
    self.file }
  assert(status == 0, text)
  self.pid = tonumber(folder.read(self.pidfile))
end


--- Runs `moongate ctl`; a table for --json.
function Example:ctl(command)
  local argv = { moongate.build() .. "/moongate", "ctl", "-s", self.control }
  for word in command:gmatch("%S+") do
    argv[#argv + 1] = word
  end
  local status, text = process.run(argv)
  assert(status == 0, text)
  return command:find("--json", 1, true) and json.decode(text) or text
end


--- Waits until its servers are in these states, in order.
-- @param wanted   string: "up up down"
-- @param seconds  number: that it may take
function Example:wait_states(wanted, seconds)
  local now
  local ok = pcall(loop.wait_until, "", function()
    local found = {}
    for i, row in ipairs(self:ctl("show servers --json")) do
      found[i] = row.state
    end
    now = table.concat(found, " ")
    return now == wanted
  end, seconds)
  if not ok then
    error(("the servers are %s, not %s"):format(tostring(now), wanted), 2)
  end
end


--- Ends it; nothing may be left.
function Example:stop()
  if not self.pid then
    return
  end
  process.kill(self.pid, "TERM")
  if not process.ends(self.pid, STOP_SECONDS) then
    process.kill(self.pid, "KILL")
    error("it did not end")
  end
  self.pid = nil
  assert(not lfs.attributes(self.pidfile) and not lfs.attributes(self.control),
    "its files are left")
end


return _M
