--- The shipped policies on what moongate.test makes: servers, flows.
local test = require "moongate.test"

local _M = {
  servers = test.servers, flow = test.flow, repeated = test.repeated,
  count = test.count,
}


--- Makes a function that picks by a policy as the program would, with a state
-- where the policy has one.
function _M.picker(name, options)
  local policy = dofile("lua/policy/" .. name .. ".lua")
  if not policy.new then
    return policy.pick
  end
  local state = policy.new(options or {})
  return function(flow, servers)
    return policy.pick(state, flow, servers)
  end
end


--- The indices that successive turns give.
function _M.picks(pick, servers, first, count, flow)
  local picks = {}
  for turn = first, first + count - 1 do
    servers.now = turn
    picks[#picks + 1] = assert(pick(flow or _M.flow(), servers))
  end
  return picks
end


return _M
