/* SPDX-License-Identifier: MIT */
/*
 * The files of scripts: where they are looked for, and reading them.
 *
 *     script_path / NAME        the administrator's, first
 *     DATA_DIR/lua / NAME       those that ship
 */
#ifndef SCRIPT_SOURCE_H
#define SCRIPT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"
#include "base/str.h"
#include "script/bundle.h"

struct script;
struct scripts;

enum {
    SOURCE_MAX = 4 * 1024 * 1024, /* bytes of a script, or a file it reads */
};

/* A file that was read. */
struct source {
    char *text; /* the heap's */
    size_t len;
    bool borrowed; /* it is a bundle's, and lives as long as that */
};

/* What SCRIPT asks for while it loads, KIND and NAME as in bundle_find: its
 * bundle's, or, where that does not know of it, the disk's, which the bundle
 * gets then.  0; or -1, and *WHY says what is wrong, good until the next call.
 */
int source_ask(struct source *out, const struct script *script,
               enum bundle_kind kind, const char *name,
               const char **why) MUST_CHECK;

/* Gives the text back. */
void source_fini(struct source *source);

#endif
