--- The page of `ctl top`, out of two answers.
local ffi = require "ffi"
local json = require "dkjson"
local support = require "support.ffi"
local core = support.load("app/top_page.h")

local LIMIT = 1048576
local INFO = json.encode {
  version = "1.2.3", pid = 42, uptime_s = 90061, now = 7, most_now = 9,
  max_connections = 100, connection_rate = 3, request_rate = 800,
  log_level = "info",
  processes = {
    { process = "master", pid = 42, cpu_ms = 1000, memory_bytes = 1048576 },
    { process = "worker[0]", pid = 43, cpu_ms = 500, memory_bytes = 2097152 },
  },
}


local function str(text)
  return ffi.new("struct str", text, #text)
end


local function server(name, fields)
  local row = {
    upstream = "db", server = name, state = "up", active = 0, queued = 0,
    maxconn = 0, weight_now = 1, requests = 0, errors = 0, bytes_in = 0,
    bytes_out = 0,
  }
  for key, value in pairs(fields or {}) do
    row[key] = value
  end
  return row
end


describe("top's page", function()
  local pages

  before_each(function()
    pages = {}
  end)

  after_each(function()
    for _, page in ipairs(pages) do
      core.top_page_fini(page)
    end
  end)

  local function read(servers, before, at_ms, info)
    local page = ffi.new("struct top_page")
    local text = json.encode(setmetatable(servers, { __jsontype = "array" }))
    assert.are.equal(0, core.top_page_read(page, before, str(info or INFO),
      str(text), at_ms or 0))
    pages[#pages + 1] = page
    return page
  end

  local function draw(page, look)
    look = ffi.new("struct top_look", look or {})
    local out = ffi.new("struct buf")
    core.buf_init_growing(out, LIMIT)
    core.top_page_draw(out, page, look)
    local text = ffi.string(out.p, out.len)
    core.buf_fini(out)
    return text, look
  end

  local function names(text)
    local list = {}
    for name in text:gmatch("db/(%w+)") do
      list[#list + 1] = name
    end
    return table.concat(list, " ")
  end

  it("has what is asked for", function()
    local text = draw(read { server("one", { active = 5, maxconn = 50 }) })
    assert.truthy(text:find("moongate 1.2.3  pid 42  up 1d 1h 1m 1s", 1, true))
    assert.truthy(text:find("connections 7 now, 3/s, most 9 of 100", 1, true))
    assert.truthy(text:find("memory 3M", 1, true), text)
    assert.truthy(text:find("db/one +up +5 +0 +50 +1 +%- +%- +0 +0\n"), text)
    assert.is_nil(text:find("\27", 1, true))
  end)

  it("sorts by load, rate, errors or name", function()
    local function servers(fast)
      return {
        server("a", { active = 1, errors = 1 }),
        server("b", { active = 2, queued = 3 }),
        server("c", { active = 4, requests = fast }),
        server("d", { errors = 9 }),
      }
    end
    local page = read(servers(1000), read(servers(0), nil, 0), 1000)
    for order, wanted in pairs {
      [core.TOP_BY_LOAD] = "b c a d",
      [core.TOP_BY_RATE] = "c b a d",
      [core.TOP_BY_ERRORS] = "d a b c",
      [core.TOP_BY_NAME] = "a b c d",
    } do
      assert.are.equal(wanted, names((draw(page, { order = order }))))
    end
  end)

  it("counts by the second, whatever the order was before", function()
    local before = read({ server("a"), server("b") }, nil, 5000)
    draw(before, { order = core.TOP_BY_NAME })
    local page = read({
      server("b", { requests = 300, bytes_in = 40960, bytes_out = 4096 }),
      server("c", { requests = 5 }), server("a"),
    }, before, 7000)
    local text = draw(page)
    assert.truthy(text:find("db/b +up +0 +0 +0 +1 +150 +22k +300 +0"), text)
    assert.truthy(text:find("db/c +up +0 +0 +0 +1 +0 +0 +5 +0"), text)
    assert.truthy(text:find("worker[0] 0%", 1, true), text)
  end)

  it("takes counts that began anew for none", function()
    local before = read({ server("a", { requests = 50 }) }, nil, 0)
    local text = draw(read({ server("a", { requests = 3 }) }, before, 1000))
    assert.truthy(text:find("db/a +up +0 +0 +0 +1 +0 +0 +3"), text)
  end)

  it("fits the terminal, and scrolls no further than there is", function()
    local servers = {}
    for i = 1, 100 do
      servers[i] = server("n" .. i, { active = 1000 - i })
    end
    local page = read(servers)
    for _, case in ipairs {
      { 0, "n1", "1-17 of 100", 0 }, { 50, "n51", "51-67 of 100", 50 },
      { 500, "n84", "84-100 of 100", 83 },
    } do
      local text, look = draw(page, { width = 60, height = 24,
        first = case[1] })
      assert.are.equal(24, select(2, text:gsub("\r\n", "")) + 1)
      assert.are.equal(case[2], names(text):match("^%S+"))
      assert.truthy(text:find(case[3], 1, true), text)
      assert.are.equal(case[4], tonumber(look.first))
      for line in (text .. "\r\n"):gmatch("(.-)\r\n") do
        assert.is_true(#line:gsub("\27%[%w*", "") <= 60, line)
      end
    end
  end)

  it("is coloured where that is wanted", function()
    local page = read {
      server("one"), server("two", { state = "down" }),
    }
    local text = draw(page, { width = 120, height = 24, colour = true })
    assert.truthy(text:find("\27[32mdb/one", 1, true))
    assert.truthy(text:find("\27[31mdb/two", 1, true))
    text = draw(page, { width = 120, height = 24 })
    assert.is_nil(text:find("\27%[%d+m"))
  end)

  it("takes what is cut or no JSON", function()
    for n = 0, #INFO do
      read({}, nil, 0, INFO:sub(1, n))
    end
    for _, text in ipairs { "", "[", "{", '"', "[{}", '[{"a":', "]]", "nil",
      '{"version":"\\', '{"processes":[{"pid"' } do
      local page = ffi.new("struct top_page")
      assert.are.equal(0, core.top_page_read(page, nil, str(text), str(text),
        0))
      pages[#pages + 1] = page
      draw(page, { width = 80, height = 24 })
    end
  end)
end)
