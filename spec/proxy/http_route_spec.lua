--- Which route a path takes: nginx's precedence.
local ffi = require "ffi"
local support = require "support.ffi"

local core = support.load("proxy/http_route.h", "base/log.h")

local KINDS = {
  ["="] = "ROUTE_EXACT", ["^~"] = "ROUTE_PREFIX_STRONG", ["~"] = "ROUTE_REGEX",
  ["~*"] = "ROUTE_REGEX_NOCASE",
}
local GROUPS_MAX = 10

-- Routes as the configuration has them, the last word left out.  "!" marks
-- those that go to an upstream.
local TABLE = {
  "/", "/images/", "/images/big/", "^~ /static/", "^~ /static/api/",
  "/static/api/v1/", "= /", "= /static/exact.php", "/imag",
  "! ~ ^(.+\\.php)(/.*)?$", "~* \\.(gif|jpg)$", "~ \\.GIF$",
  "~ ^/images/.*\\.x$",
}

local CASES = {
  { "/", "= /" },
  { "/index.html", "/" },
  { "/images", "/imag" },
  { "/images/", "/images/" },
  { "/images/bi", "/images/" },
  { "/images/big/1", "/images/big/" },
  { "/images/zzz", "/images/" },
  { "/imag", "/imag" },
  { "/ima", "/" },
  { "/images/1.jpg", "~* \\.(gif|jpg)$" },
  { "/images/1.GIF", "~* \\.(gif|jpg)$" },
  { "/images/1.x", "~ ^/images/.*\\.x$" },
  { "/static/1.jpg", "^~ /static/" },
  { "/static/api/1.jpg", "^~ /static/api/" },
  { "/static/api/v1/1.jpg", "~* \\.(gif|jpg)$" },
  { "/static/api/v1/1", "/static/api/v1/" },
  { "/static/a.php", "^~ /static/" },
  { "/static/exact.php", "= /static/exact.php" },
  { "/static/exact.php/x", "^~ /static/" },
  { "/index.php", "~ ^(.+\\.php)(/.*)?$" },
  { "/index.phpx", "/" },
}


