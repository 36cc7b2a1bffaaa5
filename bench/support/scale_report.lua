--- How a cost grows with a size: medians, ratios to the smallest size, and the
-- simplest curve that explains them; as text and JSON.
--
-- Ratios are of the costs of one round, which were measured one after the
-- other, and their median is taken: what else the machine does falls on all
-- sizes of a round.
local json = require "dkjson"

local FLAT = 0.10  -- growth that is never told from noise
local NOISES = 2  -- how much of the noise that was seen growth has to be
local BETTER = 0.4  -- how much less error a steeper curve has to leave

local CURVES = {
  { name = "logarithmic", f = math.log },
  { name = "linear", f = function(n) return n end },
  { name = "quadratic", f = function(n) return n * n end },
}

local _M = {}


local function median(values)
  local sorted = { unpack(values) }
  table.sort(sorted)
  local n = #sorted
  return (sorted[math.floor((n + 1) / 2)] + sorted[math.ceil((n + 1) / 2)]) / 2
end


-- The line through the points (x, y) that leaves the least error, relative to
-- each y: a cost that is known to some percent counts as much as any other.
local function fit(xs, ys)
  local w, wx, wy, wxx, wxy = 0, 0, 0, 0, 0
  for i, x in ipairs(xs) do
    local y = ys[i]
    local weight = 1 / (y * y)
    w, wx, wy = w + weight, wx + weight * x, wy + weight * y
    wxx, wxy = wxx + weight * x * x, wxy + weight * x * y
  end
  local slope = (w * wxy - wx * wy) / (w * wxx - wx * wx)
  local base = (wy - slope * wx) / w
  local err = 0
  for i, x in ipairs(xs) do
    err = err + ((base + slope * x) / ys[i] - 1) ^ 2
  end
  return slope, err
end


--- How costs grow.
-- @param sizes  array of numbers
-- @param costs  array of numbers
-- @param noise  number: what single rounds are off, as a part of their cost
-- @return string: "flat", "logarithmic", "linear", "quadratic", or "unknown"
--   with less than two sizes; number: growth by the thousand, where linear
function _M.verdict(sizes, costs, noise)
  if #sizes < 2 then
    return "unknown"
  end
  if costs[#costs] / costs[1] - 1 < math.max(FLAT, NOISES * noise) then
    return "flat"
  end
  if #sizes < 3 then
    return "not flat"
  end
  local best, best_slope, best_error
  for _, curve in ipairs(CURVES) do
    local xs = {}
    for i, n in ipairs(sizes) do
      xs[i] = curve.f(n)
    end
    local slope, err = fit(xs, costs)
    if not best or err < best_error * BETTER then
      best, best_slope, best_error = curve, slope, err
    end
  end
  return best.name, best.name == "linear" and best_slope * 1000 or nil
end


--- What a series of rounds has shown.
-- @param series  table: kind, program, sizes, rounds (array of arrays of costs,
--   in the order of sizes), note (string or nil)
-- @return the same table with cost and ratio (arrays), noise (what ratios are
--   off their median, at the median and of the worst size), verdict,
--   per_thousand
function _M.finish(series)
  series.cost, series.ratio, series.noise = {}, {}, 0
  for i in ipairs(series.sizes) do
    local costs, ratios, off = {}, {}, {}
    for k, round in ipairs(series.rounds) do
      costs[k], ratios[k] = round[i], round[i] / round[1]
    end
    series.cost[i], series.ratio[i] = median(costs), median(ratios)
    for k, ratio in ipairs(ratios) do
      off[k] = math.abs(ratio / series.ratio[i] - 1)
    end
    series.noise = math.max(series.noise, median(off))
  end
  local scaled = {}
  for i, ratio in ipairs(series.ratio) do
    scaled[i] = ratio * series.cost[1]
  end
  series.verdict, series.per_thousand = _M.verdict(series.sizes, scaled,
    series.noise)
  return series
end


local function verdict_text(series)
  if not series.per_thousand then
    return series.verdict
  end
  return ("%s, %+.2f/1000"):format(series.verdict, series.per_thousand)
end


local function row(first, cells)
  return ("  %9s"):format(first) .. table.concat(cells)
end


--- One kind of one table as text.
-- @param table_  table: of scale_tables
-- @param kind    string
-- @param all     array of finished series, one a program
function _M.text(table_, kind, all)
  local lines = {
    ("%s  (%s, %s)"):format(table_.title, table_.name, kind),
  }
  local heads, units, verdicts, noises = {}, {}, {}, {}
  for i, series in ipairs(all) do
    heads[i] = ("%24s"):format(series.program)
    units[i] = ("%24s"):format(table_.unit .. "  ratio")
    verdicts[i] = ("%24s"):format(verdict_text(series))
    noises[i] = ("%24s"):format(("+-%.0f %%"):format(series.noise * 100))
  end
  lines[2], lines[3] = row("", heads), row(table_.rows, units)
  for i, size in ipairs(table_.sizes) do
    local cells = {}
    for k, series in ipairs(all) do
      cells[k] = series.cost[i]
        and ("%17.2f %6.2f"):format(series.cost[i], series.ratio[i])
        or ("%17s %6s"):format("-", "-")
    end
    lines[#lines + 1] = row(size, cells)
  end
  lines[#lines + 1] = row("noise", noises)
  lines[#lines + 1] = row("grows", verdicts)
  for _, series in ipairs(all) do
    if series.note then
      lines[#lines + 1] = ("  %s ends there: %s"):format(series.program,
        series.note)
    end
  end
  return table.concat(lines, "\n") .. "\n"
end


--- Up to which size a cost is at most so much, on straight lines between the
-- sizes that were measured.
-- @return number, or nil where it is always more
function _M.size_below(series, most)
  local sizes, cost = series.sizes, series.cost
  if cost[1] > most then
    return nil
  end
  for i = 2, #sizes do
    if cost[i] > most then
      local part = (most - cost[i - 1]) / (cost[i] - cost[i - 1])
      return sizes[i - 1] + part * (sizes[i] - sizes[i - 1])
    end
  end
  return sizes[#sizes]
end


--- All series as JSON.
function _M.json(all)
  return json.encode(all, { indent = true }) .. "\n"
end


return _M
