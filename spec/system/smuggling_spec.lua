--- Whatever two programs could read differently is refused: an error answer,
-- the connection closed, nothing of it at the server, and nothing that stands
-- behind it taken for a request.
local fastcgi = require "support.fastcgi"
local http = require "support.http"
local moongate = require "support.moongate"

local CONFIG = [[
  [upstream php]
  server one = 127.0.0.1:${port_php}
  [http web]
  listen = 127.0.0.1:${port_web}
  root = ${dir}/www
  route = / php
  access_log = off
]]

local POST = "POST /a.php HTTP/1.1\r\nHost: a\r\n"
local EMPTY = "0\r\n\r\n"
local CHUNKED = POST .. "Transfer-Encoding: chunked\r\n\r\n"

-- Name, the bytes, and the status: 400 unless said otherwise.
local CASES = {
  { "both framings",
    POST .. "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
      .. EMPTY },
  { "both framings, the other way round",
    POST .. "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"
      .. EMPTY },
  { "differing lengths",
    POST .. "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd" },
  { "differing lengths in a list",
    POST .. "Content-Length: 3, 4\r\n\r\nabcd" },
  { "a length with a sign", POST .. "Content-Length: +3\r\n\r\nabc" },
  { "a negative length", POST .. "Content-Length: -1\r\n\r\n" },
  { "a hexadecimal length", POST .. "Content-Length: 0x3\r\n\r\nabc" },
  { "a length over 64 bits",
    POST .. "Content-Length: 18446744073709551616\r\n\r\n" },
  { "an empty length", POST .. "Content-Length: \r\n\r\n" },
  { "an unknown coding",
    POST .. "Transfer-Encoding: gzip\r\n\r\n", 501 },
  { "chunked not last",
    POST .. "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 501 },
  { "two codings lines",
    POST .. "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"
      .. "0\r\n\r\n" },
  { "a coding with a control byte",
    POST .. "Transfer-Encoding: \11chunked\r\n\r\n0\r\n\r\n" },
  { "a coding in 1.0",
    "POST /a.php HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      .. "0\r\n\r\n" },
  { "a bare LF after the first line",
    "GET /a.php HTTP/1.1\nHost: a\r\n\r\n" },
  { "a bare LF after a field", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n" },
  { "a bare LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n" },
  { "a bare CR in a field", "GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n" },
  { "a bare CR in the first line", "GET /\ra HTTP/1.1\r\nHost: a\r\n\r\n" },
  { "a space before a colon",
    "GET / HTTP/1.1\r\nHost: a\r\nContent-Length : 0\r\n\r\n" },
  { "obs-fold", "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n" },
  { "obs-fold of the first field",
    "GET / HTTP/1.1\r\n Host: a\r\nHost: a\r\n\r\n" },
  { "a NUL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n" },
  { "a NUL in the target", "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n" },
  { "an encoded NUL in the path", "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n" },
  { "two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n" },
  { "no Host in 1.1", "GET / HTTP/1.1\r\n\r\n" },
  { "a Host that is none", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n" },
  { "a Host with a user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n" },
  { "a field without a colon", "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n" },
  { "a field without a name", "GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n" },
  { "a name with a space", "GET / HTTP/1.1\r\nHost: a\r\nX Y: x\r\n\r\n" },
  { "two spaces in the first line", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n" },
  { "no version", "GET /\r\nHost: a\r\n\r\n" },
  { "a version of another kind", "GET / HTTP/1.1x\r\nHost: a\r\n\r\n" },
  { "HTTP/2.0 in the first line", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505 },
  { "a method that is none", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n" },
  { "a target that is no path", "GET a.php HTTP/1.1\r\nHost: a\r\n\r\n" },
  { "a fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n" },
  { "a path above the root", "GET /../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n" },
  { "an encoded path above the root",
    "GET /%2e%2e/etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n" },
  { "a bad escape in the path", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n" },
  { "a chunk size that is none", CHUNKED .. "zz\r\n\r\n" },
  { "a chunk size with a sign", CHUNKED .. "+1\r\na\r\n0\r\n\r\n" },
  { "a chunk size with 0x", CHUNKED .. "0x1\r\na\r\n0\r\n\r\n" },
  { "an empty chunk size", CHUNKED .. "\r\na\r\n0\r\n\r\n" },
  { "a chunk size over 64 bits",
    CHUNKED .. "10000000000000000\r\na\r\n0\r\n\r\n" },
  { "a chunk size before a bare LF", CHUNKED .. "1\na\r\n0\r\n\r\n" },
  { "a chunk that is longer than its size",
    CHUNKED .. "1\r\nab\r\n0\r\n\r\n" },
  { "a chunk without its line end", CHUNKED .. "1\r\na0\r\n\r\n" },
  { "a trailer with a bare LF", CHUNKED .. "0\r\nX: a\n\r\n" },
  { "a trailer with a space before the colon",
    CHUNKED .. "0\r\nX : a\r\n\r\n" },
}


describe("a request that could be read in two ways", function()
  local php, web

  setup(function()
    php = fastcgi.serve(fastcgi.names("php"))
    web = moongate.start {
      config = CONFIG,
      ports = { php = php.port },
      files = { ["www/a.php"] = "<?php" },
    }.port.web
  end)

  teardown(moongate.finish)

  for _, case in ipairs(CASES) do
    it("is refused: " .. case[1], function()
      local before = #php.requests
      local answer, client =
        http.raw(web, case[2] .. http.head("GET /a.php?smuggled"))
      assert.are.equal(case[3] or 400, answer.status)
      assert.are.equal("close", answer.headers.connection)
      assert.is_truthy(client:closed())
      assert.are.equal(before, #php.requests)
    end)
  end

  it("is not every odd one", function()
    for _, text in ipairs {
      "GET /a.php HTTP/1.1\r\nhOsT:a\r\n\r\n",
      "GET /a.php HTTP/1.1\r\nHost: a\r\nX:\r\n\r\n",
      "GET /a.php HTTP/1.1\r\nHost: a\r\nX:  b  \r\n\r\n",
      "GET http://a/a.php HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /a.php HTTP/1.0\r\n\r\n",
      "PROPFIND /a.php HTTP/1.1\r\nHost: a\r\n\r\n",
      CHUNKED .. "3;name=value\r\nabc\r\n0\r\n\r\n",
      CHUNKED .. "003\r\nabc\r\n0\r\n\r\n",
    } do
      local answer, client = http.raw(web, text)
      assert.are.equal(200, answer.status, text)
      client:close()
    end
  end)
end)
