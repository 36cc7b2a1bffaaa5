/* SPDX-License-Identifier: MIT */
/*
 * What dictionaries are made of: one table for all of them, then the heads of
 * the chains that keys are found by, then the blocks that entries lie in.
 *
 * Blocks are numbered from 1, so that a link of 0 leads nowhere. An entry is a
 * head and as many further blocks as its key and value need, one text behind
 * the other:
 *
 *     head: key key val ──more──▶ value value ──more──▶ value
 *
 * A head's `state` is written last when an entry comes and first when it goes,
 * and a value that is replaced is an entry of its own until then. So all else
 * can be made again from the heads.
 */
#ifndef BOARD_DICT_LAYOUT_H
#define BOARD_DICT_LAYOUT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/siphash.h"
#include "board/dict_value.h"

enum {
    DICT_HEAD_ROOM = 64,  /* bytes of texts in a head */
    DICT_BLOCK_ROOM = 120 /* and in each further block */
};

enum dict_state {
    DICT_FREE,  /* nobody's, or not yet */
    DICT_MORE,  /* a further block of an entry */
    DICT_ENTRY, /* the head of an entry */
};

struct dict_head {
    uint32_t hash;
    uint32_t chain;      /* the next entry of the same chain */
    uint32_t newer;      /* the entry that was used after it */
    uint32_t older;      /* and before it */
    uint64_t stamp;      /* of its last use: no two have the same */
    uint64_t expires_ms; /* 0: never */
    double number;       /* or boolean: 0 or 1 */
    uint32_t value_len;  /* of a string */
    uint8_t dict;
    uint8_t kind; /* enum dict_kind */
    uint8_t key_len;
    uint8_t unused;
    char text[DICT_HEAD_ROOM];
};

struct dict_block {
    _Atomic uint32_t state; /* enum dict_state */
    uint32_t more;          /* the next block of the entry, or spare one */
    union {
        struct dict_head head;
        char text[DICT_BLOCK_ROOM];
    } u;
};

_Static_assert(sizeof(struct dict_block) == 128, "two cache lines");

/* One dictionary. */
struct dict_row {
    _Atomic uint32_t used; /* set once the name is there */
    uint32_t name_len;
    char name[DICT_NAME_MAX];
    _Atomic uint64_t entries;
    _Atomic uint64_t evicted;
    _Atomic uint64_t expired;
};

struct dict_table {
    pthread_mutex_t mutex; /* of all that is in the dictionaries */
    struct siphash_key key;
    uint64_t stamp;              /* of the last use */
    uint32_t capacity;           /* blocks */
    uint32_t mask;               /* of a hash: chains are a power of two */
    uint32_t used;               /* blocks that were ever used */
    uint32_t spare;              /* those that were used and are free */
    _Atomic uint32_t free_count; /* these and those never used */
    uint32_t newest;
    uint32_t oldest;
    uint32_t unused;
    uint64_t repairs; /* after a death */
    _Alignas(64) struct dict_row rows[DICT_COUNT_MAX];
};

#endif
