--- man/moongate-lua.7 says what the code has, and nothing else; what it shows
-- works.  Each failure names all that is missing, so that whoever adds to the
-- API sees at once what the page lacks.
local folder = require "support.folder"
local moongate = require "support.moongate"
local process = require "support.process"
local program = require "script.program"

local PAGE = folder.read("man/moongate-lua.7")
local META = folder.read("lua/meta/moongate.lua")


-- --- the page ----------------------------------------------------------------

-- The text under a heading, up to the next one of its kind or above.
local function under(macro, heading)
  local head = "\n%." .. macro .. " " .. heading:gsub("%p", "%%%0") .. "\n"
  local _, from = PAGE:find(head)
  assert(from, "the page has no heading " .. heading)
  local to = PAGE:find("\n%.Sh ", from) or #PAGE
  if macro == "Ss" then
    to = math.min(to, PAGE:find("\n%.Ss ", from) or #PAGE)
  end
  return PAGE:sub(from, to)
end


-- The names of the items, as a set; of functions without their arguments.
local function items(text)
  local names = {}
  for name in text:gmatch("\n%.It [VF][an] (%S+)") do
    names[name] = true
  end
  return names
end


-- --- the code ----------------------------------------------------------------

local USES = {
  USE_ANY = "any", SCRIPT_POLICY = "policy", SCRIPT_HTTP = "http",
  USE_SECTION = "http, tcp, mysql", SCRIPT_CHECK = "check",
  SCRIPT_MYSQL = "mysql", ["SCRIPT_TCP | SCRIPT_MYSQL"] = "tcp, mysql",
}


-- Where each hook of the table in load.c may stand, by name.
local function hooks()
  local result = {}
  local rows = folder.read("src/script/load.c")
    :match("hook_infos%[%] = (%b{})"):gsub("%s+", " ")
  for name, uses in rows:gmatch('{"(%w+)", [%w_]+, ([%w_| ]+)}') do
    result[name] = assert(USES[uses], uses)
  end
  return result
end


-- Every function and value of the module, "moongate.log.debug", as a script
-- sees it.
local function module_names()
  local faults = program.faults_of([[
    local names = {}
    local function collect(prefix, from)
      for key, value in pairs(from) do
        if type(value) == "table" then
          collect(prefix .. key .. ".", value)
        else
          names[#names + 1] = prefix .. key
        end
      end
    end
    local moongate = require "moongate"
    collect("moongate.", moongate)
    collect("moongate.policy.", moongate.policy)
    error(table.concat(names, " "), 0)
  ]])
  local names = {}
  for name in faults[1]:gmatch("moongate%.[%w_.]+") do
    names[name] = true
  end
  assert(names["moongate.log.debug"] and names["moongate.now"]
    and names["moongate.policy.named"], faults[1])
  return names
end


-- The fields of a class and the methods of its variable, as lua/meta has them.
local function meta_names(class, variable)
  local names = {}
  local fields = META:match("%-%-%-@class moongate%." .. class
    .. "%f[^%w_.][^\n]*\n(.-)\n%f[^%-\n]") or ""
  fields = fields:match("^(.-)\n\n") or fields
  for name in fields:gmatch("%-%-%-@field ([%w_]+)") do
    names[name] = true
  end
  for name in META:gmatch("\nfunction (" .. variable .. "[:.][%w_.]+)") do
    names[name] = true
  end
  assert(next(names), "lua/meta says nothing of " .. class)
  return names
end


-- What stands in one set alone.
local function lacking(from, other)
  local names = {}
  for name in pairs(from) do
    if not other[name] then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return names
end


local function assert_same_names(code, page)
  assert.are.same({ on_the_page_only = {}, not_on_the_page = {} }, {
    on_the_page_only = lacking(page, code),
    not_on_the_page = lacking(code, page),
  })
end


describe("moongate-lua(7)", function()
  it("has every hook, and no other", function()
    assert_same_names(hooks(), items(under("Sh", "HOOKS")))
  end)

  it("says who may have each hook", function()
    local text = under("Sh", "HOOKS")
    for name, uses in pairs(hooks()) do
      local said = text:match("\n%.It Fn " .. name
        .. "[^\n]*\n%.Em ([^\n]-) ?%.\n")
      assert.are.equal(uses, said, name)
    end
  end)

  it("has every function of the module, and no other", function()
    assert_same_names(module_names(), items(under("Sh", "FUNCTIONS")))
  end)

  it("has what lua/meta has of the module", function()
    local names = {}
    for name in META:gmatch("\nfunction (moongate%.[%w_.]+)") do
      names[name] = true
    end
    for name in META:match("@class moongate\n(.-)\nlocal")
      :gmatch("@field ([%w_]+)") do
      names["moongate." .. name] = true
    end
    for name in META:gmatch("\n(moongate%.[%w_.]+) = nil\n") do
      names[name] = true
    end
    assert_same_names(names, items(under("Sh", "FUNCTIONS")))
  end)

  -- Those that describe the tables of hooks, and the module, are no sections.
  it("has each class of lua/meta, with its fields and methods", function()
    local count = 0
    for class in META:gmatch("%-%-%-@class moongate%.([%w_]+)") do
      if not class:find("_hooks$") then
        count = count + 1
        assert_same_names(meta_names(class, class), items(under("Ss", class)))
      end
    end
    assert.is_true(count >= 10)
  end)

  it("has every function of moongate.test, and no other", function()
    local names = {}
    for _, file in ipairs { "lua/moongate/test.lua",
                            "src/script/offline.lua" } do
      local text = folder.read(file)
      for _, pattern in ipairs { "function _M%.([%w_]+)",
                                 "function test%.([%w_]+)",
                                 "test%.([%w_]+) = " } do
        for name in text:gmatch("\n *" .. pattern) do
          names["test." .. name] = true
        end
      end
    end
    names["test.run"] = nil  -- of script.offline itself
    assert_same_names(names, items(under("Sh", "TESTING OFFLINE")))

    local annotated = {}
    for name in folder.read("lua/meta/moongate_test.lua")
      :gmatch("\nfunction (test%.[%w_]+)") do
      annotated[name] = true
    end
    assert_same_names(names, annotated)
  end)
end)


-- --- what it shows -----------------------------------------------------------

-- The blocks of the page: kind, name and text.  Each has a comment before it
-- that says what it is.
local function blocks()
  local found, count = {}, 0
  for _ in PAGE:gmatch("\n%.Bd ") do
    count = count + 1
  end
  for kind, name, text in PAGE:gmatch(
    '\n%.\\" (%l+) ?([^\n]*)\n%.Bd %-literal[^\n]*\n(.-)\n%.Ed\n') do
    text = ("\n" .. text):gsub("\\e", "\\"):gsub("\\&", ""):sub(2) .. "\n"
    found[#found + 1] = { kind = kind, name = name, text = text }
  end
  assert.are.equal(count, #found, "a block says not what it is")
  return found
end


-- A spec that loads a script, for one that has none on the page.
local LOADS = [[
  describe("it", function()
    it("loads", function()
      require("moongate.test").load()
    end)
  end)
]]


describe("what moongate-lua(7) shows", function()
  local dir

  before_each(function()
    dir = folder.make()
  end)

  after_each(function()
    folder.remove(dir)
    moongate.finish()
  end)

  -- Writes the scripts, and a spec for each; returns their names.
  local function write_scripts()
    local names, specs = {}, {}
    for _, block in ipairs(blocks()) do
      if block.kind == "lua" then
        names[#names + 1] = block.name
        folder.write(dir .. "/lua/" .. block.name, block.text)
      elseif block.kind == "spec" then
        specs[block.name] = block.text
      end
    end
    for _, name in ipairs(names) do
      local spec = name:gsub("%.lua$", "_spec.lua")
      folder.write(dir .. "/lua/" .. spec, specs[spec] or LOADS)
      specs[spec] = nil
    end
    assert.are.same({}, specs)
    return names
  end

  local function shell(line)
    return process.run { "/bin/sh", "-c", ("cd %s && PATH=%s:$PATH && %s 2>&1")
      :format(dir, moongate.build(), line) }
  end

  it("are scripts and specs that pass", function()
    local names = write_scripts()
    assert.is_true(#names >= 4)
    local status, said = shell("moongate test " .. table.concat(names, " "))
    assert.are.equal(0, status, said)
  end)

  it("are commands that work", function()
    write_scripts()
    local count = 0
    for _, block in ipairs(blocks()) do
      if block.kind == "sh" then
        count = count + 1
        local status, said = shell(block.text)
        assert.are.equal(0, status, said)
      end
    end
    assert.is_true(count > 0)
  end)

  it("are configurations without a fault", function()
    write_scripts()
    local count = 0
    for _, block in ipairs(blocks()) do
      if block.kind == "ini" then
        count = count + 1
        folder.write(dir .. "/moongate.ini", block.text)
        local status, said = shell("moongate check -c moongate.ini")
        assert.are.equal(0, status, said)
      end
    end
    assert.is_true(count > 0)
  end)

  it("are of no other kind", function()
    for _, block in ipairs(blocks()) do
      assert.truthy(({ lua = 1, spec = 1, sh = 1, ini = 1 })[block.kind],
        block.kind)
    end
  end)
end)
