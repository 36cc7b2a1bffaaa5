/* SPDX-License-Identifier: MIT */
/*
 * Messages that wait for a log's receiver: whole ones, in order, in memory that
 * has a limit.  The first may have left in part.
 *
 *     | gone | len, message | len, message | ... | free |
 *            from                                to
 */
#ifndef APP_LOG_QUEUE_H
#define APP_LOG_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum {
    LOG_QUEUE_BYTES = 1 << 20, /* of messages that wait, and their lengths */
};

struct log_queue {
    char *memory; /* NULL: there was none, and nothing can wait */
    size_t from;
    size_t to;
    size_t sent; /* bytes of the first message that have left */
    size_t count;
};

void log_queue_init(struct log_queue *q);
void log_queue_fini(struct log_queue *q);

/* Appends a message of the COUNT parts at IOV; false: it does not fit. */
bool
log_queue_put(struct log_queue *q, const struct iovec *iov, unsigned count);

/* What is first to leave, at most MOST messages, one at each place of OUT.
 * Returns how many. */
unsigned
log_queue_peek(const struct log_queue *q, struct iovec *out, unsigned most);

/* LEN bytes of what log_queue_peek gave have left. */
void log_queue_take(struct log_queue *q, size_t len);

/* The first message goes, as if it had left. */
void log_queue_drop_first(struct log_queue *q);

/* A new connection: the first message leaves from its start again. */
void log_queue_rewind(struct log_queue *q);

/* Forgets all. */
void log_queue_clear(struct log_queue *q);

#endif
