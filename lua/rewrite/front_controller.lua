--- The rewrite of Laravel, Symfony, WordPress and others: what is not there
-- goes to /index.php, which reads the address as it was sent; the query stays.
-- As nginx's `try_files $uri $uri/ /index.php?$args`.
--
-- A path is left alone when it, or a leading part of it, is a regular file, and
-- when it is a folder with an index file: /wp-admin/ has one of its own.
local _M = {}

local FRONT = "/index.php"
local INDEXES = { "index.php", "index.html", "index.htm" }


-- Whether a path, with or without its last slash, is a folder with an index.
local function has_index(req, path)
  local folder = path:sub(-1) == "/" and path or path .. "/"
  for i = 1, #INDEXES do
    if req:file_exists(folder .. INDEXES[i]) then
      return true
    end
  end
  return false
end


--- Rewrites the path of a request; returns nothing, so the chain goes on.
function _M.request(req)
  if not req:file_prefix() and not has_index(req, req.path) then
    req:rewrite(FRONT)
  end
end


return _M
