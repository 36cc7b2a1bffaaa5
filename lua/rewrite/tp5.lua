--- ThinkPHP 5's rewrite: what is not a file goes to /index.php, with the path
-- as PATH_INFO: /index/blog/read?id=7 becomes /index.php/index/blog/read?id=7.
--
-- A path of which a leading part is a file already is left alone: /logo.png,
-- and /index.php/index/blog, which names the script itself.
local _M = {}

local FRONT = "/index.php"


--- Rewrites the path of a request; returns nothing, so the chain goes on.
function _M.request(req)
  if not req:file_prefix() then
    req:rewrite(FRONT .. req.path)
  end
end


return _M
