-- HTTP's words: numbers of names, kinds of bytes, lists, fields by name.
local ffi = require "ffi"
local support = require "support.ffi"

local core = support.load("codec/http.h")
local text = support.text


local function str(s)
  return ffi.new("struct str", s, #s)
end


-- The names of the numbers, from the header itself.
local function known_names()
  local file = assert(io.open("src/codec/http.h"))
  local names = {}
  for word, name in file:read("*a"):gmatch(
      "\n    HTTP_HEADER_([A-Z_]+),%s*/%* ([%w-]+)") do
    if word ~= "OTHER" and word ~= "COUNT" then
      names[#names + 1] = { tonumber(core["HTTP_HEADER_" .. word]), name }
    end
  end
  file:close()
  return names
end


describe("http_header_id", function()
  it("knows every name of the enum in any case", function()
    local names = known_names()
    assert.are.equal(tonumber(core.HTTP_HEADER_COUNT) - 1, #names)
    for _, row in ipairs(names) do
      local id, name = row[1], row[2]
      assert.are.equal(id, tonumber(core.http_header_id(str(name))), name)
      assert.are.equal(id, tonumber(core.http_header_id(str(name:lower()))))
      assert.are.equal(id, tonumber(core.http_header_id(str(name:upper()))))
      assert.are.equal(name, text(core.http_header_name(id)))
    end
  end)

  it("does not take a name that differs in one letter", function()
    for _, row in ipairs(known_names()) do
      local name = row[2]
      for i = 1, #name do
        for _, other in ipairs { "x", "_", "0", "~" } do
          local near = name:sub(1, i - 1) .. other .. name:sub(i + 1)
          if near:lower() ~= name:lower() then
            assert.are_not.equal(row[1],
              tonumber(core.http_header_id(str(near))), near)
          end
        end
      end
      for _, near in ipairs { name .. "x", name:sub(2), name:sub(1, -2) } do
        assert.are_not.equal(row[1], tonumber(core.http_header_id(str(near))))
      end
    end
  end)

  it("answers OTHER to names that nobody asks for", function()
    for _, name in ipairs { "", "X", "X-Custom", ("a"):rep(300) } do
      assert.are.equal(0, tonumber(core.http_header_id(str(name))))
    end
  end)

  it("has no name for OTHER and for what is no number", function()
    for _, id in ipairs { 0, tonumber(core.HTTP_HEADER_COUNT), 1000 } do
      assert.are.equal("", text(core.http_header_name(id)) or "")
    end
  end)
end)


describe("http_method_id", function()
  it("knows the methods, in capitals alone", function()
    for _, name in ipairs { "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS",
        "TRACE", "CONNECT", "PATCH" } do
      assert.are.equal(tonumber(core["HTTP_METHOD_" .. name]),
        tonumber(core.http_method_id(str(name))), name)
      assert.are.equal(0, tonumber(core.http_method_id(str(name:lower()))))
      assert.are.equal(0, tonumber(core.http_method_id(str(name .. "S"))))
    end
    assert.are.equal(0, tonumber(core.http_method_id(str("PROPFIND"))))
    assert.are.equal(0, tonumber(core.http_method_id(str(""))))
  end)
end)


describe("http_is_token and http_is_value", function()
  it("judge every byte as RFC 9110 does", function()
    for c = 0, 255 do
      local byte = string.char(c)
      assert.are.equal(byte:find("[%w!#$%%&'*+.^_`|~-]") ~= nil,
        core.http_is_token(str("a" .. byte)), c)
      assert.are.equal(c == 9 or c >= 32 and c ~= 127,
        core.http_is_value(str(("a"):rep(20) .. byte)), c)
    end
  end)

  it("take an empty value, but no empty token", function()
    assert.is_false(core.http_is_token(str("")))
    assert.is_true(core.http_is_value(str("")))
    assert.is_true(core.http_is_value(ffi.new("struct str")))
  end)
end)


describe("http_list_next", function()
  for _, case in ipairs {
    { "", {} },
    { "a", { "a" } },
    { "a,b", { "a", "b" } },
    { " a b\t, c ;d ", { "a b", "c ;d" } },
    { "a,", { "a" } },
    { ",a", { "", "a" } },
    { "a, ,b", { "a", "", "b" } },
  } do
    it("takes \"" .. case[1] .. "\" apart", function()
      local bytes, items = case[1], {}
      local list, item = str(bytes), ffi.new("struct str")
      while core.http_list_next(item, list) do
        items[#items + 1] = ffi.string(item.p, item.len)
      end
      assert.are.same(case[2], items)
    end)
  end
end)


describe("http_frames_message", function()
  it("knows such headers in any case", function()
    for _, name in ipairs { "Connection", "Content-Length", "Keep-Alive",
        "Trailer", "Transfer-Encoding", "Upgrade" } do
      assert.is_true(core.http_frames_message(str(name)), name)
      assert.is_true(core.http_frames_message(str(name:lower())), name)
      assert.is_false(core.http_frames_message(str(name .. "s")), name)
    end
  end)

  it("leaves the others to scripts", function()
    for _, name in ipairs { "Content-Type", "Date", "Server", "TE", "X" } do
      assert.is_false(core.http_frames_message(str(name)), name)
    end
  end)
end)


describe("http_list_has", function()
  local CASES = {
    { "close", "close", true },
    { "Close", "close", true },
    { "keep-alive, close", "close", true },
    { "a,,close;q=1 ,b", "close", true },
    { " close ", "close", true },
    { "", "close", false },
    { "closed", "close", false },
    { "not close", "close", false },
    { "a;close", "close", false },
    { ",", "close", false },
  }

  for _, case in ipairs(CASES) do
    it("is right about \"" .. case[1] .. "\"", function()
      assert.are.equal(case[3],
        core.http_list_has(str(case[1]), str(case[2])))
    end)
  end
end)


describe("fields", function()
  local fields, anchors

  before_each(function()
    fields, anchors = ffi.new("struct http_fields"), {}
    core.http_fields_init(fields)
  end)

  local function add(name, value)
    anchors[#anchors + 1] = { name, value }
    return core.http_add(fields, str(name), str(value))
  end

  local function names()
    local list = {}
    for i = 0, fields.count - 1 do
      list[#list + 1] = text(fields.at[i].name)
    end
    return table.concat(list, " ")
  end

  it("are found by number and by name", function()
    add("X-A", "1")
    add("host", "h")
    add("x-a", "2")
    add("HOST", "i")
    assert.are.equal("h", text(core.http_value(fields, core.HTTP_HEADER_HOST)))
    assert.are.equal("h",
      text(core.http_find_name(fields, str("Host")).value))
    assert.are.equal("1", text(core.http_find_name(fields, str("X-a")).value))
    assert.is_true(core.http_find_name(fields, str("X-B")) == nil)
    assert.is_true(core.http_find_name(fields, str("Cookie")) == nil)
    assert.is_nil(text(core.http_value(fields, core.HTTP_HEADER_COOKIE)))
  end)

  it("say whether a name has an underscore", function()
    add("X_A", "1")
    add("X-A", "1")
    assert.is_true(fields.at[0].underscore)
    assert.is_false(fields.at[1].underscore)
  end)

  it("are removed by name in any case, the others keep their order", function()
    add("A", "1")
    add("Cookie", "1")
    add("B", "1")
    add("cookie", "2")
    add("Date", "1")
    assert.are.equal(2, core.http_remove(fields, str("COOKIE")))
    assert.are.equal("A B Date", names())
    assert.is_true(core.http_find_name(fields, str("cookie")) == nil)
    assert.are.equal("1", text(core.http_value(fields,
      core.HTTP_HEADER_DATE)))
    assert.are.equal(1, core.http_remove(fields, str("a")))
    assert.are.equal(0, core.http_remove(fields, str("a")))
    assert.are.equal("B Date", names())
  end)

  it("are no more than there may be", function()
    for _ = 1, core.HTTP_MAX_FIELDS do
      assert.are.equal(0, add("A", "1"))
    end
    assert.are.equal(-1, add("A", "1"))
    assert.are.equal(tonumber(core.HTTP_MAX_FIELDS), fields.count)
  end)
end)


describe("http_status_text and http_reason", function()
  it("name the registered statuses", function()
    assert.are.equal("404 Not Found", text(core.http_status_text(404)))
    assert.are.equal("OK", ffi.string(core.http_reason(200)))
    for status = 100, 599 do
      local whole = text(core.http_status_text(status))
      if whole ~= "" then
        assert.are.equal(whole,
          status .. " " .. ffi.string(core.http_reason(status)))
      end
    end
  end)

  it("name no others", function()
    for _, status in ipairs { -1, 0, 99, 299, 600, 2000000000 } do
      assert.are.equal("", text(core.http_status_text(status)))
      assert.are.equal("Unknown", ffi.string(core.http_reason(status)))
    end
  end)
end)
