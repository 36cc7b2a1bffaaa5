/* SPDX-License-Identifier: MIT */
/*
 * Where the slots' words lie, for the board that makes room for them and for
 * slots.c that works on them. What each is for stands in slots.h. The board
 * calls the two functions at the end, which are what slots.h has without it.
 *
 *     struct slots | intents[actor] | ack[actor][actor] | words[slot]
 *                  | held[actor][slot]
 *
 * Rows of different writers, and the words that all write, share no cache line.
 */
#ifndef BOARD_SLOTS_LAYOUT_H
#define BOARD_SLOTS_LAYOUT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct slot_line {
    _Alignas(64) _Atomic uint64_t word;
};

/* A process's handle to the tables; `repairs` is the master's own. */
struct slots {
    unsigned actors; /* the master and the workers */
    unsigned count;  /* slots */
    size_t ack_stride;
    size_t held_stride;
    struct slot_line *intents;
    _Atomic uint64_t *acks;
    struct slot_line *words;
    _Atomic uint64_t *helds;
    uint64_t repairs; /* the number of the last change that a repair made */
};

/* The cell in which ACTOR acknowledges operations of OF. */
static inline _Atomic uint64_t *
slots_ack(const struct slots *s, unsigned actor, unsigned of)
{
    return s->acks + actor * s->ack_stride + of;
}

/* How many of SLOT an actor holds. */
static inline _Atomic uint64_t *
slots_held(const struct slots *s, unsigned actor, unsigned slot)
{
    return s->helds + actor * s->held_stride + slot;
}

/* slot_count and slots_repair of a board's slots. */
uint32_t slots_count(const struct slots *s, unsigned slot);
void slots_give_back(struct slots *s, unsigned worker);

#endif
