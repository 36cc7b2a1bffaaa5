/* SPDX-License-Identifier: MIT */
/*
 * Positions count bytes since the beginning and never wrap; their low bits are
 * the place in the data. A record is a head of eight bytes and the text, padded
 * to eight, so a head never straddles the end.
 */
#include "board/ring.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

enum {
    RING_HEAD_BYTES = 8,
    RING_PAD = 0xff, /* the flag of the gap before the end */
};

struct record_head {
    uint32_t len; /* bytes of text; of a pad: of the gap behind this head */
    uint16_t target;
    uint8_t kind;
    uint8_t flag; /* 0 or RING_PAD */
};

_Static_assert(sizeof(struct record_head) == RING_HEAD_BYTES,
               "a head is as long as the alignment of records");

struct ring {
    /* By the producer. */
    _Alignas(64) _Atomic uint64_t head; /* records end here */
    _Atomic uint64_t dropped;
    /* By the consumer. */
    _Alignas(64) _Atomic uint64_t tail; /* records begin here */
    /* Never changed. */
    _Alignas(64) uint64_t capacity;
    _Alignas(64) char data[];
};

size_t
ring_size(size_t bytes)
{
    return sizeof(struct ring) + bytes;
}

struct ring *
ring_init(void *mem, size_t bytes)
{
    struct ring *r = mem;

    assert(bytes >= RING_BYTES_MIN && (bytes & (bytes - 1)) == 0);
    assert((uintptr_t)mem % 64 == 0);
    r->capacity = bytes;
    return r;
}

static uint64_t
round_up(uint64_t n)
{
    return (n + (RING_HEAD_BYTES - 1)) & ~(uint64_t)(RING_HEAD_BYTES - 1);
}

/* The bytes from a position to the end of the data. */
static uint64_t
bytes_to_end(const struct ring *r, uint64_t at)
{
    return r->capacity - (at & (r->capacity - 1));
}

static char *
data_at(struct ring *r, uint64_t at)
{
    return r->data + (at & (r->capacity - 1));
}

static void
write_head(struct ring *r, uint64_t at, struct record_head head)
{
    memcpy(data_at(r, at), &head, sizeof(head));
}

/* Fills the gap before the end, if the record does not fit there. Returns where
 * the record begins. */
static uint64_t
skip_end(struct ring *r, uint64_t at, uint64_t need)
{
    uint64_t to_end = bytes_to_end(r, at);

    if (need <= to_end)
        return at;
    write_head(r, at,
               (struct record_head){.len = (uint32_t)to_end - RING_HEAD_BYTES,
                                    .flag = RING_PAD});
    return at + to_end;
}

static unsigned
drop(struct ring *r)
{
    uint64_t n = atomic_load_explicit(&r->dropped, memory_order_relaxed);

    atomic_store_explicit(&r->dropped, n + 1, memory_order_relaxed);
    return RING_DROPPED;
}

/* Appends it unless more than ROOM bytes of the ring would be taken. */
static unsigned
append(struct ring *r, uint64_t room, uint8_t kind, uint16_t target,
       const void *p, size_t n)
{
    uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    uint64_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
    uint64_t need;
    uint64_t gap;
    uint64_t at;
    unsigned state = 0;

    if (n > r->capacity / 4 - RING_HEAD_BYTES)
        return drop(r);
    need = RING_HEAD_BYTES + round_up(n);
    gap = need > bytes_to_end(r, head) ? bytes_to_end(r, head) : 0;
    if (head - tail + gap + need > room)
        return drop(r) | RING_HALF_FULL;

    at = skip_end(r, head, need);
    write_head(r, at,
               (struct record_head){
                   .len = (uint32_t)n, .target = target, .kind = kind});
    if (n > 0)
        memcpy(data_at(r, at) + RING_HEAD_BYTES, p, n);
    atomic_store_explicit(&r->head, at + need, memory_order_release);

    /* Either the consumer's last look at head came after the store above, and
     * it saw the record, or its tail, stored before that look, is seen here. */
    atomic_thread_fence(memory_order_seq_cst);
    tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    if (tail == head)
        state |= RING_WAS_EMPTY;
    if (at + need - tail > r->capacity / 2)
        state |= RING_HALF_FULL;
    return state;
}

unsigned
ring_put(struct ring *r, uint8_t kind, uint16_t target, const void *p, size_t n)
{
    return append(r, r->capacity, kind, target, p, n);
}

unsigned
ring_put_sparing(struct ring *r, uint8_t kind, uint16_t target, const void *p,
                 size_t n)
{
    return append(r, r->capacity - r->capacity / 8, kind, target, p, n);
}

static void
move_tail(struct ring *r, uint64_t to)
{
    atomic_store_explicit(&r->tail, to, memory_order_release);
    atomic_thread_fence(memory_order_seq_cst);
}

bool
ring_peek(struct ring *r, struct ring_record *out)
{
    uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&r->head, memory_order_acquire);
    struct record_head record;
    uint64_t end;

    while (head != tail) {
        if (head - tail < RING_HEAD_BYTES || head - tail > r->capacity ||
            tail % RING_HEAD_BYTES != 0)
            break;
        memcpy(&record, data_at(r, tail), sizeof(record));
        end = tail + RING_HEAD_BYTES + round_up(record.len);
        if (end > head || end - tail > bytes_to_end(r, tail))
            break;
        if (record.flag != RING_PAD) {
            *out = (struct ring_record){
                .kind = record.kind,
                .target = record.target,
                .text =
                    str_make(data_at(r, tail) + RING_HEAD_BYTES, record.len),
                .end = end,
            };
            return true;
        }
        tail = end;
        move_tail(r, tail);
    }
    if (head != tail)
        move_tail(r, head);
    return false;
}

void
ring_pop(struct ring *r, const struct ring_record *record)
{
    move_tail(r, record->end);
}

uint64_t
ring_dropped(const struct ring *r)
{
    return atomic_load_explicit(&r->dropped, memory_order_relaxed);
}
