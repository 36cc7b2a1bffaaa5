--- The order of src/: floors, libraries and their owners, cycles, and calls
-- that are not made here.
local floors = require "support.floors"

local SPDX = "/* SPDX-License-Identifier: MIT */\n"


--- One fault each: the sources, and what has to be said about them.
local CASES = {
  {
    name = "an include of a higher floor",
    sources = { ["src/codec/a.c"] = '#include "net/stream.h"\n' },
    fault = 'src/codec/a.c:2: codec must not include "net/stream.h": '
      .. "not a lower floor",
  },
  {
    name = "an include of a neighbour on the same floor",
    sources = { ["src/board/a.h"] = '\n#include "config/model.h"\n' },
    fault = 'src/board/a.h:3: board must not include "config/model.h": '
      .. "not a lower floor",
  },
  {
    name = "an include that names no floor",
    sources = { ["src/base/a.c"] = '#include "b.h"\n' },
    fault = 'src/base/a.c:2: "b.h" is not FLOOR/NAME of a floor',
  },
  {
    name = "a library on a floor that does not own it",
    sources = { ["src/proxy/a.c"] = "#include <event2/event.h>\n" },
    fault = "src/proxy/a.c:2: <event2/event.h> belongs to net and app",
  },
  {
    name = "a library in a module that does not own it",
    sources = { ["src/base/a.c"] = "#include <pcre2.h>\n" },
    fault = "src/base/a.c:2: <pcre2.h> belongs to base/regex",
  },
  {
    name = "another header before the own one",
    sources = {
      ["src/base/a.c"] = '#include <stdio.h>\n#include "base/a.h"\n',
      ["src/base/a.h"] = "",
    },
    fault = 'src/base/a.c:2: the first include must be "base/a.h"',
  },
  {
    name = "a call that is forbidden",
    sources = { ["src/base/a.c"] = "void\nf(char *s)\n{\n    gets(s);\n}\n" },
    fault = "src/base/a.c:5: gets is forbidden: use a reader with a limit",
  },
  {
    name = "two modules that include each other",
    sources = {
      ["src/net/a.h"] = "",
      ["src/net/a.c"] = '#include "net/a.h"\n#include "net/b.h"\n',
      ["src/net/b.h"] = '#include "net/a.h"\n',
    },
    fault = "src/net/b.h:2: closes a cycle: net/a -> net/b -> net/a",
  },
  {
    name = "a file outside the floors",
    sources = { ["src/util/a.h"] = "" },
    fault = "src/util/a.h:1: not in a folder of a floor",
  },
}


local function with_licence(sources)
  local out = {}
  for path, text in pairs(sources) do
    out[path] = SPDX .. text
  end
  return out
end


describe("the floors check", function()
  for _, case in ipairs(CASES) do
    it("reports " .. case.name, function()
      assert.are.same({ case.fault }, floors.check(with_licence(case.sources)))
    end)
  end

  it("reports a file without the licence line", function()
    assert.are.same({ "src/base/a.h:1: does not open with the SPDX line" },
                    floors.check({ ["src/base/a.h"] = "int f(void);\n" }))
  end)

  it("takes includes of lower floors, of the own one, of owned libraries",
     function()
    assert.are.same({}, floors.check(with_licence({
      ["src/base/regex.h"] = "",
      ["src/base/regex.c"] = '#include "base/regex.h"\n#include <pcre2.h>\n',
      ["src/net/a.h"] = '#include "base/regex.h"\n',
      ["src/net/b.c"] = '#include "net/a.h"\n#include <event2/event.h>\n',
      ["src/script/vm.c"] = '#include "net/a.h"\n#include <lua.h>\n',
    })))
  end)

  it("does not look into comments, strings and the poison pragma", function()
    assert.are.same({}, floors.check(with_licence({
      ["src/base/a.c"] = "/* never\n gets */ // atoi\n"
        .. "#pragma GCC poison strcpy\n"
        .. "static const char q = '\"';\n"
        .. 'static const char s[] = "a \\" sprintf(";\n'
        .. "int f(int strcpy_like) { return 4 / 2; }\n",
    })))
  end)
end)


describe("src/", function()
  it("keeps to the floors", function()
    local sources = floors.read("src")
    assert.is_not_nil(next(sources), "no C file found: run from the top folder")
    local faults = floors.check(sources)
    assert(#faults == 0, "\n" .. table.concat(faults, "\n"))
  end)
end)
