--- Patterns as scripts have them are those of the library: the same code runs
-- in a script and here.
local program = require "script.program"

local CODE = [=[
local SUBJECTS = {
  "", "a", "aab", "hello world", "key = value", "f(a(b)c)d", "  trim  ",
  "THE (quick) fox", "a\0b\0c", "x1y22z333", "/index.php/a/b", "abcabc",
  "%d-%d", "]-^[", "\255\128 \t\n", "aXbXc",
}
local PATTERNS = {
  "", "a", "a*", "a+b", "a-b", ".-", "^a", "b$", "^$", "()", "(a)(b)",
  "(%w+) = (%w+)", "%b()", "%f[%w]%w+", "[^%s]+", "[a-c]+", "[]]", "[^]]",
  "[%a_][%w_]*", "(.)%1", "(a)(b)(c)%1%2%3", "%s*(.-)%s*$", "^%s+", "%z",
  "%%d", "[%-^]", "%d+", "%D+", "%u%l*", "%x+", "%p", "%c", "%g+", "(a?)b",
  "^(.-)/([^/]*)$", "()a()", "[a-]", "[-a]", "(((a)))", ".", "a.b", "X",
  "%f[%z]", "^x?", "a?a?a?", "$", "a$b", "^^", "h.-o", "(%d+)(%a)",
  -- Malformed ones.
  "(", ")", "%", "[", "[a", "[^", "[%", "%b", "%bx", "%f", "%fa", "%1", "(a%1",
  "(()", "a)", "%9", "[]", "[^]", "(.)%2",
}
local REPLACEMENTS = { "", "<%0>", "%1", "%%", "%", "%2", "x%0%1", 7 }

local function shown(...)
  local parts = { ... }
  for i = 1, select("#", ...) do
    parts[i] = tostring(parts[i]):gsub("^[^:]*:%d+: ", "")
      :gsub("table: 0x%x+", "table"):gsub("got no value", "got nil")
  end
  return table.concat(parts, "|", 1, select("#", ...))
end

local function each(subject, pattern)
  local found = {}
  for a, b in subject:gmatch(pattern) do
    found[#found + 1] = shown(a, b)
    if #found > 30 then break end
  end
  return table.concat(found, ",")
end

local lines = {}
local function note(what, subject, pattern, ...)
  lines[#lines + 1] = ("%s %q %q: %s"):format(what, subject, pattern,
    shown(...))
end

for _, s in ipairs(SUBJECTS) do
  for _, p in ipairs(PATTERNS) do
    for _, init in ipairs { 1, 2, -1, 0, 99, -99 } do
      note("find " .. init, s, p, pcall(string.find, s, p, init))
      note("match " .. init, s, p, pcall(string.match, s, p, init))
    end
    note("plain", s, p, pcall(string.find, s, p, 1, true))
    note("gmatch", s, p, pcall(each, s, p))
    for _, r in ipairs(REPLACEMENTS) do
      note("gsub " .. r, s, p, pcall(string.gsub, s, p, r))
    end
    note("gsub n", s, p, pcall(string.gsub, s, p, "y", 1))
    note("gsub 0", s, p, pcall(string.gsub, s, p, "y", 0))
    note("gsub f", s, p, pcall(string.gsub, s, p, function(a) return a end))
    note("gsub nil", s, p, pcall(string.gsub, s, p, function() end))
    note("gsub t", s, p,
      pcall(string.gsub, s, p, { a = "b", b = 1, c = false }))
    note("gsub bad", s, p, pcall(string.gsub, s, p, function() return {} end))
  end
end
note("types", "", "", pcall(string.find))
note("types", "", "", pcall(string.find, {}, "a"))
note("types", "", "", pcall(string.match, "a"))
note("types", "", "", pcall(string.gmatch, "a", {}))
note("numbers", "", "", string.find(12345, 34))
note("numbers", "", "", string.gsub(12345, 3, 7))
note("rep", "", "", ("ab"):rep(3), ("ab"):rep(3, ","), ("x"):rep(-1))
note("rep", "", "", pcall(string.rep))
local t = {}
for i = 1, 10000 do t[i] = i * 7919 % 10007 end
note("concat", "", "", #table.concat(t), #table.concat(t, ", "),
  #table.concat(t, ",", 5, 9000), table.concat({}, "x"), table.concat(t, "", 3,
  2), pcall(table.concat, t, "", 1, 20000))
table.insert(t, 1, "first")
table.insert(t, "last")
note("insert", "", "", #t, t[1], t[2], t[3], t[10001], t[10002])
table.remove(t, 1)
table.remove(t)
table.sort(t)
for i = 2, #t do assert(t[i - 1] <= t[i]) end
note("wrap", "", "", pcall(coroutine.wrap(function(...)
  return coroutine.yield(...), "end" end), 1, 2))
note("wrap", "", "", pcall(coroutine.wrap(function() error({}) end)))
note("resume", "", "", pcall(coroutine.resume, 1))
note("xpcall", "", "", xpcall(function(a) error(a, 0) end,
  function(m) return m .. "!" end, "x"))
note("date", "", "", os.date("!%Y", 0))
return lines
]=]


describe("what a script has of the library", function()
  it("answers as the library does", function()
    local p = assert(program.start {
      config = "script_budget = 60s\n[http web]\nlisten = 127.0.0.1:8080\n"
        .. "script = a.lua",
      lua = { ["a.lua"] = "local function run()\n" .. CODE .. "\nend\n"
        .. "return { request = function(req) return { status = 200, "
        .. "body = table.concat(run(), '\\n') } end }" },
    })
    local _, _, answer = p:get("/")
    assert.are.same({}, p.log)
    p:stop()
    local wanted = assert(loadstring(CODE))()
    local text = table.concat(wanted, "\n")
    if text ~= answer then
      for n = 1, #text do
        if text:byte(n) ~= answer:byte(n) then
          error("it differs: " .. answer:sub(n - 200, n + 100) .. "\nwanted: "
            .. text:sub(n - 200, n + 100))
        end
      end
    end
    assert.are.equal(#text, #answer)
  end)
end)
