--- One address for the databases of several tenants, by the schema that a client
-- names: the part before the first "_" is the tenant, and has a cluster.  Who
-- names none, or an unknown one, is told so.
--
--     [mysql all]
--     upstream = cluster-a
--     script   = schema_clusters.lua
local CLUSTERS = {
  acme = "cluster-a",
  globex = "cluster-b",
  initech = "cluster-b",
}


local function login(login, conn)
  local tenant = login.schema and login.schema:match("^[^_]+")
  if not tenant then
    return false, "name a schema when you log in: it says where to go"
  end
  if not CLUSTERS[tenant] then
    return false, ("there is no tenant '%s'"):format(tenant)
  end
  return { upstream = CLUSTERS[tenant] }
end


return { login = login }
