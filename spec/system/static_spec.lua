--- Static files: types, conditions, ranges, folders, and what is never served.
local fastcgi = require "support.fastcgi"
local folder = require "support.folder"
local http = require "support.http"
local moongate = require "support.moongate"
local process = require "support.process"

local CONFIG = [[
  [upstream php]
  server one = 127.0.0.1:${port_php}
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  index = index.html
  header = X-From moongate
  route = ~ ^(.+\.php)(/.*)?$ php
  access_log = off
]]

local TYPES = {
  html = "^text/html", htm = "^text/html", css = "^text/css",
  js = "javascript", json = "^application/json", txt = "^text/plain",
  png = "^image/png", jpg = "^image/jpeg", gif = "^image/gif",
  svg = "^image/svg%+xml", ico = "^image/", webp = "^image/webp",
  woff2 = "^font/woff2", pdf = "^application/pdf", xml = "xml",
  mp4 = "^video/mp4", zip = "^application/zip", wasm = "^application/wasm",
  unknown = "^application/octet%-stream", PNG = "^image/png",
}

local DIGITS = "0123456789abcdefghij"  -- 20 bytes

-- Range, status, Content-Range, body.
local RANGES = {
  { "bytes=0-9", 206, "bytes 0-9/20", "0123456789" },
  { "bytes=10-", 206, "bytes 10-19/20", "abcdefghij" },
  { "bytes=-5", 206, "bytes 15-19/20", "fghij" },
  { "bytes=-100", 206, "bytes 0-19/20", DIGITS },
  { "bytes=19-19", 206, "bytes 19-19/20", "j" },
  { "bytes=5-1000", 206, "bytes 5-19/20", DIGITS:sub(6) },
  { "bytes=20-", 416, "bytes */20" },
  { "bytes=-0", 416, "bytes */20" },
  { "bytes=100-200", 416, "bytes */20" },
  { "bytes=100-,0-0", 206, "bytes 0-0/20", "0" },
  { "bytes=9-5", 200, nil, DIGITS },
  { "lines=0-9", 200, nil, DIGITS },
}

local REFUSED = {
  { "a dot-file", "/.git/config", 404 },
  { "a dot-file in a folder", "/sub/.env", 404 },
  { "an encoded dot-file", "/%2egit/config", 404 },
  { "what does not exist", "/none.txt", 404 },
  { "a file as a folder", "/digits.txt/", 404 },
  { "below a file", "/digits.txt/x", 404 },
  { "a folder without index", "/sub/", 403 },
  { "above the root", "/../outside.txt", 400 },
  { "above the root, encoded", "/%2e%2e/outside.txt", 400 },
  { "above the root, encoded slash", "/..%2foutside.txt", 400 },
  { "above the root from a folder", "/sub/../../outside.txt", 400 },
  { "a script beside a picture", "/logo.png/x.php", 404 },
  { "a script that is none", "/none.php", 404 },
  { "a path with a backslash", "/..\\outside.txt", 404 },
  { "a name that is too long", "/" .. ("a"):rep(300), 404 },
}


