--- systemd's journald by itself, without systemd: in a mount namespace of its
-- own, where /run is empty, so that its sockets are at their usual places.
--
--     local journal = journald.start()
--     moongate.start { wrap = journal.wrap, log = "log = journald", ... }
--     journal:entries("moongate")      -- as journalctl reads them
--     journal:stop()
local folder = require "support.folder"
local json = require "dkjson"
local lfs = require "lfs"
local loop = require "support.loop"
local process = require "support.process"

local IN_EMPTY_RUN = [[
mount -t tmpfs -o size=64m tmpfs /run
mkdir -p /run/systemd/journal /run/log/journal
exec /usr/lib/systemd/systemd-journald
]]

local _M = {}
local Journal = {}
Journal.__index = Journal


--- Starts it.
-- @return the journal; `wrap`: the words before a program's that sees it
function _M.start()
  local self = setmetatable({ dir = folder.make() }, Journal)
  local out = self.dir .. "/out"
  self.process = process.spawn({
    "unshare", "--mount", "sh", "-ec", IN_EMPTY_RUN,
  }, { stdout = out, stderr = out, lasting = true })
  self.wrap = { "nsenter", "--target", tostring(self.process.pid), "--mount" }
  loop.wait_until("journald listens", function()
    assert(self.process:alive(), folder.read(out))
    return process.title(self.process.pid) == "systemd-journal"
      and lfs.attributes(("/proc/%d/root/run/systemd/journal/socket"):format(
        self.process.pid))
  end)
  return self
end


--- What it has of a program.
-- @param identifier  string: SYSLOG_IDENTIFIER
-- @return array of tables: fields by name
function Journal:entries(identifier)
  local words = {}
  for _, list in ipairs { self.wrap, {
    "journalctl", "--directory=/run/log/journal", "--no-pager", "-qa",
    "--output=json", "--identifier=" .. identifier,
  } } do
    for _, word in ipairs(list) do
      words[#words + 1] = word
    end
  end
  local status, text = process.run(words, { env = { LD_PRELOAD = false } })
  assert(status == 0, text)
  local entries = {}
  for line in text:gmatch("[^\n]+") do
    entries[#entries + 1] = assert(json.decode(line), line)
  end
  return entries
end


--- Waits for an entry with this in its message.
-- @return table: its fields
function Journal:wait_entry(identifier, text)
  return loop.wait_until("the journal has " .. text, function()
    for _, entry in ipairs(self:entries(identifier)) do
      assert(entry.MESSAGE, json.encode(entry))
      if entry.MESSAGE:find(text, 1, true) then
        return entry
      end
    end
  end)
end


function Journal:stop()
  self.process:kill("TERM")
  self.process:wait()
  folder.remove(self.dir)
end


return _M
