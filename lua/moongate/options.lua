--- The options of a policy: the words behind its name in the configuration.
--
--     local chosen = options.read(given, {
--       hash = { "map", "consistent" },  -- one of them; else the first
--       depth = options.number(1, 255),  -- nil unless given
--       name = options.text("the name of a header"),
--     })
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


--- A whole number.
-- @return what `read` takes for such an option
function _M.number(least, most)
  return {
    what = ("a number from %d to %d"):format(least, most),
    read = function(value)
      local number = value:find("^%d+$") and tonumber(value)
      return number and number >= least and number <= most and number or nil
    end,
  }
end


--- Any text but the empty one.
-- @param what  string: what it is, for the message
function _M.text(what)
  return {
    what = what,
    read = function(value)
      return value ~= "" and value or nil
    end,
  }
end


local function refuse_name(name, known)
  local names = sorted_names(known)
  if #names == 0 then
    error(("there is no option '%s': this policy takes none"):format(name), 0)
  end
  error(("there is no option '%s'; known: %s"):format(name,
    table.concat(names, ", ")), 0)
end


-- The value that was given for an option.
local function read_value(name, value, known)
  if known.read then
    return known.read(value) or error(("option '%s' cannot be '%s'; it is %s")
      :format(name, value, known.what), 0)
  end
  if not is_one_of(value, known) then
    error(("option '%s' cannot be '%s'; it is one of: %s"):format(name, value,
      table.concat(known, ", ")), 0)
  end
  return value
end


--- Reads options; raises for one that is unknown, or has an unknown value.
-- @param given  table of strings, as `new` gets it
-- @param known  table: for each name an array of values, the default first, or
--   what _M.number or _M.text made
-- @return table: a value for each known name; nil where none was given and
--   there is no default
function _M.read(given, known)
  local chosen = {}
  for name, values in pairs(known) do
    chosen[name] = values[1]
  end
  for name, value in pairs(given) do
    if not known[name] then
      refuse_name(name, known)
    end
    chosen[name] = read_value(name, value, known[name])
  end
  return chosen
end


return _M
