/* SPDX-License-Identifier: MIT */
/*
 * Which weights policies see while some servers are to get less than their
 * share: those that come back slowly (slowstart), and those whose check says so
 * (lag=weight).
 *
 *     weight    1    1    1        all have their whole share: as they are
 *     share     1  0.25   1
 *     seen     16    4   16        weights are integers: all are multiplied
 */
#ifndef PROXY_WEIGHTS_H
#define PROXY_WEIGHTS_H

#include <stdint.h>

enum {
    WEIGHTS_SCALE_MAX = 16, /* as HAProxy's */
    WEIGHTS_SEEN_MAX = 256, /* the largest weight that a policy sees */
};

struct weight {
    int32_t weight; /* configured or set; 0 stays 0, and no other becomes 0 */
    double share;   /* of it, 0 to 1 */
    int32_t seen;   /* what comes out */
};

/* Sets `seen` of the COUNT weights of one upstream. */
void weights_set_seen(struct weight *weights, unsigned count);

/* Sets the shares from what is seen: after a restart. */
void weights_set_shares(struct weight *weights, unsigned count);

/* The share of a server ELAPSED_MS after it came back, which gets all of it
 * after SPAN_MS (above 0): from a tenth on. */
double weights_slow_share(uint64_t elapsed_ms, uint64_t span_ms);

/* The ELAPSED_MS that belongs to SHARE. */
uint64_t weights_slow_elapsed(double share, uint64_t span_ms);

#endif
