-- Response heads of CGI, and the names of its variables.
local ffi = require "ffi"
local support = require "support.ffi"

local core = support.load("codec/cgi.h")
local text, guarded = support.text, support.guarded

local ERRORS = { "LINE_END", "CONTROL", "FOLD", "NAME", "COLON", "FIELD_COUNT",
  "STATUS", "LENGTH", "SIZE" }


local function name_of(number)
  for _, name in ipairs(ERRORS) do
    if tonumber(core["CGI_E_" .. name]) == number then
      return name
    end
  end
  return number
end


local function read(head, seen)
  local response = ffi.new("struct cgi_response")
  local p, map = guarded(head)
  return tonumber(core.cgi_read_response(response, p, #head, seen or 0)),
    response, map
end


local ACCEPTED = {
  { "php-fpm's head", "X-Powered-By: PHP/8.2.7\r\n"
    .. "Content-type: text/html; charset=UTF-8\r\n\r\n",
    { status = 200, has_status = false, content_length = -1,
      location = nil, reason = nil, fields = 2 } },
  { "lines that end in LF", "Status: 404 Not Found\nA: b\n\n",
    { status = 404, has_status = true, reason = "Not Found", fields = 2 } },
  { "both line ends", "A: b\nC: d\r\n\n", { status = 200, fields = 2 } },
  { "no field at all", "\r\n", { status = 200, fields = 0 } },
  { "no field at all, LF", "\n", { status = 200, fields = 0 } },
  { "a Status without words", "Status: 503\r\n\r\n",
    { status = 503, reason = "" } },
  { "a Location", "Location: http://a/b\r\n\r\n",
    { status = 302, has_status = false, location = "http://a/b" } },
  { "a Location with a Status", "Location: /b\r\nstatus: 301 M\r\n\r\n",
    { status = 301, has_status = true, location = "/b", reason = "M" } },
  { "a length", "Content-Length: 12\r\n\r\n", { content_length = 12 } },
  { "a length twice", "Content-Length: 12\r\ncontent-length: 12\r\n\r\n",
    { content_length = 12 } },
  { "an empty value", "A:\r\nB: \t\r\n\r\n", { fields = 2 } },
}

local REFUSED = {
  { "LINE_END", "CR in a value", "A: b\rC: d\r\n\r\n" },
  { "LINE_END", "two CRs", "A: b\r\r\n\r\n" },
  { "LINE_END", "CR at the end", "A: b\r\n\rX" },
  { "CONTROL", "a NUL in a value", "A: b\0\r\n\r\n" },
  { "CONTROL", "a NUL in a name", "A\0: b\r\n\r\n" },
  { "CONTROL", "a control byte in a value", "A: b\1c\r\n\r\n" },
  { "FOLD", "a continuation line", "A: b\r\n c\r\n\r\n" },
  { "FOLD", "a continuation line with a tab", "A: b\n\tc\n\n" },
  { "NAME", "a space before a colon", "A : b\r\n\r\n" },
  { "NAME", "no name", ": b\r\n\r\n" },
  { "NAME", "words without a colon", "PHP Warning:  x\r\n\r\n" },
  { "NAME", "an answer without a head", "<html>\r\n\r\n" },
  { "NAME", "a status line", "HTTP/1.1 200 OK\r\n\r\n" },
  { "COLON", "a name alone", "A\r\n\r\n" },
  { "COLON", "a name alone, LF", "A\n\n" },
  { "FIELD_COUNT", "one field too many", ("A: b\r\n"):rep(101) .. "\r\n" },
  { "STATUS", "two of them", "Status: 200\r\nStatus: 200\r\n\r\n" },
  { "STATUS", "no number", "Status: OK\r\n\r\n" },
  { "STATUS", "nothing", "Status:\r\n\r\n" },
  { "STATUS", "two digits", "Status: 20\r\n\r\n" },
  { "STATUS", "four digits", "Status: 2000\r\n\r\n" },
  { "STATUS", "an interim one", "Status: 101 Switching\r\n\r\n" },
  { "STATUS", "a sign", "Status: +20\r\n\r\n" },
  { "LENGTH", "no number", "Content-Length: x\r\n\r\n" },
  { "LENGTH", "a minus", "Content-Length: -1\r\n\r\n" },
  { "LENGTH", "another one behind a zero",
    "Content-Length: 0\r\nContent-Length: 2\r\n\r\n" },
  { "LENGTH", "another one",
    "Content-Length: 1\r\nContent-Length: 2\r\n\r\n" },
}


describe("cgi_read_response", function()
  for _, case in ipairs(ACCEPTED) do
    local name, head, facts = unpack(case)

    it("takes " .. name, function()
      local taken, response = read(head)
      assert.are.equal(#head, taken)
      for key, value in pairs(facts) do
        local got = response[key]
        if key == "fields" then
          got = response.fields.count
        elseif key == "location" or key == "reason" then
          got = text(got)
        elseif type(value) == "number" then
          got = tonumber(got)
        end
        assert.are.equal(value, got, key)
      end
      assert.are.equal(facts.location, text(response.location))
    end)

    it("waits at every cut of " .. name .. ", and leaves the body", function()
      for n = 0, #head - 1 do
        local taken = read(head:sub(1, n))
        assert.are.equal(0, taken, "cut at " .. n)
      end
      assert.are.equal(#head, (read(head .. "\0\rbody\n\n")))
    end)

    it("takes byte by byte " .. name, function()
      for n = 1, #head - 1 do
        assert.are.equal(0, (read(head:sub(1, n), n - 1)))
      end
      for seen = 0, #head - 1 do
        assert.are.equal(#head, (read(head, seen)), "seen " .. seen)
      end
    end)
  end

  for _, case in ipairs(REFUSED) do
    local wanted, name, head = unpack(case)

    it("refuses " .. wanted:lower() .. ": " .. name, function()
      assert.are.equal(wanted, name_of((read(head))))
      for n = 1, #head do
        assert.is_true((read(head:sub(1, n))) <= 0, "cut at " .. n)
      end
    end)

    it("refuses byte by byte " .. wanted:lower() .. ": " .. name, function()
      local whole, taken, n = head .. "\r\n\r\n", 0, 0
      while taken == 0 and n < #whole do
        n = n + 1
        taken = read(whole:sub(1, n), n - 1)
      end
      assert.are.equal(wanted, name_of(taken))
    end)
  end

  it("has a case and words of their own for every error", function()
    local named, words = { SIZE = true }, {}
    for _, case in ipairs(REFUSED) do
      named[case[1]] = true
    end
    for _, name in ipairs(ERRORS) do
      assert.is_true(named[name], name)
      local said = ffi.string(core.cgi_error_text(core["CGI_E_" .. name]))
      assert.is_nil(words[said])
      words[said] = true
    end
    assert.are.equal("unknown error", ffi.string(core.cgi_error_text(0)))
  end)

  it("gives fields in their order", function()
    local _, response = read("Set-Cookie: a=b\r\nX_y: \t c d\t\r\n"
      .. "Set-Cookie: e\r\n\r\n")
    assert.are.equal(3, response.fields.count)
    assert.are.equal("a=b", text(core.http_value(response.fields,
      core.HTTP_HEADER_SET_COOKIE)))
    assert.are.equal("X_y", text(response.fields.at[1].name))
    assert.are.equal("c d", text(response.fields.at[1].value))
    assert.are.equal("e", text(response.fields.at[2].value))
  end)
end)


describe("cgi_header_name", function()
  it("writes the variable's name", function()
    for _, case in ipairs {
      { "Host", "HTTP_HOST" }, { "user-agent", "HTTP_USER_AGENT" },
      { "X_a-9", "HTTP_X_A_9" }, { "~", "HTTP_~" }, { "", "HTTP_" },
    } do
      local out, map = guarded(("\1"):rep(5 + #case[1]))
      local len = core.cgi_header_name(ffi.cast("char *", out),
        ffi.new("struct str", case[1], #case[1]))
      assert.are.equal(case[2], ffi.string(out, len), map and "name")
    end
  end)
end)
