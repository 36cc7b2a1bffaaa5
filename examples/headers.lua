--- Request headers put in order before the application sees them: what only a
-- proxy of ours may say is taken out, each request gets an id that the logs of
-- all servers can share, and old clients' name for a header becomes today's.
--
--     [http shop]
--     script = headers.lua
local OURS = { "X-Forwarded-Host", "X-Original-URL", "X-User" }
local RENAMED = { ["X-Api-Key"] = "Authorization" }


local function new_id()
  return ("%08x%08x"):format(math.random(0, 2 ^ 31 - 1),
    math.random(0, 2 ^ 31 - 1))
end


local function request(req)
  for _, name in ipairs(OURS) do
    req:set_header(name, nil)
  end
  req:set_header("X-Request-Id", new_id())
  for old, new in pairs(RENAMED) do
    local value = req:header(old)
    if value and not req:header(new) then
      req:set_header(new, "Bearer " .. value)
    end
    req:set_header(old, nil)
  end
end


return { request = request }
