--- The hook of the scenario `hook` for HAProxy (http-request lua.hook).
local FRONT = "/index.php"

local core = core  -- luacheck: globals core


core.register_action("hook", { "http-req" }, function(txn)
  local path = txn.f:path()
  if path:sub(1, #FRONT) ~= FRONT
      and txn.f:req_hdr("x-tenant") ~= "legacy" then
    txn.http:req_set_path(FRONT .. path)
  end
end)
