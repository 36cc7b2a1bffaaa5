--- Who asks for /api or below it has to show a token (RFC 7519) that was
-- signed with our key by HS256, and is not expired.  The application learns
-- from X-User whose it is, which nobody can send by himself.
--
-- PROTECTED has to have every path by which the application comes to its API,
-- as the application reads them: in other letters too, if these are the same to
-- it.  Where it goes by something else as well, as ThinkPHP does by the query's
-- s=, what it does needs X-User.
--
--     [http shop]
--     script         = jwt_check.lua
--     script_failure = deny            ; else what fails here would let pass
local moongate = require "moongate"

local KEY_FILE = "jwt.key"  -- below script_path
local PROTECTED = { "^/api%f[/%z]", "^/index%.php/api%f[/%z]" }

local key


local function load()
  key = assert(moongate.read_file(KEY_FILE)):gsub("%s+$", "")
  assert(#key >= 32, KEY_FILE .. " holds fewer than 32 bytes")
end


local function read_part(text)
  local json = moongate.base64.decode_url(text)
  local value = json and moongate.json.decode(json)
  return type(value) == "table" and value or {}
end


-- Whose token it is; nil where it does not count.
local function find_user(token)
  local head, claims, signature = token:match("^([^.]+)%.([^.]+)%.([^.]+)$")
  if not head or read_part(head).alg ~= "HS256" then
    return nil
  end
  local wanted = moongate.base64.encode_url(
    moongate.hash.hmac("sha256", key, head .. "." .. claims, true))
  if not moongate.hash.equal(signature, wanted) then
    return nil
  end
  local said = read_part(claims)
  local valid = type(said.exp) == "number" and moongate.now() < said.exp
    and type(said.sub) == "string" and not said.sub:find("[%c\127]")
  return valid and said.sub or nil
end


local function is_protected(path)
  for _, pattern in ipairs(PROTECTED) do
    if path:find(pattern) then
      return true
    end
  end
  return false
end


local function request(req)
  local token = (req:header("Authorization") or ""):match("^Bearer +(%S+)$")
  local user = token and find_user(token)
  assert(req:set_header("X-User", user))
  if not user and is_protected(req.path) then
    return moongate.reply(401, { ["WWW-Authenticate"] = "Bearer" })
  end
end


return { load = load, request = request }
