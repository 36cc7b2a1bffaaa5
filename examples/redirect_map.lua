--- Redirects from a file of the script path: a line each, the old path and
-- where it is now, for good; the query stays.
--
--     # old           new
--     /shop           /store/
--     /blog/feed.xml  https://blog.example.com/feed
local moongate = require "moongate"

local FILE = "redirects.txt"
local GONE_TO = 301

local map = {}


local function load()
  local text = assert(moongate.read_file(FILE))
  for line in text:gmatch("[^\r\n]+") do
    local old, new = line:match("^%s*(/%S*)%s+(%S+)%s*$")
    if old then
      map[old] = new
    elseif not line:find("^%s*#") and line:find("%S") then
      error(("%s: '%s' is not an old path and a new one"):format(FILE, line))
    end
  end
end


local function request(req)
  local new = map[req.path]
  if new then
    return moongate.redirect(req.query and new .. "?" .. req.query or new,
      GONE_TO)
  end
end


return { load = load, request = request }
