--- moongate.metric: counters, gauges and histograms on the board.
--
-- Each process counts in cells of its own, which are found once for each series
-- and then written without a call; control adds them up when they are shown.
-- @module script.metric
local ffi = require "ffi"
local calls = require "script.calls"
local shared = require "script.shared"

local C, c, check = ffi.C, shared.c, calls.check

local COUNTER, GAUGE, HISTOGRAM = 0, 1, 2
local NAME_MAX, HELP_MAX = 63, 255
local LABELS_MAX, BOUNDS_MAX = 6, 24
local KEPT_MAX = 4096  -- of a metric: series by their labels as given
--- Those of Prometheus's own clients, for seconds.
local BOUNDS = { 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10 }
local REASONS = {
  [tonumber(C.METRIC_FULL)] = "there is no room for another metric",
  [tonumber(C.METRIC_OTHER)] =
    "a metric of this name has another kind, other labels or buckets",
  [tonumber(C.METRIC_CLASH)] = "the name is that of a histogram's series",
}
local FULL = "there is no room for another series"

--- What is known of each metric that scripts have.
local known = setmetatable({}, { __mode = "k" })

local _M = {}


-- --- series ------------------------------------------------------------------

local function label_text(self, labels, i)
  local name = self.labels[i]
  local value = labels[name]
  local kind = value == value and type(value) or "nan"
  if kind ~= "string" and kind ~= "number" and kind ~= "boolean" then
    error(("label '%s' must be a string, number or boolean, got %s"):format(
      name, kind), 4)
  end
  return tostring(value)
end


-- Every label that is given must be one of the metric's.
local function check_labels(self, labels)
  for name in pairs(labels) do
    if not self.positions[name] then
      error(("the metric has no label '%s'"):format(tostring(name)), 4)
    end
  end
end


