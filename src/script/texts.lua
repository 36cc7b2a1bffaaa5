--- moongate.hash, moongate.base64 and moongate.json: functions of texts, which
-- wait for nothing.
-- @module script.texts
local base64 = require "script.base64"
local calls = require "script.calls"
local digest = require "script.digest"
local json = require "script.json"

local c, check = calls.c, calls.check

--- Bytes of what one call may work through, as it cannot be interrupted.
local TEXT_MAX = 4 * 1024 * 1024

local _M = {}


-- Raises, at the line of whoever called the function that calls this one,
-- unless the value is a text of moderate length.
local function check_text(value, position, name)
  if type(value) ~= "string" then
    error(("bad argument #%d to '%s' (string expected, got %s)"):format(
      position, name, type(value)), 3)
  end
  if #value > TEXT_MAX then
    error(("bad argument #%d to '%s' (more than %d bytes)"):format(
      position, name, TEXT_MAX), 3)
  end
end


-- --- hash --------------------------------------------------------------------

local function murmur(value, seed)
  check(value, "string", 1, "murmur")
  if seed ~= nil then
    check(seed, "number", 2, "murmur")
  end
  return c.hash(value, #value, seed or 0)
end


local function new_digest(kind)
  return function(text, binary)
    check_text(text, 1, kind)
    return (digest.digest(kind, text, binary))
  end
end


--- The HMAC (RFC 2104) of a text.
-- @param kind    string: "sha1", "sha256" or "sha512"
-- @param key     string
-- @param text    string
-- @param binary  boolean, optional: bytes, not hexadecimal digits
local function hmac(kind, key, text, binary)
  check(kind, "string", 1, "hmac")
  check_text(key, 2, "hmac")
  check_text(text, 3, "hmac")
  local result = digest.hmac(kind, key, text, binary)
  if not result then
    error("bad argument #1 to 'hmac' ('sha1', 'sha256' or 'sha512' expected)",
      2)
  end
  return result
end


--- Whether two texts are the same, in a time that does not tell where they
-- differ.
local function equal(a, b)
  check_text(a, 1, "equal")
  check_text(b, 2, "equal")
  return (digest.equal(a, b))
end


--- A table of one's own.
function _M.new_hash()
  return {
    murmur = murmur,
    sha1 = new_digest("sha1"),
    sha256 = new_digest("sha256"),
    sha512 = new_digest("sha512"),
    hmac = hmac,
    equal = equal,
  }
end


-- --- base64 ------------------------------------------------------------------

local function new_encode(name, url)
  return function(text)
    check_text(text, 1, name)
    return (base64.encode(text, url))
  end
end


local function new_decode(name, url)
  return function(text)
    check_text(text, 1, name)
    local bytes = base64.decode(text, url)
    if not bytes then
      return nil, "not base64"
    end
    return bytes
  end
end


--- Likewise.
function _M.new_base64()
  return {
    encode = new_encode("encode", false),
    decode = new_decode("decode", false),
    encode_url = new_encode("encode_url", true),
    decode_url = new_decode("decode_url", true),
  }
end


-- --- json --------------------------------------------------------------------

--- The value that a text stands for; or nil and a reason.
local function decode(text)
  check(text, "string", 1, "decode")
  return json.decode(text)
end


--- The text for a value; or nil and a reason.
local function encode(value)
  local text, reason, misused = json.encode(value)
  if misused then
    error(("bad argument #1 to 'encode' (%s)"):format(reason), 2)
  end
  return text, reason
end


--- Marks a table as an array, so that it is one even when it is empty.
local function array(value)
  check(value, "table", 1, "array")
  if not json.array(value) then
    error("bad argument #1 to 'array' (the table has a metatable)", 2)
  end
  return value
end


--- Likewise.
function _M.new_json()
  return {
    decode = decode, encode = encode, array = array, null = json.null,
  }
end


return _M
