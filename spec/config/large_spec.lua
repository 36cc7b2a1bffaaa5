--- Configurations that a program wrote: what is there many times is read in a
-- time that grows with the text, and not with its square.  Where it did, these
-- files took minutes and gigabytes.
local config = require "support.config"

local NAMES = 100000
local LINES = 30000
local SERVERS = 1000


-- A list of names on lines of their own, each but the first indented.
local function names(first, last)
  local lines = {}
  for i = first, last do
    lines[#lines + 1] = ("host%d.example.com"):format(i)
  end
  return "server_name = " .. table.concat(lines, "\n  ") .. "\n"
end


local function lines_of(format)
  local lines = {}
  for i = 1, LINES do
    lines[i] = format:format(i)
  end
  return table.concat(lines, "\n") .. "\n"
end


describe("a configuration with", function()
  it("a hundred thousand names in one value is read", function()
    local c, faults = config.read(config.SECTION .. names(1, NAMES))
    assert.are.same({}, faults)
    local http = c.sections[0].http
    assert.are.equal(NAMES, tonumber(http.server_name_count))
    for i = 1, NAMES, 999 do
      assert.are.equal(("host%d.example.com"):format(i),
        config.text(http.server_names[i - 1]))
    end
  end)

  it("a name that comes again after a hundred thousand says so", function()
    local _, faults = config.read(config.SECTION .. names(1, NAMES)
      .. "  host1.example.com\n")
    assert.are.same({ "c:3: server_name: 'host1.example.com' is there twice" },
      faults)
  end)

  it("many names in two sections finds the one that both have", function()
    local _, faults = config.read(config.SECTION .. names(1, NAMES / 2)
      .. "[http i]\nlisten = 127.0.0.1:8080\n" .. names(NAMES / 2, NAMES))
    assert.are.same({
      ("c:%d: listen: [http h] has the server_name host%d.example.com at "
        .. "127.0.0.1:8080 already: no request would come here")
        :format(NAMES / 2 + 4, NAMES / 2),
    }, faults)
  end)

  for name, format in pairs({
    route = "route = /dir%d/ deny", param = "param = P%d v",
  }) do
    it(("many lines of %s finds the one that is there twice"):format(name),
      function()
        local text = config.SECTION .. lines_of(format)
        local c, faults = config.read(text)
        assert.are.same({}, faults)
        assert.are.equal(LINES,
          tonumber(c.sections[0].http[name .. "_count"]))
        local _, again = config.read(text .. format:format(7) .. "\n")
        assert.are.equal(1, #again)
        assert.matches(("^c:%d: .* on line 9 already$"):format(LINES + 3),
          again[1])
      end)
  end

  for _, case in ipairs {
    { name = "sections of http, tcp and mysql", most = 16000, before = "",
      block = "[http h%d]\nlisten = 80\nserver_name = h%d\n" },
    { name = "upstreams", most = 256, before = config.SECTION,
      block = "[upstream u%d]\nserver a = 127.0.0.1:9000\n" },
    { name = "servers of all upstreams", most = 1024, has = 1,
      before = config.SECTION .. "[upstream v]\nserver a = 127.0.0.1:9000\n"
        .. "[upstream u]\n",
      block = "server s%d = 127.0.0.1:9000\n" },
    { name = "different scripts", most = 16000,
      before = config.SECTION .. "script = s1\n[http i]\nlisten = 81\n",
      block = "script = s%d\n" },
  } do
    local function text(count)
      local blocks = { case.before }
      for i = 1, count - (case.has or 0) do
        blocks[#blocks + 1] = case.block:gsub("%%d", i)
      end
      return table.concat(blocks)
    end

    it(("%d %s is read"):format(case.most, case.name), function()
      local _, faults = config.read(text(case.most))
      assert.are.same({}, faults)
    end)

    it(("one more than that of %s says which"):format(case.name), function()
      local _, lines = text(case.most):gsub("\n", "")
      local _, faults = config.read(text(case.most + 1))
      assert.are.same({ ("c:%d: %d %s are more than %d"):format(lines + 1,
        case.most + 1, case.name, case.most) }, faults)
    end)
  end

  it("many servers finds the one that is there twice", function()
    local text = { "[tcp t]\nlisten = 80\nupstream = u\n[upstream u]",
      "protocol = tcp" }
    for i = 1, SERVERS do
      text[#text + 1] = ("server s%d = 127.0.0.1:80"):format(i)
    end
    text = table.concat(text, "\n") .. "\n"
    local c, faults = config.read(text)
    assert.are.same({}, faults)
    assert.are.equal(SERVERS, tonumber(c.upstreams[0].server_count))
    local _, again = config.read(text .. "server s2 = 127.0.0.1:81\n")
    assert.are.same({
      ("c:%d: 'server s2' stands on line 7 already: keep one of them")
        :format(SERVERS + 6),
    }, again)
  end)

  it("a server of the same name in the next upstream is read", function()
    local _, faults = config.read("[tcp t]\nlisten = 80\nupstream = u\n"
      .. "[upstream u]\nprotocol = tcp\nserver a = 127.0.0.1:80\n"
      .. "[upstream v]\nprotocol = tcp\nserver a = 127.0.0.1:80\n")
    assert.are.same({}, faults)
  end)
end)