-- Keeps a series by the values of its labels.  Values without end may mean the
-- same series, as long ones are cut: what is too much is asked for each time.
local function keep_series(self, labels, cells)
  if self.kept == KEPT_MAX then
    return
  end
  self.kept = self.kept + 1
  local node = self.series
  for i = 1, #self.labels - 1 do
    local value = labels[self.labels[i]]
    node[value] = node[value] or {}
    node = node[value]
  end
  node[labels[self.labels[#self.labels]]] = cells
end


-- Asks for a series.  This and the next are tail-called, so that an error is at
-- the line of the script.
local function open_series(self, labels)
  local values, texts = {}, {}
  check_labels(self, labels)
  for i, name in ipairs(self.labels) do
    values[name] = labels[name]
    texts[i] = label_text(self, values, i)
  end
  -- C keeps where the texts are until it is asked, so no code of the script's
  -- may run meanwhile: the fields of a table can be functions.
  for i, text in ipairs(texts) do
    c.metric_value(i - 1, text, #text)
  end
  local cells = c.metric_series(self.scripts, self.table, self.family)
  if cells == nil then
    return nil, FULL
  end
  keep_series(self, values, cells)
  return cells
end


-- The cells for the labels of one call; nil and a reason without room.
local function find_labelled(self, labels)
  if type(labels) ~= "table" then
    error(("a table of labels expected, got %s"):format(type(labels)), 3)
  end
  local names = self.labels
  local node = self.series
  for i = 1, #names do
    local value = labels[names[i]]
    node = value ~= nil and node[value] or nil
    if node == nil then
      return open_series(self, labels)
    end
  end
  return node
end


local function find_series(metric, name, labels)
  local self = known[metric]
  if self == nil then
    error(("%s must be called with a colon: metric:%s(...)"):format(name,
      name), 3)
  end
  if #self.labels > 0 then
    return find_labelled(self, labels)
  end
  if labels ~= nil then
    error("the metric has no labels", 3)
  end
  local cells = self.cells
  if cells == nil then
    cells = c.metric_series(self.scripts, self.table, self.family)
    if cells == nil then
      return nil, FULL
    end
    self.cells = cells
  end
  return cells
end


-- --- methods -----------------------------------------------------------------

local counter, gauge, histogram = {}, {}, {}


--- Counts up.
-- @param by      number, optional: 0 or more; 1 if left out
-- @param labels  table, where the metric has labels: name = value
-- @return true; or nil and a reason when there is no room for the series
function counter.inc(metric, by, labels)
  if by == nil then
    by = 1
  end
  if type(by) ~= "number" or by < 0 or by ~= by then
    error("bad argument #1 to 'inc' (0 or more expected)", 2)
  end
  local cells, reason = find_series(metric, "inc", labels)
  if cells == nil then
    return nil, reason
  end
  cells[0] = cells[0] + by
  return true
end


--- Counts up, or down where it is negative.
function gauge.inc(metric, by, labels)
  if by == nil then
    by = 1
  end
  check(by, "number", 1, "inc")
  local cells, reason = find_series(metric, "inc", labels)
  if cells == nil then
    return nil, reason
  end
  cells[0] = cells[0] + by
  return true
end


--- Sets this worker's part of the sum.
function gauge.set(metric, value, labels)
  check(value, "number", 1, "set")
  local cells, reason = find_series(metric, "set", labels)
  if cells == nil then
    return nil, reason
  end
  cells[0] = value
  return true
end


--- Notes one value, in the bucket of the smallest bound that is not below it;
-- what is no number is above all.
function histogram.observe(metric, value, labels)
  check(value, "number", 1, "observe")
  local cells, reason = find_series(metric, "observe", labels)
  if cells == nil then
    return nil, reason
  end
  local bounds = known[metric].bounds
  local n = #bounds
  local i = 1
  while i <= n and (value > bounds[i] or value ~= value) do
    i = i + 1
  end
  cells[i - 1] = cells[i - 1] + 1
  cells[n + 1] = cells[n + 1] + value
  return true
end


local function new_metatable(what, methods)
  setmetatable(methods, {
    __index = function(_, key)
      error(("a %s has no '%s'"):format(what, tostring(key)), 2)
    end,
  })
  return {
    __index = methods,
    __newindex = function()
      error(("a %s has no fields to set"):format(what), 2)
    end,
    __tostring = function() return what end,
    __metatable = false,
  }
end

local METATABLES = {
  [COUNTER] = new_metatable("counter", counter),
  [GAUGE] = new_metatable("gauge", gauge),
  [HISTOGRAM] = new_metatable("histogram", histogram),
}


-- --- definitions -------------------------------------------------------------

-- What is wrong with a name; the level is that of the script.
local function check_name(name, kind_name)
  if type(name) ~= "string" then
    error(("bad argument #1 to '%s' (string expected, got %s)"):format(
      kind_name, type(name)), 4)
  end
  if #name > NAME_MAX or not name:find("^[%a_][%w_]*$") then
    error(("bad argument #1 to '%s' (a name of letters, digits and '_' "
      .. "expected, at most %d)"):format(kind_name, NAME_MAX), 4)
  end
  if name:find("^moongate_") then
    error(("bad argument #1 to '%s' (names that begin with 'moongate_' are "
      .. "the program's)"):format(kind_name), 4)
  end
end


local function check_help(help, kind_name)
  if type(help) ~= "string" or #help == 0 or #help > HELP_MAX then
    error(("bad argument #2 to '%s' (a sentence of at most %d bytes "
      .. "expected)"):format(kind_name, HELP_MAX), 4)
  end
end


local function check_label(label, kind, seen, kind_name)
  if type(label) ~= "string" or #label > NAME_MAX
    or not label:find("^[%a_][%w_]*$") or label:find("^__")
    or (kind == HISTOGRAM and label == "le") then
    error(("bad argument #3 to '%s' ('%s' cannot be a label's name)"):format(
      kind_name, tostring(label)), 5)
  end
  if seen[label] then
    error(("bad argument #3 to '%s' (two labels '%s')"):format(kind_name,
      label), 5)
  end
end


-- A copy, since the script may change its own; and which names are in it.
local function read_labels(labels, kind, kind_name)
  local names, positions = {}, {}
  if labels == nil then
    return names, positions
  end
  if type(labels) ~= "table" or #labels > LABELS_MAX then
    error(("bad argument #3 to '%s' (an array of at most %d labels expected)")
      :format(kind_name, LABELS_MAX), 4)
  end
  for i, label in ipairs(labels) do
    check_label(label, kind, positions, kind_name)
    names[i] = label
    positions[label] = i
  end
  return names, positions
end


local function read_bounds(bounds)
  if bounds == nil then
    return BOUNDS
  end
  if type(bounds) ~= "table" or #bounds == 0 or #bounds > BOUNDS_MAX then
    error(("bad argument #4 to 'histogram' (an array of 1 to %d numbers "
      .. "expected)"):format(BOUNDS_MAX), 4)
  end
  local copy = {}
  for i, bound in ipairs(bounds) do
    local last = copy[i - 1] or -math.huge
    if type(bound) ~= "number" or not (bound > last and bound < math.huge) then
      error("bad argument #4 to 'histogram' (each bucket's bound must be a "
        .. "number above the one before)", 4)
    end
    copy[i] = bound
  end
  return copy
end


local function open_family(self, kind, name, help)
  c.metric_begin(kind)
  for _, label in ipairs(self.labels) do
    c.metric_label(label, #label)
  end
  for _, bound in ipairs(self.bounds) do
    c.metric_bound(bound)
  end
  return c.metric_open(self.table, name, #name, help, #help)
end


-- A metric; misuse raises at the line of the script, two calls up.
local function define(scripts, kind, kind_name, name, help, labels, bounds)
  check_name(name, kind_name)
  check_help(help, kind_name)
  local self = { scripts = scripts, series = {}, kept = 0, bounds = {} }
  self.labels, self.positions = read_labels(labels, kind, kind_name)
  if kind == HISTOGRAM then
    self.bounds = read_bounds(bounds)
  end
  self.table = c.metrics(scripts)
  if self.table == nil then
    return nil, "no memory"
  end
  self.family = open_family(self, kind, name, help)
  if self.family < 0 then
    return nil, REASONS[self.family]
  end
  local metric = setmetatable({}, METATABLES[kind])
  known[metric] = self
  return metric
end


--- Makes moongate.metric for one script.
-- @param scripts  struct scripts *
function _M.new(scripts)
  return {
    --- A number that only grows.
    counter = function(name, help, labels)
      local metric, reason = define(scripts, COUNTER, "counter", name, help,
        labels)
      return metric, reason
    end,

    --- A number that goes up and down; what is shown is the workers' sum.
    gauge = function(name, help, labels)
      local metric, reason = define(scripts, GAUGE, "gauge", name, help,
        labels)
      return metric, reason
    end,

    --- How many values were how large.
    -- @param bounds  array of numbers, optional: the upper ends of buckets
    histogram = function(name, help, labels, bounds)
      local metric, reason = define(scripts, HISTOGRAM, "histogram", name,
        help, labels, bounds)
      return metric, reason
    end,
  }
end


return _M
