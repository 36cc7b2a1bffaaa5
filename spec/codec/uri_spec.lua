-- Paths decoded and without dot segments, arguments, and the way back.
local ffi = require "ffi"
local support = require "support.ffi"

local core = support.load("codec/uri.h")
local text, guarded = support.text, support.guarded

local ERRORS = { "RELATIVE", "ESCAPE", "NUL", "ABOVE", "SLASH" }


local function str(s)
  return ffi.new("struct str", s, #s)
end


local function name_of(number)
  for _, name in ipairs(ERRORS) do
    if tonumber(core["URI_E_" .. name]) == number then
      return name
    end
  end
  return number
end


-- The normal form, or nil and the error's name. Neither the path nor the room
-- for the result may be left.
local function normalize(path, slash)
  local p, map = guarded(path)
  local space, room = guarded(("\1"):rep(#path))
  local out = ffi.new("struct str")
  local got = core.uri_normalize(out, ffi.cast("char *", space),
    ffi.new("struct str", ffi.cast("char *", p), #path),
    slash or core.URI_SLASH_DECODE)
  if got < 0 then
    return nil, name_of(got), map, room
  end
  return text(out), out.p == ffi.cast("char *", p)
end


describe("uri_normalize", function()
  local NORMAL = {
    { "/", "/" },
    { "/a/b.php", "/a/b.php" },
    { "//", "/" },
    { "///a////b//", "/a/b/" },
    { "/.", "/" },
    { "/./", "/" },
    { "/a/.", "/a/" },
    { "/a/./b", "/a/b" },
    { "/a/..", "/" },
    { "/a/../", "/" },
    { "/a/b/..", "/a/" },
    { "/a/b/../../c", "/c" },
    { "/a/b/../c/./d/..", "/a/c/" },
    { "/a//../b", "/b" },
    { "/.a", "/.a" },
    { "/..a/b..", "/..a/b.." },
    { "/...", "/..." },
    { "/a%20b", "/a b" },
    { "/%41%5a%7E", "/AZ~" },
    { "/%e4%b8%ad", "/\228\184\173" },
    { "/\228\184\173", "/\228\184\173" },
    { "/a%2Fb", "/a/b" },
    { "/a%2f%2fb", "/a/b" },
    { "/a/%2e%2e/b", "/b" },
    { "/a%2f..%2fb", "/b" },
    { "/a/%2e/b", "/a/b" },
    { "/a/.%2E", "/" },
    { "/%252e%252e/", "/%2e%2e/" },
    { "/%2500", "/%00" },
    { "/%25", "/%" },
    { "/a%3Fb%23c", "/a?b#c" },
    { "/a+b", "/a+b" },
    { "/a\\..\\b", "/a\\..\\b" },
    { "/a%0d%0ab", "/a\r\nb" },
  }

  for _, case in ipairs(NORMAL) do
    it("normalizes " .. case[1], function()
      assert.are.equal(case[2], (normalize(case[1])))
    end)
  end

  local REFUSED = {
    { "RELATIVE", "" },
    { "RELATIVE", "a" },
    { "RELATIVE", "../a" },
    { "RELATIVE", "%2f" },
    { "ESCAPE", "/%" },
    { "ESCAPE", "/%4" },
    { "ESCAPE", "/a%4" },
    { "ESCAPE", "/%4g" },
    { "ESCAPE", "/%g4" },
    { "ESCAPE", "/% 4" },
    { "ESCAPE", "/%u4e2d" },
    { "NUL", "/%00" },
    { "NUL", "/a%00.php" },
    { "NUL", "/a\0b" },
    { "ABOVE", "/.." },
    { "ABOVE", "/../" },
    { "ABOVE", "/../etc/passwd" },
    { "ABOVE", "/a/../.." },
    { "ABOVE", "/a/../../b" },
    { "ABOVE", "//.." },
    { "ABOVE", "/./.." },
    { "ABOVE", "/%2e%2e/" },
    { "ABOVE", "/%2e." },
    { "ABOVE", "/..%2f" },
    { "ABOVE", "/a%2f..%2f..%2fb" },
  }

  for _, case in ipairs(REFUSED) do
    it("refuses " .. case[2]:gsub("%z", "NUL"), function()
      local out, error_name = normalize(case[2])
      assert.is_nil(out)
      assert.are.equal(case[1], error_name)
    end)
  end

  it("refuses an encoded slash where that is asked for", function()
    for _, path in ipairs { "/a%2fb", "/%2F", "/a/..%2fb" } do
      local out, error_name = normalize(path, core.URI_SLASH_REFUSE)
      assert.is_nil(out)
      assert.are.equal("SLASH", error_name)
    end
    assert.are.equal("/%2f", (normalize("/%252f", core.URI_SLASH_REFUSE)))
  end)

  it("gives a plain path back without a copy", function()
    for _, path in ipairs { "/", "/a/b.c", "/a/", "/index.php/a" } do
      local out, same = normalize(path)
      assert.are.equal(path, out)
      assert.is_true(same)
    end
  end)

  -- What comes out has no segment that a second reading would change.
  it("leaves no dot segment, whatever is put together", function()
    local pieces = { "/", ".", "%2e", "a", "%2f", "..", "//" }
    math.randomseed(7)
    for _ = 1, 5000 do
      local path = "/"
      for _ = 1, math.random(8) do
        path = path .. pieces[math.random(#pieces)]
      end
      local out = normalize(path)
      if out then
        assert.are.equal("/", out:sub(1, 1))
        assert.is_nil(out:find("//", 1, true), path)
        assert.is_nil((out .. "/"):find("/%.%.?/"), path)
        assert.are.equal(out, (normalize(out)), path)
      end
    end
  end)

  it("has words of their own for every error", function()
    local words = {}
    for _, name in ipairs(ERRORS) do
      local said = ffi.string(core.uri_error_text(core["URI_E_" .. name]))
      assert.is_nil(words[said])
      words[said] = true
    end
    assert.are.equal("unknown error", ffi.string(core.uri_error_text(0)))
  end)
end)


describe("uri_split", function()
  it("cuts at the first question mark", function()
    for _, case in ipairs {
      { "/a", "/a", nil }, { "/a?", "/a", "" }, { "/a?b?c", "/a", "b?c" },
      { "?", "", "" },
    } do
      local path, query = ffi.new("struct str"), ffi.new("struct str")
      core.uri_split(path, query, str(case[1]))
      assert.are.equal(case[2], text(path))
      assert.are.equal(case[3], text(query))
    end
  end)
end)


describe("arguments", function()
  local function args(query)
    local rest, list = str(query), {}
    local name, value = ffi.new("struct str"), ffi.new("struct str")
    while core.uri_next_arg(rest, name, value) do
      list[#list + 1] = { text(name), text(value) }
    end
    return list
  end

  local function find(query, name)
    local value = ffi.new("struct str")
    if core.uri_find_arg(value, str(query), str(name)) then
      return text(value) or true
    end
  end

  local function decode(coded)
    local p, map = guarded(coded)
    local out = ffi.cast("char *", p)
    local len = core.uri_decode_arg(out, ffi.new("struct str", out, #coded))
    return ffi.string(out, len), map
  end

  it("come one by one", function()
    assert.are.same({}, args(""))
    assert.are.same({}, args("&&"))
    assert.are.same({ { "a", "1" }, { "b" }, { "c", "" }, { "", "d" },
      { "e", "f=g" } }, args("a=1&b&&c=&=d&e=f=g&"))
  end)

  it("are found by their decoded names", function()
    local query = "a=1&b%5B%5D=2&a=3&c+d=4&e&f="
    assert.are.equal("1", find(query, "a"))
    assert.are.equal("2", find(query, "b[]"))
    assert.are.equal("4", find(query, "c d"))
    assert.are.equal(true, find(query, "e"))
    assert.are.equal("", find(query, "f"))
    assert.is_nil(find(query, "A"))
    assert.is_nil(find(query, "b"))
    assert.is_nil(find(query, "aa"))
    assert.is_nil(find(query, ""))
  end)

  it("are decoded in place", function()
    for _, case in ipairs {
      { "", "" }, { "a+b", "a b" }, { "%41%2b", "A+" }, { "%", "%" },
      { "%4", "%4" }, { "%zz", "%zz" }, { "a%00b", "a\0b" },
      { "%e4%b8%ad", "\228\184\173" }, { "%%41", "%A" },
    } do
      assert.are.equal(case[2], (decode(case[1])))
    end
  end)
end)


describe("uri_write_path and uri_write_arg", function()
  local function written(write, plain)
    local memory, buf = ffi.new("char[2048]"), ffi.new("struct buf")
    core.buf_init(buf, memory, 2048)
    write(buf, str(plain))
    assert.is_false(buf.failed)
    return ffi.string(buf.p, buf.len)
  end

  it("write what reads the same", function()
    local all = {}
    for c = 1, 255 do
      all[#all + 1] = string.char(c)
    end
    local path = "/" .. table.concat(all):gsub("%./", "x")
    local coded = written(core.uri_write_path, path)
    assert.is_nil(coded:find("[^%w%%/!$&'()*+,;=:@._~-]"))
    assert.are.equal(path, (normalize(coded)))
    coded = written(core.uri_write_arg, path)
    assert.is_nil(coded:find("[^%w%%._~-]"))
  end)

  it("keep what may stand", function()
    assert.are.equal("/a/b;c=1@%3Fd%23e%25%20%E4",
      written(core.uri_write_path, "/a/b;c=1@?d#e% \228"))
    assert.are.equal("a%2Fb%20c%26~", written(core.uri_write_arg, "a/b c&~"))
    assert.are.equal("", written(core.uri_write_arg, ""))
  end)

  it("end no line and write no second one", function()
    assert.are.equal("/a%0D%0ASet-Cookie:%20b",
      written(core.uri_write_path, "/a\r\nSet-Cookie: b"))
  end)
end)
