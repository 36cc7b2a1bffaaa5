--- The table of ctl's commands is the truth: the manual page, the help and the
-- errors go by it.
local ffi = require "ffi"
local folder = require "support.folder"
local process = require "support.process"
local support = require "support.ffi"

local core = support.load("app/control_table.h")

local LIMIT = 65536


local function entries()
  local list = {}
  for i = 0, tonumber(core.control_entry_count) - 1 do
    local entry = core.control_entries[i]
    local words = ffi.string(entry.words)
    local arguments = ffi.string(entry.arguments)
    list[#list + 1] = {
      words = words,
      form = arguments == "" and words or words .. " " .. arguments,
      least = entry.least,
      most = entry.most,
      lead = core.control_lead(entry),
      sentence = ffi.string(entry.sentence),
    }
  end
  return list
end


-- What control_check says of a line: an entry's words, or what is wrong.
local function check(line)
  local w = ffi.new("struct control_words")
  local text = ffi.new("struct str", line, #line)
  local why = ffi.new("struct buf")
  core.buf_init_growing(why, LIMIT)
  core.control_split(w, text)
  local entry = core.control_check(why, w, text)
  local wrong = ffi.string(why.p, why.len)
  core.buf_fini(why)
  if entry ~= nil then
    return ffi.string(entry.words)
  end
  return nil, wrong
end


-- The section of the page on ctl's commands as plain words.
local function manual()
  local status, text = process.run {
    "groff", "-mdoc", "-Tascii", "-P-cbou", "-rHY=0", "man/moongate.8",
  }
  assert.are.equal(0, status)
  local section = text:match("\nCOMMANDS OF CTL\n(.-)\n[A-Z]")
  return " " .. section:gsub("%-\n%s+", "-"):gsub("%s+", " ") .. " "
end


describe("ctl's commands", function()
  it("stand in the manual, with their sentences", function()
    local text = manual()
    for _, entry in ipairs(entries()) do
      assert.truthy(text:find(" " .. entry.form .. " ", 1, true), entry.form)
      assert.truthy(text:find(entry.sentence, 1, true), entry.sentence)
    end
  end)

  it("are all that the manual has", function()
    local known = {}
    for _, entry in ipairs(entries()) do
      known[entry.words:match("^%S+")] = true
    end
    local count = 0
    local source = folder.read("man/moongate.8")
      :match("\n%.Sh COMMANDS OF CTL\n(.-)\n%.Sh ")
    for word in source:match("%.Bl (.-)\n%.El"):gmatch("\n%.It Cm (%S+)") do
      assert.is_true(known[word], word)
      count = count + 1
    end
    assert.are.equal(#entries(), count)
  end)

  it("take as many words as their forms have", function()
    for _, entry in ipairs(entries()) do
      local words = entry.words
      for _ = 1, entry.least do
        words = words .. " x"
      end
      assert.are.equal(entry.words, check(words))
      for _ = entry.least, entry.most do
        words = words .. " x"
      end
      local found, wrong = check(words)
      assert.is_nil(found)
      assert.truthy(wrong:find(entry.words, 1, true), wrong)
    end
  end)

  it("suggest what is near", function()
    for _, case in ipairs {
      { "shwo info", "did you mean 'show info'?" },
      { "show eror", "did you mean 'show errors'?" },
      { "sotp", "did you mean 'stop'?" },
      { "stpo graceful", "did you mean 'stop'?" },
      { "lgo level debug", "did you mean 'log level'?" },
      { "script", "write script list, script reload NAME" },
      { "script lst", "did you mean 'script list'?" },
      { "xyzzy", '"moongate ctl help" lists them' },
      { "reload now", "takes no arguments but --json" },
      { "stop a b", "too many words: write stop [graceful]" },
    } do
      local found, wrong = check(case[1])
      assert.is_nil(found)
      assert.truthy(wrong:find(case[2], 1, true), wrong)
      assert.are.equal("\n", wrong:sub(-1))
    end
  end)

  it("stand in the help of ctl, and of the program", function()
    local program = (os.getenv("MOONGATE_BUILD") or "build") .. "/moongate"
    for _, argv in ipairs { { program, "ctl", "help" }, { program, "-h" } } do
      local status, text = process.run(argv)
      assert.are.equal(0, status)
      for _, entry in ipairs(entries()) do
        local form = entry.form:gsub("%p", "%%%0")
        local sentence = entry.sentence:gsub("%p", "%%%0")
        assert.truthy(("\n" .. text):find("\n" .. form .. " +" .. sentence
          .. "\n"), entry.form)
      end
    end
  end)
end)
