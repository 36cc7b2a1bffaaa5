--- One address for the databases of several tenants: each has a network, and by
-- that its own cluster.  Who is in none of them is refused.
--
--     [mysql all]
--     listen   = 10.0.0.1:3306
--     upstream = shared
--     script   = tenants.lua
local TENANTS = {
  { "^10%.10%.", "tenant-a" },
  { "^10%.20%.", "tenant-b" },
}
local SHARED = "^10%.0%."


local function accept(conn)
  for _, tenant in ipairs(TENANTS) do
    if conn.client:find(tenant[1]) then
      return { upstream = tenant[2] }
    end
  end
  if not conn.client:find(SHARED) then
    return false, "not the network of a tenant"
  end
end


return { accept = accept }
