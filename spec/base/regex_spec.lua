-- Regular expressions: groups, refusals, and patterns without end.
local ffi = require "ffi"
local core = require("support.ffi").load("base/regex.h")

local NOCASE, ABSENT = 1, {}


describe("regex", function()
  local re


  after_each(function()
    core.regex_free(re)
    re = nil
  end)


  local function compile(pattern, flags)
    local why = ffi.new("char[100]")
    re = core.regex_new(pattern, flags or 0, why, 100)
    if re == nil then
      re = nil
      return nil, ffi.string(why)
    end
    return re
  end


  -- The groups of a match: texts, or ABSENT; nil for no match.
  local function match(text, max)
    max = max or 8
    local bytes = ffi.new("char[?]", #text + 1, text)
    local groups = ffi.new("struct str[8]")
    local subject = ffi.new("struct str", { bytes, #text })
    local count = core.regex_match(re, subject, groups, max)
    if count <= 0 then
      return count == 0 and nil, count
    end
    local found = {}
    for i = 0, math.min(count, max) - 1 do
      found[i + 1] = groups[i].p == nil and ABSENT
        or ffi.string(groups[i].p, groups[i].len)
    end
    return found, count
  end


  it("gives the match and its groups", function()
    assert(compile "^(.+\\.php)(/.*)?$")
    assert.same({ "/index.php/a/b", "/index.php", "/a/b" },
      match "/index.php/a/b")
    assert.equal(3, core.regex_groups(re))
  end)


  -- Plain text behind a '^' is compared before PCRE2 is asked.
  for _, case in ipairs({
    { "^/a/b", "/a/b", "/a/bc" },
    { "^/a/b", "x/a/b", "/a/", "/a/c", "", no = true },
    { "^/ab?", "/a", "/ab", "/ac" },
    { "^/ab*$", "/a", "/abbb" },
    { "^/ab{0,1}$", "/a", "/ab" },
    { "^/ab+$", "/ab", "/abb" },
    { "^/ab+$", "/a", "/aa", no = true },
    { "^/a|b", "/a", "xb" },
    { "^/(a|b)", "/a", "/b" },
    { "^a?", "", "b" },
    { "^", "", "b" },
    { "^^/a", "/a" },
    { "^/a\\.b", "/a.b" },
    { "^/a\\.b", "/axb", no = true },
    { "^/a[b]", "/ab" },
    { "(?i)^/a", "/A" },
    { "(?m)^b", "a\nb" },
    { "^" .. ("x"):rep(100), ("x"):rep(100) },
    { "^" .. ("x"):rep(100), ("x"):rep(99), ("x"):rep(99) .. "y", no = true },
  }) do
    it(("finds %s %s"):format(case[1], case.no and "nowhere else" or "there"),
      function()
        assert(compile(case[1]))
        for i = 2, #case do
          assert.equal(not case.no, match(case[i]) ~= nil, case[i])
        end
      end)
  end


  it("finds plain text behind a '^' in either case where asked to", function()
    assert(compile("^/ab", NOCASE))
    assert.truthy(match "/AB")
  end)


  it("tells a group that took no part from an empty one", function()
    assert(compile "(a)|(b*)(c)?$")
    local found = match "bb"
    assert.equal(ABSENT, found[2])
    assert.equal("bb", found[3])
    assert.equal(ABSENT, found[4])
    assert.equal("", match("")[3])
  end)


  it("sets no more groups than there is room for", function()
    assert(compile "(a)(b)(c)")
    local found, count = match("abc", 2)
    assert.same({ "abc", "a" }, found)
    assert.equal(2, count)
    local none
    none, count = match("abc", 0)
    assert.same({}, none)
    assert.equal(1, count)
  end)


  it("says when nothing matches", function()
    assert(compile "^/static/")
    local found, count = match "/stati"
    assert.is_nil(found or nil)
    assert.equal(0, count)
  end)


  it("heeds case unless told not to", function()
    assert(compile "^/LOGO$")
    assert.equal(0, select(2, match "/logo"))
    core.regex_free(re)
    assert(compile("^/LOGO$", NOCASE))
    assert.same({ "/logo" }, match "/logo")
  end)


  it("matches bytes, NULs and invalid UTF-8 among them", function()
    assert(compile "^a.b..$")
    assert.same({ "a\0b\255\254" }, match "a\0b\255\254")
  end)


  it("does not take the end before a last newline for the end", function()
    assert(compile "\\.php$")
    assert.equal(0, select(2, match "/x.php\n"))
  end)


  it("takes an absent subject for an empty one", function()
    assert(compile "^$")
    assert.equal(1, core.regex_match(re, ffi.new("struct str"), nil, 0))
  end)


  for pattern, reason in pairs {
    ["(a"] = "missing closing parenthesis",
    ["a{2,1}"] = "numbers out of order in {} quantifier",
    ["*a"] = "quantifier does not follow a repeatable item",
    ["(*UTF)a"] = "using UTF is disabled by the application",
  } do
    it(("refuses %q and says why"):format(pattern), function()
      local made, why = compile(pattern)
      assert.is_nil(made)
      assert.equal(reason, why:match("^(.*) at byte %d$"))
    end)
  end


  it("gives up a pattern that backtracks without end", function()
    assert(compile "^(a+)+$")
    local started = os.clock()
    local _, count = match(("a"):rep(60) .. "b")
    assert.equal(-1, count)
    assert.is_true(os.clock() - started < 2)
    assert.is_not_nil(match(("a"):rep(60)))
  end)


  it("frees nothing when there is nothing", function()
    core.regex_free(nil)
    assert.is_nil(re)
  end)
end)
