/* SPDX-License-Identifier: MIT */
/*
 * What names in the configuration have resolved to.  The master looks each up
 * once; its workers, those that replace a dead one too, find the answer here,
 * so that all of them serve the same addresses and none waits for a resolver.
 */
#ifndef PROXY_ADDRESSES_H
#define PROXY_ADDRESSES_H

#include <stdbool.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"
#include "config/model.h"

enum {
    ADDRESSES_MAX = 8, /* of one name that are used */
};

struct address_answer;
struct faults;

struct addresses {
    bool closed;         /* none is looked up any more */
    bool may_come_later; /* a server's name without an address is no fault,
                            where it is looked up again: to start with, but not
                            to `check` */
    struct address_answer *first; /* the youngest */
    struct map by_text;           /* the same, by what was asked for */
};

void addresses_init(struct addresses *addresses);
void addresses_fini(struct addresses *addresses);

/* What CONF means: at most MAX addresses at OUT.  Looks a name up, and waits,
 * if it is asked for for the first time.  Returns how many; -1 with *WHY when
 * there is none.  Start-up, or a process that nobody waits for. */
int
addresses_find(struct addresses *addresses, struct addr *out, unsigned max,
               const struct address_conf *conf, const char **why) MUST_CHECK;

/* The same of what was asked for before: 0 for what was not, or had no
 * address. */
unsigned addresses_known(const struct addresses *addresses, struct addr *out,
                         unsigned max, const struct address_conf *conf);

/* The same as addresses_find for what is written AT: -1 is a fault. */
int addresses_resolve(struct addresses *addresses, struct addr *out,
                      unsigned max, const struct address_conf *conf,
                      struct config_at at, struct faults *faults) MUST_CHECK;

/* What is known, as bytes for another process of this program; and from them:
 * nothing else is looked up then.  -1 where they are none, or without memory;
 * end with addresses_fini either way. */
void addresses_write(const struct addresses *addresses, struct buf *out);
int addresses_read(struct addresses *addresses, struct str bytes) MUST_CHECK;

#endif
