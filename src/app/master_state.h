/* SPDX-License-Identifier: MIT */
/*
 *     STARTING ─all ready─▶ RUNNING ─QUIT─▶ DRAINING ──▶ STOPPING ──▶ FINISHING
 *         │                    │               workers leave   │  control
 *         └────TERM, INT, ─────┴───────────────────────────────┘  ships the
 *              a failure                                          rest, leaves
 *
 * The workers leave first and control after them, so that what they logged last
 * is shipped.
 *
 * After an upgrade (upgrade.h) the older program drains likewise, without its
 * control, and the newer one stays in STARTING until it is let begin
 * (takeover.h).
 *
 * What the master's own files share: master.c (its life, signals), the children
 * (master_children.h), what control's clients ask for (master_commands.h),
 * other configurations and programs (master_changes.h), logs (master_logs.h),
 * and the end (master_end.h).
 */
#ifndef APP_MASTER_STATE_H
#define APP_MASTER_STATE_H

#include <stdbool.h>

#include "app/child.h"
#include "app/log_pump.h"
#include "app/manager.h"
#include "app/resources.h"
#include "app/script_watch.h"
#include "app/stuck.h"
#include "app/swap.h"
#include "app/takeover.h"
#include "app/upgrade.h"
#include "app/usage.h"
#include "net/loop.h"

enum master_state {
    MASTER_STARTING,  /* not all children serve yet */
    MASTER_RUNNING,   /* the dead are replaced */
    MASTER_DRAINING,  /* workers end their sessions' work */
    MASTER_STOPPING,  /* workers leave */
    MASTER_FINISHING, /* control leaves */
};

struct master {
    enum master_state state;
    int status; /* of the exit */
    struct resources resources;
    struct loop *loop;
    struct watch signals;
    int signal_fd; /* -1: not watched */
    struct child control;
    struct child *workers;
    struct timer drain; /* a graceful stop takes too long */
    struct timer grace; /* a stop does */
    struct timer clear; /* queues have entries of the dead */
    struct timer look;  /* at whether a worker is stuck */
    struct stuck *seen; /* of each worker */
    struct swap swap;   /* of scripts */
    struct script_watch watch;
    struct log_pump logs;
    bool reopen_again; /* the logs, once nothing is exchanged any more */
    struct usage usage;
    struct upgrade upgrade;   /* to a newer program */
    struct takeover takeover; /* from an older one */
    bool letting_go;          /* control leaves, and a newer one begins then */
    bool read_later;          /* the configuration, after an upgrade */
    struct manager manager;   /* of services, if there is one */
};

#endif
