/* SPDX-License-Identifier: MIT */
/*
 * What the master and its children say to each other, over a pair of sockets
 * that keeps the borders of messages. A child whose socket is closed has no
 * master any more, and leaves.
 *
 *     master ── STOP, DRAIN, LOG_FILE ──▶ child
 *            ◀── READY ────────────────
 *            ◀── LOG_HELP ─────────────  control
 *            ── SCRIPT_STAGE ──────────▶
 *            ◀── SCRIPT_YES, _NO ──────
 *            ── SCRIPT_COMMIT, _DROP ──▶
 *            ◀── SCRIPT_DONE ──────────
 *            ◀── COMMAND ───────────────  control
 *            ── ANSWER ────────────────▶
 *            ── UPGRADE_BEGIN, _LEAVE ─▶
 *
 *     worker ── STATS_CLIENT ──▶ control, by a pair of their own
 */
#ifndef APP_MESSAGE_H
#define APP_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/str.h"

enum {
    MESSAGE_TEXT_MAX =
        16384,            /* bytes; longer ones are cut when they are sent */
    MESSAGE_FDS_MAX = 64, /* descriptors in one */
};

enum message_kind {
    MESSAGE_READY,    /* from a child: it serves from now on */
    MESSAGE_STOP,     /* end at once */
    MESSAGE_DRAIN,    /* to a worker: accept no more, leave when idle */
    MESSAGE_LOG_FILE, /* to control: log target ARG is the descriptor now */
    MESSAGE_LOG_HELP, /* from control: it cannot reach log target ARG */

    /* Scripts are exchanged (swap.h). A round is a number that no other
     * attempt has. */
    MESSAGE_SCRIPT_STAGE,  /* round ARG: load what the descriptor holds */
    MESSAGE_SCRIPT_YES,    /* from a child: round ARG is loaded */
    MESSAGE_SCRIPT_NO,     /* from a child: it is not, and TEXT says why */
    MESSAGE_SCRIPT_COMMIT, /* what is staged is generation ARG from now on */
    MESSAGE_SCRIPT_DROP,   /* forget what is staged */
    MESSAGE_SCRIPT_DONE,   /* from a child: generation ARG serves */

    /* With the next SCRIPT_STAGE the whole configuration is exchanged
     * (reload.h): what comes before it. DROP forgets that, too. */
    MESSAGE_CONFIG,     /* the descriptor is its record */
    MESSAGE_LISTENER,   /* to a worker: a parcel of sockets, by their addresses
                         */
    MESSAGE_LOG_TARGET, /* to control: a parcel of what targets write to, by
                           their numbers (parcel.h) */

    /* Clients of the control socket ask for what only the master can do; the
     * first word of TEXT says what (master_request.h). */
    MESSAGE_COMMAND, /* from control: client ARG asks for TEXT */
    MESSAGE_ANSWER,  /* to control: TEXT is the answer to client ARG */

    /* A new program takes over (upgrade.h, takeover.h). */
    MESSAGE_UPGRADE_WHY,   /* to the old master: TEXT is what is wrong */
    MESSAGE_UPGRADE_READY, /* to the old master: all is ready; TEXT says more */
    MESSAGE_UPGRADE_BEGIN, /* to the new master, and to its children, who have
                              waited: serve from now on */
    MESSAGE_UPGRADE_LEAVE, /* to the children of the old master: others serve;
                              end what there is */

    /* Behind those above, whose numbers an older program knows. */
    MESSAGE_STATS_LISTENER, /* of a configuration, to control: a parcel of the
                               sockets of [stats], by their places */
    MESSAGE_STATS_CLIENT,   /* by a pair that all workers and control have: TEXT
                               is a request to the statistics on a path of
                               [http], the descriptor is where the answer goes
                               (stats_server.h) */
};

enum message_result {
    MESSAGE_GOT = 1,     /* *OUT is filled */
    MESSAGE_NONE = 0,    /* there is none now */
    MESSAGE_CLOSED = -1, /* the other end is gone */
};

struct message {
    enum message_kind kind;
    uint32_t arg;    /* as the kind says */
    int fd;          /* -1: none; a received one is the receiver's */
    struct str text; /* a received one is good until the next is received */
    const int *more; /* further descriptors, likewise */
    size_t more_count;
};

/* Opens a pair of non-blocking sockets; 0, or -1 with errno. */
int message_open(int pair[2]) MUST_CHECK;

/* Sends without waiting; 0, or -1 with errno. M's descriptors stay open. */
int message_send(int socket, const struct message *m);

/* Takes the next message, without waiting. */
enum message_result message_receive(struct message *out, int socket) MUST_CHECK;

/* Closes the descriptors of M, which was received. */
void message_close(const struct message *m);

#endif
