--- What browsers are told for safety, with each answer: whoever gave it.  What
-- the application has said itself stays; what it says of its make goes.
--
--     [http shop]
--     script = security_headers.lua
local ALWAYS = {
  ["Referrer-Policy"] = "strict-origin-when-cross-origin",
  ["X-Content-Type-Options"] = "nosniff",
}
local FOR_PAGES = {
  ["Content-Security-Policy"] = "frame-ancestors 'self'; object-src 'none'",
}
local FOR_HTTPS = { ["Strict-Transport-Security"] = "max-age=31536000" }


local function add(res, headers)
  for name, value in pairs(headers) do
    if not res:header(name) then
      res:set_header(name, value)
    end
  end
end


local function response(res, req)
  res:set_header("X-Powered-By", nil)
  add(res, ALWAYS)
  if (res:header("Content-Type") or ""):find("^text/html") then
    add(res, FOR_PAGES)
  end
  if req.scheme == "https" then
    add(res, FOR_HTTPS)
  end
end


return { response = response }
