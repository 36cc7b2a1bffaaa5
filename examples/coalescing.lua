--- Requests for the same thing go to the same server, which can then answer
-- them with one piece of work.  What the same thing is says the key: the path
-- and the arguments by their names, without those that only track clients.
--
--     [upstream php]
--     policy = header name=X-Coalesce hash=consistent
--     [http shop]
--     script = coalescing.lua
local TRACKING = { fbclid = true, gclid = true }


local function counts(name)
  return not TRACKING[name] and name:sub(1, 4) ~= "utm_"
end


local function request(req)
  local parts = {}
  for name, value in pairs(req.args) do
    if counts(name) then
      parts[#parts + 1] = ("%q=%q"):format(name, value)
    end
  end
  table.sort(parts)
  -- The key itself may hold what no header can.
  local key = req.path .. "?" .. table.concat(parts, "&")
  req:set_header("X-Coalesce", (key:gsub("[^%w/?=&._-]", function(byte)
    return ("%%%02X"):format(byte:byte())
  end)))
end


return { request = request }
