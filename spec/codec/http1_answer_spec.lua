--- Answers as a client reads them: whole, cut at every place, before a guard
-- page, with the bodies that their heads announce.
local ffi = require "ffi"
local support = require "support.ffi"

local core = support.load("codec/http1_answer.h")

local KINDS = { [0] = "none", "length", "chunked", "close" }
local E = {
  line = -1, fields = -2, count = -3, length = -4, coding = -5, both = -6,
  switch = -7,
}


local function read(text, seen)
  local p, map = support.guarded(text)
  local answer = ffi.new("struct http1_answer")
  local taken = tonumber(core.http1_answer_read(answer, p, #text, seen or 0))
  return taken, answer, map
end


-- Reads a body in pieces of a size. The data, whether it is done, what is left
-- of the text; or the error.
local function read_body(head, text, size)
  local _, answer, map = read(head)
  local body = ffi.new("struct http1_body")
  core.http1_body_init(body, answer)
  assert.is_not_nil(map)
  local data, pieces = ffi.new("struct str"), {}
  for at = 1, #text, size do
    local piece = text:sub(at, at + size - 1)
    local from = 0
    while from < #piece and not body.done do
      local p, guard = support.guarded(piece:sub(from + 1))
      local taken = tonumber(core.http1_body_read(body, p, #piece - from, data))
      if taken < 0 then
        return taken
      end
      assert.is_true(taken > 0 and guard ~= nil)
      pieces[#pieces + 1] = support.text(data)
      from = from + taken
    end
    if body.done then
      return table.concat(pieces), body, text:sub(at + from)
    end
  end
  return table.concat(pieces), body, ""
end


describe("http1_answer_read", function()
  local HEADS = {
    { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\n",
      status = 200, body = "length", length = 5, keep = true },
    { "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n",
      status = 200, body = "chunked", keep = true },
    { "HTTP/1.1 404 Not Found\r\n\r\n",
      status = 404, body = "close", keep = false },
    { "HTTP/1.1 500\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
      status = 500, body = "length", length = 0, keep = false },
    { "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n",
      status = 200, body = "length", length = 1, keep = false },
    { "HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: Keep-Alive\r\n\r\n",
      status = 200, body = "length", length = 1, keep = true },
    { "HTTP/1.1 204 No Content\r\n\r\n",
      status = 204, body = "none", keep = true },
    { "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n",
      status = 304, body = "none", keep = true },
    { "HTTP/1.1 100 Continue\r\n\r\n",
      status = 100, body = "none", keep = true, interim = true },
    { "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
      status = 103, body = "none", keep = true, interim = true },
  }
  for _, case in ipairs(HEADS) do
    it(("takes %q, however it comes"):format(case[1]), function()
      local text = case[1]
      local taken, answer = read(text .. "body")
      assert.are.equal(#text, taken)
      assert.are.equal(case.status, answer.status)
      assert.are.equal(case.body, KINDS[tonumber(answer.body)])
      assert.are.equal(case.length or 0,
        case.body == "length" and tonumber(answer.content_length) or 0)
      assert.are.equal(case.keep, answer.keep_alive)
      for n = 0, #text - 1 do
        assert.are.equal(0, (read(text:sub(1, n))))
        assert.are.equal(#text, (read(text, n)))
      end
    end)
  end

  it("reads how long the server keeps the connection", function()
    for value, seconds in pairs {
      ["timeout=5, max=100"] = 5, ["max=9,Timeout=0"] = 0, ["timeout=20"] = 20,
      ["max=1"] = 4294967295, ["timeout=x"] = 4294967295,
      ["timeout=5s, ,timeout=7"] = 7, [""] = 4294967295,
      ["timeout=99999999999999999999"] = 4294967295,
    } do
      local _, answer, map = read("HTTP/1.1 204 No\r\nKeep-Alive: " .. value
        .. "\r\n\r\n")
      assert.is_not_nil(map)
      assert.are.equal(seconds, tonumber(answer.idle_s), value)
    end
  end)

  it("gives the fields in their order", function()
    local _, answer, map = read("HTTP/1.1 200 OK\r\nB: 1\r\nA:  x y \r\n"
      .. "b: 2\r\n\r\n")
    assert.is_not_nil(map)
    local fields = {}
    for i = 0, answer.fields.count - 1 do
      fields[i + 1] = support.text(answer.fields.at[i].name) .. "="
        .. support.text(answer.fields.at[i].value)
    end
    assert.are.same({ "B=1", "A=x y", "b=2" }, fields)
  end)

  local WRONG = {
    { "line", "SSH-2.0-OpenSSH_9.2\r\n" },
    { "line", "HTTP/2 200 OK\r\n\r\n" },
    { "line", "HTTP/1.1 200 OK\n\n" },
    { "line", "HTTP/1.1 999 OK\r\n\r\n" },
    { "fields", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n" },
    { "fields", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n" },
    { "fields", "HTTP/1.1 200 OK\r\nA: b\nB: c\r\n\r\n" },
    { "fields", "HTTP/1.1 200 OK\r\nA\r\n\r\n" },
    { "fields", "HTTP/1.1 200 OK\r\nA: \0\r\n\r\n" },
    { "count", "HTTP/1.1 200 OK\r\n" .. ("A: b\r\n"):rep(101) .. "\r\n" },
    { "length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" },
    { "length", "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n" },
    { "length", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
      .. "Content-Length: 2\r\n\r\n" },
    { "length", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n"
      .. "\r\n" },
    { "coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n" },
    { "coding", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" },
    { "coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
      .. "Transfer-Encoding: chunked\r\n\r\n" },
    { "both", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
      .. "Content-Length: 1\r\n\r\n" },
    { "switch", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" },
  }
  for _, case in ipairs(WRONG) do
    it(("refuses %q"):format(case[2]:sub(1, 70)), function()
      assert.are.equal(E[case[1]], (read(case[2])))
      local words = ffi.string(core.http1_answer_error_text(E[case[1]]))
      assert.is_true(#words > 0 and words ~= "unknown error")
    end)
  end
end)


describe("the body of an answer", function()
  local LENGTH = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
  local CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
  local CLOSE = "HTTP/1.1 200 OK\r\n\r\n"
  local NONE = "HTTP/1.1 204 No\r\n\r\n"

  for size = 1, 30 do
    it(("ends where it is said to, in pieces of %d"):format(size), function()
      local data, body, rest = read_body(LENGTH, "0123456789more", size)
      assert.are.equal("0123456789", data)
      assert.is_true(body.done)
      assert.are.equal("more", rest)
      data, body, rest = read_body(CHUNKED,
        "3;x\r\nabc\r\n7\r\ndefghij\r\n0\r\nT: u\r\n\r\nmore", size)
      assert.are.equal("abcdefghij", data)
      assert.is_true(body.done)
      assert.are.equal("more", rest)
      data, body = read_body(CLOSE, "anything\r\n0\r\n", size)
      assert.are.equal("anything\r\n0\r\n", data)
      assert.is_false(body.done)
      assert.is_true(core.http1_body_close(body))
      assert.is_true(body.done)
    end)
  end

  it("may be empty", function()
    local _, body, rest = read_body(NONE, "HTTP", 4)
    assert.is_true(body.done)
    assert.are.equal("HTTP", rest)
    _, body = read_body("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", 1)
    assert.is_true(body.done)
    assert.is_true(core.http1_body_close(body))
  end)

  it("is cut off where the server ends too early", function()
    for head, text in pairs {
      [LENGTH] = "012345678", [CHUNKED] = "3\r\nabc\r\n0\r\n",
    } do
      local _, body = read_body(head, text, 100)
      assert.is_false(body.done)
      assert.is_false(core.http1_body_close(body))
    end
  end)

  it("is refused where a chunk is no chunk", function()
    assert.are.equal(-1, (read_body(CHUNKED, "x\r\n", 1)))
    assert.are.equal(-5, (read_body(CHUNKED, "1\r\nab", 1)))
  end)
end)
