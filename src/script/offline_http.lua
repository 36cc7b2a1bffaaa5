--- Literal pages: what moongate.http finds in a spec. A page is an answer, or a
-- function that gets the request and returns one, or nil and a reason. Options
-- and URLs are checked as the program does.
-- @module script.offline_http
local calls = require "script.calls"
local http = require "script.http"

local check = calls.check

local _M = {}


local function to_text(url)
  return ("%s://%s%s"):format(url.scheme, url.authority, url.target)
end


-- Headers as an answer has them, and as a page sees those of a request: names
-- in small letters; several values are one, but for cookies.
local function to_headers(given)
  local headers = {}
  for name, values in pairs(given or {}) do
    name = name:lower()
    if type(values) ~= "table" then
      values = { values }
    end
    local texts = {}
    for i, value in ipairs(values) do
      texts[i] = tostring(value)
    end
    headers[name] = name == "set-cookie" and texts or table.concat(texts, ", ")
  end
  return headers
end


-- A page, as it is answered each time.
local function to_answer(page, options)
  local body = page.body or ""
  if #body > (options.max_body or http.BODY_MAX) then
    return nil, "too large"
  end
  return {
    status = page.status or 200, headers = to_headers(page.headers),
    body = body,
  }
end


local function ask(page, request, options)
  if type(page) == "table" then
    return to_answer(page, options)
  end
  local answer, why = page {
    method = request.method, url = to_text(request.url),
    path = request.url.target:match("^[^?]*"), body = request.body,
    headers = to_headers(options.headers),
  }
  if answer == nil then
    return nil, why or "closed"
  end
  return to_answer(answer, options)
end


--- Makes a web without pages.
-- @return table: serve (for specs), http (get and post, for scripts), reset
function _M.new()
  local pages = {}
  local web = {}

  --- Says what is found at a URL; without a query: whatever that is.
  -- @param url   string
  -- @param page  table: status (200), headers, body (""); or a function, as
  --   above
  function web.serve(url, page)
    check(url, "string", 1, "http")
    if type(page) ~= "table" and type(page) ~= "function" then
      error("bad argument #2 to 'http' (an answer, or a function expected)", 2)
    end
    local parsed, why = http.read_url(url)
    if not parsed then
      error(("bad argument #1 to 'http' (%s)"):format(why), 2)
    end
    pages[to_text(parsed)] = page
  end

  web.http = http.new(function(request, options)
    local url = to_text(request.url)
    local page = pages[url] or pages[url:match("^[^?]*")]
    if not page then
      return nil, "connection refused"
    end
    return ask(page, request, options)
  end)

  --- Forgets all pages.
  function web.reset()
    pages = {}
  end

  return web
end


return _M
