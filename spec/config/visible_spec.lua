--- Sections whose records tell what is counted with visible = on.
local config = require "support.config"

local FILE = [[
[upstream u]
protocol = mysql
server z = 127.0.0.1:1
[%s s]
listen = 127.0.0.1:8080
upstream = u
access_log = %s
%s
]]


local function warnings(kind, access_log, more)
  local source = FILE:format(kind, access_log, more or "")
  if kind == "tcp" then
    source = source:gsub("protocol = mysql", "protocol = tcp")
  end
  local c, list = config.read(source)
  assert.is_not_nil(c, table.concat(list, "\n"))
  return list
end


local function warning(variable)
  return { "c:4: warning: access_log: ${" .. variable .. "} has a value in "
    .. "[mysql] with visible = on only" }
end


describe("a warning of variables", function()
  it("is given where nothing counts", function()
    for _, name in ipairs { "queries", "transactions", "errors", "error" } do
      assert.are.same(warning(name),
        warnings("mysql", "${user} ${" .. name .. "} ${worker}"))
      assert.are.same(warning(name), warnings("tcp", "${" .. name .. "}"))
    end
  end)

  it("is not given otherwise", function()
    assert.are.same({}, warnings("mysql", "${queries} ${errors}",
      "visible = on"))
    assert.are.same({}, warnings("mysql", "${user} ${schema} ${program}"))
    assert.are.same({}, warnings("mysql", "json"))
    assert.are.same({}, warnings("tcp", "tcplog"))
  end)
end)


describe("visible", function()
  it("is off, or what is written", function()
    for written, wanted in pairs { ["visible = on"] = true,
        ["visible = off"] = false, [""] = false } do
      local c = config.read(FILE:format("mysql", "off", written))
      assert.are.equal(wanted, c.sections[0].visible)
    end
  end)

  it("is for [mysql] alone", function()
    local c, list = config.read((FILE:format("tcp", "off", "visible = on")
      :gsub("protocol = mysql", "protocol = tcp")))
    assert.is_nil(c)
    assert.is_truthy(list[1]:find("^c:8: "), list[1])
  end)
end)
