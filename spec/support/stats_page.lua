--- Chromium on the statistics page: playwright-core and axe-core, from npm's
-- registry, drive Debian's.
local json = require "dkjson"
local folder = require "support.folder"
local process = require "support.process"

local _M = {}

local CLEAN = { LD_PRELOAD = false, ASAN_OPTIONS = false }
local INSTALL_SECONDS = 300
local SECONDS = 170


--- Installs what drives the browser, unless it is there.
function _M.prepare()
  local status, said = process.run({ "tools/node-packages",
    "tools/node-stats-page", "build/stats-page" }, { env = CLEAN,
    seconds = INSTALL_SECONDS })
  assert(status == 0, said)
end


--- Has the browser look at a page.
-- @param what   string: one of look.js
-- @param url    string
-- @param word   string or nil: its argument
-- @param place  string: an empty folder; a file "ready" appears there when the
--               page is open (live)
-- @return table: what it found
function _M.look(what, url, word, place)
  local status, said = process.run({ "node", "tools/node-stats-page/look.js",
    what, url, word }, { seconds = SECONDS, env = {
      LD_PRELOAD = false, ASAN_OPTIONS = false, PLACE = place,
      HOME = place, TMPDIR = place, NODE_PATH = "build/stats-page/node_modules",
    } })
  assert(status == 0, said)
  local found = json.decode(said:match("\n?([%[{][^\n]*)\n$") or "")
  return assert(found, said)
end


--- An empty folder for it.
_M.place = folder.make


return _M
