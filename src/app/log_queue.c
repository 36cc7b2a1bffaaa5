/* SPDX-License-Identifier: MIT */
#include "app/log_queue.h"

#include <stdlib.h>
#include <string.h>

enum {
    LENGTH_BYTES = sizeof(uint32_t), /* before each message */
};

void
log_queue_init(struct log_queue *q)
{
    *q = (struct log_queue){.memory = malloc(LOG_QUEUE_BYTES)};
}

void
log_queue_fini(struct log_queue *q)
{
    free(q->memory);
    *q = (struct log_queue){.memory = NULL};
}

static size_t
message_len(const struct log_queue *q, size_t at)
{
    uint32_t len;

    memcpy(&len, q->memory + at, LENGTH_BYTES);
    return len;
}

/* Moves what waits to the front once half of the memory is behind it, so that
 * each byte is moved once at most for each that has left. */
static bool
has_room(struct log_queue *q, size_t len)
{
    if (q->memory == NULL || len > LOG_QUEUE_BYTES)
        return false;
    if (LOG_QUEUE_BYTES - q->to >= len)
        return true;
    if (q->from < LOG_QUEUE_BYTES / 2)
        return false;
    memmove(q->memory, q->memory + q->from, q->to - q->from);
    q->to -= q->from;
    q->from = 0;
    return LOG_QUEUE_BYTES - q->to >= len;
}

bool
log_queue_put(struct log_queue *q, const struct iovec *iov, unsigned count)
{
    size_t len = 0;
    uint32_t stored;

    for (unsigned i = 0; i < count; i++)
        len += iov[i].iov_len;
    if (!has_room(q, LENGTH_BYTES + len))
        return false;
    stored = (uint32_t)len;
    memcpy(q->memory + q->to, &stored, LENGTH_BYTES);
    q->to += LENGTH_BYTES;
    for (unsigned i = 0; i < count; i++) {
        if (iov[i].iov_len == 0)
            continue;
        memcpy(q->memory + q->to, iov[i].iov_base, iov[i].iov_len);
        q->to += iov[i].iov_len;
    }
    q->count++;
    return true;
}

unsigned
log_queue_peek(const struct log_queue *q, struct iovec *out, unsigned most)
{
    size_t at = q->from;
    unsigned n = 0;

    for (; n < most && at < q->to; n++) {
        size_t len = message_len(q, at);
        size_t sent = n == 0 ? q->sent : 0;

        out[n] =
            (struct iovec){q->memory + at + LENGTH_BYTES + sent, len - sent};
        at += LENGTH_BYTES + len;
    }
    return n;
}

void
log_queue_drop_first(struct log_queue *q)
{
    q->from += LENGTH_BYTES + message_len(q, q->from);
    q->sent = 0;
    q->count--;
    if (q->from == q->to)
        q->from = q->to = 0;
}

void
log_queue_take(struct log_queue *q, size_t len)
{
    while (len > 0) {
        size_t left = message_len(q, q->from) - q->sent;

        if (len < left) {
            q->sent += len;
            return;
        }
        len -= left;
        log_queue_drop_first(q);
    }
}

void
log_queue_rewind(struct log_queue *q)
{
    q->sent = 0;
}

void
log_queue_clear(struct log_queue *q)
{
    *q = (struct log_queue){.memory = q->memory};
}
