--- What a run has shown: medians, ratios, goals; as a table, JSON and a plot.
local json = require "dkjson"

local BAR, ROW, LEFT, WIDTH = 14, 20, 300, 900
local COLOURS = {
  moongate = "#2b6cb0", nginx = "#38a169", ["nginx-read"] = "#276749",
  haproxy = "#d69e2e", ["haproxy-splice"] = "#b7791f",
  ["moongate-builtin"] = "#63b3ed", ["moongate-passthrough"] = "#4299e1",
  ["moongate-visible"] = "#2c5282", floor = "#a0aec0",
}

local _M = {}


-- The value below which this share of them lies, between two if need be.
local function quantile(values, share)
  local sorted = { unpack(values) }
  table.sort(sorted)
  local at = 1 + (#sorted - 1) * share
  local below = math.floor(at)
  local above = math.min(below + 1, #sorted)
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below)
end


local function column(rounds, field)
  local values = {}
  for i, round in ipairs(rounds) do
    values[i] = round[field]
  end
  return values
end


--- The median of one field of the rounds.
-- @param rounds  array of tables
-- @param field   string
function _M.median(rounds, field)
  return quantile(column(rounds, field), 0.5)
end


-- Moongate's cost in each round by the other's in the same round: what the
-- machine did meanwhile falls on both.
local function paired_ratio(ours, theirs)
  local ratios = {}
  for i, round in ipairs(ours) do
    ratios[i] = round.cost / theirs[i].cost
  end
  return {
    median = quantile(ratios, 0.5),
    low = quantile(ratios, 0.25),
    high = quantile(ratios, 0.75),
  }
end


-- The cheapest of the programs that a goal names.
local function best_of(names, cost)
  local best
  for _, name in ipairs(names) do
    if not best or cost[name] < cost[best] then
      best = name
    end
  end
  return best
end


local function judge(goal, result)
  local best = best_of(goal.against, result.cost)
  local ratio = result.ratio[best].median
  return {
    against = table.concat(goal.against, ", "), best = best,
    wanted = goal.ratio, ratio = ratio, met = ratio <= goal.ratio,
  }
end


--- Medians, ratios and goals of one scenario.
-- @param scenario  table: as in scenarios.lua
-- @param measured  table: rounds (by program, an array of { cost =, rate = },
--   where memory is measured with whole =), memory (by program, bytes, or
--   nil), latency (by program, { p50 =, p99 = } in microseconds, or nil)
-- @return table: name, title, unit, programs, rounds, memory, latency; cost and
--   rate (medians), whole, ratio ({ median =, low =, high = }), each by
--   program; goals (array of { against, best, wanted, ratio, met })
function _M.result(scenario, measured)
  local rounds = measured.rounds
  local result = {
    name = scenario.name, title = scenario.title,
    unit = scenario.memory and "bytes" or "us",
    programs = scenario.programs, rounds = rounds,
    memory = measured.memory, latency = measured.latency,
    cost = {}, rate = {}, whole = {}, ratio = {}, goals = {},
  }
  for _, name in ipairs(scenario.programs) do
    result.cost[name] = _M.median(rounds[name], "cost")
    result.rate[name] = _M.median(rounds[name], "rate")
    result.ratio[name] = paired_ratio(rounds.moongate, rounds[name])
    if scenario.memory then
      result.whole[name] = _M.median(rounds[name], "whole")
    end
  end
  for i, goal in ipairs(scenario.goals) do
    result.goals[i] = judge(goal, result)
  end
  return result
end


-- --- text --------------------------------------------------------------------

local function number(format, value)
  return value and format:format(value) or "-"
end


local function ratio_text(ratio)
  return ("%.3f (%.3f-%.3f)"):format(ratio.median, ratio.low, ratio.high)
end


local CPU_HEADS = {
  "CPU us each", "per second", "p50 us", "p99 us", "MB",
  "moongate/it",
}
local MEMORY_HEADS = { "bytes each", "whole", "connections", "moongate/it" }


local function cpu_cells(result, name)
  local latency = result.latency and result.latency[name] or {}
  local memory = result.memory and result.memory[name]
  return {
    ("%.2f"):format(result.cost[name]),
    ("%.0f"):format(result.rate[name]),
    number("%.0f", latency.p50),
    number("%.0f", latency.p99),
    number("%.1f", memory and memory / 1e6),
    ratio_text(result.ratio[name]),
  }
end


local function memory_cells(result, name)
  return {
    ("%.0f"):format(result.cost[name]),
    ("%.0f"):format(result.whole[name]),
    ("%.0f"):format(result.rate[name]),
    ratio_text(result.ratio[name]),
  }
end


-- The last column has the ratio with its quartiles, and stands to the left.
local function row(name, cells)
  local parts = { ("  %-20s"):format(name) }
  for i = 1, #cells - 1 do
    parts[#parts + 1] = ("%12s"):format(cells[i])
  end
  parts[#parts + 1] = "   " .. cells[#cells]
  return table.concat(parts)
end


--- One scenario as text.
function _M.text(result)
  local memory = result.unit == "bytes"
  local lines = {
    ("%s  (%s, %d rounds)"):format(result.title, result.name,
      #result.rounds.moongate),
    row("program", memory and MEMORY_HEADS or CPU_HEADS),
  }
  local cells = memory and memory_cells or cpu_cells
  for _, name in ipairs(result.programs) do
    lines[#lines + 1] = row(name, cells(result, name))
  end
  if result.latency then
    lines[#lines + 1] = ("  p50 and p99 at %.0f per second"):format(
      result.latency.rate)
  end
  for _, goal in ipairs(result.goals) do
    local best = goal.best ~= goal.against and " (" .. goal.best .. ")" or ""
    lines[#lines + 1] = ("  goal: <= %.2f of %s%s: %.3f, %s"):format(
      goal.wanted, goal.against, best, goal.ratio,
      goal.met and "met" or "MISSED")
  end
  return table.concat(lines, "\n") .. "\n"
end


--- All scenarios as JSON.
function _M.json(results)
  return json.encode(results, { indent = true }) .. "\n"
end


-- --- plot --------------------------------------------------------------------

-- One program's bar; the longest of a scenario is as wide as there is room.
local function bar(result, name, y, greatest)
  local cost = result.cost[name]
  local wide = (WIDTH - LEFT - 170) * math.max(cost, 0) / greatest
  local beside = name == "moongate" and ""
    or (" (moongate %.2f)"):format(result.ratio[name].median)
  return ('<text x="%d" y="%d" text-anchor="end">%s</text>'
    .. '<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>'
    .. '<text x="%.1f" y="%d">%.2f %s%s</text>'):format(LEFT - 8, y + BAR - 3,
    name, LEFT, y, wide, BAR, COLOURS[name], LEFT + wide + 6, y + BAR - 3,
    cost, result.unit, beside)
end


--- All scenarios as a plot of what one operation costs.
function _M.svg(results)
  local parts, y = {}, 10
  for _, result in ipairs(results) do
    local greatest = 1e-9
    for _, name in ipairs(result.programs) do
      greatest = math.max(greatest, result.cost[name])
    end
    parts[#parts + 1] = ('<text x="10" y="%d" font-weight="bold">%s</text>')
      :format(y + BAR, result.title)
    y = y + ROW
    for _, name in ipairs(result.programs) do
      parts[#parts + 1] = bar(result, name, y, greatest)
      y = y + ROW
    end
    y = y + ROW / 2
  end
  return ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
    .. 'font-family="sans-serif" font-size="12">\n'
    .. '<rect width="100%%" height="100%%" fill="#fff"/>\n%s\n</svg>\n'):format(
    WIDTH, y, table.concat(parts, "\n"))
end


return _M
