local tp5 = dofile("lua/rewrite/tp5.lua")


-- A request whose root has the given files.
local function new_request(path, files)
  local req = { path = path, rewritten = nil }
  function req.file_prefix(self)
    for part in pairs(files) do
      if self.path == part or self.path:find(part .. "/", 1, true) == 1 then
        return part
      end
    end
    return nil
  end
  function req.rewrite(self, to, query)
    self.rewritten, self.query = to, query
    return true
  end
  return req
end


describe("rewrite tp5", function()
  local FILES = {
    ["/index.php"] = true, ["/logo.png"] = true, ["/static/site.css"] = true,
  }
  local CASES = {
    { path = "/", to = "/index.php/" },
    { path = "/index/blog/read", to = "/index.php/index/blog/read" },
    { path = "/logo.png" },
    { path = "/static/site.css" },
    { path = "/index.php" },
    { path = "/index.php/index/blog/read" },
    { path = "/logo.png/x.php" },
    { path = "/static", to = "/index.php/static" },
    { path = "/static/", to = "/index.php/static/" },
    { path = "/static/none.css", to = "/index.php/static/none.css" },
    { path = "/static/site.css/a/b" },
  }
  for _, case in ipairs(CASES) do
    it((case.to and "rewrites " or "leaves alone ") .. case.path, function()
      local req = new_request(case.path, FILES)
      assert.is_nil(tp5.request(req))
      assert.are.equal(case.to, req.rewritten)
      assert.is_nil(req.query)
    end)
  end
end)
