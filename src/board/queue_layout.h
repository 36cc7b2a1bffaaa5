/* SPDX-License-Identifier: MIT */
/*
 * What the queues' table and its entries are made of, for the board that makes
 * room for them and for queue.c that works on them.
 *
 * Entries are numbered from 1, so that a link of 0 leads nowhere.
 */
#ifndef BOARD_QUEUE_LAYOUT_H
#define BOARD_QUEUE_LAYOUT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "board/rows.h"

enum queue_state {
    QUEUE_FREE,    /* nobody's */
    QUEUE_WAITING, /* in the heap of its queue */
    QUEUE_GRANTED, /* its worker is to try */
};

struct queue_entry {
    _Atomic uint32_t state; /* enum queue_state */
    uint32_t queue;         /* its number; rows.h */
    uint32_t worker;
    int32_t priority;
    uint64_t seq; /* of its entering */
    uint64_t entered_ms;
    /* In a heap: the first of those behind it, the next of its siblings, and
     * the sibling before it, or the one in front of them all. Granted: `next`
     * of the worker's list. Free: `next` of the spare ones. */
    uint32_t child;
    uint32_t next;
    uint32_t prev;
};

/* Granted entries of a worker that it has not been told of, in their order. */
struct queue_list {
    uint32_t first;
    uint32_t last;
};

struct queue_table {
    pthread_mutex_t mutex; /* of all that is in the queues */
    uint64_t seq;          /* of the last who entered */
    uint32_t spare;        /* entries that were used and are free */
    uint32_t used;         /* entries that were ever used */
    struct queue_list granted[BOARD_WORKERS_MAX]; /* of each worker */
};

#endif
