--- Histograms of times: quantiles within a sixteenth, the longest exactly.
local ffi = require "ffi"
local core = require("support.ffi").load("board/times.h")

local UNIT_NS = 8
local LONGEST_NS = 15 * 2 ^ 29  -- beyond it there is one bucket


describe("a histogram of times", function()
  local times

  before_each(function()
    times = ffi.new("struct times")
  end)

  local function sum_of(...)
    local sum = ffi.new("struct times_sum")
    for _, one in ipairs { ... } do
      core.times_sum(sum, one)
    end
    return sum
  end

  local function quantile(share, sum)
    return tonumber(core.times_quantile(sum or sum_of(times), share))
  end

  local function assert_near(wanted, got)
    local most = wanted / 16 + UNIT_NS / 2
    assert.is_true(math.abs(got - wanted) <= most,
      ("%g, not %g"):format(got, wanted))
  end

  it("has no quantiles when it is empty", function()
    assert.are.equal(0, quantile(0.5))
    assert.are.equal(0, quantile(1))
  end)

  it("knows each single time within a sixteenth", function()
    for bits = 0, 32 do
      for _ = 1, 200 do
        local ns = math.floor(2 ^ bits * (1 + math.random()))
        times = ffi.new("struct times")
        core.times_add(times, ns, 1)
        assert_near(ns, quantile(0.5))
        assert.are.equal(ns, tonumber(times.max_ns))
      end
    end
  end)

  it("keeps the order of times", function()
    local last = -1
    for ns = 0, 5000 do
      times = ffi.new("struct times")
      core.times_add(times, ns, 1)
      times.max_ns = 2 ^ 40
      assert.is_true(quantile(1) >= last)
      last = quantile(1)
    end
  end)

  it("has the quantiles of random times", function()
    for _ = 1, 50 do
      local all, spread = {}, math.random(2, 30)
      times = ffi.new("struct times")
      for i = 1, 1000 do
        all[i] = math.floor(2 ^ (math.random() * spread))
        core.times_add(times, all[i], 1)
      end
      table.sort(all)
      for _, share in ipairs { 0.001, 0.1, 0.5, 0.9, 0.99, 1 } do
        assert_near(all[math.ceil(share * 1000)], quantile(share))
      end
    end
  end)

  it("answers no more than the longest", function()
    core.times_add(times, 1030, 1)
    assert.are.equal(1030, quantile(0.99))
  end)

  it("has one bucket for what is very long", function()
    core.times_add(times, LONGEST_NS * 3, 1)
    core.times_add(times, LONGEST_NS, 1)
    assert.are.equal(2, times.counts[core.TIMES_BUCKETS - 1])
    assert.are.equal(LONGEST_NS * 3, quantile(0.5))
    core.times_add(times, LONGEST_NS - 1, 1)
    assert.are.equal(1, times.counts[core.TIMES_BUCKETS - 2])
  end)

  it("counts by weight", function()
    core.times_add(times, 1000, 16)
    core.times_add(times, 1000000, 1)
    assert.are.equal(17, tonumber(sum_of(times).count))
    assert_near(1000, quantile(16 / 17))
    assert_near(1000000, quantile(0.99))
  end)

  it("takes a longest time that counts for nothing else", function()
    core.times_raise(times, 5000)
    core.times_raise(times, 4000)
    assert.are.equal(0, quantile(0.5))
    assert.are.equal(5000, tonumber(sum_of(times).max_ns))
  end)

  it("keeps its proportions when a bucket is full", function()
    core.times_add(times, 1000, 2 ^ 31)
    core.times_add(times, 50000, 2 ^ 30)
    core.times_add(times, 1000, 2 ^ 31 - 1)
    core.times_add(times, 1000, 2)
    assert_near(1000, quantile(0.79))
    assert_near(50000, quantile(0.81))
  end)

  it("adds up several", function()
    local other = ffi.new("struct times")
    for _ = 1, 3 do
      core.times_add(times, 1000, 1)
    end
    core.times_add(other, 90000, 1)
    local sum = sum_of(times, other)
    assert.are.equal(4, tonumber(sum.count))
    assert.are.equal(90000, tonumber(sum.max_ns))
    assert_near(1000, quantile(0.75, sum))
    assert_near(90000, quantile(0.76, sum))
  end)
end)
