/* SPDX-License-Identifier: MIT */
/*
 * The way to a log's receiver that is a socket: syslog by UDP, by TCP or by the
 * local socket, and journald.  Nothing here waits.  A datagram leaves at once;
 * what a receiver does not take now, or while it is away, waits in a queue, and
 * what does not fit into that is lost and counted.
 *
 *     log_link_put ──▶ sendmsg ─────────────────────▶ receiver
 *                 └──▶ log_queue ── log_link_flush ──▶
 *
 *     CLOSED ──▶ CONNECTING ──▶ OPEN        a failure leads back to CLOSED,
 *        ▲────────────┴───────────┘         and the next attempt is put off
 *
 * Nobody watches the descriptor: whoever owns the link calls log_link_flush
 * again soon while log_link_is_pending.
 */
#ifndef APP_LOG_LINK_H
#define APP_LOG_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "app/log_queue.h"
#include "base/addr.h"
#include "config/model.h"

enum log_link_state {
    LOG_LINK_CLOSED,     /* no descriptor; not before retry_ms */
    LOG_LINK_CONNECTING, /* a TCP handshake is under way */
    LOG_LINK_OPEN,       /* messages may leave */
};

struct log_link {
    enum log_kind kind;
    struct addr addr;
    bool stream; /* messages are framed, and bytes follow each other */
    struct log_queue queue;
    enum log_link_state state;
    int fd;
    uint64_t retry_ms;   /* when to try again */
    uint64_t backoff_ms; /* what was waited last */
    uint64_t since_ms;   /* CONNECTING began */
    uint64_t lost;       /* messages */
    int error;           /* errno of the last failure; 0: none */
    bool wants_help;     /* the path cannot be reached by this process */
};

/* A link to ADDR of a KIND that is a socket. Opens nothing yet. */
void
log_link_init(struct log_link *l, enum log_kind kind, const struct addr *addr);
void log_link_fini(struct log_link *l);

/* Whether both lead to the same receiver. */
bool log_link_is_same(const struct log_link *a, const struct log_link *b);

/* After a fork: forgets the parent's connection and what waits for it, which is
 * the parent's to send. */
void log_link_disown(struct log_link *l);

/* Sends one message, of HEAD and TEXT, or has it wait, or counts it as lost. */
void log_link_put(struct log_link *l, struct str head, struct str text);

/* Sends what waits, as far as the receiver takes it. */
void log_link_flush(struct log_link *l);
bool log_link_is_pending(const struct log_link *l);

/* Waits at most so long until all has left: at the end of the process. What is
 * left then is lost. */
void log_link_drain(struct log_link *l, unsigned at_most_ms);

/* The local socket, opened by a process that may: FD is the link's now. */
void log_link_adopt(struct log_link *l, int fd);

/* A socket that is connected to the local socket at ADDR; *STREAM tells of
 * which kind. -1 with errno. */
int log_link_connect_local(const struct addr *addr, bool *stream) MUST_CHECK;

#endif
