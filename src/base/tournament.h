/* SPDX-License-Identifier: MIT */
/*
 * A tournament: players with keys, of whom the lowest wins. Changing a key and
 * finding any one of the winners take as many steps as the tree is high.
 *
 *                    1 (twice)
 *              1            1         a node has the lowest key below it,
 *           3     1      1     2      and how many players have that
 *     key  3 out 1  7   4  1  2 out
 */
#ifndef BASE_TOURNAMENT_H
#define BASE_TOURNAMENT_H

#include <math.h>
#include <stdint.h>

#define TOURNAMENT_OUT ((double)INFINITY) /* the key of who cannot win */

struct tournament_node {
    double key;
    uint32_t count; /* players below with this key; 0 where all are out */
};

struct tournament {
    struct tournament_node *nodes; /* 1 is the root, the players come last */
    unsigned first;                /* the node of player 0 */
};

/* COUNT players, all out; their memory is got now (start-up only). */
void tournament_init(struct tournament *t, unsigned count);
void tournament_fini(struct tournament *t);

/* Gives PLAYER a key. */
void tournament_set(struct tournament *t, unsigned player, double key);

/* How many players have the lowest key. */
static inline unsigned
tournament_winners(const struct tournament *t)
{
    return t->nodes[1].count;
}

/* Winner number K of them, from 0, in the order of their own numbers. */
unsigned tournament_winner(const struct tournament *t, unsigned k);

#endif
