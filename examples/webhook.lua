--- Who calls a webhook has to sign the body with the secret that we share, as
-- GitHub and many others do; what is not signed never comes to PHP.
--
--     [http hooks]
--     script         = webhook.lua
--     script_failure = deny            ; else what fails here would let pass
local moongate = require "moongate"

local SECRET_FILE = "webhook.key"  -- below script_path
-- What runs the file: by its name, with or without a PATH_INFO.
local PATH = "^/webhook%.php%f[/%z]"
local BODY_MAX = 262144

local secret


local function load()
  secret = assert(moongate.read_file(SECRET_FILE)):gsub("%s+$", "")
  assert(#secret >= 16, SECRET_FILE .. " holds fewer than 16 bytes")
end


local function request(req)
  if not req.path:find(PATH) then
    return
  end
  local signature = req:header("X-Hub-Signature-256")
  if not signature then
    return moongate.reply(401)
  end
  local body, reason = req:body(BODY_MAX)
  if not body then
    return moongate.reply(413, nil, reason)
  end
  local wanted = "sha256=" .. moongate.hash.hmac("sha256", secret, body)
  if not moongate.hash.equal(signature, wanted) then
    return moongate.reply(403)
  end
end


return { load = load, request = request }
