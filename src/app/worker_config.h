/* SPDX-License-Identifier: MIT */
/*
 * The configurations of a worker: the one that it serves, those that it still
 * has sessions of, and the one that is staged to take over (reload.h).
 *
 *     CONFIG, LISTENER ... ─▶ staged ── commit ──▶ now ── the next commit ─┐
 *                                 │                                        ▼
 *                                 └─ drop                  before ── its last
 *                                                          session ends ─▶
 * freed
 */
#ifndef APP_WORKER_CONFIG_H
#define APP_WORKER_CONFIG_H

#include <stdint.h>

#include "app/script_stage.h"
#include "app/setup.h"
#include "base/list.h"
#include "base/mem.h"
#include "net/timer.h"
#include "proxy/addresses.h"
#include "script/bundles.h"

struct engine;
struct message;
struct resolver;
struct sockets;
struct worker_row;

/* A socket that came for the one that is staged. */
struct arrived_socket {
    char *text; /* the address */
    int fd;
};

/* One configuration, made live. */
struct served {
    struct list link; /* in `before` */
    const struct config *config;
    struct addresses addresses; /* of one that was staged */
    struct bundles bundles;     /* likewise */
    struct service service;
    int *listeners; /* one for each of the runtime's; -1: none */
    uint32_t generation;
};

struct worker_config {
    struct engine *engine;
    struct worker_row *row; /* where the oldest generation is shown */
    struct resolver *resolver;
    struct served *now;
    struct served *staged; /* or NULL */
    struct list before;    /* the youngest first */
    bool pending;          /* one is to be staged */
    int record;            /* of it; -1: it has not come */
    struct arrived_socket *arrived;
    size_t arrived_count;
    struct sockets *sockets; /* that it began with */
    unsigned place;          /* of its worker among those */
    struct timer look;       /* whether old ones have lost their last session */
    struct config_stage stage;
};

/* Serves what the worker was started with, as GENERATION; SOCKETS, which
 * outlives it, has its descriptors, in PLACE. Exits where it cannot. */
void worker_config_init(struct worker_config *w, struct engine *engine,
                        struct resolver *resolver, const struct config *config,
                        struct addresses *addresses, struct bundles *bundles,
                        struct sockets *sockets, unsigned place,
                        uint32_t generation);
void worker_config_fini(struct worker_config *w);

/* What M, CONFIG or LISTENER, brings; its descriptors are taken. */
void worker_config_message(struct worker_config *w, const struct message *m);

/* Looks at what has changed for all of them (transition.h). */
void worker_config_look(struct worker_config *w);

/* Begins to accept; 0, or -1 with errno. */
int worker_config_serve(struct worker_config *w) MUST_CHECK;

/* Accepts no more, once who waits is taken: another program does. */
void worker_config_leave(struct worker_config *w);

/* Accepts no more; and refuses who is in the backlog of TCP sockets. */
void worker_config_pause(struct worker_config *w);
void worker_config_refuse(struct worker_config *w);

#endif
