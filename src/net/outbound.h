/* SPDX-License-Identifier: MIT */
/*
 * A connection that this program makes to a host: its name is looked up, its
 * addresses are tried one after the other until one lets it in, and TLS begins
 * where it is wanted.
 *
 *     outbound_start ─▶ name ─▶ address, or the next … ─▶ handshake ─▶ 0
 *          └── on_ready, each time something has come of it ──▶
 * outbound_connect
 *
 * From then on it is the stream OUTBOUND->stream, of which on_ready tells
 * as well. How long all this may take is the owner's to say.
 */
#ifndef NET_OUTBOUND_H
#define NET_OUTBOUND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/mem.h"
#include "net/resolver.h"
#include "net/tls.h"

struct outbound;
typedef void (*outbound_fn)(struct outbound *outbound);

/* Where to. */
struct outbound_conf {
    struct loop *loop;
    struct resolver *resolver; /* NULL: no names, only addresses */
    const char *host;          /* a name, an address, or "unix:/PATH" */
    uint16_t port;
    struct tls_client *client; /* NULL: without TLS */
    const char *name;          /* that TLS verifies; NULL: HOST, or none for a
                                  Unix socket, which fails where it verifies */
};

struct outbound {
    struct stream stream;
    outbound_fn on_ready; /* the owner is found by container_of */
    struct loop *loop;
    struct tls_client *client; /* held; NULL: without TLS */
    char name[TLS_NAME_MAX + 1];
    struct lookup lookup;
    struct addr addrs[RESOLVER_ADDRS_MAX];
    unsigned addr_count;
    unsigned addr_next;        /* the one to be tried next */
    bool connected;            /* outbound_connect has given 0 */
    char words[TLS_WORDS_MAX]; /* what went wrong */
};

/* A closed one. */
void outbound_init(struct outbound *outbound, outbound_fn on_ready);

/* Begins, on a closed one. on_ready may be called before this returns. -1, and
 * `words` say why; it is closed still. */
int outbound_start(struct outbound *outbound,
                   const struct outbound_conf *conf) MUST_CHECK;

/* Goes on. 0 once connected; else -1 with errno: EINPROGRESS, call it again
 * after on_ready; anything else is the end of it, and `words` say why. */
int outbound_connect(struct outbound *outbound) MUST_CHECK;

/* Puts the errno of a failed call on its stream into words; returns them. */
const char *outbound_explain(struct outbound *outbound, int error);

/* Closes it, however far it had come; a closed one is left alone. */
void outbound_close(struct outbound *outbound);

static inline struct stream *
outbound_stream(struct outbound *outbound)
{
    return &outbound->stream;
}

#endif
