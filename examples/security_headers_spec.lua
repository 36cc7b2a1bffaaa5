--- The spec of security_headers.lua: moongate test security_headers.lua
local test = require "moongate.test"


describe("security_headers", function()
  local script = test.load()

  local function answer(headers)
    local res = test.response { headers = headers }
    script:response(res, test.request())
    return res
  end

  it("says it of every answer, and more of pages", function()
    local picture = answer { ["Content-Type"] = "image/png" }
    assert.are.equal("nosniff", picture:header("X-Content-Type-Options"))
    assert.is_nil(picture:header("Content-Security-Policy"))
    local page = answer { ["Content-Type"] = "text/html; charset=utf-8" }
    assert.truthy(page:header("Content-Security-Policy"))
  end)

  it("leaves what the application has said, but for its make", function()
    local res = answer {
      ["Referrer-Policy"] = "no-referrer", ["X-Powered-By"] = "PHP/8.2",
    }
    assert.are.equal("no-referrer", res:header("Referrer-Policy"))
    assert.is_nil(res:header("X-Powered-By"))
  end)

  it("does not ask for https where the client came without", function()
    assert.is_nil(answer {}:header("Strict-Transport-Security"))
  end)
end)
