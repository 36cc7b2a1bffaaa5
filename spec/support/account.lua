--- Who real servers run as.  An ordinary user's are that user's; root's run as
-- the account that the Debian package made for them.
local ffi = require "ffi"
local lfs = require "lfs"
local process = require "support.process"

local _M = {}


-- Whether everybody may enter a folder and those above it.
local function is_open_to_all(path)
  while path ~= "" do
    local permissions = lfs.attributes(path, "permissions")
    if not permissions or permissions:sub(9, 9) ~= "x" then
      return false
    end
    path = path:match("^(.*)/[^/]*$")
  end
  return true
end


--- Hands a folder to an account, if there is a need and a way.
-- @param name    string: the account
-- @param folder  string: absolute path of an existing folder
-- @return array of strings: what to put before a command line so that it runs
--   as the owner of the folder and dies with its parent; empty when that is
--   who we are: not root, or root in a place where nobody else can go
function _M.hand_over(name, folder)
  if ffi.C.getuid() ~= 0 or not is_open_to_all(folder) then
    return {}
  end
  local status, text = process.run({ "chown", "-R", name .. ":", folder })
  assert(status == 0, text)
  return { "setpriv", "--reuid", name, "--regid", name, "--clear-groups",
           "--pdeathsig", "KILL", "--" }
end


--- Joins a prefix and a command line.
-- @return array of strings
function _M.command(prefix, argv)
  local all = {}
  for _, list in ipairs({ prefix, argv }) do
    for _, word in ipairs(list) do
      all[#all + 1] = word
    end
  end
  return all
end


--- Whether servers would run as root after all.
function _M.stays_root(prefix)
  return #prefix == 0 and ffi.C.getuid() == 0
end


return _M
