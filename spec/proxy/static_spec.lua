--- What a static file is answered with: types, validators, conditions, ranges,
-- directories, and what is never served.
local exchange = require "support.exchange"
local ffi = require "ffi"
local folder = require "support.folder"

local MODIFIED = 1700000000
local DATE = "Tue, 14 Nov 2023 22:13:20 GMT"
local EARLIER = "Tue, 14 Nov 2023 22:13:19 GMT"
local LATER = "Tue, 14 Nov 2023 22:13:21 GMT"
local ETAG = '"6553f100-10"'
local TEXT = "0123456789abcdef"

local CONFIG = [[
  [upstream php]
  server one = 127.0.0.1:9000
  [http web]
  listen = 127.0.0.1:8080
  root = ${dir}/www
  index = index.php index.html
  route = ~ ^(.+\.php)(/.*)?$ php
  route = ^~ /raw/ static
  route = /aliased/ alias=${dir}/other/ static
  error_page = 404 /404.html
  header = X-Site here
]]

local FILES = {
  ["www/file.txt"] = TEXT,
  ["www/empty.css"] = "",
  ["www/docs/index.html"] = "index",
  ["www/app/index.php"] = "<?php",
  ["www/app/index.html"] = "not this one",
  ["www/bare/x"] = "x",
  ["www/raw/a.php"] = "<?php",
  ["www/raw/a.txt"] = "a",
  ["www/a b/c?d#e/x"] = "x",
  ["www/404.html"] = "<p>gone</p>",
  ["other/file.txt"] = "other",
}

--- Conditions: the request's lines and the status, of a file modified at DATE.
local CONDITIONS = {
  { "If-None-Match with its tag", 304, "If-None-Match: " .. ETAG },
  { "If-None-Match with its tag, weak", 304, "If-None-Match: W/" .. ETAG },
  { "If-None-Match with it among others", 304,
    'If-None-Match: "a", ' .. ETAG .. ', "b"' },
  { "If-None-Match with a star", 304, "If-None-Match: *" },
  { "If-None-Match with another tag", 200, 'If-None-Match: "a"' },
  { "If-None-Match before If-Modified-Since", 200, 'If-None-Match: "a"',
    "If-Modified-Since: " .. DATE },
  { "If-Modified-Since with its date", 304, "If-Modified-Since: " .. DATE },
  { "If-Modified-Since with a later date", 304,
    "If-Modified-Since: " .. LATER },
  { "If-Modified-Since with an earlier date", 200,
    "If-Modified-Since: " .. EARLIER },
  { "If-Modified-Since with no date", 200, "If-Modified-Since: yesterday" },
  { "If-Match with its tag", 200, "If-Match: " .. ETAG },
  { "If-Match with its tag, weak", 412, "If-Match: W/" .. ETAG },
  { "If-Match with a star", 200, "If-Match: *" },
  { "If-Match with another tag", 412, 'If-Match: "a"' },
  { "If-Match before If-Unmodified-Since", 200, "If-Match: " .. ETAG,
    "If-Unmodified-Since: " .. EARLIER },
  { "If-Match before If-None-Match", 412, 'If-Match: "a"',
    "If-None-Match: " .. ETAG },
  { "If-Match and If-None-Match that both hold", 304, "If-Match: " .. ETAG,
    "If-None-Match: " .. ETAG },
  { "If-Unmodified-Since with its date", 200, "If-Unmodified-Since: " .. DATE },
  { "If-Unmodified-Since with an earlier date", 412,
    "If-Unmodified-Since: " .. EARLIER },
  { "If-Unmodified-Since with no date", 200, "If-Unmodified-Since: today" },
  { "a condition before a range", 304, "If-None-Match: " .. ETAG,
    "Range: bytes=0-1" },
}

--- Ranges: the request's lines, status, Content-Range and body.
local RANGES = {
  { "the first bytes", 206, "bytes 0-4/16", "01234", "Range: bytes=0-4" },
  { "to the end", 206, "bytes 10-15/16", "abcdef", "Range: bytes=10-" },
  { "the last bytes", 206, "bytes 13-15/16", "def", "Range: bytes=-3" },
  { "more than there is", 206, "bytes 8-15/16", "89abcdef",
    "Range: bytes=8-99" },
  { "one byte", 206, "bytes 0-0/16", "0", "Range: bytes=0-0" },
  { "what lies outside", 416, "bytes */16", "", "Range: bytes=16-" },
  { "another unit", 200, nil, TEXT, "Range: lines=0-1" },
  { "what makes no sense", 200, nil, TEXT, "Range: bytes=4-2" },
  { "If-Range with its tag", 206, "bytes 0-0/16", "0", "Range: bytes=0-0",
    "If-Range: " .. ETAG },
  { "If-Range with its date", 206, "bytes 0-0/16", "0", "Range: bytes=0-0",
    "If-Range: " .. DATE },
  { "If-Range with its tag, weak", 200, nil, TEXT, "Range: bytes=0-0",
    "If-Range: W/" .. ETAG },
  { "If-Range with another tag", 200, nil, TEXT, "Range: bytes=0-0",
    'If-Range: "a"' },
  { "If-Range with a later date", 200, nil, TEXT, "Range: bytes=0-0",
    "If-Range: " .. LATER },
  { "If-Range with nonsense", 200, nil, TEXT, "Range: bytes=0-0",
    "If-Range: sometime" },
}

