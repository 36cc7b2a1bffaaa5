--- The database behind the scenario `mysql`: one MariaDB node, as the specs
-- start theirs, on the CPU of the load.
local galera = require "support.galera"
local process = require "support.process"

local THREADS = 8
local ROWS = 1000

local _M = {
  --- What sysbench needs besides an address and a command.
  sysbench_options = {
    "--mysql-user=app", "--mysql-password=app", "--mysql-db=app", "--tables=1",
    "--table-size=" .. ROWS, "--threads=" .. THREADS,
  },
  --- Who logs in without a password (support.galera).
  login_user = "check",
}


local function run(...)
  local argv = { ... }
  local status, text = process.run(argv, { seconds = 60 })
  if status ~= 0 then
    error(("%s ended with status %s: %s"):format(argv[1], tostring(status),
      text), 0)
  end
end


--- Starts it and fills its table.
-- @param cpu     string: where it runs
-- @param folder  string: absolute, is made
-- @return a cluster (support.galera) of one node, to be stopped
function _M.start(cpu, folder)
  local cluster = galera.start({ folder = folder, nodes = 1 })
  local node = cluster.nodes[1]
  run("taskset", "-a", "-p", "-c", cpu, tostring(node.pid))
  run("sysbench", "oltp_point_select", "prepare", "--db-driver=mysql",
    "--mysql-host=127.0.0.1", "--mysql-port=" .. node.port,
    unpack(_M.sysbench_options))
  return cluster
end


return _M
