--- What a run has shown: medians, ratios, goals; as a table, JSON and a plot.
local json = require "dkjson"

local BAR, ROW, LEFT, WIDTH = 14, 20, 300, 900
local COLOURS = {
  moongate = "#2b6cb0", nginx = "#38a169", haproxy = "#d69e2e",
  ["haproxy-splice"] = "#b7791f", floor = "#a0aec0",
}

local _M = {}


local function median(values)
  local sorted = { unpack(values) }
  table.sort(sorted)
  local n = #sorted
  return (sorted[math.floor((n + 1) / 2)] + sorted[math.ceil((n + 1) / 2)]) / 2
end


-- The best of the programs that a goal names and that have run.
local function best_of(names, result)
  local best
  for _, name in ipairs(names) do
    local cost = result.cost[name]
    if cost and (not best or cost < best) then
      best = cost
    end
  end
  return best
end


--- Medians, ratios and goals of one scenario.
-- @param scenario  table: as in scenarios.lua
-- @param rounds    table: by program, an array of { cost =, rate = }
-- @return table: name, title, unit, programs, rounds, cost, rate, ratio (each
--   by program), goals (array of { against, wanted, ratio, met })
function _M.result(scenario, rounds)
  local result = {
    name = scenario.name, title = scenario.title, rounds = rounds,
    unit = scenario.memory and "bytes" or "us",
    programs = scenario.programs, cost = {}, rate = {}, ratio = {}, goals = {},
  }
  for _, name in ipairs(scenario.programs) do
    local costs, rates = {}, {}
    for i, round in ipairs(rounds[name]) do
      costs[i], rates[i] = round.cost, round.rate
    end
    result.cost[name], result.rate[name] = median(costs), median(rates)
  end
  for _, name in ipairs(scenario.programs) do
    result.ratio[name] = result.cost.moongate / result.cost[name]
  end
  for i, goal in ipairs(scenario.goals) do
    local ratio = result.cost.moongate / best_of(goal.against, result)
    result.goals[i] = {
      against = table.concat(goal.against, ", "), wanted = goal.ratio,
      ratio = ratio, met = ratio <= goal.ratio,
    }
  end
  return result
end


--- One scenario as text.
function _M.text(result)
  local memory = result.unit == "bytes"
  local lines = { ("%s  (%s)"):format(result.title, result.name) }
  lines[2] = ("  %-15s %14s %14s  %s"):format("program",
    memory and "bytes each" or "CPU us each", memory and "connections"
    or "per second", "moongate/it   rounds")
  for _, name in ipairs(result.programs) do
    local each = {}
    for i, round in ipairs(result.rounds[name]) do
      each[i] = ("%.2f"):format(round.cost)
    end
    lines[#lines + 1] = ("  %-15s %14.2f %14.0f  %11.2f   %s"):format(name,
      result.cost[name], result.rate[name], result.ratio[name],
      table.concat(each, " "))
  end
  for _, goal in ipairs(result.goals) do
    lines[#lines + 1] = ("  goal: <= %.2f of %s: %.2f, %s"):format(goal.wanted,
      goal.against, goal.ratio, goal.met and "met" or "MISSED")
  end
  return table.concat(lines, "\n") .. "\n"
end


--- All scenarios as JSON.
function _M.json(results)
  return json.encode(results, { indent = true }) .. "\n"
end


-- One program's bar; the longest of a scenario is as wide as there is room.
local function bar(result, name, y, greatest)
  local cost = result.cost[name]
  local wide = (WIDTH - LEFT - 90) * math.max(cost, 0) / greatest
  return ('<text x="%d" y="%d" text-anchor="end">%s</text>'
    .. '<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>'
    .. '<text x="%.1f" y="%d">%.2f %s</text>'):format(LEFT - 8, y + BAR - 3,
    name, LEFT, y, wide, BAR, COLOURS[name], LEFT + wide + 6, y + BAR - 3,
    cost, result.unit)
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
    .. 'font-family="sans-serif" font-size="12">\n%s\n</svg>\n'):format(WIDTH,
    y, table.concat(parts, "\n"))
end


return _M
