--- The table of keys is the truth: the manual page and the sample file say the
-- same, key by key.
local ffi = require "ffi"
local bit = require "bit"
local config = require "support.config"
local cycle = require "moongate.cycle"
local folder = require "support.folder"
local support = require "support.ffi"

local core = support.load("config/keys.h", "config/template.h")

--- Which headings of the manual describe a section's keys.
local HEADINGS = {
  { core.KEY_GLOBAL, "THE GLOBAL SECTION" },
  { core.KEY_DEFAULTS, "THE DEFAULTS SECTION" },
  { core.KEY_UPSTREAM, "UPSTREAM SECTIONS" },
  { core.KEY_HTTP, "HTTP SECTIONS" },
  { bit.bor(core.KEY_TCP, core.KEY_MYSQL), "TCP AND MYSQL SECTIONS" },
  { core.KEY_STATS, "STATS SECTIONS" },
}
local LATER = "NOT IN THIS VERSION"


local function text_of(p)
  return p ~= nil and ffi.string(p) or nil
end


local function all_keys()
  local count = ffi.new("size_t[1]")
  local rows = core.keys_all(count)
  local keys = {}
  for i = 0, tonumber(count[0]) - 1 do
    local row = rows[i]
    keys[#keys + 1] = {
      name = text_of(row.name),
      sections = tonumber(row.sections),
      type = tonumber(row.type),
      supported = row.supported,
      fallback = text_of(row.fallback),
      stream_fallback = text_of(row.stream_fallback),
      words = text_of(row.words),
      sentence = text_of(row.sentence),
      syntax = text_of(core.key_syntax(row)),
    }
  end
  return keys
end


-- The source of a page as plain words: escapes and quotes taken out.
local function words(source)
  source = source:gsub("\\%(dq", '"'):gsub("\\e", "\\"):gsub("\\&", "")
  source = source:gsub('"', ""):gsub("\\%(dg", "")
  return (source:gsub("%s+", " "))
end


--- heading -> name -> text of the item, its first line included.
local function read_manual()
  local items = {}
  local heading, name
  for line in io.lines("man/moongate.ini.5") do
    local sh = line:match("^%.Sh (.+)")
    local it = line:match("^%.It (.+)")
    if sh then
      heading, name = sh, nil
      items[heading] = {}

    elseif it then
      name = it:match("^Ic ([%w_]+)") or it:match("^Li ([%w_]+)$")
      if name then
        items[heading][name] = it
      end

    elseif line == ".El" then
      name = nil

    elseif name then
      items[heading][name] = items[heading][name] .. "\n" .. line
    end
  end
  for _, of_heading in pairs(items) do
    for key, source in pairs(of_heading) do
      of_heading[key] = words(source)
    end
  end
  return items
end


--- Where the manual describes a key: limits stand under [defaults] alone, and
-- what [http] shares with the others under [http].
local function heading_of(key)
  if not key.supported then
    return LATER
  end
  for _, entry in ipairs(HEADINGS) do
    if bit.band(key.sections, entry[1]) ~= 0 then
      return entry[2]
    end
  end
end


local function has(source, part)
  assert(source:find(part, 1, true),
         ("'%s' is not in: %s"):format(part, source))
end


