-- FastCGI records: written as the specification draws them, and read again.
local ffi = require "ffi"
local support = require "support.ffi"

local core = support.load("codec/fcgi.h")
local text, guarded = support.text, support.guarded


local function str(s)
  return ffi.new("struct str", s, #s)
end


local function written(write, size)
  local memory, buf = ffi.new("char[?]", size or 4096), ffi.new("struct buf")
  core.buf_init(buf, memory, size or 4096)
  write(buf)
  if buf.failed then
    return nil
  end
  return ffi.string(buf.p, buf.len)
end


local function read_header(bytes)
  local header = ffi.new("struct fcgi_header")
  local p, map = guarded(bytes)
  return tonumber(core.fcgi_read_header(header, p, #bytes)), header, map
end


-- The records in some bytes: type, id and content each.
local function records(bytes)
  local list = {}
  while #bytes > 0 do
    local taken, header = read_header(bytes)
    assert.are.equal(8, taken)
    local stop = 8 + header.content_len
    assert.is_true(#bytes >= stop + header.padding_len, "cut off")
    list[#list + 1] = { header.type, header.request_id, bytes:sub(9, stop) }
    bytes = bytes:sub(stop + header.padding_len + 1)
  end
  return list
end


local function read_pairs(bytes)
  local list, pair = {}, ffi.new("struct fcgi_pair")
  while #bytes > 0 do
    local p, map = guarded(bytes)
    local taken = tonumber(core.fcgi_read_pair(pair, p, #bytes))
    if taken < 0 then
      return nil, taken
    end
    list[#list + 1] = { text(pair.name), text(pair.value) }
    bytes = bytes:sub(taken + 1)
    assert(map)
  end
  return list
end


describe("fcgi_read_header", function()
  it("reads the numbers", function()
    local taken, header = read_header("\1\6\1\2\3\4\5\0")
    assert.are.equal(8, taken)
    assert.are.same({ 6, 0x102, 0x304, 5 }, { header.type, header.request_id,
      header.content_len, header.padding_len })
  end)

  it("waits at every cut", function()
    for n = 0, 7 do
      assert.are.equal(0, (read_header(("\1\6\0\1\0\0\0\0"):sub(1, n))))
    end
  end)

  it("refuses another version at its first byte", function()
    for _, bytes in ipairs { "\0", "\2", "H", "\2\6\0\1\0\0\0\0" } do
      assert.are.equal(tonumber(core.FCGI_E_VERSION), (read_header(bytes)))
    end
  end)

  it("reads every header that is written", function()
    for _, case in ipairs { { 1, 0, 0, 0 }, { 5, 1, 65535, 255 },
        { 11, 65535, 256, 7 } } do
      local taken, header = read_header(written(function(buf)
        core.fcgi_write_header(buf, unpack(case))
      end))
      assert.are.equal(8, taken)
      assert.are.same(case, { header.type, header.request_id,
        header.content_len, header.padding_len })
    end
  end)
end)


describe("fcgi_write_begin", function()
  it("asks for a responder", function()
    assert.are.equal("\1\1\1\2\0\8\0\0\0\1\0\0\0\0\0\0",
      written(function(buf)
        core.fcgi_write_begin(buf, 0x102, 0)
      end))
    assert.are.equal("\1\1\0\1\0\8\0\0\0\1\1\0\0\0\0\0",
      written(function(buf)
        core.fcgi_write_begin(buf, 1, core.FCGI_KEEP_CONN)
      end))
  end)
end)


describe("fcgi_write_abort", function()
  it("writes an empty record", function()
    assert.are.equal("\1\2\0\7\0\0\0\0", written(function(buf)
      core.fcgi_write_abort(buf, 7)
    end))
  end)
end)


describe("fcgi_read_end", function()
  local function read_end(content)
    local out = ffi.new("struct fcgi_end")
    local p, map = guarded(content)
    return tonumber(core.fcgi_read_end(out, p, #content)), out, map
  end

  it("reads what is written", function()
    local record = records(written(function(buf)
      core.fcgi_write_end(buf, 1, 0x01020304, core.FCGI_OVERLOADED)
    end))[1]
    assert.are.equal(tonumber(core.FCGI_END_REQUEST), record[1])
    local taken, out = read_end(record[3])
    assert.are.equal(8, taken)
    assert.are.equal(0x01020304, out.app_status)
    assert.are.equal(tonumber(core.FCGI_OVERLOADED), out.status)
  end)

  it("refuses another length", function()
    for n = 0, 20 do
      if n ~= 8 then
        assert.are.equal(tonumber(core.FCGI_E_LENGTH),
          (read_end(("\0"):rep(n))))
      end
    end
  end)
end)


describe("pairs", function()
  local CASES = {
    { "empty ones", { { "", "" } } },
    { "short ones", { { "A", "b" }, { "SCRIPT_NAME", "/index.php" } } },
    { "lengths around one byte's", { { ("n"):rep(127), ("v"):rep(127) },
      { ("n"):rep(128), ("v"):rep(128) }, { "A", ("v"):rep(128) },
      { ("n"):rep(128), "" } } },
    { "a value beyond a record", { { "A", ("v"):rep(70000) } } },
  }

  for _, case in ipairs(CASES) do
    it("are read as they were written: " .. case[1], function()
      local size = 0
      local bytes = written(function(buf)
        for _, pair in ipairs(case[2]) do
          core.fcgi_write_pair(buf, str(pair[1]), str(pair[2]))
          size = size + tonumber(core.fcgi_pair_len(str(pair[1]),
            str(pair[2])))
        end
      end, 100000)
      assert.are.equal(size, #bytes)
      assert.are.same(case[2], (read_pairs(bytes)))
    end)
  end

  it("are refused at every cut", function()
    for _, value in ipairs { "", "b", ("v"):rep(200) } do
      local bytes = written(function(buf)
        core.fcgi_write_pair(buf, str("NAME"), str(value))
      end)
      for n = 1, #bytes - 1 do
        local list, code = read_pairs(bytes:sub(1, n))
        assert.is_nil(list)
        assert.are.equal(tonumber(core.FCGI_E_PAIR), code)
      end
    end
    local p = guarded("")
    assert.are.equal(tonumber(core.FCGI_E_PAIR),
      tonumber(core.fcgi_read_pair(ffi.new("struct fcgi_pair"), p, 0)))
  end)

  it("are refused where their lengths overflow", function()
    for _, bytes in ipairs { "\255\255\255\255\255\255\255\255x",
        "\1\255\255\255\255x", "\255\255\255\255\1x" } do
      local list, code = read_pairs(bytes)
      assert.is_nil(list)
      assert.are.equal(tonumber(core.FCGI_E_PAIR), code)
    end
  end)

  it("have four bytes of length from 128 on", function()
    assert.are.equal("\1\128\0\0\128A" .. ("v"):rep(128),
      written(function(buf)
        core.fcgi_write_pair(buf, str("A"), str(("v"):rep(128)))
      end))
  end)

  it("that are too long fail the buffer", function()
    assert.is_nil(written(function(buf)
      core.fcgi_write_pair(buf, ffi.new("struct str", nil, 0x80000000ULL),
        str("v"))
    end))
    assert.is_nil(written(function(buf)
      core.fcgi_write_pair(buf, str("A"), str(("v"):rep(128)))
    end, 100))
  end)
end)


describe("fcgi_open_params and fcgi_close_params", function()
  -- One pair of this encoded length, 10 or more.
  local function params(len, size)
    local value = ("v"):rep(len - 6)
    local bytes = written(function(buf)
      core.fcgi_write_begin(buf, 3, 0)
      local at = core.fcgi_open_params(buf)
      if len > 0 then
        core.fcgi_write_pair(buf, str("A"), str(value))
      end
      core.fcgi_close_params(buf, at, 3)
      core.fcgi_write_abort(buf, 3)
    end, size or len + 200)
    return bytes, value
  end

  for _, len in ipairs { 200, 65534, 65535, 65536, 131070, 131071, 400000 } do
    it("write a stream of " .. len .. " bytes", function()
      local bytes, value = params(len)
      local list = records(bytes)
      local parts = {}
      assert.are.equal(math.ceil(len / 65535) + 3, #list)
      for i = 2, #list - 1 do
        assert.are.equal(tonumber(core.FCGI_PARAMS), list[i][1])
        assert.are.equal(3, list[i][2])
        parts[#parts + 1] = list[i][3]
        assert.are.equal(i == #list - 1, list[i][3] == "")
      end
      assert.are.equal(tonumber(core.FCGI_ABORT_REQUEST), list[#list][1])
      local all = table.concat(parts)
      assert.are.equal(len, #all)
      assert.are.same({ { "A", value } }, (read_pairs(all)))
    end)
  end

  it("write one empty record for no parameters", function()
    local list = records((params(0)))
    assert.are.equal(3, #list)
    assert.are.same({ tonumber(core.FCGI_PARAMS), 3, "" }, list[2])
  end)

  it("fail the buffer where a header does not fit", function()
    assert.is_nil((params(131071, 131071 + 16 + 8 + 8 + 8)))
    assert.is_nil((params(200, 16 + 8 + 200)))
    assert.is_nil((params(200, 16 + 4)))
  end)
end)


describe("fcgi_write_stream", function()
  for _, len in ipairs { 0, 1, 65535, 65536, 200000 } do
    it("splits " .. len .. " bytes", function()
      local data = ("0123456789abcdef"):rep(len / 16 + 1):sub(1, len)
      local list = records(written(function(buf)
        core.fcgi_write_stream(buf, core.FCGI_STDIN, 1, str(data))
      end, len + 100))
      local parts = {}
      assert.are.equal(math.ceil(len / 65535), #list)
      for i, record in ipairs(list) do
        assert.are.equal(tonumber(core.FCGI_STDIN), record[1])
        assert.is_true(#record[3] > 0)
        parts[i] = record[3]
      end
      assert.are.equal(data, table.concat(parts))
    end)
  end
end)


describe("the words", function()
  it("are there for every error and every status", function()
    local words = {}
    for _, name in ipairs { "VERSION", "LENGTH", "PAIR" } do
      local said = ffi.string(core.fcgi_error_text(core["FCGI_E_" .. name]))
      assert.is_nil(words[said])
      words[said] = true
    end
    for status = 0, 3 do
      local said = ffi.string(core.fcgi_status_text(status))
      assert.is_nil(words[said])
      words[said] = true
    end
    assert.are.equal("unknown error", ffi.string(core.fcgi_error_text(0)))
    assert.are.equal("unknown status", ffi.string(core.fcgi_status_text(4)))
  end)
end)
