--- From http to https, at the same host and address: 301 for GET and HEAD, 308
-- for what has a body, which 301 would lose.
--
-- Behind a balancer that speaks https to the client, name it in `trust`: then
-- its X-Forwarded-Proto says what the client used.  What certificate
-- authorities ask below /.well-known/acme-challenge/ is left alone, or the
-- first certificate could not be had.
local moongate = require "moongate"

local _M = {}

local CHALLENGE = "/.well-known/acme-challenge/"
local MOVED, MOVED_ALIKE, BAD_REQUEST = 301, 308, 400


--- Answers what came by http with a redirect.
function _M.request(req)
  if req.scheme == "https" or req.path:sub(1, #CHALLENGE) == CHALLENGE then
    return nil
  end
  -- HTTP/1.0 may name no host, and `OPTIONS *` no address.
  local host, uri = req.host, req.uri
  if not host or host == "" or uri:sub(1, 1) ~= "/" then
    return moongate.reply(BAD_REQUEST, { ["Content-Type"] = "text/plain" },
      "this is served by https only\n")
  end
  local is_read = req.method == "GET" or req.method == "HEAD"
  return moongate.redirect("https://" .. host .. uri,
    is_read and MOVED or MOVED_ALIKE)
end


return _M
