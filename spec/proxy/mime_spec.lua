--- Media types by extension.
local ffi = require "ffi"
local support = require "support.ffi"

local core = support.load("proxy/mime.h")

local CASES = {
  { "/a/index.html", "text/html" },
  { "/a/INDEX.HTM", "text/html" },
  { "/s.css", "text/css" },
  { "/s.js", "application/javascript" },
  { "/s.mjs", "application/javascript" },
  { "/s.json", "application/json" },
  { "/a.b/c.png", "image/png" },
  { "/a.jpeg", "image/jpeg" },
  { "/a.svg", "image/svg+xml" },
  { "/a.webp", "image/webp" },
  { "/a.avif", "image/avif" },
  { "/a.ico", "image/x-icon" },
  { "/a.woff2", "font/woff2" },
  { "/a.wasm", "application/wasm" },
  { "/a.mp4", "video/mp4" },
  { "/a.webm", "video/webm" },
  { "/a.txt", "text/plain" },
  { "/a.tar.gz", "application/gzip" },
  { "/a.3gp", "video/3gpp" },
  { "/a.7z", "application/x-7z-compressed" },
  { "/a.zst", "application/zstd" },
  { "/a.zip", "application/zip" },
  { "/a.docx", "application/vnd.openxmlformats-officedocument."
    .. "wordprocessingml.document" },
}
local UNKNOWN = {
  "/a", "", "/", "/a.", "/a.png/b", "/a.unknown", "/html", ".",
  "/a.htmlhtmlhtmlhtml",
}


local function type_of(path)
  return support.text(core.mime_type(ffi.new("struct str", path, #path)))
end


-- The extensions in the table's source, in their order.
local function extensions()
  local out = {}
  for line in io.lines("src/proxy/mime.c") do
    out[#out + 1] = line:match('^    {"(%w+)",')
  end
  return out
end


describe("the type of a file", function()
  for _, case in ipairs(CASES) do
    it(("is %s for %s"):format(case[2], case[1]), function()
      assert.are.equal(case[2], type_of(case[1]))
    end)
  end

  for _, path in ipairs(UNKNOWN) do
    it(("is not known for %q"):format(path), function()
      assert.are.equal("application/octet-stream", type_of(path))
    end)
  end

  it("is looked up in a table that is sorted", function()
    local all = extensions()
    local sorted = {}
    for i, extension in ipairs(all) do
      sorted[i] = extension
    end
    table.sort(sorted)
    assert.are.same(sorted, all)
    assert.is_true(#all > 100)
  end)
end)