describe("the manual of the configuration", function()
  local items = read_manual()

  for _, key in ipairs(all_keys()) do
    local heading = heading_of(key)

    it(("has the row of %s under %s"):format(key.name, heading), function()
      local item = items[heading][key.name]
      assert(item, "no such item")
      has(item, words(key.sentence))
      if not key.supported then
        for word in (key.words or ""):gmatch("%S+") do
          has(item, word)
        end
        return
      end
      local syntax = key.syntax
      if key.type == tonumber(core.KEY_CHOICE) then
        syntax = syntax:gsub(" ", " | ")
      end
      has(item, " = Ar " .. words(syntax))
      if key.fallback then
        has(item, "Default: .Li " .. key.fallback)
      end
      if key.stream_fallback then
        has(item, "sections .Li " .. key.stream_fallback)
      end
    end)
  end

  it("has no key that is not in the table", function()
    local known = {}
    for _, key in ipairs(all_keys()) do
      known[heading_of(key) .. "/" .. key.name] = true
    end
    local headings = { { 0, LATER }, unpack(HEADINGS) }
    for _, entry in ipairs(headings) do
      for name in pairs(items[entry[2]]) do
        assert(known[entry[2] .. "/" .. name], name)
      end
    end
  end)

  it("has every variable", function()
    for v = 1, tonumber(core.TEMPLATE_VARIABLE_COUNT) - 1 do
      local info = core.template_variable_info(v)
      local name = ffi.string(info.name)
      if v == tonumber(core.TEMPLATE_VAR_HTTP) then
        name = "http_NAME"
      elseif v == tonumber(core.TEMPLATE_VAR_LOG) then
        name = "log_NAME"
      end
      local item = items["VARIABLES"][name]
      assert(item, name)
      has(item, words(ffi.string(info.sentence)))
    end
  end)
end)


describe("the manual of the policies", function()
  local section = folder.read("man/moongate.ini.5")
    :match("\n%.Sh POLICIES\n(.-)\n%.Sh ")

  it("has each that ships", function()
    for _, file in ipairs(folder.list("lua/policy")) do
      has(section, ".It Li " .. file:match("^(.*)%.lua$"))
    end
  end)

  it("shows the orders that they have", function()
    for name, order in pairs { roundrobin = "spread", ["static-rr"] = "map" } do
      local turns = table.concat(cycle[order]({ 1, 2, 3 }, 3, 6), " ")
      has(section:match("%.It Li " .. name:gsub("-", "%%-") .. "\n(.-)\n%.It"),
        "order is " .. turns .. ".")
    end
  end)
end)


describe("the sample configuration", function()
  local sample = folder.read("conf/moongate.ini")
  local everything = ("\n" .. sample):gsub("\n;([%l%[])", "\n%1"):sub(2)

  it("has no fault", function()
    local c, faults = config.read_file("conf/moongate.ini")
    assert.are.same({}, faults)
    assert.is_not_nil(c)
  end)

  it("has no fault with all that it shows switched on", function()
    local c, faults = config.read(everything, { htpasswd = "a:b\n" })
    assert.are.same({}, faults)
    assert.is_not_nil(c)
  end)

  it("shows every key of this version, and its default where it has one",
     function()
    local kinds = { global = core.KEY_GLOBAL, defaults = core.KEY_DEFAULTS,
                    upstream = core.KEY_UPSTREAM, http = core.KEY_HTTP,
                    tcp = core.KEY_TCP, mysql = core.KEY_MYSQL,
                    stats = core.KEY_STATS }
    local seen, commented = {}, {}
    local kind, example
    for line in sample:gmatch("[^\n]+") do
      local is_comment = line:sub(1, 1) == ";"
      line = line:gsub("^;", "")
      if line:match("^%[%l") then
        kind = line:match("^%[(%l+)")
        example = is_comment
      end
      local name, value = line:match("^([%l_]+)[ %w]-%s*= (.*)")
      if name then
        value = value:gsub("%s+;.*", "")
        seen[kinds[kind] .. name] = true
        commented[kinds[kind] .. name] = is_comment and not example
          and value
      end
    end
    for _, key in ipairs(all_keys()) do
      local shown = false
      for _, section in pairs(kinds) do
        section = tonumber(section)
        if bit.band(section, key.sections) ~= 0 then
          shown = shown or seen[section .. key.name]
          local value = commented[section .. key.name]
          local default = key.fallback
          if section >= tonumber(core.KEY_TCP) and key.stream_fallback then
            default = key.stream_fallback
          end
          if value and default then
            assert.are.equal(default, value, key.name)
          end
        end
      end
      assert.are.equal(key.supported, shown or false, key.name)
    end
  end)
end)
