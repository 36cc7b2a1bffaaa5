/* SPDX-License-Identifier: MIT */
/*
 * The named rows of one kind: which name stands in which row.
 *
 *     heads[hash of a name] ──▶ row 7 ── next[7] ──▶ row 2     by this process
 *     added: rows that were ever added                         on the board
 *
 * Rows and `added` are shared, the index is each process's own; a child has it
 * from its parent. A row that was removed may stay in it, since the row itself
 * is looked at, too; one that was added since shows in `added`, and the index
 * is made again.
 */
#ifndef BOARD_NAMES_H
#define BOARD_NAMES_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct names {
    char *first; /* the rows; each begins with its struct row_name */
    size_t stride;
    unsigned count;
    _Atomic uint64_t *added; /* on the board */
    uint64_t seen;           /* what `added` was when the index was made */
    unsigned free_from;      /* no row before it is free */
    uint32_t mask;           /* of a hash: heads are a power of two */
    int32_t *heads;          /* rows, or BOARD_NONE */
    int32_t *next;           /* [count] likewise */
};

/* An index of no rows, for COUNT of them at FIRST, STRIDE bytes each, all of
 * which are free yet. -1 with ENOMEM. */
int names_init(struct names *n, void *first, size_t stride, unsigned count,
               _Atomic uint64_t *added) __attribute__((warn_unused_result));

/* Gives the index back; the rows stay. */
void names_fini(struct names *n);

/* The row of NAME, or BOARD_NONE. */
int names_find(struct names *n, struct str name);

/* Clears the first free row and names it; the caller fills it and then
 * publishes it. BOARD_NONE with errno: ENOSPC, EEXIST, or EINVAL for a name
 * that is empty or too long. This and the next two by the master. */
int names_claim(struct names *n, struct str name)
    __attribute__((warn_unused_result));
void names_publish(struct names *n, int row);
void names_remove(struct names *n, int row);

#endif
