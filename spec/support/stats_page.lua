--- Chromium on the statistics page: playwright-core and axe-core, from npm's
-- registry, drive Debian's.
local json = require "dkjson"
local folder = require "support.folder"
local loop = require "support.loop"
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


-- It has come to a place where it waits for this.
local function take_step(place, on_step)
  local words = folder.read(place .. "/step")
  if words then
    on_step(words)
    os.remove(place .. "/step")
  end
end


--- Has the browser do something with a page.
-- @param file     string: in tools/node-stats-page, without ".js"
-- @param what     string: one of its functions
-- @param place    string: an empty folder
-- @param options  table: what that function takes
-- @param on_step  function(words) or nil: called at each of its steps
-- @return table: what it found
function _M.run(file, what, place, options, on_step)
  local out = place .. "/out"
  local node = process.spawn({ "node",
    ("tools/node-stats-page/%s.js"):format(file), what, json.encode(options) },
    { stdout = out, stderr = out, env = {
      LD_PRELOAD = false, ASAN_OPTIONS = false, PLACE = place,
      HOME = place, TMPDIR = place, NODE_PATH = "build/stats-page/node_modules",
    } })
  loop.wait_until(what .. " has been done", function()
    take_step(place, on_step)
    return not node:alive()
  end, SECONDS)
  local said = folder.read(out)
  os.remove(out)
  assert(node:wait() == 0, said)
  local found = json.decode(said:match("\n?([%[{][^\n]*)\n$") or "")
  return assert(found, said)
end


--- An empty folder for it.
_M.place = folder.make


return _M
