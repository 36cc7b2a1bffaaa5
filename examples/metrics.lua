--- Requests and their times by route, in Prometheus's text format:
-- `moongate ctl show metrics` prints them.  Routes are few and fixed: the path
-- itself as a label would make a series of each.
--
--     [http shop]
--     script = metrics.lua
local moongate = require "moongate"

local ROUTES = {  -- the first that matches
  { "^/api/", "api" },
  { "^/static/", "static" },
  { "", "page" },
}

local requests = assert(moongate.metric.counter("shop_requests_total",
  "Requests by route and status.", { "route", "code" }))
local seconds = assert(moongate.metric.histogram("shop_request_seconds",
  "Time of requests by route.", { "route" }))


local function find_route(path)
  for _, route in ipairs(ROUTES) do
    if path:find(route[1]) then
      return route[2]
    end
  end
end


-- Here, since a rewrite may change the path afterwards.
local function request(req)
  req.ctx.route, req.ctx.begun = find_route(req.path), moongate.now()
end


local function log(req, res)
  local route = req.ctx.route or find_route(req.path)
  requests:inc(1, { route = route, code = res.status or "none" })
  if req.ctx.begun then
    seconds:observe(moongate.now() - req.ctx.begun, { route = route })
  end
end


return { request = request, log = log }
