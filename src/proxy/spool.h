/* SPDX-License-Identifier: MIT */
/*
 * A queue of bytes that may be larger than memory: what comes in first is held
 * in buffers, up to a limit, and what comes then in an unlinked temporary
 * file, up to another.  A request's body waits in one until it is whole, a
 * response until a slow client takes it.
 *
 *      append ─▶ [ file … ] [ buffer ][ buffer ][ buffer ] ─▶ peek, consume
 *                 youngest                        oldest
 */
#ifndef PROXY_SPOOL_H
#define PROXY_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/mem.h"

struct buffer;
struct buffer_pool;

enum {
    SPOOL_FREE_STEP = 4 << 20, /* consumed bytes of a file given back at once */
};

struct spool {
    struct buffer_pool *pool;
    const char *temp_dir;
    uint64_t memory_max; /* bytes held in buffers */
    uint64_t file_max;   /* bytes held in the file */
    bool keep;           /* consumed bytes can be had again (spool_rewind) */

    struct buffer *first;
    struct buffer *last;
    struct buffer *next;  /* the one to read from; `first` unless it keeps */
    uint32_t taken;       /* bytes of it that were read */
    uint64_t in_memory;   /* bytes in buffers, read ones of `keep` too */
    uint64_t memory_read; /* keep: those that were read */
    int fd;               /* of the file; -1: there is none */
    off_t file_start;     /* the first byte not consumed */
    off_t file_end;       /* 0: the file is not in use */
    off_t file_freed;     /* bytes before it were given back to the disk */
};

void spool_init(struct spool *spool, struct buffer_pool *pool,
                const char *temp_dir, uint64_t memory_max, uint64_t file_max);

/* Gives everything back; the spool may be used again after spool_init. */
void spool_fini(struct spool *spool);

/* Bytes not yet consumed. */
uint64_t spool_len(const struct spool *spool);
bool spool_is_empty(const struct spool *spool);

/* Whether as much is held as the limits allow: time to stop reading from
 * whoever sends it. */
bool spool_is_full(const struct spool *spool);

/* Adds a copy of the N bytes at P, all or none.  The limits do not stop it
 * (ask spool_is_full), but the kernel may: -1 with errno.  Without room for a
 * file (file_max is 0) all goes to memory. */
int spool_append(struct spool *spool, const void *p, size_t n) MUST_CHECK;

/* The oldest bytes that lie in memory: up to MAX pieces.  0 when the next
 * bytes lie in the file, or there are none. */
int spool_peek(const struct spool *spool, struct iovec *iov, int max);

/* The oldest bytes that lie in the file, when spool_peek says 0: their
 * number, with *FD and *OFFSET.  They are to be copied: sendfile would queue
 * the file's own pages, which change when consumed bytes are given back. */
size_t spool_peek_file(const struct spool *spool, int *fd, off_t *offset);

/* Takes N bytes that were peeked at. */
void spool_consume(struct spool *spool, size_t n);

/* Of a spool that keeps: begins again at its first byte. */
void spool_rewind(struct spool *spool);

#endif
