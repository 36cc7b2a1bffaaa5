--- Temporary folders with files in them.
local ffi = require "ffi"
local lfs = require "lfs"
local libc = require "support.libc"

local C = ffi.C

local _M = {}


--- Makes a folder that nobody else uses; everybody may look into it.
-- @return string: its path
function _M.make()
  local template = (os.getenv("TMPDIR") or "/tmp") .. "/moongate-XXXXXX"
  local path = ffi.new("char[?]", #template + 1, template)
  if C.mkdtemp(path) == nil then
    error("mkdtemp: " .. libc.reason())
  end
  path = ffi.string(path)
  C.chmod(path, 493)  -- 0755
  return path
end


--- Reads a file.
-- @return string, or nil and a reason
function _M.read(path)
  local file, reason = io.open(path, "rb")
  if not file then
    return nil, reason
  end
  local text = file:read("*a")
  file:close()
  return text
end


--- Writes a file, and makes the folders on the way to it.
function _M.write(path, text)
  for at in path:gmatch("()/") do
    if at > 1 then
      lfs.mkdir(path:sub(1, at - 1))
    end
  end
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
end


--- Makes a symbolic link.
function _M.link(target, path)
  libc.check(C.symlink(target, path), "symlink " .. path)
end


--- Sets the time of a file's last change.
-- @param seconds  integer: since 1970
function _M.touch(path, seconds)
  local times = ffi.new("long[4]", seconds, 0, seconds, 0)
  libc.check(C.utimes(path, times), "utimes " .. path)
end


--- The names in a folder.
-- @return array of strings, sorted
function _M.list(path)
  local names = {}
  for name in lfs.dir(path) do
    if name ~= "." and name ~= ".." then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return names
end


--- Removes a folder and all that is in it; links are not followed.
function _M.remove(path)
  -- Read to its end first: a folder that shrinks meanwhile may hide some.
  for _, name in ipairs(_M.list(path)) do
    local inner = path .. "/" .. name
    if lfs.symlinkattributes(inner, "mode") == "directory" then
      _M.remove(inner)
    else
      assert(os.remove(inner))
    end
  end
  assert(lfs.rmdir(path))
end


return _M
