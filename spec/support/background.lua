--- The program in the background: started, found by its pidfile, ended.
local folder = require "support.folder"
local loop = require "support.loop"
local moongate = require "support.moongate"
local process = require "support.process"

local _M = {}
local masters = {}


--- Runs `moongate` to the end of the process that is started.
-- @param m      an instance that was prepared; its pidfile is ${dir}/pid
-- @param words  array of strings or nil: further arguments
-- @param env    table or nil
-- @return integer, string: its exit status, and what it printed
function _M.start(m, words, env)
  local argv = { moongate.build() .. "/moongate", "-c", m.file }
  for _, word in ipairs(words or {}) do
    argv[#argv + 1] = word
  end
  local status, text = process.run(argv, { env = env, seconds = 30 })
  local pid = _M.pid(m)
  if pid then
    masters[#masters + 1] = pid
  end
  return status, text
end


--- The master's number, as the pidfile has it; nil: there is none.
function _M.pid(m)
  return tonumber((folder.read(m.dir .. "/pid")))
end


--- Ends one and all its children.
function _M.stop(pid, signal)
  local pids = process.children(pid)
  pids[#pids + 1] = pid
  process.kill(pid, signal or "TERM")
  for _, one in ipairs(pids) do
    assert(process.ends(one, 10), "a process is left over")
  end
end


--- For after_each, before moongate.finish.
function _M.finish()
  for _, pid in ipairs(masters) do
    if process.alive(pid) then
      process.kill(pid, "KILL")
      loop.wait_until("it has ended", function()
        return not process.alive(pid)
      end)
    end
  end
  masters = {}
end


return _M
