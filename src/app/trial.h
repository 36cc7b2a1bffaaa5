/* SPDX-License-Identifier: MIT */
/*
 * What the throw-away process does in which scripts are tried (swap_try.h):
 * they are read, loaded as everywhere, and tested, and their bytes are what the
 * processes that serve are given.
 */
#ifndef APP_TRIAL_H
#define APP_TRIAL_H

#include <stddef.h>

struct addresses;
struct bundles;
struct config;

enum trial_kind {
    TRIAL_ALL,     /* each is to be swapped in, be it the same as before */
    TRIAL_CHANGED, /* those that are the same as before are left out */
    TRIAL_SCAN,    /* which of them are not the same? One that cannot be loaded
                      is no fault then */
    TRIAL_CONFIG,  /* the whole configuration is read again, with its scripts */
};

struct trial_conf {
    enum trial_kind kind;
    const struct config *config;
    struct addresses *addresses;     /* that its names have resolved to */
    const struct bundles *committed; /* what serves now */
    const char *const *names;        /* of the scripts */
    size_t count;
    int bundles; /* where their bytes are written */
    int words;   /* and what is wrong with them; the names of a scan */
    int record;  /* where a whole configuration is (config_record.h) */
};

struct trial {
    const struct trial_conf *conf;
    struct config_trial *whole; /* of TRIAL_CONFIG */
};

/* Reads what only the master's user may read. */
void trial_init(struct trial *t, const struct trial_conf *conf);

/* Tries them; 0, or -1 where there is something wrong. */
int trial_run(struct trial *t);

#endif
