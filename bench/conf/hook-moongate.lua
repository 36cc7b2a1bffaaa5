--- The hook of the scenario `hook` for Moongate: what is not under /index.php
-- already goes there, with the path as PATH_INFO, for all tenants but one.
local _M = {}

local FRONT = "/index.php"


--- Rewrites the path of a request.
function _M.request(req)
  local path = req.path
  if path:sub(1, #FRONT) ~= FRONT and req:header("x-tenant") ~= "legacy" then
    req:rewrite(FRONT .. path)
  end
end


return _M
