/* SPDX-License-Identifier: MIT */
/*
 * The bytes of one version of one script: its own text, and every module and
 * file that it asked for while it loaded, also those that were not there.  Who
 * loads it again gets the same, whatever is on disk by then.
 *
 *     bundle ── script  "a.lua"        its text
 *        │      module  "lib/x.lua"    its text; or why there is none
 *        │      file    "map.txt"      likewise
 *        └── hash, from bundle_seal on
 *
 * A bundle is shared, by counting who holds it; all memory is the heap's.
 */
#ifndef SCRIPT_BUNDLE_H
#define SCRIPT_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/mem.h"
#include "base/str.h"

enum {
    BUNDLE_FILES_MAX = 1000,
    BUNDLE_BYTES_MAX = 64 * 1024 * 1024, /* of all names and texts */
    BUNDLE_HASH_LEN = 32,                /* bytes: SHA-256 */
    BUNDLE_HASH_SHOWN = 12,              /* digits of it that people see */
};

enum bundle_kind {
    BUNDLE_SCRIPT, /* the text of the script itself */
    BUNDLE_MODULE, /* what `require` was looking for */
    BUNDLE_FILE,   /* what read_file was asked for */
    BUNDLE_KINDS,  /* how many there are */
};

struct bundle_file {
    enum bundle_kind kind;
    bool missing; /* it is not there, and TEXT says why */
    char *name;   /* as it was asked for */
    char *text;   /* LEN bytes, and a NUL behind them */
    size_t len;
};

struct bundle {
    unsigned refs;
    char *name; /* the script's, as the configuration has it */
    struct bundle_file *files;
    size_t count;
    size_t capacity;
    size_t bytes;
    bool sealed;
    uint8_t hash[BUNDLE_HASH_LEN];
    char hash_text[BUNDLE_HASH_SHOWN + 1];
};

/* An empty one, held once; NULL without memory. */
struct bundle *bundle_new(const char *name) MUST_CHECK;
struct bundle *bundle_ref(struct bundle *bundle);

/* The last one frees it. NULL does nothing. */
void bundle_unref(struct bundle *bundle);

/* What it holds under this name; NULL: nothing. */
const struct bundle_file *bundle_find(const struct bundle *bundle,
                                      enum bundle_kind kind, const char *name);

/* Adds a copy of TEXT, or why there is none where MISSING.  -1 with errno:
 * EFBIG (the limits above), ENOMEM. */
int bundle_add(struct bundle *bundle, enum bundle_kind kind, const char *name,
               struct str text, bool missing) MUST_CHECK;

/* It is complete: computes its hash, of all that is there.  What is added
 * later, as some process asked for more than others, changes it no more.
 * Nothing is done the second time.  -1 without memory. */
int bundle_seal(struct bundle *bundle) MUST_CHECK;

/* The first digits of the hash, "3f2a90c1d2e4"; "" before it is sealed. */
const char *bundle_hash(const struct bundle *bundle);

/* Are these two the same version?  Both are sealed. */
bool bundle_equals(const struct bundle *a, const struct bundle *b);

/* Writes it to a file or memfd, at *AT, which moves on.  -1 with errno. */
int bundle_write(const struct bundle *bundle, int fd, off_t *at) MUST_CHECK;

/* Reads one from *AT, which moves on, and seals it; the descriptor's own place
 * is left alone, so that several processes may read.  NULL with errno; EBADMSG:
 * it is no bundle, or beyond the limits. */
struct bundle *bundle_read(int fd, off_t *at) MUST_CHECK;

#endif
