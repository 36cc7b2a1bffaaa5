--- Reads configurations through the core library: text in, faults or the model
-- out.
local ffi = require "ffi"
local folder = require "support.folder"
local support = require "support.ffi"

local core = support.load("config/config.h", "config/keys.h",
                          "config/value.h")

local _M = {}

--- What a file needs at least.
_M.SECTION = "[http h]\nlisten = 127.0.0.1:8080\n"

_M.core = core
_M.text = support.text


--- A struct str over a Lua string, which the caller keeps.
function _M.str(text)
  return ffi.new("struct str", text, #text)
end


local function collect(faults, strip)
  local list = {}
  local text = ffi.new("char[4096]")
  for i = 0, tonumber(faults.item_count) - 1 do
    core.fault_format(faults.items + i, text, 4096)
    list[#list + 1] = ffi.string(text):sub(#strip + 1)
  end
  return list
end


--- Reads the file at a path.
-- @param strip  string: what every fault begins with, and is taken off
-- @return the configuration (freed by the collector), or nil
-- @return array of strings: the faults, in order
function _M.read_file(path, strip)
  local out = ffi.new("const struct config *[1]")
  local faults = ffi.new("struct faults")
  core.faults_init(faults)
  local result = core.config_read(out, path, faults)
  local list = collect(faults, strip or "")
  core.faults_fini(faults)
  local config = ffi.gc(out[0], core.config_unref)
  return result == 0 and config or nil, list
end


--- Reads a text.
-- @param text   string: the main file, "c"
-- @param files  table or nil: further files by their name beside it
-- @return the configuration, or nil
-- @return array of strings: faults as "c:LINE: text"
-- @return string: the folder that the files were in; it is gone
function _M.read(text, files)
  local dir = folder.make()
  folder.write(dir .. "/c", text)
  for name, content in pairs(files or {}) do
    folder.write(dir .. "/" .. name, content)
  end
  local config, faults = _M.read_file(dir .. "/c", dir .. "/")
  folder.remove(dir)
  return config, faults, dir
end


return _M
