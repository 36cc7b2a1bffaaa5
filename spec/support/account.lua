--- Who real servers run as.  An ordinary user's are that user's; root's run as
-- the account that the Debian package made for them.
local ffi = require "ffi"
local lfs = require "lfs"
local process = require "support.process"

local _M = {}


--- Whether everybody may enter a folder and those above it.
-- @param path  string: absolute
function _M.is_open(path)
  while path ~= "" do
    local permissions = lfs.attributes(path, "permissions")
    if not permissions or permissions:sub(9, 9) ~= "x" then
      return false
    end
    path = path:match("^(.*)/[^/]*$")
  end
  return true
end


--- Hands a folder to an account, if we are root and it can be handed over.
-- @param name    string: the account
-- @param folder  string: absolute path of an existing folder
-- @return array of strings: what to put before a command line so that it runs
--   as the owner of the folder and dies with its parent; empty if that is us
function _M.hand_over(name, folder)
  if ffi.C.getuid() ~= 0 then
    return {}
  end
  local status, text = process.run({ "chown", "-R", name .. ":", folder })
  assert(status == 0, text)
  local prefix = {
    "setpriv", "--reuid", name, "--regid", name, "--clear-groups",
    "--pdeathsig", "KILL",
  }
  -- Where only root may go, as in its home, they have to be let through.
  if not _M.is_open(folder) then
    prefix[#prefix + 1] = "--inh-caps=+dac_read_search"
    prefix[#prefix + 1] = "--ambient-caps=+dac_read_search"
  end
  return prefix
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


return _M
