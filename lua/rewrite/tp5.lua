--- ThinkPHP 5's rewrite: what is not a file goes to /index.php, with the path
-- as PATH_INFO: /index/blog/read?id=7 becomes /index.php/index/blog/read?id=7.
--
-- A path of which a leading part is a file already is left alone: /logo.png,
-- and /index.php/index/blog, which names the script itself.
local _M = {}

local FRONT = "/index.php"


-- Whether a part of the path that ends before a slash is a regular file.
local function leads_through_file(req, path)
  local slash = path:find("/", 2, true)
  while slash do
    if req:file_exists(path:sub(1, slash - 1)) then
      return true
    end
    slash = path:find("/", slash + 1, true)
  end
  return false
end


--- Rewrites the path of a request; returns nothing, so the chain goes on.
function _M.request(req)
  local path = req.path
  if req:file_exists(path) or leads_through_file(req, path) then
    return
  end
  req:rewrite(FRONT .. path)
end


return _M
