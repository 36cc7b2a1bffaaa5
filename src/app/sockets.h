/* SPDX-License-Identifier: MIT */
/*
 * The listening sockets, opened by the master and handed to the workers by
 * fork. The master keeps them all: a worker that takes a dead one's place finds
 * its sockets and their backlogs as they were.
 *
 *                    worker 0   worker 1
 *     0.0.0.0:80        fd         fd       one SO_REUSEPORT socket each
 *     unix:/run/x       fd ──────  fd       one for all
 *     0.0.0.0:81        fd ──────  dup      one for all: activation.h
 *
 * A socket with clients in its backlog is never closed: an older program that
 * had more workers leaves more columns than there are workers now, who serve
 * those in turn.
 */
#ifndef APP_SOCKETS_H
#define APP_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>

#include "app/socket_file.h"
#include "base/hash.h"
#include "base/mem.h"

struct addresses;
struct config;
struct faults;
struct inherit;
struct runtime;

struct sockets {
    size_t listener_count;
    unsigned workers;
    unsigned columns;          /* WORKERS, or more */
    int *fds;                  /* [listener * columns + column]; -1: not open */
    struct socket_file *files; /* [listener]; those of Unix sockets are open */
    struct addr *addrs;        /* [listener] */
    bool *kept;                /* [listener] it was another one's before */
    char **texts;              /* [listener] the addresses, as configured */
    struct map by_text;        /* to their places in texts */
};

/* Opens a socket for every listener of RUNTIME and each of WORKERS, but where
 * BEFORE (or NULL), of as many workers, has those of the same address: they are
 * taken as they are; and but for those that there are in INHERIT. 0, or -1 with
 * a fault for every address that cannot be had. End with sockets_close either
 * way; or, of those that were to take BEFORE's place, with sockets_give_up, or
 * sockets_replace. */
int sockets_open(struct sockets *s, const struct sockets *before,
                 const struct runtime *runtime, unsigned workers,
                 struct inherit *inherit, struct faults *faults) MUST_CHECK;

/* Closes those that are not kept: they will not take another one's place. */
void sockets_give_up(struct sockets *s);

/* *S becomes NEXT, which was opened with it before: what that has not kept is
 * closed. */
void sockets_replace(struct sockets *s, struct sockets *next);

/* A listening TCP socket for each address of every [stats] of CONFIG, in order,
 * on the heap: *COUNT of them, -1 with a fault for one that cannot be had.
 * SHARED: another program of this user, which is about to leave, has them, too.
 */
int *sockets_open_stats(const struct config *config,
                        struct addresses *addresses, bool shared, size_t *count,
                        struct faults *faults) MUST_CHECK;
/* Whether another program has the Unix sockets, too, whose files they are. */
void sockets_share_files(struct sockets *s, bool shared);

/* Removes the files: nobody finds the Unix sockets any more. They stay open. */
void sockets_hide(struct sockets *s);

/* Closes all and removes the files. */
void sockets_close(struct sockets *s);

/* How many sockets a worker has at most of each listener. */
unsigned sockets_rounds(const struct sockets *s);

/* Copies the sockets of WORKER, sockets_rounds for each listener, to FDS; some
 * may be -1. */
void sockets_of_worker(const struct sockets *s, unsigned worker, int *fds);

/* The socket of WORKER for the address that is written as TEXT, or -1; ROUND is
 * 0, and beyond it there may be more. */
int sockets_find(const struct sockets *s, const char *text, unsigned worker,
                 unsigned round);

#endif
