/* SPDX-License-Identifier: MIT */
/*
 * Dictionaries that all processes see: keys to strings, numbers or booleans,
 * with a time to live. All of them share one memory of fixed size; when it is
 * full, the entry that was used longest ago goes, whatever dictionary it is in.
 *
 * All lies under one robust mutex: when a worker is killed in the middle of a
 * change, the next one who locks makes all links again from the entries
 * (dict_layout.h). A change happens wholly or not at all.
 *
 * Whoever calls says what time it is: NOW_MS, of clock_ms.
 */
#ifndef BOARD_DICT_H
#define BOARD_DICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "board/dict_value.h"

struct dict_table;

enum dict_result {
    DICT_DONE,       /* found, or changed */
    DICT_ABSENT,     /* there is no such key */
    DICT_EXISTS,     /* it is there already, and was left as it is */
    DICT_NOT_NUMBER, /* what is there cannot be counted up */
    DICT_BAD_KEY,    /* it is empty or too long */
    DICT_TOO_LONG,   /* the value */
};

/* Makes empty dictionaries in SIZE zero bytes at MEM (DICT_BYTES_MIN to 1 TiB;
 * what no block needs is left); by the master. 0, or an errno. */
int dict_init(void *mem, size_t size) __attribute__((warn_unused_result));

/* The number of the dictionary NAME (1 to DICT_NAME_MAX bytes), which is made
 * when there is none; -1 when there are DICT_COUNT_MAX others. */
int dict_open(struct dict_table *t, struct str name);

/* Sets *OUT; a string is copied to BUFFER, of DICT_VALUE_MAX bytes. */
enum dict_result
dict_get(struct dict_table *t, const struct dict_place *place, uint64_t now_ms,
         struct dict_value *out, char *buffer);

/* Sets the value, for TTL_MS (0: for ever). */
enum dict_result
dict_set(struct dict_table *t, const struct dict_place *place,
         const struct dict_value *value, uint64_t ttl_ms, uint64_t now_ms);

/* The same, unless the key is there: of several processes one succeeds. */
enum dict_result
dict_add(struct dict_table *t, const struct dict_place *place,
         const struct dict_value *value, uint64_t ttl_ms, uint64_t now_ms);

/* Adds BY to a number, whose time to live stays; *OUT is the sum. Where there
 * is none, *INIT + BY is set for TTL_MS, unless INIT is NULL. */
enum dict_result
dict_incr(struct dict_table *t, const struct dict_place *place, double by,
          const double *init, uint64_t ttl_ms, uint64_t now_ms, double *out);

enum dict_result dict_delete(struct dict_table *t,
                             const struct dict_place *place, uint64_t now_ms);

/* What the outputs show of one dictionary. */
struct dict_totals {
    struct str name;
    uint64_t entries; /* those past their time too, until someone looks */
    uint64_t evicted;
    uint64_t expired;
};

/* Of the dictionary with this number; false where there is none. */
bool
dict_read_totals(const struct dict_table *t, int dict, struct dict_totals *out);

/* Bytes that entries take, and bytes that they may take. */
void
dict_read_memory(const struct dict_table *t, uint64_t *used, uint64_t *size);

#endif