local function str(text)
  return ffi.new("struct str", text, #text)
end


describe("routes", function()
  local routes, kept, initialised

  -- Compiles routes written as in TABLE; returns what init returned.
  local function compile(lines)
    local conf = ffi.new("struct http_conf")
    local confs = ffi.new("struct route_conf[?]", #lines)
    local upstream = ffi.new("struct upstream_conf")
    for i, line in ipairs(lines) do
      local flag, rest = line:match("^(!) (.*)$")
      local mark, pattern = (rest or line):match("^(%S+) (.*)$")
      local c = confs[i - 1]
      pattern = pattern or rest or line
      c.kind = KINDS[mark] or "ROUTE_PREFIX"
      c.pattern = str(pattern)
      c.target = flag and "ROUTE_TO_UPSTREAM" or "ROUTE_TO_STATIC"
      c.upstream = flag and upstream or nil
      kept[#kept + 1] = pattern
    end
    conf.routes, conf.route_count = confs, #lines
    kept[#kept + 1] = { conf, confs, upstream, lines }
    local result = core.http_routes_init(routes, conf, kept.find, nil)
    initialised = result == 0
    return result, confs
  end
  jit.off(compile)  -- the core calls back

  -- The line of LINES that a path takes, and its groups.
  local function find(lines, confs, path)
    local groups = ffi.new("struct str[?]", GROUPS_MAX)
    local count = ffi.new("int[1]")
    local route = core.http_routes_find(routes, str(path), groups, GROUPS_MAX,
      count)
    local texts = { count = count[0] }
    for i = 0, count[0] - 1 do
      texts[i] = support.text(groups[i])
    end
    if route == nil then
      return nil, texts
    end
    local line = lines[tonumber(route.conf - confs) + 1]
    return (line:gsub("^! ", "")), texts
  end
  jit.off(find)  -- the log may call back

  before_each(function()
    kept = {}
    kept.find = ffi.cast("http_route_upstream_fn", function()
      return ffi.cast("struct upstream *", 64)
    end)
    routes = ffi.new("struct http_routes")
    initialised = false
  end)

  after_each(function()
    if initialised then
      core.http_routes_fini(routes)
    end
    kept.find:free()
  end)

  for _, case in ipairs(CASES) do
    it(("send %s to %q"):format(case[1], case[2]), function()
      local result, confs = compile(TABLE)
      assert.are.equal(0, result)
      assert.are.equal(case[2], (find(TABLE, confs, case[1])))
    end)
  end

  it("take regexes in the order of the file", function()
    local lines = { "~ b", "~ a", "~ ." }
    local _, confs = compile(lines)
    assert.are.equal("~ b", (find(lines, confs, "/ab")))
    assert.are.equal("~ a", (find(lines, confs, "/a")))
    assert.are.equal("~ .", (find(lines, confs, "/")))
  end)

  -- Their first bytes are compared before the regex is asked.
  it("tell regexes by the text that they begin with", function()
    local path = "/abcdefghijkl"
    local lines = {}
    for n = #path, 1, -1 do
      lines[#lines + 1] = ("~ ^%s$"):format(path:sub(1, n))
      lines[#lines + 1] = ("~ ^%sX"):format(path:sub(1, n))
    end
    local _, confs = compile(lines)
    for n = 1, #path do
      local part = path:sub(1, n)
      assert.are.equal(("~ ^%s$"):format(part), (find(lines, confs, part)))
      assert.are.equal(("~ ^%sX"):format(part),
        (find(lines, confs, part .. "X/y")))
    end
    assert.is_nil((find(lines, confs, "/abcdefgh_")))
    assert.is_nil((find(lines, confs, "")))
  end)

  it("give a regex's groups", function()
    local lines = { "! ~ ^(.+\\.php)(/.*)?$" }
    local _, confs = compile(lines)
    local _, groups = find(lines, confs, "/a/index.php/b/c")
    assert.are.same({ count = 3, [0] = "/a/index.php/b/c", "/a/index.php",
                      "/b/c" }, groups)
    _, groups = find(lines, confs, "/index.php")
    assert.are.same({ count = 3, [0] = "/index.php", "/index.php" }, groups)
    _, groups = find(lines, confs, "/none")
    assert.are.same({ count = 0 }, groups)
  end)

  it("may be none, and may not match", function()
    local result, confs = compile({})
    assert.are.equal(0, result)
    assert.is_nil((find({}, confs, "/")))
    core.http_routes_fini(routes)

    local lines = { "/only/" }
    result, confs = compile(lines)
    assert.are.equal(0, result)
    assert.is_nil((find(lines, confs, "/onl")))
    assert.is_nil((find(lines, confs, "/zzz")))
  end)

  it("do not guess when a regex was given up", function()
    local lines = { "/", "~ ^/(a+)+$" }
    local _, confs = compile(lines)
    local log = ffi.cast("log_sink_fn", function() end)
    core.log_set_sink(log, nil)
    local route, groups = find(lines, confs, "/" .. ("a"):rep(40) .. "!")
    core.log_set_sink(nil, nil)
    log:free()
    assert.is_nil(route)
    assert.are.equal(-1, groups.count)
  end)

  it("find the longest of many prefixes", function()
    local lines = {}
    for i = 1, 500 do
      lines[i] = "/" .. ("%03d"):format((i * 7) % 500) .. "/"
      lines[500 + i] = lines[i] .. "deeper/and/deeper/"
    end
    local _, confs = compile(lines)
    for i = 1, 500 do
      assert.are.equal(lines[i], (find(lines, confs, lines[i] .. "deeper/x")))
      assert.are.equal(lines[500 + i],
        (find(lines, confs, lines[i] .. "deeper/and/deeper/still")))
    end
  end)

  it("tell a script, whatever goes before its regex", function()
    compile(TABLE)
    for path, expected in pairs({
      ["/static/a.php"] = true, ["/index.php/x"] = true, ["/a.txt"] = false,
      ["/images/1.jpg"] = false, ["/static/exact.php"] = true,
    }) do
      assert.are.equal(expected,
        core.http_routes_is_script(routes, str(path)), path)
    end
  end)

  it("refuse the same exact path twice", function()
    assert.are.equal(-1, (compile({ "= /a", "= /a" })))
  end)
end)
