--- What has changed between two texts, against what diff(1) and patches say.
local ffi = require "ffi"
local core = require("support.ffi").load("base/diff.h")

local SAME, OUT, IN = core.DIFF_SAME, core.DIFF_OUT, core.DIFF_IN


local function str(text)
  return ffi.new("struct str", text, #text)
end


-- "=a -b +c", and how many lines go and come.
local function compare(old, now)
  local diff = ffi.new("struct diff")
  local out = {}
  assert.are.equal(0, core.diff_init(diff, str(old), str(now)))
  for i = 0, tonumber(diff.count) - 1 do
    local line = diff.lines[i]
    out[#out + 1] = { kind = line.kind, old = line.old_number,
      new = line.new_number, text = ffi.string(line.text.p, line.text.len) }
  end
  local gone, come = tonumber(diff.out), tonumber(diff["in"])
  core.diff_fini(diff)
  return out, gone, come
end


local function show(old, now)
  local words = {}
  local marks = { [tonumber(SAME)] = "=", [tonumber(OUT)] = "-",
    [tonumber(IN)] = "+" }
  for _, line in ipairs((compare(old, now))) do
    words[#words + 1] = marks[tonumber(line.kind)] .. line.text
  end
  return table.concat(words, " ")
end


-- One of the two texts, from the lines.
local function rebuild(lines, without)
  local out = {}
  for _, line in ipairs(lines) do
    if line.kind ~= without then
      out[#out + 1] = line.text
    end
  end
  return table.concat(out, "\n")
end


describe("diff", function()
  for _, case in ipairs {
    { name = "nothing", old = "", now = "", wanted = "" },
    { name = "no change", old = "a\nb\n", now = "a\nb\n", wanted = "=a =b" },
    { name = "all new", old = "", now = "a\nb", wanted = "+a +b" },
    { name = "all gone", old = "a\nb", now = "", wanted = "-a -b" },
    { name = "a line put in", old = "a\nc", now = "a\nb\nc",
      wanted = "=a +b =c" },
    { name = "a line left out", old = "a\nb\nc", now = "a\nc",
      wanted = "=a -b =c" },
    { name = "a line in the place of another", old = "a\nb\nc",
      now = "a\nx\nc", wanted = "=a -b +x =c" },
    { name = "the example of the paper", old = "a\nb\nc\na\nb\nb\na",
      now = "c\nb\na\nb\na\nc",
      wanted = "-a -b =c +b =a =b -b =a +c" },
  } do
    it("says " .. case.name, function()
      assert.are.equal(case.wanted, show(case.old, case.now))
    end)
  end

  it("numbers the lines of both", function()
    local lines = compare("a\nb\nc", "a\nx\ny\nc")
    assert.are.same({ kind = SAME, old = 3, new = 4, text = "c" },
      lines[#lines])
  end)

  it("of any two texts gives both back, in as few changes as there are",
    function()
      math.randomseed(7)
      for _ = 1, 300 do
        local texts = {}
        for i = 1, 2 do
          local lines = {}
          for k = 1, math.random(0, 30) do
            lines[k] = string.char(96 + math.random(4))
          end
          texts[i] = table.concat(lines, "\n")
        end
        local lines, gone, come = compare(texts[1], texts[2])
        assert.are.equal(texts[1], rebuild(lines, IN))
        assert.are.equal(texts[2], rebuild(lines, OUT))

        -- The longest common part, the slow way.
        local a, b = texts[1]:gsub("\n", ""), texts[2]:gsub("\n", "")
        local best = {}
        for i = 0, #a do
          best[i] = {}
          for k = 0, #b do
            best[i][k] = (i == 0 or k == 0) and 0
              or a:byte(i) == b:byte(k) and best[i - 1][k - 1] + 1
              or math.max(best[i - 1][k], best[i][k - 1])
          end
        end
        assert.are.equal(#a + #b - 2 * best[#a][#b], gone + come)
      end
    end)

  it("has a bound: what differs too much differs in all lines", function()
    local old, now = { "head" }, { "head" }
    for i = 1, 3000 do
      old[#old + 1] = "old " .. i
      now[#now + 1] = i % 100 == 0 and "old " .. i or "new " .. i
    end
    old[#old + 1], now[#now + 1] = "tail", "tail"
    local a, b = table.concat(old, "\n"), table.concat(now, "\n")
    local lines, gone, come = compare(a, b)
    assert.are.equal(a, rebuild(lines, IN))
    assert.are.equal(b, rebuild(lines, OUT))
    assert.are.equal(2999, gone)
    assert.are.equal(2999, come)
  end)
end)
