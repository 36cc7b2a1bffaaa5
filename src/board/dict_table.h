/* SPDX-License-Identifier: MIT */
/*
 * The inner side of dictionaries: their lock, blocks and links. All functions
 * but dict_lock want the lock to be held; dict.c is their only user.
 */
#ifndef BOARD_DICT_TABLE_H
#define BOARD_DICT_TABLE_H

#include "board/dict_layout.h"

/* A new entry's contents. */
struct dict_content {
    uint64_t expires_ms;
    uint32_t hash;
    const struct dict_place *place;
    const struct dict_value *value;
};

uint32_t *dict_chains(const struct dict_table *t);

struct dict_block *dict_block_at(const struct dict_table *t, uint32_t number);

static inline struct dict_head *
dict_head_at(const struct dict_table *t, uint32_t number)
{
    return &dict_block_at(t, number)->u.head;
}

/* Locks, and makes all links again where the last owner was killed. */
void dict_lock(struct dict_table *t);
void dict_unlock(struct dict_table *t);

/* The entry of a key, even past its time; 0: there is none. */
uint32_t dict_find(const struct dict_table *t, const struct dict_place *place,
                   uint32_t hash);

/* Makes an entry that nobody finds yet. Entries go, oldest first, until it has
 * room. */
uint32_t dict_build(struct dict_table *t, const struct dict_content *content);

/* From here on it is found, after a death too. */
void dict_publish(struct dict_table *t, uint32_t number);

/* Marks it as the one used last. */
void dict_touch(struct dict_table *t, uint32_t number);

/* The entry is gone. */
void dict_drop(struct dict_table *t, uint32_t number);

/* Copies the value of a string. */
void dict_copy_value(const struct dict_table *t, uint32_t number, char *to);

#endif
