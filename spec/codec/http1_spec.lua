-- Request heads of HTTP/1: what is read from them, and that everything that
-- two programs could understand differently is refused by its name.
local ffi = require "ffi"
local support = require "support.ffi"

local core = support.load("codec/http1.h")
local text, guarded = support.text, support.guarded

local GET = "GET / HTTP/1.1\r\nHost: a\r\n"


local function new_request()
  return ffi.new("struct http_request")
end


-- Reads a head from memory that ends where the head does.
local function read(head, seen)
  local request = new_request()
  local p, map = guarded(head)
  local taken = tonumber(core.http1_read_request(request, p, #head, seen or 0))
  return taken, request, map
end


local function field(request, i)
  local f = request.fields.at[i]
  return text(f.name), text(f.value), tonumber(f.id)
end


local ERRORS = {}
for _, name in ipairs {
  "EMPTY_LINES", "METHOD", "CONNECT", "TARGET", "ASTERISK", "VERSION_SYNTAX",
  "VERSION", "LINE_END", "NUL", "CONTROL", "FOLD", "NAME", "NAME_SPACE",
  "COLON", "FIELD_COUNT", "HOST_MISSING", "HOST_TWICE", "HOST", "LENGTH",
  "LENGTH_TWICE", "LENGTH_CODING", "CODING", "CODING_TWICE",
  "CODING_VERSION", "EXPECT", "TARGET_SIZE", "HEAD_SIZE",
} do
  ERRORS[#ERRORS + 1] = name
end


local function number_of(name)
  return tonumber(core["HTTP1_E_" .. name])
end


local function name_of(number)
  for _, name in ipairs(ERRORS) do
    if number_of(name) == number then
      return name
    end
  end
  return number
end


-- Heads that are taken; each with the texts and numbers that it must give.
local ACCEPTED = {
  {
    "a plain request",
    GET .. "\r\n",
    { method_name = "GET", target = "/", uri = "/", path = "/", host = "a" },
    { minor = 1, port = -1, content_length = -1, keep_alive = true,
      chunked = false, has_body = false, absolute = false,
      asterisk = false, expect_continue = false },
  },
  {
    "a query",
    "GET /a%20b?x=1?y HTTP/1.1\r\nHost: a\r\n\r\n",
    { uri = "/a%20b?x=1?y", path = "/a%20b", query = "x=1?y" }, {},
  },
  {
    "an empty query",
    "GET /? HTTP/1.1\r\nHost: a\r\n\r\n",
    { uri = "/?", path = "/", query = "" }, {},
  },
  {
    "bytes from 0x80 in a target",
    "GET /\228\184\173?\255 HTTP/1.1\r\nHost: a\r\n\r\n",
    { path = "/\228\184\173", query = "\255" }, {},
  },
  {
    "a method that is not known",
    "M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n",
    { method_name = "M-SEARCH" }, { method = 0 },
  },
  {
    "the longest method",
    ("A"):rep(32) .. " / HTTP/1.1\r\nHost: a\r\n\r\n",
    { method_name = ("A"):rep(32) }, {},
  },
  {
    "the greatest port and the longest name",
    "GET / HTTP/1.1\r\nHost: " .. ("a"):rep(255) .. ":65535\r\n\r\n",
    { host = ("a"):rep(255) }, { port = 65535 },
  },
  {
    "HTTP/1.0 without Host",
    "GET / HTTP/1.0\r\n\r\n",
    {}, { minor = 0, keep_alive = false, port = -1 },
  },
  {
    "HTTP/1.0 that stays",
    "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
    {}, { keep_alive = true },
  },
  {
    "HTTP/1.0 that says both",
    "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",
    {}, { keep_alive = false },
  },
  {
    "HTTP/1.1 that closes",
    GET .. "Connection: close\r\n\r\n", {}, { keep_alive = false },
  },
  {
    "close in a list, in capitals, in the second field",
    GET .. "Connection: TE\r\nConnection: upgrade , CLOSE\r\n\r\n",
    {}, { keep_alive = false },
  },
  {
    "a Connection that only looks like close",
    GET .. "Connection: closed, not-close\r\n\r\n",
    {}, { keep_alive = true },
  },
  {
    "a Host with a port",
    "GET / HTTP/1.1\r\nHost: Www.Example.com:8080\r\n\r\n",
    { host = "Www.Example.com" }, { port = 8080 },
  },
  {
    "a Host with a colon and no port",
    "GET / HTTP/1.1\r\nHost: a:\r\n\r\n", { host = "a" }, { port = -1 },
  },
  {
    "a Host that is an address of IPv6",
    "GET / HTTP/1.1\r\nHost: [2001:db8::1]:81\r\n\r\n",
    { host = "[2001:db8::1]" }, { port = 81 },
  },
  {
    "the longest address of IPv6",
    "GET / HTTP/1.1\r\nHost: [ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]"
      .. "\r\n\r\n",
    { host = "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]" }, {},
  },
  {
    "a Host with an underscore and a dot at its end",
    "GET / HTTP/1.1\r\nHost: my_app.test.\r\n\r\n",
    { host = "my_app.test." }, {},
  },
  {
    "absolute-form, whose authority replaces Host",
    "GET HTTP://b:81/p?q HTTP/1.1\r\nHost: a\r\n\r\n",
    { target = "HTTP://b:81/p?q", uri = "/p?q", path = "/p", query = "q",
      host = "b" },
    { port = 81, absolute = true },
  },
  {
    "absolute-form of https without a path",
    "GET https://b HTTP/1.1\r\nHost: a\r\n\r\n",
    { uri = "/", path = "/", host = "b" }, { absolute = true, port = -1 },
  },
  {
    "absolute-form in 1.0 without Host",
    "GET http://b/ HTTP/1.0\r\n\r\n",
    { host = "b" }, { absolute = true },
  },
  {
    "asterisk-form",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    { target = "*", uri = "*", path = "*", host = "a" }, { asterisk = true },
  },
  {
    "OPTIONS for a whole server in absolute-form",
    "OPTIONS http://b HTTP/1.1\r\nHost: a\r\n\r\n",
    { uri = "*", path = "*", host = "b" }, { asterisk = true },
  },
  {
    "a length",
    GET .. "Content-Length: 42\r\n\r\n", {},
    { content_length = 42, has_body = true, chunked = false },
  },
  {
    "a length of nothing",
    GET .. "content-length:0\r\n\r\n", {},
    { content_length = 0, has_body = false },
  },
  {
    "the greatest length",
    GET .. "Content-Length: 9223372036854775807\r\n\r\n", {},
    { content_length = 9223372036854775807LL, has_body = true },
  },
  {
    "chunks",
    GET .. "Transfer-Encoding: Chunked\r\n\r\n", {},
    { chunked = true, has_body = true, content_length = -1 },
  },
  {
    "an expectation",
    GET .. "Content-Length: 1\r\nExpect: 100-Continue\r\n\r\n", {},
    { expect_continue = true },
  },
  {
    "an expectation without a body",
    GET .. "Expect: 100-continue\r\n\r\n", {}, { expect_continue = false },
  },
  {
    "an expectation in 1.0, where there is none",
    "GET / HTTP/1.0\r\nExpect: x\r\nContent-Length: 1\r\n\r\n", {},
    { expect_continue = false },
  },
  {
    "as many empty lines before it as are borne",
    "\r\n\r\n\r\n\r\n" .. GET .. "\r\n", { method_name = "GET" }, {},
  },
}


local TARGETS_REFUSED = {
  ["no slash"] = "a",
  ["a fragment"] = "/a#b",
  ["authority-form"] = "a:80",
  ["a scheme that is not HTTP"] = "ftp://a/",
  ["a scheme alone"] = "http:",
  ["a query without a path"] = "http://a?b",
  ["an asterisk and more"] = "*/",
}

local HOSTS_REFUSED = {
  ["nothing"] = "",
  ["a port alone"] = ":80",
  ["a list"] = "a, b",
  ["a list without a space"] = "a,b",
  ["a user"] = "u@a",
  ["a path"] = "a/b",
  ["a space"] = "a b",
  ["an escape"] = "%61",
  ["a dot"] = ".",
  ["two dots"] = "..",
  ["an empty label"] = "a..b",
  ["a dot at its start"] = ".a",
  ["bytes from 0x80"] = "\228\184\173",
  ["a port that is a name"] = "a:b",
  ["a port that is too large"] = "a:65536",
  ["a port with a sign"] = "a:+1",
  ["two ports"] = "a:1:2",
  ["an address without brackets"] = "::1",
  ["an open bracket"] = "[::1",
  ["brackets around nothing"] = "[]",
  ["brackets around a name"] = "[a]",
  ["a zone"] = "[fe80::1%25eth0]",
  ["something behind the brackets"] = "[::1]a",
  ["an address that is too long"] = "[" .. ("0"):rep(60) .. "]",
  ["a name that is too long"] = ("a"):rep(256),
}

local LENGTHS_REFUSED = {
  ["nothing"] = "",
  ["a plus"] = "+1",
  ["a minus"] = "-1",
  ["a space inside"] = "1 1",
  ["hex digits"] = "0x10",
  ["a fraction"] = "1.0",
  ["a list of equal ones"] = "5, 5",
  ["more than 63 bits hold"] = "9223372036854775808",
  ["more than 64 bits hold"] = "18446744073709551617",
}

local REFUSED = {
  { "EMPTY_LINES", "too many empty lines", ("\r\n"):rep(5) .. GET .. "\r\n" },
  { "METHOD", "a method in small letters", "get / HTTP/1.1\r\n\r\n" },
  { "METHOD", "no method", " / HTTP/1.1\r\n\r\n" },
  { "METHOD", "a method that ends in a tab", "GET\t/ HTTP/1.1\r\n\r\n" },
  { "METHOD", "a method that never ends", ("A"):rep(33) },
  { "METHOD", "a line with nothing but a method", "GET\r\n\r\n" },
  { "CONNECT", "CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n" },
  { "TARGET", "two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n" },
  { "ASTERISK", "an asterisk for GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n" },
  { "VERSION_SYNTAX", "HTTP/0.9", "GET /\r\n" },
  { "VERSION_SYNTAX", "a version in small letters", "GET / http/1.1\r\n" },
  { "VERSION_SYNTAX", "no digit", "GET / HTTP/x" },
  { "VERSION_SYNTAX", "more digits", "GET / HTTP/1.10\r\n" },
  { "VERSION_SYNTAX", "a space behind it", "GET / HTTP/1.1 \r\n" },
  { "VERSION_SYNTAX", "a space in the target", "GET /a b HTTP/1.1\r\n" },
  { "VERSION", "HTTP/1.2", "GET / HTTP/1.2\r\n\r\n" },
  { "VERSION", "HTTP/2.0", "PRI * HTTP/2.0\r\n\r\n" },
  { "VERSION", "HTTP/0.9 by name", "GET / HTTP/0.9\r\n\r\n" },
  { "LINE_END", "LF before the request", "\n" .. GET .. "\r\n" },
  { "LINE_END", "CR before the request", "\r" .. GET .. "\r\n" },
  { "LINE_END", "LF in the method", "GET\n/ HTTP/1.1\r\n" },
  { "LINE_END", "LF behind the target", "GET /\n" },
  { "LINE_END", "LF behind the version", "GET / HTTP/1.1\nHost: a\n\n" },
  { "LINE_END", "CR behind the version", "GET / HTTP/1.1\rHost: a\r\r" },
  { "LINE_END", "LF in a name", GET .. "A\nB: c\r\n\r\n" },
  { "LINE_END", "LF behind a value", GET .. "A: b\nB: c\r\n\r\n" },
  { "LINE_END", "CR in a value", GET .. "A: b\rB: c\r\n\r\n" },
  { "LINE_END", "two CRs behind a value", GET .. "A: b\r\r\n\r\n" },
  { "LINE_END", "LF at the end", GET .. "\n" },
  { "LINE_END", "CR at the end", GET .. "\rX" },
  { "NUL", "a NUL at the start", "\0GET / HTTP/1.1\r\n\r\n" },
  { "NUL", "a NUL in the target", "GET /\0 HTTP/1.1\r\n\r\n" },
  { "NUL", "a NUL in a name", GET .. "A\0: b\r\n\r\n" },
  { "NUL", "a NUL in a value", GET .. "A: b\0\r\n\r\n" },
  { "CONTROL", "a control byte in the method", "G\1T / HTTP/1.1\r\n\r\n" },
  { "CONTROL", "TLS", "\22\3\1\2\0\1\0\1\252\3\3" },
  { "CONTROL", "DEL in the target", "GET /\127 HTTP/1.1\r\n\r\n" },
  { "CONTROL", "a control byte in a name", GET .. "A\1: b\r\n\r\n" },
  { "CONTROL", "a control byte in a value", GET .. "A: b\1c\r\n\r\n" },
  { "CONTROL", "DEL in a value", GET .. "A: b\127\r\n\r\n" },
  { "FOLD", "a continuation line", GET .. "A: b\r\n c\r\n\r\n" },
  { "FOLD", "a continuation line with a tab", GET .. "A: b\r\n\tc\r\n\r\n" },
  { "FOLD", "white space before the first field",
    "GET / HTTP/1.1\r\n Host: a\r\n\r\n" },
  { "NAME", "an empty name", GET .. ": b\r\n\r\n" },
  { "NAME", "a name with a parenthesis", GET .. "A(: b\r\n\r\n" },
  { "NAME", "a name with bytes from 0x80", GET .. "\228: b\r\n\r\n" },
  { "NAME_SPACE", "a space before a colon", GET .. "A : b\r\n\r\n" },
  { "NAME_SPACE", "a tab before a colon", GET .. "A\t: b\r\n\r\n" },
  { "COLON", "a line without a colon", GET .. "A\r\n\r\n" },
  { "FIELD_COUNT", "one field too many",
    GET .. ("A: b\r\n"):rep(100) .. "\r\n" },
  { "FIELD_COUNT", "no place for the Host of the target",
    "GET http://a/ HTTP/1.0\r\n" .. ("A: b\r\n"):rep(100) .. "\r\n" },
  { "HOST_MISSING", "no Host in 1.1", "GET / HTTP/1.1\r\n\r\n" },
  { "HOST_MISSING", "no Host beside absolute-form",
    "GET http://a/ HTTP/1.1\r\n\r\n" },
  { "HOST_TWICE", "two Hosts", GET .. "host: a\r\n\r\n" },
  { "HOST_TWICE", "two Hosts in 1.0",
    "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n" },
  { "LENGTH_TWICE", "two equal lengths",
    GET .. "Content-Length: 5\r\nContent-Length: 5\r\n\r\n" },
  { "LENGTH_TWICE", "two lengths",
    GET .. "Content-Length: 5\r\ncontent-length: 6\r\n\r\n" },
  { "LENGTH_CODING", "a length and chunks",
    GET .. "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" },
  { "LENGTH_CODING", "chunks and a length",
    GET .. "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" },
  { "CODING", "another coding", GET .. "Transfer-Encoding: gzip\r\n\r\n" },
  { "CODING", "two codings",
    GET .. "Transfer-Encoding: gzip, chunked\r\n\r\n" },
  { "CODING", "chunked twice",
    GET .. "Transfer-Encoding: chunked, chunked\r\n\r\n" },
  { "CODING", "chunked with a parameter",
    GET .. "Transfer-Encoding: chunked;a=b\r\n\r\n" },
  { "CODING", "chunked in quotes",
    GET .. "Transfer-Encoding: \"chunked\"\r\n\r\n" },
  { "CODING", "chunked behind another space",
    GET .. "Transfer-Encoding: \160chunked\r\n\r\n" },
  { "CODING", "identity", GET .. "Transfer-Encoding: identity\r\n\r\n" },
  { "CODING", "nothing", GET .. "Transfer-Encoding:\r\n\r\n" },
  { "CODING_TWICE", "two fields",
    GET .. "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n" },
  { "CODING_VERSION", "chunks in 1.0",
    "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" },
  { "EXPECT", "another expectation",
    GET .. "Expect: 200-ok\r\nContent-Length: 1\r\n\r\n" },
  { "EXPECT", "a second expectation",
    GET .. "Expect: 100-continue\r\nExpect: x\r\n\r\n" },
}
for name, target in pairs(TARGETS_REFUSED) do
  REFUSED[#REFUSED + 1] = { "TARGET", "target: " .. name,
    "GET " .. target .. " HTTP/1.1\r\nHost: a\r\n\r\n" }
end
for name, host in pairs(HOSTS_REFUSED) do
  REFUSED[#REFUSED + 1] = { "HOST", "Host: " .. name,
    "GET / HTTP/1.1\r\nHost: " .. host .. "\r\n\r\n" }
  REFUSED[#REFUSED + 1] = { "HOST", "Host beside absolute-form: " .. name,
    "GET http://a/ HTTP/1.1\r\nHost: " .. host .. "\r\n\r\n" }
  if not host:find("[ /]") then
    REFUSED[#REFUSED + 1] = { "HOST", "authority: " .. name,
      "GET http://" .. host .. "/ HTTP/1.1\r\nHost: a\r\n\r\n" }
  end
end
for name, length in pairs(LENGTHS_REFUSED) do
  REFUSED[#REFUSED + 1] = { "LENGTH", "Content-Length: " .. name,
    GET .. "Content-Length: " .. length .. "\r\n\r\n" }
end


describe("http1_read_request", function()
  for _, case in ipairs(ACCEPTED) do
    local name, head, texts, facts = unpack(case)

    it("takes " .. name, function()
      local taken, request = read(head)
      assert.are.equal(#head, taken)
      for key, value in pairs(texts) do
        assert.are.equal(value, text(request[key]), key)
      end
      if not head:find("?", 1, true) then
        assert.is_nil(text(request.query))
      end
      for key, value in pairs(facts) do
        local got = request[key]
        if type(value) == "number" then
          got = tonumber(got)
        end
        assert.is_true(value == got, key .. ": " .. tostring(got))
      end
    end)

    it("waits at every cut of " .. name, function()
      for n = 0, #head - 1 do
        assert.are.equal(0, (read(head:sub(1, n))), "cut at " .. n)
      end
    end)

    it("takes byte by byte " .. name, function()
      for n = 1, #head - 1 do
        assert.are.equal(0, (read(head:sub(1, n), n - 1)))
      end
      assert.are.equal(#head, (read(head, #head - 1)))
    end)

    it("leaves what follows " .. name, function()
      assert.are.equal(#head, (read(head .. "GET /b\0 HTTP/9")))
    end)
  end

  for _, case in ipairs(REFUSED) do
    local wanted, name, head = unpack(case)

    it("refuses " .. name, function()
      assert.are.equal(wanted, name_of((read(head))))
    end)

    it("never takes a part of " .. name, function()
      local refused = false
      for n = 1, #head do
        local taken = read(head:sub(1, n))
        assert.is_true(taken <= 0, "cut at " .. n)
        assert.is_true(not refused or taken < 0, "taken back at " .. n)
        refused = taken < 0
      end
    end)

    it("refuses byte by byte " .. name, function()
      local whole, taken, n = head .. "\r\n\r\n", 0, 0
      while taken == 0 and n < #whole do
        n = n + 1
        taken = read(whole:sub(1, n), n - 1)
      end
      assert.are.equal(wanted, name_of(taken))
    end)
  end

  it("has a case for every refusal of its own", function()
    local named = { TARGET_SIZE = true, HEAD_SIZE = true }
    for _, case in ipairs(REFUSED) do
      named[case[1]] = true
    end
    for _, name in ipairs(ERRORS) do
      assert.is_true(named[name], name)
    end
  end)

  it("reads the end of a head again, however it came", function()
    local head = GET .. "Cookie: a=b; c=d\r\nAccept: */*\r\n\r\n"
    for seen = 0, #head - 1 do
      assert.are.equal(#head, (read(head, seen)), "seen " .. seen)
    end
  end)

  it("gives fields in their order with trimmed values", function()
    local _, request = read("GET / HTTP/1.1\r\nHOST: a\r\nX-Y:  \t b c \t\r\n"
      .. "Accept:\r\nx_y: \228\t1\r\nCookie: k=v\r\n\r\n")
    assert.are.equal(5, request.fields.count)
    assert.are.same({ "HOST", "a", tonumber(core.HTTP_HEADER_HOST) },
      { field(request, 0) })
    assert.are.same({ "X-Y", "b c", 0 }, { field(request, 1) })
    assert.are.same({ "Accept", "", tonumber(core.HTTP_HEADER_ACCEPT) },
      { field(request, 2) })
    assert.are.same({ "x_y", "\228\t1", 0 }, { field(request, 3) })
    assert.is_false(request.fields.at[1].underscore)
    assert.is_true(request.fields.at[3].underscore)
    local cookie = core.http_find(request.fields, core.HTTP_HEADER_COOKIE)
    assert.are.equal("k=v", text(cookie.value))
    assert.is_true(core.http_find(request.fields, core.HTTP_HEADER_TE) == nil)
  end)

  it("takes values of every length around a block of 16 bytes", function()
    for n = 0, 70 do
      for _, last in ipairs { "", "\r\n" } do
        local value = ("v"):rep(n)
        local head = GET .. "A: " .. value .. "\r\n\r\n" .. last
        local taken, request = read(head)
        assert.are.equal(#head - #last, taken)
        assert.are.equal(value, text(request.fields.at[1].value))
      end
    end
  end)

  it("finds a bad byte at every place of a value and of a target", function()
    for n = 0, 40 do
      local before, after = ("v"):rep(n), ("w"):rep(40 - n)
      assert.are.equal("CONTROL", name_of((read(GET .. "A: " .. before
        .. "\31" .. after .. "\r\n\r\n"))))
      assert.are.equal("NUL", name_of((read("GET /" .. before .. "\0"
        .. after .. " HTTP/1.1\r\nHost: a\r\n\r\n"))))
    end
  end)

  it("judges every byte of a name, a value, a target and a method", function()
    for c = 0, 255 do
      local byte = string.char(c)
      local token = byte:find("[%w!#$%%&'*+.^_`|~-]") ~= nil
      local value = c == 9 or c >= 32 and c ~= 127
      local target = c > 32 and c ~= 127 and byte ~= "#"
      local method = byte:find("[A-Z_-]") ~= nil
      assert.are.equal(token or byte == ":",
        read(GET .. "A" .. byte .. "B: c\r\n\r\n") > 0, c)
      assert.are.equal(value, read(GET .. "A: b" .. byte .. "c\r\n\r\n") > 0)
      assert.are.equal(target,
        read("GET /" .. byte .. " HTTP/1.1\r\nHost: a\r\n\r\n") > 0)
      assert.are.equal(method,
        read("A" .. byte .. " / HTTP/1.1\r\nHost: a\r\n\r\n") > 0)
    end
  end)

  it("puts the authority of the target in the place of Host", function()
    local _, request = read("GET http://b:81/ HTTP/1.1\r\nHost: a\r\n\r\n")
    assert.are.equal(1, request.fields.count)
    assert.are.equal("b:81", text(request.fields.at[0].value))
    _, request = read("GET http://b/ HTTP/1.0\r\nA: c\r\n\r\n")
    assert.are.equal(2, request.fields.count)
    assert.are.same({ "Host", "b", tonumber(core.HTTP_HEADER_HOST) },
      { field(request, 1) })
  end)

  it("takes as many fields as there may be", function()
    local head = GET .. ("A: b\r\n"):rep(99) .. "\r\n"
    local taken, request = read(head)
    assert.are.equal(#head, taken)
    assert.are.equal(100, request.fields.count)
  end)

  it("leaves nothing of an earlier request in the struct", function()
    local request = new_request()
    local rich = "OPTIONS http://b:81 HTTP/1.1\r\nHost: a\r\nExpect: "
      .. "100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"
    assert.are.equal(#rich, tonumber(core.http1_read_request(request, rich,
      #rich, 0)))
    local plain = "GET / HTTP/1.0\r\n\r\n"
    core.http1_read_request(request, plain, #plain, 0)
    assert.are.equal(0, request.fields.count)
    assert.is_nil(text(request.host))
    assert.is_nil(text(request.query))
    assert.are.equal(-1, request.port)
    assert.is_true(request.content_length == -1)
    assert.is_false(request.has_body)
    assert.is_false(request.absolute)
    assert.is_false(request.asterisk)
    assert.is_false(request.expect_continue)
    assert.is_false(request.keep_alive)
  end)
end)


describe("http1_full_error", function()
  it("tells a long first line from a large head", function()
    local cases = {
      { "TARGET_SIZE", "GET /aaaaaaaaaaaa" },
      { "TARGET_SIZE", "\r\n\r\nGET /aaaa" },
      { "HEAD_SIZE", "GET / HTTP/1.1\r\nA: b" },
      { "HEAD_SIZE", "\r\nGET / HTTP/1.1\r\n" },
    }
    for _, case in ipairs(cases) do
      local p, map = guarded(case[2])
      assert.are.equal(case[1],
        name_of(tonumber(core.http1_full_error(p, #case[2]))), map and case[2])
    end
  end)
end)


describe("http1_first_line", function()
  it("is what there is of the line", function()
    local cases = {
      { "", "" }, { "\r\n", "" }, { "GET /", "GET /" },
      { "\r\nGET / HTTP/1.1\r\nHost", "GET / HTTP/1.1" }, { "a\nb", "a" },
    }
    for _, case in ipairs(cases) do
      local p, map = guarded(case[1])
      assert.are.equal(case[2], text(core.http1_first_line(p, #case[1])),
        map and case[1])
    end
  end)
end)


describe("http1_error_status and http1_error_text", function()
  local STATUSES = {
    CONNECT = 501, CODING = 501, VERSION = 505, EXPECT = 417,
    TARGET_SIZE = 414, HEAD_SIZE = 431, FIELD_COUNT = 431,
  }

  it("have an answer and words of their own for every error", function()
    local words = {}
    for _, name in ipairs(ERRORS) do
      local number = number_of(name)
      assert.are.equal(STATUSES[name] or 400,
        core.http1_error_status(number), name)
      local said = ffi.string(core.http1_error_text(number))
      assert.is_nil(words[said], name)
      assert.are_not.equal("unknown error", said)
      words[said] = true
    end
  end)

  it("have an answer for any other number", function()
    for _, number in ipairs { 0, 1, -100 } do
      assert.are.equal(400, core.http1_error_status(number))
      assert.are.equal("unknown error",
        ffi.string(core.http1_error_text(number)))
    end
  end)
end)


describe("the writers of a response head", function()
  local function str(s)
    return ffi.new("struct str", s, #s)
  end

  local function written(write)
    local memory, buf = ffi.new("char[256]"), ffi.new("struct buf")
    core.buf_init(buf, memory, 256)
    write(buf)
    assert.is_false(buf.failed)
    return ffi.string(buf.p, buf.len)
  end

  it("write a head", function()
    assert.are.equal("HTTP/1.1 404 Not Found\r\nServer: m\r\nA: \r\n"
      .. "Content-Length: 18446744073709551615\r\n\r\n",
      written(function(buf)
        core.http1_write_status(buf, 404)
        core.http1_write_field(buf, str("Server"), str("m"))
        core.http1_write_field(buf, str("A"), ffi.new("struct str"))
        core.http1_write_field_uint(buf, str("Content-Length"), -1ULL)
        core.http1_write_end(buf)
      end))
  end)

  it("write a status that has no name", function()
    assert.are.equal("HTTP/1.1 299 Unknown\r\n", written(function(buf)
      core.http1_write_status(buf, 299)
    end))
  end)

  it("write nothing of a field that does not fit", function()
    local memory, buf = ffi.new("char[8]"), ffi.new("struct buf")
    core.buf_init(buf, memory, 8)
    core.http1_write_field(buf, str("Name"), str("v"))
    assert.is_true(buf.failed)
    assert.are.equal(0, tonumber(buf.len))
  end)
end)
