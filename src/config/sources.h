/* SPDX-License-Identifier: MIT */
/*
 * What reading a configuration asks the disk: the texts of files, what a
 * pattern matches, where a folder really is. The answers are kept, so that
 * another process, which may not read those files or is not to read them again,
 * makes the very same configuration of them.
 *
 *     disk ──▶ sources ──▶ config_read
 *                 │ sources_write ─ bytes ─ sources_read
 *                 └────────▶ sources, recorded ──▶ config_read
 *
 * What was never asked has no answer in a record: ENOENT.
 */
#ifndef CONFIG_SOURCES_H
#define CONFIG_SOURCES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "config/memory.h"

enum {
    SOURCES_FILE_MAX = 16 << 20, /* bytes of one file */
};

struct sources {
    bool recorded; /* the disk is not asked */
    struct arena arena;
    struct vec answers; /* pointers to struct answer, in the order they came */
    struct map by_question;
};

/* None yet; the disk is asked. */
void sources_init(struct sources *s);
void sources_fini(struct sources *s);

/* The text of the file at PATH, of MAX bytes at most, as long as S lives. -1
 * with errno; EFBIG: it is longer. */
int sources_file(struct sources *s, struct str *out, const char *path,
                 size_t max) MUST_CHECK;

/* The real path of the folder at PATH; "/" where there is none. */
struct str sources_folder(struct sources *s, const char *path);

/* The paths that PATTERN matches, sorted, a NUL behind each; but in place of
 * those that are the file THAN, an empty one. -1: it matches none. */
int sources_matches(struct sources *s, struct str *out, const char *pattern,
                    const char *than) MUST_CHECK;

/* All answers as bytes. */
void sources_write(const struct sources *s, struct buf *out);

/* A record of what sources_write wrote; the bytes are copied. -1: it is none,
 * and S is empty. End with sources_fini either way. */
int sources_read(struct sources *s, struct str bytes) MUST_CHECK;

#endif
