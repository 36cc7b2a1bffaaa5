/* SPDX-License-Identifier: MIT */
/*
 * Memory holds the older bytes and the file the younger ones, so from the first
 * byte in the file on all goes there, until the file is drained: then it is cut
 * to nothing and memory is used again.  A file that is never quite drained (an
 * endless download) gives the disk back what was consumed, in large steps.
 */
#include "proxy/spool.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/buffer.h"

void
spool_init(struct spool *spool, struct buffer_pool *pool, const char *temp_dir,
           uint64_t memory_max, uint64_t file_max)
{
    *spool = (struct spool){
        .pool = pool,
        .temp_dir = temp_dir,
        .memory_max = memory_max,
        .file_max = file_max,
        .fd = -1,
    };
}

void
spool_fini(struct spool *spool)
{
    if (spool->first == NULL && spool->fd < 0)
        return;
    while (spool->first != NULL) {
        struct buffer *buffer = spool->first;

        spool->first = buffer->next;
        buffer_give(spool->pool, buffer);
    }
    if (spool->fd >= 0)
        close(spool->fd);
    spool_init(spool, spool->pool, spool->temp_dir, spool->memory_max,
               spool->file_max);
}

uint64_t
spool_len(const struct spool *spool)
{
    return spool->in_memory - spool->memory_read +
           (uint64_t)(spool->file_end - spool->file_start);
}

bool
spool_is_empty(const struct spool *spool)
{
    return spool_len(spool) == 0;
}

bool
spool_is_full(const struct spool *spool)
{
    if (spool->file_end == 0 && spool->in_memory < spool->memory_max)
        return false;
    return (uint64_t)(spool->file_end - spool->file_freed) >= spool->file_max;
}

/* Sets *CHAIN to buffers for what of N bytes has no room in the last one. */
static int
take_buffers(struct spool *spool, struct buffer **chain, size_t n)
{
    size_t room = spool->last == NULL ? 0 : buffer_room(spool->last);

    *chain = NULL;
    while (room < n) {
        struct buffer *buffer = buffer_take(spool->pool);

        if (buffer == NULL)
            goto give_back;
        buffer->next = *chain;
        *chain = buffer;
        room += BUFFER_SIZE;
    }
    return 0;

give_back:
    while (*chain != NULL) {
        struct buffer *buffer = *chain;

        *chain = buffer->next;
        buffer_give(spool->pool, buffer);
    }
    errno = ENOMEM;
    return -1;
}

static void
add_buffers(struct spool *spool, struct buffer *chain)
{
    if (spool->last == NULL)
        spool->first = chain;
    else
        spool->last->next = chain;
    if (spool->next == NULL) {
        spool->next = chain;
        spool->taken = 0;
    }
}

static int
append_to_memory(struct spool *spool, const uint8_t *p, size_t n)
{
    struct buffer *chain;
    struct buffer *buffer;

    if (take_buffers(spool, &chain, n) < 0)
        return -1;
    buffer = spool->last != NULL ? spool->last : chain;
    if (chain != NULL)
        add_buffers(spool, chain);
    spool->in_memory += n;
    for (;;) {
        size_t part = buffer_room(buffer) < n ? buffer_room(buffer) : n;

        memcpy(buffer->data + buffer->end, p, part);
        buffer->end += (uint32_t)part;
        spool->last = buffer;
        p += part;
        n -= part;
        if (n == 0)
            return 0;
        buffer = buffer->next;
    }
}

/* A file without a name, so that nothing is left whatever happens. */
static int
open_file(const char *temp_dir)
{
    char path[4096];
    int fd = open(temp_dir, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
    int n;

    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
        return fd;
    /* The file system cannot do that. */
    n = snprintf(path, sizeof(path), "%s/moongate-XXXXXX", temp_dir);
    if (n < 0 || (size_t)n >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

/* What was written before a failure lies behind file_end and is overwritten by
 * the next append. */
static int
append_to_file(struct spool *spool, const uint8_t *p, size_t n)
{
    off_t at = spool->file_end;

    if (spool->fd < 0) {
        spool->fd = open_file(spool->temp_dir);
        if (spool->fd < 0)
            return -1;
    }
    while (n > 0) {
        ssize_t written = pwrite(spool->fd, p, n, at);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        at += written;
        p += written;
        n -= (size_t)written;
    }
    spool->file_end = at;
    return 0;
}

int
spool_append(struct spool *spool, const void *p, size_t n)
{
    if (n == 0)
        return 0;
    if (spool->file_max == 0 ||
        (spool->file_end == 0 && n <= spool->memory_max &&
         spool->in_memory <= spool->memory_max - n))
        return append_to_memory(spool, p, n);
    return append_to_file(spool, p, n);
}

int
spool_peek(const struct spool *spool, struct iovec *iov, int max)
{
    struct buffer *buffer = spool->next;
    uint32_t taken = spool->taken;
    int count = 0;

    while (buffer != NULL && count < max) {
        size_t len = buffer_len(buffer) - taken;

        if (len > 0) {
            iov[count].iov_base = buffer->data + buffer->start + taken;
            iov[count].iov_len = len;
            count++;
        }
        buffer = buffer->next;
        taken = 0;
    }
    return count;
}

size_t
spool_peek_file(const struct spool *spool, int *fd, off_t *offset)
{
    *fd = spool->fd;
    *offset = spool->file_start;
    return (size_t)(spool->file_end - spool->file_start);
}

/* Moves on from a buffer that was read to its end; the last one of a spool that
 * keeps stays where it is, since more may be added to it. */
static bool
next_buffer(struct spool *spool)
{
    struct buffer *buffer = spool->next;

    if (spool->keep) {
        if (buffer->next == NULL)
            return false;
        spool->next = buffer->next;
    } else {
        spool->first = spool->next = buffer->next;
        if (buffer->next == NULL)
            spool->last = NULL;
        buffer_give(spool->pool, buffer);
    }
    spool->taken = 0;
    return true;
}

static void
consume_memory(struct spool *spool, size_t n)
{
    if (spool->keep)
        spool->memory_read += n;
    else
        spool->in_memory -= n;
    while (spool->next != NULL) {
        struct buffer *buffer = spool->next;
        size_t len = buffer_len(buffer) - spool->taken;

        if (n < len) {
            spool->taken += (uint32_t)n;
            return;
        }
        n -= len;
        spool->taken += (uint32_t)len;
        if (!next_buffer(spool))
            return;
    }
}

static void
consume_file(struct spool *spool, size_t n)
{
    off_t used;

    spool->file_start += (off_t)n;
    if (spool->keep)
        return;
    if (spool->file_start == spool->file_end) {
        /* If this fails, the next bytes overwrite the old ones. */
        (void)!ftruncate(spool->fd, 0);
        spool->file_start = spool->file_end = spool->file_freed = 0;
        return;
    }
    used = spool->file_start - spool->file_freed;
    if (used < SPOOL_FREE_STEP)
        return;
    if (fallocate(spool->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                  spool->file_freed, used) == 0)
        spool->file_freed = spool->file_start;
}

void
spool_consume(struct spool *spool, size_t n)
{
    assert(n <= spool_len(spool));
    if (n == 0)
        return;
    if (spool->in_memory > spool->memory_read)
        consume_memory(spool, n);
    else
        consume_file(spool, n);
}

void
spool_rewind(struct spool *spool)
{
    assert(spool->keep);
    spool->next = spool->first;
    spool->taken = 0;
    spool->memory_read = 0;
    spool->file_start = 0;
}
