/* SPDX-License-Identifier: MIT */
/*
 * Loading one script: its file is found, compiled and run in an environment of
 * its own, its table of hooks is checked, and its `load` and `new` are called.
 */
#ifndef SCRIPT_LOAD_H
#define SCRIPT_LOAD_H

#include "base/mem.h"
#include "base/str.h"
#include "script/script.h"

struct faults;

/* Who names a script, and how. */
struct script_order {
    struct str file; /* absolute, or below the folders of scripts */
    struct config_at at;
    enum script_use use;   /* several of them: it may have the hooks of all,
                              and need not have any */
    const char *user_kind; /* "upstream", "http" ... */
    struct str user_name;
    struct upstream *upstream;         /* of a policy or a check, else NULL */
    const struct option_conf *options; /* of a policy; without an upstream,
                                          NULL: `new` is not called */
    size_t option_count;
    struct bundle *bundle; /* its bytes; NULL: those that OWNER has of it */
    struct script *old;    /* the version before, whose `save` is asked; NULL:
                              there is none */
};

/* Loads a script and adds it to OWNER's list; the caller holds it (life.h), and
 * nobody calls it before script_serve.  Everything that is wrong with it is
 * added to FAULTS, at the place where it is named; NULL then. */
struct script *
script_load(struct scripts *owner, const struct script_order *order,
            struct faults *faults) MUST_CHECK;

/* What scripts call it: "pick". */
const char *script_hook_name(enum script_hook hook);

/* The board's name of a script's row: its name, or the end of a long one. */
struct str script_row_name(struct str name);

#endif
