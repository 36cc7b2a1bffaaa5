--- moongate.hash, moongate.base64 and moongate.json, as scripts see them.
local program = require "script.program"


-- Runs a chunk as a script while it loads: nil, or what it raised.
local function run(body)
  return program.faults_of("local moongate = require 'moongate'\n"
    .. "local hash, base64, json = moongate.hash, moongate.base64, "
    .. "moongate.json\n" .. body .. "\nreturn {}")[1]
end


local function assert_runs(body)
  assert.is_nil(run(body))
end


local function assert_raises(wanted, body)
  local text = run(body)
  assert.is_string(text, "nothing was raised")
  assert.is_true(text:find(wanted, 1, true) ~= nil, text)
end


describe("moongate.hash", function()
  it("has the digests of FIPS 180", function()
    assert_runs([[
      assert(hash.sha1("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d")
      assert(hash.sha256("abc") == "ba7816bf8f01cfea414140de5dae2223"
        .. "b00361a396177a9cb410ff61f20015ad")
      assert(#hash.sha512("") == 128)
      assert(hash.sha1("abc", true):byte() == 0xa9)
      assert(#hash.sha256("", true) == 32)
    ]])
  end)

  it("has the HMAC of RFC 2202 and 4231", function()
    assert_runs([[
      assert(hash.hmac("sha1", "Jefe", "what do ya want for nothing?")
        == "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")
      assert(hash.hmac("sha256", "Jefe", "what do ya want for nothing?")
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
      assert(#hash.hmac("sha512", "", "", true) == 64)
    ]])
  end)

  it("compares", function()
    assert_runs("assert(hash.equal('ab', 'ab') and hash.equal('', ''))\n"
      .. "assert(not hash.equal('ab', 'ac') and not hash.equal('a', 'ab'))")
  end)

  for body, wanted in pairs {
    ["hash.sha1(1)"] = "a.lua:3: bad argument #1 to 'sha1' (string expected, "
      .. "got number)",
    ["hash.hmac('md5', 'k', 't')"] =
      "a.lua:3: bad argument #1 to 'hmac' ('sha1', 'sha256' or 'sha512'",
    ["hash.hmac('sha1', nil, 't')"] = "a.lua:3: bad argument #2 to 'hmac'",
    ["hash.equal('a')"] = "a.lua:3: bad argument #2 to 'equal'",
    ["hash.sha256(('x'):rep(4194305))"] = "a.lua:3: bad argument #1 to "
      .. "'sha256' (more than 4194304 bytes)",
    ["hash.md5('x')"] = "a.lua:3: moongate.hash has no 'md5'",
  } do
    it("refuses " .. body, function()
      assert_raises(wanted, body)
    end)
  end
end)


describe("moongate.base64", function()
  it("has the vectors of RFC 4648, both ways", function()
    assert_runs([[
      local plain = { "", "f", "fo", "foo", "foob", "fooba", "foobar" }
      local coded = { "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=",
        "Zm9vYmFy" }
      for i, text in ipairs(plain) do
        assert(base64.encode(text) == coded[i])
        assert(base64.decode(coded[i]) == text)
        assert(base64.encode_url(text) == coded[i]:gsub("=", ""))
        assert(base64.decode_url((coded[i]:gsub("=", ""))) == text)
        assert(base64.decode_url(coded[i]) == text)
      end
      assert(base64.encode("\251\255") == "+/8=")
      assert(base64.encode_url("\251\255") == "-_8")
    ]])
  end)

  it("answers nil for what is none", function()
    assert_runs([[
      for _, text in ipairs { "Z", "Zg", "Zg=", "Zh==", "Zg==\n", "Z g=",
        "====", "Zg==Zg==", "-_8=", "Zm9=", "=", "A===" } do
        local bytes, reason = base64.decode(text)
        assert(bytes == nil and reason == "not base64", text)
      end
      for _, text in ipairs { "Z", "Zg=", "+/8", "Zh", "Zg===" } do
        assert(base64.decode_url(text) == nil, text)
      end
    ]])
  end)

  it("raises for what is no string", function()
    assert_raises("a.lua:3: bad argument #1 to 'decode_url' (string expected",
      "base64.decode_url(nil)")
  end)
end)


describe("moongate.json", function()
  it("reads every kind of value", function()
    assert_runs([[
      local v = json.decode(' {"a": [1, -2.5e1, true, false, null], "b": {} '
        .. ', "c": "\\u00e9\\ud83d\\ude00\\n\\"\\/", "": "x"}\r\n\t')
      assert(v.a[1] == 1 and v.a[2] == -25 and v.a[3] == true)
      assert(v.a[4] == false and v.a[5] == json.null and #v.a == 5)
      assert(next(v.b) == nil and v.c == "\195\169\240\159\152\128\n\"/")
      assert(v[""] == "x" and json.decode("0") == 0 and json.decode('""') == "")
      assert(json.decode("-0.5E-2") == -0.005 and json.decode("null"))
      assert(json.decode('"\\u0000"') == "\0")
    ]])
  end)

  local WRONG = {
    [""] = "a value is missing at byte 1", ["[1,]"] = "not a value at byte 4",
    ["{\"a\":1,}"] = "a name in quotes expected at byte 8",
    ["[1 2]"] = "',' or ']' expected at byte 4",
    ["{\"a\" 1}"] = "':' expected at byte 6",
    ["01"] = "not a number at byte 1", ["1."] = "not a number at byte 1",
    ["-"] = "not a number at byte 1", ["+1"] = "not a value at byte 1",
    [".5"] = "not a value at byte 1", ["0x10"] = "not a number at byte 1",
    ["1e"] = "not a number at byte 1", ["1e999"] = "a number is too large",
    ["NaN"] = "not a value", ["Infinity"] = "not a value",
    ["'a'"] = "not a value", ["\"a"] = "a string without its end at byte 3",
    ["\"\\"] = "a string without its end", ["\"\\x\""] = "unknown escape",
    ["\"\\u12\""] = "\\u without a character",
    ["\"\\ud800\""] = "\\u without a character",
    ["\"\\ud800\\u0041\""] = "\\u without a character",
    ["\"\\udc00\""] = "\\u without a character",
    ["\"\1\""] = "control byte in a string at byte 2",
    ["\"\255\""] = "a string is not UTF-8",
    ["\"\192\128\""] = "a string is not UTF-8",
    ["{\"a\":1,\"a\":2}"] = "a name comes twice in an object",
    ["truex"] = "more than one value at byte 5", ["tru"] = "not a value",
    ["1\0"] = "more than one value at byte 2",
    ["[1]]"] = "more than one value at byte 4",
    [("["):rep(65)] = "too many levels at byte 65",
    ["/**/1"] = "not a value",
  }
  for text, wanted in pairs(WRONG) do
    it(("refuses %q"):format(text:sub(1, 20)), function()
      assert_runs(("local v, why = json.decode(%q)\n"
        .. "assert(v == nil and why:find(%q, 1, true), tostring(why))"):format(
        text, wanted))
    end)
  end

  it("refuses every beginning of a text, and no more", function()
    assert_runs([[
      local text = '{"a":[1.5e2,"\\u00e9\\ud83d\\ude00",true,null,{"b":[]}]}'
      for i = 0, #text - 1 do
        assert(json.decode(text:sub(1, i)) == nil, i)
      end
      assert(json.decode(text))
    ]])
  end)

  it("refuses a text that is too large", function()
    assert_runs([[
      local _, why = json.decode('"' .. ("x"):rep(4194304) .. '"')
      assert(why == "the text is too large at byte 1", why)
      local text, reason = json.encode(("x"):rep(4194304))
      assert(text == nil and reason == "the text is too large", reason)
    ]])
  end)

  -- Each had room made for all of the text that followed.
  it("reads many strings with escapes in a time that grows with them",
    function()
      assert_runs([[
        local text = "[" .. ('"\\n",'):rep(100000) .. '"x\\\\"]'
        local before = os.clock()
        local list = assert(json.decode(text))
        assert(os.clock() - before < 0.5, "it took too long")
        assert(#list == 100001 and list[1] == "\n" and list[100001] == "x\\")
        assert(not json.decode('["\\n') and not json.decode('["\\n\\'))
        assert(not json.decode('["\\n\\"'))
      ]])
    end)

  it("writes what it reads", function()
    assert_runs([[
      for _, text in ipairs { "[]", "{}", "[[],{}]", '{"a":[1,"b",null]}',
        "true", "-1.5", "1e+300", "0.1", "9007199254740993", '"\\"\\\\\\n"',
        '"\195\169"', "1700000000.125", '"\\u001f"', "null" } do
        local again = json.encode(json.decode(text))
        local want = text == "9007199254740993" and "9007199254740992" or text
        assert(again == want, again)
      end
      assert(json.encode(0.1 + 0.2) == "0.30000000000000004")
      assert(json.encode({ a = json.array({}) }) == '{"a":[]}')
      assert(json.encode({ 1, { x = "y" } }) == '[1,{"x":"y"}]')
      assert(json.encode(nil) == "null")
    ]])
  end)

  it("answers nil for values that no text has", function()
    assert_runs([[
      local function why(value)
        local text, reason = json.encode(value)
        assert(text == nil)
        return reason
      end
      assert(why(0 / 0) == "a number is not finite")
      assert(why({ x = 1 / 0 }) == "a number is not finite")
      assert(why("\255") == "a string is not UTF-8")
      assert(why({ ["\255"] = 1 }) == "a string is not UTF-8")
      local loop = {}
      loop[1] = loop
      assert(why(loop) == "too many levels")
    ]])
  end)

  for body, wanted in pairs {
    ["json.encode(print)"] = "a.lua:3: bad argument #1 to 'encode' (a value "
      .. "is no string, number, boolean, table or null)",
    ["json.encode({ 1, x = 2 })"] = "(a table is neither an array nor an "
      .. "object)",
    ["json.encode({ [1.5] = 2 })"] = "(a table has a key that is not a string)",
    ["json.decode(1)"] = "a.lua:3: bad argument #1 to 'decode' (string "
      .. "expected, got number)",
    ["json.array(1)"] = "a.lua:3: bad argument #1 to 'array' (table expected",
    ["json.array(setmetatable({}, {}))"] = "(the table has a metatable)",
    ["setmetatable(json.array({}), {})"] = "protected metatable",
  } do
    it("raises for " .. body, function()
      assert_raises(wanted, body)
    end)
  end

  it("hides what it marks arrays with", function()
    assert_runs("assert(getmetatable(json.array({})) == false)")
  end)
end)
