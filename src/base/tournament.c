/* SPDX-License-Identifier: MIT */
#include "base/tournament.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

static struct tournament_node
better(struct tournament_node a, struct tournament_node b)
{
    if (a.key < b.key)
        return a;
    if (b.key < a.key)
        return b;
    a.count += b.count;
    return a;
}

static bool
same(struct tournament_node a, struct tournament_node b)
{
    return a.count == b.count && !(a.key < b.key) && !(b.key < a.key);
}

void
tournament_init(struct tournament *t, unsigned count)
{
    const struct tournament_node out = {.key = TOURNAMENT_OUT};

    t->first = 1;
    while (t->first < count)
        t->first *= 2;
    t->nodes = xcalloc((size_t)t->first * 2, sizeof(*t->nodes));
    for (unsigned i = 0; i < t->first * 2; i++)
        t->nodes[i] = out;
}

void
tournament_fini(struct tournament *t)
{
    free(t->nodes);
    t->nodes = NULL;
}

void
tournament_set(struct tournament *t, unsigned player, double key)
{
    struct tournament_node *nodes = t->nodes;
    unsigned i = t->first + player;
    struct tournament_node now = {
        .key = key,
        .count = key < TOURNAMENT_OUT ? 1 : 0,
    };

    /* Where nothing changes, nothing does above. */
    while (!same(nodes[i], now)) {
        nodes[i] = now;
        if (i == 1)
            return;
        now = better(nodes[i & ~1U], nodes[i | 1]);
        i /= 2;
    }
}

unsigned
tournament_winner(const struct tournament *t, unsigned k)
{
    const struct tournament_node *nodes = t->nodes;
    unsigned i = 1;

    assert(k < nodes[1].count);
    while (i < t->first) {
        struct tournament_node left = nodes[2 * i];

        i = 2 * i;
        if (left.key > nodes[1].key) {
            i++;
        } else if (k >= left.count) {
            k -= left.count;
            i++;
        }
    }
    return i - t->first;
}
