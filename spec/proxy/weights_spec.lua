--- Weights while some servers get less than their share.
local ffi = require "ffi"
local core = require("support.ffi").load("proxy/weights.h")


local function new(list)
  local weights = ffi.new("struct weight[?]", #list)
  for i, item in ipairs(list) do
    weights[i - 1] = { item[1], item[2] or 1, 0 }
  end
  return weights
end


local function seen(list)
  local weights, out = new(list), {}
  core.weights_set_seen(weights, #list)
  for i = 1, #list do
    out[i] = weights[i - 1].seen
  end
  return out
end


describe("weights", function()
  for _, case in ipairs {
    { "are as they are while all have their whole share",
      { { 1 }, { 7 }, { 0 }, { 256 } }, { 1, 7, 0, 256 } },
    { "are multiplied while one has less",
      { { 1 }, { 1, 0.25 }, { 2 } }, { 16, 4, 32 } },
    { "stay within 256, in exact ratios",
      { { 100 }, { 50, 0.5 }, { 25 } }, { 200, 50, 50 } },
    { "of 256 are not multiplied", { { 256 }, { 256, 0.1 } }, { 256, 26 } },
    { "above 0 stay above 0", { { 256 }, { 1, 0.1 } }, { 256, 1 } },
    { "of 0 stay 0", { { 0, 0.5 }, { 3 } }, { 0, 48 } },
    { "of 0 alone stay 0", { { 0, 0.5 }, { 0 } }, { 0, 0 } },
    { "of a share of 0 still count a little", { { 4, 0 }, { 4 } }, { 1, 64 } },
  } do
    it(case[1], function()
      assert.are.same(case[3], seen(case[2]))
    end)
  end

  it("tell their shares again", function()
    for _, list in ipairs {
      { { 1 }, { 1, 0.25 }, { 2 } }, { { 256 }, { 256, 0.5 } },
      { { 3 }, { 5 } }, { { 0 }, { 2, 0.75 } },
    } do
      local weights = new(list)
      core.weights_set_seen(weights, #list)
      for i = 1, #list do
        weights[i - 1].share = -1
      end
      core.weights_set_shares(weights, #list)
      for i, item in ipairs(list) do
        assert.near(item[2] or 1, weights[i - 1].share, 0.03)
      end
    end
  end)

  it("grow from a tenth to all", function()
    assert.near(0.1, core.weights_slow_share(0, 1000), 1e-9)
    assert.near(0.55, core.weights_slow_share(500, 1000), 1e-9)
    assert.are.equal(1, core.weights_slow_share(1000, 1000))
    assert.are.equal(1, core.weights_slow_share(5000, 1000))
    for elapsed = 0, 999, 37 do
      local share = core.weights_slow_share(elapsed, 1000)
      assert.near(elapsed, tonumber(core.weights_slow_elapsed(share, 1000)), 1)
    end
  end)
end)
