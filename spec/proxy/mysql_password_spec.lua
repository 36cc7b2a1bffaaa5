--- How passwords are proved: answers that real servers took, and what a server
-- would compute.
local ffi = require "ffi"
local mysql = require "support.mysql"
local rsa = require "support.rsa"
local support = require "support.ffi"

local core = support.load("proxy/mysql_password.h", "net/crypto.h")

local OTHER, NATIVE, SHA2, ED25519 = 0, 1, 2, 3
local CHALLENGE = "abcdefgh0123456789ab"


local function str(s)
  return s and ffi.new("struct str", s, #s) or ffi.new("struct str")
end


local function answer(plugin, password, challenge)
  local out = ffi.new("uint8_t[64]")
  local n = tonumber(core.mysql_password_answer(out, plugin, str(password),
    str(challenge)))
  return n >= 0 and ffi.string(out, n) or nil
end


local function sha256(text)
  local out = ffi.new("uint8_t[32]")
  assert.are.equal(0, core.crypto_sha256(out, str(text), 1))
  return ffi.string(out, 32)
end


local function xor(a, b)
  local out = {}
  for i = 1, #a do
    out[i] = string.char(bit.bxor(a:byte(i), b:byte((i - 1) % #b + 1)))
  end
  return table.concat(out)
end


describe("mysql_plugin_find", function()
  it("knows three", function()
    for name, plugin in pairs({ mysql_native_password = NATIVE,
        caching_sha2_password = SHA2, client_ed25519 = ED25519,
        unix_socket = OTHER, [""] = OTHER, mysql_native = OTHER }) do
      assert.are.equal(plugin, tonumber(core.mysql_plugin_find(str(name))))
    end
  end)
end)


describe("mysql_password_answer", function()
  it("is the one that MariaDB took", function()
    local greeting = mysql.MARIADB.password_greeting
    assert.are.equal(mysql.MARIADB.password_answer, answer(NATIVE, "sesame",
      greeting:match("85>v\\H6r") .. "^_BiniHhVS|;"))
    assert.are.equal(mysql.MARIADB.ed25519_answer, answer(ED25519, "secret",
      mysql.MARIADB.switch_ed25519:sub(-32)))
  end)

  it("is what MySQL's cache can check", function()
    -- The server has the double digest; what it unmasks has it, too.
    local stored = sha256(sha256("sesame"))
    local once = xor(answer(SHA2, "sesame", CHALLENGE),
      sha256(stored .. CHALLENGE))
    assert.are.equal(stored, sha256(once))
  end)

  it("uses 20 bytes of a challenge, whatever follows", function()
    for _, plugin in ipairs({ NATIVE, SHA2 }) do
      assert.are.equal(answer(plugin, "x", CHALLENGE),
        answer(plugin, "x", CHALLENGE .. "\0"))
    end
  end)

  it("is empty, or a NUL, without a password", function()
    for _, password in ipairs({ "", false }) do
      assert.are.equal("", answer(NATIVE, password, CHALLENGE))
      assert.are.equal("\0", answer(SHA2, password, CHALLENGE))
      assert.are.equal("", answer(OTHER, password, CHALLENGE))
      assert.are.equal(64, #answer(ED25519, password, CHALLENGE .. CHALLENGE))
    end
    assert.are.equal("", answer(OTHER, "sesame", CHALLENGE))
  end)

  it("is refused to a challenge that is too short", function()
    assert.is_nil(answer(NATIVE, "x", CHALLENGE:sub(2)))
    assert.is_nil(answer(SHA2, "x", ""))
    assert.is_nil(answer(ED25519, "x", ("c"):rep(31)))
  end)
end)


describe("mysql_password_encrypt", function()
  local key = rsa.new()

  local function encrypt(password, challenge)
    local out = ffi.new("uint8_t[2048]")
    local n = tonumber(core.mysql_password_encrypt(out, 2048, str(password),
      str(challenge), str(key.pem)))
    return n >= 0 and ffi.string(out, n) or nil
  end

  it("is read by the server", function()
    for _, password in ipairs({ "sesame", "", ("long"):rep(40) }) do
      local hidden = encrypt(password, CHALLENGE .. "\0")
      assert.are.equal(password .. "\0", xor(key:decrypt(hidden), CHALLENGE))
    end
  end)

  it("refuses what is too long or too short", function()
    assert.is_nil(encrypt(("x"):rep(256), CHALLENGE))
    assert.is_nil(encrypt("x", CHALLENGE:sub(2)))
  end)
end)
