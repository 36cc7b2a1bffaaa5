--- Node.js's drivers: mysql, mysql2 and mariadb, from npm's registry.
local process = require "support.process"

local _M = {}

local CLEAN = { LD_PRELOAD = false, ASAN_OPTIONS = false }
local INSTALL_SECONDS = 300
local SECONDS = 120

--- Their names.
_M.names = { "mysql", "mysql2", "mariadb" }


--- Installs the drivers, unless they are there; raises where that fails.
function _M.prepare()
  local status, said = process.run({ "tools/node-drivers" }, { env = CLEAN,
    seconds = INSTALL_SECONDS })
  assert(status == 0, said)
end


--- Has a driver do something.
-- @param name    string: one of the names
-- @param action  string: one of driver.js
-- @param port    integer
-- @param login   table or nil: user, password, schema ("app" each unless
--                given); to (string: for the action "change")
-- @return string: what it printed
function _M.run(name, action, port, login)
  login = login or {}
  local status, said = process.run({
    "node", "spec/support/node/driver.js", name, action, tostring(port),
    login.user or "app", login.password or "app", login.schema or "app",
  }, { seconds = SECONDS, env = {
      LD_PRELOAD = false, ASAN_OPTIONS = false, CHANGE_TO = login.to or false,
      NODE_PATH = "build/node/node_modules",
    } })
  assert(status, name .. " did not end: " .. said)
  return said
end


return _M
