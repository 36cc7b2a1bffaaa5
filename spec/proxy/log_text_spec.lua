--- Text from the network in a log line.
local ffi = require "ffi"
local support = require "support.ffi"

local core = support.load("proxy/log_text.h")

local NGINX, HAPROXY, JSON =
  core.LOG_TEXT_NGINX, core.LOG_TEXT_HAPROXY, core.LOG_TEXT_JSON

local CASES = {
  { "plain text", "GET /a?b=c#d HTTP/1.1", NGINX, "GET /a?b=c#d HTTP/1.1" },
  { "plain text", "GET /a?b=c HTTP/1.1", HAPROXY, "GET /a?b=c HTTP/1.1" },
  { "plain text", "GET /a?b=c#d HTTP/1.1", JSON, "GET /a?b=c#d HTTP/1.1" },
  { "quotes", 'a"b\\c', NGINX, "a\\x22b\\x5Cc" },
  { "quotes", 'a"b\\c#d', HAPROXY, "a#22b\\c#23d" },
  { "quotes", 'a"b\\c', JSON, 'a\\"b\\\\c' },
  { "line ends", "a\r\nb", NGINX, "a\\x0D\\x0Ab" },
  { "line ends", "a\r\nb", HAPROXY, "a#0D#0Ab" },
  { "line ends", "a\r\nb", JSON, "a\\u000D\\u000Ab" },
  { "control bytes", "\0\27[1m\127", NGINX, "\\x00\\x1B[1m\\x7F" },
  { "control bytes", "\0\27[1m\127", HAPROXY, "#00#1B[1m#7F" },
  { "control bytes", "\0\27[1m\127", JSON, "\\u0000\\u001B[1m\\u007F" },
  { "UTF-8", "\206\177\228\184\173", NGINX, "\\xCE\\xB1\\xE4\\xB8\\xAD" },
  { "UTF-8", "\206\177", HAPROXY, "#CE#B1" },
  { "UTF-8", "\206\177\228\184\173\240\159\140\153", JSON,
    "\206\177\228\184\173\240\159\140\153" },
  { "a lone byte", "\128a\255", JSON, "\\u0080a\\u00FF" },
  { "a cut sequence", "\228\184", JSON, "\\u00E4\\u00B8" },
  { "an overlong form", "\192\175\224\128\175", JSON,
    "\\u00C0\\u00AF\\u00E0\\u0080\\u00AF" },
  { "a surrogate", "\237\160\128", JSON, "\\u00ED\\u00A0\\u0080" },
  { "what is above Unicode", "\244\144\128\128", JSON,
    "\\u00F4\\u0090\\u0080\\u0080" },
  { "nothing", "", NGINX, "" },
}
local NAMES = { [NGINX] = "nginx", [HAPROXY] = "HAProxy", [JSON] = "JSON" }


-- TEXT in its style; it lies before a guard page.
local function write(text, style, max)
  local out = ffi.new("char[256]")
  local buf = ffi.new("struct buf")
  core.buf_init(buf, out, 256)
  local p, map = support.guarded(text)
  local str = ffi.new("struct str", ffi.cast("const char *", p), #text)
  core.log_text_write(buf, style, str, max or 256)
  assert.is_false(buf.failed)
  assert.is_truthy(map)
  return ffi.string(buf.p, buf.len)
end


describe("text in a log", function()
  for _, case in ipairs(CASES) do
    it(("writes %s as %s does"):format(case[1], NAMES[case[3]]), function()
      assert.are.equal(case[4], write(case[2], case[3]))
    end)
  end

  it("is cut where no escape is cut in two", function()
    assert.are.equal("abc", write("abc\n", NGINX, 6))
    assert.are.equal("abc\\x0A", write("abc\n", NGINX, 7))
    assert.are.equal("a", write("a\228\184\173", JSON, 3))
    assert.are.equal("", write("abc", NGINX, 0))
  end)
end)
