--- A/B: the application sets the cookie `variant`, and who has it goes to that
-- variant's servers; who has none, or another, goes the usual way.
--
--     [upstream variant-b]
--     server one = 10.0.0.8:9000
--     [http shop]
--     script = ab_by_cookie.lua
local VARIANTS = {
  b = "variant-b",
}


local function request(req)
  local variant = req:cookie("variant")
  local upstream = variant and VARIANTS[variant]
  if upstream then
    -- So that the application can count them.
    req:set_header("X-Variant", variant)
    return { upstream = upstream }
  end
end


return { request = request }
