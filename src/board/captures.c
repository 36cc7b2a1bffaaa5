/* SPDX-License-Identifier: MIT */
#include "board/captures.h"

#include <string.h>

enum {
    TRIES_MAX = 64, /* to read a row that is being written */
};

_Static_assert(sizeof(struct capture) <= CAPTURE_WORDS * sizeof(uint64_t),
               "a row has room for all of it");

static struct capture_row *
row_of(const struct board *b, unsigned worker, uint64_t number)
{
    return &b->captures[worker].rows[number % CAPTURES_KEPT];
}

void
captures_add(struct board *b, unsigned worker, struct capture *capture)
{
    struct capture_ring *ring = &b->captures[worker];
    uint64_t count = atomic_load_explicit(&ring->count, memory_order_relaxed);
    struct capture_row *row = row_of(b, worker, count);
    uint32_t version =
        atomic_load_explicit(&row->version, memory_order_relaxed);
    uint64_t words[CAPTURE_WORDS] = {0};

    capture->number = count + 1;
    memcpy(words, capture, sizeof(*capture));
    atomic_store_explicit(&row->version, version | 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    for (unsigned i = 0; i < CAPTURE_WORDS; i++)
        atomic_store_explicit(&row->words[i], words[i], memory_order_relaxed);
    atomic_store_explicit(&row->version, (version | 1) + 1,
                          memory_order_release);
    atomic_store_explicit(&ring->count, count + 1, memory_order_release);
}

uint64_t
captures_count(const struct board *b, unsigned worker)
{
    return atomic_load_explicit(&b->captures[worker].count,
                                memory_order_acquire);
}

static bool
read_row(struct capture *out, const struct capture_row *row)
{
    uint64_t words[CAPTURE_WORDS];
    uint32_t before = atomic_load_explicit(&row->version, memory_order_acquire);

    if ((before & 1) != 0)
        return false;
    for (unsigned i = 0; i < CAPTURE_WORDS; i++)
        words[i] = atomic_load_explicit(&row->words[i], memory_order_relaxed);
    atomic_thread_fence(memory_order_acquire);
    if (atomic_load_explicit(&row->version, memory_order_relaxed) != before)
        return false;
    memcpy(out, words, sizeof(*out));
    return true;
}

/* A writer that was killed may have left anything: lengths are not believed. */
static void
make_sane(struct capture *c)
{
    if (c->len > CAPTURE_BYTES_MAX)
        c->len = CAPTURE_BYTES_MAX;
    c->why[CAPTURE_WHY_MAX] = '\0';
    c->client[CAPTURE_CLIENT_MAX] = '\0';
    c->section[BOARD_NAME_MAX] = '\0';
    c->server[BOARD_NAME_MAX] = '\0';
}

bool
captures_read(struct capture *out, const struct board *b, unsigned worker,
              unsigned i)
{
    uint64_t count = captures_count(b, worker);

    if (i >= CAPTURES_KEPT || i >= count)
        return false;
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        if (!read_row(out, row_of(b, worker, count - 1 - i)))
            continue;
        make_sane(out);
        return true;
    }
    return false;
}
