--- Digests and signatures against published vectors; what is encrypted is read
-- again by OpenSSL with the private key.
local ffi = require "ffi"
local rsa = require "support.rsa"
local support = require "support.ffi"

local core = support.load("net/crypto.h")


local function hex(bytes)
  return (bytes:gsub(".", function(c)
    return ("%02x"):format(c:byte())
  end))
end


local function unhex(digits)
  return (digits:gsub("%x%x", function(pair)
    return string.char(tonumber(pair, 16))
  end))
end


local function str(s)
  return ffi.new("struct str", s, #s)
end


describe("digests", function()
  local CASES = {
    sha1 = { 20, { { { "abc" }, "a9993e364706816aba3e25717850c26c9cd0d89d" },
      { {}, "da39a3ee5e6b4b0d3255bfef95601890afd80709" } } },
    sha256 = { 32, { { { "a", "", "bc" }, "ba7816bf8f01cfea414140de5dae2223"
      .. "b00361a396177a9cb410ff61f20015ad" } } },
    sha512 = { 64, { { { "ab", "c" }, "ddaf35a193617abacc417349ae20413112e6fa4e"
      .. "89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643"
      .. "ce80e2a9ac94fa54ca49f" } } },
  }

  for name, case in pairs(CASES) do
    it("are those of FIPS 180: " .. name, function()
      for _, try in ipairs(case[2]) do
        local texts = ffi.new("struct str[4]")
        for i, part in ipairs(try[1]) do
          texts[i - 1] = str(part)
        end
        local out = ffi.new("uint8_t[?]", case[1])
        assert.are.equal(0, core["crypto_" .. name](out, texts, #try[1]))
        assert.are.equal(try[2], hex(ffi.string(out, case[1])))
      end
    end)
  end
end)


describe("crypto_ed25519_sign", function()
  -- RFC 8032, section 7.1: secret, message, signature
  local CASES = {
    { "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
      .. "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b" },
    { "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
      .. "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00" },
    { "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
      .. "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a" },
  }

  local function sign(secret, message)
    local out = ffi.new("uint8_t[64]")
    assert.are.equal(0, core.crypto_ed25519_sign(out, str(secret),
      str(message)))
    return ffi.string(out, 64)
  end

  it("signs as RFC 8032 does", function()
    for _, case in ipairs(CASES) do
      assert.are.equal(case[3], hex(sign(unhex(case[1]), unhex(case[2]))))
    end
  end)

  it("signs as MariaDB takes it, with a password", function()
    local mysql = require "support.mysql"
    assert.are.equal(hex(mysql.MARIADB.ed25519_answer),
      hex(sign("secret", mysql.MARIADB.switch_ed25519:sub(-32))))
  end)
end)


describe("crypto_rsa_encrypt", function()
  local key

  setup(function()
    key = rsa.new()
  end)

  local function encrypt(pem, text, cap)
    local out = ffi.new("uint8_t[?]", 4096)
    local n = tonumber(core.crypto_rsa_encrypt(out, cap or 4096, str(pem),
      str(text)))
    return n >= 0 and ffi.string(out, n) or nil
  end

  it("hides a text that the key's owner can read", function()
    for _, text in ipairs({ "", "secret\0", ("x"):rep(214) }) do
      local hidden = encrypt(key.pem, text)
      assert.are.equal(256, #hidden)
      assert.are.equal(text, key:decrypt(hidden))
    end
  end)

  it("refuses a text that is too long, and too little room", function()
    assert.is_nil(encrypt(key.pem, ("x"):rep(215)))
    assert.is_nil(encrypt(key.pem, "x", 255))
    assert.is_not_nil(encrypt(key.pem, "x", 256))
  end)

  it("refuses what is no RSA key", function()
    local CASES = { "", "-----BEGIN PUBLIC KEY-----\n", key.pem:sub(1, 100),
      key.pem:gsub("M", "N"), rsa.new("ED25519").pem, ("x"):rep(20000) }
    for _, pem in ipairs(CASES) do
      assert.is_nil(encrypt(pem, "x"))
    end
    for n = 0, #key.pem - 30, 7 do
      assert.is_nil(encrypt(key.pem:sub(1, n), "x"))
    end
  end)
end)


describe("crypto_version", function()
  it("names the library", function()
    assert.truthy(ffi.string(core.crypto_version()):find("^OpenSSL %d"))
  end)
end)


describe("HMAC", function()
  -- RFC 2202, 2 and RFC 4231, 4.3
  local CASES = {
    CRYPTO_SHA1 = "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
    CRYPTO_SHA256 = "5bdcc146bf60754e6a042426089575c7"
      .. "5a003f089d2739839dec58b964ec3843",
    CRYPTO_SHA512 = "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7"
      .. "ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bc"
      .. "e737",
  }
  for kind, wanted in pairs(CASES) do
    it("is that of the RFCs: " .. kind, function()
      local out = ffi.new("uint8_t[64]")
      assert.are.equal(0, core.crypto_hmac(out, core[kind], str("Jefe"),
        str("what do ya want for nothing?")))
      assert.are.equal(wanted, hex(ffi.string(out, #wanted / 2)))
    end)
  end

  it("takes an empty key, and refuses none", function()
    local out = ffi.new("uint8_t[64]")
    assert.are.equal(0, core.crypto_hmac(out, core.CRYPTO_SHA256, str(""),
      str("")))
    assert.are.equal("b613679a0814d9ec772f95d778c35fc5"
      .. "ff1697c493715653c6c712144292c5ad", hex(ffi.string(out, 32)))
    assert.are.equal(-1, core.crypto_hmac(out, core.CRYPTO_SHA256,
      ffi.new("struct str"), str("")))
  end)
end)


describe("crypto_equal", function()
  it("compares all bytes and the length", function()
    assert.is_true(core.crypto_equal(str("abc"), str("abc")))
    assert.is_true(core.crypto_equal(str(""), str("")))
    assert.is_false(core.crypto_equal(str("abc"), str("abd")))
    assert.is_false(core.crypto_equal(str("abc"), str("ab")))
  end)
end)
