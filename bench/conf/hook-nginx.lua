--- The hook of the scenario `hook` for nginx, which runs it before it rewrites
-- (rewrite_by_lua_file).  The request stays in its location, so that nginx has
-- no second one to look for.
local FRONT = "/index.php"

local ngx = ngx  -- luacheck: globals ngx
local path = ngx.var.uri

if path:sub(1, #FRONT) ~= FRONT and ngx.var.http_x_tenant ~= "legacy" then
  ngx.req.set_uri(FRONT .. path)
end
