/* SPDX-License-Identifier: MIT */
/*
 * Looks names up without waiting: evdns, with what /etc/hosts and
 * /etc/resolv.conf say at the time.
 *
 *     lookup_start ─▶ files changed? ─▶ evdns ── /etc/hosts ──▶ lookup's fn
 *                      then a new one     └── A, AAAA ────────▶
 *
 * evdns reads those files once. So a resolver looks, before each lookup,
 * whether they have changed, and goes on with a new one then; what is under way
 * ends with the old one.
 */
#ifndef NET_RESOLVER_H
#define NET_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/list.h"
#include "base/mem.h"
#include "net/loop.h"

enum {
    RESOLVER_ADDRS_MAX = 8, /* of one name that are handed on */
};

struct lookup;
struct lookup_request;
struct resolver_base;

/* The answer: COUNT addresses, each once, with the port that was asked with,
 * and of the caller's only until it returns; or none (0), and WHY in words. */
typedef void (*lookup_fn)(struct lookup *lookup, const struct addr *addrs,
                          unsigned count, const char *why);

struct resolver {
    struct loop *loop;
    struct resolver_base *base; /* for the next lookup; NULL: none yet */
    struct list bases;          /* that one, and those that end */
    struct list requests;       /* all that are under way */
};

struct lookup {
    lookup_fn fn;
    uint16_t port;
    struct lookup_request *request; /* NULL: not under way */
};

/* One that looks names up in LOOP. It opens nothing before the first lookup. */
void resolver_init(struct resolver *resolver, struct loop *loop);

/* Reads the files now: a process that is confined afterwards goes on with what
 * they say. */
void resolver_warm(struct resolver *resolver);

/* Ends all lookups without an answer, and it. LOOP is turned for that, so that
 * all else in it must have been stopped. */
void resolver_fini(struct resolver *resolver);

/* Prepares one that answers by FN; nothing is under way. */
void lookup_init(struct lookup *lookup, lookup_fn fn);

/* Looks HOST up. FN is called once, maybe before this returns: with what
 * /etc/hosts says, or after the timeouts of /etc/resolv.conf at the latest.
 * Refused while the last one is under way (EBUSY). -1 with errno, and no
 * call. */
int lookup_start(struct lookup *lookup, struct resolver *resolver,
                 const char *host, uint16_t port) MUST_CHECK;

/* Forgets what is under way; FN is not called any more. */
void lookup_stop(struct lookup *lookup);

static inline bool
lookup_is_running(const struct lookup *lookup)
{
    return lookup->request != NULL;
}

#endif
