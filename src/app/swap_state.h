/* SPDX-License-Identifier: MIT */
/*
 * What the files of swap share: its turns (swap.h), who asks (swap_ask.h), and
 * what came of it (swap_end.h).
 */
#ifndef APP_SWAP_STATE_H
#define APP_SWAP_STATE_H

#include <stdbool.h>

#include "app/reload.h"
#include "app/swap_history.h"
#include "app/swap_round.h"
#include "app/swap_try.h"
#include "base/list.h"
#include "net/loop.h"
#include "script/bundles.h"

struct child;
struct resources;
struct swap_job;

struct swap {
    struct resources *resources; /* whose bundles and generation it changes */
    struct loop *loop;
    struct child *control;
    bool closed;          /* the program is stopping */
    struct list jobs;     /* that wait */
    struct swap_job *job; /* under way; NULL: none */
    struct swap_try trial;
    struct bundles set; /* what takes over; and the same to hand on */
    int fd;
    struct reload reload; /* of the whole configuration, with its scripts */
    struct swap_round round;
    struct history history;
    struct deferred next; /* begins with the next job */
    /* Another configuration is in force; or NULL. */
    void (*on_config)(void *arg);
    void *on_config_arg;
};

#endif
