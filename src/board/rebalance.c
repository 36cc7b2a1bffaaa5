/* SPDX-License-Identifier: MIT */
#include "board/rebalance.h"

enum {
    RETIRED_BITS = 24,
};

static uint64_t
word_of(uint64_t began_ms, uint32_t retired)
{
    return began_ms << RETIRED_BITS | retired;
}

bool
board_rebalance_begin(struct board *b, int row, uint32_t sessions,
                      uint64_t now_ms)
{
    struct server_row *server = &b->servers[row];
    uint64_t none = 0;

    if (atomic_load(&server->rebalance) != 0)
        return false;
    /* Two that come at once have counted the same, but for a few. */
    atomic_store(&server->rebalance_sessions, sessions);
    return atomic_compare_exchange_strong(&server->rebalance, &none,
                                          word_of(now_ms, 0));
}

bool
board_rebalance_read(const struct board *b, int row,
                     struct rebalance_state *out)
{
    const struct server_row *server = &b->servers[row];
    uint64_t word = atomic_load(&server->rebalance);

    if (word == 0)
        return false;
    *out = (struct rebalance_state){
        .began_ms = word >> RETIRED_BITS,
        .retired = (uint32_t)(word & REBALANCE_RETIRED_MAX),
        .sessions = atomic_load(&server->rebalance_sessions),
    };
    return true;
}

bool
board_rebalance_end(struct board *b, int row, struct rebalance_state *state)
{
    struct server_row *server = &b->servers[row];
    uint64_t word = atomic_load(&server->rebalance);

    while (word != 0 && word >> RETIRED_BITS == state->began_ms) {
        if (!atomic_compare_exchange_weak(&server->rebalance, &word, 0))
            continue;
        state->retired = (uint32_t)(word & REBALANCE_RETIRED_MAX);
        return true;
    }
    return false;
}

void
board_rebalance_count(struct board *b, int row)
{
    _Atomic uint64_t *rebalance = &b->servers[row].rebalance;
    uint64_t word = atomic_load(rebalance);

    while (word != 0 &&
           (word & REBALANCE_RETIRED_MAX) < REBALANCE_RETIRED_MAX) {
        if (atomic_compare_exchange_weak(rebalance, &word, word + 1))
            return;
    }
}

bool
board_rebalance_pace(struct board *b, int upstream, uint64_t now_us,
                     uint64_t interval_us, uint64_t *wait_us)
{
    _Atomic uint64_t *pace = &b->upstreams[upstream].retire_us;
    uint64_t next = atomic_load(pace);

    while (next <= now_us) {
        uint64_t from = next;

        if (from + REBALANCE_BURST_US < now_us)
            from = now_us - REBALANCE_BURST_US;
        if (atomic_compare_exchange_weak(pace, &next, from + interval_us))
            return true;
    }
    *wait_us = next - now_us;
    return false;
}
