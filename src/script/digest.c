/* SPDX-License-Identifier: MIT */
#include "script/digest.h"

#include <lauxlib.h>
#include <string.h>

#include "base/hex.h"
#include "net/crypto.h"

static const struct kind {
    const char *name;
    enum crypto_digest digest;
    size_t len;
} kinds[] = {
    {"sha1", CRYPTO_SHA1, CRYPTO_SHA1_LEN},
    {"sha256", CRYPTO_SHA256, CRYPTO_SHA256_LEN},
    {"sha512", CRYPTO_SHA512, CRYPTO_SHA512_LEN},
};

static const struct kind *
find_kind(const char *name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    }
    return NULL;
}

static struct str
text_at(lua_State *L, int index)
{
    struct str text;

    text.p = luaL_checklstring(L, index, &text.len);
    return text;
}

static int
push_digest(lua_State *L, const uint8_t *bytes, size_t len, bool binary)
{
    char text[2 * CRYPTO_SHA512_LEN];

    if (binary) {
        lua_pushlstring(L, (const char *)bytes, len);
        return 1;
    }
    hex_write(text, bytes, len);
    lua_pushlstring(L, text, 2 * len);
    return 1;
}

static int
run_digest(uint8_t *out, enum crypto_digest digest, struct str text)
{
    switch (digest) {
    case CRYPTO_SHA1:
        return crypto_sha1(out, &text, 1);
    case CRYPTO_SHA256:
        return crypto_sha256(out, &text, 1);
    case CRYPTO_SHA512:
        return crypto_sha512(out, &text, 1);
    }
    return -1;
}

static int
digest(lua_State *L)
{
    const struct kind *kind = find_kind(luaL_checkstring(L, 1));
    struct str text = text_at(L, 2);
    uint8_t bytes[CRYPTO_SHA512_LEN];

    if (kind == NULL)
        return 0;
    if (run_digest(bytes, kind->digest, text) < 0)
        return luaL_error(L, "%s cannot be computed", kind->name);
    return push_digest(L, bytes, kind->len, lua_toboolean(L, 3));
}

static int
hmac(lua_State *L)
{
    const struct kind *kind = find_kind(luaL_checkstring(L, 1));
    struct str key = text_at(L, 2);
    struct str text = text_at(L, 3);
    uint8_t bytes[CRYPTO_SHA512_LEN];

    if (kind == NULL)
        return 0;
    if (crypto_hmac(bytes, kind->digest, key, text) < 0)
        return luaL_error(L, "hmac of %s cannot be computed", kind->name);
    return push_digest(L, bytes, kind->len, lua_toboolean(L, 4));
}

static int
equal(lua_State *L)
{
    lua_pushboolean(L, crypto_equal(text_at(L, 1), text_at(L, 2)));
    return 1;
}

int
digest_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"digest", digest},
        {"hmac", hmac},
        {"equal", equal},
        {NULL, NULL},
    };

    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}
