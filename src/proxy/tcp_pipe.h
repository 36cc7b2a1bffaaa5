/* SPDX-License-Identifier: MIT */
/*
 * One direction of a TCP session: bytes of one stream go to another.
 *
 *      from ─▶ [ buffer ] ─▶ to        what is small is copied,
 *      from ─▶ ( conduit ) ─▶ to       bulk passes through a kernel pipe
 *
 * It reads only when all it has read before is written (backpressure), and
 * passes the end on after the last byte.  A direction that fills its buffer
 * PIPE_BULK_READS times in a row is bulk; it is copied again when as many moves
 * in a row were smaller than a buffer.
 */
#ifndef PROXY_TCP_PIPE_H
#define PROXY_TCP_PIPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

struct buffer;
struct conduit;
struct engine;
struct stream;

enum {
    PIPE_BULK_READS = 4,       /* in a row, to change the way of moving */
    PIPE_TURN_BYTES = 1 << 20, /* moved before others have their turn */
};

struct tcp_pipe;

/* Looks at N bytes that were read into pipe->buffer, behind pipe->held bytes of
 * room for those that it has kept back before: sets the buffer's end to where
 * what may go on ends, and `held` to how many it keeps back now.  -1 with
 * errno: they are against the protocol. */
typedef int (*pipe_sift_fn)(struct tcp_pipe *pipe, size_t n);

struct tcp_pipe {
    struct stream *from;
    struct stream *to;
    pipe_sift_fn sift;       /* NULL: bytes pass unseen, else copied */
    uint32_t held;           /* bytes that it keeps back, a few */
    uint32_t room;           /* bytes that it may add: they are left free */
    struct buffer *buffer;   /* NULL while it would be empty */
    struct conduit *conduit; /* likewise */
    uint64_t bytes;          /* written to `to` */
    bool from_ended;         /* the end was read */
    bool to_ended;           /* and was passed on */
    bool bulk;               /* it moves through a conduit */
    bool copies;             /* it never does: the kernel cannot */
    uint8_t streak;          /* reads in a row that spoke for the other way */
};

enum pipe_result {
    PIPE_WAITS, /* for an edge */
    PIPE_BUSY,  /* there is more to do, but others want their turn */
    PIPE_BROKE_FROM,
    PIPE_BROKE_TO, /* of both errno says why */
};

/* Has N bytes go first, as if they had just been read.  -1 with errno: there
 * are more than BUFFER_SIZE, or `sift` refuses them.  Before the first
 * pipe_run. */
int pipe_prime(struct tcp_pipe *pipe, const struct engine *engine,
               const void *p, size_t n) MUST_CHECK;

/* Moves what can be moved.  LAST: the other direction has ended, so that the
 * end is passed on by closing, which is the caller's. */
enum pipe_result
pipe_run(struct tcp_pipe *pipe, const struct engine *engine, bool last);

/* Forgets what is under way. */
void pipe_drop(struct tcp_pipe *pipe, const struct engine *engine);

#endif
