/* SPDX-License-Identifier: MIT */
#include "script/trusts.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/str.h"
#include "net/crypto.h"
#include "net/tls.h"

/* What tells two of them apart. */
struct trust_key {
    bool verify;
    bool system; /* the system's certificates */
    uint8_t digest[CRYPTO_SHA256_LEN];
};

struct trust {
    struct trust_key key;
    struct tls_client *client; /* held */
};

/* The one that was used last comes first. */
struct trusts {
    unsigned count;
    struct trust at[TRUSTS_MAX];
};

static bool
is_same(const struct trust_key *a, const struct trust_key *b)
{
    return a->verify == b->verify && a->system == b->system &&
           memcmp(a->digest, b->digest, sizeof(a->digest)) == 0;
}

/* Moves the one at PLACE, which may be one behind the last, to the front. */
static void
bring_forward(struct trusts *trusts, unsigned place, struct trust trust)
{
    memmove(&trusts->at[1], &trusts->at[0], place * sizeof(trusts->at[0]));
    trusts->at[0] = trust;
}

static struct tls_client *
look_up(struct trusts *trusts, const struct trust_key *key)
{
    for (unsigned i = 0; i < trusts->count; i++) {
        struct trust found = trusts->at[i];

        if (!is_same(&found.key, key))
            continue;
        bring_forward(trusts, i, found);
        return tls_client_ref(found.client);
    }
    return NULL;
}

static void
add(struct trusts *trusts, const struct trust_key *key,
    struct tls_client *client)
{
    const struct trust trust = {
        .key = *key,
        .client = tls_client_ref(client),
    };

    if (trusts->count == TRUSTS_MAX)
        tls_client_unref(trusts->at[--trusts->count].client);
    bring_forward(trusts, trusts->count++, trust);
}

struct tls_client *
trusts_find(lua_State *L, struct coroutines *all, int place, const char **why)
{
    struct str ca = {.p = NULL};
    struct trust_key key = {.verify = true};
    struct tls_client *client;

    if (lua_isboolean(L, place))
        key.verify = lua_toboolean(L, place);
    if (key.verify && lua_type(L, place + 1) == LUA_TSTRING)
        ca.p = lua_tolstring(L, place + 1, &ca.len);
    key.system = ca.p == NULL;
    *why = "there is no memory for it";
    if (all->trusts == NULL)
        all->trusts = calloc(1, sizeof(*all->trusts));
    if (all->trusts == NULL || crypto_sha256(key.digest, &ca, 1) < 0)
        return NULL;
    client = look_up(all->trusts, &key);
    if (client != NULL)
        return client;
    client = tls_client_new(key.verify, ca, why);
    if (client != NULL)
        add(all->trusts, &key, client);
    return client;
}

void
trusts_free(struct trusts *trusts)
{
    if (trusts == NULL)
        return;
    for (unsigned i = 0; i < trusts->count; i++)
        tls_client_unref(trusts->at[i].client);
    free(trusts);
}
