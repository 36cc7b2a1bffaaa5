/* SPDX-License-Identifier: MIT */
/*
 * The engine: what one worker process has besides its configuration.  The
 * loop, its place on the board, its buffers, its log ring and the sessions
 * that are open.  There is one a process; everything that serves points to it.
 */
#ifndef PROXY_ENGINE_H
#define PROXY_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/slab.h"
#include "base/str.h"
#include "net/loop.h"
#include "proxy/mysql_ledger.h"

struct board;
struct loop;
struct buffer_pool;
struct conduit_pool;
struct http_idles;
struct ring;
struct runtime;
struct waiter;

/* Takes a finished access-log record, without a newline; TARGET is the row of
 * the section on the board.  Must not block. */
typedef void (*engine_record_fn)(void *arg, unsigned target, const char *line,
                                 size_t len);

/* Hands a request to the statistics to control, which answers to the
 * descriptor FD (http_stats.h). FD stays the caller's. 0, or -1 with errno.
 * Must not block. */
typedef int (*engine_stats_fn)(void *arg, int fd, struct str text);

enum {
    ENGINE_SCRATCH = 128 << 10, /* bytes of engine->scratch */
};

struct engine {
    struct loop *loop;
    struct board *board;
    struct runtime *runtime;     /* that new work begins with; NULL: whatever it
                                    came to */
    unsigned worker;             /* its number on the board */
    unsigned place;              /* which it is of its program's, from 0 */
    struct buffer_pool *buffers; /* I/O buffers of this process */
    struct conduit_pool *conduits; /* and its pipes for bulk; NULL: it copies */
    uint8_t *scratch;     /* to read into what is used up before others read */
    const char *temp_dir; /* for spooled bodies */
    uint32_t max_connections; /* of the whole program, as they have room */
    engine_record_fn record;
    void *record_arg;
    engine_stats_fn ask_stats;
    void *ask_stats_arg;

    struct slab arrivals; /* memory of each kind of session */
    struct slab http_conns;
    struct slab tcp_sessions;
    struct slab server_conns;

    struct list sessions; /* every open one, idle or not */
    unsigned session_count;
    bool draining; /* no new sessions; idle ones are closed */
    bool leaving;  /* it drains, but idle ones have another request */

    struct http_idles *idles; /* folded connections (http_idle.h), or NULL */
    uint64_t mysql_ids;       /* connections that MySQL's clients were told */
    struct mysql_families mysql_families; /* metrics of visible ones */
    uint64_t states;         /* changes of servers' states that were seen */
    struct waiter **waiters; /* by their entry on the board (wait_queue.h) */
    struct deferred turns;   /* calls those whose turn has come */

    struct list exchanges; /* spare ones (http_exchange.h) */
    unsigned exchange_count;
    unsigned exchanges_used; /* those that are at work */
};

/* A session's place in engine->sessions.  `drain` is called once when the
 * worker begins to drain: close now if idle, else as soon as the present work
 * is done.  `kill` ends it at once with the reason. */
struct engine_session {
    struct list link;
    void (*drain)(struct engine_session *session);
    void (*kill)(struct engine_session *session, const char *reason);
};

/* An engine with these; all the rest is empty.  Start-up only. */
void engine_init(struct engine *engine, struct loop *loop, struct board *board,
                 struct buffer_pool *buffers, unsigned worker);

/* Gives its memory back: after the loop has gone, and every session. */
void engine_fini(struct engine *engine);

void engine_add(struct engine *engine, struct engine_session *session);
void engine_remove(struct engine *engine, struct engine_session *session);

/* Begins to drain so that no client notices: who has a connection may send
 * another request, whose answer says that it is the last; else what is idle
 * ends when its time is over. */
void engine_leave(struct engine *engine);

/* Begins to drain: every session is told, new ones are refused. */
void engine_drain(struct engine *engine);

/* Ends every session. */
void engine_kill(struct engine *engine, const char *reason);

#endif
