--- A server's RSA key, by OpenSSL itself: its public half as PEM, and what is
-- encrypted for it in clear.
local ffi = require "ffi"
local support = require "support.ffi"

local BITS = 2048
local OAEP = 4
local PEM_MAX = 4096

ffi.cdef [[
typedef struct evp_pkey_st EVP_PKEY;
typedef struct evp_pkey_ctx_st EVP_PKEY_CTX;
typedef struct bio_st BIO;
EVP_PKEY *EVP_PKEY_Q_keygen(void *libctx, const char *propq, const char *type,
                            ...);
void EVP_PKEY_free(EVP_PKEY *key);
EVP_PKEY_CTX *EVP_PKEY_CTX_new(EVP_PKEY *key, void *engine);
void EVP_PKEY_CTX_free(EVP_PKEY_CTX *context);
int EVP_PKEY_decrypt_init(EVP_PKEY_CTX *context);
int EVP_PKEY_CTX_set_rsa_padding(EVP_PKEY_CTX *context, int padding);
int EVP_PKEY_decrypt(EVP_PKEY_CTX *context, uint8_t *out, size_t *out_len,
                     const uint8_t *in, size_t in_len);
const void *BIO_s_mem(void);
BIO *BIO_new(const void *kind);
int BIO_read(BIO *bio, void *data, int len);
int BIO_free(BIO *bio);
int PEM_write_bio_PUBKEY(BIO *bio, EVP_PKEY *key);
]]

local _M = {}
local Key = {}
Key.__index = Key


-- OpenSSL, which the core is linked with.
local C


local function public_pem(key)
  local bio, text = C.BIO_new(C.BIO_s_mem()), ffi.new("char[?]", PEM_MAX)
  assert(C.PEM_write_bio_PUBKEY(bio, key) == 1)
  local n = C.BIO_read(bio, text, PEM_MAX)
  C.BIO_free(bio)
  return ffi.string(text, n)
end


--- Makes a key.
-- @param kind  string or nil: "RSA" unless given
-- @return a table: pem
function _M.new(kind)
  C = support.load("net/crypto.h")
  local key
  if kind then
    key = C.EVP_PKEY_Q_keygen(nil, nil, kind)
  else
    key = C.EVP_PKEY_Q_keygen(nil, nil, "RSA", ffi.cast("size_t", BITS))
  end
  assert(key ~= nil)
  ffi.gc(key, C.EVP_PKEY_free)
  return setmetatable({ key = key, pem = public_pem(key) }, Key)
end


--- What was encrypted.
-- @return string, or nil if it was not encrypted for this key
function Key:decrypt(bytes)
  local context = C.EVP_PKEY_CTX_new(self.key, nil)
  local out, len = ffi.new("uint8_t[?]", BITS / 8), ffi.new("size_t[1]")
  len[0] = BITS / 8
  assert(C.EVP_PKEY_decrypt_init(context) == 1)
  assert(C.EVP_PKEY_CTX_set_rsa_padding(context, OAEP) == 1)
  local ok = C.EVP_PKEY_decrypt(context, out, len, bytes, #bytes) == 1
  C.EVP_PKEY_CTX_free(context)
  return ok and ffi.string(out, len[0]) or nil
end


return _M
