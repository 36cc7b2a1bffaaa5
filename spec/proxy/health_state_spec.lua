--- Rise and fall.
local ffi = require "ffi"
local core = require("support.ffi").load("proxy/health_state.h")

local CHANGES = { [0] = ".", [1] = "UP", [2] = "DOWN" }


-- What each of the checks changes: "+" passes, "-" fails, "!" fails at once.
local function run(state, conf, checks)
  local out = {}
  for check in checks:gmatch(".") do
    local change
    if check == "+" then
      change = core.health_state_pass(state, conf)
    else
      change = core.health_state_fail(state, conf, check == "!")
    end
    out[#out + 1] = CHANGES[tonumber(change)]
  end
  return table.concat(out, " ")
end


describe("a server's state", function()
  local conf, state

  before_each(function()
    conf = ffi.new("struct check_conf")
    conf.rise, conf.fall = 2, 3
    conf.interval_ms, conf.fastinter_ms, conf.downinter_ms = 2000, 100, 5000
    state = ffi.new("struct health_state")
    state.up = true
  end)

  for _, case in ipairs {
    { "the first check takes it down", "-", "DOWN" },
    { "a first one that passed is credit", "+--", ". . ." },
    { "fall failed in a row take it down", "+---", ". . . DOWN" },
    { "one that passes brings all credit back", "+--+---", ". . . . . . DOWN" },
    { "rise passed in a row bring it up", "-++", "DOWN . UP" },
    { "one that fails takes all back", "-+-++", "DOWN . . . UP" },
    { "up again it has all credit", "-++---", "DOWN . UP . . DOWN" },
    { "a failure may be believed at once", "+!", ". DOWN" },
    { "down it stays down", "---!", "DOWN . . ." },
  } do
    it(case[1], function()
      assert.are.equal(case[3], run(state, conf, case[2]))
    end)
  end

  for checks, interval in pairs {
    [""] = 2000, ["+"] = 2000, ["+-"] = 100, ["+--"] = 100, ["+---"] = 5000,
    ["-"] = 5000, ["--"] = 5000, ["-+"] = 100, ["-+-"] = 5000, ["-++"] = 2000,
  } do
    it(("has its interval after %q"):format(checks), function()
      run(state, conf, checks)
      assert.are.equal(interval, core.health_state_interval(state, conf))
    end)
  end
end)