describe("static files", function()
  local m, web, php

  setup(function()
    php = fastcgi.serve(fastcgi.names("php ran"))
    local files = {
      ["www/digits.txt"] = DIGITS,
      ["www/empty.txt"] = "",
      ["www/a b+c.txt"] = "spaces",
      ["www/index.html"] = "index",
      ["www/sub/index.htm"] = "not the index",
      ["www/logo.png"] = "logo",
      ["www/source.php"] = "<?php secret();",
      ["www/.git/config"] = "secret",
      ["www/sub/.env"] = "secret",
      ["www/.well-known/security.txt"] = "contact",
      ["outside.txt"] = "outside",
      ["www/big.bin"] = ("0123456789abcdef"):rep(65536 * 20),
    }
    for extension in pairs(TYPES) do
      files["www/type." .. extension] = extension
    end
    m = moongate.start {
      config = CONFIG, files = files, ports = { php = php.port },
    }
    web = m.port.web
    folder.link("digits.txt", m.dir .. "/www/inner.txt")
    folder.link(m.dir .. "/outside.txt", m.dir .. "/www/outer.txt")
  end)

  teardown(moongate.finish)

  for extension, pattern in pairs(TYPES) do
    it("have a type: " .. extension, function()
      local answer = http.fetch(web, "/type." .. extension)
      assert.are.equal(extension, answer.body)
      assert.is_truthy(answer.headers["content-type"]:find(pattern))
    end)
  end

  it("come with length, date, ETag, Last-Modified and Accept-Ranges",
    function()
      folder.touch(m.dir .. "/www/empty.txt", 784111777)
      local headers = http.fetch(web, "/empty.txt").headers
      assert.are.equal("0", headers["content-length"])
      assert.are.equal("Sun, 06 Nov 1994 08:49:37 GMT",
        headers["last-modified"])
      assert.is_truthy(headers.etag:match('^"[^"]+"$'))
      assert.are.equal("bytes", headers["accept-ranges"])
      assert.is_truthy(headers.date:match(
        "^%a%a%a, %d%d %a%a%a %d%d%d%d %d%d:%d%d:%d%d GMT$"))
      assert.are.equal("moongate", headers["x-from"])
    end)

  it("are found under an escaped and an odd path", function()
    assert.are.equal("spaces", http.fetch(web, "/a%20b+c.txt").body)
    for _, path in ipairs {
      "/sub/../digits.txt", "//digits.txt", "/./digits.txt",
      "/%64igits.txt", "/digits.txt?x=../..", "/sub/%2e%2e/digits.txt",
    } do
      assert.are.equal(DIGITS, http.fetch(web, path).body, path)
    end
  end)

  describe("with a condition", function()
    local etag, modified

    setup(function()
      folder.touch(m.dir .. "/www/digits.txt", 784111777)
      local headers = http.fetch(web, "/digits.txt").headers
      etag, modified = headers.etag, headers["last-modified"]
    end)

    local function status(...)
      return http.fetch(web, "/digits.txt", { ... }).status
    end

    it("are not sent again to who has the ETag", function()
      local answer = http.fetch(web, "/digits.txt",
        { "If-None-Match: " .. etag })
      assert.are.equal(304, answer.status)
      assert.are.equal(etag, answer.headers.etag)
      assert.are.equal("", answer.body)
      assert.are.equal(304, status('If-None-Match: "x", ' .. etag))
      assert.are.equal(304, status("If-None-Match: W/" .. etag))
      assert.are.equal(304, status("If-None-Match: *"))
      assert.are.equal(200, status('If-None-Match: "x"'))
    end)

    it("are not sent again to who has them since", function()
      assert.are.equal(304, status("If-Modified-Since: " .. modified))
      assert.are.equal(200,
        status("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT"))
      assert.are.equal(200, status("If-Modified-Since: yesterday"))
    end)

    it("go by the ETag when both conditions come", function()
      assert.are.equal(200, status('If-None-Match: "x"',
        "If-Modified-Since: " .. modified))
      assert.are.equal(304, status("If-None-Match: " .. etag,
        "If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT"))
    end)

    it("are refused with 412 when If-Match fails", function()
      assert.are.equal(412, status('If-Match: "x"'))
      assert.are.equal(200, status("If-Match: " .. etag))
      assert.are.equal(200, status("If-Match: *"))
      assert.are.equal(412,
        status("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT"))
      assert.are.equal(200, status("If-Unmodified-Since: " .. modified))
    end)

    it("give a range only for an If-Range that holds", function()
      assert.are.equal(206, status("Range: bytes=0-1", "If-Range: " .. etag))
      assert.are.equal(206,
        status("Range: bytes=0-1", "If-Range: " .. modified))
      assert.are.equal(200, status("Range: bytes=0-1", 'If-Range: "x"'))
      assert.are.equal(200, status("Range: bytes=0-1", "If-Range: W/" .. etag))
      assert.are.equal(200, status("Range: bytes=0-1",
        "If-Range: Sun, 06 Nov 1994 08:49:36 GMT"))
    end)

    it("have another ETag once they have changed", function()
      folder.write(m.dir .. "/www/changing.txt", "one")
      local before = http.fetch(web, "/changing.txt").headers.etag
      folder.write(m.dir .. "/www/changing.txt", "two and more")
      local after
      require("support.loop").wait_until("the change is seen", function()
        after = http.fetch(web, "/changing.txt")
        return after.body == "two and more"
      end)
      assert.are_not.equal(before, after.headers.etag)
    end)
  end)

  for _, case in ipairs(RANGES) do
    it("give the range " .. case[1], function()
      local answer = http.fetch(web, "/digits.txt", { "Range: " .. case[1] })
      assert.are.equal(case[2], answer.status)
      if case[3] then
        assert.are.equal(case[3], answer.headers["content-range"])
      end
      if case[4] then
        assert.are.equal(case[4], answer.body)
      end
    end)
  end

  it("give several ranges as multipart/byteranges", function()
    local answer = http.fetch(web, "/digits.txt",
      { "Range: bytes=0-1,5-6,-2" })
    assert.are.equal(206, answer.status)
    local boundary = answer.headers["content-type"]:match(
      '^multipart/byteranges; boundary="?([%w_.-]+)"?$')
    local parts = {}
    for head, body in answer.body:gmatch("\r?\n?%-%-" .. boundary:gsub("%p",
      "%%%0") .. "\r\n(.-)\r\n\r\n(%w*)") do
      parts[#parts + 1] = head:match("[Cc]ontent%-[Rr]ange: ([^\r\n]+)")
        .. "=" .. body
    end
    assert.are.same({ "bytes 0-1/20=01", "bytes 5-6/20=56",
                      "bytes 18-19/20=ij" }, parts)
    assert.is_truthy(answer.body:find("--" .. boundary .. "--", 1, true))
  end)

  it("ignore a range for a method other than GET", function()
    assert.are.equal(200, http.fetch(web, "HEAD /digits.txt",
      { "Range: bytes=0-1" }).status)
  end)

  it("serve the index file of a folder", function()
    assert.are.equal("index", http.fetch(web, "/").body)
  end)

  it("redirect a folder to its slash form, the query kept", function()
    local answer = http.fetch(web, "/sub?x=1")
    assert.are.equal(301, answer.status)
    assert.is_truthy(answer.headers.location:find("/sub/%?x=1$"))
    assert.is_falsy(answer.headers.location:find("^//"))
  end)

  it("never redirect to another host", function()
    local answer = http.fetch(web, "//sub")
    assert.are.equal(301, answer.status)
    assert.is_falsy(answer.headers.location:find("^//"))
  end)

  for _, case in ipairs(REFUSED) do
    it("are not served: " .. case[1], function()
      local runs = #php.requests
      local answer = http.fetch(web, case[2])
      assert.are.equal(case[3], answer.status)
      assert.is_falsy(answer.body:find("secret"))
      assert.are.equal(runs, #php.requests)
    end)
  end

  it("are served from /.well-known/", function()
    assert.are.equal("contact",
      http.fetch(web, "/.well-known/security.txt").body)
  end)

  it("may be symbolic links", function()
    assert.are.equal(DIGITS, http.fetch(web, "/inner.txt").body)
    assert.are.equal("outside", http.fetch(web, "/outer.txt").body)
  end)

  it("are never the source of a script", function()
    for _, path in ipairs {
      "/source.php", "/source%2ephp", "/source.php/", "/sub/../source.php",
      "/source.php/..%2fsource.php",
    } do
      for _, method in ipairs { "GET ", "HEAD " } do
        local answer = http.fetch(web, method .. path)
        assert.is_falsy(answer.body:find("secret"), path)
      end
    end
  end)

  it("are read with GET and HEAD only", function()
    for _, method in ipairs { "POST", "PUT", "DELETE" } do
      local answer = http.fetch(web, method .. " /digits.txt",
        { "Content-Length: 0" })
      assert.are.equal(405, answer.status, method)
    end
  end)

  it("go whole to a slow client, in little memory", function()
    local worker = m:workers()[1]
    local before = process.rss(worker)
    local client = http.connect(web, { rcvbuf = 4096 })
    client:request("GET /big.bin")
    local head = client:answer_head()
    local size = tonumber(head.headers["content-length"])
    assert.are.equal(16 * 65536 * 20, size)
    assert(client.socket:receive(100000))
    assert.is_true(process.rss(worker) - before < 4e6)
    assert.are.equal("index", http.fetch(web, "/").body)
    local rest = assert(client.socket:receive(size - 100000, 30))
    assert.is_true(rest == ("0123456789abcdef"):rep(65536 * 20):sub(100001))
  end)

  it("stop when the client leaves in the middle", function()
    local client = http.connect(web, { rcvbuf = 4096 })
    client:request("GET /big.bin")
    client:answer_head()
    client:reset()
    assert.are.equal("index", http.fetch(web, "/").body)
  end)
end)
