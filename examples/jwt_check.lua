--- Who asks for /api or below it has to show a token (RFC 7519) that was
-- signed with our key by HS256, and is not expired.  The application learns
-- from X-User whose it is, which nobody can send by himself.
--
-- An application that reads paths otherwise, in other letters or, as ThinkPHP,
-- by the query's s=, has to ask for X-User itself.
--
--     [http shop]
--     script         = jwt_check.lua
--     script_failure = deny            ; else what fails here would let pass
local moongate = require "moongate"

local KEY_FILE = "jwt.key"  -- below script_path
local FRONT, PROTECTED = "^/index%.php%f[/%z]", "^/api%f[/%z]"

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


local function request(req)
  local token = (req:header("Authorization") or ""):match("^Bearer +(%S+)$")
  local user = token and find_user(token)
  assert(req:set_header("X-User", user))
  if not user and req.path:gsub(FRONT, ""):find(PROTECTED) then
    return moongate.reply(401, { ["WWW-Authenticate"] = "Bearer" })
  end
end


return { load = load, request = request }
