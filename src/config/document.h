/* SPDX-License-Identifier: MIT */
/*
 * The text of a configuration as sections and entries: every rule of reading
 * (lines, names, quotes, comments, indentation, duplicates) is applied here,
 * and nothing is known of what values mean.
 *
 *     file -> raw line -> checked, comment taken off -> inih -> entry
 *
 * The lines go through inih, which gets to see only what it reads the way that
 * the manual says; everything else is a fault before.
 */
#ifndef CONFIG_DOCUMENT_H
#define CONFIG_DOCUMENT_H

#include <stdbool.h>

#include "base/arena.h"
#include "config/faults.h"
#include "config/keys.h"
#include "config/memory.h"
#include "config/model.h"

struct sources;

struct entry {
    const struct key *key;
    struct str server; /* NAME of "server NAME"; absent for other keys */
    struct str value;  /* continuation lines joined; quotes still on */
    size_t room;       /* bytes there are for it; 0: no line was joined yet */
    bool broken;       /* was reported already: do not look at the value */
    struct config_at at;
};

struct block {
    enum key_section kind;
    struct str name;    /* absent for [global] and [defaults] */
    struct vec entries; /* struct entry */
    struct config_at at;
};

struct document {
    struct arena *arena;   /* what everything lives in */
    struct faults *faults; /* what is wrong goes there */
    struct vec blocks;     /* struct block, over all files */
    struct map numbers;    /* "http NAME" to its number among them, from 1 */
};

/* An empty document. */
void
document_init(struct document *doc, struct arena *arena, struct faults *faults);

/* Gives back what is not in the arena. */
void document_fini(struct document *doc);

/* Reads the file at PATH, of SOURCES, and adds its sections; what is wrong, not
 * being readable included, becomes a fault. */
void
document_read(struct document *doc, struct sources *sources, const char *path);

/* The first section of KIND; NULL when there is none. */
const struct block *
document_find(const struct document *doc, enum key_section kind);

/* The first entry of KEY in BLOCK (which may be NULL); NULL for none. */
const struct entry *
block_find(const struct block *block, const struct key *key);

#endif
