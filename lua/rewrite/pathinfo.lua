--- MediaWiki's short addresses ($wgArticlePath = "/wiki/$1"): /wiki/TITLE goes
-- to its index.php, with the title as PATH_INFO, and /wiki to its main page;
-- the query stays.
--
-- The script is /w/index.php where there is one ($wgScriptPath = "/w", as in
-- MediaWiki's manual), else /index.php.  For another prefix copy this file to
-- the script path and change it.
--
-- A path is left alone when it, or a leading part of it, is a regular file.
local _M = {}

local PREFIX = "/wiki"
local FRONTS = { "/w/index.php", "/index.php" }


local function find_front(req)
  for i = 1, #FRONTS do
    if req:file_exists(FRONTS[i]) then
      return FRONTS[i]
    end
  end
  return FRONTS[#FRONTS]
end


-- What is behind the prefix: "", "/", "/TITLE"; nil without it.
local function find_rest(path)
  if path:sub(1, #PREFIX) ~= PREFIX then
    return nil
  end
  local rest = path:sub(#PREFIX + 1)
  return (rest == "" or rest:sub(1, 1) == "/") and rest or nil
end


--- Rewrites the path of a request; returns nothing, so the chain goes on.
function _M.request(req)
  local rest = find_rest(req.path)
  if rest and not req:file_prefix() then
    req:rewrite(find_front(req) .. (rest == "/" and "" or rest))
  end
end


return _M
