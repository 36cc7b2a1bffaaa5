-- What may not be called does not compile.
local folder = require "support.folder"


describe("poison", function()
  local path


  before_each(function()
    path = folder.make()
  end)


  after_each(function()
    folder.remove(path)
  end)


  local function compiles(statement)
    folder.write(path .. "/call.c", "#include <stdio.h>\n#include <string.h>\n"
      .. "#include <stdlib.h>\nint call(char *a, const char *b);\n"
      .. "int call(char *a, const char *b)\n{\n    " .. statement
      .. "\n    return b == a;\n}\n")
    -- The preloaded sanitizer, if there is one, is not meant for the compiler.
    return os.execute(("env -u LD_PRELOAD %s -std=gnu11 -D_GNU_SOURCE "
      .. "-fsyntax-only -Isrc -include base/poison.h %s/call.c 2>%s/said")
      :format(os.getenv("CC") or "cc", path, path)) == 0
  end


  for _, statement in ipairs {
    "strcpy(a, b);", "strcat(a, b);", 'sprintf(a, "%s", b);',
    'strtok(a, ",");', "return atoi(b);", "return alloca(8) == a;",
  } do
    it("refuses " .. statement, function()
      assert.is_false(compiles(statement))
    end)
  end


  it("takes what says how much room there is", function()
    assert.is_true(compiles 'snprintf(a, 4, "%s", b);')
  end)
end)
