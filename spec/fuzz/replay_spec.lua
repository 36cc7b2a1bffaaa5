--- The seeds of the fuzzers, run through the same harnesses without libFuzzer:
-- what once broke a promise stays in the corpus, and is tried on every run.
local folder = require "support.folder"
local process = require "support.process"

local HERE = "spec/fuzz/"
local COMPILER = os.getenv("CC") or "cc"
local FLAGS = { "-std=gnu11", "-O1", "-g", "-D_GNU_SOURCE", "-Isrc",
  "-I" .. HERE, "-fsanitize=address,undefined", "-fno-sanitize-recover=all" }
local CLEAN = { LD_PRELOAD = false, ASAN_OPTIONS = false }


local function codecs()
  local list = {}
  for _, name in ipairs(folder.list(HERE)) do
    local codec = name:match("^(%w+)%.c$")
    if codec and codec ~= "entry" and codec ~= "replay" then
      list[#list + 1] = codec
    end
  end
  return list
end


local function compile(program)
  local argv = { COMPILER, "-o", program, HERE .. "replay.c",
    "src/base/addr.c", "src/base/buf.c", "src/base/hash.c", "src/base/str.c" }
  for _, flag in ipairs(FLAGS) do
    argv[#argv + 1] = flag
  end
  for _, codec in ipairs(codecs()) do
    argv[#argv + 1] = HERE .. codec .. ".c"
  end
  for _, name in ipairs(folder.list("src/codec")) do
    if name:find("%.c$") then
      argv[#argv + 1] = "src/codec/" .. name
    end
  end
  local status, said = process.run(argv, { env = CLEAN, seconds = 240 })
  assert(status == 0, said)
end


describe("the fuzzers' corpus", function()
  local home, program

  setup(function()
    home = folder.make()
    program = home .. "/replay"
    compile(program)
  end)

  teardown(function()
    folder.remove(home)
  end)

  for _, codec in ipairs(codecs()) do
    it("keeps the promises of " .. codec, function()
      local argv = { program, codec }
      local at = HERE .. "corpus/" .. codec
      for _, name in ipairs(folder.list(at)) do
        argv[#argv + 1] = at .. "/" .. name
      end
      assert.is_true(#argv > 2, "no seeds")
      local status, said = process.run(argv, { env = CLEAN, seconds = 60 })
      assert.are.equal(0, status, said)
      local _, lines = said:gsub("\n", "")
      assert.are.equal(#argv - 2, lines, said)
    end)
  end
end)
