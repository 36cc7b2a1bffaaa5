--- The options of a policy: the words behind its name in the configuration.
--
--     local chosen = options.read(given, { hash = { "map", "consistent" } })
local _M = {}


local function sorted_names(known)
  local names = {}
  for name in pairs(known) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end


local function is_one_of(value, values)
  for _, known in ipairs(values) do
    if value == known then
      return true
    end
  end
  return false
end


local function refuse_name(name, known)
  local names = sorted_names(known)
  if #names == 0 then
    error(("there is no option '%s': this policy takes none"):format(name), 0)
  end
  error(("there is no option '%s'; known: %s"):format(name,
    table.concat(names, ", ")), 0)
end


--- Reads options; raises for one that is unknown, or has an unknown value.
-- @param given  table of strings, as `new` gets it
-- @param known  table: for each name an array of values, the default first
-- @return table: a value for each known name
function _M.read(given, known)
  local chosen = {}
  for name, values in pairs(known) do
    chosen[name] = values[1]
  end
  for name, value in pairs(given) do
    local values = known[name]
    if not values then
      refuse_name(name, known)
    end
    if not is_one_of(value, values) then
      error(("option '%s' cannot be '%s'; it is one of: %s"):format(name,
        value, table.concat(values, ", ")), 0)
    end
    chosen[name] = value
  end
  return chosen
end


return _M
