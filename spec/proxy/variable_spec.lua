--- Variables in roots, headers and redirects; their values one by one are in
-- access_log_spec.lua.
local exchange = require "support.exchange"
local ffi = require "ffi"

local CONFIG = [[
  [http web]
  listen = 127.0.0.1:8080
  root = ${dir}/www/${host}
  index = index.html
  header = X-Path ${uri}
  header = X-Query <${args}>
  header = X-Plain no variable; $5
  route = /moved redirect 302 https://${host}${uri}?${args}
]]
local FILES = {
  ["www/a.example/index.html"] = "a",
  ["www/b.example/index.html"] = "b",
}


describe("a variable", function()
  local site

  before_each(function()
    site = exchange.site(CONFIG, FILES)
  end)

  after_each(function()
    site:close()
  end)

  it("chooses the root", function()
    for _, host in ipairs({ "a", "b" }) do
      local status, _, body = site:ask(("GET / HTTP/1.1\r\n"
        .. "Host: %s.example:80\r\n\r\n"):format(host))
      assert.are.same({ 200, host }, { status, body })
    end
  end)

  it("stands in a header", function()
    local _, headers = site:get("/x?y=1&z")
    assert.are.equal("/x", headers["x-path"])
    assert.are.equal("<y=1&z>", headers["x-query"])
    assert.are.equal("no variable; $5", headers["x-plain"])
  end)

  it("is empty in a header when it has no value", function()
    local _, headers = site:get("/x")
    assert.are.equal("<>", headers["x-query"])
  end)

  it("stands in a redirect", function()
    local status, headers = site:get("/moved/a%20b?c=%20")
    assert.are.same({ 302, "https://h/moved/a%20b?c=%20" },
      { status, headers.location })
  end)

  it("cannot split a response", function()
    for _, path in ipairs({ "/x%0D%0ASet-Cookie:%20a=b",
                            "/moved%0D%0ASet-Cookie:%20a=b" }) do
      local _, headers = site:get(path)
      assert.is_nil(headers["set-cookie"])
      assert.are.equal(path, headers["x-path"])
    end
  end)

  it("cannot split a response, whatever a script makes of the query",
     function()
    local query = "a\r\nSet-Cookie: x=y"
    local x = site:begin("GET /moved HTTP/1.1\r\nHost: h\r\n\r\n")
    x.query = ffi.new("struct str", query, #query)
    local response = site:answer(x)
    site:finish(x)
    assert.is_nil(response:find("Set-Cookie", 1, true))
    assert.is_truthy(response:find("\r\nLocation: https://h/moved?\r\n", 1,
      true))
  end)
end)
