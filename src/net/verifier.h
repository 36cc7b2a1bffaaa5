/* SPDX-License-Identifier: MIT */
/*
 * Compares passwords with their hashes beside the loop, one at a time: a hash
 * is made to take long (a tenth of a second, or seconds), and who has other
 * work does it meanwhile. The thread is made for each, of low priority, so that
 * whoever guesses takes no time from what is busy.
 *
 *     verifier_start ─▶ thread: htpasswd_matches ─▶ loop: verifier_fn
 */
#ifndef NET_VERIFIER_H
#define NET_VERIFIER_H

#include <stdbool.h>

#include "base/mem.h"
#include "base/str.h"

struct loop;
struct verifier;

/* What came of it; the next may be started. */
typedef void (*verifier_fn)(void *arg, bool matches);

/* One that does nothing yet; NULL with errno. */
struct verifier *verifier_new(struct loop *loop, verifier_fn fn, void *arg);

/* What still works is left alone: FN is not called, and the process may end.
 * NULL does nothing. */
void verifier_free(struct verifier *v);

bool verifier_is_busy(const struct verifier *v);

/* Is PASSWORD the one that SECRET stands for (an empty one: none)? When it is
 * not, it is compared with DECOY as well, for the time that takes, if that is
 * not empty. All are copied. It must not be busy. 0, or -1 with errno. */
int verifier_start(struct verifier *v, struct str secret, struct str decoy,
                   struct str password) MUST_CHECK;

#endif
