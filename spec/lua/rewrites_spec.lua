--- The rewrites for frameworks, but ThinkPHP's, on literal requests.
local front_controller = dofile("lua/rewrite/front_controller.lua")
local pathinfo = dofile("lua/rewrite/pathinfo.lua")


-- A request whose root has the given files.
local function new_request(path, files)
  local req = { path = path, rewritten = nil }
  function req.file_exists(self, other)
    return files[other or self.path] or false
  end
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


local function set(names)
  local result = {}
  for _, name in ipairs(names) do
    result[name] = true
  end
  return result
end


local function check(rewrite, files, cases)
  for path, to in pairs(cases) do
    it((to and "rewrites " or "leaves alone ") .. path, function()
      local req = new_request(path, set(files))
      assert.is_nil(rewrite.request(req))
      assert.are.equal(to or nil, req.rewritten)
      assert.is_nil(req.query)
    end)
  end
end


describe("rewrite front_controller", function()
  check(front_controller, {
    "/index.php", "/wp-login.php", "/wp-admin/index.php", "/docs/index.html",
    "/css/site.css",
  }, {
    ["/"] = false,
    ["/index.php"] = false,
    ["/index.php/users/7"] = false,
    ["/wp-login.php"] = false,
    ["/wp-admin"] = false,
    ["/wp-admin/"] = false,
    ["/docs/"] = false,
    ["/css/site.css"] = false,
    ["/css/site.css/x"] = false,
    ["/css/"] = "/index.php",
    ["/css/none.css"] = "/index.php",
    ["/users/7"] = "/index.php",
    ["/wp-admin/none"] = "/index.php",
    ["/none.php"] = "/index.php",
  })
end)


describe("rewrite front_controller without an index.php", function()
  check(front_controller, { "/other.txt" }, { ["/"] = "/index.php" })
end)


describe("rewrite pathinfo", function()
  check(pathinfo, { "/index.php", "/wiki/logo.png" }, {
    ["/wiki/Main_Page"] = "/index.php/Main_Page",
    ["/wiki/Talk:A/b c"] = "/index.php/Talk:A/b c",
    ["/wiki/"] = "/index.php",
    ["/wiki"] = "/index.php",
    ["/wiki/logo.png"] = false,
    ["/wikipedia"] = false,
    ["/"] = false,
    ["/index.php"] = false,
    ["/index.php/Title"] = false,
    ["/images/a.png"] = false,
  })
end)


describe("rewrite pathinfo with MediaWiki in /w", function()
  check(pathinfo, { "/index.php", "/w/index.php" }, {
    ["/wiki/Main_Page"] = "/w/index.php/Main_Page",
    ["/wiki/"] = "/w/index.php",
    ["/w/index.php"] = false,
  })
end)
