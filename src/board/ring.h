/* SPDX-License-Identifier: MIT */
/*
 * A ring of records in shared memory from one producer (a worker) to one
 * consumer (control), in order, without locks. A full ring counts what it
 * drops.
 *
 *            tail                     head
 *     [ free | record | record | record | free ... | pad ]
 *
 * Records are contiguous: what does not fit before the end goes to the start,
 * and a pad fills the gap. Head moves after the bytes are written, so a
 * producer that dies in the middle leaves nothing behind. The consumer believes
 * no number in the ring: nonsense empties it.
 */
#ifndef BOARD_RING_H
#define BOARD_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct ring;

enum {
    RING_BYTES_MIN = 4096, /* the smallest ring; sizes are powers of two */
};

/* What ring_put says, or-ed. */
enum ring_state {
    RING_DROPPED = 1,   /* there was no room; the record is counted as lost */
    RING_WAS_EMPTY = 2, /* the consumer may be asleep */
    RING_HALF_FULL = 4, /* it should hurry */
};

struct ring_record {
    uint8_t kind;    /* as put */
    uint16_t target; /* as put */
    struct str text; /* inside the ring; valid until ring_pop */
    uint64_t end;    /* where the next record begins */
};

/* Bytes of memory that a ring of BYTES for records takes. */
size_t ring_size(size_t bytes);

/* Makes an empty ring in zeroed memory, aligned to 64, of ring_size(BYTES). */
struct ring *ring_init(void *mem, size_t bytes);

/* Producer: appends a copy of the N bytes at P. KIND and TARGET are the users'
 * matter. A record longer than a quarter of the ring is dropped. Returns bits
 * of enum ring_state. */
unsigned ring_put(struct ring *r, uint8_t kind, uint16_t target, const void *p,
                  size_t n);

/* The same, but an eighth of the ring is left to ring_put: for records of which
 * there may be a flood. */
unsigned ring_put_sparing(struct ring *r, uint8_t kind, uint16_t target,
                          const void *p, size_t n);

/* Consumer: the oldest record, which stays in the ring; false if there is none.
 * When it is false, and the consumer sleeps until it is woken by whoever got
 * RING_WAS_EMPTY, no record is left behind. */
bool ring_peek(struct ring *r, struct ring_record *out);

/* Consumer: removes the record that ring_peek gave. */
void ring_pop(struct ring *r, const struct ring_record *record);

/* Records dropped since the ring was made. Both sides may ask. */
uint64_t ring_dropped(const struct ring *r);

#endif