local MISSING = {
  { "a name that does not exist", "/none" },
  { "a name below a file", "/file.txt/x" },
  { "a file with a slash", "/file.txt/" },
  { "a directory that does not exist", "/none/" },
  { "a name that is too long", "/" .. ("x"):rep(300) },
  { "a FIFO", "/fifo" },
  { "a loop of links", "/loop" },
  { "a script behind a route that is not PHP's", "/raw/a.php" },
}


describe("static files", function()
  local site

  setup(function()
    site = exchange.site(CONFIG, FILES)
    folder.touch(site.dir .. "/www/file.txt", MODIFIED)
    folder.link("loop", site.dir .. "/www/loop")
    folder.link("file.txt", site.dir .. "/www/link.html")
    assert(os.execute("mkfifo " .. site.dir .. "/www/fifo") == 0)
  end)

  teardown(function()
    site:close()
  end)

  it("come with type, length, date, tag and the section's headers", function()
    local status, headers, body = site:get("/file.txt")
    assert.are.equal(200, status)
    assert.are.equal(TEXT, body)
    assert.is_truthy(headers.date)
    headers.date = nil
    assert.are.same({
      server = "moongate", ["content-type"] = "text/plain",
      ["content-length"] = "16", ["last-modified"] = DATE, etag = ETAG,
      ["accept-ranges"] = "bytes", ["x-site"] = "here",
    }, headers)
  end)

  it("are the same whether they lie on disk or in memory", function()
    for _ = 1, 3 do
      local status, headers, body = site:get("/file.txt")
      assert.are.same({ 200, "16", TEXT },
        { status, headers["content-length"], body })
    end
  end)

  it("have all but the body for HEAD", function()
    local _, get_headers = site:get("/file.txt")
    local status, headers, body = site:get("/file.txt", nil, "HEAD")
    assert.are.equal(200, status)
    assert.are.equal("", body)
    headers.date, get_headers.date = nil, nil
    assert.are.same(get_headers, headers)
  end)

  it("may be empty", function()
    for _, method in ipairs({ "GET", "HEAD" }) do
      local status, headers, body = site:get("/empty.css", nil, method)
      assert.are.same({ 200, "0", "text/css", "" }, { status,
        headers["content-length"], headers["content-type"], body })
    end
  end)

  it("may be links", function()
    local status, headers, body = site:get("/link.html")
    assert.are.same({ 200, "text/html", TEXT },
      { status, headers["content-type"], body })
  end)

  it("lie below an alias", function()
    local status, _, body = site:get("/aliased/file.txt")
    assert.are.same({ 200, "other" }, { status, body })
  end)

  for _, case in ipairs(CONDITIONS) do
    it(("are answered %d for %s"):format(case[2], case[1]), function()
      local status, headers, body =
        site:get("/file.txt", { case[3], case[4] })
      assert.are.equal(case[2], status)
      if status == 304 then
        assert.are.same({ ETAG, DATE, "" },
          { headers.etag, headers["last-modified"], body })
        assert.is_nil(headers["content-length"])
        assert.is_nil(headers["content-type"])
      end
    end)
  end

  for _, case in ipairs(RANGES) do
    it(("answer %d to a range: %s"):format(case[2], case[1]), function()
      for _ = 1, 2 do
        local status, headers, body =
          site:get("/file.txt", { case[5], case[6] })
        assert.are.equal(case[2], status)
        assert.are.equal(case[3], headers["content-range"])
        assert.are.equal(case[4], body)
        assert.are.equal(#body, tonumber(headers["content-length"]))
      end
    end)
  end

  it("ignore a range with HEAD", function()
    local status, headers =
      site:get("/file.txt", { "Range: bytes=0-1" }, "HEAD")
    assert.are.same({ 200, "16" }, { status, headers["content-length"] })
  end)

  it("answer several ranges in parts", function()
    local status, headers, body =
      site:get("/file.txt", { "Range: bytes=0-1, 4-5, -2" })
    assert.are.equal(206, status)
    local boundary = headers["content-type"]:match(
      "^multipart/byteranges; boundary=(%d+)$")
    assert.is_truthy(boundary)
    local function part(range, text)
      return ("\r\n--%s\r\nContent-Type: text/plain\r\n"
        .. "Content-Range: bytes %s/16\r\n\r\n%s"):format(boundary, range, text)
    end
    assert.are.equal(part("0-1", "01") .. part("4-5", "45")
      .. part("14-15", "ef") .. "\r\n--" .. boundary .. "--\r\n", body)
    assert.are.equal(#body, tonumber(headers["content-length"]))
    assert.is_nil(headers["content-range"])
  end)

  it("take another boundary for each answer", function()
    local ask = { "Range: bytes=0-0,2-2" }
    local _, one = site:get("/file.txt", ask)
    local _, two = site:get("/file.txt", ask)
    assert.are_not.equal(one["content-type"], two["content-type"])
  end)

  for _, method in ipairs({ "POST", "PUT", "DELETE", "OPTIONS", "PATCH" }) do
    it("refuse " .. method, function()
      local status, headers =
        site:get("/file.txt", { "Content-Length: 0" }, method)
      assert.are.same({ 405, "GET, HEAD" }, { status, headers.allow })
    end)
  end

  for _, case in ipairs(MISSING) do
    it("are not found for " .. case[1], function()
      local status, headers, body = site:get(case[2])
      assert.are.equal(404, status)
      assert.are.equal("<p>gone</p>", body)
      assert.is_nil(headers.etag)
      assert.is_nil(headers["accept-ranges"])
    end)
  end

  it("ignore conditions and ranges where they are error pages", function()
    local status, _, body = site:get("/none", { "If-None-Match: *",
                                                "Range: bytes=0-0" })
    assert.are.same({ 404, "<p>gone</p>" }, { status, body })
  end)

  it("show an error page for a POST too", function()
    local status, _, body = site:get("/none", { "Content-Length: 0" }, "POST")
    assert.are.same({ 404, "<p>gone</p>" }, { status, body })
  end)

  if ffi.C.getuid() ~= 0 then
    it("are forbidden when they may not be read", function()
      folder.write(site.dir .. "/www/closed", "x")
      ffi.C.chmod(site.dir .. "/www/closed", 0)
      assert.are.equal(403, (site:get("/closed")))
    end)
  end

  describe("and directories", function()
    it("are redirected to their slash with the query", function()
      for path, location in pairs({
        ["/docs"] = "/docs/",
        ["/docs?a=b&c=%20"] = "/docs/?a=b&c=%20",
        ["/docs?"] = "/docs/?",
        ["/a%20b/c%3Fd%23e"] = "/a%20b/c%3Fd%23e/",
      }) do
        local status, headers = site:get(path)
        assert.are.same({ 301, location }, { status, headers.location })
      end
    end)

    it("show the first index that there is", function()
      local status, headers, body = site:get("/docs/")
      assert.are.same({ 200, "text/html", "index" },
        { status, headers["content-type"], body })
    end)

    it("are forbidden without an index", function()
      assert.are.equal(403, (site:get("/bare/")))
    end)
  end)
end)


describe("an index that is a script", function()
  local site

  after_each(function()
    site:close()
  end)

  -- The path that the exchange goes on with when it leaves the static files.
  local function path_after(request)
    local core = site.core
    local x = site:begin(request)
    x.state = core.EXCHANGE_ROUTE
    core.http_dispatch(x)
    assert.are.equal(core.EXCHANGE_ROUTE, tonumber(x.state))
    local path = ffi.string(x.path.p, x.path.len)
    site:finish(x)
    return path
  end

  it("goes to the server, whatever the method", function()
    site = exchange.site(CONFIG, FILES)
    for _, method in ipairs({ "GET", "POST", "HEAD" }) do
      assert.are.equal("/app/index.php", path_after(method
        .. " /app/ HTTP/1.1\r\nHost: h\r\n\r\n"))
    end
  end)

  it("need not exist here where the root is remote", function()
    site = exchange.site(CONFIG:gsub("root =", "root_is_remote = on\n  root =")
      :gsub("/www\n", "/nowhere\n"), {})
    assert.are.equal("/index.php", path_after(
      "GET / HTTP/1.1\r\nHost: h\r\n\r\n"))
    assert.are.equal("/deep/index.php", path_after(
      "GET /deep/ HTTP/1.1\r\nHost: h\r\n\r\n"))
  end)
end)


describe("a path whose route cannot be found out", function()
  it("is answered with an error, not with a file", function()
    local site = exchange.site([[
      [http web]
      listen = 127.0.0.1:8080
      root = ${dir}/www
      route = ~ ^/(a+)+$ deny
    ]], { ["www/" .. ("a"):rep(40) .. "!"] = "x" })
    local status = site:get("/" .. ("a"):rep(40) .. "!")
    site:close()
    assert.are.equal(500, status)
  end)
end)
