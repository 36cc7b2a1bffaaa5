--- Swapping scripts of a program or of checks that run in this process: as the
-- processes of the transaction do it, with bundles that were never on disk.
--
--     local faults = swaps.stage(p, { ["a.lua"] = "return {}" })
--     swaps.commit(p)
local ffi = require "ffi"
local support = require "support.ffi"

local _M = {}


local function core_load()
  return support.load("script/scripts.h", "script/script.h",
    "script/swap.h", "script/bundle.h", "script/bundles.h", "script/guard.h",
    "script/vm.h", "config/faults.h", "proxy/flow.h")
end

local core = core_load()


local function add(bundle, kind, name, text)
  assert(core.bundle_add(bundle, kind, name,
    ffi.new("struct str", text, #text), false) == 0)
end


--- Makes a sealed bundle.
-- @param name     string: the script's
-- @param text     string
-- @param modules  table, optional: texts by the files' names
function _M.bundle(name, text, modules)
  local bundle = core.bundle_new(name)
  add(bundle, core.BUNDLE_SCRIPT, name, text)
  for file, source in pairs(modules or {}) do
    -- What was looked for in vain is part of a bundle, too.
    local init = file:gsub("%.lua$", "/init.lua")
    add(bundle, core.BUNDLE_MODULE, file, source)
    assert(core.bundle_add(bundle, core.BUNDLE_MODULE, init,
      ffi.new("struct str", "none", 4), true) == 0)
  end
  assert(core.bundle_seal(bundle) == 0)
  return bundle
end


--- Stages new versions.
-- @param versions  table: texts by the scripts' names
-- @param modules   table, optional: what they require
-- @return array of faults
function _M.stage(p, versions, modules)
  local set = ffi.new("struct bundles")
  for name, text in pairs(versions) do
    local bundle = _M.bundle(name, text, modules)
    assert(core.bundles_put(set, bundle) == 0)
    core.bundle_unref(bundle)
  end
  local faults = ffi.new("struct faults")
  core.faults_init(faults)
  local result = core.scripts_stage(p.scripts, set, faults)
  core.bundles_fini(set)
  local texts = {}
  for i = 0, tonumber(faults.item_count) - 1 do
    texts[#texts + 1] = ffi.string(faults.items[i].text)
  end
  core.faults_fini(faults)
  assert((result == 0) == (#texts == 0), "a result without its faults")
  return texts
end
jit.off(_M.stage)


function _M.commit(p)
  core.scripts_commit(p.scripts)
end
jit.off(_M.commit)


function _M.drop(p)
  core.scripts_drop(p.scripts)
end
jit.off(_M.drop)


--- Both; the faults, where there are any, are those of staging.
function _M.swap(p, versions, modules)
  local texts = _M.stage(p, versions, modules)
  if #texts == 0 then
    _M.commit(p)
  end
  return texts
end


--- How many versions there are, of all scripts together.
function _M.living(p)
  local count = 0
  local node = p.scripts.list.next
  while node ~= p.scripts.list do
    count = count + 1
    node = node.next
  end
  return count
end


--- Has a flow that is over let go of its policy.
function _M.leave(_, flow)
  core.flow_reroute(flow.c)
end
jit.off(_M.leave)


--- Turns the loop until all that is gone has been collected.
function _M.settle(p)
  repeat
    p:turn()
  until p.scripts.sweeps == 0
end


--- What the scripts of this process use, in bytes.
function _M.used(p)
  _M.settle(p)
  return tonumber(core.guard_used())
end


--- The memory of this process, in KiB, without this VM's garbage.
function _M.rss()
  collectgarbage()
  for line in io.lines("/proc/self/status") do
    local kib = line:match("^VmRSS:%s+(%d+)")
    if kib then
      return tonumber(kib)
    end
  end
end


return _M
