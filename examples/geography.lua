--- Clients go to the servers of their region, by a table of networks; the
-- narrowest that holds the address counts.  The application learns the region
-- from X-Region, which nobody can send by himself.
--
--     [http shop]
--     script = geography.lua
local address = require "moongate.address"

local NETWORKS = {
  { "10.0.0.0", 8, "home" },
  { "198.51.100.0", 24, "east" },
  { "203.0.113.0", 24, "west" },
  { "203.0.113.128", 25, "east" },
}
local UPSTREAMS = { east = "east", west = "west" }  -- others: as routed

table.sort(NETWORKS, function(a, b) return a[2] > b[2] end)
for _, network in ipairs(NETWORKS) do
  network.size = 2 ^ (32 - network[2])
  network.number = math.floor(address.fold(network[1]) / network.size)
end


local function find_region(client)
  local number = not client:find(":", 1, true) and address.fold(client)
  for _, network in ipairs(NETWORKS) do
    if number and math.floor(number / network.size) == network.number then
      return network[3]
    end
  end
  return nil
end


local function request(req)
  local region = find_region(req.client)
  req:set_header("X-Region", region)
  if UPSTREAMS[region] then
    return { upstream = UPSTREAMS[region] }
  end
end


return { request = request }
