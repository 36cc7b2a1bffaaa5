--- The Dockerfile as it is read; spec/soak/image_spec.lua carries it out.
local dockerfile = require "support.dockerfile"
local folder = require "support.folder"
local lfs = require "lfs"


-- The last step of a stage with a word.
local function last(stage, word)
  local found
  for _, step in ipairs(stage.steps) do
    found = step.word == word and step or found
  end
  return assert(found, "no " .. word)
end


describe("the Dockerfile", function()
  local stages

  setup(function()
    stages = dockerfile.parse(folder.read("Dockerfile"))
  end)

  it("ends in a stage without root, by its own signal, with a check", function()
    local stage = stages[#stages]
    assert.are.equal("moongate", last(stage, "USER").text)
    assert.are.equal("SIGQUIT", last(stage, "STOPSIGNAL").text)
    assert.are.equal("ctl", last(stage, "HEALTHCHECK").argv[2])
    assert.are.same({ "moongate" }, last(stage, "ENTRYPOINT").argv)
    assert.are.same({ 80, 3306, 8888 }, last(stage, "EXPOSE").ports)
  end)

  it("names files that are there, and stages before it", function()
    local known = {}
    for _, stage in ipairs(stages) do
      for _, step in ipairs(stage.steps) do
        for _, source in ipairs(step.word == "COPY" and step.sources or {}) do
          if step.stage then
            assert.is_true(known[step.stage], step.stage)
          else
            assert.is_truthy(lfs.attributes(source), source)
          end
        end
      end
      known[stage.name or ""] = true
    end
  end)

  it("is all that this reader understands", function()
    for text, why in pairs {
      ["FROM a\nADD x /x"] = "Dockerfile:2: ADD is not among",
      ["FROM a\nrun x"] = "Dockerfile:2: run is not among",
      ["FROM a\n\n# c\nENTRYPOINT moongate"] =
        'Dockerfile:4: ENTRYPOINT: write ["PROGRAM", ...], not moongate',
      ["FROM a\nHEALTHCHECK NONE"] = "Dockerfile:2: HEALTHCHECK: write CMD",
      ["FROM a\nCOPY --chmod=1 x /x"] = "Dockerfile:2: COPY: an option that",
      ["FROM a\nCOPY x"] = "Dockerfile:2: COPY: write COPY SOURCE... PLACE",
      ["FROM a\nENV A \"b\""] = "Dockerfile:2: ENV: write NAME=VALUE",
      ["FROM a\nEXPOSE http"] = "Dockerfile:2: EXPOSE: http is no port",
      ['FROM a\nRUN ["x"]'] = "Dockerfile:2: RUN: write it without",
      ["FROM a b c"] = "Dockerfile:1: FROM: write FROM IMAGE [AS NAME]",
      ["RUN x"] = "Dockerfile:1: RUN before FROM",
    } do
      local ok, said = pcall(dockerfile.parse, text)
      assert.is_false(ok, text)
      assert.are.equal(why, said:sub(1, #why))
    end
  end)

  it("may have lines that go on, with comments between them", function()
    local parsed = dockerfile.parse(
      "FROM a AS b\nRUN one \\\n  # why\n  && two\nUSER x\n")
    assert.are.same({
      {
        from = "a", name = "b",
        steps = {
          { line = 2, word = "RUN", text = "one && two" },
          { line = 5, word = "USER", text = "x" },
        },
      },
    }, parsed)
  end)
end)
